"""smtp(8): how mail goes to the next hop, held against a scripted one."""
import re

import pytest

from suite import make, masks
from suite.dns import Dns
from suite.golden import golden
from suite.smtp import Sink, send, turn

pytestmark = pytest.mark.root

MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"
# Name servers answer these; every host has an address of its own, where a sink listens on port 25.
HOSTS = {"first": "127.25.0.1", "second": "127.25.0.2", "third": "127.25.0.3", "dead": "127.25.0.9"}
ZONE = {
    "one.example": {"MX": [(10, "first.mx.example")]},
    "two.example": {"MX": [(10, "first.mx.example"), (20, "second.mx.example")]},
    "dead-first.example": {"MX": [(10, "dead.mx.example"), (20, "second.mx.example")]},
    "all-dead.example": {"MX": [(10, "dead.mx.example")]},
    "nomx.example": {"A": [HOSTS["third"]]},
    "multi.example": {"MX": [(10, "multi.mx.example")]},
    "multi.mx.example": {"A": [HOSTS["dead"], HOSTS["first"]]},
    "alias.example": {"CNAME": ["one.example"]},
    "nullmx.example": {"MX": [(0, "")]},
    "noaddress.example": {"MX": [(10, "gone.mx.example")]},
    "empty.example": {"TXT": []},
    "broken.example": "SERVFAIL",
    "loop.example": {"MX": [(10, "mail.example.test"), (20, "second.mx.example")]},
    "loop-best.example": {"MX": [(5, "first.mx.example"), (10, "mail.example.test"), (20, "second.mx.example")]},
    "only-us.example": {"MX": [(10, "mail.example.test")]},
    "mail.example.test": {"A": ["127.0.0.1"]},
    "example.net": {"MX": [(10, "third.mx.example")]},
    "sub.relayed.example": {"MX": [(10, "third.mx.example")]},
    **{"%s.mx.example" % name: {"A": [address]} for name, address in HOSTS.items()},
}


@pytest.fixture(scope="module")
def dns():
    with Dns(ZONE) as d:
        yield d


@pytest.fixture(scope="module")
def suite(dns):
    # Own addresses are refused as next hops by inet_interfaces; sinks have other ones.
    with make(main_cf={"relay_domains": "relayed.example", "smtp_host_lookup": "dns", "smtp_randomize_addresses": "no", "smtp_balance_inet_protocols": "no",
                       "notify_classes": "", "smtp_connection_cache_on_demand": "no"}, dns=dns.host) as s:
        yield s


def deliver(suite, name, recipients, until="removed", body="Hello.", sender="joe@example.net", count=1, **options):
    """Sends a message; until it is gone with all that comes of it, or (until="status") its recipients have their status."""
    since = suite.log_size()
    qid = send(suite, sender, recipients, MESSAGE % (name, name, body), **options)
    if until == "removed":
        suite.wait_removed(qid)
        suite.wait_queue_empty()
    else:
        suite.wait_status(since, count=count)
    suite.wait_log("disconnect from", since=since)
    text = re.sub(r"message size \d+ exceeds", "message size {n} exceeds", masks.history(suite.log(since)))
    if until != "removed":
        suite.delete_all()
    return text


def session(lines):
    """A session's lines without the parts of a message that differ."""
    return re.sub(r" SIZE=\d+", " SIZE={n}", masks.mask("\n".join(lines)))


# --- to a relay host ---
def relay(settings, sink, **more):
    settings(relayhost=sink.nexthop, **more)


def test_whole_session(suite, settings):
    with Sink() as sink:
        relay(settings, sink)
        log = deliver(suite, "whole", ["x@elsewhere.example", "y@elsewhere.example"], body=".dot\n..two\n\nend of it")
        golden("smtp_whole_log", log)
        golden("smtp_whole_session", session(sink.ended()[0]))
        golden("smtp_whole_message", masks.mask(sink.messages[0]["data"].decode()))


