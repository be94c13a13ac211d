"""What smtp(8) and lmtp(8) make of DNS: SRV records, filters, aliases, families. A recipient NAME@anywhere goes by transport NAME, each with
settings of its own, so that one instance serves all."""
import contextlib
import re

import pytest

from suite import make, masks
from suite.dns import Dns
from suite.golden import golden
from suite.smtp import Sink, send, turn

pytestmark = pytest.mark.root

FIRST, SECOND, DEAD = "127.26.0.1", "127.26.0.2", "127.26.0.9"
ZONE = {
    "plain.example": {"MX": [(10, "first.mx.example"), (20, "second.mx.example")]},
    "own.example": {"MX": [(10, "me.example"), (20, "first.mx.example")]},
    "own-second.example": {"MX": [(10, "dead.mx.example"), (20, "me.example"), (30, "first.mx.example")]},
    "own-a.example": {"A": ["127.0.0.1"]},
    "alias-mx.example": {"MX": [(10, "alias.example")]},
    "alias.example": {"CNAME": ["first.mx.example"]},
    "alias-domain.example": {"CNAME": ["plain.example"]},
    "both.example": {"A": [DEAD, DEAD[:-1] + "8", DEAD[:-1] + "7", FIRST], "AAAA": ["::1", "2001:db8::1"]},
    "both-dead.example": {"A": ["127.26.0.11", "127.26.0.12", "127.26.0.13"], "AAAA": ["::1", "2001:db8::1", "2001:db8::2"]},
    "six-mx.example": {"MX": [(10, "four.example"), (10, "six.example")]},
    "four.example": {"A": ["127.26.0.%d" % n for n in range(11, 16)]},
    "six.example": {"AAAA": ["::1"]},
    "hidden.example": {"MX": [(10, "dead.mx.example"), (20, "first.mx.example")]},
    "only-hidden.example": {"MX": [(10, "dead.mx.example")]},
    "me.example": {"A": ["127.0.0.1"]},
    "first.mx.example": {"A": [FIRST]}, "second.mx.example": {"A": [SECOND]}, "dead.mx.example": {"A": [DEAD]},
    "short.example.test": {"A": [FIRST]},
    "short.search.example": {"A": [FIRST]},
    "srv.example": {"MX": [(10, "second.mx.example")], "A": [SECOND]},
    "_there._tcp.srv.example": {"SRV": [(10, 0, 0, "first.mx.example"), (20, 0, 0, "second.mx.example")]},
    "_submission._tcp.srv.example": {"SRV": [(10, 0, 0, "first.mx.example")]},
    "none.example": {"MX": [(10, "first.mx.example")], "A": [FIRST]},
    "_submission._tcp.fails.example": "SERVFAIL",
    "fails.example": {"MX": [(10, "first.mx.example")], "A": [FIRST]},
    "root.example": {"MX": [(10, "first.mx.example")], "A": [FIRST]},
    "_submission._tcp.root.example": {"SRV": [(0, 0, 0, "")]},
    "gone.example": {"A": [FIRST]},
    "_submission._tcp.gone.example": {"SRV": [(0, 0, 0, "nowhere.example")]},
    "alias-srv.example": {"A": [FIRST]},
    "_submission._tcp.alias-srv.example": {"CNAME": ["_submission._tcp.srv.example"]},
}
FILTER = "regexp:/etc/postfix/filter"
SRV = {"use_srv_lookup": "submission, smtp"}
# transport: (settings, next hop, program)
CASES = {
    "best-mx-not": ({}, "own.example"),
    "filter": ({"smtp_dns_reply_filter": FILTER}, "hidden.example"),
    "filter-all": ({"smtp_dns_reply_filter": FILTER}, "only-hidden.example"),
    "filter-mx": ({"smtp_dns_reply_filter": "regexp:{{/^hidden.example. .* MX 10/ ignore}}"}, "hidden.example"),
    "filter-bad": ({"smtp_dns_reply_filter": "static:nonsense"}, "hidden.example"),
    "alias": ({}, "alias-mx.example"),
    "alias-name": ({"smtp_cname_overrides_servername": "yes"}, "alias-mx.example"),
    "alias-of-domain": ({}, "alias-domain.example"),
    "alias-of-host": ({}, "[alias.example]"),
    "alias-of-host-name": ({"smtp_cname_overrides_servername": "yes"}, "[alias.example]"),
    "no-dns": ({"disable_dns_lookups": "yes", "smtp_host_lookup": "native"}, "plain.example"),
    "balance": ({"inet_protocols": "all", "smtp_address_preference": "ipv4", "smtp_mx_address_limit": "2"}, "both.example"),
    "balance-not": ({"inet_protocols": "all", "smtp_address_preference": "ipv4", "smtp_mx_address_limit": "2", "smtp_balance_inet_protocols": "no"}, "both.example"),
    "balance-odd": ({"inet_protocols": "all", "smtp_address_preference": "ipv4", "smtp_mx_address_limit": "3"}, "both-dead.example"),
    "balance-odd-six": ({"inet_protocols": "all", "smtp_address_preference": "ipv6", "smtp_mx_address_limit": "3"}, "both-dead.example"),
    "balance-few": ({"inet_protocols": "all", "smtp_address_preference": "ipv4", "smtp_mx_address_limit": "4"}, "six-mx.example"),
    "balance-mx": ({"inet_protocols": "all", "smtp_address_preference": "ipv4", "smtp_mx_address_limit": "3"}, "six-mx.example"),
    "balance-all": ({"inet_protocols": "all", "smtp_address_preference": "any", "smtp_mx_address_limit": "2"}, "six-mx.example"),
    "short": ({"smtp_dns_resolver_options": ""}, "[short]"),
    "short-search": ({"smtp_dns_resolver_options": "res_dnsrch, res_defnames"}, "[short]"),
    "short-domain": ({"smtp_dns_resolver_options": "res_defnames"}, "[short]"),
    "srv-not": ({}, "srv.example:submission"),
    "srv": (SRV, "srv.example:submission"),
    "srv-host": (SRV, "[srv.example]:submission"),
    "srv-number": (SRV, "srv.example:587"),
    "srv-default": (SRV, "srv.example"),
    "srv-none": (SRV, "none.example:submission"),
    "srv-none-fallback": ({**SRV, "allow_srv_lookup_fallback": "yes"}, "none.example:submission"),
    "srv-fails": (SRV, "fails.example:submission"),
    "srv-fails-fallback": ({**SRV, "allow_srv_lookup_fallback": "yes"}, "fails.example:submission"),
    "srv-fails-ignored": ({**SRV, "ignore_srv_lookup_error": "yes"}, "fails.example:submission"),
    "srv-fails-both": ({**SRV, "ignore_srv_lookup_error": "yes", "allow_srv_lookup_fallback": "yes"}, "fails.example:submission"),
    "srv-root": (SRV, "root.example:submission"),
    "srv-root-fallback": ({**SRV, "allow_srv_lookup_fallback": "yes"}, "root.example:submission"),
    "srv-gone": (SRV, "gone.example:submission"),
    "srv-gone-fallback": ({**SRV, "allow_srv_lookup_fallback": "yes"}, "gone.example:submission"),
    "srv-alias": (SRV, "alias-srv.example:submission"),
    "srv-filter": ({**SRV, "smtp_dns_reply_filter": "regexp:{{/SRV/ ignore}}"}, "srv.example:submission"),
    "srv-gone-defer": ({**SRV, "smtp_defer_if_no_mx_address_found": "yes"}, "gone.example:submission"),
    "lmtp-srv-gone": (SRV, "gone.example:submission"),
    "lmtp-srv-gone-defer": ({**SRV, "lmtp_defer_if_no_mx_address_found": "yes"}, "gone.example:submission"),
    "lmtp-gone-defer": ({"lmtp_defer_if_no_mx_address_found": "yes"}, "nowhere.example:25"),
    "lmtp-gone": ({}, "nowhere.example:25"),
    "lmtp-srv": (SRV, "srv.example:submission"),
    "lmtp-filter": ({"lmtp_dns_reply_filter": "static:ignore"}, "first.mx.example:25"),
    "lmtp-balance": ({"inet_protocols": "all", "lmtp_address_preference": "ipv4", "lmtp_mx_address_limit": "2"}, "both.example:25"),
    "lmtp-balance-not": ({"inet_protocols": "all", "lmtp_address_preference": "ipv4", "lmtp_mx_address_limit": "2", "lmtp_balance_inet_protocols": "no"}, "both.example:25"),
    "lmtp-alias-name": ({"lmtp_cname_overrides_servername": "yes"}, "alias.example:25"),
    "lmtp-short-search": ({"lmtp_dns_resolver_options": "res_dnsrch, res_defnames"}, "short:25"),
}


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        stack.enter_context(turn("smtp-parameters"))
        dns = stack.enter_context(Dns(ZONE))
        ports = {}
        hosts = [stack.enter_context(Sink(address=(FIRST, 25), name="first")), stack.enter_context(Sink(address=(SECOND, 25), name="second"))]
        submission = Sink(address=(FIRST, 0), name="submission")
        stack.enter_context(submission)
        port = submission.address[1]
        for name, value in ZONE.items():                     # SRV records lead to a port of the test's
            if isinstance(value, dict) and "SRV" in value:
                dns.zone[name] = {"SRV": [(a, b, port, host) for a, b, _, host in value["SRV"]]}
        main_cf = {"smtp_host_lookup": "dns", "lmtp_host_lookup": "dns", "smtp_randomize_addresses": "no", "lmtp_randomize_addresses": "no",
                   "transport_maps": "texthash:/etc/postfix/transport", "notify_classes": "", "smtp_connection_cache_on_demand": "no", "lmtp_connection_cache_on_demand": "no",
                   "smtp_connect_timeout": "2s"}
        master = ["%s unix - - n - - %s" % (name, "lmtp" if name.startswith("lmtp") else "smtp") + "".join("\n  -o { %s = %s }" % kv for kv in case[0].items())
                  for name, case in CASES.items()]
        master.append("wrong unix - - n - - smtp\n  -o smtp_dns_resolver_options=res_other")
        table = "".join("%s.via %s:%s\n" % (name, name, case[1]) for name, case in CASES.items()) + "wrong.via wrong:\nexample.net discard:\n"
        files = {"/etc/postfix/transport": table, "/etc/postfix/filter": "/^dead\\.mx\\.example\\. .* IN A / ignore\n", "/etc/hosts": "127.0.0.1 localhost\n%s plain.example\n" % SECOND}
        with make(main_cf=main_cf, master=master, dns=dns.host, files=files) as s:
            resolv = s.path("/etc/resolv.conf")
            with open(resolv, "a") as f:
                f.write("search search.example\n")
            s.sh("cp /etc/resolv.conf /var/spool/postfix/etc/resolv.conf 2>/dev/null || :")
            s.port = port
            yield s, dns


@pytest.mark.parametrize("name", CASES)
def test_route(world, name):
    suite, dns = world
    since, asked = suite.log_size(), len(dns.asked)
    send(suite, "joe@example.net", "x@%s.via" % name, "Subject: test\nMessage-Id: <x@example.net>\n\nHello.\n")
    suite.wait_status(since)
    suite.wait_log("disconnect from", since=since)
    log = masks.history(suite.log(since)).split("cleanup: ", 1)[1]
    suite.delete_all()
    # What happens to a packet for an address that leads nowhere is the machine's affair.
    log = re.sub(r"(\[2001:db8::.\]:25: )(Connection timed out|No route to host|Network is unreachable)", r"\1{no way}", log)
    golden("smtp_dns_" + name.replace("-", "_"), re.sub(r"\b%d\b" % suite.port, "{submission}", log) + "".join("%s %d\n" % question for question in dict.fromkeys(dns.asked[asked:])))


def test_a_resolver_option_that_there_is_not(world):
    suite, _ = world
    since = suite.log_size()
    send(suite, "joe@example.net", "x@wrong.via")
    suite.wait_log(r'smtp\[\d+\]: fatal: unknown smtp_dns_resolver_options value "res_other" in "res_other"$', since=since)
