"""check_policy_service (SMTPD_POLICY_README): what is sent at each stage, what each answer does, and what becomes of servers that fail."""
import re

import pytest

from suite import make
from suite.access_cases import STAGES, Case, Cases, envelope, hold
from suite.base import free_port
from suite.golden import golden
from suite.make import selected
from suite.policy_server import PolicyServer

ANSWERS = ["OK", "DUNNO", "REJECT", "REJECT 5.7.9 no", "DEFER_IF_PERMIT wait", "450 later", "521 bye", "HOLD why", "DISCARD", "FILTER filter:x", "REDIRECT bob@example.test",
           "BCC bob@example.test", "PREPEND X-Policy: yes", "WARN w", "INFO i", "reject_unauth_destination, reject", "nonsense", "", "check_client_access hash:/x"]
DEFERRED = "451 4.3.5 <unknown[{client}]>: Client host rejected: Server configuration problem"
# What a server may send, and what the client hears then.
HOSTILE = [(b"action=OK\naction=OK\n\n", DEFERRED), (b"\n", DEFERRED), (b"nothing=x\n\n", DEFERRED), (b"action OK\n\n", DEFERRED), (b"=\n\n", DEFERRED), (b"OK\n\n", DEFERRED),
           (b"action=OK" + b"x" * 100000 + b"\n\n", DEFERRED), (b"x" * 1000000, DEFERRED), (b"action=DUNNO\n" * 10000, DEFERRED), (b"x=y\n" * 10000 + b"action=OK\n\n", DEFERRED),
           (b"action=OK", DEFERRED), (b"action=OK\n", DEFERRED),
           (b"foo=bar\naction=REJECT three\n\n", "554 5.7.1 <unknown[{client}]>: Client host rejected: three"),
           (b"action=REJECT a\0b\rc\n\n", "554 5.7.1 <unknown[{client}]>: Client host rejected: a?b?c"),
           (b"action=REJECT b\xff\n\n", "554 5.7.1 <unknown[{client}]>: Client host rejected: b?"),
           (b"action=PREPEND X-A: a\0\rReceived: b\n\n", None)]
TWO = ("MAIL FROM:<joe@example.net> SIZE=4321", "RCPT TO:<alice@example.test>", "RCPT TO:<bob@example.test>", "DATA", "Subject: test\r\n\r\nHello.\r\n.\r\n")
BDAT = ("MAIL FROM:<joe@example.net>", "RCPT TO:<alice@example.test>", "BDAT 4 LAST\r\nx\r\n\n")


def answer_for(request):
    """The sender's local part says which answer is wanted."""
    m = re.match(r"(answer|raw)(\d+)@", request["sender"])
    if not m:
        return "DUNNO"
    return ANSWERS[int(m.group(2))] if m.group(1) == "answer" else HOSTILE[int(m.group(2))][0]


