"""SORT, THREAD, searches that are kept up to date, PREVIEW and BINARY: what a client hears, the same of Dovecot and of ours."""
import os
import re

import pytest

from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, without_recent
from test_imap import IN, say_all

pytestmark = pytest.mark.root


def letter(sender=None, to=None, cc=None, subject=None, date=None, ident=None, reply=None, refs=None, body="Text.\n", more=""):
    fields = {"From": sender, "To": to, "Cc": cc, "Subject": subject, "Date": date, "Message-ID": ident, "In-Reply-To": reply, "References": refs}
    return "".join("%s: %s\n" % (name, value) for name, value in fields.items() if value is not None) + more + "\n" + body


# Subjects in several forms, names in several sets, dates that are missing or none, a chain of answers, one Message-ID twice, and one that refers to itself.
TALK = [
    letter('"Zoe" <carl@example.net>', '"Yan" <b@example.org>', "dora@example.org", "Re: budget", "Mon, 2 Jan 2023 10:00:00 +0000", "<1@x>"),
    letter("=?utf-8?q?=C3=84rmel?= <bert@example.net>", "a@example.org", None, "budget", "Sun, 1 Jan 2023 10:00:00 +0000", "<0@x>"),
    letter("Anna <zoe@example.net>", "=?utf-8?q?=C3=96?= <z@example.org>, a@example.org", "x@x", "=?utf-8?b?w4RwZmVs?=", None, "<3@x>", "<1@x>"),
    letter("dan@example.net", None, None, "äpfel", "Wed, 4 Jan 2023 10:00:00 +0000", "<4@x>", None, "<1@x> <3@x>", body="A longer text.\n" * 5),
    letter(None, "Group: m@example.org, n@example.org;", None, None, "garbage", None, "<4@x>"),
    letter('"" <eve@example.net>', '"undisclosed":;', "b@x", "apfel", "Wed, 4 Jan 2023 10:00:00 +0100", "<4@x>", None, "<3@x>"),
    letter("<@>", "(c) c@example.org", "B@x", "", "Tue, 3 Jan 2023 23:30:00 -0500", "<7@x>", "<7@x>"),
    letter("ANNA <anna@example.net>", "A@example.org", "C@x", "[list] Re: Budget (fwd)", "Tue, 3 Jan 2023 22:30:00 +0000", "<8@x>", "garbage"),
]
# By the day they arrived in, the first is the last.
ARRIVED = 1_690_000_000

