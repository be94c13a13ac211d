"""The restrictions that ask the DNS: unknown names, the servers of a name, DNS lists. The cases of a family are one golden file."""
import contextlib

import pytest

from suite import make
from suite.access_cases import Case, Cases
from suite.dns import Dns
from suite.golden import golden

pytestmark = pytest.mark.root

ZONE = {
    "good.example": {"MX": [(10, "mx.good.example")], "A": ["127.70.0.1"], "NS": ["ns.good.example"]},
    "mx.good.example": {"A": ["127.70.0.2"]}, "ns.good.example": {"A": ["127.70.0.3"]},
    "host.good.example": {"A": ["127.70.0.9"]},
    "two.example": {"MX": [(10, "first.two.example"), (20, "second.two.example")], "NS": ["first.two.example", "second.two.example"], "A": ["127.70.1.1", "127.70.1.2"]},
    "first.two.example": {"A": ["127.70.1.3"]}, "second.two.example": {"A": ["127.70.1.4"]},
    "a-only.example": {"A": ["127.70.0.4"]}, "aaaa-only.example": {"AAAA": ["2001:db8::4"]},
    "empty.example": {"TXT": ["x"]}, "fails.example": "SERVFAIL",
    "nullmx.example": {"MX": [(0, "")]}, "nullmx-a.example": {"MX": [(0, "")], "A": ["127.70.0.5"]},
    "mxfails.example": {"MX": "SERVFAIL", "A": ["127.70.0.6"]}, "afails.example": {"A": "SERVFAIL", "MX": [(10, "mx.good.example")]},
    "nothing-then-fails.example": {"A": "SERVFAIL"},
    "gonemx.example": {"MX": [(10, "nowhere.example")], "NS": ["nowhere.example"]}, "failmx.example": {"MX": [(10, "fails.example")], "NS": ["fails.example"]},
    "ipmx.example": {"MX": [(10, "127.70.0.7")]}, "aliasmx.example": {"MX": [(10, "alias.example")]}, "alias.example": {"CNAME": ["good.example"]},
    "nsfails.example": {"NS": "SERVFAIL", "A": ["127.70.0.8"]},
    # Lists.
    "listed.example.rhs.example": {"A": ["127.0.0.2"], "TXT": ["bad name"]}, "client.listed.example.rhs.example": {"A": ["127.0.0.5"]},
    "fails.example.rhs.example": "SERVFAIL", "many.example.rhs.example": {"A": ["127.0.0.2", "127.0.0.3", "127.0.0.9"]},
    "odd.example.rhs.example": {"A": ["10.0.0.1"]}, "txtfails.example.rhs.example": {"A": ["127.0.0.2"], "TXT": "SERVFAIL"},
}
NAMES = ["good.example", "sub.good.example", "a-only.example", "aaaa-only.example", "empty.example", "nowhere.example", "fails.example", "nullmx.example", "nullmx-a.example",
         "mxfails.example", "afails.example", "nothing-then-fails.example", "gonemx.example", "failmx.example", "ipmx.example", "aliasmx.example", "alias.example"]
HELOS = [*NAMES, "[127.0.0.1]", "127.0.0.1", "localhost", "[IPv6:::1]"]
SERVICES = {
    "atonce": {"smtpd_delay_reject": "no"},
    "codes": {"unknown_client_reject_code": "551", "unknown_hostname_reject_code": "552", "unknown_address_reject_code": "553", "maps_rbl_reject_code": "555"},
    "defer": {"reject_tempfail_action": "defer"},
    "defer-some": {"unknown_address_tempfail_action": "defer", "unknown_helo_hostname_tempfail_action": "defer"},
    "replies": {"default_rbl_reply": "$rbl_code $rbl_class|$rbl_what|$rbl_domain|$rbl_reason|$client|$client_name|$client_address|$client_port?|$reverse_client_name|$helo_name|"
                "$sender|$sender_name|$sender_domain|$recipient|$recipient_name|$recipient_domain|$server_name|${rbl_reason?yes}${rbl_reason:no}"},
    "reply-maps": {"rbl_reply_maps": "texthash:/etc/postfix/rbl_replies"},
    "backup": {"permit_mx_backup_networks": "127.70.1.0/24", "proxy_interfaces": "127.70.1.3"},
    "filter": {"smtpd_dns_reply_filter": "regexp:{{/MX/ ignore}}"},
    "soft": {"soft_bounce": "yes"},
}
UNKNOWN = [Case("%s, permit" % name, **options, **{end: value}) for name, end, form in (
    ("reject_unknown_sender_domain", "sender", "joe@%s"), ("reject_unknown_helo_hostname", "helo", "%s"), ("reject_unknown_recipient_domain", "recipient", "joe@%s"))
    for options in ({"at": "relay"} if end == "recipient" else {},) for value in [form % n for n in (HELOS if end == "helo" else NAMES)]]
