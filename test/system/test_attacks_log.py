"""ATTACKS L15: control characters and line ends in everything that strangers say and that is logged."""
import re
import socket
from pathlib import Path

import pytest

from suite import make
from suite.smtp import Client, Sink

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix lets control characters above 0x7f through when they are UTF-8")]

FORGED = b"Nov 28 00:00:00 mail postfix/smtpd[1]: 0123456789: client=forged[192.0.2.1]"
# CR, LF where a protocol lets them through, ESC, BEL, DEL, C1 bytes, C1 in UTF-8, and a line of another event.
EVIL = b"a\rb\x1b[2Jc\x07d\x7fe\x80\x9b\x9ff\xc2\x9bg\x0b\x0ch\r" + FORGED

LINE = re.compile(rb"\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ postfix\S*/[\w/-]+\[\d+\]: .")


@pytest.fixture(scope="module")
def sink():
    reply = EVIL.decode("latin1")
    with Sink(answers={"RCPT.*refused": "550 5.1.1 " + reply, "RCPT.*later": "450 4.1.1 " + reply, "CONNECT": "220 " + reply}) as s:
        yield s


@pytest.fixture(scope="module")
def suite(sink):
    with make(main_cf={"transport_maps": "inline:{sink.example=smtp:%s}" % sink.nexthop, "smtpd_delay_reject": "no",
                       "relay_domains": "sink.example"}) as s:
        yield s


def checked(suite, at):
    """The log from there on: only whole lines of our own, and nothing in them that a terminal would obey."""
    suite.sync_log()
    data = Path(suite.mail_log).read_bytes()[at:]
    data = re.sub(rb"(?m)^Jan  1 00:00:00 localhost test/sync.*\n", b"", data)
    for line in data.splitlines(keepends=True):
        assert line.endswith(b"\n") and LINE.match(line), line
        assert not re.search(rb"[\x00-\x1f\x7f]", line[:-1]), line
        assert "\ufffd" not in line.decode("utf-8", "replace"), line
        assert not re.search(r"[\x80-\x9f]", line.decode("utf-8")), line
        assert not line.startswith(FORGED[:40]), line
    return data


def test_smtp_commands(suite):
    at = suite.log_size()
    address = b"\"" + EVIL.replace(b"\"", b"") + b"\"@example.test"
    for commands in ([b"HELO " + EVIL, b"MAIL FROM:<" + address + b">", b"RCPT TO:<" + address + b">", b"RCPT TO:<x@" + EVIL + b">"],
                     [b"EHLO " + EVIL, b"MAIL FROM:<a@b> " + EVIL, b"MAIL FROM:<a@example.test> ENVID=" + EVIL, EVIL, b"VRFY " + EVIL, b"ETRN " + EVIL],
                     [b"EHLO x", b"MAIL FROM:<" + EVIL + b"@example.test>", b"RCPT TO:<" + EVIL + b"@elsewhere.example>", b"XCLIENT NAME=" + EVIL, b"XFORWARD NAME=" + EVIL],
                     [b"EHLO x", b"MAIL FROM:<a@example.test> SMTPUTF8", b"RCPT TO:<\xc2\x9b\xc2\x85@example.test>", b"RCPT TO:<\xe2\x80\xa8@elsewhere.example>"]):
        with socket.create_connection(suite.smtp, timeout=30) as client, client.makefile("rb") as replies:
            replies.readline()
            for command in [*commands, b"QUIT"]:
                client.sendall(command + b"\r\n")
                while replies.readline()[3:4] == b"-":
                    pass
    suite.wait_log(r"smtpd\[\d+\]: disconnect", count=4, since=at)
    checked(suite, at)


def test_message_headers(suite):
    at = suite.log_size()
    with Client(suite.smtp) as client:
        for header in (b"Message-ID: <" + EVIL + b"@x>", b"Subject: " + EVIL, b"From: " + EVIL + b" <a@example.test>", b"To: " + EVIL, b"Received: " + EVIL):
            client.command("MAIL FROM:<alice@example.test>")
            client.command("RCPT TO:<bob@example.test>")
            client.command("DATA")
            client.socket.sendall(header + b"\r\n\r\nbody\r\n.\r\n")
            client.reply()
    suite.wait_queue_empty()
    assert b"message-id=<a" in checked(suite, at)


def test_next_hop(suite, sink):
    at = suite.log_size()
    with Client(suite.smtp) as client:
        client.send("alice@example.test", ["refused@sink.example", "later@sink.example"], "Subject: x\n\nbody\n")
    suite.wait_log(r": to=<(?:refused|later)@sink.example>.*status=(?:bounced|deferred)", count=2, since=at)
    suite.wait_status(at, count=3)          # with the notice: then all is where it stays
    checked(suite, at)
    suite.delete_all()


def test_commands(suite):
    at = suite.log_size()
    evil = EVIL.replace(b"\r", b"\n").decode("latin1")
    utf8 = "\u009b\u0085x\n" + FORGED.decode()
    for text in (evil, utf8):
        suite.run("sendmail", "-f", text, "-F", text, "bob@example.test", input=b"Subject: x\n\nbody\n", user="alice")
        suite.run("sendmail", text + "@example.test", input=b"Subject: x\n\nbody\n", user="alice")
        suite.run("postlog", "-t", "postfix/test", text)
        suite.run("postlog", "-t", "postfix/test", input=text.encode("utf-8"))
        suite.run("postsuper", "-d", text)
        suite.run("postqueue", "-i", text, user="alice")
        suite.run("postkick", "public", text, "W")
        suite.run("postlock", text + "/x", "true")
    suite.wait_queue_empty()
    checked(suite, at)
