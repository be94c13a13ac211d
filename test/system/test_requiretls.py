"""REQUIRETLS (RFC 8689): who takes it, what is kept of it, and which next hop gets the message. Recorded with Postfix 3.11.7, since the
reference does not have it yet."""
import contextlib
import re

import pytest

from suite import make, masks, tls
from suite.dns import Dns
from suite.golden import golden
from suite.smtp import Client, Sink
from suite.tls import TlsClient, certificates, server_context

pytestmark = [pytest.mark.root, pytest.mark.extension]

D = tls.DIRECTORY
SERVER = {**tls.SETTINGS, "requiretls_enable": "yes"}
SAYS = {"smtp_log_tls_feature_status": "yes", "lmtp_log_tls_feature_status": "yes"}


class Offering(Sink):
    """A server that has REQUIRETLS under TLS."""

    def _offers(self, encrypted):
        return ["REQUIRETLS"] if encrypted else []


ACTIONS = ["enforce", "opportunistic+starttls", "opportunistic", "disable"]
LEVELS = ["none", "may", "encrypt", "secure"]
SERVERS = ["offering", "without", "self", "plain", "refusing", "busy"]
# name: the policy of a transport, at the level "secure"; the next hop is [127.0.0.1]:port.
POLICIES = {
    "empty": "",
    "unknown": "foo",
    "behind": "inline:{127.0.0.1=opportunistic} foo",
    "fails": "fail:x, opportunistic",
    "table": "inline:{{127.0.0.1=disable}}, enforce",
    "parent": "inline:{{.0.0.1=disable}}, enforce",
    "cidr": "cidr:{{127.0.0.0/8 disable}}, enforce",
    "none-of-it": "inline:{{a.example=disable}}",
    "default": "$smtp_requiretls_policy",
}


@pytest.fixture(scope="module")
def world():
    kinds = {"offering": Offering(tls=server_context()), "without": Sink(tls=server_context()), "self": Offering(tls=server_context("self")),
             "plain": Offering(), "refusing": Offering(tls=server_context(), answers={"STARTTLS": "454 4.7.0 not now"}),
             "busy": Offering(tls=server_context(), answers={"CONNECT": "421 4.3.2 busy"}),
             "later": Offering(tls=server_context(), answers={"RCPT": "450 4.1.1 not now"}), "never": Sink(answers={"RCPT": "550 5.1.1 no"}),
             "lmtp": Offering(tls=server_context(), lmtp=True)}
    master, transport = [], ""

    def via(name, program="smtp", **settings):
        master.append("%s unix - - y - - %s" % (name, program) + "".join("\n  -o { %s = %s }" % setting for setting in settings.items()))
    for action in ACTIONS:
        for level in LEVELS:
            name = "t-%s-%s" % (action.replace("+", "-"), level)
            via(name, smtp_tls_security_level=level, smtp_requiretls_policy=action)
            transport += "".join("%s.%s %s:%s\n" % (server, name, name, kinds[server].nexthop) for server in SERVERS)
    for name, policy in POLICIES.items():
        via("p-" + name, smtp_tls_security_level="secure", **({} if name == "default" else {"smtp_requiretls_policy": policy}))
        transport += "p-%s.example p-%s:%s\n" % (name, name, kinds["without"].nexthop)
    via("off", smtp_tls_security_level="secure", requiretls_enable="no")
    via("quiet", smtp_tls_security_level="secure", smtp_log_tls_feature_status="no")
    via("by-lmtp", "lmtp", lmtp_tls_security_level="encrypt", lmtp_requiretls_policy="opportunistic+starttls")
    via("by-lmtp-quiet", "lmtp", lmtp_tls_security_level="encrypt", lmtp_log_tls_feature_status="no")
    transport += "off.example off:%s\nquiet.example quiet:%s\nlmtp.example by-lmtp:%s\nlmtp-quiet.example by-lmtp-quiet:%s\n" % (
        kinds["without"].nexthop, kinds["offering"].nexthop, kinds["lmtp"].nexthop, kinds["lmtp"].nexthop)
    transport += "later.example smtp:%s\nnever.example smtp:%s\n" % (kinds["later"].nexthop, kinds["never"].nexthop)
    main_cf = {"transport_maps": "texthash:/etc/postfix/transport", "smtp_connection_cache_on_demand": "no", "notify_classes": "", "smtp_tls_CAfile": D + "/ca.pem",
               "smtp_tls_secure_cert_match": "mail.example.test", **SERVER, **SAYS}
    services = {"smtp": {}, "off": {"requiretls_enable": "no"}, "discarding": {"smtpd_discard_ehlo_keywords": "requiretls"}}
    with make(main_cf=main_cf, services=services, master=master, files={**certificates().files(), "/etc/postfix/transport": transport}) as suite:
        yield suite, kinds
    for server in kinds.values():
        server.close()


