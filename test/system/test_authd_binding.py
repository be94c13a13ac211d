"""SCRAM-SHA-1-PLUS and SCRAM-SHA-256-PLUS: a login that is bound to its TLS connection (RFC 5802, 5929, 9266)."""
import base64
import hashlib
import hmac
import os
import re
import ssl
import subprocess

import pytest

from suite import make
from suite.sasl import DONE, FAILED, Dialogue
from suite.tls import DIRECTORY, SETTINGS, TlsClient, certificates, context

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix leaves this to Dovecot or Cyrus SASL, and tells neither what a login could be bound to")]

ALL = "scram-sha-256 scram-sha-1 scram-sha-256-plus scram-sha-1-plus"
BOUND = " SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS"


@pytest.fixture(scope="module")
def suite():
    quick = "-o auth_failure_delay=0 -o auth_failure_delay_max=0 "
    kinds = {"file": ("passwd-file:/etc/postfix/users", ALL), "shadow": ("shadow", "plain " + ALL)}
    master = ["auth-%s unix - n n - 0 authd %s -o {auth_passdb = %s} -o {auth_mechanisms = %s}" % (name, quick, *kind) for name, kind in kinds.items()]
    log_in = {"smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "inline:{mail.example.test=alice:alice-pw}", "smtp_sasl_security_options": "noanonymous",
              "smtp_tls_security_level": "encrypt", "smtp_host_lookup": "native"}
    master += ["out unix - - n - - smtp %s" % " ".join("-o {%s = %s}" % kv for kv in log_in.items()),
               "out12 unix - - n - - smtp %s -o {smtp_tls_mandatory_protocols = TLSv1.2}" % " ".join("-o {%s = %s}" % kv for kv in log_in.items())]
    services = {"file": {**SETTINGS, "smtpd_sasl_path": "private/auth-file"}, "shadow": {**SETTINGS, "smtpd_sasl_path": "private/auth-shadow"},
                "filtered": {**SETTINGS, "smtpd_sasl_path": "private/auth-file", "smtpd_sasl_mechanism_filter": "scram-sha-256"}}
    with make(main_cf={"smtpd_sasl_auth_enable": "yes", "transport_maps": "texthash:/etc/postfix/transport"}, services=services, master=master,
              files={**certificates().files(), "/etc/postfix/users": "alice:{PLAIN}alice-pw\n", "/etc/postfix/transport": ""}) as s:
        yield s


class Openssl:
    """A TLS client that tells what it could be bound to: openssl s_client, which is not ours and exports the keys of TLS 1.3."""

    def __init__(self, address):
        self.process = subprocess.Popen(["openssl", "s_client", "-connect", "%s:%d" % address, "-starttls", "smtp", "-nocommands", "-ign_eof", "-tls1_3",
                                         "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.exported = bytes.fromhex(self.wait(rb"Keying material: ([0-9A-F]{64})\n").group(1).decode())
        # What it had for an answer to its own EHLO may stand before ours, in the same line.
        self.extensions = self.say("EHLO c.example.net")

    def wait(self, pattern):
        seen = b""
        while True:
            line = self.process.stdout.readline()
            assert line, seen
            seen += line
            if found := re.search(pattern, seen):
                return found

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\r\n")
        self.process.stdin.flush()
        return re.sub(r"\r", "", self.wait(rb"((?:\d{3}-[^\n]*\n)+\d{3} [^\n]*)\n" if line.startswith("EHLO") else rb"(?m)^([2-5]\d\d [^\n]*)\n").group(1).decode()).rstrip("\n")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def scram(say, mechanism, flag, binding=b"", user="alice", password="alice-pw"):
    """The last reply. `flag` begins the client's first message ("p=tls-unique", "n", "y"), `binding` is what it is bound to."""
    method = "sha256" if "256" in mechanism else "sha1"
    gs2, bare = flag + ",,", "n=%s,r=%s" % (user, b64(os.urandom(12)).replace(",", ""))
    reply = say("AUTH %s %s" % (mechanism, b64(gs2 + bare)))
    if not reply.startswith("334 "):
        return reply
    first = base64.b64decode(reply[4:]).decode()
    fields = dict(f.split("=", 1) for f in first.split(","))
    salted = hashlib.pbkdf2_hmac(method, password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    key = hmac.digest(salted, b"Client Key", method)
    without = "c=%s,r=%s" % (b64(gs2.encode() + binding), fields["r"])
    whole = ",".join([bare, first, without]).encode()
    proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.new(method, key).digest(), whole, method)))
    reply = say(b64(without + ",p=" + b64(proof)))
    if not reply.startswith("334 "):
        return reply
    assert base64.b64decode(reply[4:]).decode() == "v=" + b64(hmac.digest(hmac.digest(salted, b"Server Key", method), whole, method))
    return say("")