KEYS = ("ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO")
CASES = {
    "sort": (*IN, *("%s (%s) UTF-8 ALL" % (command, key) for key in KEYS for command in ("SORT", "UID SORT")), *("SORT (REVERSE %s) UTF-8 ALL" % key for key in KEYS)),
    "sort by several keys": (*IN, "SORT (SUBJECT FROM) UTF-8 ALL", "SORT (CC REVERSE DATE) UTF-8 ALL", "SORT (REVERSE SUBJECT REVERSE ARRIVAL) UTF-8 ALL", "SORT (DATE DATE) UTF-8 ALL", "SORT (DATE REVERSE DATE) UTF-8 ALL",
                             "SORT (REVERSE REVERSE DATE) UTF-8 ALL", "SORT (RELEVANCY) UTF-8 ALL", "SORT (X-SCORE REVERSE DATE) UTF-8 ALL"),
    "sort of what is searched": (*IN, "SORT (DATE) UTF-8 SUBJECT budget", "SORT (DATE) UTF-8 FROM nobody", "SORT (SUBJECT) UTF-8 SUBJECT äpfel", "UID SORT (REVERSE DATE) US-ASCII UID 3:5,7 NOT SUBJECT budget", "SORT (DATE) ISO-8859-1 ALL",
                                 'SORT (SIZE) "" 2:4', 'SORT ("date") "utf-8" all', "STORE 3,5 +FLAGS.SILENT \\Flagged", "SORT (FROM) UTF-8 FLAGGED"),
    "sort with mistakes": (*IN, "SORT", "SORT (DATE)", "SORT (DATE) UTF-8", "SORT () UTF-8 ALL", "SORT DATE UTF-8 ALL", "SORT (FOO) UTF-8 ALL", "SORT (REVERSE) UTF-8 ALL", "SORT ((DATE)) UTF-8 ALL", "SORT (DATE) (UTF-8) ALL",
                           "SORT (DATE) UTF-8 FOO", "SORT (DATE) FOO ALL", "SORT (DATE) FOO SUBJECT x", "SORT (DATE) NIL ALL", "SORT CHARSET UTF-8 (DATE) ALL", "SORT RETURN (FOO) (DATE) UTF-8 ALL", "SORT RETURN (PARTIAL 0:1) (DATE) UTF-8 ALL",
                           "SORT RETURN (ALL PARTIAL 1:2) (DATE) UTF-8 ALL", "SORT RETURN (PARTIAL) (DATE) UTF-8 ALL", "SORT RETURN () DATE UTF-8 ALL", "UID SORT (DATE)", "UID SORT (FOO) UTF-8 ALL", "UNSELECT", "SORT (DATE) UTF-8 ALL", "UID SORT (DATE) UTF-8 ALL",
                           "SEARCH CHARSET FOO ALL"),
    "esort": (*IN, "SORT RETURN () (DATE) UTF-8 ALL", "SORT RETURN (ALL) (ARRIVAL) UTF-8 ALL", "UID SORT RETURN (ALL) (SIZE) UTF-8 ALL", "SORT RETURN (MIN) (DATE) UTF-8 ALL", "SORT RETURN (MAX COUNT) (DATE) UTF-8 ALL",
              "UID SORT RETURN (MIN MAX ALL COUNT) (DATE) UTF-8 ALL", "SORT RETURN (MIN MAX) (REVERSE DATE) UTF-8 ALL", "SORT RETURN (ALL) (DATE) UTF-8 FROM nobody", "SORT RETURN (COUNT MIN MAX ALL) (DATE) UTF-8 FROM nobody",
              "SORT RETURN (PARTIAL 1:3) (DATE) UTF-8 ALL", "SORT RETURN (PARTIAL 20:7) (DATE) UTF-8 ALL", "SORT RETURN (PARTIAL 20:27) (DATE) UTF-8 ALL", "SORT RETURN (RELEVANCY) (DATE) UTF-8 ALL", "SORT RETURN (CONTEXT) (DATE) UTF-8 ALL",
              "SORT RETURN (CONTEXT COUNT) (DATE) UTF-8 ALL"),
    "esort saves": (*IN, "SORT RETURN (SAVE) (DATE) UTF-8 1:3", "FETCH $ UID", "SORT RETURN (SAVE MIN MAX) (DATE) UTF-8 ALL", "FETCH $ UID", "SORT RETURN (SAVE MIN) (DATE) UTF-8 ALL", "FETCH $ UID", "SORT RETURN (SAVE COUNT) (REVERSE DATE) UTF-8 ALL",
                    "SEARCH $", "SORT RETURN (SAVE) (DATE) FOO ALL", "FETCH $ UID", "SORT RETURN (SAVE MAX) (DATE) UTF-8 FROM nobody", "FETCH $ UID"),
    "sort and thread by mod-sequence": (*IN, "SORT (DATE) UTF-8 MODSEQ 1", "UID SORT RETURN (ALL COUNT) (DATE) UTF-8 MODSEQ 1", "SORT RETURN () (DATE) UTF-8 MODSEQ 9223372036854775807", "THREAD REFERENCES UTF-8 MODSEQ 1"),
    "thread": (*IN, *("%s %s UTF-8 ALL" % (command, algorithm) for algorithm in ("REFERENCES", "REFS", "ORDEREDSUBJECT") for command in ("THREAD", "UID THREAD")), "thread refs utf-8 all", 'THREAD "REFS" "UTF-8" 2:6',
               "THREAD REFERENCES UTF-8 NOT 1", "THREAD REFERENCES UTF-8 SUBJECT budget", "THREAD ORDEREDSUBJECT UTF-8 SUBJECT äpfel", "UID THREAD REFS US-ASCII UID 1,3:5"),
    "thread of nothing": (*IN, "THREAD REFERENCES UTF-8 FROM nobody", "UID THREAD ORDEREDSUBJECT UTF-8 FROM nobody"),
    "thread with mistakes": (*IN, "THREAD", "THREAD REFERENCES", "THREAD REFERENCES UTF-8", "THREAD FOO", "THREAD FOO UTF-8 ALL", "THREAD (REFERENCES) UTF-8 ALL", "THREAD REFERENCES (UTF-8) ALL", "THREAD REFERENCES UTF-8 FOO", "THREAD REFERENCES FOO ALL",
                             "THREAD RETURN () REFERENCES UTF-8 ALL", "UID THREAD", "UNSELECT", "THREAD REFS UTF-8 ALL", "UID THREAD REFS UTF-8 ALL"),
    "search returns": (*IN, "SEARCH RETURN (RELEVANCY) ALL", "SEARCH RETURN (MIN MAX COUNT ALL RELEVANCY) ALL", "SEARCH RETURN (MIN COUNT RELEVANCY PARTIAL 1:2) ALL", "SEARCH RETURN (RELEVANCY) SUBJECT nothing",
                       "SEARCH RETURN (CONTEXT) 1:3", "UID SEARCH RETURN (CONTEXT COUNT) ALL", "SEARCH RETURN (PARTIAL 1:2 COUNT) MODSEQ 1"),
}
# Two sessions: a searches, and hears what b does.
BOTH = ("a SELECT INBOX", "b SELECT INBOX")
TOGETHER = {
    "flags": (*BOTH, "a UID SEARCH RETURN (UPDATE COUNT) UNSEEN", "a SEARCH RETURN (UPDATE MIN MAX ALL) FLAGGED", "b STORE 2 +FLAGS.SILENT (\\Seen)", "a NOOP", "b STORE 2 -FLAGS.SILENT (\\Seen)", "a FETCH 1 UID", "b STORE 3,5,7 +FLAGS.SILENT (\\Seen \\Flagged)",
              "a SEARCH 1", "a STORE 1 +FLAGS (\\Seen \\Flagged)", "a STORE 1 -FLAGS.SILENT (\\Flagged)", "b STORE 2 +FLAGS.SILENT (\\Answered)", "a NOOP", "a FETCH 4 BODY[TEXT]"),
    "expunge": (*BOTH, "a UID SEARCH RETURN (UPDATE COUNT) ALL", "a SEARCH RETURN (UPDATE) 2:3", "a SEARCH RETURN (UPDATE) SUBJECT budget", "b STORE 2,5:6 +FLAGS.SILENT (\\Deleted)", "a NOOP", "b EXPUNGE", "a FETCH 1 UID", "a NOOP", "a FETCH 1:* UID",
                "a STORE 1 +FLAGS.SILENT (\\Deleted)", "a EXPUNGE"),
    "vanished": ("a ENABLE QRESYNC", *BOTH, "a UID SEARCH RETURN (UPDATE) ALL", "a SEARCH RETURN (UPDATE) ALL", "b STORE 2 +FLAGS.SILENT (\\Deleted)", "a NOOP", "b EXPUNGE", "a UID FETCH 1 UID"),
    "new mail": (*BOTH, "a UID SEARCH RETURN (UPDATE) SUBJECT budget", "a SEARCH RETURN (UPDATE COUNT) ALL", "a SEARCH RETURN (UPDATE) 1:*", "a SEARCH RETURN (UPDATE) UID 1:*", "a SEARCH RETURN (UPDATE) LARGER 220", "b COPY 1 INBOX", "a NOOP", "b COPY 3:4 INBOX", "a FETCH 1 UID",
                 "a COPY 2 INBOX"),
    "keywords": (*BOTH, "b STORE 1 +FLAGS.SILENT (own)", "a NOOP", "a SEARCH RETURN (UPDATE) KEYWORD own", "a SEARCH RETURN (UPDATE) OR UNKEYWORD own ANSWERED", "b STORE 1:2 -FLAGS.SILENT (own)", "a NOOP", "b STORE 3 +FLAGS.SILENT (OWN \\Answered)", "a NOOP"),
    "sort": (*BOTH, "a SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNSEEN", "a UID SORT RETURN (CONTEXT UPDATE) (REVERSE DATE) UTF-8 UNSEEN", "b STORE 3,5,1 +FLAGS.SILENT (\\Seen)", "a NOOP", "b STORE 3,5 -FLAGS.SILENT (\\Seen)", "a NOOP"),
    "other options": (*BOTH, "a SEARCH RETURN (UPDATE SAVE COUNT) UNFLAGGED", "a SEARCH RETURN (UPDATE PARTIAL 1:2) UNFLAGGED", "a SEARCH RETURN (UPDATE CONTEXT) UNFLAGGED", "a SEARCH RETURN (UPDATE ALL RELEVANCY) UNFLAGGED", "b STORE 1 +FLAGS.SILENT (\\Flagged)", "a NOOP",
                      "a SEARCH $", "a SEARCH RETURN (UPDATE) FOO", "a SEARCH RETURN (UPDATE) CHARSET FOO SUBJECT x"),
    "cancel": (*BOTH, "a SEARCH RETURN (UPDATE) UNSEEN", "a SEARCH RETURN (UPDATE) UNSEEN", "a SEARCH RETURN (UPDATE) UNSEEN", 'a CANCELUPDATE "a3"', 'a CANCELUPDATE "a3"', "b STORE 1 +FLAGS.SILENT (\\Seen)", "a NOOP", 'a CANCELUPDATE "a4" "a5"', "b STORE 1 -FLAGS.SILENT (\\Seen)",
               "a NOOP", "a CANCELUPDATE", "a CANCELUPDATE a4", 'a CANCELUPDATE ("a4")', 'a CANCELUPDATE "a4" x', 'a CANCELUPDATE ""', "a UNSELECT", 'a CANCELUPDATE "a4"'),
    "another mailbox": (*BOTH, "a SEARCH RETURN (UPDATE) UNSEEN", "a SELECT INBOX", "b STORE 1 +FLAGS.SILENT (\\Seen)", "a NOOP", 'a CANCELUPDATE "a3"', "a EXAMINE INBOX", "a SEARCH RETURN (UPDATE) UNSEEN", "b STORE 2 +FLAGS.SILENT (\\Seen)", "a NOOP"),
    "too many": (*BOTH, *("a SEARCH RETURN (UPDATE) UNSEEN",) * 11, "b STORE 1 +FLAGS.SILENT (\\Seen)", "a NOOP", 'a CANCELUPDATE "a13"', 'a CANCELUPDATE "a12"', "a SEARCH RETURN (UPDATE) SEEN"),
}

