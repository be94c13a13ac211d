"""DANE (RFC 7672): what smtp(8) makes of TLSA records, for validated names and for others. A recipient NAME@NAME.via goes by transport NAME,
each with settings of its own, to a port on which a server has the certificate of the case."""
import contextlib
import re

import pytest

from suite import make, masks, tls
from suite.dns import Dns
from suite.golden import golden
from suite.servers import Unbound
from suite.smtp import Sink, send
from suite.tls import certificates, server_context

pytestmark = pytest.mark.root

EE, OTHER, TA = ("server", 3, 1, 1), ("client", 3, 1, 1), ("ca", 2, 0, 1)


def dane(level="dane", **more):
    return {"smtp_tls_security_level": level, "smtp_dns_support_level": "dnssec", **more}


CASES = {}


def case(name, *records, settings=None, server="good", host=None, domain=None, **more):
    """Mail to `domain` (its MX is the host), else to `alias` (a CNAME of the host), else to the host, which may be in `brackets`. A record
    (TLSA, of the host) is a certificate's name with the record's numbers, or as suite.dns has it; `fails`: SERVFAIL in place of records.
    More: `unsigned`, a name below which nothing is signed; `unsigned_address`, the same for this name alone; `alias_records`, TLSA of
    the alias; `alias_domain`, a CNAME of the domain; `second`, records of a second MX on the same port; `srv`, a name with an SRV record
    in place of the MX."""
    CASES[name] = {"settings": settings or dane(), "records": records, "server": server, "host": host or name + ".example", "domain": domain, **more}


for selector in (0, 1):
    for matching in (0, 1, 2):
        case("ee-%d-%d" % (selector, matching), ("server", 3, selector, matching))
        if (selector, matching) in ((0, 1), (1, 1), (1, 2)):
            case("ta-%d-%d" % (selector, matching), ("ca", 2, selector, matching), server="wild", host="ta-%d-%d.example.test" % (selector, matching))
case("ee-mismatch", OTHER)
case("ee-two", OTHER, EE)
case("ee-self", ("self", 3, 1, 1), server="self")
case("ta-not-shown", ("ca", 2, 0, 1), server="bare", host="ta-not-shown.example.test")
case("ta-not-shown-full", ("ca", 2, 0, 0), server="bare", host="ta-not-shown-full.example.test")
case("ta-other-name", TA, server="wild")
case("ta-other", ("self", 2, 0, 1), server="wild", host="ta-other.example.test")
case("ta-nexthop-name", TA, server="wild", domain="ta-nexthop-name.example.test", host="mx.ta-nexthop-name.example")
case("ta-leaf", ("wild", 2, 0, 1), server="wild", host="ta-leaf.example.test")
case("none")
case("none-plain", server="plain")
case("none-brackets", brackets=True)
case("ee-brackets", EE, brackets=True)
case("ee-plain", EE, server="plain")
case("ee-refusing", EE, server="refusing")
case("ee-breaking", EE, server="breaking")
case("pkix", ("server", 1, 1, 1), ("ca", 0, 1, 1))
case("usage-9", ("server", 9, 1, 1))
case("pkix-plain", ("server", 1, 1, 1), server="plain")
case("pkix-only", ("server", 1, 1, 1), settings=dane("dane-only"))
case("usage-9-plain", ("server", 9, 1, 1), server="plain")
case("selector-9", (3, 9, 1, bytes(32)))
case("matching-9", (3, 1, 9, bytes(32)))
case("short-digest", (3, 1, 1, bytes(31)))
case("empty", (3, 1, 1, b""))
case("empty-full", (3, 1, 0, b""))
case("empty-plain", (3, 1, 1, b""), server="plain")
case("bad-full", (3, 0, 0, b"nonsense"))
case("bad-full-key", (3, 1, 0, b"nonsense"))
case("unusable-plain", (3, 1, 9, bytes(32)), server="plain")
case("unusable-and-good", (3, 1, 9, bytes(32)), EE)
case("unusable-and-other", (3, 1, 9, bytes(32)), OTHER)
case("unusable-only", (3, 1, 9, bytes(32)), settings=dane("dane-only"))
case("servfail", settings=dane(), fails=True)
case("servfail-only", settings=dane("dane-only"), fails=True)
case("insecure-tlsa", EE, unsigned="_tcp.insecure-tlsa.example")
case("insecure-tlsa-only", EE, settings=dane("dane-only"), unsigned="_tcp.insecure-tlsa-only.example")
case("insecure-host", OTHER, unsigned="insecure-host.example")
case("insecure-host-only", EE, settings=dane("dane-only"), unsigned="insecure-host-only.example")
case("insecure-host-forced", EE, settings=dane(smtp_tls_force_insecure_host_tlsa_lookup="yes"), unsigned="insecure-host-forced.example")
case("insecure-host-signed-tlsa", OTHER, settings=dane(smtp_tls_force_insecure_host_tlsa_lookup="yes"), unsigned_address="insecure-host-signed-tlsa.example")
for policy in ("dane", "encrypt", "may"):
    for kind, record, server in (("ee", EE, "good"), ("other", OTHER, "good"), ("plain", EE, "plain")):
        name = "insecure-mx-%s-%s" % (policy, kind)
        case(name, record, settings=dane(smtp_tls_dane_insecure_mx_policy=policy), domain=name + ".insecure", server=server)
