"""ldap tables against a real slapd: searches, groups, URLs, limits, binds; hostile keys; a server that is down."""
import subprocess

import pytest

from suite import make
from suite.golden import golden
from suite.servers import Slapd
from suite.smtp import rcpt
from suite.table_says import lookups, skip_without, table_says


def entry(dn, kind, *lines):
    """An entry below dc=example,dc=test that is found by its name."""
    name = dn.split(",")[0].split("=")[1].replace("\\", "")
    classes = {"person": ["person", "sn: x"], "role": ["organizationalRole"]}[kind]
    return "\n".join(["dn: %s,dc=example,dc=test" % dn, "objectClass: " + classes[0], *classes[1:], "objectClass: mailthing",
                      "mailacceptinggeneralid: " + name, *lines]) + "\n"


def member(dn):
    return "memberdn: %s,dc=example,dc=test" % dn


LDIF = "\n".join([
    "dn: dc=example,dc=test\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n",
    "dn: ou=groups,dc=example,dc=test\nobjectClass: organizationalUnit\nou: groups\n",
    entry("cn=alice", "person", "mail: alice@example.test", "maildrop: alice@host.test", "maildrop: alice2@host.test"),
    entry("cn=bob", "person", "mail: bob@example.test", "maildrop: bob@host.test"),
    "dn: cn=star*(x)\\,,dc=example,dc=test\nobjectClass: person\nobjectClass: mailthing\nsn: x\nmailacceptinggeneralid: star*(x),\nmaildrop: star@host.test\n",
    "dn: cn=a\\2Bb\\3Dc\\\\,dc=example,dc=test\nobjectClass: person\nobjectClass: mailthing\nsn: x\nmailacceptinggeneralid: a+b=c\\\nmaildrop: plus@host.test\n",
    entry("cn=team,ou=groups", "role", "mail: team@example.test", member("cn=alice"), member("cn=bob"), member("cn=gone")),
    entry("cn=before,ou=groups", "role", member("cn=bob"), "mail: before@example.test", "maildrop: x@host.test"),
    entry("cn=nested,ou=groups", "role", member("cn=team,ou=groups"), member("cn=bob")),
    entry("cn=urls,ou=groups", "role", "mail: urls@example.test", "memberurl: ldap:///dc=example,dc=test?mail?sub?(cn=bob)",
          "memberurl: ldap:///dc=example,dc=test??sub?(cn=alice)", "memberurl: ldap:///cn=bob,dc=example,dc=test?sn"),
    entry("cn=loop,ou=groups", "role", member("cn=loop,ou=groups")),
    entry("cn=routed,ou=groups", "role", "maildrop: routed@lists.test", "mail: routed@example.test", member("cn=alice")),
    entry("cn=blob", "person", "blob:: YQBi", "maildrop: after@host.test"),
    entry("cn=lines", "person", "blob:: YQpi"),
    "dn: cn=alias,dc=example,dc=test\nobjectClass: alias\nobjectClass: extensibleObject\ncn: alias\naliasedObjectName: cn=alice,dc=example,dc=test\n"])

