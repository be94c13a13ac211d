"""lmtp: the client of smtp(8) under its other name, held against a scripted server. Each recipient has his own reply after the
dot; each recipient's domain is a transport, so that one instance serves all."""
import contextlib
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Sink, send

pytestmark = pytest.mark.root

MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"
PLAIN = {"extensions": []}
# {transport: how the server behaves}; each has a UNIX socket of its own.
SERVERS = {
    "good": {},
    "plain": PLAIN,
    "mixed": {"answers": {r"\. RCPT TO:<r2": "452 4.2.2 full", r"\. RCPT TO:<r3": "550 5.7.1 no", r"RCPT TO:<r4": "550 5.1.1 who", r"RCPT TO:<r5": "450 4.2.0 later"}},
    "none": {"answers": {"RCPT": "550 5.1.1 who"}},
    "later": {"answers": {"RCPT": "450 4.2.0 later"}},
    "sender": {"answers": {"MAIL": "550 5.7.1 not you"}},
    "data": {"answers": {"DATA": "451 4.3.0 no room"}},
    "greeting": {"answers": {"CONNECT": "554 5.3.2 closed"}},
    "busy": {"answers": {"CONNECT": "421 4.3.2 busy"}},
    "lhlo": {"answers": {"LHLO": "502 5.5.1 what"}},
    "lhlolater": {"answers": {"LHLO": "451 4.3.0 later"}},
    "mute": {"answers": {"CONNECT": None}},
    "midway": {"answers": {r"\. RCPT TO:<r2": None}},
    "closes": {"answers": {"RCPT TO:<r2": None}},
    "closing": {"answers": {r"\. RCPT TO:<r2": "421 4.3.2 going down"}},
    "small": {"extensions": ["SIZE 100"]},
}


# {transport of its own: (its settings, how its server behaves, where that listens)}
SETTINGS = {
    "named": ({"lmtp_lhlo_name": "other.example.test"}, {}, "unix"),
    "keywords": ({"lmtp_discard_lhlo_keywords": "size dsn"}, {}, "unix"),
    "keymaps": ({"lmtp_discard_lhlo_keyword_address_maps": "inline:{{127.0.0.1 = dsn}}"}, {}, "tcp"),
    "unquoted": ({"lmtp_quote_rfc821_envelope": "no"}, PLAIN, "unix"),
    "final": ({"lmtp_skip_5xx_greeting": "no"}, {"answers": {"CONNECT": "554 5.3.2 closed"}}, "unix"),
    "broken": ({"lmtp_line_length_limit": "50"}, PLAIN, "unix"),
    "fallback": ({"lmtp_fallback_relay": "unix:private/to-good"}, None, "unix"),
    "assumed": ({"lmtp_assume_final": "yes"}, PLAIN, "unix"),
    "kept": ({"lmtp_connection_cache_destinations": "127.0.0.1", "lmtp_connection_cache_time_limit": "100s"}, {}, "tcp"),
    "keptsocket": ({"lmtp_connection_cache_destinations": "private/to-keptsocket", "lmtp_connection_cache_time_limit": "100s"}, {}, "unix"),
    "counted": ({"lmtp_connection_cache_destinations": "127.0.0.1", "lmtp_connection_cache_time_limit": "100s", "lmtp_connection_reuse_count_limit": "2"}, {}, "tcp"),
}


def nexthops(sinks):
    port = sinks["tcp"].address[1]
    return {**{name: "unix:private/to-%s" % name for name in [*SERVERS, *SETTINGS]},
            **{name: "inet:127.0.0.1:%d" % sinks[name].address[1] for name, row in SETTINGS.items() if row[2] == "tcp"}, "absent": "unix:private/absent", "inet": "inet:127.0.0.1:%d" % port,
            "bare": "127.0.0.1:%d" % port, "bracket": "[127.0.0.1]:%d" % port, "inetbracket": "inet:[127.0.0.1]:%d" % port, "name": "localhost:%d" % port,
            "default": "inet:127.0.0.1", "standard": "127.0.0.1", "nowhere": "inet:127.0.0.1:1", "nobody": "absent.test:24"}


@pytest.fixture(scope="module")
def sinks():
    with contextlib.ExitStack() as stack:
        of_settings = {name: stack.enter_context(Sink(lmtp=True, name=name, **options)) for name, (_, options, where) in SETTINGS.items() if where == "tcp"}
        yield {"tcp": stack.enter_context(Sink(lmtp=True, name="tcp")), "stack": stack, **of_settings}


