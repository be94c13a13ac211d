"""STARTTLS with postscreen, by way of tlsproxy: what clients hear and what the log says. The cases of a family are one golden file."""
import re
import socket
import ssl
from pathlib import Path

import pytest

from suite import make, tls
from suite.golden import golden
from suite.make import selected
from suite.screen_cases import Case, Cases
from suite.tls import SETTINGS, certificates, context

pytestmark = pytest.mark.root

D = tls.DIRECTORY
LEVEL = "postscreen_tls_security_level"
PIPE = {"postscreen_pipelining_enable": "yes"}
AFTER = {**PIPE, "postscreen_non_smtp_command_enable": "yes", "postscreen_bare_newline_enable": "yes"}
DEMANDED = {**PIPE, LEVEL: "encrypt"}
V = ssl.TLSVersion

RCPT = ("MAIL FROM:<joe@example.net>", "<", "RCPT TO:<alice@example.test>", "<")
BYE = ("QUIT", "<*")
HELLO = ("<", "EHLO client.example", "<")
STARTTLS = (*HELLO, "STARTTLS", "<")
TLS = (*STARTTLS, "TLS")
PLAIN = (*STARTTLS, "EHLO again.example", "<", *BYE)


def encrypted(name, steps, settings=None, **options):
    """Both processes tell of its end."""
    return Case(name, steps, {**PIPE, **(settings or {})}, ends=2, **options)


