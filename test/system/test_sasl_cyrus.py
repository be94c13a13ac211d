"""smtpd_sasl_type = cyrus with pwcheck_method: saslauthd: the test plays saslauthd; a real one where the reference's base has it."""
import contextlib
import json
import os
import socket
import struct
import subprocess
import threading

import pytest

from suite import make
from suite.dovecot import IS_THERE
from suite.reference import PROGRAM
from suite.sasl import DONE, FAILED, Dialogue, announced, b64, failure

pytestmark = pytest.mark.root

ON = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd", "cyrus_sasl_config_path": "/etc/postfix/sasl"}
CONF = "# Cyrus SASL\npwcheck_method: saslauthd\nmech_list: PLAIN LOGIN\nlog_level: 3\n"
DIRECTORIES = ("/run/saslauthd", "/var/spool/postfix/var/run/saslauthd")    # with and without a chroot
WRONG = FAILED + "authentication failure"


class Saslauthd:
    """Gives a password the answer that is in `answers`: bytes, or None to close without one; "pw" is right."""
    ANSWERS = {"pw": b"OK", "more": b"OK and more", "no": b"NO", "reason": b"NO go away", "maybe": b"MAYBE"}

    def __init__(self, suite, passes_on=None):
        self.passes_on = passes_on
        self.heard, self.answers, self.listeners = [], dict(self.ANSWERS), []
        for directory in DIRECTORIES:
            path = suite.path(directory)
            os.makedirs(path, exist_ok=True)
            os.chmod(path, 0o755)
            folder = os.open(path, os.O_PATH)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind("/proc/self/fd/%d/mux" % folder)
            os.chmod(path + "/mux", 0o777)
            os.close(folder)
            listener.listen(10)
            self.listeners.append(listener)
            threading.Thread(target=self.serve, args=(listener,), daemon=True).start()

    def serve(self, listener):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer, peer.makefile("rb") as f, contextlib.suppress(struct.error, OSError):
                    fields = [f.read(struct.unpack("!H", f.read(2))[0]).decode("latin-1") for _ in range(4)]
                    self.heard.append(tuple(fields))
                    if self.passes_on:
                        peer.sendall(self.passes_on(b"".join(struct.pack("!H", len(v)) + v.encode("latin-1") for v in fields)))
                        continue
                    answer = self.answers.get(fields[1], b"NO")
                    if answer is not None:
                        peer.sendall(struct.pack("!H", len(answer)) + answer)

    def close(self):
        for listener in self.listeners:
            listener.close()


@pytest.fixture(scope="module")
def both():
    with make(main_cf=ON, services={"plain": {}, "domain": {"smtpd_sasl_local_domain": "example.test"}, "service": {"smtpd_sasl_service": "submission"}},
              files={"/etc/postfix/sasl/smtpd.conf": CONF}) as suite:
        server = Saslauthd(suite)
        yield suite, server
        server.close()


def says(both, *lines, service="plain"):
    """The last reply, what saslauthd heard, and who has logged in."""
    suite, server = both
    server.heard.clear()
    d = Dialogue(suite, service)
    reply = d.all(*lines)[-1]
    heard = list(server.heard)
    d.all("MAIL FROM:<>", "RCPT TO:<alice@example.test>")
    return reply, heard, [line.partition("client=CLIENT")[2] for line in d.log() if "client=" in line]


def test_what_is_announced(both):
    assert sorted(announced(both[0], "plain")[0][0].split(" ")[1:]) == ["LOGIN", "PLAIN"]


def test_plain(both):
    login = [", sasl_method=PLAIN, sasl_username=alice"]
    assert says(both, "AUTH PLAIN " + b64("", "alice", "pw")) == (DONE, [("alice", "pw", "smtp", "")], login)
    assert says(both, "AUTH PLAIN", b64("", "alice", "pw"))[0] == DONE
    assert says(both, "AUTH PLAIN " + b64("alice", "alice", "pw")) == (DONE, [("alice", "pw", "smtp", "")], login)
    assert says(both, "AUTH plain " + b64("", "alice", "more"))[0] == DONE
    for password in ("wrong", "no", "reason", "maybe"):
        assert says(both, "AUTH PLAIN " + b64("", "alice", password)) == (WRONG, [("alice", password, "smtp", "")], [""])


