"""`postfix stop` while mail is being delivered."""
import os
import re
import threading
from pathlib import Path

import pytest

from suite import make
from suite.smtp import Client, send

pytestmark = pytest.mark.root

# Not impressed by the signal, as a disk that writes; ends when the test lets it.
COMMAND = "trap '' TERM; cat >>/tmp/copies; : >/tmp/begun; read line </tmp/release"


def stopped_amid_a_delivery(suite, sender):
    """The id of a message whose command had begun before the end of the mail system, and the log."""
    since = suite.log_size()
    qid = send(suite, sender, "slow@example.test", "Subject: once\n\nx\n")
    suite.wait_until(lambda: os.path.exists(suite.path("/tmp/begun")), suite.path("/tmp"), what="the command")
    stop = threading.Thread(target=suite.sh, args=("postfix stop 2>&1",))
    stop.start()
    suite.wait_log("terminating on signal 15$", since=since)
    Path(suite.path("/tmp/release")).write_text("now\n")
    stop.join()
    log = suite.log(since)
    return qid, log


@pytest.mark.extension("Postfix's local(8) is ended at once: the mail comes again after the next start")
def test_a_delivery_that_has_begun_is_finished():
    files = {"/etc/aliases": "postmaster: root\nslow: \"|%s\"\n" % COMMAND}
    with make(files=files, prepare=["mkfifo -m 666 /tmp/release"]) as suite:
        qid, log = stopped_amid_a_delivery(suite, "joe@example.net")
        assert re.search(r"%s: to=<slow@example.test>, .*status=sent \(delivered to command: " % qid, log), log
        assert "killing them" not in log
        suite.sh("postfix start 2>/dev/null; postqueue -f")
        suite.wait_queue_empty()
        assert Path(suite.path("/tmp/copies")).read_text().count("Subject: once\n") == 1


@pytest.mark.extension("Postfix's local(8) is ended at once: the mail comes again after the next start")
@pytest.mark.parametrize("status, record", [(75, "status=deferred "), (67, "status=bounced ")])
def test_what_a_delivery_needs_ends_after_it(status, record):
    """bounce(8), cleanup(8) and others that are asked at the end of a delivery are still there for it."""
    files = {"/etc/aliases": "postmaster: root\nslow: \"|%s; exit %d\"\n" % (COMMAND, status)}
    with make(files=files, prepare=["mkfifo -m 666 /tmp/release"]) as suite:
        qid, log = stopped_amid_a_delivery(suite, "joe@example.test")
        assert re.search(r"%s: to=<slow@example.test>, .*%s" % (qid, record), log), log
        assert "killing them" not in log and "killed by" not in log and "exit status" not in log, log
        kept = suite.path("/var/spool/postfix/%s" % ("defer" if status == 75 else "bounce"))
        assert [path.name for path in Path(kept).rglob("*") if path.is_file()] == [qid]
        assert Path(suite.path("/tmp/copies")).read_text().count("Subject: once\n") == 1


@pytest.fixture(scope="module")
def suite():
    with make() as s:
        yield s


@pytest.mark.parametrize("how, survives", [("drain", True), ("quick-stop", False)])
def test_sessions(suite, how, survives):
    """After `drain` a client is served to its end, after `quick-stop` it is not; new ones are not either way."""
    with Client(suite.smtp) as client:
        done = suite.run("postfix", how)
        assert (done.returncode, done.stderr) == (0, b"postfix/postlog: stopping the Postfix mail system\n")
        assert suite.run("postfix", "status").returncode == 1
        if survives:
            assert client.command("NOOP") == "250 2.0.0 Ok"
        else:
            assert not client.socket.recv(100).startswith(b"250")
    suite.sh("postfix start 2>/dev/null")
    with Client(suite.smtp) as client:
        assert client.command("NOOP") == "250 2.0.0 Ok"
