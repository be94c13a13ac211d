"""SASL of smtp(8) and lmtp(8): who logs in at the next hop, by which mechanism, what becomes of mail when that fails, and that no
password gets where it should not be. Each case is a transport with its settings in master.cf, and a domain that is routed to it and
to one of the servers."""
import contextlib
import re

import pytest

from suite import make, masks, tls
from suite.golden import golden
from suite.lookup_server import LookupServer, netstring
from suite.sasl_sink import PASSWORD, TOKEN, USER, AuthSink
from suite.smtp import Sink, send
from suite.tls import certificates, server_context

pytestmark = pytest.mark.root

ANY = {"smtp_sasl_security_options": "noanonymous"}
TLS = {"smtp_tls_security_level": "encrypt", "smtp_tls_loglevel": "1"}
SECURE = {**TLS, "smtp_tls_security_level": "secure", "smtp_tls_secure_cert_match": "mail.example.test", "smtp_tls_CAfile": tls.DIRECTORY + "/ca.pem"}
OTHER_CA = {"smtp_tls_CAfile": tls.DIRECTORY + "/self.pem"}
ALL = "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"
REFUSING = {"535": "535 5.7.8 go away", "454": "454 4.7.0 not now", "534": "534 5.7.9 too weak", "closing": None, "no-code": "535 go away"}


@pytest.fixture(scope="module")
def servers():
    kinds = {
        "plain": AuthSink(),
        "login": AuthSink("LOGIN"),
        "cram": AuthSink("CRAM-MD5"),
        "scram1": AuthSink("SCRAM-SHA-1"),
        "scram256": AuthSink("SCRAM-SHA-256"),
        "all": AuthSink(ALL),
        "lying": AuthSink("SCRAM-SHA-256", proves=False),
        "endless": AuthSink("SCRAM-SHA-1", rounds=2_000_000_000),
        "plain-login": AuthSink("PLAIN LOGIN"),
        "login-plain": AuthSink("LOGIN PLAIN"),
        "plain-cram": AuthSink("PLAIN CRAM-MD5"),
        "anonymous": AuthSink("ANONYMOUS"),
        "unknown": AuthSink("X-UNKNOWN"),
        "none": Sink(),
        "empty": Sink(extensions=["AUTH"]),
        "twice": AuthSink("PLAIN", extensions=["AUTH LOGIN"]),
        "twice-login": AuthSink("LOGIN", extensions=["AUTH=PLAIN"]),
        "old-form": Sink(extensions=["AUTH=LOGIN"]),
        "tls": AuthSink("", "PLAIN LOGIN", tls=server_context()),
        "tls-all": AuthSink("PLAIN", ALL, tls=server_context()),
        "self": AuthSink("", "PLAIN LOGIN", tls=server_context("self")),
        "garbage": Sink(extensions=["AUTH CRAM-MD5"], answers={"AUTH": "334 !!!"}),
        "eager": Sink(extensions=["AUTH CRAM-MD5"], answers={"AUTH": "235 2.7.0 already"}),
        "asking": Sink(extensions=["AUTH PLAIN"], answers={"AUTH": "334 PGE+"}),
        "oauth": AuthSink("", "XOAUTH2 OAUTHBEARER", tls=server_context()),
        "token-login": AuthSink("", "LOGIN XOAUTH2", tls=server_context()),
        "early": Sink(extensions=["AUTH SCRAM-SHA-256"], answers={"AUTH": "235 2.7.0 already"}),
        "lmtp": AuthSink(ALL, lmtp=True),
        "lmtp-tls": AuthSink("", "PLAIN LOGIN", lmtp=True, tls=server_context()),
        "lmtp-closing": AuthSink(ALL, lmtp=True, answers={"AUTH": None}),
        **{name: AuthSink(answers={"AUTH": reply}) for name, reply in REFUSING.items()},
    }
    yield kinds
    for each in kinds.values():
        each.close()


def maps(name):
    return {"smtp_sasl_password_maps": "texthash:/etc/postfix/passwords-" + name}


