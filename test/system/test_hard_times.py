"""Daemons that stand still, a master that is told to read its configuration over and over, logs that are damaged or gone: mail
is late at worst, and none is lost."""
import os
import re
import socket
import threading
from pathlib import Path

import pytest

from suite import make
from suite.smtp import Client, send

pytestmark = [pytest.mark.root, pytest.mark.expensive]


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"smtpd_error_sleep_time": "0", "notify_classes": ""}) as s:
        yield s


def signal(suite, name, which):
    """Sends it to every process of this instance that runs the daemon."""
    suite.sh("for p in $(grep -lx %s /proc/[0-9]*/comm | cut -d/ -f3); do kill -%s $p; done" % (name, which))


def subjects(suite, user):
    path = Path(suite.mailbox(user))
    return re.findall(r"(?m)^Subject: (.*)$", path.read_text()) if path.exists() else []


class Sender(threading.Thread):
    """Sends messages, one after another, in a session each."""

    def __init__(self, suite, prefix, count):
        super().__init__()
        self.suite, self.prefix, self.count, self.failure = suite, prefix, count, None

    def run(self):
        try:
            for n in range(self.count):
                with Client(self.suite.smtp, timeout=60) as client:
                    client.send("joe@example.net", "alice@example.test", "Subject: %s-%d\n\n.\n" % (self.prefix, n))
        except Exception as e:  # noqa: BLE001  join() shows it
            self.failure = e

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.join()
        assert self.failure is None, self.failure

    @property
    def subjects(self):
        return ["%s-%d" % (self.prefix, n) for n in range(self.count)]


@pytest.mark.parametrize("daemon", ["qmgr", "cleanup", "trivial-rewrite", "local", "bounce", "smtpd"])
def test_a_daemon_that_stands_still(suite, daemon):
    """What comes meanwhile is delivered once it goes on, each message once."""
    suite.wait_removed(send(suite, "joe@example.net", "alice@example.test", "Subject: before-%s\n\n.\n" % daemon))
    signal(suite, daemon, "STOP")
    with Sender(suite, "stopped-" + daemon, 3) as sender:
        if daemon in ("qmgr", "local", "bounce"):
            sender.join()   # mail is taken meanwhile; one of them is delivered only if nobody else is needed
        signal(suite, daemon, "CONT")
    suite.wait_until(lambda: set(sender.subjects) <= set(subjects(suite, "alice")), suite.mail_log, what="all mail")
    assert [subjects(suite, "alice").count(s) for s in sender.subjects] == [1, 1, 1]


@pytest.mark.parametrize("daemon", ["showq", "flush"])
def test_a_daemon_that_no_mail_needs_stands_still(suite, daemon):
    suite.run("postqueue", "-p")
    suite.run("postqueue", "-s", "example.test")
    signal(suite, daemon, "STOP")
    suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
    signal(suite, daemon, "CONT")


@pytest.mark.extension("Postfix's master is so busy with it that clients time out")
def test_a_storm_of_reloads(suite):
    """Nobody is refused, and each message comes once."""
    since = suite.log_size()
    with Sender(suite, "reloaded", 20) as sender:
        for _ in range(20):
            if sender.is_alive():
                suite.sh("for i in 1 2 3 4 5; do kill -HUP $(cat %s/pid/master.pid); done" % suite.queue_directory)
    suite.wait_log("reload -- version", since=since)
    suite.wait_until(lambda: set(sender.subjects) <= set(subjects(suite, "alice")), suite.mail_log, what="all mail")
    assert [subjects(suite, "alice").count(s) for s in sender.subjects] == [1] * 20
    assert not re.search(r"fatal: |panic: ", suite.log(since))


def test_a_storm_of_hangups_for_a_daemon(suite):
    """A daemon of Postfix and of ours does not care about the signal that is master's."""
    suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
    pid = re.findall(r"qmgr\[(\d+)\]", suite.log())[-1]
    suite.sh("for i in $(seq 50); do kill -HUP %s; done" % pid)
    suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))


@pytest.mark.parametrize("damage", ["gone", "empty", "torn", "noise", "huge"])
def test_a_damaged_defer_log(damage):
    """The message is given up by force: its sender gets it back, whatever is left of the reasons."""
    with make(main_cf={"defer_transports": "local", "notify_classes": ""}) as suite:
        qid = send(suite, "heidi@example.test", ["alice@example.test", "bob@example.test"], "Subject: damaged log\n\nThe text.\n")
        suite.wait_log("%s: to=.*status=deferred" % qid, count=2)
        suite.wait_until(lambda: ("deferred", qid) in suite.queue_files(), suite.queue, what="the message")
        log = next(Path(suite.queue, "defer").rglob(qid))
        data = log.read_bytes()
        if damage == "gone":
            log.unlink()
        elif damage == "empty":
            os.truncate(log, 0)
        elif damage == "torn":
            os.truncate(log, len(data) * 3 // 4)
        elif damage == "noise":
            with open(log, "r+b") as f:
                f.write(bytes(range(256)))
        else:
            with open(log, "ab") as f:
                for n in range(20000):
                    f.write(data)
        suite.sh("postsuper -e %s 2>/dev/null; postconf -X defer_transports; postfix reload 2>&1; postqueue -f" % qid)
        suite.wait_log("%s: from=<heidi@example.test>, status=force-expired, returned to sender" % qid)
        suite.wait_removed(qid)
        suite.wait_queue_empty()
        notice, = suite.messages("heidi")
        assert b"Subject: damaged log" in notice and b"\nThe text.\n" in notice
        if damage in ("gone", "huge"):
            assert b"alice@example.test" in notice and b"bob@example.test" in notice


@pytest.mark.parametrize("content", ["%d\n", "not a number\n", ""])
def test_a_process_id_that_belongs_to_another(content):
    """After a power cut the number in master.pid may be anybody's: the lock says whether master runs."""
    with make() as suite:
        suite.sh("postfix stop 2>/dev/null")
        other = suite.sh("echo $PPID").strip() if content else ""
        path = Path(suite.queue, "pid/master.pid")
        path.write_text(content % int(other or 1) if "%" in content else content)
        assert suite.run("postfix", "status").returncode != 0
        suite.sh("postfix start 2>/dev/null")
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        with socket.create_connection(suite.smtp) as s:
            assert s.recv(100).startswith(b"220 ")
