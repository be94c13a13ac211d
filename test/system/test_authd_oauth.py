"""OAUTHBEARER (RFC 7628) and XOAUTH2: tokens that are JWTs, and tokens that another server knows."""
import base64
import hmac
import json
import subprocess
import threading
import time

import pytest

from suite import make
from suite.oauth import Introspection, Key, claims, url64
from suite.sasl import DONE, FAILED, Dialogue
from suite.tls import DIRECTORY, certificates, server_context

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix leaves this to Dovecot or Cyrus SASL")]

REFUSED = FAILED + "(reason unavailable)"
ALL = "-o auth_failure_delay=0 -o auth_failure_delay_max=0 -o {auth_passdb = passwd-file:/etc/postfix/users} -o {auth_mechanisms = plain oauthbearer xoauth2} "
JWT = {"auth_oauth_keys": "/etc/postfix/keys.pem /etc/postfix/keys.json", "auth_oauth_issuer": "https://id.example.test",
       "auth_oauth_audience": "mail", "auth_oauth_scope": "smtp", "auth_oauth_openid_configuration": "https://id.example.test/.well-known/openid-configuration"}
SECRET = "client secret &+"


def options(settings):
    return " ".join("-o {%s = %s}" % pair for pair in settings.items())


class Keys:
    def __init__(self, directory):
        self.rsa, self.ec, self.edwards = (Key(directory, name) for name in ("RS256", "ES256", "EdDSA"))
        self.other = Key(directory, "ES256", "-other")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


ANSWERS = {
    "opaque": {"active": True, "username": "alice", "scope": "smtp"},
    "other": {"active": True, "username": "bob", "scope": "smtp"},
    "cached": {"active": True, "username": "alice", "scope": "smtp"},
    "ends": {"active": True, "username": "alice", "scope": "smtp", "exp": 1},
    "narrow": {"active": True, "username": "alice", "scope": "imap"},
    "string": {"active": "true", "username": "alice", "scope": "smtp"},
    "list": [True], "nothing": b"", "junk": b"<html>", "huge": b'{"active":true,"username":"' + b"a" * 1000000 + b'"}',
    "deep": b'{"active":' + b"[" * 20000, "moved": 302, "denied": 401, "down": 503, "nameless": {"active": True, "scope": "smtp"},
    "strange": {"active": True, "username": "al\nice\u0000", "scope": "smtp"}, "formed": {"active": True, "username": "ALICE", "scope": "smtp"},
}


@pytest.fixture(scope="module")
def server():
    with Introspection(ANSWERS) as one:
        yield one


@pytest.fixture(scope="module")
def over_tls():
    """Its certificate is for mail.example.test."""
    with Introspection(ANSWERS, tls=server_context()) as one:
        yield one


@pytest.fixture(scope="module")
def suite(keys, server, over_tls):
    ask = {"auth_oauth_introspection_url": server.url, "auth_oauth_username_claim": "username", "auth_oauth_scope": "smtp",
           "auth_oauth_client_id": "valija:1", "auth_oauth_client_secret_file": "/etc/postfix/secret", "auth_oauth_introspection_timeout": "2"}
    kinds = {"jwt": JWT, "ask": ask, "both": {**JWT, "auth_oauth_introspection_url": server.url},
             "bearer": {**ask, "auth_oauth_client_id": "", "auth_oauth_cache_time": "0"},
             "nobody": {"auth_oauth_introspection_url": "http://127.0.0.1:1/"}, "off": {},
             "small": {**ask, "auth_oauth_cache_size": "1"}, "strict": {**JWT, "auth_oauth_leeway": "0"},
             "untrusted": {**ask, "auth_oauth_introspection_url": over_tls.url},
             "trusted": {**ask, "auth_oauth_introspection_url": over_tls.url, "auth_oauth_tls_CAfile": DIRECTORY + "/ca.pem"}}
    master = []
    for name, settings in kinds.items():
        master.append("oauth-%s unix - - n - 0 oauthd %s" % (name, options(settings)))
        master.append("auth-%s unix - n n - 0 authd %s %s" % (name, ALL, options({**settings, "auth_oauth_service_name": "oauth-" + name, "auth_username_format": "%Lu"})))
    services = {name: {"smtpd_sasl_path": "private/auth-" + name} for name in kinds}
    files = {**certificates().files(), "/etc/postfix/users": "alice:{PLAIN}alice-pw\n", "/etc/postfix/keys.pem": keys.rsa.pem + keys.ec.pem,
             "/etc/postfix/keys.json": json.dumps({"keys": [keys.edwards.jwk("ed"), {"kty": "oct", "k": "AAAA"}]}), "/etc/postfix/secret": SECRET + "\n"}
    with make(main_cf={"smtpd_sasl_auth_enable": "yes"}, services=services, master=master, files=files, prepare=["chmod 600 /etc/postfix/secret"]) as s:
        yield s


