"""authd: who may log in, by each source of passwords and each mechanism. Only ours has it; the reference's is Dovecot's, whose
protocol it speaks (test_sasl.py holds smtpd's side with that one)."""
import base64
import contextlib
import crypt
import hashlib
import hmac
import re
import socket

import pytest

from suite import make
from suite.smtp import Client

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix leaves this to Dovecot or Cyrus SASL")]

FAILED = "535 5.7.8 Error: authentication failed: "
DONE = "235 2.7.0 Authentication successful"


def b64(*parts):
    return base64.b64encode(b"\0".join(p if isinstance(p, bytes) else p.encode() for p in parts)).decode()


def scram_secret(password, salt=b"saltsalt", rounds=4096):
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return "{SCRAM-SHA-256}%d,%s,%s,%s" % (rounds, b64(salt), b64(stored), b64(hmac.digest(salted, b"Server Key", "sha256")))


SALTED = hashlib.sha512(b"carol-pw" + b"SALT").digest() + b"SALT"
USERS = """# a file as Dovecot's
alice:{PLAIN}alice-pw
bob:%s:1002:1002::/home/bob:/bin/sh:
carol:{SSHA512}%s
dave:{PLAIN}dave-pw::::::nologin
erin:{PLAIN}erin-pw::::::allow_nets=192.0.2.0/24
frank:{PLAIN}frank-pw::::::allow_nets=127.0.0.0/8
grace@example.test:%s
heidi:{NOSUCH}x
empty:
""" % (crypt.crypt("bob-pw", "$6$rounds=1000$saltsalt$"), base64.b64encode(SALTED).decode(), scram_secret("grace-pw"))
SHADOW = "root:*:19000:0:99999:7:::\nalice:%s:19000:0:99999:7:::\nbob:!%s:19000:0:99999:7:::\ncarol:%s:19000:0:99999:7::100:\n" % (
    (crypt.crypt("shadow-pw", "$6$rounds=1000$saltsalt$"),) * 3)
PAM = "auth required pam_unix.so\naccount required pam_unix.so\n"
QUICK = {"auth_failure_delay": "0", "auth_failure_delay_max": "0"}
KINDS = {
    "file": {"auth_passdb": "passwd-file:/etc/postfix/users", "auth_mechanisms": "plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256"},
    "shadow": {"auth_passdb": "shadow", "auth_mechanisms": "plain, login, cram-md5"},
    "pam": {"auth_passdb": "pam", "auth_pam_service": "valija-test"},
    "smtp": {"auth_passdb": "pam"},
    "map": {"auth_passdb": "map:inline:{alice=PLAINalice-pw}", "auth_mechanisms": "plain"},
    "several": {"auth_passdb": "shadow passwd-file:/etc/postfix/users map:texthash:/etc/postfix/passwords"},
    "broken": {"auth_passdb": "passwd-file:/etc/postfix/users map:tcp:127.0.0.1:1 map:fail:x", "auth_mechanisms": "plain"},
    "form": {"auth_passdb": "passwd-file:/etc/postfix/users", "auth_username_format": "%Lu", "auth_default_realm": "example.test"},
    "anonymous": {"auth_passdb": "passwd-file:/etc/postfix/users", "auth_mechanisms": "anonymous external"},
    "open": {"auth_passdb": "passwd-file:/etc/postfix/users", "auth_allow_cleartext": "yes"},
}
KINDS["map"]["auth_passdb"] = "map:texthash:/etc/postfix/passwords"