class Old(TlsClient):
    """TLS 1.2, whose tls-unique Python tells."""

    def __init__(self, suite, service, **options):
        super().__init__(suite.address(service), tls=context(highest=ssl.TLSVersion.TLSv1_2), **options)
        self.unique = self.socket.get_channel_binding("tls-unique")

    def say(self, line):
        return self.command(line, want="2345")


def announced(extensions):
    return next((line[9:] for line in extensions.replace("\r", "").split("\n") if line[4:9] == "AUTH "), None)


def test_what_is_announced(suite):
    with Openssl(suite.address("file")) as new:
        assert announced(new.extensions) == "SCRAM-SHA-256 SCRAM-SHA-1" + BOUND
    assert announced(Old(suite, "file").extensions) == "SCRAM-SHA-256 SCRAM-SHA-1" + BOUND
    plain = Dialogue(suite, "file")
    assert announced(plain.extensions) == "SCRAM-SHA-256 SCRAM-SHA-1"
    assert plain.say("AUTH SCRAM-SHA-256-PLUS") == FAILED + "Invalid authentication mechanism: 'SCRAM-SHA-256-PLUS'"
    assert announced(Old(suite, "shadow").extensions) == "PLAIN"
    assert announced(Old(suite, "filtered").extensions) == "SCRAM-SHA-256"


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"])
def test_who_is_bound_to_this_connection(suite, mechanism):
    with Openssl(suite.address("file")) as new:
        assert scram(new.say, mechanism, "p=tls-exporter", new.exported, password="wrong").startswith(FAILED)
        assert scram(new.say, mechanism, "p=tls-exporter", new.exported, user="nobody").startswith(FAILED)
        assert scram(new.say, mechanism, "p=tls-exporter", new.exported) == DONE
    old = Old(suite, "file")
    assert scram(old.say, mechanism, "p=tls-unique", old.unique) == DONE
    suite.wait_log("SASL %s authentication failed" % mechanism)


def test_who_is_bound_to_another_is_refused(suite):
    """Somebody in between, who passes on what the client says: with the client he has another connection."""
    with Openssl(suite.address("file")) as client, Openssl(suite.address("file")) as between:
        assert client.exported != between.exported
        assert scram(between.say, "SCRAM-SHA-256-PLUS", "p=tls-exporter", client.exported).startswith(FAILED)
    old = Old(suite, "file")
    for flag, binding in (("p=tls-unique", Old(suite, "file").unique), ("p=tls-unique", b""), ("p=tls-unique", b"\0" * 12), ("p=tls-exporter", old.unique),
                          ("p=tls-server-end-point", old.unique), ("n", b""), ("y", b""), ("p=", b"")):
        assert scram(old.say, "SCRAM-SHA-256-PLUS", flag, binding).startswith(FAILED), flag


def test_who_was_led_past_it(suite):
    since = suite.log_size()
    old = Old(suite, "file")
    assert scram(old.say, "SCRAM-SHA-256", "y").startswith(FAILED)
    suite.wait_log("login failed: .*the client was not told of -PLUS", since=since)
    assert scram(old.say, "SCRAM-SHA-256", "n") == DONE
    # Where it is not announced nobody is misled.
    assert scram(Old(suite, "filtered").say, "SCRAM-SHA-256", "y") == DONE
    assert scram(Dialogue(suite, "file").say, "SCRAM-SHA-256", "y") == DONE


@pytest.mark.parametrize("transport", ["out", "out12"])
def test_our_client_is_bound(suite, transport):
    """smtp(8) to smtpd(8): each exports for itself."""
    since = suite.log_size()
    host, port = suite.address("file")
    suite.write("/etc/postfix/hosts", "")
    suite.write("/etc/hosts", "%s mail.example.test\n127.0.0.1 localhost\n" % host, mode=0o644)
    suite.write("/etc/postfix/transport", "bound.example.net %s:[mail.example.test]:%d\n" % (transport, port), mode=0o644)
    suite.run("sendmail", "-f", "a@example.test", "b@bound.example.net", input=b"Subject: x\n\nx\n")
    suite.wait_log(r"client=\S+, sasl_method=SCRAM-SHA-256-PLUS, sasl_username=alice", since=since)