GROUPS = ["team", "alice", "routed", "before", "nested"]
ADMIN = "bind_dn = cn=admin,dc=example,dc=test\nbind_pw = %s\n"
CASES = [
    ("", ["alice", "bob", "none", "ALICE", "star*(x),", "*", "al*", "a+b=c\\", "alice)(cn=*", "*)(objectclass=*", "(", "\\", "\\2a", "blob", "\u00e4"]),
    *(("version = %s\n" % v, ["alice"]) for v in ["2", "3", "4", "x"]),
    ("query_filter = mail=%s\nresult_attribute = maildrop\n", ["alice@example.test", "nobody@example.test"]),
    ("query_filter = (&(mail=%s)(cn=%u))\nresult_attribute = maildrop, mail\nresult_format = <%u>\n", ["alice@example.test"]),
    ("search_base = cn=%u,dc=%2,dc=%1\nscope = base\nquery_filter = objectclass=*\n",
     ["alice@example.test", "none@example.test", "x", "star*(x),@example.test", "a+b=c\\@example.test", "alice,dc=example@x.test", "#x@example.test"]),
    ("search_base = cn=absent,dc=example,dc=test\n", ["alice"]), ("search_base = garbage\n", ["alice"]), ("search_base =\n", ["alice"]),
    ("search_base = %x\n", ["alice"]), ("query_filter = %x\n", ["alice"]),
    *(("scope = %s\n" % s, ["alice", "team"]) for s in ["sub", "one", "base", "foo"]),
    ("result_attribute = mail\nspecial_result_attribute = memberdn\n", [*GROUPS, "loop"]),
    ("result_attribute =\nspecial_result_attribute = memberdn\nleaf_result_attribute = mail\n", GROUPS),
    ("result_attribute =\nspecial_result_attribute = memberdn\nleaf_result_attribute = mail\nterminal_result_attribute = maildrop\n", GROUPS),
    ("result_attribute = mail, maildrop\nspecial_result_attribute = memberurl\n", ["urls"]),
    *(("result_attribute = mail\nspecial_result_attribute = memberurl memberdn\nrecursion_limit = %s\n" % n, ["urls", "team", "nested"])
      for n in ["0", "1", "2", "3", "x"]),
    ("result_attribute = maildrop\nexpansion_limit = 1\n", ["alice", "bob"]), ("query_filter = cn=*\nsize_limit = 2\n", ["alice"]),
    ("result_attribute = mail\nspecial_result_attribute = memberdn\nexpansion_limit = 2\n", ["team", "alice"]),
    ("result_attribute = blob\n", ["blob", "lines"]), ("result_attribute = blob maildrop\n", ["blob"]), ("result_attribute =\n", ["alice"]),
    ("result_attribute = SN\n", ["alice"]), ("query_filter = (mail=%s\n", ["alice"]), ("query_filter = cn=alice\n", ["x"]),
    *(("bind = %s\n" % b, ["alice"]) for b in ["no", "none", "yes", "simple", "SIMPLE", "foo"]),
    (ADMIN % "secret word", ["alice"]), (ADMIN % "wrong", ["alice"]), ("start_tls = yes\n", ["alice"]), ("start_tls = x\n", ["alice"]),
    ("query_filter = cn=%s\ndereference = 3\n", ["alias"]), ("query_filter = cn=%s\ndereference = 0\n", ["alias"]), ("dereference = 5\n", ["alice"]),
    ("chase_referrals = x\n", ["alice"]), ("cache = yes\ncache_expiry = 1\ncache_size = 3\n", ["alice"]),
    ("result_filter = <%s>\n", ["alice"]), ("result_filter = <%s>\nresult_format = [%s]\n", ["alice"]),
    ("domain = example.test\nquery_filter = mail=%s\n", ["alice@example.test", "alice"]), ("timeout = x\n", ["alice"]),
    *(("server_host = %s\n" % h, ["alice"]) for h in ["ldap://127.0.0.1:PORT", "127.0.0.1:PORT", "127.0.0.1:1 127.0.0.1:PORT", "127.0.0.1:1, ldap://127.0.0.1:PORT",
                                                      "ldap://127.0.0.1:1 ldap://127.0.0.1:PORT", "127.0.0.1:1"])]


@pytest.fixture(scope="module")
def server():
    with Slapd(LDIF) as s:
        s.kind = "ldap"
        yield s


def settings_of(server):
    return "server_host = 127.0.0.1\nserver_port = %d\nsearch_base = dc=example,dc=test\n" % server.port


@pytest.fixture(scope="module")
def suite(server):
    in_main = {"inmain_" + name: value for name, value in (line.split(" = ", 1) for line in settings_of(server).splitlines())}
    with make(tables=True, main_cf=in_main) as s:
        skip_without(s, "ldap")
        yield s


def test_lookups(suite, server):
    cases = [(settings.replace("PORT", str(server.port)), keys) for settings, keys in CASES]
    text = lookups(suite, "ldap", settings_of(server), cases, server=server)
    golden("ldap_lookups", text.replace(str(server.port), "PORT"))


def test_names_and_operations(suite, server):
    suite.write("/etc/postfix/t.cf", settings_of(server))
    golden("ldap_operations", "".join("%s -> %s\n" % (argv, table_says(suite, *argv, input=b"bob\nx\n").rstrip()) for argv in [
        ["-q", "x", "ldap:/absent"], ["-q", "bob", "ldap:inmain"], ["-s", "ldap:inmain"], ["-d", "x", "ldap:inmain"], ["ldap:inmain"],
        ["-q", "-", "ldap:inmain"]]))


@pytest.mark.parametrize("prefix", ["", "proxy:"])
def test_recipients_while_the_server_is_down(server, prefix):
    config = settings_of(server) + "query_filter = cn=%u\ndomain = example.test\nresult_attribute = cn\n"
    with make(tables=True, files={"/etc/postfix/users.cf": config}, main_cf={"local_recipient_maps": prefix + "ldap:/etc/postfix/users.cf"}) as suite:
        skip_without(suite, "ldap")
        assert rcpt(suite, "alice@example.test")[0] == 250
        assert rcpt(suite, "none@example.test")[0] == 550
        server.stop()
        try:
            assert rcpt(suite, "none@example.test") == (451, b"4.3.0 <none@example.test>: Temporary lookup failure")
        finally:
            server.start()
        assert rcpt(suite, "bob@example.test")[0] == 250
        assert rcpt(suite, "none@example.test")[0] == 550


class TlsSlapd(Slapd):
    def options(self):
        key, certificate = self.dir / "key.pem", self.dir / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=mail.example.test",
                        "-addext", "subjectAltName=DNS:mail.example.test"], check=True, capture_output=True)
        key.chmod(0o644)
        return "TLSCertificateFile %s\nTLSCertificateKeyFile %s" % (certificate, key)


