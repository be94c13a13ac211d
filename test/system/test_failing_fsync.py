"""A disk that fails at fsync: what was to be acknowledged is refused or put off, the file is given up and not synced again."""
import collections
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from suite import make
from suite.ours import sanitized
from suite.smtp import Client, Refused, send

pytestmark = [pytest.mark.root, pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")]

# Fails as long as the queue directory, where all daemons work, has a file "fsync-fails", and notes which files that were.
SOURCE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static int failing(int fd, long call) {
  struct stat s;
  char line[64];
  int saved, log;
  if (fstat(fd, &s) != 0 || access("fsync-fails", F_OK) != 0) return (int)syscall(call, fd);
  log = open("fsync-log", O_WRONLY | O_APPEND | O_CLOEXEC);
  if (log >= 0) {
    saved = sprintf(line, "%s %lu %lu\n", S_ISDIR(s.st_mode) ? "directory" : "file", (unsigned long)s.st_dev, (unsigned long)s.st_ino);
    if (write(log, line, saved) < 0) _exit(99);
    close(log);
  }
  errno = EIO;
  return -1;
}
int fsync(int fd) { return failing(fd, SYS_fsync); }
int fdatasync(int fd) { return failing(fd, SYS_fdatasync); }
"""
KEPT = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C LD_PRELOAD=/fsync.so"


class Disk:
    """The switch of a suite's disk, and what was tried while it failed."""

    def __init__(self, suite):
        self.suite, self.queue = suite, Path(suite.queue)

    def fail(self):
        (self.queue / "fsync-log").write_text("")
        (self.queue / "fsync-log").chmod(0o666)
        (self.queue / "fsync-fails").touch()

    def heal(self):
        (self.queue / "fsync-fails").unlink(missing_ok=True)

    def failed(self):
        return collections.Counter(line for line in (self.queue / "fsync-log").read_text().splitlines() if line.startswith("file"))


@pytest.fixture(scope="module", params=["mbox", "Maildir"])
def suite(request, tmp_path_factory):
    if sanitized():
        pytest.skip("the sanitizers' own library has to come first")
    library = tmp_path_factory.mktemp("fsync") / "fsync.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-xc", "-", "-o", library], input=SOURCE.encode(), check=True)
    with make(main_cf={"import_environment": KEPT, **({"home_mailbox": "Maildir/"} if request.param == "Maildir" else {})}) as s:
        shutil.copy(library, s.path("/fsync.so"))
        s.sh("postfix stop 2>/dev/null; LD_PRELOAD=/fsync.so postfix start 2>/dev/null")
        s.disk = Disk(s)
        yield s


@pytest.fixture(autouse=True)
def healed(suite):
    yield
    suite.disk.heal()


def stored(suite, user):
    """The mailbox: {file: bytes}."""
    files = [Path(suite.mailbox(user)), *Path(suite.home(user)).rglob("Maildir/*/*")]
    return {f: f.read_bytes() for f in files if f.is_file()}


def test_smtp(suite):
    send(suite, "a@example.net", "alice@example.test", "Subject: before\n\nx\n")
    suite.wait_queue_empty()
    with Client(suite.smtp) as client:
        suite.disk.fail()
        with pytest.raises(Refused, match="^451 4.3.0 Error: queue file write error$"):
            client.send("a@example.net", "alice@example.test", "Subject: refused\n\nx\n")
        suite.disk.heal()
        assert suite.disk.failed() and set(suite.disk.failed().values()) == {1}
        assert suite.queue_files() == []
        client.send("a@example.net", "alice@example.test", "Subject: after\n\nx\n")
    suite.wait_queue_empty()
    text = b"".join(stored(suite, "alice").values())
    assert [text.count(b"Subject: " + s) for s in (b"before", b"refused", b"after")] == [1, 0, 1]


def test_sendmail(suite):
    suite.disk.fail()
    done = suite.run("sh", "-c", "LD_PRELOAD=/fsync.so sendmail bob", input=b"Subject: x\n\nx\n")
    suite.disk.heal()
    if done.returncode == 0:      # the loader ignores the library for a set-group-id program: pickup finds the fault, and keeps the file
        suite.sh("postqueue -f")
        suite.wait_queue_empty()
        assert len(stored(suite, "bob")) == 1
    else:
        assert done.returncode == 75 and stored(suite, "bob") == {}


def test_mailbox(suite):
    """The delivery does not count, and leaves nothing in the mailbox; the message is delivered once when the disk is well."""
    send(suite, "a@example.net", "carol@example.test", "Subject: before\n\nx\n")
    suite.wait_queue_empty()
    before = stored(suite, "carol")
    suite.sh("postconf -e defer_transports=local; postfix reload 2>/dev/null")
    since = suite.log_size()
    qid = send(suite, "a@example.net", "carol@example.test", "Subject: waits\n\nx\n")
    suite.wait_log(r"%s: to=.*status=deferred \(deferred transport\)" % qid, since=since)
    suite.sh("postconf -X defer_transports; postfix reload 2>/dev/null")
    suite.disk.fail()
    suite.sh("postqueue -f")
    m = suite.wait_log(r"%s: to=<carol@example.test>, relay=local, .* status=deferred \((.*)\)$" % qid, since=since)[-1]
    # Postfix syncs the log of the deferral too, and says only that this failed.
    assert re.search("Input/output error" if suite.kind == "ours" else "bounce or trace service failure", m.group(1)), m.group(1)
    suite.wait_until(lambda: ("deferred", qid) in suite.queue_files(), suite.queue, what="deferral")
    suite.disk.heal()
    assert set(suite.disk.failed().values()) == {1}
    assert stored(suite, "carol") == before
    suite.sh("postqueue -f")
    suite.wait_removed(qid)
    text = b"".join(stored(suite, "carol").values())
    assert [text.count(b"Subject: " + s) for s in (b"before", b"waits")] == [1, 1]
