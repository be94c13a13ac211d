"""postscreen: what clients hear and what the log says, test by test. The cases of a family are one golden file."""
import contextlib
import socket

import pytest

from suite import make
from suite.dns import Dns
from suite.golden import golden
from suite.screen_cases import Case, Cases

pytestmark = pytest.mark.root

RCPT = ("MAIL FROM:<joe@example.net>", "<", "RCPT TO:<alice@example.test>", "<")
GO = ("<", "QUIT", "<*")
MAIL = ("<", "EHLO client.example", "<", *RCPT, "QUIT", "<*")
EARLY = (b"EHLO early.example\r\n", "<", "<", *RCPT, "QUIT", "<*")

LIST, BY_LIST = "postscreen_access_list", "postscreen_denylist_action"
GREET, SITES, BY_DNSBL = "postscreen_greet_action", "postscreen_dnsbl_sites", "postscreen_dnsbl_action"
VETO = {"postscreen_allowlist_interfaces": "!127.0.0.1 static:all"}
PIPE = {"postscreen_pipelining_enable": "yes"}
AFTER = {**PIPE, "postscreen_non_smtp_command_enable": "yes", "postscreen_bare_newline_enable": "yes"}

ACCESS = [
    Case("nothing", GO),
    Case("permit_mynetworks", GO, {LIST: "permit_mynetworks"}),
    Case("not of mynetworks", GO, {LIST: "permit_mynetworks", "mynetworks": "10.0.0.0/8"}),
    Case("an address of mynetworks that is left out", GO, {LIST: "permit_mynetworks", "mynetworks": "!127.61.0.0/16 127.0.0.0/8"}),
    Case("cidr permits", GO, {LIST: "cidr:{{127.61.0.0/16 PERMIT}}"}),
    Case("cidr rejects, ignored", GO, {LIST: "cidr:{{127.61.0.0/16 reject}}"}),
    Case("cidr rejects, enforced", MAIL, {LIST: "cidr:{{127.61.0.0/16 reject}}", BY_LIST: "Enforce"}),
    Case("cidr rejects, dropped", ("<*",), {LIST: "cidr:{{127.61.0.0/16 reject}}", BY_LIST: "drop"}),
    Case("the old name of the action", ("<*",), {LIST: "cidr:{{127.61.0.0/16 reject}}", "postscreen_blacklist_action": "drop"}),
    Case("a table's dunno goes on", GO, {LIST: "cidr:{{127.61.0.0/16 dunno}} permit_mynetworks"}),
    Case("the word dunno ends the list", GO, {LIST: "dunno permit"}),
    Case("permit", GO, {LIST: "permit"}),
    Case("reject", ("<*",), {LIST: "reject", BY_LIST: "drop"}),
    Case("an unknown word", GO, {LIST: "foo permit"}),
    Case("a table with an unknown word", GO, {LIST: "cidr:{{127.61.0.0/16 ok}}, permit_mynetworks"}),
    Case("a table that fails", GO, {LIST: "fail:now permit"}),
    Case("an interface where nobody becomes known", MAIL, VETO),
    Case("the old name of the interfaces", ("<", "QUIT", "<*"), {"postscreen_whitelist_interfaces": "!127.0.0.1 static:all"}),
    Case("such an interface, and on the list", GO, {**VETO, LIST: "permit_mynetworks"}),
    Case("words of old", GO, {LIST: "permit_mynetworks", "respectful_logging": "no"}),
    Case("words of old, rejected", GO, {LIST: "reject", "respectful_logging": "no"}),
    Case("words of old, the interface", GO, {**VETO, "respectful_logging": "no"}),
]
GREETING = [
    Case("too soon, ignored", EARLY),
    Case("too soon, enforced", (b"EHLO early.example\r\n", "<", *RCPT, "QUIT", "<*"), {GREET: "enforce"}),
    Case("too soon, dropped", (b"EHLO early.example\r\n", "<-", "<*"), {GREET: "drop"}),
    Case("no teaser, no test", EARLY, {GREET: "drop", "postscreen_greet_banner": ""}),
    Case("a teaser of one's own", (b"x\r\n", "<-", "<*"), {GREET: "drop", "postscreen_greet_banner": "$myhostname wait\\r\\nfor it"}),
    Case("away before the greeting", ("<-", "x"), {"postscreen_greet_wait": "10s"}),
    Case("half a command", (b"EH", "?PREGREET", "<-", b"LO x\r\n", "<", "QUIT", "<*"), {GREET: "enforce"}),
    Case("another protocol", (bytes([0x16, 3, 1, 0, 0xa5]) + bytes(range(7, 14)) + b"\\\x7f" + b"a" * 90, "<-", "<*"), {GREET: "drop"}),
    Case("http", (b"GET / HTTP/1.1\r\n\r\n", "<-", "<*"), {GREET: "enforce"}),
    Case("very much", (b"x" * 5000 + b"\r\n", "<-", "<*"), {GREET: "drop"}),
    Case("the line end after the greeting", (b"EHLO a\n", "<", *RCPT, "QUIT", "<*"), {GREET: "enforce"}),
    Case("a footer for who is dropped", (b"x\r\n", "<-", "<*"), {GREET: "drop", "postscreen_reject_footer": "see $server_name"}),
]
COMMANDS = [
    Case("as it should be", MAIL, PIPE),
    Case("HELO", ("<", "HELO client.example", "<", *RCPT, "QUIT", "<*"), PIPE),
    Case("no HELO", ("<", *RCPT, "QUIT", "<*"), PIPE),
    Case("all commands", ("<", "EHLO a", "<", "NOOP x", "<", "RSET x", "<", "VRFY alice", "<", "VRFY", "<", "ETRN example.test", "<", "ETRN", "<", "HELP", "<", "AUTH PLAIN", "<", "STARTTLS", "<",
                          "XCLIENT NAME=a", "<", "XFORWARD NAME=a", "<", "BDAT 1", "<*"), PIPE),
    Case("DATA first", ("<", "DATA", "<*"), PIPE),
    Case("DATA after MAIL", ("<", "MAIL FROM:<a@b>", "<", "DATA", "<*"), PIPE),
    Case("DATA after RCPT", ("<", *RCPT, "DATA", "<*"), PIPE),
    Case("BDAT after RCPT", ("<", *RCPT, "BDAT 4", "<*"), PIPE),
    Case("syntax", ("<", "EHLO", "<", "EHLO a b", "<", "HELO", "<", "HELO c", "<", "RCPT TO:<a@b>", "<", "MAIL", "<", "MAIL FROM", "<", "MAIL foo", "<", "MAIL FROM a@b", "<", "MAIL FROM:", "<", "RCPT", "<",
                    "RCPT TO", "<", "RCPT TO:", "<", "MAIL FROM:<a@b>", "<", "RSET", "<", "mail to : <a@b>", "<", "rcpt from:<c@d>", "<", "QUIT now", "<*"), {**PIPE, "postscreen_command_count_limit": "50"}),
    Case("addresses", ("<", "ehlo x", "<", *sum(((m, "<", "RCPT TO:<c@d>", "<", "RSET", "<") for m in (
        "MAIL FROM:<joe@Example.NET> SIZE=1", "MAIL FROM:joe@example.net SIZE=1", 'MAIL FROM:<"joe x"@example.net>', "MAIL FROM:<joe@example.net", "MAIL FROM:<@a,@b:joe@c>",
        "MAIL FROM:<joe>", "MAIL FROM:<a b>", "MAIL FROM:Joe <a@b>", "MAIL FROM: <>", "MAIL FROM:<<>>", "MAIL FROM:<a@b><c@d>", "MAIL FROM:a b c")), ()), "QUIT", "<*"),
         {**PIPE, "postscreen_command_count_limit": "90"}),
    Case("empty lines", ("<", "", "<", "   ", "<", " NOOP ", "<", "FOO: bar", "<", "QUIT", "<*"), PIPE),
    Case("names that are not ASCII", ("<", "EHLO a;b\x01 c", "<", "RSET", "<", "EHLO \u00e9t\u00e9", "<", "MAIL FROM:<\u00e9@x>", "<", "RCPT TO:<\u00e9@y>", "<", "QUIT", "<*"), PIPE),
    Case("HELO wanted", ("<", "MAIL FROM:<a@b>", "<", "VRFY x", "<", "ETRN x", "<", "RCPT TO:<a@b>", "<", "QUIT", "<*"), {**PIPE, "postscreen_helo_required": "yes"}),
    Case("VRFY off", ("<", "EHLO a", "<", "VRFY x", "<", "QUIT", "<*"), {**PIPE, "postscreen_disable_vrfy_command": "yes"}),
    Case("VRFY off for all", ("<", "EHLO a", "<", "VRFY", "<", "QUIT", "<*"), {**PIPE, "disable_vrfy_command": "yes", "message_size_limit": "0", "smtputf8_enable": "no"}),
    Case("VRFY of who is refused", ("<", "VRFY x", "<", "QUIT", "<*"), {LIST: "reject", BY_LIST: "enforce"}),
    Case("keywords off", ("<", "EHLO a", "<", "QUIT", "<*"), {**PIPE, "postscreen_discard_ehlo_keywords": "etrn, chunking, foo"}),
    Case("keywords off by address", ("<", "EHLO a", "<", "QUIT", "<*"), {**PIPE, "postscreen_discard_ehlo_keyword_address_maps": "static:dsn"}),
    Case("silently", ("<", "EHLO a", "<", "QUIT", "<*"), {**PIPE, "postscreen_discard_ehlo_keyword_address_maps": "static:{dsn silent-discard}"}),
    Case("a filter", ("<", "QUITT", "<*"), {**PIPE, "postscreen_command_filter": "regexp:{{/^QUITT/ QUIT}}"}),
    Case("a footer", MAIL, {**PIPE, "postscreen_reject_footer": "help: $client_address $server_name\\nmore"}),
    Case("a footer on the same line", MAIL, {**PIPE, "postscreen_reject_footer": "\\c, $client_address"}),
    Case("a footer by reply", MAIL, {**PIPE, "postscreen_reject_footer_maps": "regexp:{{/^450/ mapped for you}}"}),
    Case("a footer of few characters", MAIL, {**PIPE, "postscreen_reject_footer": "$client_address", "postscreen_expansion_filter": "12"}),
    Case("the footer of smtpd", MAIL, {**PIPE, "smtpd_reject_footer": "ask $client_address"}),
    Case("the characters of smtpd", MAIL, {**PIPE, "postscreen_reject_footer": "ask $client_address", "smtpd_expansion_filter": "12"}),
    Case("soft_bounce", ("<", "FOO", "<", "DATA", "<*"), {**PIPE, "soft_bounce": "yes"}),
    Case("soft_bounce of who is refused", MAIL, {LIST: "reject", BY_LIST: "enforce", "soft_bounce": "yes"}),
    Case("the banner", GO, {**PIPE, "smtpd_banner": "$myhostname ESMTP other"}),
    Case("many commands", ("<", *(("NOOP", "<") * 4), "<*"), {**PIPE, "postscreen_command_count_limit": "3"}),
    Case("a footer of the last word", ("<", "NOOP", "<", "NOOP", "<*"), {**PIPE, "postscreen_command_count_limit": "1", "postscreen_reject_footer": "see"}),
    Case("slow", ("<", "NOOP", "<", "<*"), {**PIPE, "postscreen_command_time_limit": "1s"}),
    Case("slow in a line", ("<", b"NOO", "<*"), {**PIPE, "postscreen_command_time_limit": "1s"}),
    Case("a long line", ("<", "NOOP " + "x" * 2041, "<", "NOOP " + "x" * 2043, "<*"), PIPE),
    Case("away at once", ("<", "x"), PIPE),
    Case("away after MAIL", ("<", "MAIL FROM:<a@b>", "<", "x"), PIPE),
    Case("away after RCPT", ("<", *RCPT, "x"), PIPE),
    Case("away in a line", ("<", b"EHLO a", "x"), PIPE),
    Case("RCPT makes the test", ("<", "RCPT TO:<a@b>", "<", "QUIT", "<*"), PIPE),
]
BEHAVIOUR = [
    Case("pipelining, enforced", ("<", b"EHLO a\r\nMAIL FROM:<a@b>\r\n", "<", "<", "RCPT TO:<c@d>", "<", "QUIT", "<*"), PIPE),
    Case("pipelining, dropped", ("<", b"EHLO a\r\nMAIL FROM:<a@b>\r\n", "<*"), {**PIPE, "postscreen_pipelining_action": "drop"}),
    Case("pipelining, ignored", ("<", b"EHLO a\r\nMAIL FROM:<a@b>\r\n", "<", "<", "RCPT TO:<c@d>", "<", "QUIT", "<*"), {**PIPE, "postscreen_pipelining_action": "ignore"}),
    Case("pipelining at the end", ("<", *RCPT, b"RSET\r\nQUIT\r\n", "<*"), PIPE),
    Case("pipelining of much", ("<", b"NOOP\r\n" + b"x" * 300 + b"\r\n", "<", "<", "QUIT", "<*"), PIPE),
    Case("bare newline, ignored", ("<", b"EHLO a\n", "<", b"MAIL FROM:<a@b>\n", "<", b"RCPT TO:<c@d>\n", "<", "QUIT", "<*"), AFTER),
    Case("bare newline, enforced", ("<", b"EHLO a\n", "<", *RCPT, "QUIT", "<*"), {**AFTER, "postscreen_bare_newline_action": "enforce"}),
    Case("bare newline, dropped", ("<", b"EHLO a\n", "<*"), {**AFTER, "postscreen_bare_newline_action": "drop"}),
    Case("no command, dropped", ("<", "EHLO a", "<", "Subject: hello", "<*"), AFTER),
    Case("no command, enforced", ("<", "Subject: hello", "<", *RCPT, "QUIT", "<*"), {**AFTER, "postscreen_non_smtp_command_action": "enforce"}),
    Case("no command, ignored", ("<", "Subject: hello", "<", *RCPT, "QUIT", "<*"), {**AFTER, "postscreen_non_smtp_command_action": "ignore"}),
    Case("a forbidden command", ("<", "GET / HTTP/1.0", "<*"), AFTER),
    Case("of a site's own", ("<", "FROB x", "<*"), {**AFTER, "postscreen_forbidden_commands": "FROB"}),
    Case("two mistakes", ("<", b"EHLO a\r\nGET /\r\n", "<*"), AFTER),
    Case("not watched for", ("<", b"EHLO a\n", "<", "Subject: hello", "<", "GET /", "<", *RCPT, "QUIT", "<*"), PIPE),
    Case("refused before: newline, no command", ("<", b"EHLO a\n", "<", "Subject: hello", "<*"), VETO),
    Case("refused before: pipelining", ("<", b"EHLO a\r\nMAIL FROM:<a@b>\r\n", "<", "<", "RCPT TO:<c@d>", "<", "QUIT", "<*"), VETO),
    Case("no teaser, but tests after the greeting", (b"EHLO a\n", "<", "<", *RCPT, "QUIT", "<*"), {**AFTER, "postscreen_greet_banner": "", GREET: "enforce"}),
]


