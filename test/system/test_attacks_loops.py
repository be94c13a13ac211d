"""ATTACKS L05, L06 and L07: mail that would go in circles, or grow as it goes. It ends, with one notice for whoever sent it, and
costs no more than a message should."""
import contextlib
import os
import re
from pathlib import Path

import pytest

from suite import make
from suite.smtp import Client, Refused, send

pytestmark = pytest.mark.root

CHAIN = 300          # files of which each includes the next; the limit is 100
WIDE = 1000

ALIASES = """postmaster: root
root: heidi
chain: :include:/etc/lists/0
self: :include:/etc/lists/self
pair: :include:/etc/lists/left
fifo: :include:/etc/lists/fifo
zero: :include:/dev/zero
directory: :include:/etc/lists
socket: :include:/etc/lists/socket
loop1: loop2
loop2: loop3
loop3: loop1
ring: nobody-there
owner-ring: ring
both: ring-a
owner-both: ring-b
ring-a: nobody-there
ring-b: both
owner-ring-b: both
"""
LISTS = {"/etc/lists/%d" % n: ":include:/etc/lists/%d\n" % (n + 1) for n in range(CHAIN)}
# Each of three levels has 1000 names, which stand for all of the next.
FAN = "".join("/^%s[0-9]*$/ %s\n" % (name, ", ".join("%s%d" % (below, n) for n in range(WIDE))) for name, below in (("fan", "m"), ("m", "n"), ("n", "l"))) + "/^l[0-9]+$/ alice\n"
# Each name stands for two others, thirty times over.
DOUBLING = "".join("d%d@alias.example d%d@alias.example e%d@alias.example\ne%d@alias.example d%d@alias.example e%d@alias.example\n" %
                   (n, n + 1, n + 1, n, n + 1, n + 1) for n in range(30)) + "d30@alias.example alice@example.test\ne30@alias.example bob@example.test\n"
CYCLES = "a@alias.example b@alias.example\nb@alias.example c@alias.example\nc@alias.example a@alias.example\n"
MAIN_CF = {
    "virtual_alias_domains": "alias.example", "virtual_alias_maps": "hash:/etc/postfix/virtual", "alias_maps": "hash:/etc/aliases, regexp:/etc/fan",
    "canonical_maps": "inline:{ x@example.test=carol@example.test, carol@example.test=dave@example.test, dave@example.test=carol@example.test }",
    "local_recipient_maps": "", "bounce_size_limit": "2000", "smtpd_error_sleep_time": "0",
}


@pytest.fixture(scope="module")
def suite():
    files = {**LISTS, "/etc/aliases": ALIASES, "/etc/fan": FAN, "/etc/postfix/virtual": DOUBLING + CYCLES, "/etc/lists/%d" % CHAIN: "alice\n",
             "/etc/lists/self": "bob, :include:/etc/lists/self\n", "/etc/lists/left": ":include:/etc/lists/right\n:include:/etc/lists/right\nbob\n",
             "/etc/lists/right": ":include:/etc/lists/left\ncarol\n"}
    with make(main_cf=MAIN_CF, files=files, prepare=["postmap /etc/postfix/virtual", "mkfifo -m 644 /etc/lists/fifo"]) as s:
        yield s


