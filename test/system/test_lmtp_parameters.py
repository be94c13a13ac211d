"""lmtp(8)'s parameters that have a twin in smtp(8): each transport NAME has its settings, and NAME@anything goes by it, so that one
instance serves all. That the record is read for lmtp, and not its twin, is what is shown here; what it does exactly is in
test_smtp_parameters.py."""
import contextlib
import re
import socket
import time

import pytest

from suite import make, masks
from suite.dns import Dns
from suite.golden import golden
from suite.smtp import Sink, send, turn
from suite.transports import master_lines, silent_servers
from suite.transports import told as whole_log

pytestmark = pytest.mark.root

HEADER = "Subject: test\nFrom: joe@example.net\nX-Drop: x\nMessage-Id: <test@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
MIME = HEADER + "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nX-Part: 1\nContent-Type: message/rfc822\n\nX-Drop: y\nX-Nested: 1\n\nbody\n--b--\n"
REFUSED = {"answers": {"RCPT": "550 5.1.1 nobody"}}
ALL = ["PIPELINING", "8BITMIME", "XFORWARD NAME ADDR PROTO HELO SOURCE PORT"]

# --- what is said and sent: {transport: (settings, how the server behaves, message)} ---
SAID = {
    "generic": ({"lmtp_generic_maps": "inline:{{joe@example.net = joe@isp.example}}"}, {}, HEADER + "\nx\n"),
    "headers": ({"lmtp_header_checks": "regexp:{{/^X-Drop/ IGNORE}}"}, {}, MIME),
    "parts": ({"lmtp_mime_header_checks": "regexp:{{/^X-Part/ IGNORE}}"}, {}, MIME),
    "nested": ({"lmtp_nested_header_checks": "regexp:{{/^X-Nested/ IGNORE}}"}, {}, MIME),
    "body": ({"lmtp_body_checks": "regexp:{{/^body/ IGNORE}}"}, {}, MIME),
    "xforward": ({"lmtp_send_xforward_command": "yes"}, {"extensions": ALL}, HEADER + "\nx\n"),
    "xforward-not": ({}, {"extensions": ALL}, HEADER + "\nx\n"),
    "filtered": ({"lmtp_reply_filter": "regexp:{{/^550 .*/ 450 4.1.1 come again}}"}, REFUSED, HEADER + "\nx\n"),
    "status": ({"lmtp_delivery_status_filter": "pcre:{{/^5(.1.1.*)/ 4$$1}}"}, REFUSED, HEADER + "\nx\n"),
    "bound": ({"lmtp_bind_address": "192.0.2.1"}, {}, HEADER + "\nx\n"),
    "bound-only": ({"lmtp_bind_address": "192.0.2.1", "lmtp_bind_address_enforce": "yes"}, {}, HEADER + "\nx\n"),
}
# --- a server that falls silent: {transport: (settings, the verb, replies before it)} ---
XFORWARD = {"lmtp_xforward_timeout": "1s", "lmtp_send_xforward_command": "yes"}
LARGE = ("x" * 70 + "\n") * 100_000  # more than the buffers between client and server take
SILENT = {
    "silent-lhlo": ({"lmtp_lhlo_timeout": "1s"}, "LHLO", {}),
    "silent-xforward": (XFORWARD, "XFORWARD", {"LHLO": "250-silent\r\n250 XFORWARD NAME ADDR PROTO HELO SOURCE PORT"}),
    "silent-mail": ({"lmtp_mail_timeout": "1s"}, "MAIL", {}),
    "silent-rcpt": ({"lmtp_rcpt_timeout": "1s"}, "RCPT", {}),
    "silent-data": ({"lmtp_data_init_timeout": "1s"}, "DATA", {}),
    "silent-content": ({"lmtp_data_xfer_timeout": "1s"}, "", {}),
    "silent-old-deadline": ({"lmtp_data_xfer_timeout": "1s", "lmtp_per_record_deadline": "yes", "lmtp_min_data_rate": "100000000"}, "", {}),
    "silent-deadline": ({"lmtp_data_xfer_timeout": "1s", "lmtp_per_request_deadline": "yes", "lmtp_min_data_rate": "100000000"}, "", {}),
    "silent-done": ({"lmtp_data_done_timeout": "1s"}, ".", {}),
}
KEPT = {"lmtp_connection_cache_destinations": "127.0.0.1", "lmtp_connection_cache_time_limit": "100s"}
NOBODY = {"RCPT": "550 5.1.1 nobody"}
CLOSED = {
    "silent-rset": ({"lmtp_rset_timeout": "1s", **KEPT}, "RSET", NOBODY),
    "silent-quit": ({"lmtp_quit_timeout": "1s", "lmtp_skip_quit_response": "no"}, "QUIT", NOBODY),
    "quit-unheard": ({"lmtp_skip_quit_response": "yes"}, "QUIT", NOBODY),
}
# --- where a server is: {transport: (settings, host)} ---
HOSTS = {"first": "127.26.1.1", "second": "127.26.1.2", "dead": "127.26.1.9"}
ZONE = {"dead-first.example": {"A": [HOSTS["dead"], HOSTS["first"]]}, "two.example": {"A": [HOSTS["first"], HOSTS["second"]]}, "system.example": {"A": [HOSTS["first"]]}}
ROUTE = {
    "addresses": ({}, "dead-first.example"),
    "addresses-one": ({"lmtp_mx_address_limit": "1"}, "dead-first.example"),
    "sessions": ({}, "two.example"),
    "sessions-one": ({"lmtp_mx_session_limit": "1"}, "two.example"),
    "dns-enabled": ({"lmtp_dns_support_level": "enabled"}, "system.example"),
    "dns-disabled": ({"lmtp_dns_support_level": "disabled"}, "system.example"),
}
RANDOM = {"random": {"lmtp_randomize_addresses": "yes"}, "in-order": {}}
OTHERS = {
    "connect": {"lmtp_connect_timeout": "1s"},
    "bound-v6": {"lmtp_bind_address6": "2001:db8::1", "inet_protocols": "all"},
    "bound-v6-only": {"lmtp_bind_address6": "2001:db8::1", "lmtp_bind_address_enforce": "yes", "inet_protocols": "all"},
    "prefer-v6": {"lmtp_address_preference": "ipv6", "inet_protocols": "all"},
    "prefer-v4": {"lmtp_address_preference": "ipv4", "inet_protocols": "all"},
    "kept-age": {**KEPT, "lmtp_connection_reuse_time_limit": "1s"},
}


