"""smtp(8)'s parameters: each is set for a transport of its own, which has its name, and seen at the next hop or in the log.

A recipient NAME@anywhere goes by transport NAME, so that one instance serves all, without a reload."""
import contextlib
import re
import select
import socket

import pytest

from suite import make
from suite.dns import Dns
from suite.golden import golden
from suite.smtp import Client, Sink, send, turn
from suite.transports import master_lines, silent_servers, told

pytestmark = pytest.mark.root

MESSAGE = "Subject: test\nFrom: joe@example.net\nMessage-Id: <test@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"
LARGE = "x" * 70 + "\n"
MANY_LINES = 100_000  # more than the buffers between client and server take
HOSTS = {"first": "127.26.0.1", "second": "127.26.0.2", "dead": "127.26.0.9"}
ZONE = {
    "two.example": {"MX": [(10, "first.mx.example"), (20, "second.mx.example")]},
    "dead-first.example": {"MX": [(10, "both.mx.example")]},
    "both.mx.example": {"A": [HOSTS["dead"], HOSTS["first"]]},
    "mx-fails.example": {"MX": "SERVFAIL", "A": [HOSTS["first"]]},
    "noaddress.example": {"MX": [(10, "gone.mx.example")]},
    "system.example": {"MX": [(10, "first.mx.example")]},
    "v6.example": {"AAAA": ["::1"]},
    **{"%s.mx.example" % name: {"A": [address]} for name, address in HOSTS.items()},
}

# --- what is said to a server: {transport: (settings, what is said before DATA)} ---
ALL = ["PIPELINING", "SIZE 1000000", "8BITMIME", "DSN"]
PLAIN = {"answers": {"CONNECT": "220 plain old server"}, "extensions": []}
FULL = {"extensions": ALL}
SAID = {
    "ehlo": ({}, PLAIN, ["EHLO mail.example.test", "MAIL FROM:<joe@example.net>", "RCPT TO:<ehlo@sink.example>"]),
    "ehlo-asked": ({"smtp_always_send_ehlo": "no"}, PLAIN,
                   ["HELO mail.example.test", "MAIL FROM:<joe@example.net>", "RCPT TO:<ehlo-asked@sink.example>"]),
    "ehlo-said": ({"smtp_always_send_ehlo": "no"}, {"extensions": []},
                  ["EHLO mail.example.test", "MAIL FROM:<joe@example.net>", "RCPT TO:<ehlo-said@sink.example>"]),
    "ehlo-never": ({"smtp_never_send_ehlo": "yes"}, FULL,
                   ["HELO mail.example.test", "MAIL FROM:<joe@example.net>", "RCPT TO:<ehlo-never@sink.example>"]),
    "keywords": ({}, FULL, ["EHLO mail.example.test", "MAIL FROM:<joe@example.net> SIZE={n} BODY=8BITMIME ENVID=abc RET=HDRS",
                            "RCPT TO:<keywords@sink.example> ORCPT=rfc822;keywords@sink.example NOTIFY=NEVER"]),
    "keywords-not": ({"smtp_discard_ehlo_keywords": "size, DSN"}, FULL,
                     ["EHLO mail.example.test", "MAIL FROM:<joe@example.net> BODY=8BITMIME", "RCPT TO:<keywords-not@sink.example>"]),
    "keywords-here": ({"smtp_discard_ehlo_keyword_address_maps": "inline:{{127.0.0.1 = 8bitmime dsn}}"}, FULL,
                      ["EHLO mail.example.test", "MAIL FROM:<joe@example.net>", "RCPT TO:<keywords-here@sink.example>"]),
    "keywords-there": ({"smtp_discard_ehlo_keywords": "dsn", "smtp_discard_ehlo_keyword_address_maps": "inline:{{127.0.0.2 = 8bitmime}}"}, FULL,
                       ["EHLO mail.example.test", "MAIL FROM:<joe@example.net> SIZE={n} BODY=8BITMIME", "RCPT TO:<keywords-there@sink.example>"]),
    "quoted": ({}, PLAIN, ["EHLO mail.example.test", 'MAIL FROM:<"joe b"@example.net>', "RCPT TO:<quoted@sink.example>"]),
    "quoted-not": ({"smtp_quote_rfc821_envelope": "no"}, PLAIN,
                   ["EHLO mail.example.test", "MAIL FROM:<joe b@example.net>", "RCPT TO:<quoted-not@sink.example>"]),
    "port": ({}, PLAIN, ["EHLO mail.example.test", "MAIL FROM:<joe@example.net>", "RCPT TO:<port@sink.example>"]),
}