case("insecure-mx-dane-none-plain", domain="insecure-mx-dane-none-plain.insecure", server="plain")
case("insecure-mx-encrypt-none", settings=dane(smtp_tls_dane_insecure_mx_policy="encrypt"), domain="insecure-mx-encrypt-none.insecure")
case("insecure-mx-unset", EE, domain="insecure-mx-unset.insecure")
case("insecure-mx-ta", TA, server="wild", host="insecure-mx-ta.example.test", domain="insecure-mx-ta.insecure")
case("insecure-mx-ta-nexthop", TA, server="wild", domain="insecure-mx-ta-nexthop.example.test", host="mx.insecure-mx-ta-nexthop.example",
     unsigned="insecure-mx-ta-nexthop.example.test")
case("insecure-mx-unusable", (3, 1, 9, bytes(32)), domain="insecure-mx-unusable.insecure")
case("insecure-mx-only", EE, settings=dane("dane-only"), domain="insecure-mx-only.insecure")
case("secure-mx", EE, domain="secure-mx.secure")
case("secure-mx-other", OTHER, domain="secure-mx-other.secure")
case("only", EE, settings=dane("dane-only"), domain="only.secure")
case("only-other", OTHER, settings=dane("dane-only"), domain="only-other.secure")
case("only-none", settings=dane("dane-only"), domain="only-none.secure")
case("only-plain", EE, settings=dane("dane-only"), server="plain", domain="only-plain.secure")
case("alias", EE, alias="one-alias.example")
case("alias-at-alias", alias="alias-at-alias-name.example", alias_records=[EE])
case("alias-both", OTHER, alias="alias-both-name.example", alias_records=[EE])
case("alias-servfail", EE, alias="alias-servfail-name.example", fails=True, alias_records=[EE])
case("alias-insecure-target", OTHER, alias="alias-insecure-target-name.example", alias_records=[EE], unsigned="alias-insecure-target.example")
case("alias-insecure", EE, alias="alias-insecure-name.example", alias_records=[EE], unsigned="alias-insecure-name.example")
case("alias-insecure-none", alias="alias-insecure-none-name.example", unsigned="alias-insecure-none.example")
case("alias-name", EE, settings=dane(smtp_cname_overrides_servername="yes"), alias="name-alias.example")
case("alias-ta", TA, server="wild", host="alias-ta.example.test", alias="ta-alias.example")
case("alias-ta-name", TA, server="wild", host="alias-ta-name.example", alias="ta-alias.example.test")
case("alias-domain", EE, domain="alias-domain.secure", alias_domain="alias-domain-name.secure")
case("alias-domain-insecure", OTHER, domain="alias-domain-insecure.secure", alias_domain="alias-domain-insecure-name.insecure")
case("no-dnssec", EE, settings={"smtp_tls_security_level": "dane"})
case("no-dnssec-only", EE, settings={"smtp_tls_security_level": "dane-only"})
case("forced-good", EE, settings=dane(smtp_tls_force_insecure_host_tlsa_lookup="yes"), unsigned_address="forced-good.example")
case("forced-only", EE, settings=dane("dane-only", smtp_tls_force_insecure_host_tlsa_lookup="yes"), unsigned_address="forced-only.example")
case("forced-mx", EE, settings=dane(smtp_tls_force_insecure_host_tlsa_lookup="yes"), domain="forced-mx.secure", unsigned_address="forced-mx.example")
case("filtered", EE, settings=dane(smtp_dns_reply_filter="regexp:{{/ IN TLSA 3 1 1 [0-9A-F]+$$/ ignore}}"))
case("second", OTHER, domain="second.secure", second=[EE])
case("second-only", settings=dane("dane-only"), domain="second-only.secure", second=[EE])
case("second-fails", domain="second-fails.secure", fails=True, second=[EE])
case("second-none", OTHER, domain="second-none.secure", second=[])
case("srv", EE, settings=dane(use_srv_lookup="submission"), srv="srv.secure")
case("srv-insecure", EE, settings=dane(use_srv_lookup="submission"), srv="srv.insecure")
case("srv-insecure-only", EE, settings=dane("dane-only", use_srv_lookup="submission"), srv="srv-only.insecure")
case("native", OTHER, settings=dane(smtp_host_lookup="native"))
case("native-too", EE, settings=dane(smtp_host_lookup="dns, native"))
case("may-dnssec", OTHER, settings=dane("may"))
case("may-insecure", EE, settings=dane("may"), domain="may-insecure.insecure")
case("level-none-insecure", EE, settings=dane("none"), domain="level-none-insecure.insecure")
case("address", brackets=True, host="127.0.0.1")
case("address-only", settings=dane("dane-only"), brackets=True, host="127.0.0.1")
case("agility", ("client", 3, 1, 2), EE)
case("agility-256", ("client", 3, 1, 2), EE, settings=dane(tls_dane_digests="sha256 sha512"))
case("agility-only-256", ("client", 3, 1, 2), EE, settings=dane(tls_dane_digests="sha256"))
case("agility-other-selector", ("client", 3, 0, 2), EE)
case("agility-full", ("client", 3, 1, 0), EE)
case("digest-512-only", EE, settings=dane(tls_dane_digests="sha512"))
case("digest-384", EE, settings=dane(tls_dane_digests="sha384=9 sha256=1"))
case("digest-unknown", EE, settings=dane(tls_dane_digests="foo=7 sha256"))
case("digest-number", EE, settings=dane(tls_dane_digests="sha256=x"))
case("digest-other-number", EE, settings=dane(tls_dane_digests="sha256=3 sha512"))
case("digest-swapped", ("server", 3, 1, 1), settings=dane(tls_dane_digests="sha512=1 sha256=2"))
case("digest-twice", EE, settings=dane(tls_dane_digests="sha256 sha256"))
case("digest-bad", EE, settings=dane(tls_dane_digests="foo sha256"))
case("digest-bad-all", EE, settings=dane(tls_dane_digests="foo"))
case("policy", EE, settings={"smtp_dns_support_level": "dnssec", "smtp_tls_policy_maps": "static:dane"})
case("policy-only", settings={"smtp_dns_support_level": "dnssec", "smtp_tls_policy_maps": "static:dane-only"})
case("policy-match", EE, settings={"smtp_dns_support_level": "dnssec", "smtp_tls_policy_maps": "static:{dane match=nexthop}"})
case("policy-tafile", EE, settings={"smtp_dns_support_level": "dnssec", "smtp_tls_policy_maps": "static:{dane tafile=/x}"})
case("policy-protocols", EE, settings={"smtp_dns_support_level": "dnssec", "smtp_tls_policy_maps": "static:{dane protocols=TLSv1.2}"})
case("policy-half", EE, settings={"smtp_dns_support_level": "dnssec", "smtp_tls_policy_maps": "static:half-dane"})
case("mandatory-none", settings=dane(smtp_tls_mandatory_protocols="TLSv1.2", smtp_tls_protocols="TLSv1.3"))
case("servername", EE, settings=dane(smtp_tls_servername="x.example"))
case("level-2", EE, settings=dane(smtp_tls_loglevel="2"))
case("level-2-ta", TA, server="wild", host="level-2-ta.example.test", settings=dane(smtp_tls_loglevel="2"))
case("ca-file", settings=dane(smtp_tls_CAfile=tls.DIRECTORY + "/ca.pem"), server="wild", host="ca-file.example.test")
case("ca-file-unusable", (3, 1, 9, bytes(32)), settings=dane(smtp_tls_CAfile=tls.DIRECTORY + "/ca.pem"), server="wild", host="ca-file-unusable.example.test")
case("ca-file-other", OTHER, settings=dane(smtp_tls_CAfile=tls.DIRECTORY + "/ca.pem"), server="wild", host="ca-file-other.example.test")
case("wrapped", EE, settings=dane(smtp_tls_wrappermode="yes"), server="wrapped")
case("wrapped-only", EE, settings=dane("dane-only", smtp_tls_wrappermode="yes"), server="wrapped")
def probe(value, name, **more):
    case("probe-" + name, EE, settings=dane(dnssec_probe=value), domain="probe-%s.insecure" % name, **more)


