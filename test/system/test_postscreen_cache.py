"""postscreen's temporary allowlist: who is known when he comes again, and what the table holds."""
import re

import pytest

from suite import make
from suite.dns import Dns
from suite.golden import golden
from suite.screen_cases import Case, Cases

pytestmark = pytest.mark.root

RCPT = ("MAIL FROM:<joe@example.net>", "<", "RCPT TO:<alice@example.test>", "<")
GO = ("<", "QUIT", "<*")
MAIL = ("<", "EHLO client.example", "<", *RCPT, "QUIT", "<*")
EARLY = (b"EHLO early.example\r\n", "<", "<", "QUIT", "<*")
BASE = {"postscreen_greet_wait": "2s", "postscreen_access_list": ""}
SITES, GREET = "postscreen_dnsbl_sites", "postscreen_greet_action"
AFTER = {"postscreen_pipelining_enable": "yes", "postscreen_non_smtp_command_enable": "yes", "postscreen_bare_newline_enable": "yes"}
VETO = {"postscreen_allowlist_interfaces": "!127.0.0.1 static:all"}
DIRECTORY = "/var/lib/postfix/"


def table(name):
    return {"postscreen_cache_map": "btree:%s%s" % (DIRECTORY, name)}


CASES = [
    Case("twice", (*GO, "/", *GO), ends=2),
    Case("tests after the greeting", (*MAIL, "/", *MAIL), AFTER, ends=2),
    Case("tests that were not finished", (*GO, "/", *MAIL, "/", *GO), AFTER, ends=3),
    Case("too soon, ignored", (*EARLY, "/", *GO, "/", *GO), ends=3),
    Case("too soon, dropped", (b"x\r\n", "<-", "<*", "/", *GO), {GREET: "drop"}, ends=2),
    Case("pipelining, ignored", ("<", b"EHLO a\r\nMAIL FROM:<a@b>\r\n", "<", "<", "RCPT TO:<c@d>", "<", "QUIT", "<*", "/", *GO), {**AFTER, "postscreen_pipelining_action": "ignore"}, ends=2),
    Case("pipelining, enforced", ("<", b"EHLO a\r\nMAIL FROM:<a@b>\r\n", "<", "<", "RCPT TO:<c@d>", "<", "QUIT", "<*"), AFTER),
    Case("not listed", (*GO, "/", *GO), {SITES: "bl.example"}, ends=2),
    Case("listed, ignored", (*GO, "/", *GO), {SITES: "bl.example"}, ends=2, address="127.62.0.1"),
    Case("listed, enforced", MAIL, {SITES: "bl.example", "postscreen_dnsbl_action": "enforce"}, address="127.62.0.2"),
    Case("vouched for", (*GO, "/", *GO), {**AFTER, SITES: "wl.example*-5", "postscreen_dnsbl_allowlist_threshold": "-1"}, ends=2, address="127.62.3.1"),
    Case("believed as long as the DNS says", GO, {SITES: "wl.example*-5", "postscreen_dnsbl_min_ttl": "10s"}, address="127.62.3.2"),
    Case("believed no longer than this", GO, {SITES: "wl.example*-5", "postscreen_dnsbl_min_ttl": "10s", "postscreen_dnsbl_max_ttl": "20s"}, address="127.62.3.3"),
    Case("believed at least so long", GO, {SITES: "wl.example*-5", "postscreen_dnsbl_min_ttl": "2h", "postscreen_dnsbl_max_ttl": "3h"}, address="127.62.3.4"),
    Case("permitted", GO, {"postscreen_access_list": "static:permit"}),
    Case("denylisted, ignored", (*GO, "/", *GO), {"postscreen_access_list": "static:reject"}, ends=2),
    Case("where nobody becomes known", MAIL, VETO),
    Case("lives of one's own", MAIL, {**AFTER, "postscreen_greet_ttl": "1000s", "postscreen_pipelining_ttl": "2000s", "postscreen_non_smtp_command_ttl": "3000s",
                                      "postscreen_bare_newline_ttl": "4000s"}),
]
for number, case in enumerate(CASES):
    case.settings = {**case.settings, **table("screen%d" % number)}


def zone():
    out = {}
    for address, domain in (("127.62.0.1", "bl"), ("127.62.0.2", "bl"), ("127.62.3.1", "wl"), ("127.62.3.2", "wl"), ("127.62.3.3", "wl"), ("127.62.3.4", "wl")):
        out[".".join(reversed(address.split("."))) + "." + domain + ".example"] = {"A": ["127.0.0.2"]}
    return out


def lifetimes(value, cleaned):
    """Times as seconds from the table's beginning, rounded: the machine may be busy."""
    def told(text):
        time = int(text)
        return text if time <= 1 else "+%d" % (round((time - cleaned - 5) / 30) * 30) if time - cleaned < 300 else "+%d" % (round((time - cleaned) / 100) * 100)
    return ";".join(told(v) for v in value.split(";"))


def contents(suite, case):
    name = case.settings["postscreen_cache_map"]
    lines = dict(line.split("\t") for line in suite.sh("postmap -s " + name).splitlines())
    cleaned = int(lines.pop("_LAST_CACHE_CLEANUP_COMPLETED_"))
    return "".join("T: %s\n" % lifetimes(value, cleaned) for value in lines.values())


def test_who_comes_again():
    cases = Cases({"cache": CASES}, network="127.66", base=BASE)
    with Dns(zone()) as dns:
        with make(master=cases.master(), dns=dns.host) as suite:
            told = cases.play(suite)["cache"]
            suite.sh("postfix stop")
            for case in CASES:
                told = re.sub(r"(?ms)^(== %s\n.*?)\n(?=^== |\Z)" % re.escape(case.name), lambda m, case=case: m.group(1) + contents(suite, case) + "\n", told)
    golden("postscreen_cache", told)


def test_who_is_forgotten():
    """An entry goes once its last test has to be repeated, and postscreen_cache_retention_time is over."""
    settings = {"postscreen_cache_cleanup_interval": "2s", "postscreen_greet_ttl": "1s", "postscreen_cache_retention_time": "1s", **table("screen")}
    cases = Cases({"x": [Case("x", GO, settings)]}, network="127.67", base=BASE)
    with make(master=cases.master()) as suite:
        cases.play(suite)
        suite.wait_log(r"postscreen\[\d+\]: cache btree:%sscreen full cleanup: retained=0 dropped=1 entries$" % DIRECTORY)
