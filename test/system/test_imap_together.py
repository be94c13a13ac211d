"""Two IMAP sessions on one mailbox: what each is told of what the other does, the same of Dovecot and of ours."""
import pytest

from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, masked
from test_imap import fresh

pytestmark = pytest.mark.root

BOTH = ("a SELECT INBOX", "b SELECT INBOX")
CASES = {
    "flags": (*BOTH, "a STORE 1 +FLAGS (\\Seen)", "b NOOP", "a STORE 2 +FLAGS.SILENT (\\Flagged own)", "b NOOP", "a NOOP", "b FETCH 2 FLAGS", "b STORE 1:2 FLAGS ()", "a CHECK"),
    "expunge": (*BOTH, "a STORE 2 +FLAGS.SILENT (\\Deleted)", "a EXPUNGE", "b FETCH 1:3 UID", "b SEARCH ALL", "b NOOP", "b FETCH 1:2 UID"),
    "what has gone": (*BOTH, "a STORE 2 +FLAGS.SILENT (\\Deleted)", "a EXPUNGE", "b FETCH 2 BODY.PEEK[TEXT]", "b STORE 2 +FLAGS (\\Seen)", "b COPY 2 INBOX", "b UID FETCH 2 FLAGS", "b UID STORE 2 +FLAGS (\\Seen)"),
    "new mail": (*BOTH, "a COPY 1 INBOX", "b NOOP", "b FETCH 4 UID", "b STORE 4 +FLAGS.SILENT (\\Deleted)", "a NOOP", "b EXPUNGE", "a UID SEARCH ALL"),
    "both expunge": (*BOTH, "a STORE 1,3 +FLAGS.SILENT (\\Deleted)", "b EXPUNGE", "a EXPUNGE", "a FETCH 1 UID"),
    "vanished": ("b ENABLE QRESYNC", *BOTH, "a STORE 1,3 +FLAGS.SILENT (\\Deleted)", "b NOOP", "a EXPUNGE", "b NOOP", "b UID FETCH 1:* (FLAGS) (CHANGEDSINCE {first} VANISHED)"),
    "unchanged since": ("a SELECT INBOX (CONDSTORE)", "b SELECT INBOX (CONDSTORE)", "a STORE 1 +FLAGS (\\Seen)", "b STORE 1:2 (UNCHANGEDSINCE {first}) +FLAGS (\\Answered)", "b FETCH 1:2 FLAGS", "a NOOP"),
    "the mailbox is removed": ("a CREATE box", "a SELECT box", "b SELECT box", "b DELETE box", "b NOOP", "a SELECT INBOX"),
    "the mailbox is renamed": ("a CREATE box", "b RENAME box other", "a SELECT box", "a SELECT other"),
    "search result": (*BOTH, "b SEARCH RETURN (SAVE) ALL", "a STORE 2 +FLAGS.SILENT (\\Deleted)", "a EXPUNGE", "b NOOP", "b FETCH $ UID"),
    "examine": ("a SELECT INBOX", "b EXAMINE INBOX", "a STORE 1 +FLAGS (\\Seen)", "b NOOP", "a STORE 1 +FLAGS.SILENT (\\Deleted)", "b CLOSE", "a EXPUNGE", "b STATUS INBOX (MESSAGES)"),
}


@pytest.fixture(scope="module")
def server():
    with Mailboxes() as server:
        yield server


@pytest.mark.parametrize("name", CASES)
def test_dialogue(server, name):
    fresh(server)
    with Imap(server, user="alice", tag="a") as a, Imap(server, user="alice", tag="b") as b:
        a.lines = b.lines = lines = []
        for line in CASES[name]:
            who, _, command = line.partition(" ")
            {"a": a, "b": b}[who].say(command)
        a.leave()
        b.leave()
        golden("imap_together_" + name.replace(" ", "_"), masked("".join(line + "\n" for line in lines)))
