"""IMAP's further extensions, NOTIFY, CATENATE, REPLACE, QUOTA and INPROGRESS: what clients hear, the same of Dovecot and of ours."""
import random
import re

import pytest

from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, without_recent
from test_imap import IN, fresh, say_all

pytestmark = pytest.mark.root

SMALL = b"A: b\r\n\r\nx\r\n"
ONE = ("{11}", SMALL + b"\r\n")           # the literal that ends a command


def with_literal(command, message=SMALL):
    return (command + " {%d}" % len(message), message + b"\r\n")


def catenate(*parts, mailbox="box"):
    return "APPEND %s CATENATE (%s)" % (mailbox, " ".join(parts))


def url(text):
    return 'URL "%s"' % text


def text(words):
    return "TEXT {%d+}\r\n%s" % (len(words), words)


ALONE = {
    "catenate": ("CREATE box", *IN, catenate(url("/INBOX/;UID=1/;SECTION=HEADER"), text("Hello\r\n"), url("/INBOX/;UID=2/;SECTION=1")), catenate(url("/INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=0.5")),
                 catenate(url("/INBOX/;UID=1/;PARTIAL=7")), catenate(url("/INBOX/;UID=1/")), catenate(url(";UID=1/;SECTION=TEXT")), catenate(url("/INBOX/;UID=1/;SECTION=9")),
                 catenate(url("/INBOX/;UID=1/;SECTION=1.MIME")), catenate(url("/INBOX/;UID=2/;SECTION=2")), catenate(url("/INBOX/;UID=2/;SECTION=2.MIME")), catenate(url("/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(subject)")),
                 catenate(url("/INBOX/;UID=1/;PARTIAL=99999.5")), catenate(text("")), catenate(text("abcd"), text("efgh")),
                 ("APPEND box (\\Seen own) \"02-Jan-2023 10:00:00 +0100\" CATENATE (TEXT {4}", b"abcd) {11}\r\n", SMALL + b"\r\n"), "FETCH 1 FLAGS", "SELECT box", "FETCH 1:* (UID BODY.PEEK[])", "FETCH 14:15 (FLAGS INTERNALDATE)",
                 catenate(url(";UID=1"), mailbox="INBOX"), "STATUS INBOX (MESSAGES)"),
    "catenate of what is not there": ("CREATE box", *IN, catenate(url("imap://alice@127.0.0.1/INBOX/;UID=1")), catenate(url("imap://bob@elsewhere/INBOX/;UID=1")), catenate(url("/INBOX/;UID=99")), catenate(url("/none/;UID=1")),
                                      catenate(url("/INBOX;UIDVALIDITY=1/;UID=1")), catenate(url("nonsense")), catenate(), catenate(url("/none/;UID=1"), text("abcd")), catenate(text("abcd"), url("/none/;UID=1"), text("abcd")),
                                      ('APPEND box CATENATE (URL "/none/;UID=1" TEXT {4}', b"abcd)\r\n"), catenate(url("/INBOX/;UID=1"), mailbox="none"), catenate('FOO "x"'), catenate("URL"), catenate("TEXT x"), "STATUS box (MESSAGES)",
                                      "UNSELECT", catenate(url(";UID=1"))),
    "replace": ("CREATE box", with_literal("REPLACE 1 INBOX"), *IN, with_literal("REPLACE 1 INBOX"), with_literal('REPLACE 2 INBOX (\\Seen own) "02-Jan-2023 10:00:00 +0100"'), "FETCH 1:* (UID FLAGS)",
                with_literal("UID REPLACE 4 box"), "NOOP", "STATUS box (MESSAGES)", with_literal("UID REPLACE 77 box"), "REPLACE 77 box {11}", "REPLACE 1 none {11}", "REPLACE * INBOX {11}", "REPLACE x INBOX {11}", "REPLACE 1", "REPLACE",
                "REPLACE 1 INBOX", with_literal("REPLACE 1 INBOX", b""), "REPLACE 1 INBOX {11+}\r\nA: b\r\n\r\nx\r\n", ("REPLACE 1 INBOX {11}", SMALL + b" {11}\r\n"), "FETCH 1:* (UID FLAGS)",
                "REPLACE 1 INBOX CATENATE (URL \"/INBOX/;UID=5/;SECTION=HEADER\" TEXT {3+}\r\nabc)", "REPLACE 1 INBOX CATENATE (URL \"/none/;UID=5\" TEXT {3+}\r\nabc)", "FETCH 1:* (UID BODY.PEEK[])",
                "SELECT box", "ENABLE QRESYNC", with_literal("REPLACE 1 box"), with_literal("UID REPLACE 2 INBOX"), "NOOP", "STATUS INBOX (MESSAGES)", "STATUS box (MESSAGES)"),
    "replace of what is read-only": ("EXAMINE INBOX", with_literal("REPLACE 1 INBOX"), "FETCH 1:* UID"),
    "notify syntax": ("NOTIFY", "NOTIFY NONE", "NOTIFY NONE x", "NOTIFY FOO", "NOTIFY SET", "NOTIFY SET STATUS", "NOTIFY SET ()", "NOTIFY SET (SELECTED)", "NOTIFY SET (SELECTED NONE)", "NOTIFY SET (SELECTED (MessageNew))",
                      "NOTIFY SET (SELECTED (FlagChange))", "NOTIFY SET (SELECTED (FOO))", "NOTIFY SET (SELECTED (MessageNew (FOO) MessageExpunge))", "NOTIFY SET (PERSONAL (MessageNew (UID) MessageExpunge))",
                      "NOTIFY SET (SELECTED NONE) (SELECTED-DELAYED NONE)", "NOTIFY SET (MAILBOXES INBOX)", "NOTIFY SET (MAILBOXES none (MessageNew MessageExpunge))", "NOTIFY SET (PERSONAL (AnnotationChange))",
                      "NOTIFY SET (PERSONAL (MessageNew MessageExpunge AnnotationChange))", "NOTIFY SET (PERSONAL (MailboxMetadataChange))", "NOTIFY SET (PERSONAL (ServerMetadataChange))",
                      "NOTIFY SET STATUS (SELECTED (MessageNew MessageExpunge))", "NOTIFY SET STATUS (INBOXES (MailboxName))"),
}

