"""smtpd_milters: what a milter is told, and what its answers do to commands and messages."""
import struct

import pytest

from suite import make
from suite.golden import golden
from suite.milter import (ACCEPT, CLOSE, CONTINUE, DISCARD, HDR_LEADSPC, NODATA, NOBODY, NOCONNECT, NOEOH, NOHDRS, NOHELO, NOMAIL, NORCPT, NOUNKNOWN,
                          NR_BODY, NR_CONN, NR_DATA, NR_EOH, NR_HDR, NR_HELO, NR_MAIL, NR_RCPT, NR_UNKN, PROGRESS, RCPT_REJ, REJECT, SKIP, SKIP_REST,
                          TEMPFAIL, Milter, packet, reply)
from suite.milter_story import MESSAGE, story

pytestmark = pytest.mark.root

FLOW = ["MAIL FROM:<a@example.net> BODY=8BITMIME", "RCPT TO:<alice@example.test>", "DATA", "."]
NO = NOCONNECT | NOHELO | NOMAIL | NORCPT | NOBODY | NOHDRS | NOEOH | NOUNKNOWN | NODATA
NR = NR_HDR | NR_CONN | NR_HELO | NR_MAIL | NR_RCPT | NR_DATA | NR_UNKN | NR_EOH | NR_BODY
STAGES = {"connect": "C", "helo": "H", "mail": "M", "rcpt": "R", "data": "T", "header": "L", "eoh": "N", "body": "B", "eob": "E", "unknown": "U"}
# The macros that each stage is given, by their own names.
LISTS = {name: "m_%s v" % name[7:-7] for name in ("milter_connect_macros", "milter_helo_macros", "milter_mail_macros", "milter_rcpt_macros", "milter_data_macros",
                                                 "milter_end_of_header_macros", "milter_end_of_data_macros", "milter_unknown_command_macros")}


@pytest.fixture(scope="module")
def milters():
    with Milter() as first, Milter() as second:
        yield first, second


@pytest.fixture(scope="module")
def suite(milters):
    first, second = (m.address for m in milters)
    services = {"two": {"smtpd_milters": "%s, %s" % (first, second)}, "none": {"smtpd_milters": ""},
                "old2": {"smtpd_milters": "{ %s, protocol=2 }" % first}, "old3": {"smtpd_milters": "{ %s, { protocol = 3 } }" % first}, "old4": {"milter_protocol": "4"},
                "lists": {**LISTS, "milter_macro_defaults": " ".join("m_%s=%s" % (s[7:-7], s[7:-7]) for s in LISTS), "milter_macro_v": "my v",
                          "milter_macro_daemon_name": "mine"},
                "values": {"milter_%s_macros" % s: VALUES for s in ("connect", "helo", "mail", "rcpt", "data", "end_of_header", "end_of_data")},
                "early": {"smtpd_delay_reject": "no", "smtpd_client_restrictions": "", "smtpd_delay_open_until_valid_rcpt": "no"},
                "no_milters": {"receive_override_options": "no_milters"}, "refuses": {"smtpd_sender_restrictions": "reject"},
                "soft": {"soft_bounce": "yes"}}
    with make(main_cf={"smtpd_milters": first, "milter_command_timeout": "2", "milter_content_timeout": "2", "milter_connect_timeout": "2", "compatibility_level": "3.9",
                       "local_recipient_maps": "inline:{alice=x bob=x}", "milter_default_action": "tempfail", "notify_classes": ""}, services=services) as s:
        yield s


VALUES = "_ i j v {auth_type} {cert_subject} {client_addr} {client_connections} {client_name} {client_port} {client_ptr} {daemon_name} {daemon_addr} {daemon_port} " \
         "{mail_addr} {mail_host} {mail_mailer} {rcpt_addr} {rcpt_host} {rcpt_mailer} {tls_version} {if_addr} {if_name} {nonsense}"


def run(name, suite, milters, lines=FLOW, answers=None, steps=0, service="smtp", both=False, delivered=("alice",), second=None, **options):
    used = milters if service == "two" else milters[:1]
    for m in milters:
        m.answers, m.steps, m.symbols, m.options, m.version, m.actions = {}, 0, {}, None, 6, 0x1ff
    used[0].answers, used[0].steps = dict(answers or {}), steps
    for key, value in options.items():
        setattr(used[0], key, value)
    if second is not None:
        used[1].answers = second
    golden("milter_" + name, story(suite, used, lines, service, delivered))


