"""POP3: what a client hears, the same of Dovecot and of ours."""
import socket

import pytest

from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, Pop3, masked

pytestmark = pytest.mark.root

FIRST = "From: joe@example.net\r\nSubject: first\r\n\r\n.dot\r\nline two\r\n..\r\nline four\r\n"
SECOND = "From: ann@example.net\nSubject: second\n\nno CR\n"
LOGIN = ("USER alice", "PASS alice-pw")

# name: lines; each case has two messages in alice's mailbox.
CASES = {
    "before the login": ("STAT", "LIST", "RETR 1", "FOO", "CAPA", "QUIT"),
    "the login": ("PASS alice-pw", "USER alice", "PASS wrong", "USER nobody", "PASS x", "USER alice", "PASS alice-pw", "QUIT"),
    "AUTH": ("AUTH PLAIN AGFsaWNlAGFsaWNlLXB3", "STAT", "QUIT"),
    "AUTH step by step": ("AUTH PLAIN", "AGFsaWNlAGFsaWNlLXB3", "STAT", "QUIT"),
    "AUTH given up": ("AUTH PLAIN", "*", "QUIT"),
    "AUTH with a mistake": ("AUTH PLAIN !!!", "AUTH FOO", "QUIT"),
    "what there is": (*LOGIN, "STAT", "LIST", "LIST 1", "LIST 2", "UIDL 9", "LIST 3", "LIST 0", "LIST x", "NOOP", "QUIT"),
    "reading": (*LOGIN, "RETR 1", "RETR 2", "RETR 3", "TOP 1 0", "TOP 1 2", "TOP 1 99", "TOP 2 1", "TOP 1", "TOP x 1", "QUIT"),
    "deleting": (*LOGIN, "DELE 1", "DELE 1", "RETR 1", "STAT", "LIST", "UIDL 1", "RSET", "STAT", "DELE 2", "DELE 7", "QUIT"),
    "after deleting": (*LOGIN, "STAT", "LIST", "QUIT"),
    "case does not matter": ("user alice", "pass alice-pw", "stat", "List 1", "quit"),
}


# RFC 6856.
LANGUAGES = {
    "before the login": ("LANG", "LANG *", "LANG en", "LANG EN-us", "LANG i-default", "LANG de", "LANG en de", "LANG", "QUIT"),
    "in the mailbox": (*LOGIN, "LANG", "LANG *", "LANG en", "LANG xx", "QUIT"),
    "UTF8": ("UTF8", "UTF8 USER", "utf8", *LOGIN, "UTF8", "RETR 1", "TOP 1 0", "LIST 1", "QUIT"),
    "UTF8 that is not asked for": (*LOGIN, "RETR 1", "QUIT"),
}
UTF8_HEADER = "From: J\u00f6rg <j\u00f6rg@example.net>\nSubject: Gr\u00fc\u00dfe\n\nx\n"


@pytest.fixture(scope="module")
def server():
    with Mailboxes() as server:
        yield server


def story(server, lines):
    with Pop3(server) as client:
        client.all(*lines)
        client.end()
        return masked(client.transcript())


def test_dialogues(server):
    text = ""
    for name, lines in CASES.items():
        if name != "after deleting":
            server.wipe()
            server.deliver(FIRST, SECOND)
        text += "== %s\n%s\n" % (name, story(server, lines))
    golden("pop3", text)


@pytest.mark.extension("Dovecot has neither UTF8 nor LANG")
def test_utf8_and_languages(server):
    text = ""
    for name, lines in LANGUAGES.items():
        server.wipe()
        server.deliver(UTF8_HEADER)
        text += "== %s\n%s\n" % (name, story(server, lines))
    golden("pop3_utf8", text)


def test_nothing_is_deleted_without_quit(server):
    server.wipe()
    server.deliver(FIRST, SECOND)
    with Pop3(server, user="alice") as client:
        assert client.say("DELE 1") == [b"+OK Marked to be deleted."]
    with Pop3(server, user="alice") as client:
        assert client.say("STAT")[0].split()[1] == b"2"


def test_unique_ids_stay(server):
    server.wipe()
    server.deliver(FIRST, SECOND)
    with Pop3(server, user="alice") as client:
        before = client.say("UIDL")
        client.say("QUIT")
    assert len(before) == 4
    server.deliver(("1700000009.M000009P1.host", SECOND))
    with Pop3(server, user="alice") as client:
        assert client.say("UIDL")[:3] == before[:3]
        client.say("QUIT")


def test_what_was_read_is_seen(server):
    text = ""
    for lines in (("RETR 1", "QUIT"), ("RETR 1",), ("TOP 1 99", "QUIT"), ("RETR 1", "RSET", "RETR 2", "QUIT"), ("RETR 1", "DELE 2", "QUIT")):
        server.wipe()
        server.deliver(FIRST, SECOND)
        with Pop3(server, user="alice") as client:
            client.all(*lines)
            if lines[-1] != "QUIT":
                client.socket.shutdown(socket.SHUT_WR)
            client.end()
        with Imap(server, user="alice") as client:
            client.lines = []
            client.all("EXAMINE INBOX", "FETCH 1:* FLAGS")
            text += "== %s\n%s\n" % (", ".join(lines), "".join(line + "\n" for line in client.lines if " FETCH (" in line))
    golden("pop3_seen", text)


@pytest.mark.parametrize("service", ["pop3", "pop3s"])
def test_tls(server, service):
    server.wipe()
    server.deliver(FIRST)
    with Pop3(server, service) as client:
        if service == "pop3":
            assert client.say("STLS")[0].startswith(b"+OK")
            client.start_tls()
        assert b"STLS" not in client.say("CAPA")
        client.all(*LOGIN)
        assert client.say("STAT")[0].startswith(b"+OK 1 ")
        client.say("QUIT")


def test_plaintext_behind_stls_is_not_believed(server):
    with Pop3(server) as client:
        client.send(b"STLS\r\nUSER alice\r\n")
        client.end()
        assert not any("USER" in line or line == "S: +OK" for line in client.lines if line.startswith("S"))
