"""No room, and disks that fail: in the queue, in mailboxes, in the log. A temporary refusal, nothing acknowledged is lost, and all
goes on by itself when there is room again."""
import re
from pathlib import Path

import pytest

from suite import make
from suite.smtp import Client, Sink, send

pytestmark = pytest.mark.root
BIG = b"Subject: big\n\n" + (b"x" * 70 + b"\n") * 1400
# Postfix 3.10 does not tell a full disk from a broken one; Valija does.
NO_ROOM = r"(?:452 4\.3\.1 Insufficient system storage|451 4\.3\.0 Error: queue file write error)$"


class Small:
    """A file system of its own for a directory of the suite, with little room."""

    def __init__(self, suite, directory, options, size=1000, inodes=600):
        self.suite, self.directory = suite, directory
        suite.sh("mount -t tmpfs -o size=%dk,nr_inodes=%d,%s tmpfs %s" % (size, inodes, options, directory))

    def fill(self, left=0):
        self.suite.sh("cd %s; rm -f .fill; free=$(df -k --output=avail . | tail -1); dd if=/dev/zero of=.fill bs=1k count=$((free-%d)) 2>/dev/null" %
                      (self.directory, left))

    def fill_inodes(self):
        self.suite.sh("mkdir %s/.inodes; cd %s/.inodes; seq 1000 | xargs touch 2>/dev/null || true" % (2 * (self.directory,)))

    def free(self):
        self.suite.sh("cd %s; rm -rf .fill .inodes" % self.directory)


@pytest.fixture(scope="module")
def queue():
    with Sink(answers={"RCPT TO:<later": "450 4.2.0 come again"}) as sink, make(main_cf={"message_size_limit": "200000", "relayhost": sink.nexthop}) as s:
        s.sink = sink
        s.sh("postfix stop 2>/dev/null")
        s.small = Small(s, s.queue_directory, "mode=755")
        s.sh("postfix start 2>/dev/null")
        yield s


@pytest.fixture(autouse=True)
def room(request):
    yield
    if "queue" in request.fixturenames:
        request.getfixturevalue("queue").small.free()


def body(client):
    client.command("DATA", want="3")
    client.socket.sendall(BIG.replace(b"\n", b"\r\n") + b".\r\n")
    return client.reply()


def test_queue_full_before_mail(queue):
    since = queue.log_size()
    queue.small.fill()
    with Client(queue.smtp) as client:
        assert client.command("MAIL FROM:<a@example.net>", want="4") == "452 4.3.1 Insufficient system storage"
    queue.wait_log("disconnect from", since=since)
    lines = [line.split(": ", 1)[1] for line in queue.log(since).splitlines() if "/smtpd[" in line]
    assert lines[1:3] == ["NOQUEUE: reject: MAIL from localhost[127.0.0.1]: 452 4.3.1 Insufficient system storage; proto=ESMTP helo=<client.example.net>",
                          "warning: not enough free space in mail queue: 0 bytes < 1.5*message size limit"]


@pytest.mark.parametrize("when", ["MAIL", "RCPT", "DATA"])
def test_queue_full_during_a_message(queue, when):
    """Filled after this command; the same session goes on when there is room again, and nothing is left behind."""
    mailbox = "carol"
    before = len(queue.messages(mailbox, 0))
    with Client(queue.smtp) as client:
        for verb, line, want in (("MAIL", "MAIL FROM:<a@example.net>", "2"), ("RCPT", "RCPT TO:<carol@example.test>", "2"), ("DATA", "DATA", "3")):
            client.command(line, want=want)
            if verb == when:
                queue.small.fill()
        client.socket.sendall(BIG.replace(b"\n", b"\r\n") + b".\r\n")
        assert re.match(NO_ROOM, client.reply())
        assert queue.queue_files() == []
        queue.small.free()
        client.send("a@example.net", "carol@example.test", BIG)
    queue.wait_queue_empty()
    assert len(queue.messages(mailbox, before + 1)) == before + 1


