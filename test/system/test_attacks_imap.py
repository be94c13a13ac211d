"""Attacks on the IMAP server (the rows I, and those of T and A that concern it): each is refused cheaply, and nobody else notices."""
import random
import re
import socket
import ssl
import time

import pytest

from suite.mailboxes import Imap, Mailboxes
from suite.ours import sanitized
from test_imap import MIXED, PLAIN, THIRD, fresh

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix has no mailbox servers")]
QUICK = 5   # seconds that an attack may take, on a busy machine


def shown(value):
    """Of a parameter that may be megabytes."""
    return repr(value[:30])


@pytest.fixture(scope="module")
def server():
    with Mailboxes(main_cf={"imapd_user_connection_count_limit": "0"}) as server:
        yield server


class Raw:
    """Bytes to the server and back, with no idea of IMAP."""

    def __init__(self, server, service="imap"):
        self.socket = socket.create_connection(("127.0.0.1", server.ports[service]), timeout=15)

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError):
            pass   # it has had enough

    def rest(self):
        out = b""
        try:
            while piece := self.socket.recv(1 << 16):
                out += piece
        except ConnectionError:
            pass
        return out

    def all(self, data):
        self.send(data)
        return self.rest()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()


def works(server):
    """Somebody else, meanwhile and afterwards."""
    begun = time.monotonic()
    with Imap(server, user="alice") as client:
        assert client.say("SELECT INBOX")[-1].startswith(b"a2 OK")
    assert time.monotonic() - begun < QUICK


def memory(server, name):
    """The most that processes of this name have had, in KB."""
    text = server.suite.sh("for p in $(ps -eo pid=,comm= | awk '$2==\"%s\" {print $1}'); do grep VmHWM /proc/$p/status; done 2>/dev/null || :" % name)
    return max(map(int, re.findall(r"VmHWM:\s+(\d+)", text)), default=0)


@pytest.mark.parametrize("literal", ["{4294967295}", "{18446744073709551615}", "{99999999999999999999999}", "{1000000000+}", "{5000}", "{4097+}", "{-1}", "{}", "{1", "{0x10}"], ids=shown)
def test_literals_before_the_login(server, literal):
    fresh(server)
    with Raw(server) as client:
        said = client.all(b"a LOGIN " + literal.encode() + b"\r\nb LOGOUT\r\n" + b"x" * 10000 + b"\r\nc LOGOUT\r\n")
        lines = said.split(b"\r\n")[1:]
        assert not any(line.startswith((b"+", b"a OK")) for line in lines), said
    works(server)


def test_many_literals(server):
    fresh(server)
    with Raw(server) as client:
        assert b"a OK" not in client.all(b"a LOGIN " + b"{0+}\r\n " * 100000 + b"\r\nb LOGOUT\r\n")
    with Imap(server, user="alice") as client:
        begun = time.monotonic()
        client.send(b"b1 SEARCH " + b"SUBJECT {0+}\r\n " * 5000 + b"\r\n", shown="many")
        line = client.line()
        assert line is None or line.startswith((b"b1 BAD", b"* BYE")), line
        assert time.monotonic() - begun < QUICK
    works(server)


def test_a_refused_literal_is_no_command(server):
    fresh(server)
    with Imap(server, user="alice") as client:
        client.send(b"b1 APPEND none {16+}\r\nb2 DELETE INBOX2\r\nb3 NOOP\r\n")
        assert client.line().startswith(b"b1 NO [TRYCREATE]")
        while not (line := client.line()).startswith(b"b3"):
            assert not line.startswith(b"b2 OK"), line
        client.send(b"b4 SEARCH SUBJECT \"a\0b\"\r\n")
        assert client.line().startswith(b"b4 BAD")
        client.send(b"b5 SEARCH SUBJECT {3+}\r\na\0b\r\n")
        assert client.line().startswith(b"b5 BAD")


@pytest.mark.parametrize("what", [b"(" * 1000000, b"a " + b"(" * 1000000, b"a LOGIN " + b"(" * 100000, b"x" * 5000000, b'a LOGIN "' + b"y" * 5000000, b"\0" * 1000000, b"\r\n" * 100000], ids=shown)
def test_long_lines_before_the_login(server, what):
    fresh(server)
    works(server)
    before = memory(server, "imapd")
    with Raw(server) as client:
        said = client.all(what + b"\r\n")
        assert b"BYE" in said or not said.endswith(b"OK\r\n")
    works(server)
    assert memory(server, "imapd") - before < 8192


