"""smtpd(8): transcripts of sessions for the postmaster, by notify_classes."""
import re
import socket

import pytest

from suite import make, masks
from suite.golden import golden

pytestmark = pytest.mark.root

FILES = {"/etc/aliases": "postmaster: root\nerrors: heidi\nbounces: frank\n", "/etc/postfix/hc": "/^X-Bad/ REJECT bad header\n"}
MAIN_CF = {"notify_classes": "bounce, data, policy, protocol, resource, software", "error_notice_recipient": "errors@example.test", "bounce_notice_recipient": "bounces@example.test",
           "smtpd_hard_error_limit": "4", "smtpd_soft_error_limit": "10", "header_checks": "regexp:/etc/postfix/hc"}
SERVICES = {"reject": {"smtpd_client_restrictions": "reject", "smtpd_delay_reject": "no"}, "full": {"queue_minfree": "99999999999999", "message_size_limit": "1000"},
            "wrong": {"smtpd_sender_restrictions": "bogus"}}
MAIL = ["EHLO x", "MAIL FROM:<a@b>"]
RCPT = [*MAIL, "RCPT TO:<alice@example.test>"]
DATA = [*RCPT, "DATA"]
HOPS = "Received: x\r\n" * 60 + "\r\nx\r\n."
MESSAGE = "Subject: x\r\n\r\nx\r\n."
SESSIONS = {
    "fine": ("smtp", [*DATA, MESSAGE, "QUIT"]),
    "unknown": ("smtp", [*MAIL, "RCPT TO:<nosuch@example.test>", "QUIT"]),
    "unknown_and_protocol": ("smtp", [*MAIL, "RCPT TO:<nosuch@example.test>", "FOO", "QUIT"]),
    "relay": ("smtp", [*MAIL, "RCPT TO:<x@away.example>", "QUIT"]),
    "too_many": ("smtp", ["EHLO x"] + ["FOO"] * 4),
    "lost": ("smtp", ["EHLO x", "FOO", None]),
    "client": ("reject", ["EHLO x", "QUIT"]),
    "full": ("full", [*MAIL, "QUIT"]),
    "size": ("smtp", ["EHLO x", "MAIL FROM:<a@b> SIZE=99999999999", "QUIT"]),
    "wrong": ("wrong", [*RCPT, "QUIT"]),
    "header": ("smtp", [*DATA, "X-Bad: 1\r\n\r\nx\r\n.", "QUIT"]),
    "hops": ("smtp", [*DATA, HOPS, "QUIT"]),
    "vrfy": ("smtp", ["EHLO x", "VRFY nosuch@example.test", "QUIT"]),
    "etrn": ("smtp", ["EHLO x", "ETRN foo.example", "QUIT"]),
    "forgiven": ("smtp", ["EHLO x", "MAIL FROM:<a@b", "RSET", *DATA[1:], MESSAGE, "QUIT"]),
    "later": ("smtp", [*DATA, MESSAGE, "FOO", "QUIT"]),
    "syntax": ("smtp", ["EHLO", "MAIL FROM:<a@b> FOO=1", "QUIT"]),
    "order": ("smtp", ["EHLO x", "DATA", "QUIT"]),
}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf=MAIN_CF, files=FILES, services=SERVICES) as s:
        yield s


def talk(address, lines):
    """Says the lines one by one, and waits for the reply to each; None breaks off."""
    with socket.create_connection(address, timeout=30) as s, s.makefile("rb") as replies:
        replies.readline()
        for line in lines:
            if line is None:
                return
            s.sendall(line.encode() + b"\r\n")
            while replies.readline()[3:4] == b"-":
                pass
        while lines[-1] != "QUIT" and replies.readline():
            pass


def notice(suite, name):
    """The notices of a session, whoever got them."""
    before, since = {u: len(suite.messages(u, 0)) for u in ("heidi", "frank")}, suite.log_size()
    service, lines = SESSIONS[name]
    talk(suite.address(service), lines)
    suite.wait_log("disconnect from", since=since)
    suite.wait_queue_empty()
    return "\n".join("to %s: %s" % (u, m.decode()) for u in before for m in suite.messages(u, 0)[before[u]:])


@pytest.mark.parametrize("name", SESSIONS)
def test_notice_of_a_session(suite, settings, name):
    changes = {"notify_classes": MAIN_CF["notify_classes"]}
    if suite.changed_settings != changes:
        settings(**changes)
    golden("notice_session_" + name, re.sub(r"\d{9,}", "{n}", masks.mask(notice(suite, name))) or "none")


@pytest.mark.parametrize("classes", ["", "bounce", "policy", "protocol", "resource", "software", "data", "delay, 2bounce", None])
def test_classes(suite, settings, classes):
    """Which sessions are told of, by class; None is the default."""
    settings(notify_classes=classes)
    told = [name for name in ("unknown", "relay", "lost", "client", "full", "size", "wrong", "header", "hops", "syntax") if notice(suite, name)]
    golden("notice_session_classes_" + re.sub(r"\W+", "_", str(classes)), " ".join(told) or "none")


def test_smtpd_history_flush_threshold(suite, settings):
    settings(smtpd_history_flush_threshold="10", notify_classes="protocol")
    before = len(suite.messages("heidi", 0))
    talk(suite.smtp, ["EHLO x", *["NOOP"] * 40, "RSET", "FOO", "QUIT"])
    text = suite.messages("heidi", before + 1)[before].decode()
    assert "EHLO x" not in text and text.count("In:  NOOP") == 4 and "In:  FOO" in text, text