# "a ..." and "b ..." are commands; "a? .. & .." waits until the first has been told lines with these in them.
# "{MAIL}" is a message.
ALL = "(MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)"
TOGETHER = {
    "status": ("b CREATE box", "a NOTIFY SET STATUS (PERSONAL %s)" % ALL, "b APPEND box {MAIL}", "a? STATUS box (MESSAGES 1", "b SELECT box", "b STORE 1 +FLAGS (\\Seen)", "a? STATUS box (UNSEEN 0",
               "b STORE 1 +FLAGS (\\Deleted)", "a? STATUS box (HIGHEST", "b EXPUNGE", "a? STATUS box (MESSAGES 0", "a NOOP", "a NOTIFY NONE"),
    "names": ("a NOTIFY SET (PERSONAL (MailboxName SubscriptionChange))", "b CREATE new", "a? new", "b SUBSCRIBE new", "a? new", "b RENAME new new2", "a? new2", "b UNSUBSCRIBE new", "a? new", "b DELETE new2", "a? new2",
              "b CREATE p", "a? LIST", "b CREATE p.q", "a? LIST", "b RENAME p p2", "a? (p)) & (p.q))", "b CREATE \"a b\"", "a? LIST",
              "b RENAME \"a b\" c", "a? LIST", "b DELETE c", "a? LIST", "a NOOP"),
    "a name in other letters": ("a NOTIFY SET (PERSONAL (MailboxName))", "b CREATE &AOQ-pfel", "a? LIST", "b DELETE &AOQ-pfel", "a? LIST", "a NOOP"),
    "selected": ("b CREATE box", "a NOTIFY SET (SELECTED (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange)) (MAILBOXES box (MessageNew MessageExpunge))", "a SELECT INBOX", "b SELECT INBOX",
                 "b APPEND box {MAIL}", "a? STATUS box", "b APPEND INBOX {20+}\r\nSubject: new one\r\n\r\n", "a? 4 FETCH", "a? )", "b STORE 1 +FLAGS (\\Deleted)", "a? 1 FETCH", "b EXPUNGE", "a? 1 EXPUNGE", "a NOOP",
                 "a FETCH 1:* UID"),
    "selected and delayed": ("a NOTIFY SET (SELECTED-DELAYED (MessageNew (UID) MessageExpunge))", "a SELECT INBOX", "b SELECT INBOX", "b APPEND INBOX {20+}\r\nSubject: new one\r\n\r\n", "a? 4 FETCH", "b STORE 1 +FLAGS (\\Deleted)", "b EXPUNGE",
                             "b APPEND INBOX {20+}\r\nSubject: new two\r\n\r\n", "a? 5 FETCH", "a FETCH 1 FLAGS", "a NOOP"),
    "selected without flags": ("a NOTIFY SET (SELECTED (MessageNew MessageExpunge))", "a SELECT INBOX", "b SELECT INBOX", "b STORE 1 +FLAGS (\\Flagged)", "a NOOP", "b STORE 1 +FLAGS.SILENT (\\Deleted)", "b EXPUNGE", "a? EXPUNGE", "a NOOP"),
    "selected that is not asked for": ("a NOTIFY SET (MAILBOXES box (MessageNew MessageExpunge))", "a SELECT INBOX", "b SELECT INBOX", "b STORE 1 +FLAGS (\\Deleted)", "b EXPUNGE", "b APPEND INBOX {MAIL}", "a NOOP", "a CHECK",
                                       "a NOTIFY NONE", "b STORE 1 +FLAGS (\\Flagged)", "a NOOP"),
    "nothing": ("a NOTIFY NONE", "a SELECT INBOX", "b SELECT INBOX", "b APPEND INBOX {MAIL}", "b STORE 2 +FLAGS (\\Deleted)", "b EXPUNGE", "a NOOP"),
    "subscribed": ("b CREATE one", "b CREATE two", "b SUBSCRIBE one", "a NOTIFY SET STATUS (SUBSCRIBED (MessageNew MessageExpunge))", "b APPEND two {MAIL}", "b APPEND one {MAIL}", "a? STATUS one", "a NOOP"),
    "subtree": ("b CREATE one", "b CREATE one.two", "b CREATE other", "a NOTIFY SET STATUS (SUBTREE one (MessageNew MessageExpunge MailboxName))", "b APPEND other {MAIL}", "b APPEND one.two {MAIL}", "a? STATUS one.two",
                "b CREATE x", "b CREATE one.three", "a? one.three", "b APPEND one.three {MAIL}", "a? STATUS one.three", "a NOOP"),
    "inboxes": ("b CREATE one", "a NOTIFY SET STATUS (INBOXES (MessageNew MessageExpunge)) (MAILBOXES (one none) (MessageNew MessageExpunge FlagChange))", "b APPEND one {MAIL}", "a? STATUS one", "b APPEND INBOX {MAIL}", "a? INBOX (MESSAGES 4", "b SELECT one", "b STORE 1 +FLAGS (\\Seen)", "a? STATUS one", "a NOOP"),
    "a mailbox in several groups": ("b CREATE one", "b CREATE two", "a NOTIFY SET (MAILBOXES one NONE) (PERSONAL (MessageNew MessageExpunge))", "b APPEND one {MAIL}", "a? STATUS one", "b APPEND two {MAIL}", "a? STATUS two", "a NOOP"),
    "flags that nobody asked for": ("b CREATE one", "b APPEND one {MAIL}", "a NOTIFY SET (MAILBOXES one (MessageNew MessageExpunge))", "b SELECT one", "b STORE 1 +FLAGS (\\Flagged)", "b APPEND one {MAIL}",
                                    "a? MESSAGES 2", "a NOOP"),
    "a mailbox is selected and left": ("b CREATE one", "a NOTIFY SET STATUS (SELECTED (MessageNew (FLAGS) MessageExpunge)) (PERSONAL (MessageNew MessageExpunge))", "a SELECT one", "b APPEND one {MAIL}", "a? 1 FETCH", "a UNSELECT",
                                       "b APPEND one {MAIL}", "a? MESSAGES 2", "a NOOP"),
    "a mailbox is removed": ("b CREATE one", "b APPEND one {MAIL}", "a NOTIFY SET (PERSONAL (MailboxName))", "b DELETE one", "a? LIST", "b CREATE one", "a? LIST", "a NOOP"),
    "another mailbox tells too": ("b CREATE one", "b CREATE two", "a NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge))", "b APPEND INBOX {MAIL}", "a? INBOX (MESSAGES 4", "b SELECT INBOX", "b COPY 1:2 one", "a? one (MESSAGES 2",
                                  "b MOVE 1 two", "a? two (MESSAGES 1 & INBOX (MESSAGES 3", "a NOOP"),
    "qresync": ("b CREATE one", "a ENABLE QRESYNC", "a NOTIFY SET STATUS (SELECTED (MessageNew MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge))", "a SELECT INBOX", "b APPEND one {MAIL}", "a? STATUS one", "b SELECT INBOX",
                "b STORE 1 +FLAGS (\\Deleted)", "a? 1 FETCH", "b EXPUNGE", "a? VANISHED", "a NOOP"),
    "one's own changes": ("b CREATE one", "a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge FlagChange)) (PERSONAL %s)" % ALL, "a SELECT INBOX", "a APPEND INBOX {MAIL}", "a STORE 1 +FLAGS (\\Seen)", "a APPEND one {MAIL}", "a? STATUS one",
                          "a CREATE two", "a? LIST", "a STORE 1 +FLAGS.SILENT (\\Deleted)", "a EXPUNGE", "a NOOP"),
    "idle": ("b CREATE one", "a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge))", "a SELECT INBOX", "a- IDLE", "a? +", "b APPEND one {MAIL}", "a? STATUS one",
             "b APPEND INBOX {MAIL}", "a? 4 FETCH", "a- DONE", "a? OK", "a NOOP"),
}