def bearer(token, user=""):
    return "n,%s,\1host=mail.example.test\1port=25\1auth=Bearer %s\1\1" % ("a=" + user if user else "", token)


def xoauth2(token, user="alice"):
    return "user=%s\1auth=Bearer %s\1\1" % (user, token)


def encoded(text):
    return base64.b64encode(text.encode("latin-1")).decode()


def says(suite, service, message, mechanism="OAUTHBEARER", dummy="AQ=="):
    """The reply, and what the server's JSON said before it."""
    d = Dialogue(suite, service)
    assert d.say("AUTH " + mechanism) == "334 "
    reply = d.say(encoded(message))
    if not reply.startswith("334 "):
        return reply, None
    return d.say(dummy), json.loads(base64.b64decode(reply[4:]))


def why(suite, since):
    return suite.wait_log(r"authd\[\d+\]: (?:login failed|warning: login cannot be checked): .*?user=<(.*?)>: (.*?)(?: \(failures of this client: \d+\))?$", since=since)[-1].groups()


def test_it_is_offered_where_somebody_can_tell(suite):
    assert "AUTH PLAIN OAUTHBEARER XOAUTH2" in Dialogue(suite, "jwt").extensions
    assert "AUTH PLAIN OAUTHBEARER XOAUTH2" in Dialogue(suite, "ask").extensions
    assert "AUTH PLAIN\n" in Dialogue(suite, "off").extensions + "\n"
    suite.wait_log("auth_mechanisms: OAUTHBEARER is not offered: neither auth_oauth_keys nor auth_oauth_introspection_url is set")


@pytest.mark.parametrize("which", ["rsa", "ec", "edwards"])
def test_a_token_of_each_algorithm(suite, keys, which):
    token = getattr(keys, which).token(claims())
    assert says(suite, "jwt", bearer(token)) == (DONE, None)
    assert says(suite, "jwt", bearer(token, "alice")) == (DONE, None)
    assert says(suite, "jwt", xoauth2(token, "Alice"), "XOAUTH2") == (DONE, None)
    d = Dialogue(suite, "jwt")
    assert d.say("AUTH OAUTHBEARER " + encoded(bearer(token))) == DONE
    d.all("MAIL FROM:<>", "RCPT TO:<alice@example.test>")
    assert [line for line in d.log() if line.endswith("client=CLIENT, sasl_method=OAUTHBEARER, sasl_username=alice")]


def test_who_is_refused_is_told_why(suite, keys):
    hints = {"scope": "smtp", "openid-configuration": JWT["auth_oauth_openid_configuration"]}
    expired, narrow = keys.ec.token(claims(exp=int(time.time()) - 3600)), keys.ec.token(claims(scope="imap"))
    assert says(suite, "jwt", bearer(expired)) == (REFUSED, {"status": "invalid_token", **hints})
    assert says(suite, "jwt", bearer(narrow)) == (REFUSED, {"status": "insufficient_scope", **hints})
    assert says(suite, "jwt", bearer("")) == (REFUSED, {"status": "invalid_token", **hints})
    assert says(suite, "jwt", "n,,\1auth=\1\1") == (REFUSED, {"status": "invalid_token", **hints})
    assert says(suite, "jwt", xoauth2(expired), "XOAUTH2", "") == (REFUSED, {"status": "401", "schemes": "bearer", "scope": "smtp"})