MIXED = b"""From: a@example.net
Subject: mixed
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

Prologue.
--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable
X-Behind: it

Gr=C3=BC=C3=9Fe =
an alle
--b
Content-Type: application/octet-stream; name="x.bin"
Content-Transfer-Encoding: base64

AAECAw==
--b
Content-Type: message/rfc822

Subject: inner
Content-Type: text/plain
Content-Transfer-Encoding: base64

aW5uZXIgdGV4dAo=
--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Transfer-Encoding: base64

YWx0
--c
Content-Type: text/html
Content-Transfer-Encoding: 8bit

<b>alt</b>
--c--
--b--
Epilogue.
"""
QUOTED = b"Subject: p\nContent-Transfer-Encoding: quoted-printable\n\nA=20line=\n continues.\nA=00B\n"
LONG = b"Subject: long\n\n" + b"word " * 100 + b"\n"
HTML = b"Subject: h\nContent-Type: text/html; charset=iso-8859-1\n\n<html><body><p>Gr\xfc\xdfe</p><br>two</body></html>\n"
PARTS = [MIXED, QUOTED, LONG, HTML, b"Subject: e\n\n", b"Subject: q\n\n> quoted\n> more\n", b"Subject: n\nContent-Type: application/pdf\n\nPDF\n"]
PLACES = ("", "1", "2", "3", "3.1", "4", "4.1", "4.2", "4.3", "9", "1.1")
BROKEN = [
    b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\naGk=\n--b\nContent-Transfer-Encoding: x-own\n\nx\n--b--\n",
    b"Subject: x\nContent-Transfer-Encoding: base64\n\naGVs*bG8=\n",
    b"Subject: x\nContent-Transfer-Encoding: quoted-printable\n\na=2xb\n",
    b"Subject: x\n\nplain\n",
]
# What counts of several fields of a name: the first.
TWICE = [
    letter("b@x", subject="m", date="Mon, 2 Jan 2023 10:00:00 +0000", ident="<1@x>"),
    letter("a@x", subject="a", date="Sun, 1 Jan 2023 10:00:00 +0000", ident="<2a@x>", more="From: c@x\nSubject: z\nDate: Tue, 3 Jan 2023 10:00:00 +0000\nMessage-ID: <2b@x>\n"),
    letter("", subject="q", date="Mon, 2 Jan 2023 10:00:01 +0000", reply="<2a@x>", more="From: d@x\n"),
    letter("e@x", subject="r", date="Mon, 2 Jan 2023 10:00:02 +0000", reply="<2b@x>"),
    letter("e@x", subject="s", date="Mon, 2 Jan 2023 10:00:03 +0000", refs="<1@x>", more="References: <2a@x>\n"),
    letter("e@x", subject="t", date="Mon, 2 Jan 2023 10:00:04 +0000", reply="<1@x>", more="In-Reply-To: <2a@x>\n"),
    letter("e@x", subject="u", date="Mon, 2 Jan 2023 10:00:05 +0000", refs="", more="References: <1@x>\n"),
    letter("e@x", subject="", date="", refs="<1@x>", more="Subject: n\nDate: Mon, 2 Jan 2023 09:00:06 +0000\n"),
    letter("e@x", subject="a\0b"), letter("e@x", subject="a  \t b"), letter("e@x", subject="a\n b"), letter("e@x", subject="=?utf-8?q?a=20_b?="),
]
CONTENT = {
    "sort of fields that are there twice": (TWICE, (*IN, *("SORT (%s) UTF-8 ALL" % key for key in ("SUBJECT", "FROM", "DISPLAYFROM", "DATE")), *("THREAD %s UTF-8 ALL" % algorithm for algorithm in ("REFERENCES", "REFS", "ORDEREDSUBJECT")))),
    "preview": (PARTS, (*IN, "FETCH 1:2 (PREVIEW (LAZY))", "FETCH 1 (SNIPPET (LAZY))", "FETCH 2 (PREVIEW (LAZY=FUZZY))", "FETCH 1:7 PREVIEW", "FETCH 1:7 (PREVIEW (LAZY))", "FETCH 1:7 SNIPPET", "FETCH 1 (SNIPPET (LAZY=FUZZY))", "FETCH 2 (PREVIEW (FUZZY))",
                        "FETCH 2 PREVIEW (LAZY)", "FETCH 2 (PREVIEW (lazy) UID)", "FETCH 2 (SNIPPET (FUZZY))", "FETCH 2 (PREVIEW SNIPPET UID ENVELOPE)", "UID FETCH 6 (PREVIEW)", "FETCH 1:7 FLAGS")),
    "preview with mistakes": (PARTS, (*IN, "FETCH 2 (PREVIEW (FOO))", "FETCH 2 (PREVIEW ())", "FETCH 2 (PREVIEW LAZY)", 'FETCH 2 (PREVIEW ("LAZY"))', "FETCH 2 (PREVIEW (LAZY (x)))", "FETCH 2 (SNIPPET (FOO))")),
    "binary": (PARTS, (*IN, *("FETCH 1 BINARY.PEEK[%s]" % p for p in PLACES), *("FETCH 1 BINARY.SIZE[%s]" % p for p in PLACES), *("FETCH %d (%s)" % (n, item) for n in (2, 3, 5) for item in ("BINARY.PEEK[]", "BINARY.PEEK[1]", "BINARY.SIZE[] BINARY.SIZE[1]")))),
    "binary in pieces": (PARTS, (*IN, "FETCH 2 BINARY.PEEK[]<3.7>", "FETCH 2 BINARY.PEEK[1]<3.4>", "FETCH 2 BINARY.PEEK[1]<300.4>", "FETCH 2 BINARY.PEEK[1]<0.0>", "FETCH 3 BINARY.PEEK[1]<5.4>", "FETCH 2 BINARY[1]", "FETCH 2 FLAGS", "UID FETCH 1:2 (BINARY.SIZE[1] BINARY.PEEK[1])",
                                 "FETCH 3 BINARY[1]<0.4>")),
    "binary with mistakes": (PARTS, (*IN, "FETCH 2 BINARY", "FETCH 2 BINARY[1", "FETCH 2 BINARY.PEEK[1]x", "FETCH 2 BINARY[x]", "FETCH 2 BINARY.SIZE", "FETCH 2 BINARY[1]<x>", "FETCH 2 BINARY[1]<1", "FETCH 2 BINARY[1.]")),
    "binary that cannot be": (BROKEN, (*IN, "FETCH 1 BINARY.PEEK[]", "FETCH 1 BINARY.PEEK[1]", "FETCH 1 BINARY.PEEK[2]", "FETCH 1 BINARY.SIZE[1]", "FETCH 1 BINARY.SIZE[2]", "FETCH 2 BINARY.PEEK[1]", "FETCH 2 BINARY.SIZE[]", "FETCH 3 BINARY.PEEK[1]", "FETCH 1:4 BINARY.PEEK[2]",
                                       "FETCH 2:4 (UID BINARY.PEEK[1])", "FETCH 2 BODY.PEEK[1]")),
}


