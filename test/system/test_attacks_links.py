"""ATTACKS L01: links where mail is to be written, put there by another user, and swapped while mail comes. Nothing is written
behind a link, nor to a file of two names or of another owner."""
import contextlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from suite import make
from suite.base import Inotify
from suite.smtp import Client, send

pytestmark = pytest.mark.root

ours_only = pytest.mark.extension("Postfix follows the links of directories")
# What the recipient may write, and what nobody meant. All lies on one file system, so that hard links can be made.
OUTSIDE = "/var/mail/.outside"


@pytest.fixture(scope="module")
def suite():
    main_cf = {"virtual_mailbox_domains": "hosted.example", "virtual_mailbox_base": "/var/mail/.base", "virtual_uid_maps": "static:1001",
               "virtual_gid_maps": "static:1001", "virtual_mailbox_maps": "inline:{ box@hosted.example=d/box, maildir@hosted.example=d/m/ }",
               "deliver_lock_attempts": "2", "deliver_lock_delay": "1s", "home_mailbox": ""}
    aliases = "postmaster: root\nlist: :include:/var/mail/.list\nfile: /var/mail/.spot/file\n"
    with make(main_cf=main_cf, files={"/etc/aliases": aliases}, prepare=["mkdir -p /var/mail/.base; mkdir -m 777 /var/mail/.spot"]) as s:
        # No sticky bit: fs.protected_symlinks does not help.
        s.sh("chmod 777 /var/mail")
        yield s


@pytest.fixture
def outside(suite):
    """A directory of alice's with a file, as a Maildir has them; checks that no mail came into it."""
    suite.sh("rm -rf /var/mail/.outside /var/mail/.base /var/mail/.list /var/mail/.spot/*; mkdir -p /var/mail/.base /var/mail/.outside/tmp /var/mail/.outside/new /var/mail/.outside/cur; echo mine >/var/mail/.outside/file;"
             "chown -R alice:alice /var/mail/.outside /var/mail/.base")

    def content():
        top = Path(suite.path(OUTSIDE))
        return {str(p.relative_to(top)): p.read_bytes() if p.is_file() else None for p in top.rglob("*")}
    before = content()
    yield OUTSIDE
    assert content() == before
    suite.sh("rm -rf /var/mail/* /var/mail/.spot/* /home/alice/.forward /home/alice/Maildir")


def deliver(suite, recipient="alice@example.test"):
    """One message: the status line of its end."""
    since = suite.log_size()
    qid = send(suite, "", recipient)
    line = suite.wait_log(r"%s: to=<[^>]*>.*, dsn=.*status=(\w+) \((.*)\)$" % qid, since=since)[0]
    suite.wait_until(lambda: ("active", qid) not in suite.queue_files(), suite.queue, what="the end of the delivery")
    suite.delete_all()
    return line.group(1), line.group(2)


@contextlib.contextmanager
def watched(suite, directory):
    """Tells of anything that comes or goes in a directory, be it for a moment only."""
    with Inotify(suite.path(directory)) as events:
        def changes():
            with contextlib.suppress(BlockingIOError):
                return os.read(events.fd, 65536)
            return b""
        yield changes


SPOOL = {
    # CVE-2008-2936: root's own link, which somebody has given a second name where he may write.
    "hard link to a link of root": ("ln -s {0}/file /var/mail/.rootlink; ln -P /var/mail/.rootlink /var/mail/alice; rm /var/mail/.rootlink", "bounced", "is a symbolic link|not a regular file"),
    "link": ("ln -s {0}/file /var/mail/alice; chown -h bob /var/mail/alice", "bounced", "symbolic link|not a regular file"),
    "link of the user himself": ("ln -s {0}/file /var/mail/alice; chown -h alice /var/mail/alice", "bounced", "symbolic link|not a regular file"),
    "link to nothing": ("ln -s {0}/absent /var/mail/alice; chown -h bob /var/mail/alice", "deferred|bounced", "."),
    "hard link": ("ln {0}/file /var/mail/alice", "bounced", "2 hard links|multiple hard links|file has 2"),
    # CVE-2008-2937: who makes the mailbox before its user has one would read the mail.
    "mailbox of another": ("echo >/var/mail/alice; chown bob /var/mail/alice; chmod 666 /var/mail/alice", "deferred", "not owned by recipient"),
}