# name: (settings, the server).
CASES = {
    "plain": (ANY, "plain"),
    "plain-forbidden": ({}, "plain"),
    "login": (ANY, "login"),
    "cram": ({}, "cram"),
    "scram1": ({}, "scram1"),
    "scram256": ({}, "scram256"),
    "all": ({}, "all"),
    "plain-cram": (ANY, "plain-cram"),
    "lying": ({}, "lying"),
    "plain-login": (ANY, "plain-login"),
    "login-plain": (ANY, "login-plain"),
    "filtered": ({**ANY, "smtp_sasl_mechanism_filter": "login"}, "plain-login"),
    "filtered-not": ({**ANY, "smtp_sasl_mechanism_filter": "!plain, static:all"}, "plain-login"),
    "filtered-all": ({**ANY, "smtp_sasl_mechanism_filter": "foo"}, "plain-login"),
    "anonymous": (ANY, "anonymous"),
    "unknown": (ANY, "unknown"),
    "none": (ANY, "none"),
    "empty": (ANY, "empty"),
    "twice": (ANY, "twice"),
    "twice-login": (ANY, "twice-login"),
    "old-form": (ANY, "old-form"),
    "discarded": ({**ANY, "smtp_discard_ehlo_keywords": "auth"}, "plain"),
    "no-active": ({"smtp_sasl_security_options": "noactive"}, "cram"),
    "no-dictionary": ({"smtp_sasl_security_options": "nodictionary"}, "all"),
    "forward-secrecy": ({"smtp_sasl_security_options": "forward_secrecy"}, "all"),
    "mutual-auth": ({"smtp_sasl_security_options": "mutual_auth"}, "all"),
    "mutual-auth-none": ({"smtp_sasl_security_options": "mutual_auth"}, "plain-cram"),
    "wrong": ({**ANY, **maps("wrong")}, "plain"),
    "wrong-cram": (maps("wrong"), "cram"),
    "wrong-scram": (maps("wrong"), "scram256"),
    "wrong-bounced": ({**ANY, **maps("wrong"), "smtp_sasl_auth_soft_bounce": "no"}, "plain"),
    "wrong-soft": ({**ANY, **maps("wrong"), "smtp_sasl_auth_soft_bounce": "no", "soft_bounce": "yes"}, "plain"),
    "no-password": ({**ANY, **maps("elsewhere")}, "plain"),
    "no-delimiter": ({**ANY, **maps("bare")}, "plain"),
    "empty-password": ({**ANY, **maps("empty")}, "plain"),
    "delimiter": ({**ANY, **maps("delimiter"), "smtp_sasl_password_result_delimiter": "|"}, "plain"),
    "lookup": ({**ANY, "smtp_sasl_password_maps": "fail:x"}, "plain"),
    "lookup-no-auth": ({**ANY, "smtp_sasl_password_maps": "fail:x"}, "none"),
    "by-host": ({**ANY, **maps("host")}, "plain"),
    "by-sender": ({**ANY, **maps("sender"), "smtp_sender_dependent_authentication": "yes"}, "plain"),
    "by-sender-unused": ({**ANY, **maps("sender")}, "plain"),
    "by-sender-else": ({**ANY, **maps("other-sender"), "smtp_sender_dependent_authentication": "yes"}, "plain"),
    "dummy": ({**ANY, "smtp_send_dummy_mail_auth": "yes"}, "plain"),
    "dummy-none": ({**ANY, "smtp_send_dummy_mail_auth": "yes"}, "none"),
    "tls": (TLS | {"smtp_sasl_tls_security_options": "noanonymous"}, "tls"),
    "tls-forbidden": (TLS, "tls"),
    "tls-all": (TLS | ANY, "tls-all"),
    "tls-may-plain": ({**ANY, "smtp_tls_security_level": "may"}, "plain"),
    "verified": (SECURE | {"smtp_sasl_tls_verified_security_options": "noanonymous"}, "tls"),
    "verified-not": (TLS | {"smtp_sasl_tls_verified_security_options": "noanonymous"}, "tls"),
    "wrong-certificate": (SECURE | OTHER_CA | {"smtp_sasl_tls_security_options": "noanonymous"}, "tls"),
    "self-certificate": (SECURE | {"smtp_sasl_tls_security_options": "noanonymous"}, "self"),
    "garbage": ({}, "garbage"),
    "eager": ({}, "eager"),
    "asking": (ANY, "asking"),
    "path": ({**ANY, "smtp_sasl_path": "foo"}, "plain"),
    **{"says-" + name: (ANY, name) for name in REFUSING},
}
# What the reference has no plugin for, or what it does otherwise.
OWN_CASES = {
    "xoauth2": (TLS | ANY | maps("token") | {"smtp_sasl_mechanism_filter": "xoauth2"}, "oauth"),
    "oauthbearer": (TLS | ANY | maps("token"), "oauth"),
    "xoauth2-chosen": (TLS | ANY | maps("token") | {"smtp_sasl_mechanism_filter": "xoauth2"}, "token-login"),
    "xoauth2-wrong": (TLS | ANY | {"smtp_sasl_mechanism_filter": "xoauth2"}, "oauth"),
    "oauthbearer-wrong": (TLS | ANY, "oauth"),
    "oauthbearer-forbidden": (TLS, "oauth"),
    "endless": ({}, "endless"),
    "early": ({}, "early"),
}
HEARD = {
    "xoauth2": ("sent", ["AUTH XOAUTH2 {response}", "-- XOAUTH2 user=joe: 235"]),
    "oauthbearer": ("sent", ["AUTH OAUTHBEARER {response}", "-- OAUTHBEARER n,a=joe,: 235"]),
    "xoauth2-chosen": ("sent", ["AUTH XOAUTH2 {response}", "-- XOAUTH2 user=joe: 235"]),
    "xoauth2-wrong": ("SASL authentication failed; server %s said: 535 5.7.8 ", ["AUTH XOAUTH2 {response}", "-- XOAUTH2 : 535"]),
    "oauthbearer-wrong": ("SASL authentication failed; server %s said: 535 5.7.8 ", ["AUTH OAUTHBEARER {response}", "-- OAUTHBEARER : 535"]),
    "oauthbearer-forbidden": ("SASL authentication failed; cannot authenticate to server %s: no mechanism available", []),
    "endless": ("SASL authentication failed; cannot authenticate to server %s: authentication failure", ["AUTH SCRAM-SHA-1 {response}"]),
    "early": ("SASL authentication failed; cannot authenticate to server %s: authentication failure", ["AUTH SCRAM-SHA-256 {response}"]),
}
# Settings with which nothing can be done.
BAD = {
    "filter-lookup": {**ANY, "smtp_sasl_mechanism_filter": "fail:x"},
    "type": {**ANY, "smtp_sasl_type": "foo"},
    "no-maps": {**ANY, "smtp_sasl_password_maps": ""},
    "bad-options": {"smtp_sasl_security_options": "foo"},
}
LMTP = {
    "all": {"lmtp_sasl_security_options": "noanonymous", "lmtp_send_dummy_mail_auth": "yes", "lmtp_sasl_type": "cyrus", "lmtp_sasl_path": "foo"},
    "filtered": {"lmtp_sasl_mechanism_filter": "scram-sha-1"},
    "wrong": {"lmtp_sasl_password_maps": "texthash:/etc/postfix/passwords-wrong", "lmtp_sasl_auth_soft_bounce": "no"},
    "closing": {},
    "sender": {"lmtp_sasl_password_maps": "texthash:/etc/postfix/passwords-sender", "lmtp_sender_dependent_authentication": "yes"},
    "delimiter": {"lmtp_sasl_password_maps": "texthash:/etc/postfix/passwords-delimiter", "lmtp_sasl_password_result_delimiter": "|"},
    "tls": {"lmtp_tls_security_level": "encrypt", "lmtp_sasl_tls_security_options": "noanonymous"},
    "verified": {"lmtp_tls_security_level": "secure", "lmtp_tls_secure_cert_match": "mail.example.test", "lmtp_tls_CAfile": tls.DIRECTORY + "/ca.pem",
                 "lmtp_sasl_tls_security_options": "noanonymous, nodictionary", "lmtp_sasl_tls_verified_security_options": "noanonymous"},
}
LMTP_SERVERS = {"closing": "lmtp-closing", "tls": "lmtp-tls", "verified": "lmtp-tls"}
LMTP_SASL = {"lmtp_sasl_auth_enable": "yes", "lmtp_sasl_password_maps": "texthash:/etc/postfix/passwords-right"}
SASL = {"smtp_sasl_auth_enable": "yes", **maps("right")}
GOOD = "%s:%s" % (USER, PASSWORD)


