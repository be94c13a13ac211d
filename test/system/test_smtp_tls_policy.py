"""What smtp_tls_policy_maps, smtp_tls_trust_anchor_file and the obsolete smtp_tls_per_site say of a destination, beyond its level: trust
anchors, and the attributes of an MTA-STS plugin. Each case is a transport with its settings, and a domain that is routed to it, whose mail
exchangers lead to one server."""
import re
import subprocess

import pytest

from suite import make, tls
from suite.dns import Dns
from suite.golden import golden
from suite.smtp import Sink, send
from suite.tls import certificates, server_context

pytestmark = pytest.mark.root

D = tls.DIRECTORY
MX = "mail.example.test"           # what the server's certificate says
LEVEL = {"smtp_tls_security_level": "verify", "smtp_tls_loglevel": "1"}


def case(policy=None, mx=(MX,), server="good", per_site=None, **settings):
    return {"policy": policy, "mx": mx, "server": server, "per_site": per_site or {}, "settings": {"smtp_tls_loglevel": "1", **settings}}


def sts(more="", match=MX, pattern=MX, level="secure", policy_type="sts", domain="{domain}", **options):
    """As an MTA-STS plugin answers (TLSRPT_README)."""
    text = "%s match=%s servername=hostname policy_type=%s policy_domain=%s { policy_string = version: STSv1 } { policy_string = mode: enforce }"
    text += " mx_host_pattern=%s" if pattern else "%s"
    return case((text + " " + more) % (level, match, policy_type, domain, pattern), smtp_tls_CAfile=D + "/ca.pem", **options)