@pytest.mark.parametrize("case", SPOOL)
def test_mailbox(suite, outside, case):
    command, status, reason = SPOOL[case]
    suite.sh(command.format(OUTSIDE))
    got = deliver(suite)
    assert got[0] in status.split("|"), got
    assert re.search(reason, got[1]), got


@pytest.mark.parametrize("what", ["link", "hard link"])
def test_dotlock(suite, outside, what):
    """A lock that is not one is waited for, or judged by its age, never written through or followed."""
    suite.sh("ln %s %s/file /var/mail/alice.lock" % ("-s" if what == "link" else "", OUTSIDE))
    status, reason = deliver(suite)
    assert status == "deferred" and "alice.lock: File exists" in reason, reason
    assert not os.path.exists(suite.mailbox("alice"))


@ours_only
@pytest.mark.parametrize("agent, name", [("local", "tmp"), ("local", "new"), ("local", "cur"), ("virtual", "tmp"), ("virtual", "new"), ("virtual", "cur"),
                                         ("virtual", ".")])
def test_maildir(suite, outside, agent, name):
    """`cur` is not written to; the Maildir itself may be a link in one's own home, but not one that leads out of the base."""
    place = "/var/mail/.base/d/m" if agent == "virtual" else "/var/mail/.spot/m"
    suite.sh("mkdir -p %s; cd %s; if [ %s = . ]; then rmdir ../m; ln -s %s ../m; else mkdir tmp new cur; rmdir %s; ln -s %s/%s %s; fi; chown -hR alice:alice %s" %
             (place, place, name, OUTSIDE, name, OUTSIDE, name, name, "/var/mail/.base" if agent == "virtual" else "/var/mail/.spot/m"))
    if agent == "local":
        suite.write("/home/alice/.forward", "/var/mail/.spot/m/\n")
    status, reason = deliver(suite, "maildir@hosted.example" if agent == "virtual" else "alice@example.test")
    assert status == ("sent" if name == "cur" else "deferred"), reason


@ours_only
@pytest.mark.parametrize("link", ["d", "d/box", "d/box.lock"])
def test_virtual_mailbox(suite, outside, link):
    suite.sh("mkdir -p /var/mail/.base/d; [ %s != d ] || rmdir /var/mail/.base/d; ln -s %s /var/mail/.base/%s; chown -hR alice:alice /var/mail/.base" %
             (link, OUTSIDE if link == "d" else OUTSIDE + "/box", link))
    with watched(suite, OUTSIDE) as changes:
        status, reason = deliver(suite, "box@hosted.example")
        assert status == "deferred", reason
        assert changes() == b""


FORWARD = {
    "a link": "ln -s /var/mail/.spot/forward /home/alice/.forward; chown -h alice /home/alice/.forward; echo bob >/var/mail/.spot/forward; chown alice /var/mail/.spot/forward",
    "a file of another": "echo bob >/home/alice/.forward; chown bob /home/alice/.forward",
}


@pytest.mark.parametrize("case", FORWARD)
def test_forward(suite, outside, case):
    suite.sh(FORWARD[case])
    at = suite.log_size()
    assert deliver(suite)[0] == "sent"
    assert "to=<bob@" not in suite.log(at) and len(suite.messages("alice")) == 1


@pytest.mark.extension("Postfix looks at the file alone")
@pytest.mark.parametrize("case", ["hard link", "renamed"])
def test_forward_where_all_may_write(suite, outside, case):
    """Whoever may write to the home directory can put any file of its user there."""
    suite.sh("echo '|touch %s/ran' >/home/alice/note; chown alice:alice /home/alice/note; chmod 777 /home/alice; cd /home/alice; %s note .forward" %
             (OUTSIDE, "ln" if case == "hard link" else "mv"))
    try:
        at = suite.log_size()
        assert deliver(suite) == ("sent", "delivered to mailbox")
        assert "directory /home/alice is world writable" in suite.log(at)
    finally:
        suite.sh("rm -f /home/alice/note; chmod 755 /home/alice")


@pytest.mark.parametrize("case", ["world writable", pytest.param("secret", marks=pytest.mark.extension("Postfix reads it as root"))])
def test_include(suite, outside, case):
    """A list is read with the rights of who names it; here of default_privs, as root's aliases have."""
    suite.sh("echo bob >/var/mail/.secret; chmod %s /var/mail/.secret; ln -s /var/mail/.secret /var/mail/.list" % ("600" if case == "secret" else "666"))
    assert deliver(suite, "list@example.test")[0] == "bounced"
    suite.sh("rm /var/mail/.secret /var/mail/.list")


