"""NOTIFY, RET, ENVID and ORCPT (RFC 3461) through local(8): what aliases, lists and .forward files make of them for the next hop."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Sink, send

pytestmark = pytest.mark.root

FILES = {
    "/etc/aliases": "postmaster: root\nowner-list: bob\nlist: x@away.example, \"a b\"@away.example\nplain: y@away.example, \"c d\"@away.example\n",
    "/home/carol/.forward": "z@away.example, \"e f\"@away.example\n",
}
CASES = {
    "bare": ("", ""), "all": ("RET=HDRS ENVID=id+2Bx", "NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;first+2Bone@example.org"), "never": ("RET=FULL", "NOTIFY=NEVER"),
    "failure": ("", "NOTIFY=FAILURE"),
}


@pytest.fixture(scope="module")
def sink():
    with Sink(extensions=("DSN",)) as k:
        yield k


@pytest.fixture(scope="module")
def suite(sink):
    with make(main_cf={"relayhost": sink.nexthop, "notify_classes": "", "smtp_connection_cache_on_demand": "no"}, files=FILES) as s:
        yield s


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("recipient", ["list", "plain", "carol"])
def test_envelope_of_the_next_hop(suite, sink, recipient, options):
    before = len(sink.sessions)
    mail, rcpt = CASES[options]
    send(suite, "alice@example.test", recipient + "@example.test", "Subject: dsn\n\nHello.\n", mail=mail, rcpt=rcpt)
    suite.wait_queue_empty()
    lines = [line for s in sink.ended()[before:] for line in s if line.startswith(("MAIL", "RCPT"))]
    golden("dsn_local_%s_%s" % (recipient, options), "\n".join(sorted(lines)))