@pytest.mark.extension("Postfix waits for an inode, and the client with it")
def test_queue_without_inodes(queue):
    with Client(queue.smtp) as client:
        client.command("MAIL FROM:<a@example.net>")
        queue.small.fill_inodes()
        assert client.command("RCPT TO:<alice@example.test>", want="4") == "452 4.3.1 Insufficient system storage"
        done = queue.run("sendmail", "alice", input=b"Subject: x\n\nx\n")
        assert done.returncode == 75 and b"queue file write error" in done.stderr
        queue.small.free()
        client.command("RCPT TO:<dave@example.test>")
        assert "queued as" in body(client)
    queue.wait_queue_empty()
    assert len(queue.messages("dave", 1)) == 1


def test_sendmail_to_a_full_queue(queue):
    queue.small.fill()
    done = queue.run("sendmail", "alice", input=BIG)
    assert done.returncode == 75 and done.stderr.endswith(b"fatal: root(0): queue file write error\n"), done.stderr
    assert queue.queue_files() == []


def test_mail_that_is_in_a_full_queue_goes_on(queue):
    """It is deferred and delivered without a byte of new room; only why it waits is not kept."""
    since = queue.log_size()
    with Client(queue.smtp) as client:
        qid = client.send("a@example.net", ["later@remote.example", "erin@example.test"], "Subject: waits\n\nx\n")
    queue.wait_log(r"%s: to=.*status=" % qid, count=2, since=since)
    queue.wait_until(lambda: ("deferred", qid) in queue.queue_files(), queue.queue, what="deferral")
    queue.small.fill()
    queue.small.fill_inodes()
    since = queue.log_size()
    queue.sh("postqueue -f")
    queue.wait_log(r"%s: to=<later.*status=deferred" % qid, since=since)
    queue.wait_until(lambda: ("deferred", qid) in queue.queue_files(), queue.queue, what="deferral")
    queue.sink.answers = {}
    queue.sh("postqueue -f")
    queue.wait_removed(qid)
    assert len(queue.sink.wait(1)) == 1 and len(queue.messages("erin", 1)) == 1


@pytest.mark.parametrize("kind", ["mbox", "Maildir"])
def test_mailbox_full(kind):
    with make(main_cf={"home_mailbox": "Maildir/"} if kind == "Maildir" else {}) as suite:
        place = "/home/alice" if kind == "Maildir" else "/var/mail"
        small = Small(suite, place, "mode=755,uid=1001,gid=1001" if kind == "Maildir" else "mode=2775,gid=8", size=300)

        def content():
            return {p: p.read_bytes() for p in sorted(Path(suite.path(place)).rglob("*")) if p.is_file() and p.name != ".fill"}
        send(suite, "a@example.net", "alice@example.test", "Subject: first\n\nx\n")
        suite.wait_queue_empty()
        small.fill(left=40)
        first = content()
        qid = send(suite, "a@example.net", "alice@example.test", BIG)
        m = suite.wait_log(r"%s: to=<alice@example.test>, relay=local, .*, dsn=([\d.]+), status=deferred \((.*)\)$" % qid)[0]
        assert re.search("No space left on device", m.group(2)), m.group(2)
        assert content() == first       # no torn tail, and no file in tmp
        qid2 = send(suite, "a@example.net", "alice@example.test", "Subject: third\n\nx\n")
        suite.wait_removed(qid2)        # what fits is delivered
        small.free()
        suite.sh("postqueue -f")
        suite.wait_removed(qid)
        text = b"".join(content().values())
        assert [text.count(b"Subject: " + s) for s in (b"first", b"big", b"third")] == [1, 1, 1]


def test_log_full():
    """Mail goes on; what can be written again is whole lines."""
    with make() as suite:
        suite.sh("postfix stop 2>/dev/null")
        small = Small(suite, "/var/log", "mode=755", size=64)
        suite.sh("postfix start 2>/dev/null")
        small.fill()
        for i in range(10):
            send(suite, "a@example.net", "alice@example.test", "Subject: test\n\nx\n")
        assert len(suite.messages("alice", 10)) == 10
        small.free()
        qid = send(suite, "a@example.net", "bob@example.test", "Subject: test\n\nx\n")
        suite.messages("bob", 1)
        if suite.kind == "ours":
            text = suite.wait_until(lambda: (t := suite.sh("cat /var/log/mail.log")) and qid + ": removed" in t and t, suite.path("/var/log"))
            assert re.search(r"(?m)^.*/postlogd\[\d+\]: warning: \d+ log lines were lost", text)
            assert text.count(suite.hostname.split(".")[0] + " postfix/") >= text.count("\n") - 1
