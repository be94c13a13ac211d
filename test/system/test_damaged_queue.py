"""Queue files that were cut off, changed or put in the wrong place: set aside with their bytes or left alone, never delivered in
part; no daemon dies of them, and other mail goes on."""
import json
import os
import re
import tarfile
from pathlib import Path

import pytest

from suite import make
from suite.smtp import Sink, send

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix renames the files before it looks at them: none could be followed by its id")]

SAMPLE = Path(__file__).resolve().parents[1] / "data/queue-sample.tar.gz"
POSTFIX, ALICE = (100, 102), (1001, 103)
# Edited by a milter, so with pointer records; with recipients that are done; expanded; to users here; from maildrop.
EDITED, PARTIAL, ALIASED, LOCAL, SUBMITTED = ("deferred/7/741BC53CBC", "active/E973B53D07", "deferred/6/6C75353C86", "incoming/9981053D33",
                                              "maildrop/1575553D38")


@pytest.fixture(scope="module")
def sample():
    with tarfile.open(SAMPLE) as tar:
        return {name: tar.extractfile("spool/" + name).read() for name in (EDITED, PARTIAL, ALIASED, LOCAL, SUBMITTED)}


@pytest.fixture
def suite():
    """Stopped, with the filled queue to come."""
    with Sink(extensions=("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN")) as sink, make(main_cf={
            "relayhost": sink.nexthop, "home_mailbox": "Maildir/", "maximal_queue_lifetime": "100d", "bounce_queue_lifetime": "100d"}) as s:
        s.sh("postfix stop 2>/dev/null")
        s.sink = sink
        yield s


class Damage:
    """Puts files into the queue of a stopped suite, each under an id of its own."""

    def __init__(self, suite):
        self.suite, self.files = suite, {}

    def put(self, queue, data, mode=0o700, owner=POSTFIX, name=None):
        qid = name or "%05X%04X" % (len(self.files), 0xA000 + len(self.files))
        folder = Path(self.suite.queue, queue, *([qid[0]] if queue in ("deferred", "defer") else []))
        folder.mkdir(mode=0o700, exist_ok=True)
        if queue == "deferred":
            os.chown(folder, *POSTFIX)
        (folder / qid).write_bytes(data)
        os.chown(folder / qid, *owner)
        (folder / qid).chmod(mode)
        self.files[qid] = data
        return qid

    def intact(self, qid):
        """Whether it lies in corrupt/ with the bytes that it had."""
        path = Path(self.suite.queue, "corrupt", qid)
        return path.exists() and path.read_bytes() == self.files[qid]


def start_and_settle(suite, left=()):
    """Starts; returns the log when all moving mail has gone. Mail that comes meanwhile is delivered as ever."""
    suite.sh("postfix start 2>/dev/null; postqueue -f")
    for line in suite.sh("postqueue -j").splitlines():
        json.loads(line)
    assert suite.run("mailq").returncode == 0
    qid = send(suite, "joe@example.net", "bob@example.test", "Subject: meanwhile\n\nHello.\n")
    suite.wait_removed(qid)
    suite.wait_until(lambda: not [f for f in suite.queue_files() if f[0] != "hold" and f[1] not in left], suite.queue, timeout=120, what="an end")
    log = suite.log()
    assert not re.search(r"killed by signal|panic: |fatal: |exit status", log)
    return log


def sent(log, qid):
    return len(re.findall(r": %s: to=.*status=sent" % qid, log))


@pytest.mark.parametrize("queue", ["incoming", "active", "deferred"])
def test_cut_off(suite, sample, queue):
    damage = Damage(suite)
    cut = [damage.put(queue, data[:size]) for data in (sample[EDITED], sample[PARTIAL]) for size in (*range(0, len(data), 7), len(data) - 1)]
    whole = damage.put(queue, sample[ALIASED])
    log = start_and_settle(suite)
    assert sent(log, whole) == 3
    assert not [qid for qid in cut if sent(log, qid)]
    assert not [qid for qid in cut if not damage.intact(qid)]
    assert len(re.findall("moving it to the corrupt queue", log)) == len(cut)