@pytest.fixture(scope="module")
def silent():
    with silent_servers({**{name: row[1:] for name, row in {**SILENT, **CLOSED}.items()}, "connect": ("", {})}) as servers:
        yield servers


@pytest.fixture(scope="module")
def sinks():
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(Sink(lmtp=True, **options)) for name, options in {**{name: row[1] for name, row in SAID.items()}, "kept-age": {}}.items()}


@pytest.fixture(scope="module")
def hosts():
    """Two servers at two addresses and one port."""
    with turn("lmtp-parameters"), Sink(address=(HOSTS["first"], 0), lmtp=True, name="first") as first:
        with Sink(address=(HOSTS["second"], first.address[1]), lmtp=True, name="second") as second:
            yield {"first": first, "second": second}


@pytest.fixture(scope="module")
def suite(silent, sinks, hosts):
    transports = {name: row[0] for name, row in {**SAID, **SILENT, **CLOSED, **ROUTE}.items()} | RANDOM | OTHERS
    port = hosts["first"].address[1]
    nexthops = {name: "127.0.0.1:%d" % peer.port for name, peer in silent.items()}
    nexthops.update((name, "127.0.0.1:%d" % sink.address[1]) for name, sink in sinks.items())
    nexthops.update((name, "%s:%d" % (row[1], port)) for name, row in ROUTE.items())
    nexthops.update((name, "two.example:%d" % port) for name in RANDOM)
    nexthops.update({"bound-v6": "[::1]:1", "bound-v6-only": "[::1]:1", "prefer-v6": "both.example:1", "prefer-v4": "both.example:1"})
    table = "".join("{%s@sink.example = %s:inet:%s} " % (name, name, nexthops[name]) for name in transports)
    master = master_lines("lmtp", transports)
    zone = {**ZONE, "both.example": {"A": [HOSTS["dead"]], "AAAA": ["::1"]}}
    with Dns(zone) as dns:
        main_cf = {"transport_maps": "inline:{%s}" % table, "lmtp_host_lookup": "dns", "lmtp_randomize_addresses": "no", "notify_classes": "",
                   "lmtp_connection_cache_on_demand": "no", "connection_cache_ttl_limit": "100s"}
        with make(main_cf=main_cf, master=master, dns=dns.host, files={"/etc/hosts": "127.0.0.1 localhost\n%s system.example\n" % HOSTS["second"]}) as s:
            yield s