def test_tls():
    """A certificate is looked at only when it is demanded, and then its name counts, too."""
    with TlsSlapd(LDIF) as server, make(tables=True) as suite:
        skip_without(suite, "ldap")
        server.kind = "ldap"
        suite.write("/etc/postfix/ca.pem", (server.dir / "cert.pem").read_text())

        def says(settings):
            suite.write("/etc/postfix/t.cf", settings_of(server) + settings)
            done = suite.run("postmap", "-q", "bob", "ldap:/etc/postfix/t.cf")
            return "%d %s" % (done.returncode, done.stdout.decode().rstrip())

        assert says("start_tls = yes\n") == "0 bob@host.test"
        assert says("start_tls = yes\ntls_require_cert = yes\n") == "1 "
        ca = "start_tls = yes\ntls_require_cert = yes\ntls_ca_cert_file = /etc/postfix/ca.pem\n"
        assert says(ca) == "1 "                             # the certificate has a name
        assert says(ca + "server_host = mail.example.test\n") == "0 bob@host.test"
        assert says("start_tls = yes\ntls_ca_cert_file = /absent\n") == "1 "


class SaslSlapd(Slapd):
    """Root by the socket may read; so may alice by PLAIN. Its socket is where only root can go."""

    @staticmethod
    def as_nobody():
        return []

    def options(self):
        return """sasl-secprops none
authz-policy to
authz-regexp "gidNumber=0.uidNumber=0,cn=peercred,cn=external,cn=auth" "cn=root,dc=example,dc=test"
authz-regexp "uid=([^,]*),.*cn=auth" "cn=$1,dc=example,dc=test"
access to attrs=userPassword,authzTo by * auth
access to * by dn.exact="cn=root,dc=example,dc=test" read by dn.exact="cn=alice,dc=example,dc=test" read by * auth"""


SASL_LDIF = LDIF.replace("mail: alice@example.test\n", "mail: alice@example.test\nuserPassword: s3cret\n") + "\n".join(
    ["", entry("cn=root", "person", "authzTo: dn:cn=alice,dc=example,dc=test")])
SASL = [
    ("bind = none\n", "1 "),
    ("bind = sasl\nsasl_mechs = EXTERNAL\n", "0 bob@host.test"),
    ("bind = SASL\nsasl_mechs = EXTERNAL\nsasl_authz_id = dn:cn=alice,dc=example,dc=test\n", "0 bob@host.test"),
    ("bind = sasl\nsasl_mechs = EXTERNAL\nsasl_authz_id = dn:cn=bob,dc=example,dc=test\n", "1 "),
    ("bind = sasl\nsasl_mechs = PLAIN\nbind_dn = alice\nbind_pw = s3cret\n", "0 bob@host.test"),
    ("bind = sasl\nsasl_mechs = PLAIN\nbind_dn = alice\nbind_pw = wrong\n", "1 "),
    ("bind = sasl\nsasl_mechs = PLAIN\nbind_dn = nobody\nbind_pw = s3cret\n", "1 "),
]


@pytest.fixture(scope="module")
def sasl_server(suite):
    server = SaslSlapd(SASL_LDIF)
    # Where both can reach it.
    suite.sh("mkdir -m 777 /etc/postfix/ldap")
    server.socket = suite.path("/etc/postfix/ldap/socket")
    with server:
        yield server


@pytest.mark.parametrize("settings, answer", SASL)
def test_sasl(suite, sasl_server, settings, answer):
    url = "server_host = ldapi://%2Fetc%2Fpostfix%2Fldap%2Fsocket\nsearch_base = dc=example,dc=test\nversion = 3\n"
    suite.write("/etc/postfix/t.cf", url + settings)
    done = suite.run("postmap", "-q", "bob", "ldap:/etc/postfix/t.cf")
    assert "%d %s" % (done.returncode, done.stdout.decode().rstrip()) == answer, done.stderr.decode()


@pytest.mark.extension("the reference has all of Cyrus SASL")
@pytest.mark.parametrize("settings, why", [
    ("sasl_mechs = PLAIN GSSAPI\n", "of mechanisms there are EXTERNAL and PLAIN, not GSSAPI"), ("sasl_minssf = 56\n", "sasl_minssf is not there"),
    ("sasl_realm = x\n", "has a sasl_realm"), ("version = 2\n", "needs version = 3"),
])
def test_what_there_is_not_of_sasl(suite, sasl_server, settings, why):
    suite.write("/etc/postfix/t.cf", settings_of(sasl_server) + "bind = sasl\n" + settings)
    done = suite.run("postmap", "-q", "bob", "ldap:/etc/postfix/t.cf")
    assert done.returncode == 1 and why in done.stderr.decode()