OFFER = [
    Case("may", (*HELLO, *BYE), PIPE),
    Case("none", PLAIN, {**PIPE, LEVEL: "none"}),
    Case("encrypt", (*HELLO, *BYE), DEMANDED),
    Case("use", (*HELLO, *RCPT, *BYE), {**PIPE, LEVEL: "", "postscreen_use_tls": "yes"}),
    Case("enforce", (*HELLO, *RCPT, *BYE), {**PIPE, LEVEL: "", "postscreen_enforce_tls": "yes"}),
    Case("neither", (*HELLO, *BYE), {**PIPE, LEVEL: ""}),
    Case("a client's level", (*HELLO, *RCPT, *BYE), {**PIPE, LEVEL: "verify"}),
    Case("a keyword taken off the list", PLAIN, {**PIPE, "postscreen_discard_ehlo_keywords": "starttls, silent-discard"}),
    Case("syntax", ("<", "STARTTLS now", "<", *BYE), PIPE),
    Case("no tests after the greeting", ("<", "EHLO a", "<", *BYE)),
    Case("no such service", PLAIN, {**PIPE, "tlsproxy_service_name": "nothere"}),
    encrypted("a service without a certificate", PLAIN, {"tlsproxy_service_name": "broken"}),
    encrypted("a service without TLS", PLAIN, {"tlsproxy_service_name": "without"}),
]
DEMAND = [
    Case("all commands", ("<", "EHLO a", "<", "NOOP", "<", "RSET", "<", "VRFY alice", "<", "VRFY", "<", "ETRN a", "<", "ETRN", "<", "HELO a", "<", "MAIL FROM:<a@b>", "<", "MAIL", "<", "RCPT TO:<c@d>", "<",
                          "FOO", "<", "HELP", "<", "STARTTLS x", "<", "DATA", "<", *BYE), DEMANDED),
    Case("BDAT", ("<", "BDAT 1", "<", *BYE), DEMANDED),
    Case("HELO wanted", ("<", *RCPT, *BYE), {**DEMANDED, "postscreen_helo_required": "yes"}),
    Case("VRFY off", ("<", "VRFY x", "<", *BYE), {**DEMANDED, "postscreen_disable_vrfy_command": "yes"}),
    Case("soft_bounce", ("<", "MAIL FROM:<a@b>", "<", *BYE), {**DEMANDED, "soft_bounce": "yes"}),
    Case("refused anyway", (*HELLO, *RCPT, *BYE), {**DEMANDED, "postscreen_access_list": "reject", "postscreen_denylist_action": "enforce"}),
    encrypted("in TLS", (*TLS, "EHLO b", "<", *RCPT, *BYE), DEMANDED),
]
SESSION = [
    encrypted("as it should be", (*TLS, "EHLO b", "<", *RCPT, *BYE)),
    encrypted("all commands in TLS", (*TLS, "EHLO b", "<", "NOOP", "<", "VRFY alice", "<", "ETRN a", "<", "AUTH PLAIN", "<", "STARTTLS", "<", "STARTTLS x", "<", "HELP", "<", "MAIL FROM:<a@b>", "<", "DATA", "<*")),
    encrypted("without EHLO", ("<", "STARTTLS", "<", "TLS", *RCPT, *BYE)),
    encrypted("HELO", ("<", "HELO a", "<", "STARTTLS", "<", "TLS", *RCPT, *BYE)),
    encrypted("HELO is forgotten", (*TLS, *RCPT, *BYE), {"postscreen_helo_required": "yes"}),
    encrypted("the transaction is forgotten", (*HELLO, "MAIL FROM:<a@b>", "<", "STARTTLS", "<", "TLS", "RCPT TO:<c@d>", "<", *RCPT, *BYE)),
    encrypted("RCPT before", (*HELLO, *RCPT, "STARTTLS", "<", "TLS", "RCPT TO:<c@d>", "<", *BYE)),
    encrypted("RCPT makes the test", (*TLS, "RCPT TO:<a@b>", "<", *BYE)),
    encrypted("pipelining in TLS", (*TLS, b"EHLO b\r\nMAIL FROM:<a@b>\r\n", "<", "<", "RCPT TO:<c@d>", "<", *BYE)),
    encrypted("pipelining in TLS, dropped", (*TLS, b"EHLO b\r\nMAIL FROM:<a@b>\r\n", "<*"), {"postscreen_pipelining_action": "drop"}),
    encrypted("bare newline in TLS", (*TLS, b"EHLO b\n", "<", *RCPT, *BYE), {**AFTER, "postscreen_bare_newline_action": "enforce"}),
    encrypted("no command in TLS", (*TLS, "EHLO b", "<", "Subject: x", "<*"), AFTER),
    encrypted("many commands", (*TLS, *(("NOOP", "<") * 3), "NOOP", "<*"), {"postscreen_command_count_limit": "5"}),
    encrypted("a long line", (*TLS, "NOOP " + "x" * 2041, "<", "NOOP " + "x" * 2043, "<*")),
    encrypted("slow in TLS", (*TLS, "EHLO b", "<", "<*"), {"postscreen_command_time_limit": "5s"}),
    encrypted("away in TLS", (*TLS, "EHLO b", "<", "x")),
    encrypted("away in TLS, after RCPT", (*TLS, "EHLO b", "<", *RCPT, "x")),
    encrypted("refused before the greeting", (b"EHLO early.example\r\n", "<", "STARTTLS", "<", "TLS", "EHLO b", "<", *RCPT, *BYE), {"postscreen_greet_action": "enforce"}),
    encrypted("behind a proxy's header", (b"PROXY TCP4 {client} 192.0.2.1 4711 25\r\n", *TLS, "EHLO b", "<", *RCPT, *BYE), {"postscreen_upstream_proxy_protocol": "haproxy"}, source="127.67.9.9"),
    encrypted("a footer", (*TLS, "EHLO b", "<", *RCPT, *BYE), {"postscreen_reject_footer": "see $client_address"}),
]
# By the settings of tlsproxy: services of that name.
PROXIES = {
    "broken": {"tlsproxy_tls_cert_file": "/nothing"},
    "without": {"tlsproxy_tls_security_level": "none"},
    "uses": {"tlsproxy_tls_security_level": "", "tlsproxy_use_tls": "yes", "tlsproxy_tls_loglevel": "0"},
    "enforces": {"tlsproxy_tls_security_level": "", "tlsproxy_enforce_tls": "yes", "tlsproxy_tls_mandatory_protocols": "<=TLSv1.2", "tlsproxy_tls_mandatory_ciphers": "high",
                 "tlsproxy_tls_mandatory_exclude_ciphers": "ECDHE", "tls_high_cipherlist": "AES128-SHA"},
    "pair": {"tlsproxy_tls_cert_file": D + "/server.pem", "tlsproxy_tls_key_file": D + "/server.key"},
    "ec": {"tlsproxy_tls_cert_file": "", "tlsproxy_tls_eccert_file": D + "/ec.pem", "tlsproxy_tls_eckey_file": D + "/ec.key"},
    "chain": {"tlsproxy_tls_chain_files": D + "/ec-chain.pem"},
    "dsa": {"tlsproxy_tls_dcert_file": "/nothing", "tlsproxy_tls_dkey_file": "/nothing"},
    "asks": {"tlsproxy_tls_ask_ccert": "yes"},
    "keys": {"tlsproxy_tls_ask_ccert": "yes", "tlsproxy_tls_enable_rpk": "yes"},
    "depth": {"tlsproxy_tls_ask_ccert": "yes", "tlsproxy_tls_ccert_verifydepth": "0"},
    "digest": {"tlsproxy_tls_fingerprint_digest": "foo"},
    "path": {"tlsproxy_tls_ask_ccert": "yes", "tlsproxy_tls_CAfile": "", "tlsproxy_tls_CApath": D},
    "requires": {"tlsproxy_tls_req_ccert": "yes", "tlsproxy_tls_security_level": "encrypt"},
    "old": {"tlsproxy_tls_protocols": "<=TLSv1.2", "tlsproxy_tls_exclude_ciphers": "AES256", "tlsproxy_tls_ciphers": "medium"},
    "grade": {"tlsproxy_tls_ciphers": "foo"},
    "dh": {"tlsproxy_tls_dh1024_param_file": "/nothing"},
    "named": {"tls_server_sni_maps": "hash:%s/names" % D},
}