@pytest.mark.parametrize("path", ["/var/lib/postfix/master.lock", "/var/spool/postfix/pid/master.pid"])
def test_files_of_master(suite, path):
    """The directory belongs to the mail system's own user; master is root."""
    suite.sh("postfix stop 2>/dev/null; echo secret >/etc/victim; chmod 600 /etc/victim; rm -f %s; ln -s /etc/victim %s; chown -h postfix %s" % ((path,) * 3))
    try:
        suite.run("postfix", "start")
        assert suite.sh("cat /etc/victim; stat -c '%a %U' /etc/victim") == "secret\n600 root\n"
    finally:
        suite.sh("postfix stop 2>/dev/null || :; rm -f %s; postfix start 2>/dev/null" % path)


# Puts one thing after the other under a name, until its input ends. usage: SWAP name other..
SWAP = r"""
import contextlib, os, select, sys
name, *others = sys.argv[1:]
os.umask(0)
made = 0
def put(what):
    with contextlib.suppress(OSError):
        if os.path.isdir(name) and not os.path.islink(name):
            os.rename(name, name + ".was")
        else:
            os.unlink(name)
    with contextlib.suppress(OSError):
        if what == "directory":
            os.rename(name + ".was", name) if os.path.isdir(name + ".was") else os.mkdir(name)
        elif what.startswith("->"):
            os.symlink(what[2:], name)
        elif what.startswith("="):
            os.link(what[1:], name)
        elif what == "fifo":
            os.mkfifo(name)
        elif what == "file":
            os.close(os.open(name, os.O_CREAT | os.O_EXCL, 0o666))
        elif what.startswith("own:"):
            os.close(os.open(name, os.O_CREAT | os.O_EXCL, 0o666))
            os.chown(name, int(what[4:]), int(what[4:]))
print("begun", flush=True)
while not select.select([0], [], [], 0)[0]:
    for other in others:
        put(other)
    made += len(others)
print(made)
"""

RACES = {
    # name that is swapped, what is put there, recipient
    "mailbox": ("/var/mail/alice", ["absent", "->{0}/file", "={0}/file", "own:1002", "fifo", "own:1001"], "alice@example.test"),
    "dotlock": ("/var/mail/alice.lock", ["absent", "->{0}/file", "absent", "={0}/file"], "alice@example.test"),
    "file of an alias": ("/var/mail/.spot", ["directory", "->{0}"], "file@example.test"),
    "virtual directory": ("/var/mail/.base/d", ["directory", "->{0}"], "box@hosted.example"),
    "virtual Maildir": ("/var/mail/.base/d", ["directory", "->{0}"], "maildir@hosted.example"),
    "virtual Maildir's new": ("/var/mail/.base/d/m/new", ["directory", "->{0}/new"], "maildir@hosted.example"),
    "virtual Maildir's tmp": ("/var/mail/.base/d/m/tmp", ["directory", "->{0}/tmp"], "maildir@hosted.example"),
}


@ours_only
@pytest.mark.expensive
@pytest.mark.parametrize("case", RACES)
def test_race(suite, outside, case):
    """Some ten thousand swaps while mail is delivered. All of it has a status, and none of it is outside."""
    name, others, recipient = RACES[case]
    count = 200
    suite.sh("mkdir -p /var/mail/.base/d/m/new /var/mail/.base/d/m/tmp /var/mail/.base/d/m/cur; chown -R alice:alice /var/mail/.base; chmod -R 777 /var/mail/.base")
    swapper = subprocess.Popen(**suite.started(["/usr/bin/python3", "-c", SWAP, name, *[o.format(OUTSIDE) for o in others]]), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    try:
        assert swapper.stdout.readline() == b"begun\n"
        at = suite.log_size()
        with watched(suite, OUTSIDE) as changes, Client(suite.smtp) as client:
            for _ in range(count):
                client.send("", recipient, "Subject: race\n\nx\n")
            suite.wait_log(r": to=<.*status=", count=count, since=at, timeout=60)
            if recipient.endswith("@hosted.example"):      # else links to the file are among the events
                assert changes() == b""
        assert "killed by signal" not in suite.log(at)
    finally:
        swaps = int(swapper.communicate()[0])
        suite.delete_all()
        suite.sh("rm -rf /var/mail/.base /var/mail/.spot; mkdir -m 777 /var/mail/.spot")
    assert swaps > 1000
