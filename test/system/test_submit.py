"""sendmail(1) and postdrop(1) while the mail system is stopped: exit code, words, and the file in maildrop/, record by
record. submissions.json was recorded from Debian 13's Postfix."""
import json
import re
from pathlib import Path

import pytest

from suite import make

pytestmark = pytest.mark.root
SUBMISSIONS = json.loads((Path(__file__).parent / "submissions.json").read_text())


@pytest.fixture(scope="module")
def suite():
    with make() as s:
        s.sh("postfix stop")
        yield s


def records(data):
    """A file's records, each the letter of its type and its data; the time record without its time."""
    found, at = [], 0
    while at < len(data):
        kind, length, shift = chr(data[at]), 0, 0
        while True:
            at += 1
            length |= (data[at] & 0x7F) << shift
            shift += 7
            if data[at] < 0x80:
                break
        at += 1
        found.append(kind if kind == "T" else kind + data[at:at + length].decode("latin1"))
        at += length
    return found


def words(text):
    """Without what only says that the mail system is stopped, and what Postfix tells of its own insides."""
    for pattern in (r"postdrop: warning: unable to look up public/pickup: .*\n", r"sendmail: warning: mail_stream_cleanup: .*\n",
                    r"sendmail: name_mask: .*\n"):
        text = re.sub(pattern, "", text)
    return text


@pytest.mark.parametrize("known", SUBMISSIONS, ids=lambda s: " ".join(s["argv"][1:])[:40])
def test_submission(suite, known):
    done = suite.run(*known["argv"], user="alice", input=known["stdin"].encode("latin1"))
    assert (done.returncode, done.stdout.decode(), words(done.stderr.decode())) == (known["status"], known["stdout"], known["stderr"])
    maildrop = Path(suite.queue) / "maildrop"
    files = [f for f in maildrop.iterdir() if f.is_file()]
    found = [records(f.read_bytes()) for f in files]
    modes = {f.stat().st_mode & 0o7777 for f in files}
    for f in files:
        f.unlink()
    assert found == ([known["message"]] if known["message"] else [])
    assert modes <= {0o744}