CASES = {
    # Trust anchors.
    "ta-cert": case("secure match=%s tafile=%s/ca.pem" % (MX, D)),
    "ta-key": case("secure match=%s tafile=%s/ca.pub" % (MX, D)),
    "ta-verify": case("verify match=%s tafile=%s/ca.pem" % (MX, D)),
    "ta-shown": case("secure match=%s tafile=%s/ca.pem" % (MX, D), server="whole"),
    "ta-shown-key": case("secure match=%s tafile=%s/ca.pub" % (MX, D), server="whole"),
    "ta-other": case("secure match=%s tafile=%s/self.pem" % (MX, D)),
    "ta-other-key": case("secure match=%s tafile=%s/other.pub" % (MX, D), server="whole"),
    "ta-leaf": case("secure match=%s tafile=%s/server.pem" % (MX, D)),
    "ta-name": case("secure match=other.example.test tafile=%s/ca.pem" % D),
    "ta-two": case("secure match=%s tafile=%s/self.pem tafile=%s/ca.pem" % (MX, D, D)),
    "ta-both-kinds": case("secure match=%s tafile=%s/both.pem" % (MX, D)),
    "ta-missing": case("secure match=%s tafile=%s/nowhere.pem" % (MX, D)),
    "ta-empty": case("secure match=%s tafile=%s/empty.pem" % (MX, D)),
    "ta-garbage": case("secure match=%s tafile=%s/garbage.pem" % (MX, D)),
    "ta-private": case("secure match=%s tafile=%s/ca.key" % (MX, D)),
    "ta-self": case("secure match=self.example.net tafile=%s/self.pem" % D, server="self"),
    "ta-over-ca": case("secure match=%s tafile=%s/self.pem" % (MX, D), smtp_tls_CAfile=D + "/ca.pem"),
    "ta-leaf-name": case("secure match=other.example.test tafile=%s/server.pem" % D),
    "ta-leaf-key": case("secure match=%s tafile=%s/server.pub" % (MX, D)),
    "ta-level-may": case("may tafile=%s/ca.pem" % D),
    "ta-level-fingerprint": case("fingerprint match=00 tafile=%s/ca.pem" % D),
    "ta-main": case(smtp_tls_security_level="verify", smtp_tls_trust_anchor_file=D + "/ca.pem", smtp_tls_verify_cert_match=MX),
    "ta-main-two": case(smtp_tls_security_level="secure", smtp_tls_trust_anchor_file="%s/self.pem, %s/ca.pem" % (D, D), smtp_tls_secure_cert_match=MX),
    "ta-main-may": case(smtp_tls_security_level="may", smtp_tls_trust_anchor_file=D + "/ca.pem"),
    "ta-main-missing": case(smtp_tls_security_level="may", smtp_tls_trust_anchor_file=D + "/nowhere.pem"),
    "ta-main-missing-secure": case(smtp_tls_security_level="secure", smtp_tls_trust_anchor_file=D + "/nowhere.pem"),
    "ta-main-overruled": case("secure match=%s tafile=%s/ca.pem" % (MX, D), smtp_tls_trust_anchor_file=D + "/self.pem"),
    # The attributes of MTA-STS.
    "sts": sts(),
    "sts-wild": sts(pattern="*.example.test"),
    "sts-other-mx": sts(pattern="other.example"),
    "sts-other-mx-unenforced": sts(pattern="other.example", smtp_tls_enforce_sts_mx_patterns="no"),
    "sts-second-mx": sts(mx=("first.example.test", MX)),
    "sts-other-domain": sts(pattern="other.example", domain="elsewhere.example"),
    "sts-verify": sts(level="verify", match="hostname"),
    "sts-verify-other-mx": sts(level="verify", match="hostname", pattern="other.example"),
    "sts-deeper": sts(pattern="*.test"),
    "sts-upper": sts(pattern="MAIL.Example.TEST"),
    "sts-two-patterns": sts("mx_host_pattern=mail.example.test", pattern="a.example"),
    "sts-host-cert": sts(match=".example.test", pattern="*.example.test", mx=("first.example.test",)),
    "sts-host-cert-unenforced": sts(match=".example.test", pattern="*.example.test", mx=("first.example.test",), smtp_tls_enforce_sts_mx_patterns="no"),
    "sts-no-pattern": sts(pattern=""),
    "sts-failure": sts("policy_failure=sts-policy-fetch-error"),
    "sts-failure-invalid": sts("policy_failure=sts-policy-invalid"),
    "sts-failure-webpki": sts("policy_failure=sts-webpki-invalid"),
    "sts-failure-general": sts("policy_failure=validation-failure"),
    "sts-failure-bad": sts("policy_failure=foo"),
    "sts-match-may": sts(level="may"),
    "sts-failure-may": case("may policy_type=sts policy_domain={domain} policy_failure=sts-policy-fetch-error"),
    "sts-failure-encrypt": case("encrypt policy_type=sts policy_domain={domain} policy_failure=sts-policy-fetch-error"),
    "sts-failure-none-found": sts("policy_failure=sts-policy-fetch-error", policy_type="no-policy-found"),
    "sts-failure-fingerprint": case("fingerprint match={fingerprint} policy_type=sts policy_domain={domain} policy_failure=sts-policy-fetch-error"),
    "sts-bad-type": sts(policy_type="foo"),
    "sts-none-found": case("may policy_type=no-policy-found policy_domain={domain}"),
    "sts-none-found-patterns": sts(policy_type="no-policy-found", pattern="other.example"),
    "sts-ttl": sts("policy_ttl=86400"),
    "sts-ttl-bad": sts("policy_ttl=foo"),
    "sts-no-type": case("secure match=%s mx_host_pattern=other.example" % MX, smtp_tls_CAfile=D + "/ca.pem"),
    "sts-no-type-failure": case("secure match=%s policy_failure=validation-failure" % MX, smtp_tls_CAfile=D + "/ca.pem"),
    "sts-no-domain": case("secure match=%s policy_type=sts mx_host_pattern=%s" % (MX, MX), smtp_tls_CAfile=D + "/ca.pem"),
    "sts-encrypt": sts(level="encrypt", pattern="other.example"),
    "sts-encrypt-match": case("encrypt policy_type=sts policy_domain={domain} mx_host_pattern=other.example"),
    "sts-none": case("none policy_type=sts policy_domain={domain}"),
    "sts-dane": case("dane-only policy_type=sts policy_domain={domain}"),
    "twice": case("secure match=foo match=%s ciphers=medium ciphers=high servername=a servername=b" % MX, smtp_tls_CAfile=D + "/ca.pem"),
    "value-empty": case("secure match= ciphers=high", smtp_tls_CAfile=D + "/ca.pem"),
    "reuse-bad": case("may connection_reuse=foo"),
    "rpk-bad": case("may enable_rpk=foo"),
    "rpk": case("may enable_rpk=yes"),
    "rpk-main": case(smtp_tls_security_level="may", smtp_tls_enable_rpk="yes"),
    "comma": case("secure,match=%s,protocols=TLSv1.2" % MX, smtp_tls_CAfile=D + "/ca.pem"),
    "braces": case("secure { match = %s } {protocols=TLSv1.2}" % MX, smtp_tls_CAfile=D + "/ca.pem"),
    "braces-open": case("secure { match = %s" % MX, smtp_tls_CAfile=D + "/ca.pem"),
    "braces-empty": case("secure { match = }", smtp_tls_CAfile=D + "/ca.pem"),
    "braces-nothing": case("secure {foo}", smtp_tls_CAfile=D + "/ca.pem"),
    # smtp_tls_per_site, by next hop and by host.
    "site-none": case(per_site={"hop": "NONE"}, smtp_tls_security_level="", smtp_enforce_tls="yes"),
    "site-may": case(per_site={"hop": "MAY"}),
    "site-nopeermatch": case(per_site={"hop": "MUST_NOPEERMATCH"}),
    "site-must": case(per_site={"hop": "MUST"}),
    "site-must-trusted": case(per_site={"hop": "MUST"}, smtp_tls_CAfile=D + "/ca.pem"),
    "site-lower": case(per_site={"hop": "must_nopeermatch"}),
    "site-bad": case(per_site={"hop": "foo"}),
    "site-host": case(per_site={"host": "MUST_NOPEERMATCH"}),
    "site-host-none": case(per_site={"host": "NONE"}, smtp_tls_security_level="", smtp_use_tls="yes"),
    "site-may-none": case(per_site={"hop": "MAY", "host": "NONE"}),
    "site-none-may": case(per_site={"hop": "NONE", "host": "MAY"}),
    "site-none-must": case(per_site={"hop": "NONE", "host": "MUST_NOPEERMATCH"}),
    "site-must-none": case(per_site={"hop": "MUST_NOPEERMATCH", "host": "NONE"}),
    "site-must-nopeermatch": case(per_site={"hop": "MUST", "host": "MUST_NOPEERMATCH"}),
    "site-bare-hop": case(per_site={"bare": "MUST_NOPEERMATCH"}),
    "site-enforce-may": case(per_site={"hop": "MAY"}, smtp_tls_security_level="", smtp_enforce_tls="yes"),
    "site-enforce-nothing": case(smtp_tls_security_level="", smtp_enforce_tls="yes", smtp_tls_per_site="texthash:/etc/postfix/empty"),
    "site-level-may": case(per_site={"hop": "MAY"}, smtp_tls_security_level="encrypt"),
    "site-level-may-plain": case(per_site={"hop": "MAY"}, smtp_tls_security_level="encrypt", server="plain"),
    "site-enforce-may-plain": case(per_site={"hop": "MAY"}, smtp_tls_security_level="", smtp_enforce_tls="yes", server="plain"),
    "site-host-bad": case(per_site={"host": "foo"}),
    "site-level-none": case(per_site={"hop": "NONE"}, smtp_tls_security_level="encrypt"),
    "site-level-encrypt": case(smtp_tls_security_level="encrypt", smtp_tls_per_site="texthash:/etc/postfix/empty"),
    "site-and-policy": case("none", per_site={"hop": "MUST"}),
    "site-lookup": case(smtp_tls_per_site="fail:x"),
    "site-plain": case(per_site={"hop": "MUST_NOPEERMATCH"}, server="plain"),
}


