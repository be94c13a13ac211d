"""IMAP's extensions: what a client hears, the same of Dovecot and of ours. Each case begins with the same mailbox."""
import pytest

from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, masked
from test_imap import IN, fresh, say_all

pytestmark = pytest.mark.root

TREE = ("CREATE a", "CREATE a.b", "CREATE a.b.c", "CREATE no.sub", "CREATE x", "SUBSCRIBE a.b.c", "SUBSCRIBE x")

CASES = {
    "condstore": ("SELECT INBOX (CONDSTORE)", "FETCH 1:3 (FLAGS MODSEQ)", "STORE 1 +FLAGS (\\Seen)", "STORE 2 (UNCHANGEDSINCE {m}) +FLAGS.SILENT (\\Flagged)",
                  "STORE 1:3 (UNCHANGEDSINCE {first}) +FLAGS (\\Answered)", "UID STORE 1:2 (UNCHANGEDSINCE {first}) FLAGS ()", "FETCH 1:3 FLAGS", "FETCH 1:* (FLAGS) (CHANGEDSINCE {m})",
                  "FETCH 1:* (UID) (CHANGEDSINCE {first})", "SEARCH MODSEQ {first}", 'UID SEARCH MODSEQ "/flags/\\\\seen" all 1', "STATUS INBOX (HIGHESTMODSEQ MESSAGES)",
                  "FETCH 1 FLAGS (FOO)", "STORE 1 (UNCHANGEDSINCE x) FLAGS ()", "STORE 1 (FOO) FLAGS ()", "UNSELECT", "SELECT INBOX (FOO)"),
    "qresync": ("ENABLE QRESYNC", *IN, "STORE 2 +FLAGS.SILENT (\\Deleted)", "EXPUNGE", "STORE 1 +FLAGS (\\Seen)", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE {first} VANISHED)", "UID FETCH 1 (FLAGS) (VANISHED)",
                "CLOSE", "SELECT INBOX (QRESYNC ({v} {first}))", "SELECT INBOX (QRESYNC ({v} {first} 1:2))", "SELECT INBOX (QRESYNC ({v} {m}))", "SELECT INBOX (QRESYNC (1 {first}))",
                "SELECT INBOX (QRESYNC ({v} {first} 1:3 (1:2 1,3)))", "UNSELECT", "SELECT INBOX (QRESYNC)", "SELECT INBOX (QRESYNC ({v} 1 1:3 (1 1:2)))",
                "CREATE box", *IN, "UID MOVE 1 box", "UNSELECT"),
    "qresync that is not enabled": ("SELECT INBOX (QRESYNC (1 1))", *IN, "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)"),
    "search result": (*IN, "SEARCH RETURN (SAVE) 1:2", "FETCH $ UID", "UID FETCH $ UID", "SEARCH RETURN (SAVE COUNT) SUBJECT third", "UID STORE $ +FLAGS (\\Flagged)", "SEARCH $", "UID SEARCH UID $",
                      "SEARCH RETURN (SAVE MIN) ALL", "FETCH $ UID", "SEARCH RETURN (SAVE MAX COUNT) ALL", "FETCH $ UID", "SEARCH RETURN (SAVE) SUBJECT nothing", "FETCH $ UID", "COPY $ INBOX",
                      "SEARCH RETURN (SAVE) ALL", "STORE 1 +FLAGS.SILENT \\Deleted", "EXPUNGE", "FETCH $ UID", "SEARCH RETURN (SAVE) FOO", "SEARCH RETURN (SAVE) CHARSET FOO SUBJECT x", "FETCH $ UID"),
    "esearch": (*IN, "UID SEARCH RETURN () ALL", "UID SEARCH RETURN (MIN) UNSEEN", "SEARCH RETURN (MAX COUNT) ALL", "SEARCH RETURN (MIN MAX) SUBJECT nothing", "SEARCH RETURN (ALL COUNT) SUBJECT nothing",
                "SEARCH RETURN (FOO) ALL", "SEARCH RETURN ALL", "SEARCH YOUNGER 3600", "SEARCH OLDER 3600", "SEARCH RETURN (PARTIAL 1:2) ALL", "UID SEARCH RETURN (PARTIAL 3:9) ALL", "SEARCH RETURN (PARTIAL 5:6) ALL"),
    "search keys": (*IN, "SEARCH LARGER 200 SMALLER 700", "SEARCH NEW", "SEARCH OLD", "SEARCH BCC x", "SEARCH UNANSWERED UNDELETED UNDRAFT UNFLAGGED", "SEARCH BEFORE 1-Jan-2000", "SEARCH SINCE 1-Jan-2000",
                    "SEARCH 1:*,2", "SEARCH NOT 2", "SEARCH UID 77", "SEARCH HEADER", "SEARCH SUBJECT", "SEARCH OR ALL", "SEARCH NOT", "SEARCH ()", "SEARCH LARGER x", "SEARCH $",
                    "SEARCH BODY Grüße", "SEARCH CHARSET UTF-8 SUBJECT ätz", "SEARCH CHARSET US-ASCII SUBJECT third", "SEARCH CHARSET", 'SEARCH SUBJECT ""', "SEARCH FROM jörg", "SEARCH HEADER Message-ID <1@example.net>",
                    "SEARCH TEXT boundary", "SEARCH BODY boundary", "SEARCH 0", "SEARCH 2:x"),
    "list selection": (*TREE, 'LIST (SUBSCRIBED) "" *', 'LIST (SUBSCRIBED) "" %', 'LIST (SUBSCRIBED RECURSIVEMATCH) "" %', 'LIST (RECURSIVEMATCH) "" %', 'LIST (REMOTE) "" *', 'LIST (FOO) "" *', 'LIST () "" *',
                       "DELETE x", 'LIST (SUBSCRIBED) "" *', 'LSUB "" *', "DELETE a.b.c", 'LSUB "" %', 'LSUB "" a.%', 'LSUB a. *', "UNSUBSCRIBE x", "UNSUBSCRIBE never", "SUBSCRIBE no", 'LIST (SUBSCRIBED) "" n*'),
    "list patterns": (*TREE, 'LIST "" (a x)', 'LIST "" ("%" "a.%")', 'LIST a. %', 'LIST "a." *', 'LIST "a.b" ".c"', 'LIST "" INBOX', 'LIST "" inbox', 'LIST "" i%', 'LIST "" *b*', 'LIST "" "a.%.c"', 'LIST () "" ""',
                      'LIST "a.b" ""', 'LIST "" ("")', 'LIST "" a.b.c.d', "LIST \"\" %.%", 'LIST "" no', 'LIST', 'LIST ""', "LIST \"\" a b"),
    "list return": (*TREE, 'LIST "" % RETURN (CHILDREN SUBSCRIBED)', 'LIST "" * RETURN ()', 'LIST "" * RETURN (SUBSCRIBED)', 'LIST "" * RETURN (FOO)', 'LIST "" a RETURN', 'LIST "" * RETURN (SPECIAL-USE)', 'LIST (SPECIAL-USE) "" *'),
    "list status": (*TREE, *IN, "COPY 1:2 a", 'LIST "" % RETURN (STATUS (MESSAGES UNSEEN))', 'LIST (SUBSCRIBED) "" * RETURN (STATUS (UIDNEXT))', 'LIST "" % RETURN (CHILDREN STATUS (MESSAGES))', 'LIST "" a RETURN (STATUS)',
                    'LIST "" a RETURN (STATUS ())', 'LIST "" a RETURN (STATUS (FOO))'),
    "create": ("CREATE x.", 'LIST "" *', "CREATE x", "CREATE x.y.", 'LIST "" *', "CREATE", "CREATE a b c", "CREATE inbox.sub", 'LIST "" *', "CREATE .a", "CREATE a.", "CREATE \"a b\"", "CREATE \"a*b\"", "CREATE \"a\\\"b\"", 'LIST "" "a*"',
               "DELETE x.", "STATUS x. (MESSAGES)", "SELECT x."),
    "rename": (*IN, "STORE 1 +FLAGS (\\Seen)", "CREATE old", "RENAME old INBOX", "RENAME old old", "RENAME old old.x", "RENAME old new.deep", 'LIST "" *', "DELETE new.deep",
               "CREATE top", "CREATE top.a.b", "RENAME top other", 'LIST "" *', "RENAME other new", "RENAME other", "SUBSCRIBE other", "RENAME other last", 'LSUB "" *', "RENAME new newer", 'LIST "" *'),
    "status of the selected": (*IN, "STATUS INBOX (MESSAGES UNSEEN)", "STORE 1 +FLAGS.SILENT \\Seen", "STATUS INBOX (UNSEEN)", "STORE 1 +FLAGS.SILENT \\Deleted", "EXPUNGE", "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)",
                               "EXAMINE INBOX"),
    "close and expunge": (*IN, "STORE 1 +FLAGS.SILENT \\Deleted", "EXAMINE INBOX", "CLOSE", *IN, "UNSELECT", *IN, "UID EXPUNGE 2:3", "UID EXPUNGE", "UID EXPUNGE x", "UID EXPUNGE 1:*", "STORE 1 +FLAGS.SILENT \\Deleted", "CLOSE", *IN,
                          "EXPUNGE x", "CLOSE x"),
    "syntax": (*IN, "noop", "uid fetch 1 (flags uid)", "UID", "UID FOO 1", "UID NOOP", "FETCH 1 (FLAGS", "FETCH 1 FLAGS)", "FETCH", "FETCH 1 FLAGS x", "FETCH 1:2:3 FLAGS", "FETCH *:1 UID", "FETCH 3:1,2 UID",
               "FETCH 1 ()", "FETCH 1 (UID UID)", "STORE 1", "STORE 1 FLAGS \\Seen \\Flagged", "STORE 1 FLAGS (\\Seen", "STORE 1 -FLAGS (\\Seen)", "COPY 1", "COPY", 'SELECT "IN\\BOX"', 'STATUS "INBOX (MESSAGES)',
               'STATUS "INBOX"(MESSAGES)'),
}