def mail(suite, name, message=HEADER + "\nHello.\n"):
    return send(suite, "joe@example.net", name + "@sink.example", message)


def told(suite, since):
    """What lmtp says of one message, when all is told; no mail is left behind."""
    return "".join(line + "\n" for line in whole_log(suite, since).splitlines() if line.startswith("postfix/lmtp: "))


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(suite, sinks, name):
    since = suite.log_size()
    mail(suite, name, SAID[name][2])
    log = told(suite, since)
    lines = sinks[name].ended()[0] if sinks[name].sessions else []
    content = "".join(m["data"].decode().replace("\r\n", "\n") for m in sinks[name].messages)
    said = "".join(re.sub(r"(SIZE|PORT)=\d+", r"\1={n}", line) + "\n" for line in lines)
    golden("lmtp_" + name.replace("-", "_"), masks.mask(said + "--- content\n" + content + "--- log\n" + log))


@pytest.mark.parametrize("name", SILENT)
def test_silence(suite, silent, name):
    since = suite.log_size()
    mail(suite, name, HEADER + "\n" + (LARGE if SILENT[name][1] == "" else "Hello.\n"))
    with silent[name].talk():
        golden("lmtp_" + name.replace("-", "_"), told(suite, since))


@pytest.mark.parametrize("name", CLOSED)
def test_end_of_a_session(suite, silent, name):
    mail(suite, name)
    with silent[name].talk() as connection:
        assert connection.recv(1) == b""
    suite.wait_queue_empty()


def test_connect_timeout(suite, silent):
    # Once the line of those who wait to be accepted is full, nobody hears of his connection.
    silent["connect"].server.listen(0)
    with socket.create_connection(("127.0.0.1", silent["connect"].port)):
        since = suite.log_size()
        mail(suite, "connect")
        golden("lmtp_connect_timeout", told(suite, since))


@pytest.mark.parametrize("name", ROUTE)
def test_route(suite, hosts, name):
    since = suite.log_size()
    hosts["first"].answers = {"RCPT": "451 4.3.0 try the other"} if name.startswith("sessions") else {}
    mail(suite, name)
    golden("lmtp_route_" + name.replace("-", "_"), told(suite, since))


@pytest.mark.parametrize("name, firsts", [("random", {"first", "second"}), ("in-order", {"first"})])
def test_order_of_addresses(suite, hosts, name, firsts):
    hosts["first"].answers = {}
    since, seen = suite.log_size(), set()
    for _ in range(20):
        suite.wait_removed(mail(suite, name))
        seen = {"first" if address == HOSTS["first"] else "second" for address in re.findall(r"to=<%s@.* relay=\S+\[([\d.]+)\]" % name, suite.log(since))}
        if len(seen) == 2:
            break
    assert seen == firsts


@pytest.mark.parametrize("name", ["bound-v6", "bound-v6-only"])
def test_address_of_our_end(suite, name):
    since = suite.log_size()
    mail(suite, name)
    golden("lmtp_" + name.replace("-", "_"), told(suite, since))


@pytest.mark.parametrize("name, first", [("prefer-v6", "::1"), ("prefer-v4", HOSTS["dead"])])
def test_preference(suite, name, first):
    since = suite.log_size()
    mail(suite, name)
    suite.wait_status(since)
    assert re.findall(r"lmtp\[\d+\]: connect to both.example\[(\S+)\]:1: ", suite.log(since))[0] == first
    suite.delete_all()


def test_age_of_a_connection(suite, sinks):
    """What comes after its time is its last."""
    for _ in range(2):
        suite.wait_removed(mail(suite, "kept-age"))
    assert [line for session in sinks["kept-age"].sessions for line in session].count("DATA") == 2
    opened = len(sinks["kept-age"].sessions)
    deadline = time.monotonic() + 30
    while len(sinks["kept-age"].sessions) == opened and time.monotonic() < deadline:
        suite.wait_removed(mail(suite, "kept-age"))
    assert len(sinks["kept-age"].sessions) > opened