UNKNOWN += [Case(restrictions, service=service, sender="joe@" + name, helo=name) for service in ("codes", "defer", "defer-some", "filter", "soft") for name in ("nowhere.example", "fails.example", "nullmx.example")
            for restrictions in ("reject_unknown_sender_domain", "reject_unknown_helo_hostname") if (service, name) != ("filter", "nullmx.example")]
UNKNOWN += [Case("reject_unknown_sender_domain", service="filter", sender="joe@" + name) for name in ("good.example", "failmx.example")]
UNKNOWN += [Case("reject_unknown_sender_domain", at=at, service=service, sender="joe@" + name) for at in ("client", "helo", "sender", "data", "end_of_data") for service in ("smtp", "atonce") for name in ("nowhere.example", "fails.example")]
UNKNOWN += [Case("warn_if_reject reject_unknown_sender_domain", sender="joe@" + name) for name in ("good.example", "nowhere.example", "fails.example")]
UNKNOWN += [Case("reject_unknown_sender_domain", sender=sender) for sender in ("", "joe", "joe@[127.0.0.1]", "joe@example.test", "joe@nowhere.example.")]
UNKNOWN += [Case(name, recipient=recipient) for name in ("reject_unknown_recipient_domain",) for recipient in ("alice", "alice@example.test", "alice@[127.0.0.1]")]
UNKNOWN += [Case(old, sender="joe@nowhere.example", helo="nowhere.example") for old in ("reject_unknown_address", "reject_unknown_hostname", "reject_unknown_client")]

CLIENT_NAMES = ({}, {"client": "known.clients.example"}, {"reverse": "nowhere.example"}, {"reverse": "good.example"}, {"reverse": "SERVFAIL"}, {"reverse": "empty.example"})
CLIENTS = [Case(name, service=service, **names) for service in ("smtp", "codes", "defer") for names in CLIENT_NAMES
           for name in ("reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname")]
for n, c in enumerate(CLIENTS):
    if c.client:
        c.client = "known%d.clients.example" % n
CLIENTS += [Case("warn_if_reject reject_unknown_client_hostname", at=at, service=service) for at in ("client", "helo", "recipient") for service in ("smtp", "atonce")]
CLIENTS += [Case("reject_unknown_client_hostname", at=at, service=service) for at in ("client", "helo", "sender", "data") for service in ("smtp", "atonce")]