@pytest.mark.parametrize("service", ["smtp", "two", "none", "no_milters", "old2", "old3", "old4", "lists", "values", "early", "refuses"])
def test_what_it_is_told(suite, milters, service):
    run("told_" + service, suite, milters, ["NOOP", "FOO bar", *FLOW[:2], "RCPT TO:<bob@example.test> NOTIFY=NEVER", *FLOW[2:]], service=service)


@pytest.mark.parametrize("steps", ["no", "nr", "leadspace", "rejected"])
def test_steps(suite, milters, steps):
    bits = {"no": NO, "nr": NR, "leadspace": HDR_LEADSPC, "rejected": RCPT_REJ}[steps]
    run("steps_" + steps, suite, milters, ["FOO", FLOW[0], "RCPT TO:<nobody@example.test>", *FLOW[1:]], steps=bits)


def test_symbols(suite, milters):
    """SETSYMLIST: the milter says which macros it wants, by stage."""
    run("symbols", suite, milters, symbols={0: "j v", 1: "j", 2: "{mail_addr} j", 3: "{rcpt_addr} i", 4: "i j", 5: "j _", 6: "j {client_addr}"})


RESETS = {
    "rset": [FLOW[0], "RSET", "RSET", *FLOW], "idle": [], "helo": [FLOW[0], "EHLO other.example", "HELO third.example"], "vrfy": ["VRFY alice@example.test"],
    "messages": [*FLOW, *FLOW], "lost": [FLOW[0], FLOW[1], "close"], "bad_mail": ["MAIL FROM:<a@example.net> FOO=1", "MAIL <a@b>", "RCPT TO:<alice@example.test>", "DATA", "MAIL FROM:<>"],
    "quit_in_mail": FLOW[:2], "bdat": [*FLOW[:2], "BDAT 8\r\nSubject:", "BDAT 10 LAST\r\n x\r\n\r\nyz\r\n"], "nested": [*FLOW[:1], *FLOW[:2], "DATA foo", "HELP", "ETRN example.test"],
    "utf8": ["MAIL FROM:<a@example.net> SMTPUTF8", "RCPT TO:<alice@example.test>", "DATA", "."],
}


@pytest.mark.parametrize("name", RESETS)
def test_order(suite, milters, name):
    run("order_" + name, suite, milters, RESETS[name])


ANSWERS = {"reject": REJECT, "tempfail": TEMPFAIL, "accept": ACCEPT, "discard": DISCARD, "reply5": reply("554 5.7.9 not here"), "reply4": reply("450 4.7.9 not now"), "reply421": reply("421 4.7.8 away"),
           "many": reply("551-5.1.1 one\r\n551 5.1.1 two %% percent"), "close": CLOSE, "unknown": packet("z"), "shutdown": packet("4"), "connfail": packet("f"), "skip": SKIP_REST}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_answers(suite, milters, stage, answer):
    """Each answer at each stage."""
    lines = ["FOO bar", FLOW[0], FLOW[1], "RCPT TO:<bob@example.test>", *FLOW[2:]]
    if stage == "unknown" and answer in ("accept", "discard"):
        pytest.skip("the reference's smtpd panics at the next MAIL")
    run("answer_%s_%s" % (answer, stage), suite, milters, lines, answers={STAGES[stage]: ANSWERS[answer]}, steps=SKIP, delivered=("alice", "bob"))


BAD_REPLIES = {"no_nul": packet("y", b"554 5.7.9 no end"), "empty": packet("y"), "short": packet("y", b"4\0"), "class2": reply("250 2.0.0 fine"), "letters": reply("abc"), "no_dsn": reply("554 plain"),
               "wrong_dsn": reply("554 4.7.1 mixed"), "only_code": reply("550"), "percent": reply("554 5.7.1 100% %s %d"), "newline": reply("554 5.7.1 a\nb"),
               "long": reply("554 5.7.1 " + "x" * 400), "cr": reply("554 5.7.1 a\rb\x01c\x80"), "zero": struct.pack(">I", 0), "huge": struct.pack(">I", 1 << 31) + b"c",
               "progress": PROGRESS + CONTINUE}


@pytest.mark.parametrize("name", BAD_REPLIES)
def test_odd_answers(suite, milters, name):
    run("odd_" + name, suite, milters, [*FLOW[:2], "RCPT TO:<bob@example.test>", *FLOW[2:]], answers={"R": [BAD_REPLIES[name], CONTINUE]})