probe("", "off")
probe("mx:probe-insecure.insecure", "insecure")
probe("a:nowhere.insecure", "missing")
probe("a:nowhere.example", "missing-secure")
probe("a:probe-secure.example", "secure")
probe("txt:fails.example", "fails")
case("probe-secure-before", EE, settings=dane(dnssec_probe="mx:probe-insecure.insecure"), unsigned="_tcp.probe-secure-before.example")
case("lmtp", EE, settings={"lmtp_tls_security_level": "dane", "lmtp_dns_support_level": "dnssec"}, server="lmtp")
case("lmtp-only-none", settings={"lmtp_tls_security_level": "dane-only", "lmtp_dns_support_level": "dnssec"}, server="lmtp")
case("lmtp-forced", EE, settings={"lmtp_tls_security_level": "dane", "lmtp_dns_support_level": "dnssec", "lmtp_tls_force_insecure_host_tlsa_lookup": "yes"}, server="lmtp",
     unsigned_address="lmtp-forced.example")


# What only the reference tells at level 2.
DETAIL = re.compile(r"SSL_connect:|depth=|cipher list|subject_CN|initializing|setting up|SNI hostname|matched peername")


class Breaking(Sink):
    """A server that says 220 to STARTTLS, and then something that is no handshake."""

    def _begin_tls(self, connection, lines):
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        raise OSError("closed on purpose")


