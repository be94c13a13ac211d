"""cleanup(8) killed at one exact step of taking a message in: what is on disk is acknowledged and delivered once, what is not
leaves nothing behind."""
import shutil
import subprocess
from pathlib import Path

import pytest

from suite import make
from suite.ours import sanitized
from suite.smtp import Client, Refused

pytestmark = [pytest.mark.root, pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler"),
              pytest.mark.extension("Postfix's client is told 451 and sends again what has been taken in")]

# Ends the process that comes by a step of which there is a file in "steps" below the queue directory, where all daemons work.
# That is cleanup: nothing else runs meanwhile.
SOURCE = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static void step(const char *name, int fd) {
  struct stat s;
  if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && unlink(name) == 0) syscall(SYS_tgkill, getpid(), gettid(), SIGKILL);
}
int fchmod(int fd, mode_t mode) {
  step("steps/before-complete", fd);
  return (int)syscall(SYS_fchmod, fd, mode);
}
int fsync(int fd) {
  int result;
  step("steps/before-fsync", fd);
  result = (int)syscall(SYS_fsync, fd);
  step("steps/after-fsync", fd);
  return result;
}
"""
KEPT = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C LD_PRELOAD=/steps.so"


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    if sanitized():
        pytest.skip("the sanitizers' own library has to come first")
    library = tmp_path_factory.mktemp("steps") / "steps.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-xc", "-", "-o", library], input=SOURCE.encode(), check=True)
    with make(main_cf={"import_environment": KEPT}) as s:
        shutil.copy(library, s.path("/steps.so"))
        s.sh("postfix stop 2>/dev/null; LD_PRELOAD=/steps.so postfix start 2>/dev/null")
        steps = Path(s.queue) / "steps"
        steps.mkdir()
        steps.chmod(0o777)
        yield s


def kill_at(suite, step):
    marker = Path(suite.queue) / "steps" / step
    marker.touch()
    return marker


@pytest.mark.parametrize("step", ["before-fsync", "after-fsync"])
def test_complete(suite, step):
    with Client(suite.smtp) as client:
        for at in ("MAIL FROM:<a@example.net>", "RCPT TO:<alice@example.test>", "DATA"):
            client.command(at)
        marker, since = kill_at(suite, step), suite.log_size()
        reply = client.command("Subject: %s\r\n\r\nx\r\n." % step)
    assert not marker.exists()
    assert reply.startswith("250 2.0.0 Ok: queued as "), reply
    qid = reply.split()[-1]
    suite.wait_log("warning: process .*/cleanup pid [0-9]+ killed by signal 9$", since=since)
    suite.wait_log("%s: complete, although the process that took it in has died$" % qid, since=since)
    suite.wait_log("%s: to=<alice@example.test>, .* status=sent" % qid, since=since)
    suite.wait_queue_empty()
    assert Path(suite.mailbox("alice")).read_text().count("Subject: %s\n" % step) == 1


def test_incomplete(suite):
    with Client(suite.smtp) as client:
        client.send("a@example.net", "bob@example.test", "Subject: before\n\nx\n")
        suite.wait_queue_empty()   # who delivers it would come by the step
        marker = kill_at(suite, "before-complete")
        with pytest.raises(Refused, match="^451 4.3.0 Error: queue file write error$"):
            client.send("a@example.net", "bob@example.test", "Subject: refused\n\nx\n")
        assert not marker.exists()
        client.send("a@example.net", "bob@example.test", "Subject: after\n\nx\n")
    suite.wait_queue_empty()
    assert suite.queue_files() == []
    text = Path(suite.mailbox("bob")).read_text()
    assert [text.count("Subject: %s\n" % s) for s in ("before", "refused", "after")] == [1, 0, 1]