# Postfix's from 3.12 on, in place of tlsproxy's own.
POSTSCREENS = """postscreen_enforce_tls postscreen_tls_CAfile postscreen_tls_CApath postscreen_tls_ask_ccert postscreen_tls_ccert_verifydepth postscreen_tls_cert_file
postscreen_tls_chain_files postscreen_tls_ciphers postscreen_tls_dcert_file postscreen_tls_dh1024_param_file postscreen_tls_dkey_file postscreen_tls_eccert_file
postscreen_tls_eckey_file postscreen_tls_enable_rpk postscreen_tls_exclude_ciphers postscreen_tls_fingerprint_digest postscreen_tls_key_file postscreen_tls_loglevel postscreen_tls_mandatory_ciphers
postscreen_tls_mandatory_exclude_ciphers postscreen_tls_mandatory_protocols postscreen_tls_protocols postscreen_tls_req_ccert postscreen_tls_security_level postscreen_use_tls""".split()
# How much is told of single clients; Postfix 3.12 has that.
TOLD = {"told": {"tlsproxy_tls_loglevel": "0", "postscreen_tls_loglevel_maps": "static:2"},
        "traced": {"postscreen_tls_loglevel_maps": "static:{1,trace}", "postscreen_tls_trace_size_limit": "700"}} if selected() == "ours" else {}
RENAMED = {"by-" + name: {k.replace("tlsproxy_", "postscreen_"): v for k, v in settings.items()} for name, settings in PROXIES.items()}
assert {k for settings in RENAMED.values() for k in settings if k.startswith("postscreen_")} == set(POSTSCREENS)