def started():
    master = ["auth-%s unix - n n - 0 authd %s" % (name, " ".join("-o {%s=%s}" % kv for kv in {**QUICK, **settings}.items()))
              for name, settings in KINDS.items()]
    services = {name: {"smtpd_sasl_path": "private/auth-" + name} for name in KINDS}
    services["anonymous"]["smtpd_sasl_security_options"] = ""
    services["smtp"]["smtpd_sasl_service"] = "valija-test"
    return make(main_cf={"smtpd_sasl_auth_enable": "yes"}, services=services, master=master,
                files={"/etc/postfix/users": USERS, "/etc/shadow": SHADOW, "/etc/pam.d/valija-test": PAM,
                       "/etc/postfix/passwords": "alice {PLAIN}map-pw\nzoe {PLAIN}zoe-pw\n"},
                prepare=["chmod 600 /etc/shadow /etc/postfix/users /etc/postfix/passwords"])


@pytest.fixture(scope="module")
def suite():
    with started() as s:
        yield s


class Dialogue(Client):
    def __init__(self, suite, service):
        self.suite, self.since = suite, suite.log_size()
        self.socket = socket.create_connection(suite.address(service), timeout=30)
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()
        self.extensions = self.say("EHLO client.example.net")

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    @property
    def mechanisms(self):
        return next((line[9:] for line in self.extensions.split("\n") if line[4:9] == "AUTH "), "")

    def plain(self, user, password, acts_for=""):
        return self.say("AUTH PLAIN " + b64(acts_for, user, password))

    def login(self, user, password):
        return [self.say(line) for line in ("AUTH LOGIN", b64(user), b64(password))]

    def cram(self, user, password):
        challenge = self.say("AUTH CRAM-MD5")
        return self.say(b64("%s %s" % (user, hmac.new(password.encode(), base64.b64decode(challenge[4:]), "md5").hexdigest())))

    def scram(self, user, password, method="sha256", acts_for=""):
        """RFC 5802, with a check of the server's proof."""
        def take(reply):
            if not reply.startswith("334 "):
                raise Refused(reply)
            return base64.b64decode(reply[4:]).decode()
        gs2, bare = "n,%s," % ("a=" + acts_for if acts_for else ""), "n=%s,r=clientnonce" % user
        try:
            first = take(self.say("AUTH SCRAM-%s %s" % ({"sha256": "SHA-256", "sha1": "SHA-1"}[method], b64(gs2 + bare))))
            fields = dict(f.split("=", 1) for f in first.split(","))
            salted = hashlib.pbkdf2_hmac(method, password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
            key = hmac.digest(salted, b"Client Key", method)
            without = "c=%s,r=%s" % (b64(gs2), fields["r"])
            whole = ",".join([bare, first, without]).encode()
            proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.new(method, key).digest(), whole, method)))
            final = take(self.say(b64(without + ",p=" + b64(proof))))
            assert final == "v=" + b64(hmac.digest(hmac.digest(salted, b"Server Key", method), whole, method))
            return self.say("")
        except Refused as refused:
            return str(refused)

    def digest(self, user, password):
        """RFC 2831."""
        def h(text):
            return hashlib.md5(text).digest()
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', base64.b64decode(self.say("AUTH DIGEST-MD5")[4:]).decode()))
        uri = "smtp/mail.example.test"
        a1 = h(("%s:%s:%s" % (user, fields["realm"], password)).encode()) + (":%s:cnonce" % fields["nonce"]).encode()
        middle = ":%s:00000001:cnonce:auth:" % fields["nonce"]
        response = h((h(a1).hex() + middle + h(("AUTHENTICATE:" + uri).encode()).hex()).encode()).hex()
        reply = self.say(b64('charset=utf-8,username="%s",realm="%s",nonce="%s",nc=00000001,cnonce="cnonce",digest-uri="%s",response=%s,qop=auth' % (
            user, fields["realm"], fields["nonce"], uri, response)))
        return self.say("") if reply.startswith("334 ") else reply

    def username(self):
        """Who the log says has logged in."""
        self.say("MAIL FROM:<>")
        self.say("RCPT TO:<alice@example.test>")
        self.say("QUIT")
        return self.suite.wait_log(r"client=\S+?(?:, sasl_method=(\S+), sasl_username=(\S+))?$", since=self.since)[-1].groups()