@pytest.fixture(scope="module")
def server():
    with Mailboxes() as server:
        yield server


@pytest.mark.parametrize("name", ALONE)
def test_dialogue(server, name):
    fresh(server)
    golden("imap_more_" + name.replace(" ", "_"), say_all(server, ALONE[name], mask=without_recent))


def until(client, words):
    missing = words.split(" & ")
    while missing and (line := client.line()) is not None:
        missing = [each for each in missing if each.encode() not in line]


def without_repeats(text):
    """Dovecot tells the state of a mailbox again where another one has changed, and UIDVALIDITY as often as it opens one for the first time."""
    text = re.sub(r"(?m)^(S: \* STATUS .*) UIDVALIDITY \{n\}", r"\1", text)
    told, out = {}, []
    for line in text.splitlines(True):
        m = re.match(r"S: \* STATUS (\S+) (.*)", line)
        if m and told.get(m.group(1)) == m.group(2):
            continue
        if m:
            told[m.group(1)] = m.group(2)
        out.append(line)
    return "".join(out)


def play_together(server, story):
    """What a and b say and hear."""
    with Imap(server, user="alice", tag="a") as a, Imap(server, user="alice", tag="b") as b:
        a.lines = b.lines = lines = []
        for line in story:
            who, _, command = line.partition(" ")
            if who == "a?":
                until(a, command)
            elif who == "a-":
                a.send(("i1 " if command == "IDLE" else "") + command + "\r\n")
            else:
                {"a": a, "b": b}[who].say(command.replace("{MAIL}", "{11+}\r\nA: b\r\n\r\nx\r\n"))
        a.leave()
        b.leave()
        return without_repeats(without_recent("".join(line + "\n" for line in lines)))