@pytest.fixture(scope="module")
def server():
    with Mailboxes() as server:
        yield server


def fresh(server, messages):
    server.wipe()
    server.deliver(*messages)
    for n, path in enumerate(sorted((server.maildir() / "new").iterdir())):
        os.utime(path, (ARRIVED - 86400 * n,) * 2)


@pytest.mark.parametrize("name", CASES)
def test_dialogue(server, name):
    fresh(server, TALK)
    golden("imap_sort_" + name.replace(" ", "_"), say_all(server, CASES[name], mask=without_recent))


@pytest.mark.parametrize("name", CONTENT)
def test_content(server, name):
    messages, lines = CONTENT[name]
    fresh(server, messages)
    golden("imap_sort_" + name.replace(" ", "_"), say_all(server, lines, mask=without_recent))


@pytest.mark.parametrize("name", TOGETHER)
def test_updates(server, name):
    fresh(server, TALK)
    with Imap(server, user="alice", tag="a") as a, Imap(server, user="alice", tag="b") as b:
        a.lines = b.lines = lines = []
        a.tags = b.tags = 0
        for line in TOGETHER[name]:
            who, _, command = line.partition(" ")
            {"a": a, "b": b}[who].say(command)
        a.leave()
        b.leave()
        golden("imap_sort_updates_" + name.replace(" ", "_"), without_recent("".join(line + "\n" for line in lines)))