def rdata(record):
    return certificates().tlsa(*record) if isinstance(record[0], str) else record


def zone(servers):
    """Of all cases: what each name has, and which are not signed although their zone is."""
    out, unsigned = {"": {"NS": ["a.root"]}, "fails.example": "SERVFAIL"}, ["insecure"]
    for each in CASES.values():
        host, port = each["host"], servers[each["server"]].address[1]
        records = [rdata(record) for record in each["records"]]
        if host != "127.0.0.1":
            out[host] = {"A": ["127.0.0.1"]}
            if each.get("fails"):
                out["_%d._tcp.%s" % (port, host)] = "SERVFAIL"
            elif records:
                out["_%d._tcp.%s" % (port, host)] = {"TLSA": records}
        if "alias" in each:
            out[each["alias"]] = {"CNAME": [host]}
            if each.get("alias_records"):
                out["_%d._tcp.%s" % (port, each["alias"])] = {"TLSA": [rdata(record) for record in each["alias_records"]]}
        if each["domain"]:
            out[each["domain"]] = {"MX": [(10, host)]}
        if "second" in each:
            out[each["domain"]] = {"MX": [(10, host), (20, "other-" + host)]}
            out["other-" + host] = {"A": ["127.0.0.1"]}
            if each["second"]:
                out["_%d._tcp.other-%s" % (port, host)] = {"TLSA": [rdata(record) for record in each["second"]]}
        if "srv" in each:
            out["_submission._tcp." + each["srv"]] = {"SRV": [(10, 0, port, host)]}
        if "alias_domain" in each:
            out[each["alias_domain"]] = {"CNAME": [each["domain"]]}
        unsigned += [each[key] for key in ("unsigned",) if key in each]
    return out, unsigned


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        servers = {"good": Sink(tls=server_context()), "wild": Sink(tls=server_context("wild", with_ca=True)), "bare": Sink(tls=server_context("wild")),
                   "self": Sink(tls=server_context("self")), "plain": Sink(), "refusing": Sink(tls=server_context(), answers={"STARTTLS": "454 4.7.0 not now"}),
                   "breaking": Breaking(tls=server_context()), "wrapped": Sink(tls=server_context(), wrapped=True), "lmtp": Sink(tls=server_context(), lmtp=True)}
        for server in servers.values():
            stack.enter_context(server)
        dns = stack.enter_context(Dns({}, signed=["."]))
        dns.zone, dns.unsigned = zone(servers)
        # The address of a host is not signed, what lies below it is.
        dns.unsigned_names = [each["unsigned_address"] for each in CASES.values() if "unsigned_address" in each]
        is_signed = dns._is_signed
        dns._is_signed = lambda name: is_signed(name) and name not in dns.unsigned_names
        main_cf = {"smtp_randomize_addresses": "no", "transport_maps": "texthash:/etc/postfix/transport", "notify_classes": "", "smtp_connection_cache_on_demand": "no",
                   "lmtp_connection_cache_on_demand": "no", "smtp_tls_loglevel": "1", "lmtp_tls_loglevel": "1", "default_process_limit": "10"}
        master = ["%s unix - - n - - %s" % (name, "lmtp" if name.startswith("lmtp") else "smtp") + "".join("\n  -o { %s = %s }" % kv for kv in each["settings"].items())
                  for name, each in CASES.items()]
        master += ["wrong-%s unix - - n - - smtp" % name + "".join("\n  -o { %s = %s }" % kv for kv in settings.items()) for name, (settings, _) in WRONG.items()]
        table = "".join("%s.wrong wrong-%s:[nowhere.insecure]\n" % (name, name) for name in WRONG)
        for name, each in CASES.items():
            if "srv" in each:
                table += "%s.via %s:%s:submission\n" % (name, name, each["srv"])
                continue
            hop = each.get("alias_domain") or each["domain"] or each.get("alias") or each["host"]
            table += "%s.via %s:%s:%d\n" % (name, name, "[%s]" % hop if each.get("brackets") else hop, servers[each["server"]].address[1])
        files = {**certificates().files(), "/etc/postfix/transport": table}
        with make(main_cf=main_cf, master=master, dns=dns.host, files=files) as s:
            yield s, dns, servers


