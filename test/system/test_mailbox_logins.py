"""Logins at imapd and pop3d: TLS or not, each mechanism, and what the log says."""
import base64
import hashlib
import hmac
import re
import subprocess
import threading

import pytest

from suite.mailboxes import Imap, Mailboxes, Pop3
from suite.sasl import b64

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix has no mailbox servers")]
PROTOCOLS = ["imap", "pop3"]
CLIENT = {"imap": Imap, "pop3": Pop3}


@pytest.fixture(scope="module")
def server():
    with Mailboxes(main_cf={"auth_mechanisms": "plain login cram-md5 scram-sha-1 scram-sha-256"}) as server:
        server.wipe()
        server.deliver("Subject: one\n\nx\n")
        yield server


class Sasl:
    """An exchange line by line: "AUTHENTICATE m" of IMAP, "AUTH m" of POP3."""

    def __init__(self, client):
        self.client, self.is_imap = client, isinstance(client, Imap)

    def start(self, mechanism, initial=""):
        self.client.send(("s1 AUTHENTICATE " if self.is_imap else "AUTH ") + mechanism + (" " + initial if initial else "") + "\r\n")
        return self.reply()

    def go_on(self, text):
        self.client.send(base64.b64encode(text) + b"\r\n")
        return self.reply()

    def reply(self):
        """The challenge, or whether it is over well."""
        line = self.client.line()
        if line.startswith(b"+ "):
            return base64.b64decode(line[2:])
        return line.startswith((b"s1 OK", b"+OK"))


def plain(sasl):
    return sasl.start("PLAIN", b64("", "alice", "alice-pw"))


def plain_in_two_steps(sasl):
    assert sasl.start("PLAIN") == b""
    return sasl.go_on(b"\0alice\0alice-pw")


def login(sasl):
    assert sasl.start("LOGIN")
    assert sasl.go_on(b"alice")
    return sasl.go_on(b"alice-pw")


def cram(sasl):
    challenge = sasl.start("CRAM-MD5")
    return sasl.go_on(b"alice " + hmac.new(b"alice-pw", challenge, "md5").hexdigest().encode())


def scram(sasl, digest="sha256", mechanism="SCRAM-SHA-256"):
    bare = b"n=alice,r=fyko+d2lbbFgONRv9qkxdawL"
    assert sasl.start(mechanism) == b""
    first = sasl.go_on(b"n,," + bare)
    fields = dict(part.split(b"=", 1) for part in first.split(b","))
    salted = hashlib.pbkdf2_hmac(digest, b"alice-pw", base64.b64decode(fields[b"s"]), int(fields[b"i"]))
    key = hmac.digest(salted, b"Client Key", digest)
    final = b"c=biws,r=" + fields[b"r"]
    signature = hmac.digest(hashlib.new(digest, key).digest(), b",".join([bare, first, final]), digest)
    answer = sasl.go_on(final + b",p=" + base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))))
    assert answer is not False and answer.startswith(b"v=") if answer is not True else True
    return answer if answer is True else sasl.go_on(b"")


def scram1(sasl):
    return scram(sasl, "sha1", "SCRAM-SHA-1")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("exchange", [plain, plain_in_two_steps, login, cram, scram, scram1], ids=lambda e: e.__name__)
@pytest.mark.parametrize("tls", [False, True])
def test_mechanisms(server, protocol, exchange, tls):
    since = server.suite.log_size()
    with CLIENT[protocol](server, protocol + "s" if tls else protocol) as client:
        assert exchange(Sasl(client)) is True
        if protocol == "imap":
            assert client.say("STATUS INBOX (MESSAGES)")[0] == b"* STATUS INBOX (MESSAGES 1)"
            client.leave()
        else:
            assert client.say("STAT")[0].startswith(b"+OK 1 ")
            client.say("QUIT")
    server.suite.wait_log(r"%sd\[\d+\]: login: client=localhost\[127\.0\.0\.1\], sasl_method=[A-Z0-9-]+, sasl_username=alice%s" % (protocol, r", tls=TLSv1\.\d" if tls else ""), since=since)
    server.suite.wait_log(r"%sd\[\d+\]: logout: client=localhost\[127\.0\.0\.1\], sasl_username=alice, in=\d+, out=[1-9]\d*, time=\d+" % protocol, since=since)


@pytest.mark.parametrize("tls", [False, True])
def test_what_was_said_is_counted(server, tls):
    """Whoever carries it, or nobody: from the answer to the login on, without what was said before."""
    since = server.suite.log_size()
    with Pop3(server, "pop3s" if tls else "pop3") as client:
        client.say("USER alice")
        answers = [client.say(line) for line in ("PASS alice-pw", "NOOP", "QUIT")]
        assert client.line() is None
    server.suite.wait_log(r"pop3d\[\d+\]: logout: .*, in=%d, out=%d, time=0$" % (len("NOOP\r\nQUIT\r\n"), sum(len(a[0]) + 2 for a in answers)), since=since)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_password_is_in_the_log_as_fail2ban_knows_it(server, protocol, tmp_path):
    since = server.suite.log_size()
    with CLIENT[protocol](server, protocol) as client:
        assert Sasl(client).start("PLAIN", b64("", "alice", "wr0ng-pw")) is False
    server.suite.wait_log(r"SASL PLAIN authentication failed", since=since)
    server.suite.sync_log()
    log = server.suite.log(since)
    assert "wr0ng-pw" not in log and b64("", "alice", "wr0ng-pw") not in log
    path = tmp_path / "mail.log"
    path.write_text(log)
    try:
        done = subprocess.run(["fail2ban-regex", "--print-all-matched", str(path), "postfix[mode=auth]"], capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("needs fail2ban")
    assert re.search(r"/%sd\[\d+\]: warning: localhost\[127.0.0.1\]: SASL PLAIN authentication failed: " % protocol, done.stdout), done.stdout + done.stderr


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_starttls(server, protocol):
    with CLIENT[protocol](server, protocol) as client:
        client.say("STARTTLS" if protocol == "imap" else "STLS")
        client.start_tls()
        assert plain(Sasl(client)) is True


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_logins_that_come_together(server, protocol):
    """Several reach a user's process at once: none waits for another to come."""
    failures = []

    def log_in():
        try:
            for _ in range(50):
                with CLIENT[protocol](server, user="alice") as client:
                    client.leave() if protocol == "imap" else client.all("QUIT")
        except (OSError, AssertionError) as e:
            failures.append(e)

    clients = [threading.Thread(target=log_in) for _ in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert not failures