def public_key(name):
    return subprocess.run(["openssl", "x509", "-noout", "-pubkey"], input=certificates().text(name), capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def world():
    c = certificates()
    servers = {"good": Sink(tls=server_context()), "whole": Sink(tls=server_context(with_ca=True)), "self": Sink(tls=server_context("self")), "plain": Sink()}
    zone = {host: {"A": ["127.0.0.1"]} for host in (MX, "first.example.test")}
    files = {**c.files(), D + "/ca.pub": public_key("ca.pem"), D + "/other.pub": public_key("client.pem"), D + "/server.pub": public_key("server.pem"), D + "/empty.pem": "",
             D + "/garbage.pem": "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n",
             D + "/both.pem": public_key("client.pem") + c.text("self.pem", "ca.pem"), "/etc/postfix/empty": ""}
    # In the chroot, too: they are read there.
    files.update({"/var/spool/postfix" + name: text for name, text in files.items() if name.endswith((".pem", ".pub", "ca.key"))})
    transport = policies = ""
    master = []
    for name, each in CASES.items():
        domain, port = name + ".example", servers[each["server"]].address[1]
        zone[domain] = {"MX": [(10 * (i + 1), host) for i, host in enumerate(each["mx"])]}
        transport += "%s t-%s:%s:%d\n" % (domain, name, domain, port)
        settings = dict(each["settings"])
        if each["policy"]:
            settings["smtp_tls_policy_maps"] = "texthash:/etc/postfix/policy"
            policies += "%s:%d %s\n" % (domain, port, each["policy"].replace("{domain}", domain).replace("{fingerprint}", c.fingerprint("server", "key")))
        if each["per_site"]:
            keys = {"hop": "%s:%d" % (domain, port), "host": each["mx"][0], "bare": domain}
            settings["smtp_tls_per_site"] = "texthash:/etc/postfix/s-" + name
            files["/etc/postfix/s-" + name] = "".join("%s %s\n" % (keys[key], word) for key, word in each["per_site"].items())
        master.append("t-%s unix - - y - - smtp" % name + "".join("\n  -o { %s = %s }" % setting for setting in settings.items()))
    dns = Dns(zone)
    files.update({"/etc/postfix/transport": transport, "/etc/postfix/policy": policies})
    main_cf = {"transport_maps": "texthash:/etc/postfix/transport", "smtp_connection_cache_on_demand": "no", "notify_classes": ""}
    with make(main_cf=main_cf, master=master, dns=dns.host, files=files) as suite:
        yield suite, servers
    dns.close()
    for server in servers.values():
        server.close()


@pytest.mark.parametrize("name", CASES)
def test_policy(world, name):
    suite, servers = world
    server = servers[CASES[name]["server"]]
    since, begun = suite.log_size(), len(server.sessions)
    queue_id = send(suite, "joe@example.net", "x@%s.example" % name)
    told = tls.story(suite, server, queue_id, since, begun)
    suite.run("postsuper", "-d", queue_id)
    told = re.sub(r": (untrusted issuer|unable to get local issuer).*", ": {unknown issuer}", told)
    golden("smtp_tls_policy_" + name, re.sub(r":%d\b" % server.address[1], ":{port}", told))