@pytest.mark.parametrize("name", CASES)
def test_delivery(world, name):
    suite, dns, servers = world
    server = servers[CASES[name]["server"]]
    since, asked, begun = suite.log_size(), len(dns.asked), len(server.sessions)
    queue_id = send(suite, "joe@example.net", "x@%s.via" % name)
    suite.wait_log(r"%s: to=<x@\S+>, .*" % queue_id, since=since)
    if len(server.sessions) > begun:
        server.ended()
    lines = [masks.mask(line).removeprefix("mail ") for line in suite.log(since).splitlines() if re.search(r"postfix/[sl]mtp\[", line)]
    lines = [line for line in dict.fromkeys(lines) if "to=<joe@example.net>" not in line and not DETAIL.search(line)]
    heard = ["; ".join(re.sub(r"SIZE=\d+", "SIZE={n}", line) for line in session) for session in server.sessions[begun:]]
    questions = sorted({"%s %d" % question for question in dns.asked[asked:]})
    suite.run("postsuper", "-d", queue_id)
    told = "\n".join(["\n".join(lines), "", *heard, "", *questions])
    told = re.sub(r"_%d\._tcp|:%d\b" % (server.address[1], server.address[1]), lambda m: m[0].replace(str(server.address[1]), "{port}"), told)
    golden("smtp_dane_" + name, re.sub(r": (untrusted issuer|unable to get local issuer).*", ": {unknown issuer}", re.sub(r"\b[0-9a-f]{64}\b", "{digest}", tls.mask(told))))