def test_changed_bytes(suite, sample):
    """What still reads as a message is delivered as one; the rest is set aside, by qmgr or when an agent comes to read it. Each
    file comes to one of these ends."""
    damage = Damage(suite)
    for data in (sample[EDITED], sample[PARTIAL], sample[LOCAL]):
        for at in range(0, len(data), 3):
            changed = bytearray(data)
            changed[at] ^= 1 << at % 8
            damage.put("incoming", bytes(changed))
    log = start_and_settle(suite)
    removed = set(re.findall(r"qmgr\[\d+\]: (\w+): removed$", log, re.M))
    assert not [qid for qid in damage.files if not damage.intact(qid) and qid not in removed]
    assert removed & set(damage.files) and set(damage.files) - removed


def test_maildrop(suite, sample):
    """A user's file: as above, and what is set aside or given up reaches nobody."""
    damage, data = Damage(suite), sample[SUBMITTED]
    cut = [damage.put("maildrop", data[:size], 0o744, ALICE) for size in range(len(data))]
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        damage.put("maildrop", bytes(changed), 0o744, ALICE)
    log = start_and_settle(suite, left=damage.files)
    assert not [qid for qid in cut if not damage.intact(qid) and not Path(suite.queue, "maildrop", qid).exists()]
    assert len(list(Path(suite.queue, "corrupt").iterdir())) >= len(cut)
    assert "status=sent" in log


def test_out_of_place(suite, sample):
    """Not complete, not ours, in the wrong directory, enormous, not a file: left where it is, or set aside."""
    damage, data = Damage(suite), sample[ALIASED]
    not_complete = damage.put("incoming", data, mode=0o600)
    foreign = damage.put("incoming", data, owner=(0, 0))
    misplaced = damage.put("deferred", data)
    os.rename(Path(suite.queue, "deferred", misplaced[0], misplaced), Path(suite.queue, "deferred", misplaced))
    huge = damage.put("incoming", b"")
    os.truncate(Path(suite.queue, "incoming", huge), 1 << 40)
    Path(suite.queue, "incoming", "0BADD1EC7").mkdir(mode=0o700)
    os.symlink("/etc/passwd", Path(suite.queue, "incoming", "0BAD11111"))
    os.mkfifo(Path(suite.queue, "incoming", "0BADF1F00"), 0o700)
    os.chown(Path(suite.queue, "incoming", "0BADF1F00"), *POSTFIX)
    twice = damage.put("incoming", data, name="0BADD0000")
    damage.put("deferred", data, name="0BADD0000")
    left = {not_complete, foreign, misplaced, "0BAD11111", "0BADF1F00", twice}
    log = start_and_settle(suite, left=left)
    assert Path(suite.queue, "corrupt", huge).stat().st_size == 1 << 40
    assert not [qid for qid in (not_complete, foreign, misplaced, huge) if sent(log, qid)]
    assert Path(suite.queue, "incoming", foreign).read_bytes() == data
    suite.wait_log(r"%s: to=.*status=sent" % twice, count=3)


def test_the_sender_hears_of_recipients_that_failed(suite):
    """Before its content turned out to be damaged one recipient of the message had failed: that is told, the rest set aside."""
    suite.sh("postconf -e defer_transports=local; postfix start 2>/dev/null")
    qid = send(suite, "heidi@example.test", ["alice@example.test", "bob@example.test"], "Subject: damaged\n\n" + "A line.\n" * 3000 + "The last.\n")
    suite.wait_log("%s: to=.*status=deferred" % qid, count=2)
    suite.sh("postfix stop 2>/dev/null; postconf -X defer_transports")
    path = next(Path(suite.queue, "deferred").glob("*/" + qid))
    data = path.read_bytes().replace(b"bob@example.test", b"b0b@example.test").replace(b"N\x09The last.", b"\xff\x09The last.")
    path.unlink()
    damage = Damage(suite)
    damaged = damage.put("deferred", data)
    log = start_and_settle(suite)
    assert re.search(r": %s: to=<b0b@example.test>, .*status=bounced" % damaged, log) and not sent(log, damaged)
    assert damage.intact(damaged) is False and Path(suite.queue, "corrupt", damaged).exists()   # b0b is marked as done
    notice, = [f.read_text() for f in Path(suite.home("heidi"), "Maildir/new").iterdir()]
    assert "b0b@example.test" in notice and "Subject: damaged" in notice
    assert not list(Path(suite.queue, "bounce").iterdir())