@pytest.mark.parametrize("name", TOGETHER)
def test_notify(server, name):
    fresh(server)
    golden("imap_notify_" + name.replace(" ", "_"), play_together(server, TOGETHER[name]))


extension = pytest.mark.extension("limits and promises of ours")


@extension
def test_too_big():
    """imapd_message_size_limit, of a literal and of what is put together."""
    with Mailboxes(main_cf={"imapd_message_size_limit": "300"}) as server:
        fresh(server)
        with Imap(server, user="alice") as client:
            client.say("SELECT INBOX")
            assert client.say("APPEND INBOX {301}")[-1] == b"a3 NO [TOOBIG] The message is larger than the server takes"
            assert client.say("APPEND INBOX {301+}\r\n" + "x" * 301)[-1].startswith(b"a4 NO [TOOBIG]")
            assert client.say(*with_literal("APPEND INBOX", b"x" * 300))[-1].startswith(b"a5 OK")
            assert client.say(catenate(url(";UID=1"), url(";UID=1"), mailbox="INBOX"))[-1].startswith(b"a6 NO [TOOBIG]")
            assert client.say(catenate(url(";UID=1"), text("x" * 100), mailbox="INBOX"))[-1].startswith(b"a7 NO [TOOBIG]")
            assert client.say(catenate(url(";UID=1"), text("x" * 80), mailbox="INBOX"))[-1].startswith(b"a8 OK")
            assert client.say(*with_literal("REPLACE 1 INBOX", b"x" * 301))[-1].startswith(b"a9 NO [TOOBIG]")
            assert client.say("UID SEARCH ALL")[0] == b"* SEARCH 1 2 3 4 5"


