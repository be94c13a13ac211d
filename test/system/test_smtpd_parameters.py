"""smtpd(8)'s parameters that a dialogue (dialogues/) cannot show: what they do to the message, to the time, or by what the machine
has. Each SMTP server has its settings in master.cf."""
import re
import select
import socket
import time

import pytest

from suite import make, masks
from suite.base import free_port
from suite.golden import golden
from suite.smtp import Client, Refused, send

pytestmark = pytest.mark.root

SLOW = {"smtpd_timeout": "1s", "smtpd_per_request_deadline": "yes"}
SERVICES = {
    "hidden": {"smtpd_hide_client_session": "yes"},
    "full": {"queue_minfree": "1000000000000000"},
    "fast": SLOW,
    "slow": {**SLOW, "smtpd_min_data_rate": "1"},
}
# Servers at the only address of IPv6 that every machine has.
NETWORKS = {"": "::/84", "64": "::/64", "128": "::1"}
PORTS = {bits: free_port() for bits in NETWORKS}


def ipv6_server(bits):
    options = " -o smtpd_client_ipv6_prefix_length=" + bits if bits else ""
    return "[::1]:%d inet n - y - - smtpd -o smtpd_client_connection_rate_limit=9 -o smtpd_client_event_limit_exceptions=%s" % (PORTS[bits], options)


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"inet_protocols": "all", "anvil_status_update_time": "1s"}, services=SERVICES,
              master=[ipv6_server(bits) for bits in NETWORKS]) as s:
        yield s


@pytest.mark.parametrize("recipients", [["alice@example.test"], ["bob@example.test", "carol@example.test"]], ids=["one", "two"])
def test_hide_client_session(suite, recipients):
    for service in ("smtp", "hidden"):
        since = suite.log_size()
        before = len(suite.messages(recipients[0][:-13], 0))
        suite.wait_removed(send(suite, "joe@example.net", recipients, "Subject: x\nMessage-Id: <x@example.net>\n\nx\n", service=service))
        suite.wait_log("disconnect from", since=since)
        golden("smtpd_hide_%s_%d" % (service, len(recipients)), masks.mask(suite.messages(recipients[0][:-13], before + 1)[-1].decode()))


def test_queue_minfree(suite):
    since = suite.log_size()
    send(suite, "joe@example.net", "alice@example.test")
    with pytest.raises(Refused, match=r"MAIL FROM:<joe@example.net> : 452 4.3.1 Insufficient system storage$"):
        send(suite, "joe@example.net", "alice@example.test", service="full")
    suite.wait_log("disconnect from .* mail=0/1", since=since)
    lines = [masks.log_line(line) for line in suite.log(since).splitlines() if "Insufficient" in line or "space" in line]
    golden("smtpd_minfree_log", re.sub(r"\d+ bytes", "{n} bytes", "\n".join(lines)))


def survives(suite, service):
    """How long a client that sends 10 bytes in 0.2 s keeps its session; at most until it has sent 80 bytes."""
    with Client(suite.address(service)) as client:
        client.command("MAIL FROM:<joe@example.net>")
        client.command("RCPT TO:<alice@example.test>")
        client.command("DATA")
        since = time.monotonic()
        for _ in range(8):
            client.socket.sendall(b"12345678\r\n")
            if select.select([client.socket], [], [], 0.2)[0]:
                return time.monotonic() - since
        client.command("sent.\r\n.")
        return None


def test_min_data_rate(suite):
    since = suite.log_size()
    assert 0.9 < survives(suite, "fast") < 2
    assert survives(suite, "slow") is None
    suite.wait_log("disconnect from", count=2, since=since)
    assert suite.log(since).count("timeout after DATA") == 1


@pytest.mark.parametrize("bits", NETWORKS)
def test_client_ipv6_prefix_length(suite, bits):
    since = suite.log_size()
    with socket.create_connection(("::1", PORTS[bits])) as s:
        assert s.recv(100).startswith(b"220 ")
    suite.wait_log(r"statistics: max connection rate 1/60s for \(\[::1\]:%d:%s\) " % (PORTS[bits], re.escape(NETWORKS[bits])), since=since)