def test_a_tag_is_of_one_search(server):
    fresh(server, TALK)
    with Imap(server, user="alice", tag="t") as client:
        client.lines = []
        client.say("SELECT INBOX")
        for command in ("SEARCH RETURN (UPDATE) SEEN", "SEARCH RETURN (UPDATE COUNT) FLAGGED", "SORT RETURN (UPDATE) (DATE) UTF-8 SEEN", "SEARCH RETURN (COUNT) SEEN", "STORE 1 +FLAGS (\\Seen)", 'CANCELUPDATE "t9"', "SEARCH RETURN (UPDATE COUNT) SEEN"):
            client.tags = 8
            client.say(command)
        client.leave()
        golden("imap_sort_updates_of_one_tag", without_recent(client.transcript()))


def test_updates_in_idle(server):
    fresh(server, TALK)
    with Imap(server, user="alice") as watcher, Imap(server, user="alice") as other:
        watcher.say("SELECT INBOX")
        tag = watcher.say("UID SEARCH RETURN (UPDATE) UNSEEN")[-1].split()[0]
        other.say("SELECT INBOX")
        watcher.send("i1 IDLE\r\n")
        assert watcher.line().startswith(b"+")
        other.say("STORE 2 +FLAGS.SILENT (\\Seen)")
        while watcher.line() != b'* ESEARCH (TAG "%s") UID REMOVEFROM (0 2)' % tag:
            pass
        server.deliver(("1700000010.M000010P1.host", TALK[1]))
        while watcher.line() != b'* ESEARCH (TAG "%s") UID ADDTO (0 9)' % tag:
            pass
        other.all("STORE 3 +FLAGS.SILENT (\\Deleted)", "EXPUNGE")
        while watcher.line() != b'* ESEARCH (TAG "%s") UID REMOVEFROM (0 3)' % tag:
            pass
        assert watcher.line() == b"* 3 EXPUNGE"
        watcher.send("DONE\r\n")
        while not watcher.line().startswith(b"i1 OK"):
            pass


