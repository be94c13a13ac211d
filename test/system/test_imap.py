"""IMAP: what a client hears, the same of Dovecot and of ours. Each case begins with the same mailbox."""
import re

import pytest

from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, masked

pytestmark = pytest.mark.root

PLAIN = """From: Joe <joe@example.net>
To: alice@example.test, "B, ob" <bob@example.test>
Subject: first
Date: Mon, 2 Jan 2023 10:00:00 +0100
Message-ID: <1@example.net>

A line.
Another one with needle.
"""
MIXED = """From: =?utf-8?q?J=C3=B6rg?= <joerg@example.net>
Subject: =?utf-8?b?w6R0eg==?= and more
Date: Tue, 3 Jan 2023 11:00:00 +0000
Message-ID: <2@example.net>
In-Reply-To: <1@example.net>
References: <1@example.net>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

Prologue.
--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--b
Content-Type: application/octet-stream; name="x.bin"
Content-Disposition: attachment; filename=x.bin
Content-Transfer-Encoding: base64

AAECAw==
--b--
Epilogue.
"""
THIRD = "From: ann@example.net\nSubject: third\nDate: Wed, 4 Jan 2023 12:00:00 +0000\n\nEnd.\n"
IN = ("SELECT INBOX",)

CASES = {
    "select": ("SELECT INBOX", "EXAMINE INBOX", "SELECT inbox", "SELECT none", "FETCH 1 FLAGS", "SELECT", "SELECT a b", "CLOSE", "UNSELECT"),
    "state": ("FETCH 1 FLAGS", "FOO", "NOOP", "CHECK", *IN, "CHECK", "NOOP x", "UNSELECT", "NOOP"),
    "fetch of what is cheap": (*IN, "FETCH 1 FLAGS", "FETCH 1:3 (UID FLAGS)", "UID FETCH 1 FLAGS", "FETCH 2 RFC822.SIZE", "FETCH * UID", "UID FETCH 9:* UID", "FETCH 4 UID", "FETCH 1:9 UID",
                               "FETCH 0 UID", "FETCH 1", "FETCH x UID", "FETCH 1 FOO", "FETCH 1 (UID", "UID FETCH 7 UID"),
    "envelope and structure": (*IN, "FETCH 1:3 ENVELOPE", "FETCH 1:3 BODY", "FETCH 1:3 BODYSTRUCTURE", "FETCH 1 ALL", "FETCH 1 FAST", "FETCH 2 FULL"),
    "bodies": (*IN, "FETCH 1 BODY.PEEK[]", "FETCH 1 BODY[HEADER]", "FETCH 1 BODY[TEXT]", "FETCH 2 BODY.PEEK[1]", "FETCH 2 BODY.PEEK[2]", "FETCH 2 BODY.PEEK[2.MIME]", "FETCH 2 BODY.PEEK[3]",
               "FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT to)]", "FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (From Date)]", "FETCH 1 BODY.PEEK[]<0.10>", "FETCH 1 BODY.PEEK[]<5.3>", "FETCH 1 BODY.PEEK[TEXT]<900.3>",
               "FETCH 1 RFC822.HEADER", "FETCH 3 RFC822.TEXT", "FETCH 3 RFC822", "FETCH 1 BODY.PEEK[1]", "FETCH 1 BODY.PEEK[0]", "FETCH 1 BODY[", "FETCH 1 BODY[FOO]"),
    "flags": (*IN, "STORE 1 FLAGS (\\Seen)", "STORE 1:2 +FLAGS (\\Flagged $Junk)", "STORE 2 -FLAGS \\Flagged", "STORE 3 +FLAGS.SILENT (\\Answered own)", "FETCH 1:3 FLAGS", "UID STORE 2 FLAGS ()",
              "STORE 1 FLAGS (\\Foo)", "STORE 9 FLAGS ()", "STORE 1 FOO ()", "STORE 1 +FLAGS (\\Recent)", "UID STORE 77 +FLAGS (\\Seen)", "SELECT INBOX"),
    "expunge": (*IN, "STORE 1,3 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 3", "EXPUNGE", "EXPUNGE", "FETCH 1:* UID", "STORE 1 +FLAGS.SILENT (\\Deleted)", "CLOSE", "STATUS INBOX (MESSAGES UIDNEXT)"),
    "read-only": ("EXAMINE INBOX", "STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "FETCH 1 BODY[TEXT]", "FETCH 1 FLAGS", "CLOSE"),
    "mailboxes": ('LIST "" *', "CREATE one", "CREATE one", "CREATE one.two", "CREATE three.four", 'LIST "" *', 'LIST "" %', "STATUS one (MESSAGES UNSEEN RECENT)", "RENAME one uno", 'LIST "" *', "DELETE three",
                  "DELETE three.four", "DELETE INBOX", "DELETE none", "RENAME none x", "CREATE INBOX", "CREATE a..b", 'LIST "" ""', "STATUS none (MESSAGES)"),
    "delete of a parent": ("CREATE one", "CREATE one.two", "DELETE one", 'LIST "" *', "SELECT one", "CREATE one", 'LIST "" *'),
    "subscriptions": ("SUBSCRIBE INBOX", "SUBSCRIBE gone.box", 'LSUB "" *', 'LSUB "" %', "UNSUBSCRIBE gone.box", 'LSUB "" *', 'LIST (SUBSCRIBED) "" *', 'LIST "" * RETURN (SUBSCRIBED)', 'LIST "" * RETURN (CHILDREN)'),
    "copy and move": (*IN, "CREATE box", "COPY 1:2 box", "UID COPY 3 box", "COPY 1 none", "COPY 9 box", "STATUS box (MESSAGES)", "MOVE 1 box", "FETCH 1:* UID", "UID MOVE 3 box", "STATUS box (MESSAGES)", "UID COPY 99 box", "SELECT box"),
    "search": (*IN, "SEARCH ALL", "SEARCH UNSEEN", "SEARCH SUBJECT first", "SEARCH FROM joe", "SEARCH TEXT needle", "SEARCH BODY needle", "SEARCH NOT SUBJECT first", "SEARCH OR SUBJECT first SUBJECT third",
               "SEARCH 2:3", "UID SEARCH UID 2:*", "SEARCH SENTSINCE 3-Jan-2023", "SEARCH SENTBEFORE 3-Jan-2023", "SEARCH SENTON 3-Jan-2023", "SEARCH LARGER 300", "SEARCH SMALLER 300",
               "SEARCH HEADER Message-ID 2@example", "SEARCH HEADER In-Reply-To \"\"", "SEARCH CHARSET UTF-8 SUBJECT third", "SEARCH CHARSET FOO SUBJECT x", "SEARCH (SUBJECT first) ALL", "SEARCH", "SEARCH FOO",
               "SEARCH RETURN (MIN MAX COUNT ALL) ALL", "SEARCH RETURN () UNSEEN", "SEARCH RETURN (SAVE) SUBJECT first", "FETCH $ UID", "SEARCH 9", "SEARCH TO bob", "SEARCH CC x", "SEARCH ON 1-Jan-1999"),
    "search for keywords": (*IN, "SEARCH KEYWORD own", "SEARCH UNKEYWORD own", "STORE 2 +FLAGS.SILENT (OWN)", "SEARCH KEYWORD own", "SEARCH UNKEYWORD oWn"),
    "status": ("STATUS INBOX (MESSAGES RECENT UIDNEXT UNSEEN)", "STATUS INBOX (SIZE)", "STATUS INBOX ()", "STATUS INBOX", "STATUS INBOX (FOO)", 'LIST "" * RETURN (STATUS (MESSAGES))'),
    "status of what is deleted": ("STATUS INBOX (SIZE DELETED)",),
    "enable": ("ENABLE CONDSTORE", "ENABLE QRESYNC", *IN, "FETCH 1 MODSEQ"),
    "enable of what is not known": ("ENABLE FOO", "ENABLE", "ENABLE CONDSTORE", "ENABLE CONDSTORE"),
    "namespace and id": ("NAMESPACE", 'ID ("name" "test")', "ID NIL", "ID"),
    "names": ("CREATE &AOQ-pfel", 'LIST "" *', "CREATE &bad", "CREATE &AGE-", "SELECT &AOQ-pfel", "CREATE \"\"", "CREATE ../x", "CREATE ~root", "CREATE a/b"),
    "logout": ("LOGOUT",),
}


def fresh(server):
    server.wipe()
    server.deliver(PLAIN, MIXED, THIRD)


@pytest.fixture(scope="module")
def server():
    with Mailboxes() as server:
        yield server


def say_all(server, lines, user="alice", mask=masked):
    """A line, or a line with its literals."""
    with Imap(server, user=user) as client:
        client.lines = []
        client.all(*lines)
        client.leave()
        return mask(client.transcript())


@pytest.mark.parametrize("name", CASES)
def test_dialogue(server, name):
    fresh(server)
    golden("imap_" + name.replace(" ", "_"), say_all(server, CASES[name]))


def test_before_the_login(server):
    fresh(server)
    text = ""
    for lines in (("CAPABILITY", "LOGOUT"), ("NOOP", "SELECT INBOX", "LOGIN alice", "LOGIN alice wrong", 'LOGIN "alice" "alice-pw"', "LOGOUT"), ("AUTHENTICATE PLAIN AGFsaWNlAGFsaWNlLXB3", "LOGOUT"),
                  ("AUTHENTICATE FOO", "AUTHENTICATE PLAIN !", "LOGOUT"), ("FOO",) * 12,
                  ("CAPABILITY x", "NOOP x", "ID", "LOGOUT x"), ("AUTHENTICATE", "LOGIN", "LOGIN a b c", "LOGOUT")):
        with Imap(server) as client:
            client.all(*lines)
            client.end()
            text += masked(client.transcript()) + "\n"
    golden("imap_before_the_login", text)


def test_append(server):
    fresh(server)
    with Imap(server, user="alice") as client:
        client.lines = []
        client.say("SELECT INBOX")
        client.say("APPEND INBOX {11}", b"A: b\r\n\r\nx\r\n" + b"\r\n")
        client.say('APPEND INBOX (\\Seen own) "02-Jan-2023 10:00:00 +0100" {10}', b"A: b\r\n\r\nx\n" + b"\r\n")
        client.say("FETCH 4:* (UID FLAGS BODY[])")
        client.say("UID FETCH 5 INTERNALDATE")
        client.say("APPEND none {10}", b"A: b\r\n\r\nx\n\r\n")
        client.say("APPEND INBOX")
        client.say("APPEND INBOX x")
        client.leave()
        golden("imap_append", masked(client.transcript()))


def test_idle_tells_of_new_mail_and_of_what_has_gone(server):
    fresh(server)
    with Imap(server, user="alice") as watcher, Imap(server, user="alice") as other:
        watcher.say("SELECT INBOX")
        other.say("SELECT INBOX")
        watcher.send("i1 IDLE\r\n")
        assert watcher.line().startswith(b"+")
        server.deliver(("1700000010.M000010P1.host", THIRD))
        while watcher.line() != b"* 4 EXISTS":
            pass
        other.all("STORE 2 +FLAGS.SILENT (\\Deleted)", "EXPUNGE")
        while watcher.line() != b"* 2 EXPUNGE":
            pass
        watcher.send("DONE\r\n")
        while not watcher.line().startswith(b"i1 OK"):
            pass


def test_others_work_on_the_mailbox(server):
    """What a delivery agent, mutt or rm does is told at the next command, or soon."""
    fresh(server)
    with Imap(server, user="alice") as client:
        client.say("SELECT INBOX")
        files = sorted((server.maildir() / "cur").glob("*")) + sorted((server.maildir() / "new").glob("*"))
        assert len(files) == 3
        files[0].unlink()
        files[1].rename(server.maildir() / "cur" / (files[1].name.split(":")[0] + ":2,FS"))
        server.deliver(("1700000011.M000011P1.host", THIRD))
        reply = []
        # What happens within the same tick of the file system's clock as our own change is seen at the next look.
        for _ in range(1000):
            reply += client.say("NOOP")
            if b"* 1 EXPUNGE" in reply:
                break
        assert b"* 1 EXPUNGE" in reply
        assert any(re.match(rb"\* \d FETCH \(.*FLAGS \(\\Flagged \\Seen", line) for line in reply)
        assert any(line.endswith(b" EXISTS") for line in reply)
        assert [line.split()[4].rstrip(b")") for line in client.say("FETCH 1:* UID")[:-1]] == [b"2", b"3", b"4"]