ALL_HOSTS = "{mx.good.example=REJECT by name}, {127.70.0.2=REJECT mx address}, {127.70.0.1=REJECT address}, {127.70.0.4=REJECT a-only}, {ns.good.example=REJECT ns name}, {127.70.0.3=REJECT ns address}, {127.70.0.7=REJECT numeric}"
SERVER_NAMES = NAMES + ["nsfails.example", "deep.sub.good.example", "[127.70.0.2]", "127.70.0.2"]
SERVERS = []
for _kind in ("a", "mx", "ns"):
    SERVERS += [Case("check_sender_%s_access inline:{%s}" % (_kind, ALL_HOSTS), sender="joe@" + n) for n in SERVER_NAMES if n != "127.70.0.2"]
    SERVERS += [Case("check_helo_%s_access inline:{%s}" % (_kind, ALL_HOSTS), helo=n) for n in SERVER_NAMES]
    SERVERS += [Case("check_recipient_%s_access inline:{%s}" % (_kind, ALL_HOSTS), at="relay", recipient="joe@" + n) for n in ("good.example", "a-only.example", "nowhere.example", "fails.example")]
    SERVERS += [Case("check_%s_%s_access inline:{%s}" % (which, _kind, ALL_HOSTS), **names) for which in ("client", "reverse_client_hostname")
                for names in ({}, {"reverse": "good.example"}, {"reverse": "nowhere.example"}, {"client": "c-%s-%s.clients.example" % (which.replace("_", "-"), _kind)})]
    SERVERS += [Case("check_sender_%s_access static:{%s}" % (_kind, action), sender="joe@good.example") for action in ("OK", "DUNNO", "REJECT", "HOLD", "DEFER_IF_PERMIT", "permit", "INFO x", "FILTER filter:x")]
    SERVERS += [Case("check_%s_%s_access static:{OK}" % (which, _kind), helo="good.example", sender="joe@good.example", at="relay", recipient="joe@good.example") for which in ("helo", "recipient")]
    SERVERS += [Case("check_sender_%s_access fail:now" % _kind, sender="joe@good.example"), Case("check_sender_%s_access static:REJECT" % _kind, sender=""), Case("check_sender_%s_access static:REJECT" % _kind, sender="joe"),
                Case("check_sender_%s_access inline:{{first.two.example=INFO one}, {127.70.1.4=REJECT second}, {127.70.1.2=REJECT a}, {127.70.1=INFO net}}" % _kind, sender="joe@two.example"),
                Case("warn_if_reject check_sender_%s_access static:REJECT" % _kind, sender="joe@good.example"), Case("check_sender_%s_access inline:{{good.example=REJECT parent}}" % _kind, sender="joe@good.example"),
                Case("check_recipient_%s_access static:REJECT" % _kind, at="client", service="atonce"), Case("check_sender_%s_access" % _kind)]


def listing(*addresses, text=None, domain="rbl.example"):
    """The client is in a list."""
    def zone(case):
        records = {"A": list(addresses)} if addresses else "SERVFAIL"
        if text:
            records["TXT"] = text
        return {".".join(reversed(case.address.split("."))) + "." + domain: records}
    return zone


PATTERNS = ["127.0.0.2", "127.0.0.3", "127.0.0.[2;4]", "127.0.0.[2..4]", "127.0.0.[1..2;7..9]", "127.0.[0;1].2", "127.0.0.0"]
LISTS = [Case("reject_rbl_client rbl.example", zone=listing("127.0.0.2")), Case("reject_rbl_client rbl.example", zone=listing("127.0.0.2", text=["you are bad"])), Case("reject_rbl_client rbl.example", zone=listing()),
         Case("reject_rbl_client rbl.example"), Case("reject_rbl_client rbl.example", zone=listing("10.0.0.1")), Case("reject_rbl_client rbl.example", zone=listing("127.0.0.2", text=["one", "two"])),
         Case("reject_rbl_client rbl.example", zone=listing("127.0.0.2", text=["a\tb " + "x" * 240])), Case("warn_if_reject reject_rbl_client rbl.example", zone=listing("127.0.0.2")),
         Case("reject_rbl_client rbl.example", zone=listing("127.0.0.2"), service="codes"), Case("reject_rbl_client rbl.example", zone=listing("127.0.0.2"), service="soft"), Case("reject_rbl_client rbl.example", zone=listing("127.0.0.2", text=["why"]), service="replies"),
         Case("permit_dnswl_client rbl.example, reject", zone=listing("127.0.0.2")), Case("permit_dnswl_client rbl.example, reject", zone=listing()), Case("permit_dnswl_client rbl.example, reject"),
         Case("permit_dnswl_client rbl.example=127.0.0.3, reject", zone=listing("127.0.0.2")), Case("permit_dnswl_client rbl.example=127.0.0.[2..3], reject", zone=listing("127.0.0.2")),
         Case("permit_dnswl_client rbl.example, reject_unauth_destination, reject", at="relay", recipient="joe@good.example", zone=listing("127.0.0.2")), Case("permit_dnswl_client", zone=listing("127.0.0.2")),
         Case("reject_rbl_client, reject", zone=listing("127.0.0.2"))]
