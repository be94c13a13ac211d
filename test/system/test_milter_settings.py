"""Milters that are not there or fail, by their default action; the settings of one; smtpd_milter_maps; mail that does not come by SMTP."""
import os
import re
import struct

import pytest

from suite import make
from suite.golden import golden
from suite.milter import ACCEPT, CLOSE, CONTINUE, DISCARD, HANG, REJECT, TEMPFAIL, Milter, add_header, insert_header, packet, reply
from suite.milter_story import mask, story, tell

pytestmark = pytest.mark.root

FLOW = ["MAIL FROM:<a@example.net> BODY=8BITMIME", "RCPT TO:<alice@example.test>", "DATA", "."]
ACTIONS = ["accept", "reject", "tempfail", "quarantine", "shutdown"]
SHORT = "connect_timeout=1s, command_timeout=1s, content_timeout=1s"


@pytest.fixture(scope="module")
def milters():
    with Milter() as first, Milter() as second:
        yield first, second


@pytest.fixture(scope="module")
def suite(milters):
    first, second = (m.address for m in milters)
    with make(main_cf={"smtpd_milters": first, "non_smtpd_milters": first, "compatibility_level": "3.9", "local_recipient_maps": "inline:{alice=x bob=x}",
                       "virtual_alias_maps": "inline:{{list@example.test = alice bob}, {bad@example.test = nosuch}}", "notify_classes": "", "default_transport": "discard:gone", "milter_default_action": "tempfail"},
              services={**{"absent_" + a: {"smtpd_milters": "{ inet:127.0.0.1:1, default_action=%s }" % a} for a in ACTIONS},
                        **{"absent_first_" + a: {"smtpd_milters": "{ inet:127.0.0.1:1, default_action=%s }, %s" % (a, second)} for a in ACTIONS},
                        **{"global_" + a: {"smtpd_milters": "inet:127.0.0.1:1", "milter_default_action": a} for a in ACTIONS},
                        **{"close_" + a: {"smtpd_milters": "{ %s, default_action=%s }" % (first, a)} for a in ACTIONS},
                        "short": {"smtpd_milters": "{ %s, %s }" % (first, SHORT)}}) as s:
        yield s


def prepare(milters, answers=None, **options):
    for m in milters:
        m.answers, m.steps, m.symbols, m.options, m.version, m.actions, m.closes = {}, 0, {}, None, 6, 0x1ff, ""
    milters[0].answers = dict(answers or {})
    for key, value in options.items():
        setattr(milters[0], key, value)


def run(name, suite, milters, lines=FLOW, answers=None, service="smtp", used=1, **options):
    prepare(milters, answers, **options)
    text = story(suite, milters[:used], lines, service)
    golden("milter_set_" + name, text)


@pytest.mark.parametrize("action", ACTIONS)
def test_not_there(suite, milters, action):
    run("absent_" + action, suite, milters, [*FLOW, *FLOW], service="absent_" + action, used=0)
    run("global_" + action, suite, milters, service="global_" + action, used=0)
    prepare(milters)
    golden("milter_set_absent_first_" + action, story(suite, milters[1:], FLOW, "absent_first_" + action))


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("stage", "CHMRTLBE")
def test_closes(suite, milters, action, stage):
    run("close_%s_%s" % (stage, action), suite, milters, [*FLOW, *FLOW], {stage: CLOSE}, service="close_" + action)


@pytest.mark.extension   # the reference commits the half of it, and the queue file is corrupt
@pytest.mark.parametrize("action", ["accept", "quarantine"])
@pytest.mark.parametrize("half", [packet("b", "half\r\n"), packet("b", "half"), packet("b", "half\r\n") + b"\0\0\1\0brest"])
def test_half_a_body(suite, milters, action, half):
    """A milter that is lost in the middle of its changes has changed nothing."""
    prepare(milters, {"E": add_header("X-Half", "1") + packet("-", "<alice@example.test>\0") + packet("e", "<x@example.net>\0") + half}, closes="E")
    before = len(suite.messages("alice", 0))
    text = story(suite, milters[:1], FLOW, "close_" + action)
    assert "X-Half" not in text and "half" not in text
    if action == "accept":
        message = suite.messages("alice", before + 1)[before].decode()
        assert message.endswith("\n\nHello\nworld.\n\n") and "Return-Path: <a@example.net>" in message
    else:
        assert "1 held" in text