@pytest.mark.parametrize("stage", ["connect", "helo", "mail"])
@pytest.mark.parametrize("answer", ["reject", "tempfail", "reply421", "close"])
def test_early(suite, milters, stage, answer):
    """With smtpd_delay_reject = no."""
    run("early_%s_%s" % (answer, stage), suite, milters, answers={STAGES[stage]: ANSWERS[answer]}, service="early")


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "eob"])
def test_soft_bounce(suite, milters, stage):
    run("soft_" + stage, suite, milters, answers={STAGES[stage]: reply("554-5.7.9 not here\r\n554 5.7.9 nor there") if stage != "mail" else REJECT}, service="soft")


@pytest.mark.parametrize("stage", STAGES)
def test_first_refuses(suite, milters, stage):
    """The second one hears nothing of what the first refused."""
    run("first_" + stage, suite, milters, ["FOO", *FLOW], answers={STAGES[stage]: REJECT}, service="two")


@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "header", "eob"])
@pytest.mark.parametrize("answer", ["accept", "discard", "close"])
def test_of_two(suite, milters, stage, answer):
    run("two_%s_%s" % (answer, stage), suite, milters, [*FLOW, *FLOW], answers={STAGES[stage]: [ANSWERS[answer], CONTINUE]}, service="two")


def test_second_refuses(suite, milters):
    run("second_refuses", suite, milters, [*FLOW, *FLOW], service="two", second={"R": [REJECT, CONTINUE], "E": TEMPFAIL})


OPTIONS = {"close": {"options": b""}, "version1": {"version": 1}, "version7": {"options": packet("O", struct.pack(">III", 7, 0x1ff, 0))}, "short": {"options": packet("O", b"\0\0\0\6")},
           "other": {"options": CONTINUE}, "garbage": {"options": b"HTTP/1.0 200 OK\r\n\r\n"}, "more_actions": {"options": packet("O", struct.pack(">III", 6, 0xffff, 0))},
           "more_steps": {"options": packet("O", struct.pack(">III", 6, 0x1ff, 0xffffffff))}, "old": {"version": 2}, "bad_symbols": {"options": packet("O", struct.pack(">IIII", 6, 0x1ff, 0, 1))},
           "bad_stage": {"options": packet("O", struct.pack(">IIII", 6, 0x1ff, 0, 99) + b"j\0")}}


@pytest.mark.parametrize("name", OPTIONS)
def test_options(suite, milters, name):
    run("options_" + name, suite, milters, **OPTIONS[name])


def test_long_body(suite, milters):
    """The body in chunks, whatever its lines."""
    text = MESSAGE + "x" * 70000 + "\n" + ".dot\n" * 3 + "y" * 5000 + "\n" + "z" * 65535
    run("long_body", suite, milters, [*FLOW[:3], (".", text + "\n")], delivered=())
    assert b"".join(milters[0].bodies) == text.split("\n\n", 1)[1].replace("\n", "\r\n").encode() + b"\r\n"


def test_skip(suite, milters):
    """No more of the body after SKIP."""
    run("skip_body", suite, milters, [*FLOW[:3], (".", MESSAGE + "x\n" * 90000)], answers={"B": SKIP_REST}, steps=SKIP, delivered=())


def test_body_stopped(suite, milters):
    run("accept_body", suite, milters, [*FLOW[:3], (".", MESSAGE + "x\n" * 90000)], answers={"B": ACCEPT}, delivered=())


HEADERS = {"folded": "X-F: a\n b\n\tc\nX-G:\n folded\n\nbody\n", "odd": "X-E:\nX-S:    four  \nX T: space\n\nb\n", "none": "\nonly body\n", "no_body": "Subject: x\n", "text": "not a header\n\nbody\n",
           "space_colon": "X-C : v\nSubject: s\n\n", "eight_bit": "Subject: \u00e4\u00f6\n\n\u00fc\n", "received": "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\nReceived: from c by d; x\nSubject: x\n\nb\n",
           "dropped": "Return-Path: <x@y>\nBcc: z@y\nSubject: x\n\nb\n", "long": "X-L: " + "y" * 5000 + "\n z\n\nb\n", "empty_body": "Subject: x\n\n"}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("steps", [0, HDR_LEADSPC])
def test_headers(suite, milters, name, steps):
    run("headers_%s%s" % (name, "_lead" if steps else ""), suite, milters, [*FLOW[:3], (".", HEADERS[name])], steps=steps)
