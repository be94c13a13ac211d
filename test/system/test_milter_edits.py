"""What a milter changes at the end of a message: header, body, sender, recipients; and where the message goes."""
import struct

import pytest

from suite import make
from suite.golden import golden
from suite.milter import (ACCEPT, ADDHDRS, CHGBODY, CLOSE, CONTINUE, DISCARD, PROGRESS, REJECT, TEMPFAIL, Milter, add_header, change_header, insert_header,
                          packet, reply)
from suite.milter_story import MESSAGE, story

pytestmark = pytest.mark.root

FLOW = ["MAIL FROM:<a@example.net> BODY=8BITMIME", "RCPT TO:<alice@example.test>", "DATA", "."]
CHECKS = "/^X-Reject/ REJECT no such header\n/^X-Hold/ HOLD held\n/^X-Discard/ DISCARD gone\n/^X-Warn/ WARN beware\n/^X-Replace/ REPLACE X-Replaced: yes\n/^X-Ignore/ IGNORE\n" \
         "/^X-Prepend/ PREPEND X-Before: yes\n/^X-Redirect/ REDIRECT bob@example.test\n/^X-Filter/ FILTER discard:filtered\n/^X-Bcc/ BCC bob@example.test\n/^X-Defer/ DEFER later\n/^X-Info/ INFO told\n/^X-Strip/ STRIP\n/^X-Pass/ PASS\n"


def add_rcpt(address):
    return packet("+", address + "\0")


def delete_rcpt(address):
    return packet("-", address + "\0")


def add_rcpt_par(address, *arguments):
    return packet("2", "".join(x + "\0" for x in (address, *arguments)))


def change_from(address, *arguments):
    return packet("e", "".join(x + "\0" for x in (address, *arguments)))


def body(text):
    return packet("b", text)


def quarantine(reason):
    return packet("q", reason + "\0")


@pytest.fixture(scope="module")
def milters():
    with Milter() as first, Milter() as second:
        yield first, second


@pytest.fixture(scope="module")
def suite(milters):
    first, second = (m.address for m in milters)
    services = {"two": {"smtpd_milters": "%s, %s" % (first, second)}}
    files = {"/etc/postfix/virtual": "list@example.test alice bob\n", "/etc/postfix/canonical": "old@example.test alice@example.test\n", "/etc/postfix/checks": CHECKS}
    with make(main_cf={"smtpd_milters": first, "milter_content_timeout": "2", "milter_command_timeout": "2", "compatibility_level": "3.9",
                       "local_recipient_maps": "inline:{alice=x bob=x carol=x list=x}", "virtual_alias_maps": "texthash:/etc/postfix/virtual",
                       "canonical_maps": "texthash:/etc/postfix/canonical", "milter_default_action": "tempfail", "notify_classes": "", "default_transport": "discard:gone",
                       "milter_header_checks": "regexp:/etc/postfix/checks", "message_size_limit": "200000",
                       "local_destination_concurrency_limit": "1"}, services=services, files=files) as s:
        yield s


def run(name, suite, milters, edits, lines=FLOW, service="smtp", delivered=("alice", "bob"), second=None, last=ACCEPT, answers=None, **options):
    used = milters if service == "two" else milters[:1]
    for m in milters:
        m.answers, m.steps, m.symbols, m.options, m.version, m.actions, m.closes = {}, 0, {}, None, 6, 0x1ff, ""
    used[0].answers = {"E": b"".join(edits) + last, **(answers or {})}
    for key, value in options.items():
        setattr(used[0], key, value)
    if second is not None:
        used[1].answers = {"E": second}
    golden("milter_edit_" + name, story(suite, used, lines, service, delivered))


