"""TLS of smtp(8) and lmtp(8) towards the next hop: which level does what with which server, what the log says, and what mail waits
for. Each case is a transport with its settings in master.cf, and a domain that is routed to it and to one of the servers."""
import re
import ssl

import pytest

from suite import make, tls
from suite.golden import golden
from suite.smtp import Sink, send
from suite.tls import certificates, server_context

pytestmark = pytest.mark.root

D = tls.DIRECTORY
CA = {"smtp_tls_CAfile": D + "/ca.pem"}
CLIENT = {"smtp_tls_cert_file": D + "/client.pem", "smtp_tls_key_file": D + "/client.key"}
TLS12 = ssl.TLSVersion.TLSv1_2


class Breaking(Sink):
    """A server that says 220 to STARTTLS, and then something that is no handshake: as its part of one, or (`at_once`) before."""

    def __init__(self, says, at_once=False):
        self.says, self.at_once = says, at_once
        super().__init__(tls=server_context())

    def _begin_tls(self, connection, lines):
        if self.says is None:
            while connection.recv(1 << 16):
                pass
            raise OSError("the client has waited long enough")
        if not self.at_once:
            connection.recv(1 << 16)
        connection.sendall(self.says)
        raise OSError("closed on purpose")


@pytest.fixture(scope="module")
def servers():
    kinds = {
        "good": Sink(tls=server_context()),
        "asking": Sink(tls=server_context(asks=True)),
        "self": Sink(tls=server_context("self")),
        "plain": Sink(),
        "refusing": Sink(tls=server_context(), answers={"STARTTLS": "454 4.7.0 not now"}),
        "rejecting": Sink(tls=server_context(), answers={"STARTTLS": "554 5.7.0 never"}),
        "breaking": Breaking(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        "injecting": Breaking(b"250 2.0.0 Ok\r\n", at_once=True),
        "silent": Breaking(None),
        "wrapped": Sink(tls=server_context(), wrapped=True),
        "old": Sink(tls=server_context(highest=TLS12)),
        "wild": Sink(tls=server_context("wild")),
        "lmtp": Sink(tls=server_context(asks=True), lmtp=True),
        "lmtp-wrapped": Sink(tls=server_context(), lmtp=True, wrapped=True),
    }
    yield kinds
    for each in kinds.values():
        each.close()


def filled(text):
    """With the fingerprints in the places of "{server key}" and the like."""
    return re.sub(r"\{(\w+) (certificate|key)\}", lambda m: certificates().fingerprint(*m.groups()), text)


def level(name, **more):
    return {"smtp_tls_security_level": name, "smtp_tls_loglevel": "1", **more}


def policy(text):
    return {"smtp_tls_loglevel": "1", "smtp_tls_policy_maps": "texthash:/etc/postfix/%s" % text}


# name: (settings, the server).
CASES = {
    "none": (level("none"), "good"),
    "note": (level("none", smtp_tls_note_starttls_offer="yes"), "good"),
    "may": (level("may"), "good"),
    "may-quiet": ({"smtp_tls_security_level": "may"}, "good"),
    "may-trusted": (level("may", **CA), "good"),
    "may-ca-path": (level("may", smtp_tls_CApath=D), "good"),
    "may-self": (level("may", **CA), "self"),
    "may-plain": (level("may"), "plain"),
    "may-refusing": (level("may"), "refusing"),
    "may-breaking": (level("may"), "breaking"),
    "may-silent": (level("may", smtp_starttls_timeout="1s"), "silent"),
    "may-discarded": (level("may", smtp_discard_ehlo_keywords="starttls"), "good"),
    "use": ({"smtp_tls_security_level": "", "smtp_use_tls": "yes", "smtp_tls_loglevel": "1"}, "good"),
    "enforce": ({"smtp_tls_security_level": "", "smtp_enforce_tls": "yes", "smtp_tls_loglevel": "1", **CA}, "good"),
    "enforce-any-name": ({"smtp_tls_security_level": "", "smtp_enforce_tls": "yes", "smtp_tls_enforce_peername": "no", "smtp_tls_loglevel": "1"}, "self"),
    "encrypt": (level("encrypt"), "good"),
    "encrypt-plain": (level("encrypt"), "plain"),
    "encrypt-refusing": (level("encrypt"), "refusing"),
    "encrypt-rejecting": (level("encrypt"), "rejecting"),
    "encrypt-breaking": (level("encrypt"), "breaking"),
    "encrypt-discarded": (level("encrypt", smtp_discard_ehlo_keywords="starttls"), "good"),
    "verify": (level("verify", **CA), "good"),
    "verify-self": (level("verify", **CA), "self"),
    "verify-named": (level("verify", smtp_tls_verify_cert_match="mail.example.test", **CA), "good"),
    "verify-other": (level("verify", smtp_tls_verify_cert_match="other.example.test", **CA), "good"),
    "secure-below": (level("secure", smtp_tls_secure_cert_match=".example.test", **CA), "good"),
    "secure-nexthop": (level("secure", **CA), "good"),
    "fingerprint": (level("fingerprint", smtp_tls_fingerprint_cert_match="{server certificate}"), "good"),
    "fingerprint-key": (level("fingerprint", smtp_tls_fingerprint_cert_match="{server key}"), "good"),
    "fingerprint-other": (level("fingerprint", smtp_tls_fingerprint_cert_match="{client certificate}"), "good"),
    "fingerprint-none": (level("fingerprint"), "good"),
    "client": (level("may", **CLIENT), "asking"),
    "client-chain": (level("may", smtp_tls_chain_files=D + "/chain.pem"), "asking"),
    "client-ec": (level("may", smtp_tls_eccert_file=D + "/ec.pem", smtp_tls_eckey_file=D + "/ec.key"), "asking"),
    "client-unasked": (level("may", **CLIENT), "good"),
    "client-wrong-key": (level("may", smtp_tls_cert_file=D + "/client.pem", smtp_tls_key_file=D + "/server.key"), "asking"),
    "client-wrong-dsa": (level("may", smtp_tls_dcert_file=D + "/client.pem", smtp_tls_dkey_file=D + "/server.key"), "plain"),
    "encrypt-wrong-key": (level("encrypt", smtp_tls_cert_file=D + "/client.pem", smtp_tls_key_file=D + "/server.key"), "asking"),
    "wrapped": (level("encrypt", smtp_tls_wrappermode="yes"), "wrapped"),
    "wrapped-may": (level("may", smtp_tls_wrappermode="yes"), "wrapped"),
    "protocols": (level("may", smtp_tls_protocols="TLSv1.2"), "good"),
    "protocols-none": (level("may", smtp_tls_protocols=">=TLSv1.3"), "old"),
    "protocols-bad": (level("may", smtp_tls_protocols="foo"), "good"),
    "mandatory-protocols": (level("encrypt", smtp_tls_mandatory_protocols=">=TLSv1.3"), "old"),
    "ciphers": (level("may", smtp_tls_ciphers="high", smtp_tls_exclude_ciphers="AES256 CHACHA20"), "old"),
    "ciphers-bad": (level("may", smtp_tls_ciphers="foo"), "good"),
    "mandatory-ciphers": (level("encrypt", smtp_tls_mandatory_ciphers="high", smtp_tls_mandatory_exclude_ciphers="AES256, kEECDH"), "old"),
    "depth-0": (level("verify", smtp_tls_scert_verifydepth="0", smtp_tls_verify_cert_match="mail.example.test", **CA), "good"),
    "digest-bad": (level("may", smtp_tls_fingerprint_digest="foo"), "good"),
    "server-name": (level("may", smtp_tls_servername="mx.example.com"), "good"),
    "server-name-host": (level("may", smtp_tls_servername="hostname"), "good"),
    "wildcard": (level("verify", smtp_tls_verify_cert_match="a.b.example.test", **CA), "wild"),
    "wildcard-one": (level("verify", smtp_tls_verify_cert_match="a.b.example.test", tls_wildcard_matches_multiple_labels="no", **CA), "wild"),
    "policy-none": ({**policy("none"), "smtp_tls_security_level": "encrypt"}, "good"),
    "policy-secure": ({**policy("secure"), **CA}, "good"),
    "policy-bad-level": (policy("bad-level"), "good"),
    "policy-bad-attribute": (policy("bad-attribute"), "good"),
    "policy-bad-match": (policy("bad-match"), "good"),
    "policy-fingerprint": (policy("fingerprint"), "good"),
    "policy-lookup": ({"smtp_tls_policy_maps": "fail:x", "smtp_tls_security_level": "may"}, "good"),
}
POLICIES = {
    "none": "none",
    "secure": "secure match=mail.example.test:foo ciphers=high protocols=TLSv1.2 servername=x.example exclude=AES256",
    "bad-level": "foo",
    "bad-attribute": "secure foo=bar",
    "bad-match": "may match=x",
    "fingerprint": "fingerprint match={client certificate}|{server certificate}",
}
OTHERS = {"injected": level("may"), "bad-level": level("foo")}
STS = "static:{secure match=mail.example.test policy_type=sts policy_domain=a.example mx_host_pattern=b.example}"
# The same by its names for LMTP.
LMTP = {
    "secure": {"lmtp_tls_security_level": "secure", "lmtp_tls_secure_cert_match": "mail.example.test", "lmtp_tls_CAfile": D + "/ca.pem",
               "lmtp_tls_mandatory_protocols": "TLSv1.2", "lmtp_tls_mandatory_ciphers": "high", "lmtp_tls_mandatory_exclude_ciphers": "AES256",
               "lmtp_tls_exclude_ciphers": "CHACHA20", "lmtp_tls_servername": "x.example", "lmtp_starttls_timeout": "10s",
               "lmtp_tls_cert_file": D + "/client.pem", "lmtp_tls_key_file": D + "/client.key"},
    "verify": {"lmtp_tls_security_level": "verify", "lmtp_tls_verify_cert_match": "mail.example.test", "lmtp_tls_CApath": D,
               "lmtp_tls_scert_verifydepth": "1", "lmtp_tls_chain_files": D + "/chain.pem"},
    "fingerprint": {"lmtp_tls_security_level": "fingerprint", "lmtp_tls_fingerprint_cert_match": "{server key}", "lmtp_tls_fingerprint_digest": "sha256",
                    "lmtp_tls_eccert_file": D + "/ec.pem", "lmtp_tls_eckey_file": D + "/ec.key"},
    "may": {"lmtp_tls_security_level": "may", "lmtp_tls_protocols": "TLSv1.2", "lmtp_tls_ciphers": "high", "lmtp_tls_exclude_ciphers": "AES256 CHACHA20"},
    "wrong-dsa": {"lmtp_tls_security_level": "encrypt", "lmtp_tls_dcert_file": D + "/client.pem", "lmtp_tls_dkey_file": D + "/server.key"},
    "none": {"lmtp_tls_security_level": "none", "lmtp_tls_note_starttls_offer": "yes"},
    "use": {"lmtp_use_tls": "yes"},
    "enforce": {"lmtp_enforce_tls": "yes", "lmtp_tls_enforce_peername": "no"},
    "policy": {"lmtp_tls_policy_maps": "texthash:/etc/postfix/lmtp-policy"},
    "wrapped": {"lmtp_tls_security_level": "encrypt", "lmtp_tls_wrappermode": "yes"},
    "anchor": {"lmtp_tls_security_level": "secure", "lmtp_tls_secure_cert_match": "mail.example.test", "lmtp_tls_trust_anchor_file": D + "/ca.pem"},
    "site": {"lmtp_tls_per_site": "static:MUST_NOPEERMATCH"},
    "sts": {"lmtp_tls_policy_maps": STS, "lmtp_tls_CAfile": D + "/ca.pem"},
    "sts-unenforced": {"lmtp_tls_policy_maps": STS, "lmtp_tls_CAfile": D + "/ca.pem", "lmtp_tls_enforce_sts_mx_patterns": "no"},
}


def transport(name, settings, program="smtp"):
    return "%s unix - - y - - %s" % (name, program) + "".join("\n  -o { %s = %s }" % (name, filled(value)) for name, value in settings.items())


@pytest.fixture(scope="module")
def suite(servers):
    c = certificates()
    routes = {"%s.example" % name: ("t-" + name, server) for name, (_, server) in CASES.items()}
    routes.update({"injected.example": ("t-injected", "injecting"), "bad-level.example": ("t-bad-level", "good")})
    routes.update({"l-%s.example" % name: ("l-" + name, "lmtp-wrapped" if name == "wrapped" else "lmtp") for name in LMTP})
    files = {**c.files(), D + "/chain.pem": c.text("client.key", "client.pem", "ca.pem"),
             "/var/spool/postfix%s/ca.pem" % D: c.text("ca.pem"),
             "/var/spool/postfix%s/%s.0" % (D, c.subject_hash("ca")): c.text("ca.pem"),
             "/etc/postfix/transport": "".join("%s %s:[127.0.0.1]:%d\n" % (domain, via, servers[server].address[1]) for domain, (via, server) in routes.items()),
             **{"/etc/postfix/" + name: "[127.0.0.1]:%d %s\n" % (servers["good"].address[1], filled(text)) for name, text in POLICIES.items()},
             "/etc/postfix/lmtp-policy": "[127.0.0.1]:%d encrypt protocols=TLSv1.2\n" % servers["lmtp"].address[1]}
    master = [transport("t-" + name, settings) for name, (settings, _) in CASES.items()]
    master += [transport("t-" + name, settings) for name, settings in OTHERS.items()]
    master += [transport("l-" + name, {"lmtp_tls_loglevel": "1", **settings}, "lmtp") for name, settings in LMTP.items()]
    with make(main_cf={"transport_maps": "texthash:/etc/postfix/transport", "smtp_connection_cache_on_demand": "no", "notify_classes": ""},
              master=master, files=files) as s:
        yield s


def attempt(suite, servers, name, server):
    since, begun = suite.log_size(), len(servers[server].sessions)
    queue_id = send(suite, "joe@example.net", "x@%s.example" % name)
    told = tls.story(suite, servers[server], queue_id, since, begun)
    return queue_id, told


@pytest.mark.parametrize("name", CASES)
def test_delivery(suite, servers, name):
    queue_id, told = attempt(suite, servers, name, CASES[name][1])
    suite.run("postsuper", "-d", queue_id)
    golden("smtp_tls_" + name, told)


@pytest.mark.parametrize("name", ["may", "encrypt"])
def test_plaintext_for_old_mail(servers, name):
    """A handshake that fails is tried again; mail that has waited for minimal_backoff_time goes without TLS, if it may."""
    settings = {"relayhost": "[127.0.0.1]:%d" % servers["old"].address[1], "smtp_tls_security_level": name, "smtp_tls_protocols": ">=TLSv1.3",
                "smtp_tls_mandatory_protocols": ">=TLSv1.3", "minimal_backoff_time": "2s", "maximal_backoff_time": "2s", "queue_run_delay": "1s"}
    with make(main_cf=settings) as suite:
        since, begun = suite.log_size(), len(servers["old"].sessions)
        queue_id = send(suite, "joe@example.net", "x@remote.example")
        suite.wait_log(r"%s: to=<x@\S+>, .*" % queue_id, count=2, since=since)
        golden("smtp_tls_plaintext_" + name, tls.story(suite, servers["old"], queue_id, since, begun).replace(queue_id, "{qid}"))


def test_injected_reply(suite, servers):
    """What comes before the handshake is never taken for a reply under TLS."""
    queue_id, told = attempt(suite, servers, "injected", "injecting")
    suite.run("postsuper", "-d", queue_id)
    assert "status=deferred (Cannot start TLS: handshake failure)" in told
    assert "MAIL" not in told.split("\n\n")[1]


@pytest.mark.parametrize("name", LMTP)
def test_lmtp(suite, servers, name):
    queue_id, told = attempt(suite, servers, "l-" + name, "lmtp-wrapped" if name == "wrapped" else "lmtp")
    suite.run("postsuper", "-d", queue_id)
    golden("smtp_tls_lmtp_" + name, told)


def test_bad_level(suite, servers):
    since = suite.log_size()
    queue_id = send(suite, "joe@example.net", "x@bad-level.example")
    assert suite.wait_log(r"smtp\[\d+\]: (fatal: .*)$", since=since)[0].group(1) == 'fatal: Invalid TLS level "foo"'
    suite.run("postsuper", "-d", queue_id)