def submit(suite, recipient, message="Subject: a\n\nb\n", sender="joe@example.net", mail="REQUIRETLS"):
    with TlsClient(suite.address("smtp")) as client:
        return client.send(sender, recipient, message, mail=mail)


def told(suite, kinds, recipient, mail="REQUIRETLS"):
    """What the client's log says, without times, and MAIL FROM as a server heard it."""
    since, begun = suite.log_size(), {name: len(sink.sessions) for name, sink in kinds.items()}
    queue_id = submit(suite, recipient, mail=mail)
    suite.wait_log(r"%s: to=<%s>, .*" % (queue_id, recipient), since=since)
    lines = [masks.mask(line) for line in suite.log(since).splitlines() if re.search(r"postfix/[sl]mtp\[", line) and "to=<joe@" not in line]
    out = [re.sub(r"delay=\S+ delays=\S+ ", "", re.sub(r"^.*?\]: ", "", line)) for line in lines]
    for name, sink in kinds.items():
        out += [line for session in sink.sessions[begun[name]:] for line in session if line.startswith("MAIL")]
    suite.delete_all()
    return re.sub(r"SIZE=\d+", "SIZE={n}", "\n".join(out)) + "\n"


@pytest.mark.parametrize("action", ACTIONS)
def test_next_hop(world, action):
    """Each level with each server."""
    suite, kinds = world
    golden("requiretls_" + action.replace("+", "_"),
           "\n".join(told(suite, kinds, "x@%s.t-%s-%s" % (server, action.replace("+", "-"), level)) for level in LEVELS for server in SERVERS))


def test_policy(world):
    suite, kinds = world
    golden("requiretls_policy", "\n".join(told(suite, kinds, "x@p-%s.example" % name) for name in POLICIES))


def test_more(world):
    """A client that does not heed it; one that says nothing of TLS; LMTP; RET= of the client, which is kept only where REQUIRETLS is."""
    suite, kinds = world
    recipients = ["off.example", "quiet.example", "lmtp.example", "lmtp-quiet.example"]
    golden("requiretls_more", "\n".join([told(suite, kinds, "x@" + domain) for domain in recipients] +
                                        [told(suite, kinds, "x@%s.t-opportunistic-may" % server, "RET=FULL REQUIRETLS ENVID=a") for server in ("offering", "without")]))


def test_another_server():
    """A server that will not do is no last word while there is another; of several that will not, the last one says what it is."""
    with contextlib.ExitStack() as stack:
        good = stack.enter_context(Offering(tls=server_context()))
        kinds = {"good": good}
        for i, (name, sink) in enumerate({"plain": {}, "without": {"tls": server_context()}, "self": {"tls": server_context("self")}}.items(), 2):
            kinds[name] = stack.enter_context(Sink(("127.0.0.%d" % i, good.address[1]), **sink))
        zone = {name + ".test": {"A": [sink.address[0]]} for name, sink in kinds.items()}
        for name in kinds:
            zone[name + "-first.example"] = {"MX": [(10, name + ".test"), (20, "good.test")]}
            zone[name + "-last.example"] = {"MX": [(10, "plain.test" if name == "self" else "self.test"), (20, name + ".test")]}
        dns = Dns(zone)
        stack.callback(dns.close)
        transport = "".join("%s smtp:%s:%d\n" % (domain, domain, good.address[1]) for domain in zone if domain.endswith(".example"))
        main_cf = {"transport_maps": "texthash:/etc/postfix/transport", "smtp_connection_cache_on_demand": "no", "notify_classes": "", "smtp_tls_CAfile": D + "/ca.pem",
                   "smtp_tls_secure_cert_match": "mail.example.test", "smtp_tls_security_level": "secure", "smtp_requiretls_policy": "enforce", **SERVER, **SAYS}
        with make(main_cf=main_cf, dns=dns.host, files={**certificates().files(), "/etc/postfix/transport": transport}) as suite:
            out = "\n".join(told(suite, kinds, "x@%s-%s.example" % (name, place)) for name in kinds for place in ("first", "last"))
        golden("requiretls_another", out)


