"""postscreen behind a proxy that speaks the PROXY protocol (postscreen_upstream_proxy_protocol): who is tested, and who goes on to smtpd."""
import re
import socket

import pytest

from suite import make
from suite.golden import golden
from suite.policy_server import PolicyServer
from suite.screen_cases import Case, Cases

pytestmark = pytest.mark.root

PROXIED = {"postscreen_upstream_proxy_protocol": "haproxy"}
LINE = b"PROXY TCP4 {client} 192.0.2.1 4711 25\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
GO = ("<", "QUIT", "<*")
MAIL = ("<", "EHLO client.example", "<", "MAIL FROM:<joe@example.net>", "<", "RCPT TO:<alice@example.test>", "<", "QUIT", "<*")


def binary(family, client, server, more=b""):
    """Version 2; ports as in LINE."""
    pack = {b"\x11": socket.AF_INET, b"\x21": socket.AF_INET6}[family]
    body = socket.inet_pton(pack, client) + socket.inet_pton(pack, server) + b"\x12\x67\0\x19" + more
    return SIGNATURE + b"\x21" + family + len(body).to_bytes(2, "big") + body


CASES = [
    Case("version 1", (LINE, *GO), PROXIED, source="127.66.0.1"),
    Case("version 2", (binary(b"\x11", "127.66.9.1", "192.0.2.1"), *GO), PROXIED, address="127.66.9.1", source="127.66.0.1"),
    Case("version 2 with more in it", (binary(b"\x11", "127.66.9.2", "192.0.2.1", b"\x04\0\x02xx"), *GO), PROXIED, address="127.66.9.2", source="127.66.0.1"),
    Case("the proxy speaks for itself", (SIGNATURE + b"\x20\0\0\0", *GO), PROXIED),
    Case("the client's first bytes are with it", (LINE + b"EHLO early.example\r\n", "<-", "<*"), {**PROXIED, "postscreen_greet_action": "drop"}, source="127.66.0.1"),
    Case("the access list is asked about the client", (LINE, "<*"), {**PROXIED, "postscreen_access_list": "cidr:{{127.66.0.0/24 permit}, {127.66.0.0/16 reject}}", "postscreen_denylist_action": "drop"},
         address="127.66.1.1", source="127.66.0.1"),
    Case("the interface is the one that the proxy names", (LINE, *MAIL), {**PROXIED, "postscreen_allowlist_interfaces": "!192.0.2.1 static:all"}, source="127.66.0.1"),
    Case("tests after the greeting", (LINE, *MAIL), {**PROXIED, "postscreen_pipelining_enable": "yes"}, source="127.66.0.1"),
    Case("away", (LINE, "<-", "x"), {**PROXIED, "postscreen_greet_wait": "10s"}, source="127.66.0.1"),
]


def test_client():
    cases = Cases({"proxy": CASES}, network="127.66")
    with make(master=cases.master()) as suite:
        golden("postscreen_proxy", cases.play(suite)["proxy"])


# What comes, and what the log says of it.
BAD = [
    (b"PROXY UNKNOWN\r\n", r"bad or missing protocol type: PROXY UNKNOWN\r\n"),
    (b"PROXY TCP4 192.0.2.7\r\n", r"bad or missing server address: PROXY TCP4 192.0.2.7\r\n"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n", r"bad or missing protocol type: PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n"),
    (b"PROXY TCP4 192.0.2.7", r"missing protocol header terminator: PROXY TCP4 192.0.2.7"),
    (b"EHLO a\r\n", r"short protocol header: EHLO a\r\n"),
    (b"GET / HTTP/1.1\r\n\r\n", r"unrecognized protocol header: GET / HTTP/1.1\r\n\r\n"),
    (SIGNATURE + b"\x31\x11\0\0", r'unrecognized protocol version: \r\n\r\n\000\r\nQUIT\n1\021\000\000'),
    (SIGNATURE + b"\x21\x31\0\0", r'unsupported network protocol: \r\n\r\n\000\r\nQUIT\n!1\000\000'),
    ("end", "EOF"),
    ("nothing", "time limit exceeded"),
]


@pytest.fixture(scope="module")
def proxied():
    cases = Cases({"x": [Case("x", (), {**PROXIED, "postscreen_upstream_proxy_timeout": "1s", "postscreen_greet_action": "drop"})]})
    with make(master=cases.master()) as suite:
        yield suite, ("127.0.0.1", cases.port(cases.all()[0]))


@pytest.mark.parametrize("said, complaint", BAD, ids=[complaint.split(":")[0] for _, complaint in BAD])
def test_no_header(proxied, said, complaint):
    """It is logged, and the proxy hears of it, unless the end of the connection has overtaken that."""
    suite, address = proxied
    since = suite.log_size()
    with socket.create_connection(address, timeout=30) as connection:
        if isinstance(said, bytes):
            connection.sendall(said)
        elif said == "end":
            connection.shutdown(socket.SHUT_WR)
        try:
            assert connection.makefile("rb").read() in (b"", b"421 4.3.2 No system resources\r\n")[isinstance(said, str):]
        except ConnectionResetError:
            assert isinstance(said, bytes)
    suite.wait_log(r"postscreen\[\d+\]: warning: haproxy read: " + re.escape(complaint) + "$", since=since)
    assert "CONNECT from" not in suite.log(since)


def test_header_in_pieces_is_none(proxied):
    suite, address = proxied
    since = suite.log_size()
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"PROXY TCP4 192")
        suite.wait_log(r"haproxy read: missing protocol header terminator: PROXY TCP4 192$", since=since)


def test_other_protocol():
    cases = Cases({"x": [Case("x", (), {"postscreen_upstream_proxy_protocol": "other"})]})
    with make(master=cases.master()) as suite:
        with socket.create_connection(("127.0.0.1", cases.port(cases.all()[0]))):
            suite.wait_log(r"postscreen\[\d+\]: fatal: unsupported postscreen_upstream_proxy_protocol value: other$")


def test_smtpd_knows_whom_the_proxy_speaks_for():
    """smtpd has the client's address and port, and the server's, which policies may ask for."""
    with PolicyServer(lambda request: "REJECT") as policy:
        cases = Cases({"x": [Case("x", ("<", "EHLO client.example", "<", "MAIL FROM:<joe@example.net>", "<", "RCPT TO:<alice@example.test>", "<", "QUIT", "<*"),
                                  {**PROXIED, "postscreen_access_list": "static:permit"}, source="127.66.0.1")]}, network="127.66")
        case = cases.all()[0]
        case.steps = (LINE, *case.steps)
        server = "smtpd pass - - y - - smtpd\n -o smtpd_peername_lookup=no\n -o smtpd_client_port_logging=yes\n -o { smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:%d }" % policy.port
        with make(master=[*cases.master(), server]) as suite:
            golden("postscreen_proxy_smtpd", cases.play(suite)["x"])
        asked = dict(policy.requests[0])
        assert [asked[name] for name in ("client_address", "client_port", "server_address", "server_port")] == [case.address, "4711", "192.0.2.1", "25"]