def test_long_lines_after_it(server):
    fresh(server)
    for what in (b"SEARCH " + b"(" * 100000 + b"ALL" + b")" * 100000, b"FETCH 1 " + b"(" * 100000, b"NOOP " + b"x" * 3000000):
        with Imap(server, user="alice") as client:
            client.say("SELECT INBOX")
            client.send(b"b1 " + what + b"\r\n", shown="long")
            line = client.line()
            assert line is None or line.startswith((b"b1 BAD", b"* BYE")), line
    works(server)


@pytest.mark.parametrize("items", ["BODY.PEEK[" + ".".join(["1"] * 1000) + "]", "BODY.PEEK[]<4294967295.1>", "BODY.PEEK[]<0.4294967295>", "BODY.PEEK[]<99999999999.1>", "BODY.PEEK[]<0.0>",
                                   "(" + " ".join("BODY.PEEK[%d]" % n for n in range(1, 5000)) + ")", "BODY.PEEK[HEADER.FIELDS (%s)]" % " ".join("f%d" % n for n in range(6000)), "BODY[4294967296]", "BODY[1.MIME.1]"], ids=shown)
def test_fetch_items(server, items):
    fresh(server)
    with Imap(server, user="alice") as client:
        client.say("SELECT INBOX")
        begun = time.monotonic()
        last = client.say("FETCH 1:* " + items)[-1]
        assert last.startswith((b"a3 OK", b"a3 BAD")), last
        assert time.monotonic() - begun < QUICK
        assert client.say("NOOP")[-1].startswith(b"a4 OK")


@pytest.mark.parametrize("keys", ["OR " * 20000 + "ALL " * 20001, "NOT " * 10000 + "ALL", "(" * 90 + "ALL" + ")" * 90, "ALL " * 15000, "TEXT " + "y" * 60000, "OR " * 20000, "1," * 20000 + "1", "UID " + ",".join("%d:%d" % (2 * n, 4294967295 - n) for n in range(1, 3000))], ids=shown)
def test_search_keys(server, keys):
    fresh(server)
    with Imap(server, user="alice") as client:
        client.say("SELECT INBOX")
        begun = time.monotonic()
        last = client.say("SEARCH " + keys)[-1]
        assert last is None or last.startswith((b"a3 OK", b"a3 BAD", b"* BYE")), last
        assert time.monotonic() - begun < QUICK
    works(server)


def test_a_long_search_keeps_nobody_waiting(server):
    """Of the same user, and so in the same process; it ends with its client."""
    server.wipe()
    body = "Subject: big\n\n" + "The quick brown fox jumps over the lazy dog.\n" * 20000
    server.deliver(*[("17000000%02d.M1P1.host" % n, body) for n in range(60)])
    with Imap(server, user="alice") as searcher:
        searcher.say("SELECT INBOX")
        searcher.send("b1 SEARCH OR TEXT nowhere1 OR TEXT nowhere2 OR TEXT nowhere3 TEXT nowhere4\r\n")
        works(server)
    works(server)


def test_threads_that_are_no_trees(server):
    """Everybody answers everybody: a ring, a ladder, and letters that name all the others."""
    server.wipe()
    many = 1000
    all_ids = " ".join("<%d@x>" % n for n in range(many))
    server.deliver(*[("17000%05d.M1P1.host" % n, "Subject: %s\nMessage-ID: <%d@x>\nIn-Reply-To: <%d@x>\n%s\n\nx\n" % ("re: " * n, n, (n + 1) % many, "References: " + all_ids[:60 * n] if n % 2 else "X: y"))
                     for n in range(many)])
    with Imap(server, user="alice") as client:
        client.say("SELECT INBOX")
        for command in ("THREAD REFERENCES UTF-8 ALL", "THREAD REFS UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL", "SORT (SUBJECT FROM DATE) UTF-8 ALL"):
            began = time.monotonic()
            told = client.say(command)
            assert time.monotonic() - began < QUICK and b" OK " in told[-1]
            assert sorted(map(int, re.findall(rb"\d+", told[0]))) == list(range(1, many + 1))
        # Each command keeps what it has been asked for, as long as that is little.
        for n in range(20):
            assert b" OK " in client.say("SEARCH RETURN (UPDATE)" + " 1:*" * 9000)[-1]
    works(server)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "~root/x", "~alice", "..", ".", "a..b", "&AC4-&AC4-", "&AC8-", "&", "&AAA-", "&ABE-", "a" * 10000, "x." * 1000 + "x", "cur/x", "a/b", ".x", '"a\\\\..\\\\b"'], ids=shown)