@pytest.mark.parametrize("stage", "OCHMRTLBE")
def test_hangs(suite, milters, stage):
    run("hang_" + stage, suite, milters, answers={stage: HANG}, service="short", **({"options": HANG} if stage == "O" else {}))


def test_unix(suite, settings, milters):
    with Milter(path=os.path.join(suite.queue, "private/milter")) as m:
        settings(smtpd_milters="unix:private/milter, unix:/private/milter")
        golden("milter_set_unix", story(suite, [], FLOW))
        m.wait_closed()
        assert len([line for line in m.told if line.endswith("eob")]) == 2
        settings(smtpd_milters="local:private/milter")
        golden("milter_set_local", story(suite, [m], FLOW))
    settings(smtpd_milters="unix:private/milter")
    golden("milter_set_unix_absent", story(suite, [], FLOW))


@pytest.mark.parametrize("host", ["localhost", "nonexistent.invalid", "[127.0.0.1]"])
def test_host(suite, settings, milters, host):
    settings(smtpd_milters="inet:%s:%d" % (host, milters[0].port))
    prepare(milters)
    golden("milter_set_host_" + re.sub(r"\W", "", host), re.sub(r"(localhost|\[127.0.0.1\]|invalid):\d+", r"\1:{n}", story(suite, milters[:1], FLOW)))


@pytest.mark.parametrize("value", ["DISABLE", "second", "{ second, default_action=reject }", "", "bad", "disable"])
def test_milter_maps(suite, settings, milters, value):
    value = value.replace("second", milters[1].address)
    settings(smtpd_milter_maps="inline:{ {127.0.0.1 = %s} }" % value if value else "inline:{ {10.0.0.1 = DISABLE} }")
    prepare(milters)
    golden("milter_set_maps_" + (re.sub(r"[\W\d]", "", value) or "none"), story(suite, milters, FLOW, delivered=()))


def local(suite, milters, name, recipients, answers=None, sender="alice@example.test", message="Subject: l\nMessage-Id: <l@example.net>\n\nlocal\n", wait=None, users=("alice", "bob"), options=(), clear=True):
    prepare(milters, answers)
    milters[0].clear()
    since, before = suite.log_size(), {u: len(suite.messages(u, 0)) for u in users}
    suite.run("sendmail", *options, "-f", sender, *recipients, input=message.encode())
    suite.wait_log(wait or r"qmgr\[\d+\]: \w+: removed|removed \((?:discarded|canceled)\)", since=since)
    told = milters[0].wait_closed()
    if clear:
        suite.wait_queue_empty()
    suite.sync_log()
    log = re.sub(r"(?m)^.*pickup\[\d+\]: warning: maildrop/.*\n", "", suite.log(since))
    if not clear:   # it is tried again when pickup next looks there, which may be at once
        told = [line for line in told if line.split(" ")[0] == told[0].split(" ")[0]]
        log = re.split(r"(?<=removed \(canceled\)\n)", log, maxsplit=1)[0]
    # Two copies for one mailbox are written at the same time.
    head, *copies = re.split(r"(?m)^(?=--- to )", tell(suite, [], [told], log, before))
    text = head + "".join(sorted(copies))
    golden("milter_local_" + name, re.sub(r"(?m)^(\S*pickup.*)uid=\d+", r"\1uid={n}", text))