class Refused(Exception):
    pass


def test_a_mechanism_is_offered_where_a_source_can_serve_it(suite):
    assert Dialogue(suite, "file").mechanisms == "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256"
    assert Dialogue(suite, "shadow").mechanisms == "PLAIN LOGIN"
    assert Dialogue(suite, "pam").mechanisms == "PLAIN LOGIN"
    assert Dialogue(suite, "map").mechanisms == "PLAIN"
    suite.wait_log(r"authd\[\d+\]: warning: auth_mechanisms: CRAM-MD5 is not offered: nothing in auth_passdb = shadow has the passwords that it needs")
    d = Dialogue(suite, "shadow")
    assert d.say("AUTH CRAM-MD5") == FAILED + "Invalid authentication mechanism: 'CRAM-MD5'"


def test_each_mechanism(suite):
    for name, how in {"PLAIN": Dialogue.plain, "LOGIN": lambda *a: Dialogue.login(*a)[-1], "CRAM-MD5": Dialogue.cram, "DIGEST-MD5": Dialogue.digest,
                      "SCRAM-SHA-256": Dialogue.scram, "SCRAM-SHA-1": lambda *a: Dialogue.scram(*a, "sha1")}.items():
        d = Dialogue(suite, "file")
        assert how(d, "alice", "wrong").startswith(FAILED), name
        assert how(d, "nobody", "alice-pw").startswith(FAILED), name
        assert how(d, "alice", "alice-pw") == DONE, name
        assert d.username() == (name, "alice")
        log = suite.log(d.since)
        assert len(re.findall(r"smtpd\[\d+\]: warning: localhost\[127.0.0.1\]: SASL %s authentication failed: " % name, log)) == 2
        for user, why in (("alice", ".*"), ("nobody", "unknown user")):
            assert re.search(r"authd\[\d+\]: login failed: service=smtp, client=127.0.0.1, method=%s, user=<%s>: %s" % (name, user, why), log), log


def test_login_asks_as_others_do(suite):
    assert Dialogue(suite, "file").login("alice", "alice-pw") == ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", DONE]
    d = Dialogue(suite, "file")
    assert [d.say("AUTH LOGIN " + b64("alice")), d.say(b64("alice-pw"))] == ["334 UGFzc3dvcmQ6", DONE]
    d = Dialogue(suite, "file")
    assert [d.say("AUTH PLAIN"), d.say(b64("", "alice", "alice-pw"))] == ["334 ", DONE]
    assert Dialogue(suite, "file").say("AUTH PLAIN =").startswith(FAILED)


@pytest.mark.parametrize("user, password, may", [
    ("alice", "alice-pw", True), ("alice", "", False), ("bob", "bob-pw", True), ("bob", "alice-pw", False), ("carol", "carol-pw", True),
    ("dave", "dave-pw", False), ("erin", "erin-pw", False), ("frank", "frank-pw", True), ("grace@example.test", "grace-pw", True),
    ("grace", "grace-pw", False), ("empty", "", False), ("ALICE", "alice-pw", False), ("", "", False), ("# a file as Dovecot's", "", False)])
def test_a_file_of_users(suite, user, password, may):
    reply = Dialogue(suite, "file").plain(user, password)
    assert reply == DONE if may else reply.startswith(FAILED)


def test_a_hash_serves_no_mechanism_that_needs_the_password(suite):
    assert Dialogue(suite, "file").cram("bob", "bob-pw").startswith(FAILED)
    assert Dialogue(suite, "file").scram("bob", "bob-pw").startswith(FAILED)
    assert Dialogue(suite, "file").scram("grace@example.test", "grace-pw") == DONE
    assert Dialogue(suite, "file").scram("grace@example.test", "grace-pw", "sha1").startswith(FAILED)