def test_command(world):
    """Offered and taken under TLS only."""
    suite, _ = world
    commands = ["REQUIRETLS", "requiretls", "REQUIRETLS=yes", "REQUIRETLS BODY=8BITMIME"]
    told = ""
    for service in ("smtp", "off", "discarding"):
        with TlsClient(suite.address(service)) as client:
            told += "%s\n%s\n" % (service, client.extensions)
            for command in commands:
                told += client.command("MAIL FROM:<a@example.net> " + command, "25") + "\n"
                client.command("RSET")
    with Client(suite.address("smtp")) as client:
        told += "plain\n%s\n" % client.extensions
        told += client.command("MAIL FROM:<a@example.net> REQUIRETLS", "5") + "\n"
    golden("requiretls_command", told)


FIELDS = [("", "REQUIRETLS"), ("Require-TLS-ESMTP: yes\n", ""), ("Require-TLS-ESMTP: yes\n", "REQUIRETLS"), ("Require-TLS-ESMTP: no\n", "REQUIRETLS"),
          ("require-tls-esmtp: YES (a)\n", ""), ("TLS-Required: no\n", "REQUIRETLS"), ("TLS-Required: no\nRequire-TLS-ESMTP: yes\n", "")]


def kept(suite):
    """For each of FIELDS: the message's options in the queue file, and its header."""
    out = ""
    for header, mail in FIELDS:
        since = suite.log_size()
        queue_id = submit(suite, "x@later.example", header + "Subject: a\n\nb\n", mail=mail)
        suite.wait_log(r"%s: to=<x@later.example>, .*" % queue_id, since=since)
        envelope, content = (suite.run("postcat", flags, queue_id).stdout.decode() for flags in ("-eq", "-hq"))
        out += "%r %r: %s\n" % (header, mail, re.search(r"message_size:.* (\d+)$", envelope, re.M)[1])
        out += "".join("  %s\n" % line for line in content.splitlines() if re.match(r"[\w-]*TLS|Subject|From", line))
        suite.delete_all()
    return out


def test_header_field(world):
    """Who has asked for REQUIRETLS is remembered in the header, where a content filter leaves it, and found there again."""
    suite, _ = world
    with_field = kept(suite)
    suite.configure(requiretls_esmtp_header="no")
    without = kept(suite)
    suite.configure(requiretls_esmtp_header="yes")
    golden("requiretls_header", with_field + "\n" + without)


def test_filter_in_front():
    """A content filter in front of the queue need not know of REQUIRETLS: it is told in the header."""
    with Sink(answers={r"\.": "250 2.0.0 Ok: queued as X"}, extensions=("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE", "8BITMIME")) as sink:
        filtered = {"smtpd_proxy_filter": "127.0.0.1:%d" % sink.address[1], **SERVER}
        services = {"smtp": {}, "filtered": filtered, "unmarked": {**filtered, "requiretls_esmtp_header": "no"}, "late": {**filtered, "smtpd_proxy_options": "speed_adjust"}}
        out = ""
        with make(services=services, main_cf={"notify_classes": ""}, files=certificates().files()) as suite:
            for service in ("filtered", "unmarked", "late"):
                for header, mail in [("", ""), ("", "REQUIRETLS"), ("Require-TLS-ESMTP: yes\n", "BODY=8BITMIME REQUIRETLS"), ("\n", "requiretls")]:
                    with TlsClient(suite.address(service)) as client:
                        client.send("joe@example.net", "alice@example.test", header + "Subject: a\n\nb\n", mail=mail)
                    message = sink.messages[-1]
                    out += "%s %r %s: %s\n" % (service, header, mail, message["mail"])
                    out += "".join("  %s\n" % line for line in message["data"].decode().splitlines() if re.match(r"[\w-]*TLS|Subject|Received|b$|$", line))
    golden("requiretls_filter", re.sub(r"for <.*", "for", out))


def test_notice(world):
    """A notice does not take the content back on a way that may be another, nor wait for one that is as good."""
    suite, _ = world

    def notice(user, **options):
        submit(suite, "x@never.example", sender=user + "@example.test", **options)
        text = suite.messages(user)[0].decode()
        return "".join(line + "\n" for line in text.splitlines() if re.match(r"[\w-]*TLS|Content-Type|Content-Desc|To|b$", line)) + "\n"
    told = notice("alice") + notice("bob", message="TLS-Required: no\nSubject: a\n\nb\n") + notice("carol", mail="RET=FULL REQUIRETLS")
    suite.configure(requiretls_redact_dsn="no")
    told += notice("dave") + notice("erin", message="TLS-Required: no\nSubject: a\n\nb\n")
    golden("requiretls_notice", told)