def transport(name, settings, program="smtp"):
    return "%s unix - - y - - %s" % (name, program) + "".join("\n  -o { %s = %s }" % setting for setting in settings.items())


@pytest.fixture(scope="module")
def suite(servers):
    c = certificates()
    cases = {**CASES, **OWN_CASES, **{name: (settings, "plain") for name, settings in BAD.items()}}
    routes = {name + ".example": ("t-" + name, server) for name, (_, server) in cases.items()}
    routes.update({"l-%s.example" % name: ("l-" + name, LMTP_SERVERS.get(name, "lmtp")) for name in LMTP})
    ports = sorted({server.address[1] for server in servers.values()})
    by_nexthop = lambda text: "".join("[127.0.0.1]:%d %s\n" % (port, text) for port in ports)
    passwords = {"right": by_nexthop(GOOD), "wrong": by_nexthop(USER + ":wrong"), "bare": by_nexthop(USER), "empty": by_nexthop(USER + ":"),
                 "delimiter": by_nexthop(GOOD.replace(":", "|")), "elsewhere": "[127.0.0.2] " + GOOD + "\n", "host": "127.0.0.1 " + GOOD + "\n",
                 "sender": "joe@example.net " + GOOD + "\n" + by_nexthop(USER + ":wrong"), "token": by_nexthop(USER + ":" + TOKEN),
                 "other-sender": "ann@example.net x:y\n" + by_nexthop(GOOD)}
    files = {**c.files(), **{"/etc/postfix/passwords-" + name: text for name, text in passwords.items()},
             "/etc/postfix/transport": "".join("%s %s:[127.0.0.1]:%d\n" % (domain, via, servers[server].address[1])
                                               for domain, (via, server) in routes.items())}
    master = [transport("t-" + name, {**SASL, **settings}) for name, (settings, _) in cases.items()]
    master += [transport("l-" + name, {**LMTP_SASL, **settings}, "lmtp") for name, settings in LMTP.items()]
    with make(main_cf={"transport_maps": "texthash:/etc/postfix/transport", "smtp_connection_cache_on_demand": "no", "notify_classes": ""},
              master=master, files=files) as s:
        yield s