@pytest.fixture(scope="module")
def world():
    gone = free_port()
    flaky = []

    def flaky_answer(request):
        flaky.append(request["instance"])
        return None if len(flaky) % 2 else "REJECT second try"
    with PolicyServer(answer_for) as server, PolicyServer(flaky_answer) as shaky, PolicyServer(lambda r: None) as closing, \
            PolicyServer(lambda r: b"action=REJECT without end") as hanging, PolicyServer(lambda r: "DUNNO") as counted, PolicyServer(lambda r: "REJECT context %s" % r["policy_context"]) as contexts:
        where = "inet:127.0.0.1:%d" % server.port
        ask = "check_policy_service " + where
        families = {
            "stages": [Case(ask, at=stage, service=service, name="%s %s" % (stage, service), steps=("ETRN example.test",) if stage == "etrn" else TWO) for stage in STAGES for service in ("smtp", "atonce")] +
            [Case(ask, name="vrfy", steps=("VRFY alice@example.test",)), Case(ask, name="null sender", sender=""), Case(ask, name="class", at="data", service="smtp")],
            "answers": [Case(ask, name="answer " + text, sender="answer%d@example.net" % n, shown=True) for n, text in enumerate(ANSWERS)] +
            [Case(ask + ", reject", name="answer and reject " + text, sender="answer%d@example.net" % n) for n, text in enumerate(ANSWERS) if text in ("OK", "DUNNO")],
            "hostile": [Case("check_policy_service { %s, try_limit=1, timeout=2s }" % where, sender="raw%d@example.net" % n, shown=True) for n in range(len(HOSTILE))],
            "settings": [Case("check_policy_service { inet:127.0.0.1:%d, policy_context=hello }" % contexts.port, name="context"),
                         Case("check_policy_service { inet:127.0.0.1:%d, { policy_context = two words } }" % contexts.port, name="context in braces"),
                         Case("check_policy_service inet:127.0.0.1:%d" % contexts.port, name="general context", service="context"),
                         Case("check_policy_service { inet:127.0.0.1:%d, try_limit=1, { default_action = REJECT by default } }" % gone, name="refused, default action"),
                         Case("check_policy_service { inet:127.0.0.1:%d, try_limit=1, default_action=DUNNO }" % closing.port, name="closing, default action"),
                         Case("check_policy_service { inet:127.0.0.1:%d, try_limit=1, timeout=1s, default_action=DUNNO }" % hanging.port, name="hanging, default action"),
                         Case("check_policy_service { inet:127.0.0.1:%d, retry_delay=1s }" % shaky.port, name="second try"),
                         Case("check_policy_service { inet:127.0.0.1:%d, try_limit=1 }" % gone, name="refused"),
                         Case("warn_if_reject check_policy_service { inet:127.0.0.1:%d, try_limit=1 }" % gone, name="warned, refused"),
                         Case("check_policy_service unix:private/nosuch", name="no socket", service="once"),
                         Case("check_policy_service inet:127.0.0.1:%d" % gone, name="general default action", service="default"),
                         Case("check_policy_service inet:127.0.0.1:%d" % hanging.port, name="general timeout", service="default")],
            "connections": [Case("check_policy_service inet:127.0.0.1:%d" % counted.port, name=service, service=service)
                            for service in ("context", "idle", "ttl", "requests")],
            "pause": [Case("sleep 2", name="pause")],
        }
        cases = Cases(families, network="127.63")
        services = {"atonce": {"smtpd_delay_reject": "no"}, "context": {"smtpd_policy_service_policy_context": "general"}, "once": {"smtpd_policy_service_try_limit": "1"},
                    "default": {"smtpd_policy_service_default_action": "REJECT nobody says", "smtpd_policy_service_try_limit": "2", "smtpd_policy_service_retry_delay": "1s",
                                "smtpd_policy_service_timeout": "1s"},
                    "idle": {"smtpd_policy_service_max_idle": "1s"}, "ttl": {"smtpd_policy_service_max_ttl": "1s"}, "requests": {"smtpd_policy_service_request_limit": "1"}}
        with make(main_cf=cases.main_cf(), services=services, files=cases.files()) as suite:
            suite.counted = counted
            yield suite, cases, server


def shown(pairs, ports):
    """A request without what differs between runs."""
    hidden = {"client_port": "{port}", "server_port": "{port}", "instance": "{instance}", "mail_version": "{version}"}
    out = []
    for name, value in pairs:
        if name in hidden and value:
            value = hidden[name]
        if name == "queue_id" and value:
            value = "{qid}"
        out.append("%s=%s" % (name, re.sub(r"127\.63\.\d+\.\d+", "{client}", value)))
    return out


def test_what_is_sent(world):
    suite, cases, server = world
    out = []
    for case in cases.families["stages"]:
        del server.requests[:]
        lines, _ = hold(suite, case)
        out += ["== " + case.title] + lines
        instances = {dict(r)["instance"] for r in server.requests}
        assert all(re.fullmatch(r"[0-9a-f.]*", i) for i in instances)
        for n, request in enumerate(server.requests):
            assert dict(request)["server_port"] == str(suite.ports[case.service])
            assert 1024 <= int(dict(request)["client_port"]) < 65536
            # The names are the same each time.
            kept = shown(request, suite.ports)
            out += kept if n == 0 and case is cases.families["stages"][0] else [line for line in kept if not line.endswith("=") and not line.startswith(("request=", "client_", "server_", "compat", "mail_v"))]
            out.append("")
    text = "\n".join(out)
    golden("policy_service_requests", text.replace("tls_sni=\n", ""))        # since 3.12
    if selected() == "ours":
        assert "tls_sni=\npolicy_context=" in text


