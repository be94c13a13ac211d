"""ATTACKS O11: the clock is wrong at the start, or jumps. New mail comes and goes, what waits is not returned, and no daemon spins."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from suite import make
from suite.ours import sanitized
from suite.smtp import send

pytestmark = [pytest.mark.root, pytest.mark.expensive, pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler"),
              pytest.mark.skipif(sanitized(), reason="the sanitizers' own library has to come first"),
              pytest.mark.extension("Postfix waits by the wall clock")]

# The clock of all that looks at it from the queue directory, by the files that are there.
SOURCE = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static time_t offset(void) {
  if (access("clock-ahead", F_OK) == 0) return 400 * 86400L;
  if (access("clock-behind", F_OK) == 0) return -3650 * 86400L;
  return 0;
}
int clock_gettime(clockid_t id, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, id, now);
  if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += offset();
  return result;
}
int gettimeofday(struct timeval *now, void *zone) {
  struct timespec exact;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *out) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (out) *out = exact.tv_sec;
  return exact.tv_sec;
}
"""
KEPT = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C LD_PRELOAD=/clock.so"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("clock") / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-xc", "-", "-o", path], input=SOURCE.encode(), check=True)
    return path


def cpu(suite):
    """Ticks of processor time of all daemons."""
    return int(suite.sh("cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | awk '{s += $12 + $13} END {print s}'"))


@pytest.mark.parametrize("wrong", ["clock-ahead", "clock-behind"])
def test_a_clock_that_jumps(library, wrong):
    with make(main_cf={"import_environment": KEPT, "minimal_backoff_time": "1s", "queue_run_delay": "1s", "maximal_backoff_time": "1s"}) as suite:
        shutil.copy(library, suite.path("/clock.so"))
        flag = Path(suite.queue, wrong)
        suite.sh("postfix stop 2>/dev/null; cd %s; LD_PRELOAD=/clock.so postfix start 2>/dev/null" % suite.queue_directory)
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        for step in ("jumps", "is right again"):
            flag.touch() if step == "jumps" else os.unlink(flag)
            at, begun = suite.log_size(), cpu(suite)
            for _ in range(5):
                suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
            assert cpu(suite) - begun < 200
            assert "panic" not in suite.log(at) and "killed by signal" not in suite.log(at)
        # And with it there at the start, mail of the other time in the queue.
        suite.sh("postfix stop 2>/dev/null")
        suite.run("sendmail", "-f", "bob@example.test", "carol@example.test", user="bob", input=b"Subject: waits\n\nx\n")
        flag.touch()
        suite.sh("cd %s; LD_PRELOAD=/clock.so postfix start 2>/dev/null" % suite.queue_directory)
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        assert len(suite.messages("carol", 1)) == 1
        assert len(suite.messages("alice", 12)) == 12


@pytest.mark.parametrize("wrong", ["clock-ahead", "clock-behind"])
def test_mail_that_waits_while_the_clock_jumps(library, wrong):
    """It is not returned because of the jump, nor left lying until a time that is far away."""
    main_cf = {"import_environment": KEPT, "minimal_backoff_time": "1s", "queue_run_delay": "1s", "maximal_backoff_time": "1s", "default_transport": "retry:4.4.1 nobody there"}
    with make(main_cf=main_cf) as suite:
        shutil.copy(library, suite.path("/clock.so"))
        flag = Path(suite.queue, wrong)
        suite.sh("postfix stop 2>/dev/null; cd %s; LD_PRELOAD=/clock.so postfix start 2>/dev/null" % suite.queue_directory)
        suite.run("sendmail", "-f", "bob@example.test", "bob@elsewhere.example", user="bob", input=b"Subject: waits\n\nx\n")
        qid = suite.wait_log(r": (\w+): to=<bob@elsewhere.example>.*status=deferred")[0].group(1)
        for step in ("jumps", "is right again"):
            flag.touch() if step == "jumps" else os.unlink(flag)
            for _ in range(2):
                since = suite.log_size()
                suite.run("postqueue", "-f")
                suite.wait_log(qid + ": to=<bob@elsewhere.example>.*status=deferred", since=since)
        # And with it wrong at the start already; right again, and wrong, while nobody looks.
        for step in ("wrong", "right again", "wrong"):
            suite.sh("postfix stop 2>/dev/null")
            flag.touch() if step == "wrong" else os.unlink(flag)
            since = suite.log_size()
            suite.sh("cd %s; LD_PRELOAD=/clock.so postfix start 2>/dev/null; postqueue -f" % suite.queue_directory)
            suite.wait_log(qid + ": to=<bob@elsewhere.example>.*status=deferred", since=since)
        assert "expired" not in suite.log() and [name for _, name in suite.queue_files()] == [qid]