@contextlib.contextmanager
def system(cases, **options):
    with make(master=cases.master(), **options) as suite:
        yield suite


@pytest.fixture(scope="module")
def stories():
    cases = Cases({"access": ACCESS, "greeting": GREETING, "commands": COMMANDS, "behaviour": BEHAVIOUR})
    with system(cases) as suite:
        yield cases.play(suite)


@pytest.mark.parametrize("family", ["access", "greeting", "commands", "behaviour"])
def test_client(stories, family):
    golden("postscreen_" + family, stories[family])


@pytest.mark.parametrize("setting, value, complaint", [
    (BY_LIST, "foo", "bad postscreen_denylist_action value: foo"),
    (GREET, "bar", "bad postscreen_greet_action value: bar"),
    (SITES, "bl.example*x", 'bad DNSBL weight factor "x" in "bl.example*x"'),
    (SITES, "bl.example=127.0.0.300", 'bad DNSBL filter syntax: need decimal number 0..255 or "[" at "127.0.0.>300<"'),
])
def test_bad_setting(setting, value, complaint):
    cases = Cases({"x": [Case("x", (), {setting: value})]})
    with system(cases) as suite:
        with socket.create_connection(("127.0.0.1", cases.port(cases.all()[0]))):
            suite.wait_log(r"postscreen\[\d+\]: fatal: " + complaint.replace("*", r"\*").replace("[", r"\[").replace(".", r"\."))