def server_cases(prefix=""):
    def through(proxy, **options):
        return encrypted("%s %s" % (proxy, " ".join("%s=%s" % kv for kv in options.items())), (*TLS, "EHLO b", "<", *BYE), {"tlsproxy_service_name": prefix + proxy}, tls=options)

    def without_tls(name, proxy, steps):
        return encrypted(name, steps, {"tlsproxy_service_name": prefix + proxy})
    return [
        through("uses"), through("enforces", highest=V.TLSv1_2), through("pair"), through("ec"), through("chain"), through("asks"), through("asks", certificate="client"), through("asks", certificate="self"), through("keys", certificate="client"),
        through("depth", certificate="client"), through("path", certificate="client"), through("requires", certificate="client"), through("old"),
        through("old", highest=V.TLSv1_2, ciphers="ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA"), through("dh"), through("named"), without_tls("dsa: no such file", "dsa", PLAIN),
        without_tls("no such digest", "digest", PLAIN), without_tls("no such grade", "grade", (*STARTTLS, "<*")),
    ]


def master(cases):
    options = {"": {}, **PROXIES, **RENAMED, **TOLD}
    return [*cases.master(), *("%s unix - - y - 0 tlsproxy" % (name or "tlsproxy") + "".join("\n  -o { %s = %s }" % kv for kv in settings.items()) for name, settings in options.items())]


@pytest.fixture(scope="module")
def world():
    c = certificates()
    cases = Cases({"offer": OFFER, "demand": DEMAND, "session": SESSION, "server": server_cases(),
                   **({"renamed": server_cases("by-")} if selected() == "ours" else {}),
                   "shake": [Case(name, (), {**PIPE, **settings}) for name, settings in HANDSHAKES.items()]}, network="127.67")
    shakes = {case.name: case for case in cases.families.pop("shake")}
    files = {**c.files(), D + "/ec-chain.pem": c.text("ec.key", "ec.pem", "ca.pem"), D + "/names": "a.example.org %s/ec.key %s/ec.pem\n" % (D, D),
             "/var/spool/postfix%s/%s.0" % (D, c.subject_hash("ca")): c.text("ca.pem")}
    settings = {**SETTINGS, "smtpd_tls_CAfile": D + "/ca.pem"}
    with make(master=master(cases), main_cf=settings, files=files, prepare=["postmap -F hash:%s/names" % D]) as suite:
        yield suite, cases.play(suite), {name: (case.address, cases.port(case)) for name, case in shakes.items()}


HANDSHAKES = {**{name: {"tlsproxy_service_name": name} for name in TOLD}, "usual": {}, "requires": {"tlsproxy_service_name": "requires"}, "named": {"tlsproxy_service_name": "named"}, "hurried": {"postscreen_starttls_timeout": "1s"}, "patient": {"postscreen_pipelining_enable": "no", "postscreen_non_smtp_command_enable": "yes"}}


@pytest.mark.parametrize("family", ["offer", "demand", "session", "server"])
def test_client(world, family):
    golden("postscreen_tls_" + family, world[1][family])


@pytest.mark.extension("Postfix has these names from 3.12 on")
def test_postscreens_own_names(world):
    golden("postscreen_tls_server", world[1]["renamed"])


class Talk:
    """A client who has come to STARTTLS."""

    def __init__(self, world, name="usual"):
        self.suite = world[0]
        self.address, port = world[2][name]
        self.since = self.suite.log_size()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(self.address, 0))
        self.file = self.socket.makefile("rb")
        while self.line()[3:4] == "-":
            pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()
        self.socket.close()

    def line(self):
        return self.file.readline().decode().rstrip()

    def say(self, data):
        self.socket.sendall(data)
        return self.line()

    def begin(self, **options):
        self.file.close()
        self.socket = context().wrap_socket(self.socket, **options)
        self.file = self.socket.makefile("rb")

    def log(self):
        """Of both processes, once both have told of the end; their lines come in any order."""
        self.suite.wait_log(r"DISCONNECT \[%s\]" % re.escape(self.address), count=2, since=self.since)
        return [re.sub(r"(\[[\d.]+\]):\d+", r"\1", line) for program in ("postscreen", "tlsproxy")
                for line in re.findall(r"/%s\[\d+\]: (.*)" % program, self.suite.log(self.since))]