def test_login(both):
    assert says(both, "AUTH LOGIN", b64("alice"), b64("pw")) == (DONE, [("alice", "pw", "smtp", "")], [", sasl_method=LOGIN, sasl_username=alice"])
    assert says(both, "AUTH LOGIN " + b64("alice"), b64("pw"))[0] == DONE
    assert says(both, "AUTH LOGIN", b64("alice"), b64("wrong"))[0] == WRONG
    d = Dialogue(both[0])
    assert d.all("AUTH LOGIN", b64("alice"), "*") == ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "501 5.7.0 Authentication aborted"]


def test_a_realm_is_told_apart(both):
    reply, heard, login = says(both, "AUTH PLAIN " + b64("", "alice@example.net", "pw"))
    assert (reply, heard) == (DONE, [("alice", "pw", "smtp", "example.net")])
    assert login == [", sasl_method=PLAIN, sasl_username=alice@example.net"]
    reply, heard, login = says(both, "AUTH PLAIN " + b64("", "alice", "pw"), service="domain")
    assert (reply, heard) == (DONE, [("alice", "pw", "smtp", "example.test")])
    assert says(both, "AUTH PLAIN " + b64("", "alice", "pw"), service="service")[1] == [("alice", "pw", "submission", "")]


def test_nobody_acts_for_another(both):
    assert says(both, "AUTH PLAIN " + b64("bob", "alice", "pw")) == (WRONG, [("alice", "pw", "smtp", "")], [""])


def test_what_the_log_says(both):
    d = Dialogue(both[0])
    d.all("AUTH PLAIN " + b64("", "alice", "no"), "AUTH PLAIN " + b64("bob", "alice", "pw"), "AUTH LOGIN", b64("alice"), b64("no"), "AUTH PLAIN", b64("alice"))
    lines = [line for line in d.log() if "warning" in line and "Can only find" not in line]
    assert lines == ["warning: SASL authentication failure: Password verification failed", failure("PLAIN", "authentication failure", "alice"),
                     "warning: SASL authentication failure: Requested identity not authenticated identity", failure("PLAIN", "authentication failure", "bob"),
                     failure("LOGIN", "authentication failure", "alice"), failure("PLAIN", "bad protocol / cancel")]


@pytest.mark.parametrize("message", [b64("alice"), b64("", "alice"), b64("", "alice", ""), b64("", "alice", "pw", "more"), ""])
def test_what_is_no_login(both, message):
    reply, heard, login = says(both, "AUTH PLAIN", message)
    assert reply.startswith(FAILED) and login == [""]
    assert not [h for h in heard if h[1] in Saslauthd.ANSWERS]


def test_other_mechanisms_are_not_there(both):
    for mechanism in ("CRAM-MD5", "DIGEST-MD5", "NTLM", "ANONYMOUS"):
        assert Dialogue(both[0]).say("AUTH " + mechanism).startswith("535 5.7.8 Error: authentication failed: ")


def test_no_password_is_in_the_log(both):
    suite, _ = both
    before = suite.log_size()
    says(both, "AUTH PLAIN " + b64("", "alice", "xyzzy-secret"))
    says(both, "AUTH LOGIN", b64("alice"), b64("xyzzy-secret"))
    assert "xyzzy-secret" not in suite.log(before) and b64("xyzzy-secret") not in suite.log(before)


CANNOT_TELL = "454 4.7.0 Temporary authentication failure: generic failure"


def test_a_saslauthd_that_cannot_tell(both):
    _, server = both
    server.answers["closes"] = None
    server.answers["short"] = b""
    for password in ("closes", "short"):
        assert says(both, "AUTH PLAIN " + b64("", "alice", password))[0] == CANNOT_TELL


@pytest.mark.extension("other words")
def test_a_saslauthd_that_is_not_there():
    with make(main_cf=ON, files={"/etc/postfix/sasl/smtpd.conf": "pwcheck_method: saslauthd\nsaslauthd_path: /not/there\n"}) as s:
        d = Dialogue(s, "smtp")
        assert d.say("AUTH PLAIN " + b64("", "alice", "pw")) == CANNOT_TELL
        assert any("cannot connect to saslauthd server /not/there: No such file or directory" in line for line in d.log())


