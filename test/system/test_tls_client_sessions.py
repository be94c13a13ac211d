"""TLS sessions that smtp(8) and lmtp(8) resume: with which server, for which destination, and after which changes not. Each case is a
transport with its settings in master.cf, and a domain that is routed to it. And connections with TLS that serve several messages."""
import re
import ssl

import pytest

from suite import make, masks, tls
from suite.smtp import Sink, send
from suite.tls import certificates, server_context

pytestmark = pytest.mark.root

D = tls.DIRECTORY
CACHES = {"smtp_tls_session_cache_database": "btree:${data_directory}/smtp_scache", "lmtp_tls_session_cache_database": "btree:${data_directory}/lmtp_scache"}
MAIN = {**CACHES, "transport_maps": "texthash:/etc/postfix/transport", "smtp_connection_cache_on_demand": "no", "notify_classes": "",
        "smtp_tls_CAfile": D + "/ca.pem", "lmtp_tls_CAfile": D + "/ca.pem"}


class Resuming(Sink):
    """Notes of each handshake whether a session was resumed."""

    def __init__(self, **options):
        self.resumed = []
        super().__init__(**options)

    def _begin_tls(self, connection, lines):
        wrapped = self.tls.wrap_socket(connection, server_side=True)
        with self.changed:
            self.resumed.append(wrapped.session_reused)
            lines.append("-- " + wrapped.version())
        return wrapped.makefile("rb"), wrapped.makefile("wb", buffering=0)


@pytest.fixture(scope="module")
def servers():
    kinds = {"new": Resuming(tls=server_context()), "old": Resuming(tls=server_context(highest=ssl.TLSVersion.TLSv1_2)),
             "self": Resuming(tls=server_context("self")), "lmtp": Resuming(tls=server_context(), lmtp=True),
             "wrapped": Resuming(tls=server_context(), wrapped=True)}
    yield kinds
    for each in kinds.values():
        each.close()


def level(name, **more):
    return {"smtp_tls_security_level": name, "smtp_tls_loglevel": "1", **more}


NAMED = {"smtp_tls_verify_cert_match": "mail.example.test", "smtp_tls_secure_cert_match": "mail.example.test"}
# name: (settings, the server). Each destination is of its own: what the next has is in another session.
TRANSPORTS = {
    "may": (level("may"), "new"),
    "may-old": (level("may"), "old"),
    "may-self": (level("may"), "self"),
    "loud": (level("may", smtp_tls_loglevel="2"), "new"),
    "encrypt": (level("encrypt"), "new"),
    "verify": (level("verify", **NAMED), "new"),
    "secure": (level("secure", **NAMED), "old"),
    "fingerprint": (level("fingerprint", smtp_tls_fingerprint_cert_match="{server}"), "new"),
    "wrapped": (level("encrypt", smtp_tls_wrappermode="yes"), "wrapped"),
}


def line(name, settings, program="smtp"):
    return "%s unix - - y - - %s %s" % (name, program, " ".join("-o { %s = %s }" % pair for pair in settings.items()))


@pytest.fixture(scope="module")
def suite(servers):
    routes = {name + ".example": ("t-" + name, server) for name, (_, server) in TRANSPORTS.items()}
    routes["lmtp.example"] = ("t-lmtp", "lmtp")
    fingerprint = certificates().fingerprint("server", "certificate")
    master = [line("t-" + name, {k: v.replace("{server}", fingerprint) for k, v in settings.items()}) for name, (settings, _) in TRANSPORTS.items()]
    master.append(line("t-lmtp", {"lmtp_tls_security_level": "encrypt", "lmtp_tls_loglevel": "1"}, "lmtp"))
    transport = "".join("%s %s:%s\n" % (domain, via, servers[server].nexthop) for domain, (via, server) in routes.items())
    with make(main_cf=MAIN, master=master, files={**certificates().files(), "/etc/postfix/transport": transport}) as s:
        yield s


def deliver(suite, server, recipient):
    """Whether the session was resumed, and what the client's log says of TLS."""
    since, before = suite.log_size(), len(server.resumed)
    queue_id = send(suite, "joe@example.net", recipient)
    suite.wait_log(queue_id + r": to=<\S+>, .*status=sent", since=since)
    suite.wait_removed(queue_id)
    server.ended()
    told = [re.sub(r"^.*?: ", "", masks.mask(each)) for each in suite.log(since).splitlines() if re.search(r"[sl]mtp\[\d+\]: .*(TLS|Reusing)", each)]
    return server.resumed[before:], tls.mask("\n".join(told))


@pytest.mark.parametrize("name", TRANSPORTS)
def test_again(suite, servers, name):
    server = servers[TRANSPORTS[name][1]]
    first, first_told = deliver(suite, server, "x@%s.example" % name)
    second, second_told = deliver(suite, server, "x@%s.example" % name)
    assert (first, second) == ([False], [True])
    verdict = {"may-self": "Untrusted", "verify": "Verified", "secure": "Verified", "fingerprint": "Verified"}.get(name, "Trusted")
    for told in (first_told, second_told):
        assert re.search(r"^%s TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:\S+: TLSv1" % verdict, told, re.M), told
    assert ("Reusing old session" in second_told) == (name == "loud")