def test_nobody_acts_for_another(suite):
    assert Dialogue(suite, "file").plain("alice", "alice-pw", acts_for="alice") == DONE
    assert Dialogue(suite, "file").plain("alice", "alice-pw", acts_for="bob").startswith(FAILED)
    assert Dialogue(suite, "file").scram("alice", "alice-pw", acts_for="bob").startswith(FAILED)


def test_a_file_that_changes(suite):
    suite.write("/etc/postfix/users", USERS + "new:{PLAIN}new-pw\n", mode=0o600)
    assert Dialogue(suite, "file").plain("new", "new-pw") == DONE
    suite.write("/etc/postfix/users", USERS, mode=0o600)
    assert Dialogue(suite, "file").plain("new", "new-pw").startswith(FAILED)
    assert Dialogue(suite, "file").plain("alice", "alice-pw") == DONE


def test_a_scheme_that_nobody_knows_is_no_wrong_password(suite):
    d = Dialogue(suite, "file")
    assert d.plain("heidi", "x").startswith("454 4.7.0 Temporary authentication failure: ")
    suite.wait_log(r"authd\[\d+\]: warning: login cannot be checked: .* user=<heidi>: passwd-file:/etc/postfix/users: user heidi: unknown password scheme NOSUCH", since=d.since)


@pytest.mark.parametrize("service", ["shadow", "pam", "smtp"])
def test_the_systems_users(suite, service):
    assert Dialogue(suite, service).plain("alice", "shadow-pw") == DONE
    for user, password in (("alice", "wrong"), ("bob", "shadow-pw"), ("bob", ""), ("carol", "shadow-pw"), ("root", ""), ("root", "*"), ("nobody-here", "x")):
        assert Dialogue(suite, service).plain(user, password).startswith(FAILED), user


def test_a_table(suite):
    assert Dialogue(suite, "map").plain("alice", "map-pw") == DONE
    assert Dialogue(suite, "map").plain("alice", "alice-pw").startswith(FAILED)


def test_several_sources(suite):
    for user, password in (("alice", "shadow-pw"), ("alice", "alice-pw"), ("alice", "map-pw"), ("bob", "bob-pw"), ("zoe", "zoe-pw")):
        assert Dialogue(suite, "several").plain(user, password) == DONE, user
    assert Dialogue(suite, "several").plain("zoe", "alice-pw").startswith(FAILED)


def test_a_source_that_cannot_be_asked(suite):
    assert Dialogue(suite, "broken").plain("alice", "alice-pw") == DONE
    assert Dialogue(suite, "broken").plain("alice", "wrong").startswith("454 4.7.0 Temporary authentication failure: ")
    assert Dialogue(suite, "broken").plain("nobody", "x").startswith("454 ")


def test_the_form_of_names(suite):
    d = Dialogue(suite, "form")
    assert d.plain("Grace", "grace-pw") == DONE
    assert d.username() == ("PLAIN", "grace@example.test")
    for name in ("%u", "%{user}", "%Lu@example.test", "../../x", "a'; DROP x", "*)(uid=*"):
        d = Dialogue(suite, "form")
        assert d.plain(name, "x").startswith(FAILED)
        line = suite.wait_log(r"login failed: .*user=<(.*)>: unknown user", since=d.since)[-1]
        assert line.group(1) == name.lower().replace("%lu", "%lu") + ("" if "@" in name else "@example.test")
    for name in (b"a\nb", b"a\0b", b"\xff", b"u" * 300):
        assert Dialogue(suite, "form").say("AUTH LOGIN").startswith("334")
        assert Dialogue(suite, "form").plain(name, "x").startswith(FAILED)


def test_anonymous_and_external(suite):
    d = Dialogue(suite, "anonymous")
    assert d.mechanisms == "ANONYMOUS"          # EXTERNAL is filtered
    assert d.say("AUTH EXTERNAL " + b64("alice")).startswith(FAILED)
    assert d.say("AUTH ANONYMOUS " + b64("me")) == DONE
    assert d.username() == ("ANONYMOUS", "anonymous")


