"""What must not cost anybody else his mail while much of it is on its way: a poison message, a daemon that is killed, a table
that changes."""
import collections
import os
import re
import threading
from pathlib import Path

import pytest

from suite import make
from suite.smtp import Client, Refused

pytestmark = pytest.mark.root

RECIPIENTS = ["alice@example.test", "box@hosted.example", "one@alias.example"]   # mbox; Maildir; by an alias table to another mbox
CLIENTS, MESSAGES = 8, 30
TEXT = "Subject: %s\n\n" + "All of it, or nothing.\n" * 40 + "The end of %s.\n"
MAIN_CF = {"virtual_mailbox_domains": "hosted.example", "virtual_mailbox_maps": "hash:/etc/postfix/vmail", "virtual_mailbox_base": "/home/vmail",
           "virtual_uid_maps": "static:1001", "virtual_gid_maps": "static:1001", "virtual_alias_maps": "hash:/etc/postfix/valias",
           "queue_run_delay": "2s", "minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "transport_retry_time": "1s",
           "smtpd_error_sleep_time": "0"}
FILES = {"/etc/postfix/vmail": "box@hosted.example box/\n", "/etc/postfix/valias": "alias.example x\none@alias.example bob@example.test\n",
         "/home/dave/.forward": "\"|kill -9 $PPID\"\n"}


@pytest.fixture(scope="module")
def suite():
    prepare = ["postmap /etc/postfix/vmail /etc/postfix/valias", "mkdir -p /home/vmail; chmod 777 /home/vmail"]
    with make(main_cf=MAIN_CF, files=FILES, prepare=prepare) as s:
        yield s


class Load:
    """Clients that send until each of their messages is taken, as clients do."""

    def __init__(self, suite, name):
        self.suite, self.name, self.acknowledged, self.begun, self.failure = suite, name, [], threading.Semaphore(0), None
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        for _ in self.threads:
            self.begun.acquire()
        return self

    def __exit__(self, *exc):
        for thread in self.threads:
            thread.join()
        assert self.failure is None and len(self.acknowledged) == CLIENTS * MESSAGES, self.failure

    def run(self, client):
        try:
            for n in range(MESSAGES):
                subject = "%s-%d-%d" % (self.name, client, n)
                deliver(self.suite, RECIPIENTS[n % len(RECIPIENTS)], subject)
                self.acknowledged.append((RECIPIENTS[n % len(RECIPIENTS)], subject))
                self.begun.release()
        except Exception as e:  # noqa: BLE001  the thread that waits for us shows it
            self.failure = e
            self.begun.release()


def deliver(suite, recipient, subject, tries=200):
    """Sends until it is taken. What refuses or goes away may be a daemon that has just been killed; a few lines later it is back."""
    for left in reversed(range(tries)):
        try:
            client = Client(suite.smtp)
            try:
                return client.send("joe@example.net", recipient, TEXT % (subject, subject))
            finally:
                client.socket.close()
        except (Refused, OSError) as e:
            if not left or re.search(r": 5\d\d ", str(e)):
                raise


def stored(suite):
    """{(recipient, subject): times}; every message is whole."""
    texts = {"alice@example.test": [Path(suite.mailbox("alice")).read_text()],
             "one@alias.example": [Path(suite.mailbox("bob")).read_text()],
             "box@hosted.example": [f.read_text() for f in Path(suite.path("/home/vmail/box/new")).iterdir()]}
    found = collections.Counter()
    for recipient, parts in texts.items():
        for text in (message for part in parts for message in re.split(r"(?m)^From joe@.*\n", part) if message):
            subject = re.search(r"(?m)^Subject: (\S+)$", text).group(1)
            assert text.rstrip("\n").endswith(("All of it, or nothing.\n" * 40 + "The end of %s." % subject)), text
            found[recipient, subject] += 1
    return found


def settle(suite, load):
    """Waits for the end of the load's mail; how often each message has come."""
    def arrived():
        found = stored(suite)
        return all(found[message] for message in load.acknowledged) and found
    found = suite.wait_until(arrived, suite.mail_log, timeout=60, what="all mail")
    return {message: found[message] for message in load.acknowledged}


def children(suite, name):
    """The processes of this instance's master that run the daemon."""
    return [int(pid) for pid in suite.sh("ps -o pid= -C %s --ppid $(cat %s/pid/master.pid) | sort -u; true" % (name, suite.queue_directory)).split()
            if suite.run("sh", "-c", "ps -o comm= -p %s" % pid).stdout.strip() == name.encode()]


def test_poison(suite):
    """A recipient whose command kills the process that runs it, and queue files that are none."""
    with Load(suite, "poison") as load:
        for n in range(5):
            deliver(suite, "dave@example.test", "poison%d" % n)
            path = Path(suite.queue, "incoming", "%X" % (0xABC10000 + n))
            path.write_bytes(os.urandom(500))
            os.chown(path, *[getattr(Path(suite.queue, "incoming").stat(), w) for w in ("st_uid", "st_gid")])
            path.chmod(0o700)
            suite.sh("postqueue -f")
    assert set(settle(suite, load).values()) == {1}
    suite.wait_until(lambda: len(list(Path(suite.queue, "corrupt").iterdir())) == 5, Path(suite.queue, "corrupt"), what="the set-asides")
    suite.delete_all()


@pytest.mark.parametrize("daemon", ["smtpd", "cleanup", "trivial-rewrite", "qmgr", "local", "virtual", "anvil"])
def test_killed(suite, daemon):
    with Load(suite, "killed-" + daemon) as load:
        for _ in range(3):
            for pid in children(suite, daemon):
                suite.run("kill", "-9", str(pid))
    # A queue manager that is killed when all mail has come in is started by the next mail, a flush, or master's wake-up.
    suite.sh("postqueue -f")
    times = settle(suite, load)
    # What was in flight may come twice: a process of ours has many messages, of Postfix's one.
    assert sum(times.values()) - len(times) <= 3 * CLIENTS * 4, collections.Counter(times.values())


@pytest.mark.extension("Postfix does not see a second change within a second")
def test_changed_table(suite):
    """Each change is seen within moments, and nobody is refused meanwhile."""
    with Load(suite, "changed") as load:
        for n in range(5):
            entries = FILES["/etc/postfix/valias"] + "new%d@alias.example alice@example.test\n" % n
            suite.write("/etc/postfix/valias", entries)
            suite.sh("postmap /etc/postfix/valias")
            suite.wait_until(lambda: takes(suite, "new%d@alias.example" % n), timeout=20, what="the change")
    assert set(settle(suite, load).values()) == {1}


def takes(suite, recipient):
    client = Client(suite.smtp)
    try:
        client.command("MAIL FROM:<joe@example.net>")
        client.command("RCPT TO:<%s>" % recipient)
        return True
    except Refused:
        return False
    finally:
        client.socket.close()
