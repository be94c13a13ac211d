"""IMAP4rev2 (RFC 9051) and UTF8=ACCEPT (RFC 6855), which the client has to enable, and what it hears without; and RENAME of INBOX."""
import pytest

from suite.golden import golden
from suite.mailboxes import Mailboxes, without_recent
from test_imap import IN, fresh, say_all
from test_imap_more import with_literal

pytestmark = pytest.mark.root
extension = pytest.mark.extension("Debian's Dovecot has neither")
REV2, UTF8 = "ENABLE IMAP4rev2", "ENABLE UTF8=ACCEPT"
RAW = "From: J\u00f6rg <j@example.net>\r\nSubject: Gr\u00fc\u00dfe\r\n\r\nx\r\n".encode()

# What clients that have enabled nothing say and hear, of Dovecot and of ours.
COMMON = {
    "names in UTF-8 that are not enabled": ('CREATE "\u00c4rger"', "CREATE \u00c4rger", ("CREATE {6+}\r\n\u00c4rger",), 'LIST "" "\u00c4*"', 'SELECT "\u00c4rger"', "CREATE &AMQ-rger", 'LIST "" *'),
    "a header in UTF-8": (with_literal("APPEND INBOX", RAW), *IN, "FETCH 4 (ENVELOPE BODY[HEADER])", ('SEARCH CHARSET UTF-8 SUBJECT {7}', "Gr\u00fc\u00dfe".encode() + b"\r\n"), ("SEARCH SUBJECT {7}", "Gr\u00fc\u00dfe".encode() + b"\r\n")),
    "an empty mailbox": ("CREATE box", "SELECT box", "FETCH 1:* UID", "UID FETCH 1:* FLAGS", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "UID SEARCH RETURN (ALL) ALL", "COPY 1:* INBOX", "UID COPY 1:* INBOX", "EXPUNGE", "SORT (SUBJECT) UTF-8 ALL"),
    "rename of INBOX": ("CREATE INBOX.sub", "SUBSCRIBE INBOX", *IN, "STORE 2 +FLAGS.SILENT (\\Flagged own)", "UNSELECT", "RENAME INBOX old", 'LIST "" *', "STATUS INBOX (MESSAGES UIDNEXT)", "STATUS old (MESSAGES UIDNEXT)", "SELECT old",
                        "FETCH 1:* (UID FLAGS)", "UNSELECT", 'LSUB "" *', "RENAME INBOX old", "RENAME inbox INBOX", "RENAME old INBOX", "RENAME INBOX INBOX.below", "RENAME INBOX one.two", 'LIST "" *'),
    "rename of the selected INBOX": (*IN, "RENAME INBOX old", "NOOP", "FETCH 1:* UID", "SELECT old", "FETCH 1:* UID"),
}

# What enabling them changes.
ENABLED = {
    "rev2": (REV2, *IN, "FETCH 1:* (UID FLAGS)", "SEARCH ALL", "UID SEARCH SUBJECT first", "SEARCH SUBJECT none", "SEARCH RETURN (COUNT) ALL", "SORT (SUBJECT) UTF-8 ALL", "STORE 1 +FLAGS (\\Seen)", with_literal("APPEND INBOX"), "NOOP",
             "COPY 1 INBOX", "STATUS INBOX (MESSAGES SIZE DELETED)", "EXAMINE INBOX", "MOVE 1 INBOX", "SELECT none", "FETCH 1 FLAGS", "ENABLE IMAP4rev2 CONDSTORE"),
    "rev2 list at select": (REV2, "CREATE box", "CREATE box.below", "SUBSCRIBE box", "SELECT box", "SELECT box.below", "SELECT inbox", "CREATE (USE (\\Sent))", "CREATE mine (USE (\\Sent))", "EXAMINE mine"),
    "rev2 names": (REV2, 'CREATE "\u00c4rger"', ("CREATE {11}", "\u00c4rger.Gr\u00fcn".encode()[:11] + b"\r\n"), "CREATE a&b", "CREATE &AMQ-rger", 'LIST "" *', 'LIST "" "\u00c4*"', 'STATUS "\u00c4rger" (MESSAGES)', with_literal('APPEND "\u00c4rger"'),
                   'SELECT "\u00c4rger"', 'SUBSCRIBE "\u00c4rger"', 'LSUB "" *', "RENAME a&b \"\u00e4 b\"", 'DELETE "\u00c4rger"', "CREATE \u00c4rger", 'LIST "" *'),
    "utf8": (UTF8, *IN, "FETCH 1 FLAGS", "SEARCH SUBJECT \"\u00e4tz\"", ("SEARCH SUBJECT {4}", "\u00e4tz".encode() + b"\r\n"), "SEARCH CHARSET UTF-8 SUBJECT first", "UID SEARCH CHARSET US-ASCII SUBJECT first", "SORT (SUBJECT) UTF-8 SUBJECT \"\u00e4tz\"",
             'CREATE "\u00c4rger"', 'LIST "" *', 'SELECT "\u00c4rger"'),
    "utf8 append": (UTF8, ("APPEND INBOX (\\Seen) UTF8 (~{%d}" % len(RAW), RAW + b")\r\n"), ("APPEND INBOX UTF8 (~{%d+}\r\n%s)" % (len(RAW), RAW.decode()),), ("APPEND INBOX UTF8 ({%d+}\r\n%s)" % (len(RAW), RAW.decode()),), *IN,
                    "FETCH 4:* (FLAGS ENVELOPE)"),
    "both": ("ENABLE IMAP4rev2 UTF8=ACCEPT", *IN, "SEARCH SUBJECT \"\u00e4tz\"", 'CREATE "\u00c4rger"', 'LIST "" *'),
}


@pytest.fixture(scope="module")
def server():
    with Mailboxes() as server:
        yield server


@pytest.mark.parametrize("name", COMMON)
def test_dialogue(server, name):
    fresh(server)
    golden("imap_rev2_" + name.replace(" ", "_"), say_all(server, COMMON[name], mask=without_recent))


@extension
@pytest.mark.parametrize("name", ENABLED)
def test_enabled(server, name):
    fresh(server)
    golden("imap_rev2_" + name.replace(" ", "_"), say_all(server, ENABLED[name]))
