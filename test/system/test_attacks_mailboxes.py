"""ATTACKS L02, L03, L04 and L16: mailboxes that are none, mailboxes that several programs write to, the lock of a killed delivery, and
tables of virtual(8) that mean harm."""
import contextlib
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from suite import make
from suite.ours import sanitized
from suite.smtp import Client, send

pytestmark = pytest.mark.root

BLOCKED = 10      # seconds after which a delivery is taken for one that hangs; locks are waited for for two

# A file server that has forgotten its files: opening or syncing them fails, as long as the queue directory says so.
STALE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int open(const char *path, int flags, ...) {
  va_list list;
  mode_t mode;
  va_start(list, flags);
  mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(list, mode_t) : 0;
  va_end(list);
  if (strcmp(path, "/var/mail/alice") == 0 && access("stale-open", F_OK) == 0) { errno = ESTALE; return -1; }
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int fsync(int fd) {
  char link[64], path[256];
  ssize_t length;
  sprintf(link, "/proc/self/fd/%d", fd);
  length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = 0;
  if (strcmp(path, "/var/mail/alice") == 0 && access("stale-sync", F_OK) == 0) { errno = ESTALE; return -1; }
  return (int)syscall(SYS_fsync, fd);
}
"""
KEPT = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C LD_PRELOAD=/stale.so"


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    main_cf = {"deliver_lock_attempts": "2", "deliver_lock_delay": "1s", "message_size_limit": "10000000"}
    with_stale = shutil.which("cc") and not sanitized()
    if with_stale:
        library = tmp_path_factory.mktemp("stale") / "stale.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-xc", "-", "-o", library], input=STALE.encode(), check=True)
        main_cf["import_environment"] = KEPT
    with make(main_cf=main_cf) as s:
        if with_stale:
            shutil.copy(library, s.path("/stale.so"))
            s.sh("postfix stop 2>/dev/null; LD_PRELOAD=/stale.so postfix start 2>/dev/null")
        yield s


@pytest.fixture
def empty(suite):
    suite.sh("rm -rf /var/mail/alice*")
    yield
    suite.run("sh", "-c", "umount /var/mail/alice; chattr -i /var/mail/alice; rm -rf /var/mail/alice*; chmod 2775 /var/mail")


def deliver(suite, recipient="alice@example.test"):
    """One message: the status of its end, the reason, and the seconds it took."""
    since, begun = suite.log_size(), time.monotonic()
    qid = send(suite, "", recipient)
    line = suite.wait_log(r"%s: to=<[^>]*>.*, dsn=.*status=(\w+) \((.*)\)$" % qid, since=since)[0]
    seconds = time.monotonic() - begun
    suite.wait_until(lambda: ("active", qid) not in suite.queue_files(), suite.queue, what="the end of the delivery")
    suite.delete_all()
    return line.group(1), line.group(2), seconds


# --- L02 ---
BOX = "/var/mail/alice"
NO_MAILBOX = {
    "FIFO": ("mkfifo {0}; chown alice {0}", "."),
    "device": ("mknod {0} c 1 3; chown alice {0}", "not a regular file"),
    "device that reads for ever": ("mknod {0} c 1 5; chown alice {0}", "not a regular file"),
    "directory": ("mkdir {0}; chown alice {0}", "."),
    "file of another where all may write": ("chmod 1777 /var/mail; echo >{0}; chown bob {0}; chmod 666 {0}", "."),
    "read-only": ("echo >{0}; chown alice {0}; mount --bind {0} {0}; mount -o remount,ro,bind {0}", "Read-only file system"),
    "immutable": ("echo >{0}; chown alice {0}; chattr +i {0}", "Operation not permitted"),
}


@pytest.mark.parametrize("case", NO_MAILBOX)
def test_a_mailbox_that_is_none(suite, empty, case):
    command, reason = NO_MAILBOX[case]
    if case == "immutable" and suite.run("sh", "-c", command.format(BOX)).returncode:
        pytest.skip("no such attribute here")
    if case != "immutable":
        suite.sh(command.format(BOX))
    before = os.stat(suite.path(BOX))
    status, told, seconds = deliver(suite)
    assert status in ("deferred", "bounced") and re.search(reason, told), told
    assert seconds < BLOCKED
    after = os.stat(suite.path(BOX))
    assert (after.st_ino, after.st_size, after.st_mode, after.st_uid) == (before.st_ino, before.st_size, before.st_mode, before.st_uid)
    assert not os.path.exists(suite.path(BOX + ".lock"))


def test_a_socket(suite, empty):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(suite.path(BOX))
        status, reason, seconds = deliver(suite)
    assert status in ("deferred", "bounced") and seconds < BLOCKED, reason


def test_a_fifo_whose_reader_does_not_read(suite, empty):
    """An alias may name one: it is written to, but not for ever."""
    suite.sh("mkfifo -m 666 /var/mail/alice.pipe; chown alice /var/mail/alice.pipe; echo /var/mail/alice.pipe >/home/alice/.forward; chown alice /home/alice/.forward")
    reader = os.open(suite.path("/var/mail/alice.pipe"), os.O_RDONLY | os.O_NONBLOCK)
    try:
        status, reason, _ = deliver(suite)
        assert status == "sent", reason
        assert b"Subject: test" in os.read(reader, 65536)
    finally:
        os.close(reader)
        suite.sh("rm -f /home/alice/.forward")


def test_a_mailbox_of_more_than_2_gigabytes(suite, empty):
    suite.sh("truncate -s 3G {0}; printf 'end\\n\\n' >>{0}; chown alice {0}; chmod 600 {0}".format(BOX))
    status, reason, seconds = deliver(suite)
    assert status == "sent" and seconds < BLOCKED, reason
    with open(suite.path(BOX), "rb") as box:
        box.seek(3 << 30)
        text = box.read()
    assert text.startswith(b"end\n\nFrom MAILER-DAEMON ") and text.endswith(b"\nHello.\n\n")


@pytest.mark.parametrize("end", [b"end", b"end\n", b"end\n\n", b"\0\0\0"])
@pytest.mark.extension("Postfix puts its From_ line where the last line stops")
def test_a_mailbox_without_a_last_line(suite, empty, end):
    suite.write(BOX, b"From x Thu Jan  1 00:00:00 1970\nSubject: first\n\n" + end, user="alice", mode=0o600)
    assert deliver(suite)[0] == "sent"
    first, second = suite.messages("alice", 2)
    assert first.rstrip(b"\n").endswith(end.rstrip(b"\n")) and b"\nSubject: test\n" in second


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
@pytest.mark.skipif(sanitized(), reason="the sanitizers' own library has to come first")
@pytest.mark.parametrize("when", ["open", "sync"])
def test_a_file_server_that_forgot(suite, empty, when):
    if when == "sync" and suite.kind == "reference":
        pytest.skip("Postfix's fsync of mailboxes may come from another library")
    suite.write(BOX, b"", user="alice", mode=0o600)
    flag = os.path.join(suite.queue, "stale-" + when)
    Path(flag).touch()
    try:
        status, reason, seconds = deliver(suite)
    finally:
        os.unlink(flag)
    assert status == "deferred" and "Stale file handle" in reason and seconds < BLOCKED, reason
    assert Path(suite.path(BOX)).read_bytes() == b""


# --- L16 ---
PATHS = ["../../etc/cron.d/x", "a/../../../etc/cron.d/x", "a/..", "../../etc/cron.d/x/", "/../../etc/cron.d/x", "/", ".", "a/" * 5000 + "x", "a" * 10_000,
         "./../../etc/cron.d/./x", "..", "//../../etc/cron.d/x/"]
IDS = ["0", "-1", "99", "00", "4294967295", "4294967296", "18446744073709551616", "0x3e9", "1e3", "+1001", "1001x", "root", "1001 0", "1001,0"]
IDS_OF_POSTFIX = ["0", "-1", "99", "root"]       # of the others it takes the number in front, in 32 bits


@pytest.fixture(scope="module")
def hosted():
    """The tables are a database that somebody else writes: what it says is in the recipient's name."""
    boxes = "".join("p%d@hosted.example %s\n" % (n, path) for n, path in enumerate(PATHS)) + "@hosted.example d/box\n"
    uids = "".join("u%d@hosted.example %s\n" % (n, value) for n, value in enumerate(IDS)) + "@hosted.example 1001\n"
    gids = "".join("g%d@hosted.example %s\n" % (n, value) for n, value in enumerate(IDS)) + "@hosted.example 1001\n"
    main_cf = {"virtual_mailbox_domains": "hosted.example", "virtual_mailbox_base": "/home/vmail/base", "virtual_mailbox_maps": "hash:/etc/postfix/boxes",
               "virtual_uid_maps": "hash:/etc/postfix/uids", "virtual_gid_maps": "hash:/etc/postfix/gids", "smtpd_reject_unlisted_recipient": "no"}
    with make(main_cf=main_cf, files={"/etc/postfix/boxes": boxes, "/etc/postfix/uids": uids, "/etc/postfix/gids": gids, "/etc/mc": "memcache = inet:127.0.0.1:1\n",
                                     "/etc/dollar": "/^(.*)@?/ $1\n"},
              prepare=["mkdir -p /home/vmail/base/d /etc/cron.d; chmod 777 /home/vmail /home/vmail/base /home/vmail/base/d /etc/cron.d",
                       "postmap /etc/postfix/boxes /etc/postfix/uids /etc/postfix/gids"]) as s:
        yield s


def files(suite):
    return set(suite.sh("find /etc/cron.d /var/mail /home; ls -d /home/vmail/base/*").split())


def refused(suite, recipient):
    before = files(suite)
    status, reason, _ = deliver(suite, recipient + "@hosted.example")
    assert (status, reason) == ("deferred", "mail system configuration error") or "File name too long" in reason or "Is a directory" in reason, reason
    assert files(suite) == before


@pytest.mark.extension("Postfix follows '..'")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:20])
def test_paths_of_an_evil_table(hosted, path):
    refused(hosted, "p%d" % PATHS.index(path))