def tell(suite, server, queue_id, since, begun):
    """What the client's log says of the message, and what the server heard."""
    suite.wait_log(r"%s: to=<x@\S+>, .*" % queue_id, since=since)
    server.ended()
    lines = [masks.mask(line).removeprefix("mail ") for line in suite.log(since).splitlines()]
    # Not what becomes of the notice where a message bounces.
    lines = [line for line in lines if re.match(r"postfix/[sl]mtp\[", line) and "to=<joe@example.net>" not in line]
    heard = ["; ".join(re.sub(r"SIZE=\d+", "SIZE={n}", line) for line in session) for session in server.sessions[begun:]]
    return tls.mask("\n".join(lines)) + "\n\n" + "\n".join(heard) + "\n"


def attempt(suite, server, name):
    since, begun = suite.log_size(), len(server.sessions)
    queue_id = send(suite, "joe@example.net", "x@%s.example" % name)
    told = tell(suite, server, queue_id, since, begun)
    suite.run("postsuper", "-d", queue_id)
    return told


@pytest.mark.parametrize("name", CASES)
def test_login(suite, servers, name):
    golden("smtp_sasl_" + name, attempt(suite, servers[CASES[name][1]], name))


@pytest.mark.parametrize("name", LMTP)
def test_lmtp(suite, servers, name):
    golden("smtp_sasl_lmtp_" + name, attempt(suite, servers[LMTP_SERVERS.get(name, "lmtp")], "l-" + name))


@pytest.mark.parametrize("name", BAD)
def test_bad_settings(suite, servers, name):
    """Nothing is sent without a login where one is wanted."""
    since, begun = suite.log_size(), len(servers["plain"].sessions)
    queue_id = send(suite, "joe@example.net", "x@%s.example" % name)
    suite.wait_log(r"smtp\[\d+\]: fatal: |%s: to=<.*status=deferred" % queue_id, since=since)
    suite.run("postsuper", "-d", queue_id)
    assert not [line for session in servers["plain"].sessions[begun:] for line in session if line.startswith("MAIL")]