# --- a server that falls silent: {transport: (settings, the verb, replies before it)} ---
KEPT = {"smtp_connection_cache_destinations": "other.example 127.0.0.1"}
REFUSAL = {"RCPT": "550 5.1.1 nobody"}
SILENT = {
    "silent-mail": ({"smtp_mail_timeout": "1s"}, "MAIL", {}),
    "silent-rcpt": ({"smtp_rcpt_timeout": "1s"}, "RCPT", {}),
    "silent-data": ({"smtp_data_init_timeout": "1s"}, "DATA", {}),
    "silent-content": ({"smtp_data_xfer_timeout": "1s"}, "", {}),
}
CLOSED = {
    "silent-rset": ({"smtp_rset_timeout": "1s", **KEPT}, "RSET", REFUSAL),
    "silent-quit": ({"smtp_quit_timeout": "1s", "smtp_skip_quit_response": "no"}, "QUIT", REFUSAL),
    "quit-unheard": ({}, "QUIT", REFUSAL),
    "quit-heard": ({"smtp_skip_quit_response": "no"}, "QUIT", REFUSAL),
}
# --- a server that reads the content slowly ---
DEADLINE = {"smtp_per_request_deadline": "yes", "smtp_data_xfer_timeout": "1s"}
SLOW = {
    "slow": {"smtp_data_xfer_timeout": "1s"},
    "slow-deadline": {**DEADLINE, "smtp_min_data_rate": "100000000"},
    "slow-rate": {**DEADLINE, "smtp_min_data_rate": "10000"},
}
# --- connections that are kept ---
LONG = {**KEPT, "smtp_connection_cache_time_limit": "100s"}
CACHE = {
    "kept": LONG,
    "kept-ttl": LONG,
    "kept-not": {"smtp_connection_cache_time_limit": "100s"},
    "kept-short": {**KEPT, "smtp_connection_cache_time_limit": "1s"},
    "kept-count": {**LONG, "smtp_connection_reuse_count_limit": "2"},
    "kept-age": {**LONG, "smtp_connection_reuse_time_limit": "1s"},
}
# --- by DNS: {transport: (settings, domain, what waits for)} ---
ROUTE = {
    "mx-error": ({}, "mx-fails.example"),
    "mx-error-ignored": ({"ignore_mx_lookup_error": "yes"}, "mx-fails.example"),
    "addresses": ({}, "dead-first.example"),
    "addresses-one": ({"smtp_mx_address_limit": "1"}, "dead-first.example"),
    "sessions": ({}, "two.example"),
    "sessions-one": ({"smtp_mx_session_limit": "1"}, "two.example"),
    "no-address": ({}, "noaddress.example"),
    "no-address-deferred": ({"smtp_defer_if_no_mx_address_found": "yes"}, "noaddress.example"),
    "dns-enabled": ({"smtp_dns_support_level": "enabled"}, "system.example"),
    "dns-dnssec": ({"smtp_dns_support_level": "dnssec", "dnssec_probe": ""}, "system.example"),
    "dns-disabled": ({"smtp_dns_support_level": "disabled"}, "system.example"),
    "from-there": ({"smtp_bind_address": "192.0.2.1"}, "two.example"),
    "from-there-only": ({"smtp_bind_address": "192.0.2.1", "smtp_bind_address_enforce": "yes"}, "two.example"),
    "from-v6": ({"smtp_bind_address6": "2001:db8::1", "inet_protocols": "all"}, "v6.example"),
    "from-v6-only": ({"smtp_bind_address6": "2001:db8::1", "smtp_bind_address_enforce": "yes", "inet_protocols": "all"}, "v6.example"),
}


@pytest.fixture(scope="module")
def silent():
    rows = {name: row[1:] for name, row in {**SILENT, **CLOSED}.items()}
    with silent_servers({**rows, **dict.fromkeys([*SLOW, "connect"], ("", {}))}) as servers:
        yield servers


@pytest.fixture(scope="module")
def sinks():
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(Sink(**options)) for name, options in
               {**{name: sink for name, (_, sink, _) in SAID.items()}, **dict.fromkeys(CACHE, {})}.items()}


@pytest.fixture(scope="module")
def hosts():
    with turn("smtp-parameters"), Sink(address=(HOSTS["first"], 25), name="first") as first, Sink(address=(HOSTS["second"], 25), name="second") as second:
        yield {"first": first, "second": second}


@pytest.fixture(scope="module")
def suite(silent, sinks):
    transports = {name: row[0] for name, row in {**SAID, **SILENT, **CLOSED, **ROUTE}.items()}
    transports.update({**SLOW, **CACHE, "connect": {"smtp_connect_timeout": "1s"}, "dns-bad": {"smtp_dns_support_level": "sometimes"}})
    nexthops = {name: "[127.0.0.1]:%d" % sink.address[1] for name, sink in sinks.items()}
    nexthops.update((name, "[127.0.0.1]:%d" % peer.port) for name, peer in silent.items())
    nexthops["port"] = "[127.0.0.1]"
    table = "".join("{%s@%s = %s:%s} " % (name, ROUTE[name][1] if name in ROUTE else "sink.example", name, nexthops.get(name, "")) for name in transports)
    transports["port"] = {"smtp_tcp_port": str(sinks["port"].address[1])}
    master = master_lines("smtp", transports)
    with Dns(ZONE) as dns:
        main_cf = {"transport_maps": "inline:{%s}" % table, "smtp_host_lookup": "dns", "smtp_randomize_addresses": "no",
                   "smtp_connection_cache_on_demand": "no", "connection_cache_ttl_limit": "100s", "notify_classes": ""}
        with make(main_cf=main_cf, master=master, dns=dns.host, files={"/etc/hosts": "127.0.0.1 localhost\n%s system.example\n" % HOSTS["second"]}) as s:
            yield s