@pytest.fixture(scope="module")
def server():
    with Mailboxes() as server:
        yield server


@pytest.mark.parametrize("name", CASES)
def test_dialogue(server, name):
    fresh(server)
    golden("imap_ext_" + name.replace(" ", "_"), say_all(server, CASES[name]))


# What lies in the mailbox, one of each kind.
ODD = {
    "empty": b"",
    "only a header": b"Subject: only\n",
    "only a body": b"\nbody\n",
    "no header": b"this is no header\n\nbody\n",
    "CRLF": b"Subject: crlf\r\n\r\nline\r\n",
    "bare CR": b"Subject: cr\n\na\rb\n",
    "8 bit": "Subject: grüße\nFrom: jörg <j@example.net>\n\nüber\n".encode(),
    "no end of the last line": b"Subject: x\n\nlast",
    "message in a message": b"Subject: outer\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\nSubject: inner\nFrom: a@example.net\n\nText\n",
    "multipart without an end": b"Subject: m\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\none\n--x\nContent-Type: text/html\n\ntwo\n",
    "multipart without parts": b"Subject: m\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\nnothing\n",
    "quotes in names": b'From: "a \\"b\\" c" <a@example.net>, group: x@example.net, y@example.net;, <>\nSubject: a "quoted" \\ one\nReply-To: nobody\n\nx\n',
    "folded": b"Subject: one\n two\n\tthree\nTo: a@example.net,\n b@example.net\n\nx\n",
}