@pytest.mark.parametrize("which", ["uid", "gid"])
def test_users_of_an_evil_table(hosted, which):
    for number, value in enumerate(IDS):
        if which == "gid" and value == "99":
            continue          # there is no virtual_minimum_gid
        if hosted.kind == "ours" or value in IDS_OF_POSTFIX:
            refused(hosted, which[0] + str(number))


def test_what_a_table_should_say(hosted):
    assert deliver(hosted, "box@hosted.example")[:2] == ("sent", "delivered to mailbox")
    assert hosted.sh("stat -c '%u %g' /home/vmail/base/d/box") == "1001 1001\n"


@pytest.mark.parametrize("parameter", ["virtual_mailbox_maps", "virtual_uid_maps", "alias_maps", "mailbox_command_maps"])
@pytest.mark.parametrize("table", ["tcp:127.0.0.1:1", "socketmap:inet:127.0.0.1:1:x", "memcache:/etc/mc", "regexp:/etc/dollar"])
def test_tables_that_may_not_say_such_things(hosted, parameter, table):
    """Whoever takes the port of its server, or writes an address, would say whose command is run or where mail goes."""
    hosted.settings(**{**{"virtual_%s_maps" % k: "static:" + v for k, v in (("mailbox", "d/box"), ("uid", "1001"), ("gid", "1001"))}, parameter: table})
    at = hosted.log_size()
    status, reason, _ = deliver(hosted, "box@hosted.example" if parameter.startswith("virtual") else "bob@example.test")
    log = hosted.log(at)
    if table.startswith("regexp"):
        assert "substitution is not allowed" in log
    else:
        assert status == "deferred", reason
        assert re.search(r"warning: %s is unavailable. %s map is not allowed for security.sensitive data" % ((re.escape(table),) * 2), log)
        assert "refused" not in log