HEADERS = {
    "add": [add_header("X-New", "v")], "add_two": [add_header("X-New", "1"), add_header("X-New", " 2")], "add_folded": [add_header("X-Long", "a\n\tb\n c")], "add_crlf": [add_header("X-C", "a\r\n\tb")],
    "insert0": [insert_header(0, "X-I", "0")], "insert1": [insert_header(1, "X-I", "1")], "insert2": [insert_header(2, "X-I", "2")], "insert9": [insert_header(9, "X-I", "9")], "insert_far": [insert_header(1000, "X-I", "far")],
    "insert_two": [insert_header(0, "X-I", "first"), insert_header(0, "X-I", "second"), insert_header(1, "X-I", "third")], "insert_max": [insert_header(0xffffffff, "X-I", "max")],
    "change": [change_header(1, "Subject", "new")], "change_case": [change_header(1, "SUBJECT", "new")], "change_second": [change_header(2, "X-A", "changed")], "change_missing": [change_header(1, "X-None", "made")],
    "change_third": [change_header(3, "X-A", "made")], "change0": [change_header(0, "X-A", "zero")], "change_max": [change_header(0xffffffff, "X-A", "max")], "delete": [change_header(1, "X-A", "")],
    "delete_both": [change_header(1, "X-A", ""), change_header(1, "X-A", "")], "delete_second": [change_header(2, "X-A", "")], "delete_missing": [change_header(5, "X-A", "")],
    "received": [change_header(1, "Received", "mine")], "delete_received": [change_header(1, "Received", "")], "shorter": [change_header(1, "Message-Id", "x")], "longer": [change_header(1, "X-B", "y" * 3000)],
    "long_line": [add_header("X-L", "z" * 5000)], "empty_value": [add_header("X-Empty", "")], "insert_empty": [insert_header(1, "X-Empty", "")], "eight_bit": [add_header("X-8", "\u00e4")], "space": [add_header("X-S", "  two")],
    "add_then_change": [add_header("X-New", "1"), change_header(1, "X-New", "2")], "insert_then_delete": [insert_header(0, "X-New", "1"), change_header(1, "X-New", "")], "many": [add_header("X-N%d" % i, "v") for i in range(50)],
    "bad_name": [add_header("X Y", "v")], "no_name": [add_header("", "v")], "colon_name": [add_header("X:Y", "v")], "newline_name": [add_header("X-A\nX-B", "v")], "newline_value": [add_header("X-A", "a\nX-Injected: b")],
    "cr_value": [add_header("X-A", "a\rb")], "empty_line": [add_header("X-A", "a\n\nbody")], "trailing": [add_header("X-A", "a\n")], "from": [change_header(1, "From", "Other <other@example.net>")],
}


@pytest.mark.parametrize("name", HEADERS)
def test_header(suite, milters, name):
    run("header_" + name, suite, milters, HEADERS[name])


@pytest.mark.parametrize("name", ["Reject", "Hold", "Discard", "Warn", "Replace", "Ignore", "Prepend", "Redirect", "Filter", "Bcc", "Defer", "Info", "Strip", "Pass"])
@pytest.mark.parametrize("how", ["add", "insert", "change"])
def test_milter_header_checks(suite, milters, name, how):
    suite.delete_all()
    made = {"add": add_header("X-" + name, "v"), "insert": insert_header(1, "X-" + name, "v"), "change": change_header(1, "X-" + name, "v")}[how]
    run("checks_%s_%s" % (how, name.lower()), suite, milters, [made, add_header("X-Last", "v")], delivered=("alice", "bob", "carol"))
    suite.delete_all()


BODIES = {
    "one": [body("New body.\r\n")], "lf": [body("a\nb\n")], "no_end": [body("no newline")], "chunks": [body("par"), body("t one\r"), body("\nline two\r\n")], "empty": [body("")], "dots": [body(".\r\n..x\r\n")],
    "cr": [body("a\rb\r\nc\r\r\nd")], "long": [body("x" * 60000), body("y" * 5000 + "\r\n")], "nul": [body("a\0b\r\n")], "with_header": [add_header("X-New", "v"), body("b\r\n"), change_header(1, "Subject", "later")],
    "twice_split": [body("one\r\n"), add_header("X-New", "v"), body("two\r\n")], "progress": [PROGRESS, body("one\r\n"), PROGRESS, body("two\r\n"), PROGRESS], "eight_bit": [body("\u00fc\r\n")],
}


@pytest.mark.parametrize("name", BODIES)
def test_body(suite, milters, name):
    run("body_" + name, suite, milters, BODIES[name])


@pytest.mark.parametrize("content", ["Subject: x\n", "\n", "Subject: x\n\n", "no header\n"])
def test_body_of_odd_messages(suite, milters, content):
    run("body_of_" + repr(content).strip("'").replace("\\n", "_").replace(" ", "").replace(":", ""), suite, milters, [body("new\r\n"), add_header("X-New", "v")], [*FLOW[:3], (".", content)])


def test_body_too_big(suite, milters):
    run("body_too_big", suite, milters, [body("x" * 60000 + "\r\n")] * 5, delivered=())