def test_names(server, name):
    fresh(server)
    with Imap(server, user="alice") as client:
        for command in ("CREATE", "SELECT", "DELETE", "SUBSCRIBE", "RENAME INBOX", "STATUS %s (MESSAGES)"):
            last = client.say(command % name if "%s" in command else command + " " + name)[-1]
            assert last is not None and (b" NO " in last or b" BAD " in last or command in ("CREATE", "DELETE", "SUBSCRIBE", "SELECT")), last
        client.say(b"CREATE \xff\xfe")
    outside = [p for p in server.home().iterdir() if p.name != "Maildir"]
    assert not outside and not (server.path("/home/x")).exists() and not server.path("/root/x").exists()
    works(server)


def test_patterns(server):
    fresh(server)
    for n in range(500):
        (server.maildir() / (".box%d.%s" % (n, "a" * 100)) / "cur").mkdir(parents=True)
    with Imap(server, user="alice") as client:
        for pattern in ("%*" * 500 + "x", "*a" * 500, "%" * 1000, "*" * 1000 + "b*", "(" + " ".join("*%d" % n for n in range(90)) + ")"):
            begun = time.monotonic()
            assert client.say('LIST "" ' + pattern)[-1].split()[1] in (b"OK", b"BAD")
            assert time.monotonic() - begun < QUICK


def test_appends_that_are_cut_off(server):
    fresh(server)
    for data in (b"APPEND INBOX {1000}\r\nSubject: x", b"APPEND INBOX {1000+}\r\nSubject: x", b"APPEND INBOX {10+}\r\n0123456789 {1000+}\r\nabc", b"APPEND INBOX (\\Seen"):
        with Imap(server, user="alice") as client:
            client.send(b"b1 " + data)
            client.socket.shutdown(socket.SHUT_WR)
            client.end()
    with Imap(server, user="alice") as client:
        client.send(b"b1 APPEND INBOX {8+}\r\na: b\0\r\n\n\r\n")
        assert client.line().split()[1] in (b"NO", b"BAD")
        assert client.say("STATUS INBOX (MESSAGES)")[0] == b"* STATUS INBOX (MESSAGES 3)"
    assert not list((server.maildir() / "tmp").iterdir())


def test_pipelined_commands_and_one_who_does_not_read(server):
    fresh(server)
    works(server)
    before = memory(server, "imapd-owner"), memory(server, "imapd")
    with Imap(server, user="alice") as client:
        client.socket.settimeout(2)
        client.say("SELECT INBOX")
        flood = b"x FETCH 1:3 (BODY.PEEK[] ENVELOPE BODYSTRUCTURE)\r\n" * 2000
        try:
            for _ in range(100):
                client.socket.sendall(flood)
        except (TimeoutError, ConnectionError):
            pass   # it takes no more: that is the back-pressure
        else:
            pytest.fail("all of it was taken although no answer was read")
        works(server)
        after = memory(server, "imapd-owner"), memory(server, "imapd")
        # Freed memory is kept for a while by the sanitizers.
        assert sanitized() or (after[0] - before[0] < 16384 and after[1] - before[1] < 8192), (before, after)


def test_many_who_idle(server):
    fresh(server)
    clients = [Imap(server, user="alice") for _ in range(60)]   # master lets 100 in
    for client in clients:
        client.say("SELECT INBOX")
        client.send("i IDLE\r\n")
        assert client.line().startswith(b"+")
    server.deliver(("1700000099.M1P1.host", THIRD))
    for client in clients:
        while client.line() != b"* 4 EXISTS":
            pass
    works(server)
    for client in clients:
        client.close()


@pytest.mark.parametrize("command", ["FETCH 4294967295 UID", "FETCH 4294967296 UID", "UID FETCH 4294967295:* UID", "UID FETCH 18446744073709551616 UID", "FETCH 1:* (FLAGS) (CHANGEDSINCE 9223372036854775807)",
                                     "FETCH 1:* (FLAGS) (CHANGEDSINCE 9223372036854775808)", "FETCH 1:* (FLAGS) (CHANGEDSINCE 18446744073709551616)", "STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS ()",
                                     "SEARCH MODSEQ 18446744073709551615", "SEARCH LARGER 18446744073709551616", "SEARCH OLDER 4294967296", "SELECT INBOX (QRESYNC (4294967296 1))",
                                     "SELECT INBOX (QRESYNC (1 9223372036854775808))", "SELECT INBOX (QRESYNC (1 1 %s))" % ",".join(str(n) for n in range(1, 18000, 2)), "UID EXPUNGE 4294967295", "COPY 1:4294967295 INBOX"], ids=shown)
def test_large_numbers(server, command):
    fresh(server)
    with Imap(server, user="alice") as client:
        client.all("ENABLE QRESYNC", "SELECT INBOX")
        assert client.say(command)[-1].split()[1] in (b"OK", b"BAD")
        assert client.say("SELECT INBOX")[-1].split()[1] == b"OK"
    works(server)


