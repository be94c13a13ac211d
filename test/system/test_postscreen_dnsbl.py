"""postscreen and dnsblog: what DNS lists make of a client."""
import pytest

from suite import make
from suite.dns import Dns
from suite.golden import golden
from suite.screen_cases import Case, Cases

pytestmark = pytest.mark.root

RCPT = ("MAIL FROM:<joe@example.net>", "<", "RCPT TO:<alice@example.test>", "<")
GO = ("<", "QUIT", "<*")
MAIL = ("<", "EHLO client.example", "<", *RCPT, "QUIT", "<*")
SITES, ENFORCE, DROP = "postscreen_dnsbl_sites", {"postscreen_dnsbl_action": "enforce"}, {"postscreen_dnsbl_action": "drop"}
# Time enough for answers; without a teaser the last of them ends the waiting.
BASE = {"postscreen_greet_wait": "3s", "postscreen_cache_map": "", "postscreen_access_list": ""}
AFTER = {"postscreen_pipelining_enable": "yes"}
SLOW = "slow.example"

CASES = [
    Case("not listed", GO, {SITES: "bl.example"}),
    Case("listed, ignored", GO, {SITES: "bl.example"}, address="127.62.0.1"),
    Case("listed, enforced", MAIL, {SITES: "bl.example", **ENFORCE}, address="127.62.0.2"),
    Case("listed, dropped", ("<-", "<*"), {SITES: "bl.example", **DROP}, address="127.62.0.3"),
    Case("two lists reach the threshold", MAIL, {SITES: "bl.example*2, b2.example*3", **ENFORCE, "postscreen_dnsbl_threshold": "5"}, address="127.62.1.1"),
    Case("two lists do not reach it", GO, {SITES: "bl.example*2, b2.example*2", **ENFORCE, "postscreen_dnsbl_threshold": "5"}, address="127.62.1.2"),
    Case("the heavier list is named", MAIL, {SITES: "bl.example, b2.example*5", **ENFORCE}, address="127.62.1.3"),
    Case("patterns", MAIL, {SITES: "bl.example=127.0.0.[1..2]*2 bl.example=127.0.0.2*4 bl.example=127.0.0.9", **ENFORCE}, address="127.62.0.4"),
    Case("a list twice", MAIL, {SITES: "bl.example, bl.example", **ENFORCE, "postscreen_dnsbl_threshold": "2"}, address="127.62.0.5"),
    Case("no weight", GO, {SITES: "bl.example*0", **ENFORCE}, address="127.62.0.6"),
    Case("many answers", ("<-", "<*"), {SITES: "bl.example", **DROP}, address="127.62.0.250"),
    Case("a name for strangers", MAIL, {SITES: "secret.bl.example", **ENFORCE, "postscreen_dnsbl_reply_map": "inline:{secret.bl.example=bl.example}"}, address="127.62.2.1"),
    Case("a map without the name", ("<-", "<*"), {SITES: "bl.example", **DROP, "postscreen_dnsbl_reply_map": "inline:{x=y}"}, address="127.62.0.7"),
    Case("vouched for", GO, {**AFTER, SITES: "bl.example, wl.example*-5", **ENFORCE, "postscreen_dnsbl_allowlist_threshold": "-1"}, address="127.62.3.1"),
    Case("vouched for, the old name", GO, {**AFTER, SITES: "wl.example*-5", "postscreen_dnsbl_whitelist_threshold": "-1"}, address="127.62.3.2"),
    Case("vouched for, but nobody asked", GO, {SITES: "wl.example*-5"}, address="127.62.3.3"),
    Case("a list that fails", GO, {SITES: "bl.example", **ENFORCE}, address="127.62.0.251"),
    Case("a list that does not answer", GO, {SITES: SLOW, **ENFORCE, "postscreen_dnsbl_timeout": "1s"}, address="127.62.0.8"),
    Case("an answer that comes too late", GO, {SITES: "bl.example", **ENFORCE, "dnsblog_service_name": "late"}, address="127.62.0.15"),
    Case("no teaser", MAIL, {SITES: "bl.example", **ENFORCE, "postscreen_greet_banner": ""}, address="127.62.0.9"),
    Case("too soon, and listed", (b"EHLO early.example\r\n", "<", *RCPT, "QUIT", "<*"), {SITES: "bl.example", **ENFORCE, "postscreen_greet_action": "enforce"}, address="127.62.0.10"),
    Case("too soon is ignored, listed is not", (b"EHLO early.example\r\n", "<", "<", *RCPT, "QUIT", "<*"), {SITES: "bl.example", **ENFORCE}, address="127.62.0.11"),
    Case("denylisted, and listed", MAIL, {SITES: "bl.example", **ENFORCE, "postscreen_access_list": "static:reject", "postscreen_denylist_action": "enforce"}, address="127.62.0.12"),
    Case("away", ("<-", "x"), {SITES: "none.example"}, address="127.62.0.13"),
    Case("listed is ignored, tests go on", MAIL, {SITES: "bl.example", **AFTER}, address="127.62.0.14"),
]


def zone():
    out = {"251.0.62.127.bl.example": "SERVFAIL"}

    def listed(address, domain, *answers):
        out[".".join(reversed(address.split("."))) + "." + domain] = {"A": list(answers)}
    for number in range(1, 16):
        listed("127.62.0.%d" % number, "bl.example", "127.0.0.2")
    listed("127.62.0.250", "bl.example", "127.0.0.9", "127.0.0.2", "127.0.0.4")
    for number in range(1, 4):
        listed("127.62.1.%d" % number, "bl.example", "127.0.0.2")
        listed("127.62.1.%d" % number, "b2.example", "127.0.0.3")
        listed("127.62.3.%d" % number, "wl.example", "127.0.0.5")
    listed("127.62.2.1", "secret.bl.example", "127.0.0.2")
    listed("127.62.3.1", "bl.example", "127.0.0.2")
    return out


@pytest.fixture(scope="module")
def played():
    cases = Cases({"dnsbl": CASES}, network="127.64", base=BASE)
    with Dns(zone(), raw=lambda query, question, name, kind: [] if SLOW in name else None) as dns:
        late = "late unix - - y - 0 dnsblog\n -o dnsblog_reply_delay=30s"
        with make(master=[*cases.master(), late], dns=dns.host) as suite:
            yield cases.play(suite)["dnsbl"], suite.log()


def test_client(played):
    golden("postscreen_dnsbl", played[0])


def test_failing_lists_are_warnings(played):
    name = "251.0.62.127.bl.example"
    assert ("warning: dnsblog_query: lookup error for DNS query %s: Host or domain name not found. Name service error for name=%s type=A: "
            "Host not found, try again" % (name, name)) in played[1]
    assert "warning: dnsblog reply timeout 1s for slow.example" in played[1]