def test_capabilities(server):
    """What the commands here belong to is announced."""
    with Imap(server, user="alice") as client:
        announced = client.say("CAPABILITY")[0].decode().split()
    wanted = {"SORT", "SORT=DISPLAY", "ESORT", "THREAD=REFERENCES", "THREAD=REFS", "THREAD=ORDEREDSUBJECT", "I18NLEVEL=1", "CONTEXT=SEARCH", "BINARY", "PREVIEW", "PREVIEW=FUZZY", "SNIPPET=FUZZY", "WITHIN"}
    assert wanted - set(announced) == set()


def test_sorted_as_once_read(server):
    """From the cache as from the messages; and FETCH, which has told of them before, changes nothing."""
    fresh(server, TALK)
    lines = ("SELECT INBOX", *("SORT (%s) UTF-8 ALL" % key for key in KEYS), "THREAD REFERENCES UTF-8 ALL")

    def answers(*before):
        with Imap(server, user="alice") as client:
            return [reply[:-1] for reply in client.all("SELECT INBOX", *before, *lines[1:])[1 + len(before):]]
    first = answers()
    assert all(reply[0].startswith((b"* SORT ", b"* THREAD ")) for reply in first)
    assert answers() == first
    assert answers("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)") == first
    fresh(server, TALK)
    assert answers("FETCH 1:* (ENVELOPE)") == first