@extension
def test_many_large_parts(server):
    """100 parts are the most, and nothing stays of what is refused."""
    fresh(server)
    with Imap(server, user="alice") as client:
        client.say("SELECT INBOX")
        assert client.say(catenate(*[url(";UID=1")] * 100, mailbox="INBOX"))[-1].startswith(b"a3 OK")
        assert client.say(catenate(*[url(";UID=1")] * 101, mailbox="INBOX"))[-1] == b"a4 BAD Error in IMAP command APPEND: Too many CATENATE parts"
        assert client.say("FETCH 4 RFC822.SIZE")[0] == b"* 4 FETCH (RFC822.SIZE 20100)"
    assert not list((server.maildir() / "tmp").iterdir())


@extension
def test_replace_of_what_others_removed(server):
    fresh(server)
    with Imap(server, user="alice", tag="a") as a, Imap(server, user="alice", tag="b") as b:
        a.say("SELECT INBOX")
        b.all("SELECT INBOX", "STORE 2 +FLAGS.SILENT (\\Deleted)", "EXPUNGE")
        reply = a.say("UID REPLACE 2 INBOX {11}")
        assert reply[-1] == b"a3 NO [EXPUNGEISSUED] The message no longer exists." and b"* 2 EXPUNGE" in reply
        assert a.say("FETCH 1:* UID")[:-1] == [b"* 1 FETCH (UID 1)", b"* 2 FETCH (UID 3)"]


@extension
def test_a_mailbox_that_is_read_only_replaces_nothing(server):
    fresh(server)
    with Imap(server, user="alice") as client:
        client.say("EXAMINE INBOX")
        assert client.say("REPLACE 1 INBOX {11}")[-1] == b"a3 NO [READ-ONLY] REPLACE attempted on a read-only mailbox"
        assert client.say("UID SEARCH ALL")[0] == b"* SEARCH 1 2 3"


@extension
@pytest.mark.parametrize("seed", range(3))
def test_replace_killed_at_any_time(server, seed):
    """kill -9 amid a row of REPLACEs: of each message the old or the new one is there, and what was acknowledged stays."""
    chance = random.Random(seed)
    server.wipe()
    server.deliver(*["Subject: m%d v0\n\nx\n" % n for n in range(10)])
    with Imap(server, user="alice") as client:
        client.say("SELECT INBOX")
        uids, sent = {n: n + 1 for n in range(10)}, []
        for step in range(1, 200):
            text = b"Subject: m%d v%d\r\n\r\nx\r\n" % (step % 10, step)
            sent.append(b"k%d UID REPLACE %d INBOX {%d+}\r\n%s\r\n" % (step, uids[step % 10], len(text), text))
            uids[step % 10] = 10 + step
        client.socket.sendall(b"".join(sent))
        saved, wanted = 0, chance.randrange(1, 150)
        while (line := client.line()) is not None:
            if m := re.match(rb"k(\d+) OK", line):
                saved = int(m.group(1))
                if saved == wanted:
                    owner = server.suite.sh("ps -eo pid=,user=,comm= | awk '$2==\"alice\" && $3==\"imapd-owner\" {print $1}'").split()
                    server.suite.sh("kill -9 " + " ".join(owner))
        assert saved >= wanted
    with Imap(server, user="alice") as client:
        client.say("SELECT INBOX")
        there = {n: [] for n in range(10)}
        for line in client.say("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]"):
            for m in re.finditer(rb"Subject: m(\d) v(\d+)", line):
                there[int(m.group(1))].append(int(m.group(2)))
        for n, versions in there.items():
            newest = max((step for step in range(1, saved + 1) if step % 10 == n), default=0)
            assert versions and max(versions) >= newest and len(versions) <= 2, (n, versions, saved)


@extension
def test_notify_has_a_limit():
    """imapd_notify_mailboxes_limit: at the command, and when the mailboxes become more."""
    with Mailboxes(main_cf={"imapd_notify_mailboxes_limit": "3"}) as server:
        fresh(server)
        with Imap(server, user="alice", tag="a") as a, Imap(server, user="alice", tag="b") as b:
            b.all("CREATE one", "CREATE two")
            assert a.say("NOTIFY SET (PERSONAL (MessageNew MessageExpunge))")[-1] == b"a2 OK NOTIFY completed."
            b.say("CREATE three")
            until(a, "* OK [NOTIFICATIONOVERFLOW] ")
            b.say("APPEND one {11+}\r\nA: b\r\n\r\nx\r\n")
            assert a.say("NOOP") == [b"a3 OK NOOP completed."]
            assert a.say("NOTIFY SET (PERSONAL (MessageNew MessageExpunge))")[-1].startswith(b"a4 NO [NOTIFICATIONOVERFLOW] ")
            assert a.say("NOTIFY SET (SUBTREE one (MessageNew MessageExpunge))")[-1].startswith(b"a5 OK")
            b.say("APPEND one {11+}\r\nA: b\r\n\r\nx\r\n")
            until(a, "* STATUS one (MESSAGES 2 UIDNEXT 3 UIDVALIDITY ")