@pytest.fixture(scope="module")
def suite(sinks):
    hops = nexthops(sinks)
    table = "".join("{%s.test = %s:%s} " % (name, name if name == "default" or name in SETTINGS else "lmtp", hop) for name, hop in hops.items())
    main_cf = {"transport_maps": "inline:{%s}" % table, "lmtp_host_lookup": "native", "lmtp_tcp_port": "2", "notify_classes": "",
               "lmtp_connection_cache_on_demand": "no", "connection_cache_ttl_limit": "100s"}
    master = ["default unix - - n - - lmtp -o lmtp_tcp_port=%d" % sinks["tcp"].address[1]]
    master += ["%s unix - - n - - lmtp" % name + "".join("\n  -o { %s = %s }" % option for option in row[0].items()) for name, row in SETTINGS.items()]
    sockets = {**SERVERS, **{name: options for name, (_, options, where) in SETTINGS.items() if where == "unix" and options is not None}}
    with make(main_cf=main_cf, master=master) as s:
        for name, options in sockets.items():
            sinks[name] = sinks["stack"].enter_context(Sink(address=s.path("/var/spool/postfix/private/to-" + name), lmtp=True, name=name, **options))
        yield s


def deliver(suite, name, recipients=("r1",), body="Hello.", count=None, sender="", **options):
    """What the client says of a message, when all is done that it leads to."""
    since = suite.log_size()
    send(suite, sender, ["%s@%s.test" % (r, name) for r in recipients], MESSAGE % (name, name, body), **options)
    suite.wait_status(since, count=count or len(recipients))
    suite.sync_log()
    lines = [line for line in masks.history(suite.log(since)).splitlines() if line.startswith("postfix/lmtp: ")]
    suite.delete_all()
    return "".join(line + "\n" for line in lines)


def said(session):
    """What a session said; how it took its leave is the client's own affair."""
    return "".join(re.sub(r"SIZE=\d+", "SIZE={n}", line) + "\n" for line in session if line not in ("RSET", "QUIT"))


@pytest.mark.parametrize("name", ["good", "plain"])
def test_a_message(suite, sinks, name):
    log = deliver(suite, name, ["r1", "r2"], sender="joe@example.net", body=".\n.dot")
    message = sinks[name].wait()[0]
    golden("lmtp_" + name, log + said(sinks[name].ended()[0]) + masks.mask(message["data"].decode()))


@pytest.mark.parametrize("name", ["mixed", "none", "later", "sender", "data", "greeting", "busy", "lhlo", "lhlolater", "mute", "midway", "closes", "closing", "small"])
def test_what_the_server_answers(suite, sinks, name):
    log = deliver(suite, name, ["r1", "r2", "r3", "r4", "r5"])
    golden("lmtp_" + name, re.sub(r"message size \d+", "message size {n}", log) + said(sinks[name].ended()[0]))


@pytest.mark.parametrize("name", ["inet", "bare", "bracket", "inetbracket", "name", "default", "standard", "absent", "nowhere", "nobody"])
def test_next_hops(suite, name):
    golden("lmtp_hop_" + name, re.sub(r"(127.0.0.1\]?):\d{4,5}\b", r"\1:{port}", deliver(suite, name)))


@pytest.mark.parametrize("name", ["named", "keywords", "keymaps", "unquoted", "final", "broken"])
def test_settings(suite, sinks, name):
    log = deliver(suite, name, ['"two words"'], body="y" * 60)
    text = said(sinks[name].ended()[0]) + (sinks[name].messages[0]["data"].decode().split("\r\n\r\n")[1] if name == "broken" else "")
    golden("lmtp_" + name, re.sub(r"(127.0.0.1\]?):\d{4,5}\b", r"\1:{port}", log) + text)


@pytest.mark.parametrize("name, action", [("plain", "relayed"), ("assumed", "delivered")])
def test_notice_of_success(suite, name, action):
    since = suite.log_size()
    send(suite, "heidi@example.test", ["r1@%s.test" % name], MESSAGE % (name, name, "Hello."), rcpt="NOTIFY=SUCCESS")
    suite.wait_status(since, count=2)
    assert "\nAction: %s\n" % action in suite.messages("heidi")[-1].decode()
    suite.sh("rm /var/mail/heidi")


def test_fallback(suite):
    golden("lmtp_fallback", deliver(suite, "fallback"))


def test_kept_connections(suite, sinks):
    for name in ("kept", "keptsocket", "counted", "good"):
        before = len(sinks[name].messages)
        for number in range(4):
            suite.wait_removed(send(suite, "", "r1@%s.test" % name, MESSAGE % (name, name, "Hello.")))
            assert len(sinks[name].messages) == before + number + 1
    seen = {name: [sum(line == "DATA" for line in session) for session in sinks[name].sessions] for name in ("kept", "keptsocket", "counted")}
    assert seen == {"kept": [4], "keptsocket": [4], "counted": [3, 1]}
    assert [sum(line == "DATA" for line in session) for session in sinks["good"].sessions[-4:]] == [1, 1, 1, 1]