def hostile(keys):
    good = keys.rsa.token(claims())
    head, body, signature = good.split(".")
    now = int(time.time())
    mac = hmac.new(keys.rsa.pem.encode(), (url64('{"alg":"HS256"}') + "." + body).encode(), "sha256").digest()
    return {
        "alg none": (url64('{"alg":"none"}') + "." + body + ".", "not signed with"),
        "alg none and a signature": (url64('{"alg":"None"}') + "." + body + "." + signature, "not signed with"),
        "the public key as a secret": (url64('{"alg":"HS256"}') + "." + body + "." + url64(mac), "not signed with"),
        "wrong key": (keys.other.token(claims()), "wrong signature"),
        "key in the token": (keys.other.token(claims(), {"jwk": keys.other.jwk("x"), "jku": "http://127.0.0.1/"}), "wrong signature"),
        "another key's name": (keys.edwards.token(claims(), {"kid": "../../../dev/null"}), "no key for it"),
        "other claims": (head + "." + url64(json.dumps(claims(sub="bob"))) + "." + signature, "wrong signature"),
        "no signature": (head + "." + body + ".", "wrong signature"),
        "expired": (keys.rsa.token(claims(exp=now - 31)), "expired"),
        "without an end": (keys.rsa.token(claims(exp=None)), "no claim exp"),
        "not yet": (keys.rsa.token(claims(nbf=now + 3600)), "not valid yet"),
        "issuer": (keys.rsa.token(claims(iss="https://evil.example.test")), "of another issuer"),
        "audience": (keys.rsa.token(claims(aud=["web", "mail.evil"])), "for another audience"),
        "nobody": (keys.rsa.token(claims(sub=None)), "no claim sub that names a user"),
        "a list as user": (keys.rsa.token(claims(sub=["alice"])), "no claim sub that names a user"),
        "a name that is none": (keys.rsa.token(claims(sub="al\nice")), "no such name can be"),
        "nested": (keys.rsa.token(url64('{"sub":' + "[" * 3000)), "claims: JSON that is nested too deeply"),
        "twice": (keys.rsa.token(url64('{"sub":"alice","sub":"bob"}')), "claims: JSON with a name twice"),
        "crit": (keys.rsa.token(claims(), {"crit": ["x"]}), "with header fields"),
        "huge": (good + "A" * 7000, "wrong signature"),
        "opaque": ("2YotnFZFEjr1zCsicMWpAA", "no JWT"),
    }


def test_hostile_tokens(suite, keys):
    for name, (token, reason) in hostile(keys).items():
        since = suite.log_size()
        reply, said = says(suite, "jwt", bearer(token))
        assert (reply, said and said["status"]) == (REFUSED, "invalid_token"), name
        assert reason in why(suite, since)[1], name
    assert says(suite, "jwt", bearer(keys.rsa.token(claims()))) == (DONE, None)


def test_nobody_acts_for_another(suite, keys):
    since = suite.log_size()
    token = keys.rsa.token(claims())
    assert says(suite, "jwt", bearer(token, "bob"))[0] == REFUSED
    assert why(suite, since) == ("bob", "wants to act for another user")
    assert says(suite, "jwt", xoauth2(token, "bob"), "XOAUTH2", "")[0] == REFUSED


MALFORMED = ["", "n", "n,", "n,,", "n,,\1", "n,,\1\1", "p=tls-exporter,,\1auth=Bearer x\1\1", "n,b=alice,\1auth=Bearer x\1\1", "n,a=al=2xice,\1auth=Bearer x\1\1",
             "n,,\1auth=Basic eA==\1\1", "n,,\1auth=Bearer x\1", "n,,\1auth=Bearer x\1auth=Bearer y\1\1", "n,,\1auth\1\1", "n,,\1auth=Bearer x\1\1more",
             "n,a=" + "u" * 300 + ",\1auth=Bearer x\1\1", "n,a=al\nice,\1auth=Bearer x\1\1", "\0" * 100, "n,," + "\1" * 5000]


def test_what_is_no_such_message(suite):
    for message in MALFORMED[1:]:
        reply, said = says(suite, "jwt", message)
        assert (reply, said and said["status"]) == (REFUSED, "invalid_request"), message
    assert says(suite, "jwt", "user=alice\1auth=Bearer x\1", "XOAUTH2", "")[1]["status"] == "400"
    assert says(suite, "jwt", bearer("x\1\1"))[1]["status"] == "invalid_request"
    assert says(suite, "jwt", bearer("a b"))[1]["status"] == "invalid_token"