def test_a_reload_in_the_middle(suite):
    d = Dialogue(suite, "file")
    assert d.say("AUTH LOGIN").startswith("334 ")
    suite.reload()
    assert Dialogue(suite, "file").plain("alice", "alice-pw") == DONE
    assert d.say(b64("alice")).startswith("334 ")
    assert d.say(b64("alice-pw")) == DONE


class Asker:
    """The protocol by hand."""

    def __init__(self, suite, name="file"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(suite.path("/var/spool/postfix/private/auth-" + name))
        self.file = self.socket.makefile("rb")
        self.send("VERSION\t1\t0\nCPID\t1\n")
        self.greeting = []
        while not self.greeting or self.greeting[-1] != "DONE":
            self.greeting.append(self.line())

    def send(self, text):
        self.socket.sendall(text.encode("latin-1"))

    def line(self):
        return self.file.readline().decode("latin-1").rstrip("\n")

    def ask(self, text):
        self.send(text + "\n")
        return self.line()


def test_the_protocol(suite):
    a = Asker(suite)
    assert a.greeting[:5] == ["VERSION\t1\t2", "MECH\tPLAIN\tplaintext", "MECH\tLOGIN\tplaintext", "MECH\tCRAM-MD5\tdictionary\tactive",
                              "MECH\tDIGEST-MD5\tdictionary\tactive\tmutual-auth"]
    assert [line.split("\t")[0] for line in a.greeting[-4:]] == ["SPID", "CUID", "COOKIE", "DONE"]
    where = "service=smtp\tnologin\tlip=127.0.0.1\trip=127.0.0.1"
    alice = b64("", "alice", "alice-pw")
    assert a.ask("AUTH\t1\tPLAIN\t%s\tresp=%s" % (where, alice)) == "OK\t1\tuser=alice"
    assert a.ask("AUTH\t2\tPLAIN\t%s" % where) == "CONT\t2\t"
    assert a.ask("AUTH\t3\tLOGIN\t%s" % where) == "CONT\t3\tVXNlcm5hbWU6"          # two at a time
    assert a.ask("CONT\t2\t" + alice) == "OK\t2\tuser=alice"
    a.send("CANCEL\t3\n")
    assert a.ask("AUTH\t4\tNTLM\t" + where) == "FAIL\t4\treason=No such mechanism"
    assert a.ask("AUTH\t5\tPLAIN\t%s\tresp=!!" % where).startswith("FAIL\t5\treason=Invalid base64")
    assert a.ask("AUTH\t6\tPLAIN\t%s\tresp==" % where) == "FAIL\t6"
    assert a.ask("AUTH\t7\tPLAIN\t%s\tresp=%s" % (where, b64("", "a" * 300, "x"))) == "FAIL\t7\tuser=" + "a" * 255
    assert a.ask("AUTH\t8\tPLAIN\t%s\tresp=%s" % (where, b64("", "al\tice\n", "x"))) == "FAIL\t8"


@pytest.mark.parametrize("mechanism", ["NTLM", "RPA", "GSS-SPNEGO", "GSSAPI", "OTP", "SKEY", "KERBEROS_V4", "SCRAM-SHA-512", "SCRAM-SHA-256-PLUS", "X" * 1000])
def test_mechanisms_that_there_are_not(suite, mechanism):
    """Those whose parsers of binary fields have broken servers, and those whose passwords could be used twice."""
    a = Asker(suite)
    assert not [line for line in a.greeting if line.split("\t")[:2] == ["MECH", mechanism]]
    assert a.ask("AUTH\t1\t%s\tservice=smtp\trip=127.0.0.1\tresp=%s" % (mechanism, b64("NTLMSSP\0" + "\xff" * 100))) == "FAIL\t1\treason=No such mechanism"


def test_a_password_in_clear_text_from_afar(suite):
    alice = b64("", "alice", "alice-pw")
    afar = "AUTH\t%d\tPLAIN\tservice=smtp\tlip=192.0.2.1\trip=203.0.113.1%s\tresp=" + alice
    assert Asker(suite).ask(afar % (1, "")) == "FAIL\t1\tuser=alice\treason=Passwords in clear text are taken under TLS only"
    assert Asker(suite).ask(afar % (1, "\tsecured")) == "OK\t1\tuser=alice"
    assert Asker(suite, "open").ask(afar % (1, "")) == "OK\t1\tuser=alice"


def test_external_by_a_certificate(suite):
    where = "AUTH\t%d\tEXTERNAL\tservice=imap\trip=203.0.113.1\tsecured%s\tresp=%s"
    a = Asker(suite, "anonymous")
    assert a.ask(where % (1, "", b64("alice"))).startswith("FAIL\t1")
    assert a.ask(where % (2, "\tcert_username=alice", "=")).startswith("FAIL\t2")
    assert a.ask(where % (3, "\tvalid-client-cert", b64("alice"))).startswith("FAIL\t3")
    assert a.ask(where % (4, "\tvalid-client-cert\tcert_username=alice", "=")) == "OK\t4\tuser=alice"
    assert a.ask(where % (5, "\tvalid-client-cert\tcert_username=alice", b64("bob"))).startswith("FAIL\t5")


NONSENSE = {"no id": "AUTH\n", "no number": "AUTH\tx\tPLAIN\n", "no mechanism": "AUTH\t1\n", "of none": "CONT\t9\tAA==\n", "version": "VERSION\t2\t0\n",
            "endless": "A" * 200000, "service": "AUTH\t1\tPLAIN\tservice=../x\n", "twice": "AUTH\t1\tLOGIN\tservice=a\nAUTH\t1\tLOGIN\tservice=a\n"}


@pytest.mark.parametrize("what", NONSENSE)
def test_who_does_not_keep_to_the_protocol(suite, what):
    a = Asker(suite)
    with contextlib.suppress(ConnectionError):
        a.send(NONSENSE[what])
        while a.line().startswith("CONT"):
            pass
    assert Asker(suite).ask("AUTH\t1\tPLAIN\tservice=smtp\trip=127.0.0.1\tresp=" + b64("", "alice", "alice-pw")) == "OK\t1\tuser=alice"


def test_the_command(suite):
    def authtest(*argv, password=None):
        done = suite.run("authtest", "-a", "private/auth-file", *argv, input=(password or "").encode())
        return done.returncode, done.stdout.decode()
    assert authtest("alice", "alice-pw") == (0, "alice: logged in as alice\n")
    assert authtest("alice", password="alice-pw\n") == (0, "alice: logged in as alice\n")
    assert authtest("-s", "imap", "alice", "wrong") == (1, "alice: refused\n")
    assert authtest("heidi", "x") == (75, "heidi: the server cannot tell now\n")
    assert suite.run("authtest", "-a", "private/nothing", "alice", "x").returncode == 75
    assert suite.run("authtest").returncode == 1
    code, shown = suite.run_on_terminal("authtest", "-a", "private/auth-file", "alice", typed=b"alice-pw\n")
    assert code == 0 and "alice-pw" not in shown and "logged in as alice" in shown


def test_no_password_is_in_the_log(suite):
    before = suite.log_size()
    secret = "xyzzy-secret"
    for service in ("file", "shadow", "pam", "map", "broken"):
        Dialogue(suite, service).plain("alice", secret)
        Dialogue(suite, service).plain("heidi", secret)
    Dialogue(suite, "file").login("alice", secret)
    suite.sync_log()
    text = suite.log(before)
    for form in (secret, b64(secret), b64("", "alice", secret)):
        assert form not in text
    for of_the_file in ("alice-pw", "map-pw", crypt.crypt("bob-pw", "$6$rounds=1000$saltsalt$")):
        assert of_the_file not in suite.log()