def test_local_mail(suite, settings, milters):
    settings()
    local(suite, milters, "plain", ["alice@example.test", "bob@example.test"])
    local(suite, milters, "list", ["list@example.test", "bob"])
    local(suite, milters, "null", ["bob@example.test"], sender="")
    local(suite, milters, "edits", ["bob@example.test"], {"E": add_header("X-New", "v") + insert_header(1, "X-Top", "t") + packet("b", "changed\r\n") + packet("+", "<alice@example.test>\0") + packet("e", "<bob@example.test>\0") + ACCEPT})
    local(suite, milters, "extract", [], message="To: alice@example.test\nSubject: x\nMessage-Id: <l@example.net>\n\nlocal\n", options=["-t"])
    local(suite, milters, "dsn", ["bob@example.test"], options=["-N", "never"])


def test_local_addresses(suite, settings, milters):
    """Milters, and the log of what they say, have addresses as canonical_maps leave them."""
    settings(canonical_maps="inline:{ robert@example.test=bob@example.test }")
    local(suite, milters, "canonical", ["robert"], sender="robert")
    local(suite, milters, "canonical_refused", ["robert", "alice"], {"E": REJECT}, sender="robert")


@pytest.mark.parametrize("stage", "CHMTLNBE")
def test_local_refused(suite, settings, milters, stage):
    settings()
    for name, answer in {"reject": REJECT, "discard": DISCARD, "accept": ACCEPT, "reply": reply("554 5.7.9 not here")}.items():
        local(suite, milters, "%s_%s" % (name, stage), ["bob@example.test"], {stage: answer})


@pytest.mark.parametrize("stage", "CMRE")
def test_local_later(suite, settings, milters, stage):
    """What is refused for now stays in maildrop."""
    settings()
    name, answer = ("later_" + stage, TEMPFAIL) if stage != "R" else ("rcpt", REJECT)
    local(suite, milters, name, ["bob@example.test"], {stage: answer}, clear=False, wait=r"cleanup.*milter-reject|message deferred because")
    assert [where for where, _ in suite.queue_files()] == ["maildrop"]
    prepare(milters)
    suite.sh("postqueue -f")
    suite.wait_queue_empty()


def test_quarantined_locally(suite, settings, milters):
    settings()
    local(suite, milters, "quarantine", ["bob@example.test"], {"E": packet("q", "odd\0") + ACCEPT}, wait="milter-hold", clear=False)
    assert [where for where, _ in suite.queue_files()] == ["hold"]
    suite.delete_all()


@pytest.mark.parametrize("classes", ["", "bounce"])
def test_bounces(suite, settings, milters, classes):
    """Mail of the suite's own, by internal_mail_filter_classes."""
    settings(internal_mail_filter_classes=classes, smtpd_milters="")
    prepare(milters)
    milters[0].clear()
    since = suite.log_size()
    story(suite, [], ["MAIL FROM:<alice@example.test>", "RCPT TO:<bad@example.test>", "DATA", "."], delivered=())
    told = milters[0].wait_closed()
    heard = [re.sub(r"^\d+ ", "", line) for line in told if not re.search("header|body", line)]
    golden("milter_bounce_" + (classes or "none"), mask("\n".join(heard) or "nothing"))


def test_qmqp_and_stand_alone(suite, settings, milters):
    """sendmail -bs: pickup's milters alone."""
    settings()
    prepare(milters)
    milters[0].clear()
    since = suite.log_size()
    dialogue = "HELO x\nMAIL FROM:<alice@example.test>\nRCPT TO:<bob@example.test>\nDATA\nSubject: x\n\nb\n.\nQUIT\n"
    suite.run("sendmail", "-bs", input=dialogue.replace("\n", "\r\n").encode())
    suite.wait_log(r"qmgr\[\d+\]: \w+: removed", since=since)
    told = milters[0].wait_closed()
    golden("milter_stand_alone", mask("\n".join(re.sub(r"^\d+ ", "", line) for line in told if "header" not in line)))