def test_who_leaves_before_the_verdict_has_failed(suite, keys):
    since = suite.log_size()
    d = Dialogue(suite, "jwt")
    d.say("AUTH OAUTHBEARER")
    assert d.say(encoded(bearer(keys.other.token(claims())))).startswith("334 ")
    assert d.say("*") == "501 5.7.0 Authentication aborted"
    assert says(suite, "jwt", bearer(keys.other.token(claims())))[0] == REFUSED
    suite.wait_log(r"login failed: .*failures of this client: [2-9]", since=since)


def test_introspection(suite, server):
    assert says(suite, "ask", bearer("opaque")) == (DONE, None)
    assert says(suite, "ask", bearer("opaque", "alice")) == (DONE, None)
    assert says(suite, "ask", xoauth2("other", "alice"), "XOAUTH2", "")[0] == REFUSED
    assert says(suite, "ask", xoauth2("other", "bob"), "XOAUTH2", "") == (DONE, None)
    assert says(suite, "ask", bearer("formed", "Alice")) == (DONE, None)
    # RFC 6749 section 2.3.1.
    assert server.headers[-1]["Authorization"] == "Basic " + encoded("valija%3A1:client%20secret%20%26%2B")
    assert says(suite, "bearer", bearer("opaque")) == (DONE, None)
    assert server.headers[-1]["Authorization"] == "Bearer " + SECRET


def test_what_is_known_is_not_asked_again(suite, server):
    for _ in range(3):
        assert says(suite, "ask", bearer("cached")) == (DONE, None)
    assert server.asked.count("cached") == 1
    for _ in range(2):
        assert says(suite, "bearer", bearer("cached")) == (DONE, None)
    assert server.asked.count("cached") == 3
    for _ in range(2):
        assert says(suite, "ask", bearer("unknown"))[0] == REFUSED
    assert server.asked.count("unknown") == 2


def test_no_more_is_known_than_may_be(suite, server):
    for token in ("opaque", "other", "opaque", "opaque"):
        before = server.asked.count(token)
        assert says(suite, "small", bearer(token)) == (DONE, None)
    assert server.asked.count("opaque") == before and server.asked[-1] == "opaque"


def test_clocks_that_differ(suite, keys):
    token = keys.rsa.token(claims(exp=int(time.time()) - 2))
    assert says(suite, "jwt", bearer(token)) == (DONE, None)
    assert says(suite, "strict", bearer(token))[0] == REFUSED


def test_a_server_that_nobody_vouches_for(suite, over_tls):
    for service, reason in (("untrusted", "unable to get local issuer certificate"), ("trusted", "no alternative certificate subject name matches")):
        suite.sync_log()   # what was refused before is in the log by now
        since = suite.log_size()
        assert says(suite, service, bearer("opaque"))[0].startswith("454 ")
        assert reason in why(suite, since)[1]
    assert not over_tls.asked


@pytest.mark.parametrize("token, reason", [("unknown", "not active"), ("ends", "expired"), ("nameless", "no claim username that names a user"),
                                           ("strange", "no such name can be"), ("narrow", "without the scope smtp")])
def test_what_the_server_does_not_vouch_for(suite, token, reason):
    since = suite.log_size()
    assert says(suite, "ask", bearer(token))[0] == REFUSED
    assert why(suite, since)[1] == "token: " + reason


@pytest.mark.parametrize("token, reason", [
    ("string", "does not say whether the token is active"), ("list", "no JSON object"), ("nothing", "no JSON object"), ("junk", "no JSON object"),
    ("deep", "JSON that is nested too deeply"), ("huge", "an answer that is too long"), ("moved", "HTTP status 302"), ("denied", "HTTP status 401"), ("down", "HTTP status 503")])
def test_a_server_that_cannot_tell_is_no_wrong_token(suite, token, reason):
    since = suite.log_size()
    assert says(suite, "ask", bearer(token)) == ("454 4.7.0 Temporary authentication failure: (reason unavailable)", None)
    assert why(suite, since)[1] == "introspection server: " + reason