FAILED = {"plaintext": b"EHLO plain\r\n", "garbage": b"\x16\x03\x01\x00\x05hello", "end": b""}


@pytest.mark.parametrize("name", FAILED)
def test_failed_handshake(world, name):
    with Talk(world) as talk:
        assert talk.say(b"STARTTLS\r\n") == "220 2.0.0 Ready to start TLS"
        if FAILED[name]:
            talk.socket.sendall(FAILED[name])
            try:
                talk.file.read()
            except ConnectionResetError:
                pass
    log = re.sub(r"after [\d.]+", "after {s}", "\n".join(talk.log())).replace(talk.address, "{client}")
    golden("postscreen_tls_failed_" + name, tls.mask(log))


@pytest.mark.extension("Postfix's clients hear nothing, and wait")
@pytest.mark.parametrize("certificate, trust", [(None, "Anonymous"), ("self", "Untrusted")])
def test_certificate_is_required(world, certificate, trust):
    """What is not enough ends the session."""
    with Talk(world, "requires") as talk:
        talk.say(b"STARTTLS\r\n")
        talk.file.close()
        talk.socket = context(certificate=certificate).wrap_socket(talk.socket)
        assert talk.socket.recv(1) == b""
        log = talk.log()
    assert any(line.startswith(trust + " TLS connection established from [%s]" % talk.address) for line in log)
    assert ("certificate verification failed for [%s]: self-signed certificate" % talk.address in log) == (certificate == "self")
    assert any(re.fullmatch(r"HANGUP after \S+ from \[%s\] in tests after SMTP handshake" % talk.address, line) for line in log)


@pytest.mark.extension("postscreen_starttls_timeout is Postfix's from 3.12 on")
def test_handshake_time_limit(world):
    with Talk(world, "hurried") as talk:
        assert talk.say(b"STARTTLS\r\n") == "220 2.0.0 Ready to start TLS"
        assert talk.file.read() == b""
        assert "TLS handshake failed for service=smtpd peer=[%s]" % talk.address in talk.log()


@pytest.mark.parametrize("name", [None, "a.example.org", "b.example.org"])
def test_name_of_the_server(world, name):
    """Each name has its certificate (tls_server_sni_maps)."""
    with Talk(world, "named") as talk:
        talk.say(b"STARTTLS\r\n")
        talk.begin(server_hostname=name)
        assert talk.say(b"QUIT\r\n") == "221 2.0.0 Bye"
        bits = "ECDSA" if name == "a.example.org" else "RSA-PSS"
    assert any("server-signature " + bits in line for line in talk.log())


def test_much_in_tls(world):
    """Of what is sent in one go nothing is lost: postscreen looks at it piece by piece."""
    with Talk(world, "patient") as talk:
        talk.say(b"STARTTLS\r\n")
        talk.begin()
        talk.socket.sendall(b"".join(b"NOOP %s\r\n" % (b"x" * 1500) for _ in range(15)))
        assert [talk.line() for _ in range(15)] == ["250 2.0.0 Ok"] * 15
        assert talk.say(b"QUIT\r\n") == "221 2.0.0 Bye"


@pytest.mark.extension("Postfix throws it away (doc/differences.md)")
@pytest.mark.parametrize("tail", [b"NOOP\r\n", b"NO", b"\x16"])
def test_plaintext_behind_starttls(world, tail):
    """What comes in plaintext behind STARTTLS is never taken for the client's own, and ends the session."""
    with Talk(world, "patient") as talk:
        assert talk.say(b"STARTTLS\r\n" + tail) == "554 5.5.0 Error: SMTP protocol synchronization"
        assert talk.file.read() == b""