def test_lmtp(suite, servers):
    assert [deliver(suite, servers["lmtp"], "x@lmtp.example")[0] for _ in range(2)] == [[False], [True]]


# The first setting of a client, and another under which the session of the first is not to be resumed.
CHANGES = {
    "level": (level("may"), level("encrypt")),
    "trust": (level("encrypt"), level("verify", **NAMED)),
    "match": (level("verify", **NAMED), level("verify", smtp_tls_verify_cert_match="mail.example.test:other.example.test")),
    "authority": (level("may"), level("may", smtp_tls_CAfile="")),
    "protocols": (level("may"), level("may", smtp_tls_protocols=">=TLSv1.2")),
    "ciphers": (level("may"), level("may", smtp_tls_ciphers="high")),
    "exclude": (level("may"), level("may", smtp_tls_exclude_ciphers="AES128")),
    "server-name": (level("may"), level("may", smtp_tls_servername="mail.example.test")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_settings(servers, name):
    """The settings of a transport change; its name, and so the sessions that count for it, do not."""
    server = servers["new"]
    first, second = CHANGES[name]
    with make(main_cf={**MAIN, **first}, files={**certificates().files(), "/etc/postfix/transport": "a.example smtp:%s\n" % server.nexthop}) as suite:
        assert [deliver(suite, server, "x@a.example")[0] for _ in range(2)] == [[False], [True]]
        suite.configure(**second)
        told = deliver(suite, server, "x@a.example")
        assert told[0] == [False], told
        assert deliver(suite, server, "x@a.example")[0] == [True]


@pytest.mark.parametrize("setting", ["smtp_tls_session_cache_database=", "smtp_tls_session_cache_timeout=0", "lmtp_tls_session_cache_timeout=0"])
def test_without_cache(servers, setting):
    program, (name, value) = setting[:4], setting.split("=")
    server = servers["lmtp" if program == "lmtp" else "new"]
    main = {**MAIN, program + "_tls_security_level": "may", name: value}
    files = {**certificates().files(), "/etc/postfix/transport": "a.example %s:%s\n" % (program, server.nexthop)}
    with make(main_cf=main, files=files) as suite:
        assert [deliver(suite, server, "x@a.example")[0] for _ in range(2)] == [[False], [False]]


@pytest.mark.extension
def test_kept_for_a_restart(servers):
    """The sessions are in a file, and may be resumed for smtp_tls_session_cache_timeout; Postfix empties it at the start."""
    files = {**certificates().files(), "/etc/postfix/transport": "a.example smtp:%s\n" % servers["new"].nexthop}
    with make(main_cf={**MAIN, **level("may")}, files=files) as suite:
        assert deliver(suite, servers["new"], "x@a.example")[0] == [False]
        suite.reload()
        assert deliver(suite, servers["new"], "x@a.example")[0] == [True]
        suite.run("postfix", "stop")
        suite.run("postfix", "start")
        assert deliver(suite, servers["new"], "x@a.example")[0] == [True]


KEPT = {"smtp_connection_cache_destinations": "127.0.0.1", "smtp_connection_cache_time_limit": "100s"}
# name: (settings, whether two messages go over one connection).
REUSE = {
    "no": ({**level("encrypt"), **KEPT}, False),
    "yes": ({**level("encrypt"), **KEPT, "smtp_tls_connection_reuse": "yes"}, True),
    "policy-yes": ({**KEPT, "smtp_tls_loglevel": "1", "smtp_tls_policy_maps": "static:{encrypt connection_reuse=yes}"}, True),
    "policy-no": ({**KEPT, "smtp_tls_loglevel": "1", "smtp_tls_connection_reuse": "yes", "smtp_tls_policy_maps": "static:{encrypt connection_reuse=no}"}, False),
    "plaintext": ({**level("none"), **KEPT}, True),
    "not-offered": ({**level("may", smtp_discard_ehlo_keywords="starttls"), **KEPT}, True),
    "lmtp": ({"lmtp_tls_security_level": "encrypt", "lmtp_connection_cache_destinations": "127.0.0.1", "lmtp_connection_cache_time_limit": "100s",
              "lmtp_tls_connection_reuse": "yes"}, True),
}


# Postfix wants a tlsproxy of its own for lmtp.
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.extension if n == "lmtp" else ()) for n in REUSE])
def test_connection_reuse(servers, name):
    settings, is_reused = REUSE[name]
    program, server = ("lmtp", servers["lmtp"]) if name == "lmtp" else ("smtp", servers["new"])
    files = {**certificates().files(), "/etc/postfix/transport": "a.example %s:%s\n" % (program, server.nexthop)}
    with make(main_cf={**MAIN, "connection_cache_ttl_limit": "100s", **settings}, files=files, master=["tlsproxy unix - - y - 0 tlsproxy"]) as suite:
        before = len(server.sessions)
        for _ in range(2):
            queue_id = send(suite, "joe@example.net", "x@a.example")
            suite.wait_removed(queue_id)
        assert "status=sent" in suite.log()
        assert (len(server.sessions) - before == 1) == is_reused
        assert ("conn_use=2" in suite.log()) == is_reused