def test_odd_messages(server):
    text = ""
    for name, message in ODD.items():
        server.wipe()
        server.deliver(message)
        with Imap(server, user="alice") as client:
            client.lines = []
            client.all("EXAMINE INBOX", "FETCH 1 (RFC822.SIZE ENVELOPE BODYSTRUCTURE)", "FETCH 1 BODY.PEEK[]", "FETCH 1 BODY.PEEK[HEADER]", "FETCH 1 BODY.PEEK[TEXT]", "FETCH 1 BODY.PEEK[1]", "FETCH 1 BODY.PEEK[2]",
                       "FETCH 1 BODY.PEEK[1.MIME]", "FETCH 1 BODY.PEEK[1.1]")
            client.leave()
            text += "== %s\n%s\n" % (name, masked("".join(line + "\n" for line in client.lines if "FLAGS" not in line)))
    golden("imap_ext_odd_messages", text)


def test_multiappend(server):
    """All or nothing."""
    fresh(server)
    message = b"A: b\r\n\r\nx\r\n"
    with Imap(server, user="alice") as client:
        client.lines = []
        client.say("APPEND INBOX {11}", message + b" (\\Seen) {11}\r\n", message + b" (\\Flagged) \"02-Jan-2023 10:00:00 +0100\" {11}\r\n", message + b"\r\n")
        client.say("STATUS INBOX (MESSAGES UNSEEN UIDNEXT)")
        client.say("APPEND INBOX {11}", message + b" (\\Foo) {11}\r\n")
        client.say("STATUS INBOX (MESSAGES)")
        client.say("APPEND INBOX {11+}\r\nA: b\r\n\r\nx\r\n")
        client.say("STATUS INBOX (MESSAGES)")
        client.say("APPEND INBOX () {0}", b"\r\n")
        client.say("APPEND none {11}", message + b"\r\n")
        client.say("APPEND INBOX \"32-Jan-2023 10:00:00 +0100\" {11}", message + b"\r\n")
        client.say("STATUS INBOX (MESSAGES)")
        client.leave()
        golden("imap_ext_multiappend", masked(client.transcript()))


def test_literals(server):
    fresh(server)
    with Imap(server) as client:
        client.say("LOGIN {5}", b"alice {8}\r\n", b"alice-pw\r\n")
        client.lines = client.lines[1:]
        client.say("SELECT {5+}\r\nINBOX")
        client.say("SELECT {5}", b"INBOX\r\n")
        client.say("SEARCH SUBJECT {5}", b"third\r\n")
        client.say("SEARCH SUBJECT {5+}\r\nfirst OR SUBJECT {5+}\r\nfirst SUBJECT {5}", b"third\r\n")
        client.leave()
        golden("imap_ext_literals", masked(client.transcript()))