@pytest.mark.parametrize("name, extensions", [
    ("none", []), ("size", ["SIZE"]), ("size_small", ["SIZE 100"]), ("8bit", ["8BITMIME"]), ("dsn", ["DSN"]), ("pipelining", ["PIPELINING"]),
    ("all", ["PIPELINING", "SIZE 1000000", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES", "VRFY", "ETRN", "XFORWARD NAME ADDR", "X-FOO"]),
])
def test_what_is_sent_for_each_extension(suite, settings, name, extensions):
    with Sink(extensions=extensions) as sink:
        relay(settings, sink)
        log = deliver(suite, "ext-" + name, "x@elsewhere.example", mail="BODY=8BITMIME RET=HDRS ENVID=abc+2Bdef",
                      rcpt="NOTIFY=FAILURE,DELAY ORCPT=rfc822;orig+2Bx@elsewhere.example")
        golden("smtp_ext_%s_log" % name, log)
        golden("smtp_ext_%s_session" % name, session(sink.ended()[0]))


def test_helo_where_ehlo_is_unknown(suite, settings):
    with Sink(esmtp=False) as sink:
        relay(settings, sink)
        golden("smtp_helo_log", deliver(suite, "helo", "x@elsewhere.example"))
        golden("smtp_helo_session", session(sink.ended()[0]))


def test_greeting_without_esmtp(suite, settings):
    with Sink(answers={"CONNECT": "220 plain old server"}) as sink:
        relay(settings, sink)
        deliver(suite, "nogreet", "x@elsewhere.example")
        golden("smtp_greeting_session", session(sink.ended()[0]))


def test_long_lines_and_8bit(suite, settings):
    with Sink(extensions=["PIPELINING"]) as sink:
        relay(settings, sink)
        deliver(suite, "long", "x@elsewhere.example", body="x" * 3000 + "\ncaf\u00e9", mail="BODY=8BITMIME")
        assert all(len(line) <= 998 for line in sink.messages[0]["data"].split(b"\r\n"))
        golden("smtp_long_message", masks.mask(sink.messages[0]["data"].decode("utf-8", "backslashreplace")))


def test_null_sender_goes_as_it_is(suite, settings):
    with Sink() as sink:
        relay(settings, sink)
        deliver(suite, "null", "x@elsewhere.example", sender="")
        assert sink.messages[0]["mail"].startswith("MAIL FROM:<>")


CASES = {
    "greeting_4xx": {"CONNECT": "421 4.3.2 busy"},
    "greeting_5xx": {"CONNECT": "554 5.3.2 not here"},
    "ehlo_5xx": {"EHLO": "550 5.7.1 no", "HELO": "550 5.7.1 no"},
    "ehlo_4xx": {"EHLO": "450 4.7.1 later", "HELO": "450 4.7.1 later"},
    "mail_4xx": {"MAIL": "451 4.3.0 later"},
    "mail_5xx": {"MAIL": "550 5.7.1 not from you"},
    "rcpt_4xx": {"RCPT": "450 4.2.1 full"},
    "rcpt_5xx": {"RCPT": "550 5.1.1 who is that"},
    "rcpt_552": {"RCPT": "552 5.2.2 too many recipients"},
    "data_4xx": {"DATA": "451 4.3.0 later"},
    "data_5xx": {"DATA": "554 5.7.1 not that"},
    "dot_4xx": {r"\.": "452 4.3.1 full"},
    "dot_5xx": {r"\.": "554 5.6.0 bad content"},
    "mail_421": {"MAIL": "421 4.3.2 closing"},
    "mail_3xx": {"MAIL": "354 2.1.0 what"},
    "rcpt_3xx": {"RCPT": "354 what"},
    "data_2xx": {"DATA": "250 2.1.0 what"},
    "dot_3xx": {r"\.": "354 what"},
    "multi_line": {"RCPT": "550-5.1.1 first line\n550-5.1.1 second\n550 5.1.1 third"},
    "no_enhanced": {"RCPT": "550 no such user here"},
    "enhanced_class": {"RCPT": "550 4.2.1 class differs"},
    "closed_greeting": {"CONNECT": None},
    "closed_ehlo": {"EHLO": None, "HELO": None},
    "closed_mail": {"MAIL": None},
    "closed_rcpt": {"RCPT": None},
    "closed_data": {"DATA": None},
    "closed_dot": {r"\.": None},
    "garbage_reply": {"MAIL": "this is no reply"},
    "quit_fails": {"QUIT": "500 5.5.1 no"},
}


@pytest.mark.parametrize("case", CASES)
def test_reply(suite, settings, case):
    with Sink(answers=CASES[case]) as sink:
        relay(settings, sink, smtp_skip_5xx_greeting="yes")
        golden("smtp_reply_" + case, deliver(suite, case, "x@elsewhere.example", until="status"))


def test_each_recipient_has_its_own_reply(suite, settings):
    with Sink(answers={"RCPT TO:<bad": "550 5.1.1 bad one", "RCPT TO:<later": "450 4.2.0 later one"}) as sink:
        relay(settings, sink)
        golden("smtp_recipients_log", deliver(suite, "each", ["good@elsewhere.example", "bad@elsewhere.example", "later@elsewhere.example"],
                                             until="status", count=3))
        assert [re.sub(" .*", "", r[8:]) for r in sink.messages[0]["rcpt"]] == ["<good@elsewhere.example>"]


def test_recipient_limit_makes_more_transactions(suite, settings):
    with Sink() as sink:
        relay(settings, sink, smtp_destination_recipient_limit="2", smtp_destination_concurrency_limit="1")
        deliver(suite, "limit", ["r%d@elsewhere.example" % i for i in range(5)])
        assert sorted(len(m["rcpt"]) for m in sink.messages) == [1, 2, 2]


def test_connection_refused(suite, settings):
    with Sink() as sink:
        nexthop = sink.nexthop
    settings(relayhost=nexthop)
    golden("smtp_refused", deliver(suite, "refused", "x@elsewhere.example", until="status"))


def test_timeout_of_a_silent_server(suite, settings):
    with Sink(answers={"EHLO": "250-sink"}) as sink:
        relay(settings, sink, smtp_helo_timeout="1s")
        golden("smtp_timeout", deliver(suite, "silent", "x@elsewhere.example", until="status"))


# --- by DNS ---
@pytest.fixture(scope="module")
def hosts():
    with turn("smtp-client"):
        sinks = {name: Sink(address=(HOSTS[name], 25), name=name) for name in ("first", "second", "third")}
        yield sinks
        for sink in sinks.values():
            sink.close()


@pytest.mark.parametrize("domain, until", [
    ("one.example", "removed"), ("two.example", "removed"), ("dead-first.example", "removed"), ("nomx.example", "removed"), ("multi.example", "removed"),
    ("alias.example", "removed"), ("all-dead.example", "status"), ("nullmx.example", "removed"), ("noaddress.example", "status"),
    ("empty.example", "removed"), ("broken.example", "status"), ("absent.example", "removed"), ("loop-best.example", "removed"),
    ("only-us.example", "removed"), ("loop.example", "removed"), ("[127.25.0.2]", "removed"), ("[127.25.0.9]", "status"), ("sub.relayed.example", "removed"),
])
def test_mx(suite, settings, hosts, domain, until):
    if suite.changed_settings:
        settings()
    golden("smtp_mx_" + domain.strip("[]"), deliver(suite, "mx", "x@" + domain, until=until))


def test_second_mx_after_a_temporary_refusal(suite, settings, hosts):
    if suite.changed_settings:
        settings()
    hosts["first"].answers = {"RCPT": ["451 4.3.0 try the other"]}
    try:
        golden("smtp_second_mx", deliver(suite, "second", "x@two.example"))
    finally:
        hosts["first"].answers = {}


# --- where it goes ---
def test_transport_maps(suite, settings, hosts):
    with Sink() as sink:
        table = ("exact.example smtp:%s\n.sub.example smtp:%s\nuser@one.example discard:that user\nerr.example error:5.7.9 not to them\n"
                 "ret.example retry:4.7.9 later\nlocal.example local:\nnull.example :\n" % (sink.nexthop, sink.nexthop))
        suite.write("/etc/postfix/transport", table)
        suite.sh("postmap hash:/etc/postfix/transport")
        settings(transport_maps="hash:/etc/postfix/transport")
        for name, rcpt, until in [("exact", "x@exact.example", "removed"), ("sub", "x@a.b.sub.example", "removed"), ("user", "user@one.example", "removed"),
                                  ("other", "other@one.example", "removed"), ("null", "x@null.example", "status")]:
            golden("transport_" + name, deliver(suite, "transport", rcpt, until=until))
        for name, rcpt, until in [("err", "x@err.example", "status=bounced"), ("ret", "x@ret.example", "status=deferred")]:
            since = suite.log_size()
            suite.sh("printf 'Message-Id: <t@example.net>\\n\\nx\\n' | sendmail -f alice@example.test " + rcpt)
            suite.wait_log(until, since=since)
            if name == "err":
                suite.wait_queue_empty()
            golden("transport_" + name, masks.history(suite.log(since)))
            suite.delete_all()


def test_sender_gets_the_bounce(suite, settings, hosts):
    with Sink(answers={"RCPT TO:<bad": "550 5.1.1 <bad@elsewhere.example>: no such user"}) as sink:
        relay(settings, sink)
        deliver(suite, "bounced", "bad@elsewhere.example", until="removed", sender="alice@example.test")
        golden("smtp_bounce_notice", masks.mask(suite.messages("alice", 1)[-1].decode()))


def test_tls_level_encrypt_is_never_plaintext(suite, settings):
    with Sink() as sink:
        relay(settings, sink, smtp_tls_security_level="encrypt")
        log = deliver(suite, "tls", "x@elsewhere.example", until="status")
        assert "status=deferred" in log
        assert not sink.messages and not [line for s in sink.sessions for line in s if line.startswith("MAIL")]