# --- L03 and L04 ---
class Writer(threading.Thread):
    """Another mail program: appends messages to a mailbox, or (with `rewrites`) writes all of it again, as a reader that expunges."""

    def __init__(self, path, name, methods, count, rewrites=False):
        super().__init__()
        self.path, self.name_, self.methods, self.count, self.rewrites = path, name, methods, count, rewrites

    @contextlib.contextmanager
    def dotlock(self):
        own = "%s.lock.%s" % (self.path, self.name_)
        Path(own).write_text("")
        os.chmod(own, 0o666)
        turn = threading.Event()
        while "dotlock" in self.methods:
            with contextlib.suppress(FileExistsError):
                os.link(own, self.path + ".lock")
                break
            turn.wait(0.001)      # as others do it: there is nothing that tells of a lock that is free
        os.unlink(own)
        try:
            yield
        finally:
            if "dotlock" in self.methods:
                os.unlink(self.path + ".lock")

    def run(self):
        for number in range(self.count):
            with self.dotlock(), open(self.path, "r+b") as box:
                if "flock" in self.methods:
                    fcntl.flock(box, fcntl.LOCK_EX)
                if "fcntl" in self.methods:
                    fcntl.fcntl(box, fcntl.F_OFD_SETLKW, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))   # not one for all threads
                if self.rewrites:
                    text = box.read()
                    box.seek(0)
                    box.write(text)
                else:
                    box.seek(0, os.SEEK_END)
                    text = b"From %s Thu Jan  1 00:00:00 1970\nSubject: %s %d\n\n>From here\n%s\n\n" % (
                        self.name_.encode(), self.name_.encode(), number, b"y" * 3000)
                    for at in range(0, len(text), 500):
                        box.write(text[at:at + 500])
                        box.flush()