@pytest.mark.extension("the cache is each server's own")
def test_messages_are_read_once(server):
    """What SORT and THREAD look at is kept in the mailbox's cache: that the messages have become empty is not seen."""
    fresh(server, TALK)
    lines = ("SORT (SUBJECT) UTF-8 ALL", "SORT (DISPLAYFROM REVERSE DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL", "FETCH 1 PREVIEW", "FETCH 1 (PREVIEW (LAZY))")

    def answers():
        with Imap(server, user="alice") as client:
            replies = [reply[0] for reply in client.all("SELECT INBOX", *lines)[1:]]
            client.leave()
            return replies
    first = answers()
    for path in (server.maildir() / "cur").iterdir():
        path.write_bytes(b"\n")
    assert answers() == first
    for name in ("valija.cache", "valija.index"):
        (server.maildir() / name).unlink()
    assert answers()[0] == b"* SORT 1 2 3 4 5 6 7 8"


def test_append_of_literal8(server):
    """What has NUL and says that it is binary is encoded, so that BODY can tell it."""
    fresh(server, [])
    parts = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nPrologue.\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nX-Behind: it\r\n\r\n\0\1\2\xff\r\n\n"
             b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe4\r\n--b--\r\nEpilogue.\r\n")
    with Imap(server, user="alice") as client:
        client.lines = []
        client.say("SELECT INBOX")
        client.say("APPEND INBOX ~{%d}" % len(parts), parts + b"\r\n")
        client.all("FETCH 1 (RFC822.SIZE BODYSTRUCTURE)", "FETCH 1 BODY.PEEK[]", "FETCH 1 BODY.PEEK[1]", "FETCH 1 BINARY.PEEK[1]", "FETCH 1 BINARY.SIZE[1]", "FETCH 1 BINARY.PEEK[2]", "FETCH 1 BINARY.PEEK[]", "FETCH 1 BINARY.SIZE[]")
        plain = b"Subject: x\r\n\r\nx\0y\r\n"
        client.say("APPEND INBOX (\\Seen) ~{%d}" % len(plain), plain + b"\r\n")
        client.all("FETCH 2 (FLAGS RFC822.SIZE)", "FETCH 2 BODY.PEEK[]", "FETCH 2 BINARY.PEEK[]", "FETCH 2 BINARY.PEEK[1]")
        whole = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\nX: y\r\n\r\n" + bytes(range(256))
        client.say("APPEND INBOX ~{%d}" % len(whole), whole + b"\r\n")
        client.all("FETCH 3 (RFC822.SIZE BODYSTRUCTURE)", "FETCH 3 BODY.PEEK[]", "FETCH 3 BINARY.SIZE[1]", "FETCH 3 BINARY.PEEK[1]")
        client.say("APPEND INBOX ~{%d}" % len(plain), plain + b" ~{%d}\r\n" % len(whole), whole + b"\r\n")
        client.all("FETCH 4:* RFC822.SIZE")
        client.say("APPEND INBOX ~{0}", b"\r\n")
        client.say("APPEND INBOX ~{%d+}\r\n" % len(plain) + plain.decode())
        client.say("APPEND ~{5+}\r\nINBOX")
        client.leave()
        golden("imap_sort_append_of_literal8", without_recent(client.transcript()))