def mail(suite, name, domain="sink.example", sender="joe@example.net", body="Hello.", **options):
    return send(suite, sender, "%s@%s" % (name, domain), MESSAGE % body, **options)


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(suite, sinks, name):
    with Client(suite.smtp) as client:
        client.send('"joe b"@example.net' if name.startswith("quoted") else "joe@example.net", name + "@sink.example", MESSAGE % "Hello.",
                    mail="BODY=8BITMIME RET=HDRS ENVID=abc" if name.startswith("keywords") else "",
                    rcpt="NOTIFY=NEVER" if name.startswith("keywords") else "")
    sinks[name].wait()
    session = sinks[name].ended()[0]
    assert [re.sub(r"SIZE=\d+", "SIZE={n}", line) for line in session[:session.index("DATA")]] == SAID[name][2]
    suite.wait_queue_empty()


@pytest.mark.parametrize("name", SILENT)
def test_silence(suite, silent, name):
    since = suite.log_size()
    mail(suite, name, body=LARGE * MANY_LINES if name == "silent-content" else "Hello.")
    with silent[name].talk():
        golden("smtp_" + name.replace("-", "_"), told(suite, since))


@pytest.mark.parametrize("name", CLOSED)
def test_end_of_a_session(suite, silent, name):
    mail(suite, name)
    with silent[name].talk() as connection:
        if name == "quit-heard":
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(10)
            connection.sendall(b"221 2.0.0 Bye\r\n")
        assert connection.recv(1) == b""
    suite.wait_queue_empty()


def test_connect_timeout(suite, silent):
    # Once the line of those who wait to be accepted is full, nobody hears of his connection.
    silent["connect"].server.listen(0)
    with socket.create_connection(("127.0.0.1", silent["connect"].port)):
        since = suite.log_size()
        mail(suite, "connect")
        golden("smtp_connect_timeout", told(suite, since))


def read_some(connection, count=len(LARGE) * MANY_LINES // 10):
    """A tenth of the content; False when it has ended, or the connection has."""
    while count > 0:
        part = connection.recv(count)
        count -= len(part)
        if part.endswith(b"\r\n.\r\n"):
            connection.sendall(b"250 2.0.0 Ok: taken\r\n")
            return False
        if not part:
            return False
    return True


@pytest.mark.parametrize("name", SLOW)
def test_slow_server(suite, silent, name):
    since = suite.log_size()
    mail(suite, name, body=LARGE * MANY_LINES)
    with silent[name].talk() as connection:
        while read_some(connection):
            select.select([], [], [], 0.2)  # the pace is what this is about
        golden("smtp_" + name.replace("-", "_"), told(suite, since))


def test_kept_connections(suite, sinks):
    def send_to(name):
        count = len(sinks[name].messages)
        suite.wait_removed(mail(suite, name))
        assert len(sinks[name].messages) == count + 1

    for name in ("kept", "kept-not", "kept-age"):
        send_to(name)
    for _ in range(5):
        send_to("kept-count")
    for _ in range(3):  # what passes meanwhile is one second each
        send_to("kept-short")
        sinks["kept-short"].ended()
    for name in ("kept", "kept-not", "kept-age"):
        send_to(name)
    send_to("kept-age")  # what came after its time was the last
    seen = {name: [sum(line == "DATA" for line in session) for session in sinks[name].sessions] for name in CACHE if name != "kept-ttl"}
    assert seen == {"kept": [2], "kept-not": [1, 1], "kept-short": [1, 1, 1], "kept-count": [3, 2], "kept-age": [2, 1]}


def test_longest_time_that_a_connection_is_kept(suite, settings, sinks):
    settings(connection_cache_ttl_limit="1s")
    mail(suite, "kept-ttl")
    sinks["kept-ttl"].ended()
    settings()


@pytest.mark.parametrize("name", ROUTE)
def test_route(suite, hosts, name):
    since = suite.log_size()
    if name.startswith("sessions"):
        hosts["first"].answers = {"RCPT": "451 4.3.0 try the other"}
    try:
        mail(suite, name, domain=ROUTE[name][1])
        golden("smtp_route_" + name.replace("-", "_"), told(suite, since))
    finally:
        hosts["first"].answers = {}


def test_a_level_of_dns_support_that_there_is_not(suite):
    since = suite.log_size()
    mail(suite, "dns-bad")
    suite.wait_log(r'smtp\[\d+\]: fatal: invalid smtp_dns_support_level: "sometimes"$', since=since)