def workers(suite, user="alice"):
    """Pids here of the processes that have become the user and belong to local(8)."""
    found = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.path.basename(os.readlink("/proc/%s/exe" % entry)) == "local" and os.stat("/proc/" + entry).st_uid in (0, 1001) and \
                    re.search(r"^Uid:\s+1001\s", Path("/proc/%s/status" % entry).read_text(), re.M) and \
                    os.readlink("/proc/%s/ns/mnt" % entry) == os.readlink("/proc/%d/ns/mnt" % suite.pid):
                found.append(int(entry))
    return found


@pytest.mark.extension("Postfix uses the locks of mailbox_delivery_lock too, but has no workers to kill")
@pytest.mark.parametrize("kind, killed", [("dotlock", False), ("flock", False), ("fcntl", False), ("dotlock", True)])
def test_many_writers(kind, killed):
    """All of the others take one kind of lock, and ours takes all. With kills, it is the kind that outlives a process: else the others
    would write behind half a message."""
    with make(main_cf={"mailbox_delivery_lock": "flock, fcntl, dotlock", "deliver_lock_attempts": "60", "deliver_lock_delay": "1s"}) as suite:
        suite.write(BOX, b"", user="alice", mode=0o666)
        path, count = suite.mailbox("alice"), 40
        # Each has one kind of lock, which ours takes too, and one that keeps others like it away.
        others = ([(str(n), ["dotlock", "flock", "fcntl"][:n % 3 + 1]) for n in range(6)] if killed else
                  [(kind + str(n), [kind]) for n in range(7)])
        threads = [Writer(path, name, methods, count) for name, methods in others] + [Writer(path, "reader", [kind], 20, rewrites=True)]
        at, kills = suite.log_size(), 0
        body = "From the start\n" + "x" * 3000 + "\nFrom here\n"
        for thread in threads:
            thread.start()
        with Client(suite.smtp) as client:
            for number in range(count):
                client.send("joe@example.net", "alice@example.test", "Subject: ours %d\n\n%s" % (number, body))
                if killed and number % 4 == 3:
                    suite.wait_log(r"to=<alice@.*status=sent", since=at)
                    for pid in workers(suite):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, 9)
                            kills += 1
        for thread in threads:
            thread.join()
        suite.wait_log(r"to=<alice@.*status=", count=count, since=at)
        suite.sh("postqueue -f")
        suite.wait_queue_empty()
        assert "panic:" not in suite.log(at) and bool(kills) == killed
        text = Path(path).read_bytes()
        messages = re.split(rb"(?:(?<=\n\n)|\A)(?=From )", text)[1:]
        got = sorted(re.search(rb"^Subject: (.*)$", m, re.M).group(1).decode() for m in messages)
        wanted = sorted("%s %d" % (name, n) for name in ["ours", *[n for n, _ in others]] for n in range(count))
        if killed:                                   # who dies between his last byte and his answer is sent again
            assert set(got) == set(wanted) and len(got) - len(wanted) <= kills, got
        else:
            assert got == wanted
        for message in messages:
            assert message.count(b"\nFrom ") == 0
            assert message.endswith((b"\n>From here\n\n", b"y" * 3000 + b"\n\n")), message[-200:]
        assert not os.path.exists(path + ".lock")


@pytest.mark.extension("Postfix takes it over after stale_lock_time, 500 seconds")
def test_the_lock_of_a_killed_delivery():
    with make() as suite:
        suite.write(BOX, b"", user="alice", mode=0o600)
        lock = Path(suite.path(BOX + ".lock"))

        def holder(*, other_than=None):
            with contextlib.suppress(OSError, IndexError, ValueError):
                pid = int(lock.read_text().split()[0])
                return pid if pid != other_than else None
        with open(suite.mailbox("alice"), "r+b") as box:
            fcntl.lockf(box, fcntl.LOCK_EX)          # its worker has the dotlock, and waits here
            begun = time.monotonic()
            qid = send(suite, "joe@example.net", "alice@example.test")
            first = suite.wait_until(holder, "/proc/%d/root/var/mail" % suite.pid, what="the lock")
            suite.sh("kill -9 %d" % first)
            suite.wait_log("%s: to=.*status=deferred" % qid)
            assert lock.exists()
            suite.sh("postqueue -f")
            second = suite.wait_until(lambda: holder(other_than=first), "/proc/%d/root/var/mail" % suite.pid, what="the lock's next holder")
            assert second != first
        suite.wait_removed(qid)
        assert time.monotonic() - begun < 30 and not lock.exists()
        assert len(suite.messages("alice", 1)) == 1
