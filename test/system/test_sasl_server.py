"""AUTH with authentication servers that answer strangely, or not at all."""
import base64
import contextlib
import re
import socket
import threading

import pytest

from suite import make
from suite.base import free_port
from suite.sasl import ALICE, DONE, FAILED, Dialogue, announced, b64

pytestmark = pytest.mark.root
ON = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot"}


class FakeServer:
    """An authentication server on a port of 127.0.0.1 that gives a name of PLAIN the answer that `answers` has for it; an empty
    one is never given."""
    GREETING = b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tASKS\nMECH\tHIDDEN\tprivate\nMECH\tANONYMOUS\tanonymous\nSPID\t1\nCUID\t2\nCOOKIE\t0\nDONE\n"

    def __init__(self, answers):
        self.answers = answers
        self.heard = []
        self.asked = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.path = "inet:127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        peer.sendall(self.GREETING)
        with contextlib.suppress(OSError), peer, peer.makefile("rb") as lines:
            for line in lines:
                words = line.rstrip(b"\n").split(b"\t")
                if words[0] not in (b"AUTH", b"CONT"):
                    continue
                self.heard.append(line)
                response = next((w[5:] for w in words if w.startswith(b"resp=")), b"")
                name = base64.b64decode(response).split(b"\0")[1].decode() if len(response) > 4 else words[0].decode()
                answer = self.answers[name]
                if answer is None:
                    return
                if not answer:
                    self.asked.set()
                    continue
                peer.sendall(answer.replace("ID", words[1].decode()).encode())
                if not answer.endswith("\n"):
                    return

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.close()


LOST = "454 4.7.0 Temporary authentication failure: Connection lost to authentication server"
ANSWERS = {
    # name: (what the server says, the reply to the client, who is logged in)
    "right": ("OK\tID\tuser=other\tx=y\n", DONE, "other"),
    "reason": ("FAIL\tID\tuser=x\treason=go away\n", FAILED + "go away", None),
    "disabled": ("FAIL\tID\tuser=x\tuser_disabled\n", FAILED + "(reason unavailable)", None),
    "expired": ("FAIL\tID\tuser=x\tpass_expired\n", FAILED + "(reason unavailable)", None),
    "noid": ("FAIL\n", LOST, None),
    "long": ("OK\tID\tuser=" + "u" * 500 + "\n", DONE, "u" * 500),
    "others": ("FAIL\t99999\tuser=y\nOK\tID\tuser=mine\n", DONE, "mine"),
    # The reference finds out with the next login that a connection is dead: these are the last.
    "close": (None, LOST, None),
    "half": ("OK\tID", None, None),
}


@pytest.fixture(scope="module")
def strange():
    answers = {name: row[0] for name, row in ANSWERS.items()}
    answers.update(silent="", AUTH="CONT\tID\tcXVlc3Rpb24=\n", CONT="OK\tID\tuser=asked\n", temp="FAIL\tID\tuser=x\ttemp\n", code="FAIL\tID\tcode=temp_fail\n",
                   nouser="OK\tID\n", newline="OK\tID\tuser=a\1nb\n", huge="OK\tID\tuser=" + "u" * 1000000 + "\n")
    with FakeServer(answers) as server, make(main_cf={**ON, "smtpd_sasl_path": server.path}, services={"plain": {}}) as suite:
        yield suite, server


def test_who_waits_holds_up_nobody_else(strange):
    suite, server = strange
    waits = Dialogue(suite)
    waits.socket.sendall(b"AUTH PLAIN %s\r\n" % b64("", "silent", "pw").encode())
    assert server.asked.wait(20)
    d = Dialogue(suite)
    assert d.say("AUTH PLAIN " + b64("", "right", "pw")) == DONE
    d.log()
    waits.file.close()
    waits.socket.close()


@pytest.mark.parametrize("name", ANSWERS)
def test_what_the_server_may_answer(strange, name):
    suite, _ = strange
    _, reply, login = ANSWERS[name]
    d = Dialogue(suite)
    said = d.say("AUTH PLAIN " + b64("", name, "pw"))
    assert said == reply or (reply is None and said[:4] in ("454 ", "535 "))
    d.all("MAIL FROM:<>", "RCPT TO:<alice@example.test>")
    assert [line.partition("client=CLIENT")[2] for line in d.log() if "client=" in line] == [
        ", sasl_method=PLAIN, sasl_username=" + login if login else ""]


def test_what_is_hidden_or_anonymous_is_not_there(strange):
    suite, server = strange
    lines, d = announced(suite, "plain")
    assert lines == ["AUTH PLAIN ASKS"]
    for name in ("HIDDEN", "ANONYMOUS"):
        assert d.say("AUTH " + name) == FAILED + "Invalid authentication mechanism: '%s'" % name
    assert d.all("AUTH ASKS", b64("answer")) == ["334 cXVlc3Rpb24=", DONE]
    request, response = server.heard[-2:]
    assert re.fullmatch(rb"AUTH\t\d+\tASKS\tservice=smtp\tnologin\tlip=127.0.0.1\trip=127.0.0.1\n", request)
    assert re.fullmatch(rb"CONT\t\d+\t%s\n" % b64("answer").encode(), response)
    d.log()


@pytest.mark.extension("the reference says 535, as if the password were wrong, or takes the name as it is")
@pytest.mark.parametrize("name, reply", [
    ("temp", "454 4.7.0 Temporary authentication failure: (reason unavailable)"),
    ("code", "454 4.7.0 Temporary authentication failure: (reason unavailable)"),
    ("nouser", "454 4.7.0 Temporary authentication failure: Authentication backend error"),
    ("newline", "454 4.7.0 Temporary authentication failure: Authentication backend error"),
    ("huge", LOST)])
def test_what_is_no_answer_is_no_wrong_password(strange, name, reply):
    suite, _ = strange
    d = Dialogue(suite)
    assert d.say("AUTH PLAIN " + b64("", name, "pw")) == reply
    d.log()


@pytest.mark.extension("the reference's server does not start")
def test_a_server_that_is_not_there(strange):
    with make(main_cf={**ON, "smtpd_sasl_path": "private/not-there"}) as suite:
        d = Dialogue(suite, "smtp")
        assert "AUTH" not in d.extensions
        assert d.all("AUTH PLAIN " + ALICE, "MAIL FROM:<>", "RCPT TO:<alice@example.test>") == [
            "454 4.7.0 Temporary authentication failure: connect to authentication server private/not-there: No such file or directory",
            "250 2.1.0 Ok", "250 2.1.5 Ok"]
        assert d.log()[0] == "warning: SASL: connect to authentication server private/not-there: No such file or directory: " \
            "neither authd(8) has a line for it in master.cf, nor does Dovecot listen there"


def test_which_kinds_of_servers_there_are(strange):
    assert strange[0].sh("postconf -a") == "cyrus\ndovecot\n"


@pytest.mark.extension("other words")
def test_what_is_not_there_is_said_at_start():
    with make(main_cf={**ON, "smtpd_sasl_type": "other"}) as suite:
        with pytest.raises(Exception):
            Dialogue(suite, "smtp")
        suite.wait_log(r"fatal: smtpd_sasl_type = other is not there; there are dovecot, for authd\(8\) and Dovecot's authentication service, and cyrus, for saslauthd")