def test_one_instance_for_a_message(world):
    suite, cases, server = world
    del server.requests[:]
    every = [c for c in cases.families["stages"] if c.name == "recipient smtp"][0]
    hold(suite, every)
    hold(suite, every)
    instances = [dict(r)["instance"] for r in server.requests]
    assert instances[0] == instances[1] and instances[2] == instances[3] and instances[0] != instances[2]


def test_answers(world):
    suite, cases, _ = world
    golden("policy_service_answers", masked(cases.play(suite, "answers")))
    suite.delete_all()


def masked(text):
    text = re.sub(r"inet:127\.0\.0\.1:(?:\d+|\{port\})", "inet:{server}", text)
    return re.sub(r"127\.0\.0\.1:(?:\d+|\{port\})", "{server}", text)


def test_settings(world):
    suite, cases, _ = world
    golden("policy_service_settings", masked(cases.play(suite, "settings")))
    suite.delete_all()


def test_how_long_a_connection_is_kept(world):
    suite, cases, _ = world
    connections = {}
    for case in cases.families["connections"]:
        before = suite.counted.connections
        for one in (case, cases.families["pause"][0], case):        # the process of the case's service rests meanwhile
            assert hold(suite, one)[0] == [".> queued"]
        connections[case.service] = suite.counted.connections - before
    assert connections == {"context": 1, "idle": 2, "ttl": 2, "requests": 2}
    suite.delete_all()


def test_connections_are_kept(world):
    suite, cases, server = world
    case = [c for c in cases.families["stages"] if c.name == "recipient smtp"][0]
    hold(suite, case)
    before = server.connections
    for _ in range(5):
        hold(suite, case)
    assert server.connections <= before + 1


@pytest.mark.extension("Postfix believes the last of several actions, and takes a header with a NUL")
def test_hostile_answers(world):
    """M02: whatever is no answer defers the mail, soon; whatever is one cannot do more than an answer."""
    suite, cases, server = world
    for n, case in enumerate(cases.families["hostile"]):
        lines, queue_id = hold(suite, case)
        want = HOSTILE[n][1]
        got = [re.sub(r"127\.63\.\d+\.\d+", "{client}", line) for line in lines]
        assert got == (["RCPT> " + want] if want else [".> queued"]), (HOSTILE[n][0][:100], got)
        if queue_id:
            shown_header = envelope(suite, queue_id)
            assert not [line for line in shown_header if "\0" in line or "\r" in line], shown_header
    suite.delete_all()


def test_a_refused_end_leaves_nothing(world):
    """S11: after a refusal at the end of data there is no message for which RCPT and DATA could be said again."""
    suite, cases, _ = world
    steps = (*TWO, "RCPT TO:<alice@example.test>", "DATA", "MAIL FROM:<answer0@example.net>", "RCPT TO:<alice@example.test>", "DATA", "Subject: x\r\n\r\nx\r\n.\r\n")
    case = [c for c in cases.families["stages"] if c.name == "end_of_data smtp"][0]
    refused = Case("", service=case.service, address=case.address, steps=tuple(s.replace("joe@", "answer2@") for s in steps))
    lines, queue_id = hold(suite, refused)
    assert [re.sub(r"127\.63\.\d+\.\d+", "{client}", line) for line in lines] == [
        ".> 554 5.7.1 <unknown[{client}]>: Client host rejected: Access denied", "RCPT> 503 5.5.1 Error: need MAIL command", "DATA> 503 5.5.1 Error: need RCPT command", ".> queued"]
    assert queue_id
    suite.delete_all()
