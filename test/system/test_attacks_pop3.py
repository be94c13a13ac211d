"""Attacks on the POP3 server (P01, and T01, T05, T13 and A01 as far as they concern it)."""
import ssl
import time

import pytest

from suite.mailboxes import Mailboxes, Pop3
from test_attacks_imap import QUICK, Raw, shown

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix has no mailbox servers")]
ONE, TWO = "Subject: one\n\nfirst\n", "Subject: two\n\nsecond\n"


@pytest.fixture
def server(module_server):
    module_server.wipe()
    module_server.deliver(ONE, TWO)
    return module_server


@pytest.fixture(scope="module")
def module_server():
    with Mailboxes() as server:
        yield server


def count(server):
    with Pop3(server, user="alice") as client:
        reply = client.say("STAT")[0]
        client.say("QUIT")
        return int(reply.split()[1])


@pytest.mark.parametrize("number", ["0", "-1", "3", "4294967295", "4294967296", "18446744073709551616", "1 2 3", "1x", "", "%s" % ("9" * 400)], ids=shown)
def test_numbers(server, number):
    with Pop3(server, user="alice") as client:
        for command in ("UIDL %s", "LIST %s", "RETR %s", "DELE %s", "TOP %s 1", "TOP 1 -1", "TOP 1 4294967296"):
            line = command.replace("%s", number)
            if line.strip() in ("UIDL", "LIST"):
                continue
            client.send(line + "\r\n")
            reply = client.line()
            if reply.startswith(b"+OK"):
                assert line in ("TOP 1 4294967296",) or number in ("1 2 3",), (line, reply)
                while line.startswith(("TOP", "RETR")) and client.line() != b".":
                    pass
        assert client.say("RSET")[0].startswith(b"+OK")


def test_pipelined_commands(server):
    with Pop3(server, user="alice") as client:
        begun = time.monotonic()
        client.send(b"NOOP\r\n" * 20000 + b"STAT\r\n", shown="many")
        while not client.line().startswith(b"+OK 2 "):
            pass
        assert time.monotonic() - begun < QUICK


def test_nothing_goes_without_quit(server):
    with Pop3(server, user="alice") as client:
        client.all("DELE 1", "DELE 2")
        client.socket.close()
        client.file.close()
    assert count(server) == 2
    with Pop3(server, user="alice") as client:
        client.say("DELE 1")
        server.suite.sh("pkill -9 -u alice pop3d-owner")   # in a namespace of its own
        client.end()
    assert count(server) == 2


def test_two_sessions(server):
    """What one has deleted the other cannot read any more, and hears so; nothing else is hurt."""
    with Pop3(server, user="alice") as first, Pop3(server, user="alice") as second:
        first.say("DELE 1")
        second.say("DELE 2")
        assert first.say("QUIT")[0].startswith(b"+OK")
        assert second.say("RETR 1")[0].startswith(b"-ERR")
        assert second.say("QUIT")[0].startswith(b"+OK")
    assert count(server) == 0


def test_the_mailbox_changes_under_the_session(server):
    with Pop3(server, user="alice") as client:
        client.say("STAT")
        for path in [*(server.maildir() / "new").iterdir(), *(server.maildir() / "cur").iterdir()]:
            path.unlink()
        assert client.say("RETR 1")[0].startswith(b"-ERR")
        assert client.say("DELE 2")[0][:1] in (b"+", b"-")
        assert client.say("QUIT")[0][:1] in (b"+", b"-")


def test_plaintext_behind_stls(server):
    for tail in (b"CAPA\r\n", b"USER alice\r\nPASS alice-pw\r\n", b"\x16\x03\x01"):
        with Raw(server, "pop3") as client:
            said = client.all(b"STLS\r\n" + tail)
            assert said.count(b"+OK") == 1, said


def test_a_name_given_before_tls_is_forgotten(server):
    with Pop3(server) as client:
        client.say("USER alice")
        client.say("STLS")
        client.start_tls()
        assert client.say("PASS alice-pw")[0].startswith(b"-ERR")
        assert client.all("USER alice", "PASS alice-pw")[-1][0].startswith(b"+OK")


def test_a_web_browser(server):
    with Raw(server, "pop3") as client:
        said = client.all(b"POST / HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\nA: b\r\nC: d\r\nE: f\r\nG: h\r\nI: j\r\nK: l\r\nM: n\r\nO: p\r\n\r\nUSER alice\r\nPASS alice-pw\r\nQUIT\r\n")
        assert b"Logged in" not in said
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    with Raw(server, "pop3s") as client, pytest.raises(ssl.SSLError):
        context.wrap_socket(client.socket)


@pytest.mark.parametrize("lines", [b"AUTH PLAIN !!!", b"AUTH PLAIN\r\n!!!", b"AUTH PLAIN =", b"AUTH PLAIN\r\n=", b"AUTH PLAIN\r\n*", b"AUTH LOGIN\r\nYWxpY2U=\r\n*", b"AUTH PLAIN\r\n" + b"A" * 12289, b"AUTH PLAIN\r\n" + b"A" * 1000000,
                                   b"AUTH NTLM AAAA", b"USER " + b"a" * 10000, b"USER a\0b\r\nPASS x", b"USER alice\r\nPASS " + b"x" * 100000, b"APOP alice 0123456789abcdef0123456789abcdef"], ids=shown)
def test_sasl(server, lines):
    with Raw(server, "pop3") as client:
        assert b"Logged in" not in client.all(lines + b"\r\nQUIT\r\n")
    assert count(server) == 2


def test_long_lines(server):
    for what in (b"x" * 5000000, b"\0" * 1000000, b"\r\n" * 100000, b"USER " + b"y" * 1000000):
        with Raw(server, "pop3") as client:
            client.all(what + b"\r\n")
    assert count(server) == 2