ENVELOPES = {
    "add": [add_rcpt("<bob@example.test>")], "add_plain": [add_rcpt("bob@example.test")], "add_same": [add_rcpt("<alice@example.test>")], "add_list": [add_rcpt("<list@example.test>")], "add_canonical": [add_rcpt("<old@example.test>")],
    "add_local": [add_rcpt("<bob>")], "add_unknown": [add_rcpt("<nobody-here@example.test>")], "add_empty": [add_rcpt("<>")], "add_par": [add_rcpt_par("<bob@example.test>", "NOTIFY=NEVER")], "add_par_orcpt": [add_rcpt_par("<bob@example.test>", "NOTIFY=SUCCESS ORCPT=rfc822;x@y")],
    "add_par_other": [add_rcpt_par("<bob@example.test>", "FOO=BAR")], "add_par_none": [add_rcpt_par("<bob@example.test>")],
    "delete": [delete_rcpt("<alice@example.test>"), add_rcpt("<bob@example.test>")], "delete_all": [delete_rcpt("<alice@example.test>")], "delete_case": [delete_rcpt("<ALICE@EXAMPLE.TEST>"), add_rcpt("<bob@example.test>")],
    "delete_unknown": [delete_rcpt("<carol@example.test>")], "delete_added": [add_rcpt("<bob@example.test>"), delete_rcpt("<bob@example.test>")], "delete_and_add": [delete_rcpt("<alice@example.test>"), add_rcpt("<alice@example.test>")],
    "from": [change_from("<new@example.net>")], "from_plain": [change_from("new@example.net")], "from_null": [change_from("<>")], "from_canonical": [change_from("<old@example.test>")], "from_par": [change_from("<new@example.net>", "RET=HDRS ENVID=x")],
    "from_par_other": [change_from("<new@example.net>", "SIZE=10 FOO")], "from_twice": [change_from("<one@example.net>"), change_from("<two@example.net>")], "from_long": [change_from("<%s@example.net>" % ("l" * 60))],
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_envelope(suite, milters, name):
    run("envelope_" + name, suite, milters, ENVELOPES[name])


@pytest.mark.parametrize("orcpt", ["", " ORCPT=rfc822;orig@example.net"])
@pytest.mark.parametrize("name", ["list", "old", "alice"])
def test_delete_mapped(suite, milters, name, orcpt):
    """By the address that the client gave, or by what became of it."""
    lines = [FLOW[0], "RCPT TO:<%s@example.test>%s" % (name, orcpt), "RCPT TO:<carol@example.test>", *FLOW[2:]]
    for gone in ("%s@example.test" % name, "alice@example.test", "orig@example.net"):
        run("delete_%s_%s%s" % (name, gone.split("@")[0], "_orcpt" if orcpt else ""), suite, milters, [delete_rcpt("<%s>" % gone)], lines, delivered=("alice", "bob", "carol"))


def test_quarantine(suite, milters):
    run("quarantine", suite, milters, [quarantine("too odd")])
    run("quarantine_rejected", suite, milters, [quarantine("too odd")], last=REJECT)
    run("quarantine_empty", suite, milters, [quarantine("")], last=CONTINUE)
    run("quarantine_newline", suite, milters, [quarantine("a\nb\u00e4")], last=CONTINUE)
    suite.delete_all()


@pytest.mark.parametrize("last", ["continue", "accept", "reject", "tempfail", "discard", "reply", "close", "short", "half_body"])
def test_end(suite, milters, last):
    """Nothing is changed when it is not accepted."""
    answer = {"continue": CONTINUE, "accept": ACCEPT, "reject": REJECT, "tempfail": TEMPFAIL, "discard": DISCARD, "reply": reply("554 5.7.9 so"), "close": b"", "short": b"\0\0", "half_body": struct.pack(">I", 5000) + b"bhalf"}[last]
    run("end_" + last, suite, milters, [body("half of it\r\n"), add_header("X-New", "v"), change_from("<new@example.net>"), answer], last=b"",
        closes="E" if last in ("close", "short", "half_body") else "")


def test_not_negotiated(suite, milters):
    run("not_negotiated", suite, milters, [add_header("X-New", "v"), body("b\r\n")], actions=0)
    run("not_negotiated_body", suite, milters, [body("b\r\n")], actions=ADDHDRS)
    run("not_negotiated_header", suite, milters, [add_header("X-N", "b")], actions=CHGBODY)


@pytest.mark.parametrize("early", "LNB")
def test_too_early(suite, milters, early):
    """A change before the end of the message."""
    run("early_" + early, suite, milters, [], answers={early: add_header("X-New", "v") + CONTINUE})


def test_row(suite, milters):
    """The second sees what the first has changed."""
    first = [add_header("X-New", "v"), insert_header(0, "X-First", "1"), change_header(1, "X-A", ""), change_header(1, "Subject", "new"), body("Changed.\r\n"), change_from("<new@example.net>"), add_rcpt("<bob@example.test>")]
    run("row", suite, milters, first, service="two", second=change_header(1, "X-New", "w") + body("Again.\r\n") + insert_header(1, "X-Second", "2") + ACCEPT)
    run("row_refused", suite, milters, first, service="two", second=REJECT)
    run("row_closed", suite, milters, first, service="two", second=CLOSE)


MALFORMED = {"add_no_nul": packet("h", b"X-A"), "add_one": packet("h", b"X-A\0"), "add_no_end": packet("h", b"X-A\0v"), "add_three": packet("h", b"X-A\0v\0w\0"), "insert_short": packet("i", b"\0\0"), "insert_no_name": packet("i", struct.pack(">I", 1)),
             "change_short": packet("m", b"\0\0\0\1X"), "rcpt_no_nul": packet("+", b"<bob@example.test>"), "rcpt_empty": packet("+"), "from_empty": packet("e"), "quarantine_no_nul": packet("q", b"why"), "body_nothing": packet("b")}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(suite, milters, name):
    suite.delete_all()
    run("malformed_" + name, suite, milters, [MALFORMED[name]])
    suite.delete_all()