REFUSED = {
    "auxprop": ("pwcheck_method: auxprop\n", "pwcheck_method: auxprop is not there"),
    "nothing": ("", "pwcheck_method: auxprop is not there"),
    "several": ("pwcheck_method: saslauthd auxprop\n", "pwcheck_method: saslauthd auxprop is not there"),
    "plugin": ("pwcheck_method: saslauthd\nauxprop_plugin: sasldb\n", 'the setting "auxprop_plugin" is not there'),
    "ldapdb": ("pwcheck_method: saslauthd\nldapdb_uri: ldap://127.0.0.1\n", 'the setting "ldapdb_uri" is not there'),
    "mechanisms": ("pwcheck_method: saslauthd\nmech_list: CRAM-MD5\n", "mech_list: CRAM-MD5 has nothing that saslauthd can serve"),
    "no setting": ("pwcheck_method saslauthd\n", "is no setting"),
    "missing": (None, "there is no such file"),
}


@pytest.mark.extension("the reference has all of Cyrus SASL")
def test_what_is_not_there_is_said_at_start():
    files = {"/etc/postfix/sasl/%s.conf" % name.replace(" ", "-"): text for name, (text, _) in REFUSED.items() if text is not None}
    files["/etc/postfix/sasl/some.conf"] = "pwcheck_method: saslauthd\nmech_list: PLAIN DIGEST-MD5\n"
    services = {name.replace(" ", "-"): {"smtpd_sasl_path": name.replace(" ", "-")} for name in [*REFUSED, "some"]}
    with make(main_cf=ON, services=services, files=files) as suite:
        assert "AUTH PLAIN\n" in Dialogue(suite, "some").extensions + "\n"
        suite.wait_log("some.conf: mech_list: saslauthd cannot serve DIGEST-MD5")
        for name, (_, message) in REFUSED.items():
            with socket.create_connection(suite.address(name.replace(" ", "-"))):
                suite.wait_log("fatal: smtpd_sasl_type = cyrus: .*" + message)


class RealSaslauthd:
    """Debian's saslauthd -a shadow, in a root of its own; what comes to the sockets of `suite` is passed on to it."""

    def __init__(self, suite):
        self.name = "saslauthd-%d" % os.getpid()
        argv = [PROGRAM, "up", self.name, "--suite", "trixie", "--json", "--no-postfix", "--no-dovecot", "--user", "alice"]
        self.info = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
        secret = subprocess.run(["openssl", "passwd", "-6", "alice-pw"], capture_output=True, text=True, check=True).stdout.strip()
        commands = "usermod -p '%s' alice && mkdir -p /run/saslauthd && saslauthd -a shadow -m /run/saslauthd -n 2" % secret
        subprocess.run([PROGRAM, "exec", self.name, "sh", "-c", commands], check=True)
        self.path = "/proc/%d/root/run/saslauthd/mux" % self.info["pid"]
        self.fake = Saslauthd(suite, self.forward)

    def forward(self, request):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(self.path)
            one.sendall(request)
            one.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: one.recv(1000), b""))

    def close(self):
        self.fake.close()
        subprocess.run([PROGRAM, "down", self.name], check=True)


@pytest.mark.expensive
@pytest.mark.skipif(not IS_THERE, reason="needs the reference's base")
def test_a_real_saslauthd():
    with make(main_cf=ON, services={"plain": {}}, files={"/etc/postfix/sasl/smtpd.conf": CONF}) as suite:
        server = RealSaslauthd(suite)
        try:
            for lines in (["AUTH PLAIN " + b64("", "alice", "alice-pw")], ["AUTH LOGIN", b64("alice"), b64("alice-pw")]):
                assert Dialogue(suite).all(*lines)[-1] == DONE
            for user, password in (("alice", "wrong"), ("nobody-here", "alice-pw"), ("root", "*")):
                assert Dialogue(suite).say("AUTH PLAIN " + b64("", user, password)) == WRONG
        finally:
            server.close()