@pytest.mark.extension("Debian's packages have no plugin for tokens; the reference hashes as often as the server says, and does not want its proof")
@pytest.mark.parametrize("name", OWN_CASES)
def test_own(suite, servers, name):
    server = servers[OWN_CASES[name][1]]
    begun = len(server.sessions)
    told = attempt(suite, server, name)
    status, wanted = HEARD[name]
    assert "status=sent" in told if status == "sent" else "status=deferred (" + status % "127.0.0.1[127.0.0.1]" in told
    heard = [re.sub(r"(AUTH SCRAM\S+) \S{20,}", r"\1 {response}", line) for line in server.sessions[begun]]
    logins = [line for line in heard if line.startswith(("AUTH", "-- ")) and "TLS" not in line]
    assert logins[:len(wanted)] == wanted and (status == "sent") == any(line.startswith("MAIL") for line in heard)


KEYS = {
    "host": ("joe@example.net", {}),
    "sender": ("joe@example.net", {"smtp_sender_dependent_authentication": "yes"}),
    "extension": ("Joe+x@Sub.Example.net", {"smtp_sender_dependent_authentication": "yes", "recipient_delimiter": "+"}),
    "null": ("", {"smtp_sender_dependent_authentication": "yes"}),
    "own-domain": ("joe@example.test", {"smtp_sender_dependent_authentication": "yes", "myorigin": "example.test"}),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys(servers, name):
    """What the table is asked for, and in which order."""
    sender, settings = KEYS[name]
    with LookupServer("netstrings", lambda request: netstring(b"NOTFOUND ")) as passwords:
        main = {"relayhost": servers["plain"].nexthop, "smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous",
                "smtp_sasl_password_maps": "socketmap:inet:127.0.0.1:%d:p" % passwords.port, **settings}
        with make(main_cf=main) as suite:
            since = suite.log_size()
            send(suite, sender, "x@remote.example")
            suite.wait_log(r"to=<x@remote.example>, .*status=sent", since=since)
        keys = "".join(request.decode() + "\n" for request in passwords.requests)
        golden("smtp_sasl_keys_" + name, keys.replace(":%d" % servers["plain"].address[1], ":PORT"))


SATELLITE = {"smtp_tls_security_level": "secure", "smtp_tls_secure_cert_match": "mail.example.test", "smtp_sasl_auth_enable": "yes",
             "smtp_sasl_password_maps": "texthash:/etc/postfix/passwords", "smtp_sasl_tls_security_options": "noanonymous"}


@pytest.mark.parametrize("what", ["right", "wrong-password", "wrong-certificate"])
def test_satellite(servers, what):
    """All mail goes by a smarthost that wants TLS and a login. What is wrong makes mail wait, and mailq says why."""
    relay = servers["tls"].nexthop
    password = "wrong" if what == "wrong-password" else PASSWORD
    main = {**SATELLITE, "relayhost": relay, "smtp_tls_CAfile": tls.DIRECTORY + ("/self.pem" if what == "wrong-certificate" else "/ca.pem"),
            "notify_classes": "resource, software, protocol"}
    with make(main_cf=main, files={**certificates().files(), "/etc/postfix/passwords": "%s %s:%s\n" % (relay, USER, password)}) as suite:
        suite.sh("chmod 600 /etc/postfix/passwords")
        since, begun, taken = suite.log_size(), len(servers["tls"].sessions), len(servers["tls"].messages)
        send(suite, "joe@example.net", "x@remote.example")
        status = suite.wait_log(r"to=<x@remote.example>, .*status=(\w+) \((.*)\)", since=since)[0]
        listing = suite.sh("postqueue -p")
        if what == "right":
            assert status.group(1) == "sent" and len(servers["tls"].messages) == taken + 1
            return
        assert status.group(1) == "deferred"
        why = {"wrong-password": r"SASL authentication failed; server 127\.0\.0\.1\[127\.0\.0\.1\] said: 535 5\.7\.8 Error: authentication failed",
               "wrong-certificate": "Server certificate not verified"}[what]
        assert re.fullmatch(why, status.group(2))
        assert re.search(r"\(" + why + r"\)", re.sub(r"\n\s+", " ", listing))
        assert len(servers["tls"].messages) == taken
        servers["tls"].ended()
        if what == "wrong-certificate":
            assert not [line for session in servers["tls"].sessions[begun:] for line in session if line.startswith(("AUTH", "MAIL"))]


def test_one_session_one_login(suite_of_senders):
    """What was sent as one is never sent in a session of another, however busy the next hop is."""
    suite, server = suite_of_senders
    for n in range(12):
        send(suite, ("joe@example.net", "ann@example.net")[n % 2], "x%d@remote.example" % n)
    server.wait(12)
    suite.wait_log(r"to=<x\d+@remote\.example>, .*status=sent", count=12)
    for session in server.ended():
        logins = {line.split()[2].rstrip(":") for line in session if line.startswith("-- LOGIN")}
        senders = {re.match(r"MAIL FROM:<(\w+)@", line)[1] for line in session if line.startswith("MAIL")}
        assert senders <= logins and len(logins) <= 1


class AnySink(AuthSink):
    """Lets everybody in."""

    def _login(self, first, ask, user):
        user.append((ask(b"Username:") if first is None else first).decode())
        ask(b"Password:")


@pytest.fixture
def suite_of_senders():
    with AnySink("LOGIN") as server:
        main = {"relayhost": server.nexthop, "smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous",
                "smtp_sasl_password_maps": "texthash:/etc/postfix/passwords", "smtp_sender_dependent_authentication": "yes",
                "smtp_connection_cache_destinations": server.nexthop}
        with make(main_cf=main, files={"/etc/postfix/passwords": "joe@example.net joe:a\nann@example.net ann:b\n"}) as suite:
            yield suite, server


def test_sessions_are_kept(servers):
    """Without sender_dependent_authentication a login serves many messages."""
    with AnySink("LOGIN") as server:
        main = {"relayhost": server.nexthop, "smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous",
                "smtp_sasl_password_maps": "static:joe:a", "smtp_connection_cache_destinations": "127.0.0.1", "default_destination_concurrency_limit": "1",
                "smtp_connection_cache_time_limit": "30s"}
        with make(main_cf=main) as suite:
            for n in range(3):
                send(suite, "joe@example.net", "x%d@remote.example" % n)
                server.wait(n + 1)
            suite.wait_log(r"to=<x\d+@remote\.example>, .*status=sent", count=3)
            assert len(server.sessions) == 1


@pytest.mark.extension("how transcripts look where passwords are left out is our own promise")
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_no_password_in_transcripts(mechanism):
    """The postmaster is told of a session that went wrong, not of the password; and no log has it."""
    with AuthSink(mechanism, answers={"MAIL": "503 5.5.1 no"}) as server:
        main = {"relayhost": server.nexthop, "smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous", "notify_classes": "protocol",
                "smtp_sasl_password_maps": "texthash:/etc/postfix/passwords", "error_notice_recipient": "alice@example.test", "debug_peer_list": "127.0.0.1"}
        with make(main_cf=main, files={"/etc/postfix/passwords": "%s %s\n" % (server.nexthop, GOOD)}) as suite:
            since = suite.log_size()
            send(suite, "joe@example.net", "x@remote.example")
            suite.wait_log(r"to=<alice@example\.test>, .*status=sent", since=since)
            suite.wait_queue_empty()
            notice = open(suite.mailbox("alice")).read()
            assert "Out: AUTH %s" % mechanism in notice and "In:  235 2.7.0" in notice
            for secret in [PASSWORD, *server.secrets]:
                assert secret and secret not in notice and secret not in suite.log(since)


def test_postconf(suite):
    assert suite.sh("postconf -A") == "cyrus\n"


AUTHZID = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]


