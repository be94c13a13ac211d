"""debug_peer_list: what is said to a client or server, or for a next hop, in the log."""
import re

import pytest

from suite import make
from suite.golden import golden
from suite.smtp import Client, Sink

pytestmark = pytest.mark.root


def dialogue(log, program, port):
    """The lines of the log that tell of a dialogue."""
    lines = re.findall(r"/%s\[\d+\]: ([<>] .*)" % program, log)
    # Where commands go out together each side has an order of its own.
    text = "\n".join(line.replace(":%d" % port, ":{port}") for line in sorted(lines, key=lambda line: line[0]))
    return re.sub(r"queued as \w+|SIZE=?\d+", "{n}", re.sub(r"Date: .*|Message-Id: .*|\tid .*|.*; .* \+0000.*", "{time}", text)) + "\n"


CASES = {
    "none": {},
    "address": {"debug_peer_list": "127.0.0.1"},
    "network": {"debug_peer_list": "192.0.2.1, 127.0.0.0/8"},
    "other": {"debug_peer_list": "192.0.2.1"},
    "name": {"debug_peer_list": "localhost"},
    "level": {"debug_peer_list": "127.0.0.1", "debug_peer_level": "1"},
    "table": {"debug_peer_list": "inline:{127.0.0.1=whatever}"},
    "negated": {"debug_peer_list": "!127.0.0.1, 127.0.0.0/8"},
}


@pytest.fixture(scope="module")
def world():
    with Sink() as sink, make(main_cf={"transport_maps": "inline:{away.example=smtp:%s}" % sink.nexthop, "notify_classes": "",
                                       "smtp_connection_cache_on_demand": "no"}) as suite:
        yield suite, sink.address[1]


@pytest.mark.parametrize("name", CASES)
def test_debug_peer(world, name):
    suite, port = world
    suite.settings(**CASES[name])
    since = suite.log_size()
    with Client(suite.smtp) as client:
        client.send("joe@example.test", "x@away.example", "Subject: test\n\n.Hello.\n")
    suite.wait_log("disconnect from", since=since)
    suite.wait_queue_empty()
    log = suite.log(since)
    golden("debug_peer_" + name, "".join("%s\n%s" % (p, dialogue(log, p, port)) for p in ("smtpd", "smtp")))