@extension
def test_notify_of_many_mailboxes_needs_one_descriptor(server):
    fresh(server)
    with Imap(server, user="alice", tag="a") as a, Imap(server, user="alice", tag="b") as b:
        for n in range(300):
            b.say("CREATE box%d" % n)
        descriptors = "for p in $(ps -eo pid=,user=,comm= | awk '$2==\"alice\" && $3==\"imapd-owner\" {print $1}'); do ls /proc/$p/fd; done | wc -l"
        before = int(server.suite.sh(descriptors))
        a.say("NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))")
        assert int(server.suite.sh(descriptors)) == before + 1
        b.say("APPEND box299 {11+}\r\nA: b\r\n\r\nx\r\n")
        until(a, "* STATUS box299 (MESSAGES 1")
        a.say("NOTIFY NONE")
        assert int(server.suite.sh(descriptors)) == before


@extension
def test_notify_none_hides_nothing_of_ones_own(server):
    """What others do is not told, and no number changes; what a command of one's own does is told with all that waits."""
    fresh(server)
    with Imap(server, user="alice", tag="a") as a, Imap(server, user="alice", tag="b") as b:
        a.all("NOTIFY NONE", "SELECT INBOX")
        b.all("SELECT INBOX", "STORE 1 +FLAGS.SILENT (\\Deleted)", "EXPUNGE")
        assert a.say("NOOP") == [b"a4 OK NOOP completed."]
        assert a.say("FETCH 2:3 UID")[:-1] == [b"* 2 FETCH (UID 2)", b"* 3 FETCH (UID 3)"]
        assert a.say("STORE 3 +FLAGS (\\Deleted)")[0].startswith(b"* 3 FETCH (FLAGS (\\Deleted")
        assert a.say("EXPUNGE")[:2] == [b"* 3 EXPUNGE", b"* 1 EXPUNGE"]
        b.say("APPEND INBOX {11+}\r\nA: b\r\n\r\nx\r\n")
        assert a.say("NOOP") == [b"a8 OK NOOP completed."]
        assert a.say("APPEND INBOX {11+}\r\nA: b\r\n\r\nx\r\n")[0] == b"* 3 EXISTS"


@extension
def test_flags_are_told_by_the_modseq(server):
    """Of a mailbox that the client has not been told the state of: what has changed, with the mod-sequence."""
    fresh(server)
    with Imap(server, user="alice", tag="a") as a, Imap(server, user="alice", tag="b") as b:
        b.all("CREATE one", "APPEND one {11+}\r\nA: b\r\n\r\nx\r\n")
        a.say("NOTIFY SET STATUS (MAILBOXES one (MessageNew MessageExpunge FlagChange))")
        b.all("SELECT one", "STORE 1 +FLAGS (own)")
        assert re.fullmatch(rb"\* STATUS one \(HIGHESTMODSEQ \d+\)", a.line())
        a.say("NOTIFY SET (MAILBOXES one (MessageNew MessageExpunge FlagChange))")
        b.say("STORE 1 +FLAGS (\\Seen)")
        assert re.fullmatch(rb"\* STATUS one \(MESSAGES 1 UIDNEXT 2 UIDVALIDITY \d+ UNSEEN 0 HIGHESTMODSEQ \d+\)", a.line())


@extension
def test_what_others_do_on_disk_is_told(server):
    """A delivery agent, and mutt or rm."""
    fresh(server)
    with Imap(server, user="alice") as client:
        client.say("CREATE box")
        client.say("NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge FlagChange))")
        server.deliver("Subject: new\n\nx\n", folder="box")
        until(client, "* STATUS box (MESSAGES 1 UIDNEXT 2 UNSEEN 1")
        file = next((server.maildir(folder="box") / "new").iterdir())
        seen = server.maildir(folder="box") / "cur" / (file.name + ":2,S")
        file.rename(seen)
        until(client, "* STATUS box (UNSEEN 0")
        seen.unlink()
        until(client, "* STATUS box (MESSAGES 0")