LISTS += [Case("reject_rbl_client rbl.example", zone=listing("127.0.0.2"), service="reply-maps")]
LISTS += [Case("reject_rbl_client rbl.example=%s" % pattern, zone=listing("127.0.0.2", text=["bad"])) for pattern in PATTERNS]
LISTS += [Case("reject_rbl_client rbl.example", at=at, service=service, zone=listing("127.0.0.2"), steps=("ETRN example.test",) if at == "etrn" else ())
          for at in ("client", "helo", "sender", "relay", "data", "end_of_data", "etrn") for service in ("smtp", "atonce")]
RHS = [Case("reject_rhsbl_%s rhs.example" % which, helo=name, sender="joe@" + name, service=service) for which in ("helo", "sender") for service in ("smtp", "replies", "reply-maps", "codes")
       for name in ("listed.example", "sub.listed.example", "clean.example", "fails.example", "many.example", "odd.example", "txtfails.example")
       if (which, name) != ("sender", "fails.example")]        # remembered by Postfix: not told again
RHS += [Case("reject_rhsbl_recipient rhs.example", at="relay", recipient="joe@" + name) for name in ("listed.example", "clean.example")]
RHS += [Case("reject_rhsbl_%s rhs.example" % which, sender="", helo="[127.0.0.1]") for which in ("sender", "helo", "recipient", "client", "reverse_client")]
RHS += [Case("reject_rhsbl_sender rhs.example=%s" % pattern, sender="joe@many.example", service=service) for pattern in ("127.0.0.3", "127.0.0.4", "127.0.0.[3..8]", "127.0.0.2") for service in ("smtp", "reply-maps")]
RHS += [Case("reject_rhsbl_%s rhs.example" % which, **names) for which in ("client", "reverse_client") for names in ({"client": "client.listed.example"}, {"reverse": "listed.example"}, {"reverse": "clean.example"}, {})]
RHS[-4].client = ""
RHS += [Case("permit_rhswl_client rhs.example, reject", **names) for names in ({"reverse": "listed.example"}, {"reverse": "fails.example"}, {}, {"client": "white.clients.example", "zone": {"white.clients.example.rhs.example": {"A": ["127.0.0.2"]}}},
                                                                                   {"client": "gray.clients.example", "zone": {"gray.clients.example.rhs.example": "SERVFAIL"}})]
RHS += [Case("reject_rhsbl_sender rhs.example", sender="joe@[127.0.0.1]"), Case("reject_rhsbl_sender rhs.example", sender="joe"), Case("reject_rhsbl_sender"), Case("warn_if_reject reject_rhsbl_sender rhs.example", sender="joe@listed.example")]
BACKUP = [Case("permit_mx_backup, reject", at="relay", recipient="joe@" + name, service=service) for service in ("smtp", "backup") for name in
          ("good.example", "two.example", "a-only.example", "nowhere.example", "fails.example", "mine.example", "mine-second.example", "empty.example", "nullmx.example", "failmx.example", "[127.0.0.1]")]
BACKUP += [Case("permit_mx_backup, reject", at="relay", recipient=r) for r in ("alice@example.test", "alice")]
ZONE.update({"mine.example": {"MX": [(10, "me.example")]}, "mine-second.example": {"MX": [(10, "first.two.example"), (20, "me.example")]}, "me.example": {"A": ["127.0.0.1"]}})

FAMILIES = {"unknown": UNKNOWN, "clients": CLIENTS, "servers": SERVERS, "lists": LISTS, "right_hand_sides": RHS, "mx_backup": BACKUP}
CASES = Cases(FAMILIES, network="127.62")


@pytest.fixture(scope="module")
def suite():
    with contextlib.ExitStack() as stack:
        dns = stack.enter_context(Dns({**ZONE, **CASES.zone()}))
        yield stack.enter_context(make(main_cf={**CASES.main_cf(), "relay_domains": "", "default_transport": "discard", "smtpd_reject_unlisted_recipient": "yes"},
                                       services=SERVICES, files={**CASES.files(), "/etc/hosts": "127.0.0.1 localhost\n", "/etc/postfix/rbl_replies": "rhs.example $rbl_code 5.9.9 from map $rbl_domain\nrbl.example no code\n"}, dns=dns.host))


@pytest.mark.parametrize("family", FAMILIES)
def test_family(suite, family):
    golden("access_dns_" + family, CASES.play(suite, family))
    suite.delete_all()
