"""The sample of a queue that Debian 12's Postfix left goes on in ours: nothing is lost or changed."""
import collections
import io
import json
import re
import tarfile
import time
from pathlib import Path

import pytest

from suite import make, queue_files
from suite.smtp import Sink, turn

pytestmark = pytest.mark.root

SAMPLE = Path(__file__).resolve().parents[1] / "data/queue-sample.tar.gz"
EXTENSIONS = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
FILTERS = [("127.77.200.3", 2), ("127.77.200.3", 3)]     # where FILTER and content_filter of the sample point

# No line is folded, and a message in a Maildir is as it was in the queue.
MAIN_CF = {"smtp_line_length_limit": "0", "home_mailbox": "Maildir/"}


@pytest.fixture(scope="module")
def manifest():
    with tarfile.open(SAMPLE) as tar:
        return [f for f in json.load(tar.extractfile("manifest.json"))["files"] if f.get("record_types")]


@pytest.fixture
def sinks():
    """The next hop, and those that the sample's filters name, which only one test at a time can have."""
    with turn("takeover-filters"):
        opened = [Sink(address, extensions=EXTENSIONS) for address in (("127.0.0.1", 0), *FILTERS)]
        yield opened
        for sink in opened:
            sink.close()


def arrived_now(archive):
    """The archive with all messages' times of arrival set to now, in maildrop to two days ago: a queue lifetime can be 100
    days at most, and tests live longer."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            data = old.extractfile(member).read() if member.isfile() else b""
            if member.name.startswith("spool/maildrop/"):
                member.mtime = time.time() - 2 * 86400 - 60
            elif member.isfile():
                data = re.sub(rb"\A(C_.{95}T.)\d{10}(?= )", lambda m: m.group(1) + b"%d" % time.time(), data, flags=re.S)
            new.addfile(member, io.BytesIO(data))
    return out.getvalue()


def full(address):
    return address if not address or "@" in address else address + "@example.test"


def quoted(address):
    """As in SMTP: the manifest has addresses without quotes."""
    local, at, domain = address.rpartition("@")
    return '"%s"@%s' % (local, domain) if " " in local else address


def expected(file):
    """[(sender, recipient, content hash)] that are still to be delivered of a file in the manifest."""
    records = file["envelope_records"]
    sender = quoted(full(file["sender"]))
    recipients = [quoted(full(r["address"])) for r in file["recipients"] if r["state"] == "todo"]
    if ">" in records:   # REDIRECT
        recipients = [records[">"]]
    local, domain = sender.rpartition("@")[::2]
    return [("%s+%s@%s" % (local, r.replace("@", "="), domain) if "V" in records else sender, r, file["content_sha256"]) for r in recipients]


def as_listed(file):
    """A manifest's file in the listings: addresses as in SMTP, and a REDIRECT address beside those that it replaces."""
    recipients = [r["address"] for r in file["recipients"] if r["state"] == "todo"] + [file["envelope_records"].get(">")]
    return file["queue"], quoted(file["sender"]) or "MAILER-DAEMON", {quoted(r): 1 for r in recipients if r}


# Of recipients that were done before: two that bounced, and the two alices that wanted to hear of their success, whom
# Postfix forgets (it renames the message to its new inode number, and not the log).
NOTICES = [("bob@example.test", "m6@deadport.example", "relayed")] + 2 * [("sender@sender.example", "nobody@err.example", "failed")]
TRACES = 2 * [("sender@sender.example", "alice@example.test", "delivered")]


def test_the_sample_queue(manifest, sinks):
    """All queues, crashed with logs, edited by milters, filtered, redirected, verp, long ids, a stray file in maildrop."""
    with make(main_cf={**MAIN_CF, "relayhost": sinks[0].nexthop}) as suite:
        suite.sh("postfix stop 2>/dev/null")
        queue_files.unpack(suite, arrived_now(SAMPLE.read_bytes()), "spool")
        before = queue_files.messages(suite)
        assert sorted((m.path, m.sender, m.todo, queue_files.digest(m.content)) for m in before) == sorted(
            (f["path"], f["sender"], [r["address"] for r in f["recipients"] if r["state"] == "todo"], f["content_sha256"]) for f in manifest)
        waiting = {m.path: m.content for m in before if m.queue == "maildrop"}
        assert queue_files.listed(suite) == {f["queue_id"]: as_listed(f) for f in manifest}
        queue_files.go_on(suite)
        found = [d for sink in sinks for d in queue_files.sent(sink)] + queue_files.stored(suite, ["alice", "bob"])
        waiting = {path: queue_files.digest(queue_files.without_added(content)) for path, content in waiting.items()}
        assert queue_files.deliveries([d for d in found if not queue_files.is_notice(d)], suite.hostname) == collections.Counter(
            (sender, recipient, waiting.get(f["path"], hash)) for f in manifest for sender, recipient, hash in expected(f))
        assert [len(sink.messages) for sink in sinks[1:]] == [1, 1]     # what has a filter went there
        # 3.7 does not name the file.
        assert len(suite.wait_log(r"warning: \w+: message (?:maildrop/\w+ )?has been queued for 2 days$", count=6)) == 6
        assert queue_files.told(found) == sorted(NOTICES + (TRACES if suite.kind == "ours" else []))