WRONG = {
    "half-dane": (dane("half-dane"), 'Invalid TLS level "half-dane"'),
    "insecure-mx": (dane(smtp_tls_dane_insecure_mx_policy="foo"), 'invalid smtp_tls_dane_insecure_mx_policy: "foo"'),
    "probe": (dane(dnssec_probe="foo"), "malformed dnssec_probe value: foo format is qtype:qname"),
    "probe-type": (dane(dnssec_probe="foo:example"), "malformed dnssec_probe value: foo:example format is qtype:qname"),
    "probe-name": (dane(dnssec_probe="a:"), "malformed dnssec_probe value: a: format is qtype:qname"),
}


def test_values_that_make_no_sense(world):
    """They are told when mail comes, and it waits."""
    suite, _, _ = world
    for name, (_, text) in WRONG.items():
        since = suite.log_size()
        queue_id = send(suite, "joe@example.net", "x@%s.wrong" % name)
        suite.wait_log(r"smtp\[\d+\]: fatal: %s$" % re.escape(text), since=since)
        suite.run("postsuper", "-d", queue_id)


def test_a_validating_resolver():
    """The same with signatures, and a resolver that knows what they are worth."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Sink(tls=server_context()))
        port = server.address[1]
        tlsa = "_%d._tcp.{} TLSA 3 1 1 %s" % (port, certificates().tlsa(*EE)[3].hex())
        hosts = ["good", "bare", "forged", "forged-address"]
        lines = ["%s MX 10 mx.%s" % (host, host) for host in hosts] + ["mx.%s A 127.0.0.%d" % (host, 1 + (host == "forged-address")) for host in hosts]
        signed = lines + [tlsa.format("mx." + host) for host in hosts if host != "bare"] + ["other MX 10 mx.good.unsigned.example."]
        unsigned = lines + [tlsa.format("mx.good"), "other MX 10 mx.good.signed.example."]
        forged = {"_%d._tcp.mx.forged.signed.example.\t60\tIN\tTLSA\t3 1 1 " % port: "_%d._tcp.mx.forged.signed.example.\t60\tIN\tTLSA\t2 1 1 " % port,
                  "\tA\t127.0.0.2\n": "\tA\t127.0.0.1\n"}
        unbound = stack.enter_context(Unbound({"signed.example": signed, "unsigned.example": unsigned}, ["signed.example"], forged))
        main_cf = {"smtp_tls_security_level": "dane", "smtp_dns_support_level": "dnssec", "smtp_tls_loglevel": "1", "dnssec_probe": "",
                   "smtp_connection_cache_on_demand": "no", "transport_maps": "texthash:/etc/postfix/transport"}
        names = [host + ".signed" for host in [*hosts, "other"]] + ["good.unsigned", "other.unsigned"]
        told = ""
        table = "".join("%s.example smtp:%s.example:%d\n" % (name, name, port) for name in names)
        with make(main_cf=main_cf, dns=unbound.host, files={**certificates().files(), "/etc/postfix/transport": table}) as suite:
            for name in names:
                since = suite.log_size()
                queue_id = send(suite, "joe@example.net", "x@%s.example" % name)
                suite.wait_log(r"%s: to=<x@\S+>, .*" % queue_id, since=since)
                lines = [masks.mask(line).removeprefix("mail ") for line in suite.log(since).splitlines() if "postfix/smtp[" in line]
                told += "\n".join(line for line in dict.fromkeys(lines) if "to=<joe@example.net>" not in line) + "\n\n"
                suite.run("postsuper", "-d", queue_id)
        golden("smtp_dane_unbound", tls.mask(told).replace("_%d._tcp" % port, "_{port}._tcp").replace(":%d" % port, ":{port}"))