@pytest.mark.parametrize("setting", ["yes", "no"])
def test_authorization_identity(setting):
    """send_cyrus_sasl_authzid: for whom one acts is named in the mechanisms that have a place for it."""
    with contextlib.ExitStack() as stack:
        sinks = {name: stack.enter_context(AuthSink(name, authzid=USER.encode() if setting == "yes" else b"")) for name in AUTHZID}
        table = ", ".join("%s.example=smtp:%s" % (name.lower(), sink.nexthop) for name, sink in sinks.items())
        main = {"transport_maps": "inline:{%s}" % table, "smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous",
                "smtp_sasl_password_maps": "texthash:/etc/postfix/passwords", "send_cyrus_sasl_authzid": setting}
        with make(main_cf=main, files={"/etc/postfix/passwords": "127.0.0.1 " + GOOD + "\n"}) as suite:
            for name, sink in sinks.items():
                send(suite, "joe@example.net", "x@%s.example" % name.lower())
                suite.wait_log(r"to=<x@%s\.example>, .*status=sent" % name.lower())


def test_refused_logins_are_remembered():
    """smtp_sasl_auth_cache_name: a server hears a password that it has refused with 535 once. All transports share that; another
    password is tried, and so is the old one when it is long enough ago; a server that does not say 535 is asked each time."""
    cache = "btree:/var/lib/postfix/refused_logins"
    settings = {"smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous", "smtp_sasl_password_maps": "texthash:/etc/postfix/passwords",
                "smtp_sasl_auth_cache_name": "proxy:" + cache, "notify_classes": "", "smtp_connection_cache_on_demand": "no"}
    with AuthSink(answers={"AUTH": ["534 5.7.9 too weak", "454 4.7.0 not now"]}) as server, AuthSink(lmtp=True) as lmtp:
        main = {**settings, "lmtp_sasl_auth_enable": "yes", "lmtp_sasl_security_options": "noanonymous",
                "lmtp_sasl_password_maps": settings["smtp_sasl_password_maps"], "lmtp_sasl_auth_cache_name": settings["smtp_sasl_auth_cache_name"],
                "lmtp_sasl_auth_cache_time": "1h",
                "transport_maps": "inline:{bounced.example=bounced:%s, l.example=lmtp:inet:127.0.0.1:%d}" % (server.nexthop, lmtp.address[1]),
                "relayhost": server.nexthop}
        master = [transport("bounced", {"smtp_sasl_auth_soft_bounce": "no"})]
        with make(main_cf=main, master=master, files={"/etc/postfix/passwords": "127.0.0.1 %s:wrong\n" % USER}) as suite:
            def attempt(to):
                since = suite.log_size()
                send(suite, "joe@example.test", to)
                line = suite.wait_log(r"<%s>, relay=.*, dsn=(\S+), status=(\w+) \((.*)\)" % to, since=since)[0]
                return "%s %s %s" % line.groups()
            said = "SASL authentication failed; server 127.0.0.1[127.0.0.1] said: "
            remembered = "SASL [CACHED] authentication failed; server 127.0.0.1 said: 535 5.7.8 Error: authentication failed"
            assert attempt("x@remote.example") == "4.7.9 deferred %s534 5.7.9 too weak" % said
            assert attempt("x@remote.example") == "4.7.0 deferred %s454 4.7.0 not now" % said
            assert attempt("x@remote.example") == "4.7.8 deferred %s535 5.7.8 Error: authentication failed" % said
            asked = len(server.secrets)
            assert asked == 3
            assert attempt("x@remote.example") == "4.7.8 deferred " + remembered
            assert attempt("x@bounced.example") == "5.7.8 bounced " + remembered
            assert attempt("x@l.example") == "4.7.8 deferred " + remembered
            assert len(server.secrets) == asked and not lmtp.secrets
            # It is known after a restart, and the table has no password in it.
            suite.sh("postfix stop")
            key, value = suite.sh("postmap -s " + cache).strip().split("\t")
            assert key == "127.0.0.1;" + USER
            assert re.fullmatch(r"\d+;pLSKgc2rHhpd03kH1shcocYd3Hw=;5\.7\.8;535 5\.7\.8 Error: authentication failed", value)
            suite.sh("postsuper -d ALL; postfix start")
            assert attempt("x@remote.example") == "4.7.8 deferred " + remembered
            # When it is too long ago the server is asked.
            suite.sh("postfix stop; postsuper -d ALL; postconf -e smtp_sasl_auth_cache_time=1h; echo '%s %s' | postmap -r -i %s; postfix start"
                     % (key, re.sub(r"^\d+", "1000", value), cache))
            assert attempt("x@remote.example") == "4.7.8 deferred %s535 5.7.8 Error: authentication failed" % said
            assert attempt("x@remote.example") == "4.7.8 deferred " + remembered
            suite.sh("echo '127.0.0.1 %s' > /etc/postfix/passwords; postfix stop; postfix start" % GOOD)
            assert attempt("x@remote.example") == "2.0.0 sent 250 2.0.0 Ok: taken"


def test_refused_logins_need_a_proxy():
    """Processes that are many cannot share a file."""
    main = {"relayhost": "[127.0.0.1]:1", "smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "static:a:b",
            "smtp_sasl_auth_cache_name": "btree:/var/lib/postfix/refused_logins"}
    with make(main_cf=main) as suite:
        send(suite, "joe@example.test", "x@remote.example")
        suite.wait_log(r'smtp\[\d+\]: fatal: .*"btree:/var/lib/postfix/refused_logins" must start with "proxy:')
