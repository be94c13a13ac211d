"""`postfix stop` while mail is being delivered."""
import re
import threading
from pathlib import Path

import pytest

from suite import make
from suite.smtp import send

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"deliver_lock_delay": "1s", "mailbox_delivery_lock": "dotlock"}) as s:
        yield s


def test_a_delivery_that_has_begun_is_finished(suite):
    """It waits for the mailbox when the end comes, and gets it in time: nothing comes twice after the next start."""
    lock = Path(suite.mailbox("alice") + ".lock")
    lock.touch()
    since = suite.log_size()
    qid = send(suite, "joe@example.net", "alice@example.test", "Subject: once\n\nx\n")
    suite.wait_log(r"qmgr\[\d+\]: %s: from=" % qid, since=since)
    stop = threading.Thread(target=suite.sh, args=("postfix stop 2>&1",))
    stop.start()
    # Postfix's master says it too, but its last lines do not reach a maillog_file.
    suite.wait_log("terminating on signal 15$" if suite.kind == "ours" else "stopping the Postfix mail system$", since=since)
    lock.unlink()
    stop.join()
    before = suite.log(since)
    suite.sh("postfix start 2>/dev/null; postqueue -f")
    suite.wait_queue_empty()
    assert Path(suite.mailbox("alice")).read_text().count("Subject: once\n") == 1
    if suite.kind == "ours":
        assert re.search(r"%s: to=<alice@example.test>, .*status=sent \(delivered to mailbox\)$" % qid, before, re.M)
        assert "killing them" not in before