def largest(suite, program="local"):
    """The most memory (kB) that a process of the program has had."""
    most = 0
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, AttributeError):
            if entry.isdigit() and os.path.basename(os.readlink("/proc/%s/exe" % entry)) == program:
                most = max(most, int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/%s/status" % entry).read_text()).group(1)))
    return most


def story(suite, recipient, sender="heidi@example.test", message="Subject: test\n\nHello.\n"):
    """One message, until nothing moves any more: the log. There is no address that takes more than a few messages."""
    since = suite.log_size()
    send(suite, sender, recipient, message)
    suite.wait_status(since)
    suite.sync_log()
    log = suite.log(since)
    suite.delete_all()
    assert "killed by signal" not in log and "panic" not in log and "fatal" not in log
    return log


def endings(log, recipient=""):
    return re.findall(r": to=<%s.*relay=local.*status=(\w+) \((.*)\)$" % recipient, log, re.M)


# --- L05 ---
@pytest.fixture
def forward(suite):
    def write(text):
        suite.write("/home/erin/.forward", text)
    yield write
    Path(suite.path("/home/erin/.forward")).unlink()


@pytest.mark.parametrize("name, reason", [("chain", "nesting|depth"), ("fifo", "configuration error"), ("zero", "configuration error"),
                                          ("directory", "configuration error|not a regular")])
def test_include_in_an_alias(suite, name, reason):
    log = story(suite, name + "@example.test")
    (status, told), = endings(log, "(?:%s|alice)@" % name)
    assert status == "bounced" and re.search(reason, told), told


@pytest.mark.parametrize("name, users", [("self", {"bob"}), ("pair", {"bob", "carol"})])
def test_lists_that_include_each_other(suite, name, users):
    """Each is read once; nobody gets the message twice."""
    log = story(suite, name + "@example.test")
    got = re.findall(r"to=<(\w+)@.*status=sent \(delivered to mailbox\)", log)
    assert sorted(got) == sorted(users) and "status=bounced" not in log.replace("nesting limit", "")


@pytest.mark.parametrize("name", ["chain", "fifo", "zero"])
def test_include_in_a_forward_file(suite, forward, name):
    path = {"chain": "/etc/lists/0", "fifo": "/etc/lists/fifo", "zero": "/dev/zero"}[name]
    forward(":include:%s\n" % path)
    (status, told), = endings(story(suite, "erin@example.test"), "erin@")
    assert status == "bounced", told


LONG = {
    "one word": b"x" * 10_000_000,
    "many words": b"no" + b", nobody-there" * 700_000,
    "comments": b"(" * 5_000_000 + b")" * 5_000_000,
    "quotes": b"\"" * 10_000_001,
    "brackets": b"<" * 10_000_000,
    "backslashes": b"\\" * 10_000_000,
    "colons": b"a:" * 5_000_000,
    "NULs": b"\0" * 10_000_000,
    "lines": b"\n" * 9_999_990 + b"bob\n",
}


@pytest.mark.expensive
@pytest.mark.extension("Postfix reads and delivers to what it can")
@pytest.mark.parametrize("what", LONG)
def test_a_long_forward_file(suite, forward, what):
    """Not read any further than to a limit, and then not used at all: half a list is none."""
    forward(LONG[what])
    log = story(suite, "erin@example.test")
    assert endings(log, "erin@") == [("deferred", "file /home/erin/.forward is too large")], log[-2000:]
    assert largest(suite) < 60_000


def test_a_user_who_forwards_to_himself(suite, forward):
    forward("erin, \\erin, erin@example.test\n")
    assert endings(story(suite, "erin@example.test"), "erin@") == [("sent", "delivered to mailbox")]


def test_users_who_forward_to_each_other(suite, forward):
    forward("frank\n")
    suite.write("/home/frank/.forward", "erin\n")
    log = story(suite, "erin@example.test")
    assert len(re.findall("mail forwarding loop", log)) == 1 and len(re.findall("status=bounced", log)) == 1
    Path(suite.path("/home/frank/.forward")).unlink()


def test_commands_that_mail_themselves(suite, forward):
    """The Delivered-To: header that the command passed on ends it."""
    forward("\"|/usr/sbin/sendmail -i -f heidi@example.test erin@example.test\"\n")
    log = story(suite, "erin@example.test")
    assert len(re.findall("delivered to command", log)) <= 2 and "mail forwarding loop for erin@example.test" in log


# --- L06 ---
@pytest.mark.parametrize("name", ["loop1", "loop2"])
def test_aliases_in_a_circle(suite, name):
    log = story(suite, name + "@example.test")
    assert len(re.findall("status=bounced", log)) == 1 and len(re.findall("sender non-delivery notification", log)) == 1


@pytest.mark.expensive
@pytest.mark.extension("Postfix expands them for hours")
def test_aliases_that_fan_out(suite):
    log = story(suite, "fan@example.test")
    assert [(s, r) for s, r in endings(log) if s == "bounced"] == [("bounced", "recipient expansion limit exceeded")]
    assert len(re.findall("status=sent", log)) <= 1 + 1       # alice, and the notice
    assert largest(suite) < 60_000


@pytest.mark.extension("Postfix sends them round for ever")
@pytest.mark.parametrize("name", ["ring", "both"])
def test_owners_in_a_circle(suite, name):
    """The owner of a list that cannot be reached is told, and the owner of that list; then there is an end."""
    log = story(suite, name + "@example.test")
    assert len(re.findall("non-delivery notification", log)) <= 2
    assert len(re.findall(r"cleanup\[\d+\]: \w+: message-id=", log)) <= 4


def test_a_message_that_was_here_before(suite):
    for header, reason in (("Delivered-To: bob@example.test\n", "mail forwarding loop for bob@example.test"),
                           ("Received: from a by b\n" * 51, "too many hops")):
        since = suite.log_size()
        with Client(suite.smtp) as client:
            if "hops" in reason:
                with pytest.raises(Refused, match="554 5.4.0 Error: too many hops"):
                    client.send("joe@example.test", "bob@example.test", header + "Subject: x\n\nx\n")
            else:
                client.send("joe@example.test", "bob@example.test", header + "Subject: x\n\nx\n")
        if "hops" not in reason:
            suite.wait_status(since)
            assert len(re.findall(reason, suite.log(since))) == 1
        suite.delete_all()


def test_fewer_hops_are_no_loop(suite):
    assert "status=sent (delivered to mailbox)" in story(suite, "bob@example.test", message="Received: from a by b\n" * 48 + "Subject: x\n\nx\n")


@pytest.mark.parametrize("name", ["d0", "a"])
def test_virtual_aliases_that_grow_or_go_in_circles(suite, name):
    """Taken and put off, or not taken: an error of the administrator's; never more than virtual_alias_expansion_limit recipients."""
    since = suite.log_size()
    with contextlib.suppress(Refused), Client(suite.smtp) as client:
        client.send("joe@example.test", name + "@alias.example", "Subject: x\n\nx\n")
    suite.wait_log("disconnect from", since=since)
    suite.wait_until(lambda: not [f for f in suite.queue_files() if f[0] in ("incoming", "active")], suite.queue, what="rest")
    suite.sync_log()
    log = suite.log(since)
    suite.delete_all()
    assert len(re.findall(r"status=", log)) <= 10 and "killed by signal" not in log


def test_canonical_addresses_in_a_circle(suite):
    """The table is not asked for what it has said, or not without end: the message arrives, once."""
    for recipient in ("x@example.test", "carol@example.test"):
        assert len(re.findall(r"to=<(?:carol|dave)@example.test>.*status=sent", story(suite, recipient))) == 1


# --- L07 ---
def test_nobody_is_told_of_a_notice(suite):
    log = story(suite, "no-such-user@example.test", sender="")
    assert "status=bounced" in log and "notification" not in log and len(re.findall("message-id=", log)) == 1


def test_a_notice_that_cannot_be_delivered(suite):
    """Goes to the postmaster if he wants that, and nowhere else; what cannot be delivered to him is gone."""
    log = story(suite, "no-such-user@example.test", sender="nor-such-sender@example.test")
    assert len(re.findall("message-id=", log)) == 2 and len(re.findall("status=bounced", log)) == 2
    suite.configure(notify_classes="2bounce", **{"2bounce_notice_recipient": "no-postmaster@example.test"})
    try:
        log = story(suite, "no-such-user@example.test", sender="nor-such-sender@example.test")
        assert len(re.findall("message-id=", log)) == 3, log
        assert re.search("to=<no-postmaster@example.test>.*status=bounced", log)
        assert len(re.findall("from=<double-bounce@", log)) == 1
    finally:
        suite.configure(notify_classes=None, **{"2bounce_notice_recipient": None})


def test_notices_say_that_they_are_made_by_a_program(suite):
    suite.sh("rm -f /var/mail/heidi")
    story(suite, "no-such-user@example.test", sender="heidi@example.test")
    notice, = suite.messages("heidi", 1)
    assert b"\nAuto-Submitted: auto-replied\n" in notice and notice.startswith(b"From MAILER-DAEMON ") and b"\nReturn-Path: <>\n" in notice


def test_forged_senders_of_mail_for_nobody():
    """Refused at RCPT: no message, no notice, to none of a thousand who have sent nothing."""
    with make(main_cf={"smtpd_error_sleep_time": "0", "smtpd_hard_error_limit": "100", "smtpd_soft_error_limit": "100"}) as suite:
        at = suite.log_size()
        for session in range(20):
            with Client(suite.smtp) as client:
                lines = b"".join(b"MAIL FROM:<victim%d.%d@elsewhere.example>\r\nRCPT TO:<nobody%d@example.test>\r\nRSET\r\n" % (session, n, n) for n in range(50))
                client.socket.sendall(lines)
                replies = [client.reply()[:3] for _ in range(150)]
            assert replies == ["250", "550", "250"] * 50
        suite.wait_log("disconnect from", count=20, since=at)
        log = suite.log(at)
        assert log.count("reject: RCPT from") == 1000 and "message-id=" not in log and suite.queue_files() == []