def test_another_mailbox_under_the_session(server):
    """UIDVALIDITY changes: no UID of the old one is believed."""
    fresh(server)
    with Imap(server, user="alice") as client:
        client.say("SELECT INBOX")
        server.wipe()
        server.deliver(THIRD)
        reply = client.say("NOOP")
        assert reply[0].startswith(b"* BYE") and reply[-1] is None
    works(server)


def test_hostile_messages_show_nothing_of_others(server):
    """Two users, hundreds of broken messages: each sees his own bytes only."""
    seed = 20261128
    print("seed", seed)
    chance = random.Random(seed)
    parts = [b"Subject: ", b"From: ", b"To: ", b"Content-Type: multipart/mixed; boundary=", b"Content-Type: message/rfc822\n\n", b"=?utf-8?q?=C3", b"?=", b"<", b">", b",", b";", b'"', b"\\", b"(", b")", b"\n", b"\n\n", b"--x",
             b"\r", b"\0", b"\xff", b"Date: Mon, 99", b":", b"@", b"{10}", b"x" * 500]
    owners = {"alice": b"ALICEALICE", "bob": b"BOBBOBBOB"}
    for user, mark in owners.items():
        server.wipe(user)
        server.deliver(*[("17%08d.M1P1.host" % n, mark + b": 1\n" + b"".join(chance.choices([*parts, mark], k=chance.randrange(1, 80)))) for n in range(300)], user=user)
    for user, mark in owners.items():
        other = next(m for u, m in owners.items() if u != user)
        with Imap(server, user=user) as client:
            assert client.say("SELECT INBOX")[-1].split()[1] == b"OK"
            for items in ("ENVELOPE", "BODYSTRUCTURE", "BODY", "BODY.PEEK[HEADER]", "BODY.PEEK[1]", "BODY.PEEK[1.1.HEADER]", "RFC822.SIZE", "BODY.PEEK[]"):
                reply = client.say("FETCH 1:* " + items)
                assert reply[-1].split()[1] == b"OK", reply[-1]
                assert not any(other in piece for piece in reply)
            assert client.say("SEARCH TEXT needle")[-1].split()[1] == b"OK"


def test_plaintext_behind_starttls(server):
    for tail in (b"b LOGIN alice alice-pw\r\n", b"b NO", b"\x16\x03\x01"):
        with Raw(server) as client:
            said = client.all(b"a STARTTLS\r\n" + tail)
            assert b"b " not in said and b"a OK" not in said


def test_what_was_said_before_tls_is_forgotten(server):
    fresh(server)
    with Imap(server) as client:
        client.all('ID ("name" "x")', "CAPABILITY")
        assert client.say("STARTTLS")[-1].split()[1] == b"OK"
        client.start_tls()
        assert client.say("STARTTLS")[-1].split()[1] == b"BAD"
        assert b"STARTTLS" not in client.say("CAPABILITY")[0]
        assert client.say("LOGIN alice alice-pw")[-1].split()[1] == b"OK"


def test_a_web_browser(server):
    with Raw(server) as client:
        said = client.all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n\r\na LOGIN alice alice-pw\r\n")
        assert b"BYE" in said and b"a OK" not in said
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    with Raw(server, "imaps") as client, pytest.raises(ssl.SSLError):
        context.wrap_socket(client.socket)


@pytest.mark.parametrize("lines", [b"a AUTHENTICATE PLAIN !!!", b"a AUTHENTICATE PLAIN\r\n!!!", b"a AUTHENTICATE PLAIN =", b"a AUTHENTICATE PLAIN\r\n=", b"a AUTHENTICATE PLAIN\r\n*", b"a AUTHENTICATE LOGIN\r\nYWxpY2U=\r\n*",
                                   b"a AUTHENTICATE PLAIN\r\n" + b"A" * 12288, b"a AUTHENTICATE PLAIN\r\n" + b"A" * 12289, b"a AUTHENTICATE PLAIN\r\n" + b"A" * 1000000, b"a AUTHENTICATE PLAIN\r\nAGFsaWNlAGFsaWNlLXB3AAA=",
                                   b"a AUTHENTICATE CRAM-MD5\r\n*", b"a AUTHENTICATE CRAM-MD5\r\nAAAA", b"a AUTHENTICATE NTLM TlRMTVNTUAABAAAAB4IIAA==", b"a LOGIN alice \"alice-pw\0\"", b"a AUTHENTICATE PLAIN AAAA AAAA"], ids=shown)
def test_sasl(server, lines):
    fresh(server)
    with Raw(server) as client:
        said = client.all(lines + b"\r\nb LOGOUT\r\n")
        assert b"a OK" not in said, said
    works(server)
