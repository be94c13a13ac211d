"""smtp(8): how sessions end (421, RSET, QUIT), smtp_reply_filter, XFORWARD, and transcripts for the postmaster."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Sink, send

pytestmark = pytest.mark.root

FILES = {
    "/etc/aliases": "postmaster: root\nerrors: heidi\n",
    "/etc/postfix/replies": "/^250 2.0.0 (.*)/ 250 2.0.0 changed $1\n/^550(.*)/ 450$1\n/^554 nope/ 250 ok\n/^421/ 521 5.9.9 go away\n/^(250)-PIPELINING/ $1-X-NOPE\n",
}
MESSAGE = "Subject: t\nFrom: alice@example.test\nMessage-Id: <m@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nHello.\n"
PIPELINING = ("PIPELINING", "8BITMIME", "DSN")


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"notify_classes": "", "smtp_connection_cache_on_demand": "no"}, files=FILES) as s:
        yield s


def session(suite, settings, answers, extensions=PIPELINING, recipients=("x@away.example", "y@away.example"), sender="", **changes):
    """What the next hop hears, and what smtp logs of it."""
    with Sink(answers=answers, extensions=extensions) as sink:
        settings(relayhost=sink.nexthop, **changes)
        since = suite.log_size()
        send(suite, sender, list(recipients), MESSAGE)
        suite.wait_log(r": to=<\S+>,.*relay=127.*status=", count=len(recipients), since=since)
        heard = [line for s in sink.ended() for line in s]
        suite.sync_log()
        lines = [re.sub(r"delays?=[^,]*, ", "", re.sub(r"\]:\d{5}", "]:{port}", re.sub(r".*?/smtp\[\d+\]: ", "", line)))
                 for line in masks.mask(suite.log(since)).splitlines() if "/smtp[" in line]
        suite.delete_all()
        return masks.mask("\n".join(["> " + line for line in heard] + [re.sub(r".*?/smtp\[[^]]*\]: ", "", line) for line in lines]))


# The sink stays after 421, and takes commands that make no sense after a refusal.
ENDINGS = {
    "mail5": {"MAIL": "550 5.1.1 no"}, "mail421": {"MAIL": "421 4.1.1 no"}, "rcpt421": {"RCPT": ["421 4.1.1 no"]}, "data421": {"DATA": "421 no"},
    "dot421": {r"\.": "421 no"}, "ehlo421": {"EHLO": "421 no"}, "greet421": {"CONNECT": "421 no"}, "rcpt5": {"RCPT": "550 no"}, "dot5": {r"\.": "554 5.6.0 no"},
}


@pytest.mark.parametrize("extensions", [PIPELINING, ("8BITMIME", "DSN")], ids=["pipelining", "plain"])
@pytest.mark.parametrize("name", ENDINGS)
def test_how_sessions_end(suite, settings, name, extensions):
    if name == "mail5" and extensions == PIPELINING:
        pytest.skip("this sink leaves at a recipient without a sender")
    golden("session_%s_%s" % (name, "pipelining" if extensions == PIPELINING else "plain"), session(suite, settings, dict(ENDINGS[name]), extensions))


@pytest.mark.parametrize("name, answers", [
    ("ok", {}), ("550", {"RCPT": "550 5.1.1 no"}), ("multi", {"RCPT": "550-5.1.1 one\n550 5.1.1 two"}), ("554", {"RCPT": "554 nope"}), ("421", {r"\.": "421 4.0.0 x"}),
])
def test_smtp_reply_filter(suite, settings, name, answers):
    golden("reply_filter_" + name, session(suite, settings, answers, recipients=["x@away.example"], smtp_reply_filter="regexp:/etc/postfix/replies"))


@pytest.mark.parametrize("name, offered, answers", [
    ("all", "NAME ADDR PORT PROTO HELO IDENT SOURCE", {}), ("some", "NAME ADDR", {}), ("refused", "NAME ADDR PROTO", {"XFORWARD": "501 no"}), ("none", "", {}),
])
def test_smtp_send_xforward_command(suite, settings, name, offered, answers):
    extensions = ("XFORWARD " + offered, "8BITMIME") if offered else ("8BITMIME",)
    text = session(suite, settings, answers, extensions, ["x@away.example"], smtp_send_xforward_command="yes")
    golden("xforward_" + name, re.sub(r"PORT=\d+", "PORT={port}", re.sub(r"IDENT=\S+", "IDENT={id}", text)))


def test_smtp_xforward_timeout(suite, settings):
    """A server that says nothing to XFORWARD holds nobody for longer."""
    with Sink(extensions=("XFORWARD NAME ADDR",), answers={"XFORWARD": "250-never ends"}) as sink:
        settings(relayhost=sink.nexthop, smtp_send_xforward_command="yes", smtp_xforward_timeout="1s")
        since = suite.log_size()
        send(suite, "", "x@away.example", MESSAGE)
        suite.wait_log(r"status=deferred \(conversation with 127.0.0.1\[127.0.0.1\] timed out while sending XFORWARD name/address\)", since=since, timeout=10)
        suite.delete_all()


def test_transcript_of_a_protocol_error(suite, settings):
    """Mail of the null sender makes none."""
    found = {}
    for code in ("300", "450", "501", "504", "509", "510", "550", "555"):
        before = len(suite.messages("heidi", 0))
        with Sink(answers={"RCPT": code + " x"}) as sink:
            settings(relayhost=sink.nexthop, notify_classes="protocol", error_notice_recipient="errors@example.test")
            since = suite.log_size()
            send(suite, "" if code == "504" else "bob@example.test", "x@away.example", MESSAGE)
            suite.wait_log(r": to=<x@\S+>,.*relay=127.*status=", since=since)
            sink.ended()
            suite.run("sendmail", "-f", "", "heidi@example.test", input=b"Subject: mark\n\n")
            suite.wait_until(lambda: any(b"Subject: mark" in m for m in suite.messages("heidi", 0)[before:]) or None, suite.path("/var/mail"))
            suite.wait_until(lambda: not [f for f in suite.queue_files() if f[0] != "deferred"] or None, suite.queue)
            mine = [m for m in suite.messages("heidi", 0)[before:] if b"errors from" in m]
            found[code] = len(mine)
            if code == "501":
                golden("transcript_client", re.sub(r"SIZE=\d+", "SIZE={n}", re.sub(r"\]:\d{5}", "]:{port}", masks.mask(mine[0].decode()))))
            suite.delete_all()
    assert found == {"300": 1, "450": 0, "501": 1, "504": 0, "509": 1, "510": 0, "550": 0, "555": 1}