def test_a_server_that_is_not_there_or_hangs(suite, server):
    since = suite.log_size()
    assert says(suite, "nobody", bearer("opaque"))[0].startswith("454 ")
    assert "Connection refused" in why(suite, since)[1] or "Failed to connect" in why(suite, since)[1] or "connect to server" in why(suite, since)[1]
    server.answers["hangs"] = threading.Event()
    since = suite.log_size()
    assert says(suite, "ask", bearer("hangs"))[0].startswith("454 ")
    assert "timed out" in why(suite, since)[1]
    server.answers["hangs"].set()


def test_with_keys_only_what_is_no_jwt_is_asked_for(suite, keys, server):
    token = keys.rsa.token(claims())
    assert says(suite, "both", bearer(token)) == (DONE, None)
    assert says(suite, "both", bearer(keys.other.token(claims())))[0] == REFUSED
    assert token not in server.asked
    assert says(suite, "both", bearer("plain"))[0] == REFUSED
    assert server.asked[-1] == "plain"


def test_a_key_that_changes(suite, keys):
    token = keys.other.token(claims())
    assert says(suite, "jwt", bearer(token))[0] == REFUSED
    suite.write("/etc/postfix/keys.pem", keys.other.pem + keys.rsa.pem, mode=0o644)
    assert says(suite, "jwt", bearer(token)) == (DONE, None)
    suite.write("/etc/postfix/keys.pem", keys.rsa.pem + keys.ec.pem, mode=0o644)
    assert says(suite, "jwt", bearer(token))[0] == REFUSED


def test_settings_that_would_let_in_anybody(keys):
    lines = ["oauth-%s unix - - n - 0 oauthd -o {%s}" % pair for pair in {"keys": "auth_oauth_keys = /etc/postfix/keys.pem", "http": "auth_oauth_introspection_url = http://127.0.0.1@192.0.2.1/"}.items()]
    auth = ["auth-%s unix - n n - 0 authd %s -o auth_oauth_service_name=oauth-%s -o auth_oauth_keys=x" % (name, ALL, name) for name in ("keys", "http")]
    services = {name: {"smtpd_sasl_path": "private/auth-" + name} for name in ("keys", "http")}
    with make(main_cf={"smtpd_sasl_auth_enable": "yes"}, services=services, master=lines + auth,
              files={"/etc/postfix/users": "alice:{PLAIN}alice-pw\n", "/etc/postfix/keys.pem": keys.rsa.pem}) as s:
        for name, message in (("keys", "auth_oauth_keys needs auth_oauth_issuer and auth_oauth_audience"), ("http", "is neither https:// nor http:// of this machine")):
            Dialogue(s, name).socket.sendall(b"AUTH OAUTHBEARER %s\r\n" % encoded(bearer("x.y.z")).encode())
            s.wait_log("fatal: .*" + message)


def test_curl(suite, keys, tmp_path):
    """A client that others wrote."""
    message = tmp_path / "message"
    message.write_text("Subject: x\r\n\r\nx\r\n")
    host, port = suite.address("jwt")

    def curl(token, mechanism, *more):
        return subprocess.run(["curl", "-sS", "--max-time", "30", "--url", "smtp://%s:%d/c.example.net" % (host, port), "--user", "alice", "--oauth2-bearer", token,
                               "--login-options", "AUTH=" + mechanism, "--mail-from", "a@example.test", "--mail-rcpt", "alice@example.test", "-T", str(message), *more],
                              capture_output=True, text=True).returncode
    good, bad = keys.rsa.token(claims()), keys.other.token(claims())
    for mechanism in ("OAUTHBEARER", "XOAUTH2"):
        assert curl(good, mechanism) == 0
        assert curl(good, mechanism, "--sasl-ir") == 0
        assert curl(bad, mechanism) == 67, "curl: login denied"


def test_no_token_is_in_the_log(suite, keys):
    before = suite.log_size()
    token = keys.other.token(claims())
    opaque = "xyzzy-secret-token"
    for message in (bearer(token), bearer(opaque), "n,,\1auth=Bearer %s\1" % opaque, bearer(opaque + " " + opaque)):
        for service in ("jwt", "ask", "nobody"):
            says(suite, service, message)
    suite.sync_log()
    text = suite.log(before)
    for secret in (token, token.split(".")[1], token.split(".")[2], opaque, encoded(opaque)[:16], SECRET):
        assert secret not in text