def test_plaintext_before_the_handshake(world):
    """Nor what comes after the reply: it is no handshake."""
    with Talk(world) as talk:
        assert talk.say(b"STARTTLS\r\n") == "220 2.0.0 Ready to start TLS"
        talk.socket.sendall(b"NOOP\r\n")
        try:
            talk.begin()
        except OSError:
            pass
    assert "TLS handshake failed for service=smtpd peer=[%s]" % talk.address in talk.log()


def test_session_is_resumed(world):
    """By a ticket, whichever process of tlsproxy is asked."""
    sessions = [None]
    for _ in range(2):
        with Talk(world) as talk:
            talk.say(b"STARTTLS\r\n")
            talk.file.close()
            wanted = context(highest=V.TLSv1_2) if len(sessions) == 1 else wanted
            talk.socket = wanted.wrap_socket(talk.socket, session=sessions[-1])
            talk.file = talk.socket.makefile("rb")
            assert talk.say(b"QUIT\r\n") == "221 2.0.0 Bye"
            sessions.append(talk.socket.session)
            resumed = talk.socket.session_reused
    assert resumed


@pytest.mark.extension("Postfix's old process goes on with its clients beside the new one")
def test_reload():
    """Who talks to postscreen hears in TLS that the process ends."""
    cases = Cases({"x": [Case("x", (), PIPE)]})
    with make(master=master(cases), main_cf=SETTINGS, files=certificates().files()) as suite:
        with Talk((suite, None, {"usual": ("127.67.8.1", cases.port(cases.all()[0]))})) as talk:
            talk.say(b"STARTTLS\r\n")
            talk.begin()
            assert talk.say(b"NOOP\r\n") == "250 2.0.0 Ok"
            suite.reload()
            assert talk.line() == "421 mail.example.test Service unavailable - try again later"
            assert talk.file.read() == b""
            assert talk.log()[-1] == "DISCONNECT [127.67.8.1]"


def test_tlsproxy_dies():
    """The client is cut off, and postscreen goes on."""
    cases = Cases({"x": [Case("x", (), PIPE)]})
    with make(master=master(cases), main_cf=SETTINGS, files=certificates().files()) as suite:
        with Talk((suite, None, {"usual": ("127.67.8.2", cases.port(cases.all()[0]))})) as talk:
            talk.say(b"STARTTLS\r\n")
            talk.begin()
            assert talk.say(b"NOOP\r\n") == "250 2.0.0 Ok"
            suite.sh("kill -9 $(pidof tlsproxy)")
            suite.wait_log(r"postscreen\[\d+\]: HANGUP after \S+ from \[127\.67\.8\.2\]:\d+ in tests after SMTP handshake\n.*DISCONNECT")
        with Talk((suite, None, {"usual": ("127.67.8.3", cases.port(cases.all()[0]))})) as talk:
            talk.say(b"STARTTLS\r\n")
            talk.begin()
            assert talk.say(b"QUIT\r\n") == "221 2.0.0 Bye"


@pytest.mark.extension("Postfix has it from 3.12 on")
@pytest.mark.parametrize("name", ["told", "traced"])
def test_told_of_client(world, name):
    """postscreen_tls_loglevel_maps, postscreen_tls_trace_size_limit."""
    suite = world[0]
    with Talk(world, name) as talk:
        assert talk.say(b"STARTTLS\r\n") == "220 2.0.0 Ready to start TLS"
        talk.begin()
        assert talk.say(b"QUIT\r\n") == "221 2.0.0 Bye"
    log = talk.log()
    assert any("TLS connection established" in line for line in log)
    assert any("SSL_accept:" in line for line in log) == (name == "told")
    found = list((Path(suite.queue) / "tlstrace").glob("postscreen-*-%s-*" % talk.address))
    assert [path.stat().st_size for path in found] == ([700] if name == "traced" else [])
