"""smtpd_proxy_filter: a content filter in front of the queue, what it is told, and what becomes of its replies."""
import contextlib
import re
import socket
import threading

import pytest

from suite import make, masks
from suite.golden import golden
from suite.milter import ACCEPT, DISCARD, REJECT, Milter
from suite.smtp import Client, Silent, Sink

pytestmark = pytest.mark.root

XFORWARD = "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"
EHLO, MAIL, RCPT = "EHLO client.example.net", "MAIL FROM:<joe@example.net>", "RCPT TO:<alice@example.test>"
BOB, CAROL = RCPT.replace("alice", "bob"), RCPT.replace("alice", "carol")
MESSAGE = "Subject: t\r\nMessage-Id: <m@example.net>\r\n\r\nHello.\r\n"
END = ["DATA", MESSAGE + ".", "QUIT"]
USUAL = [EHLO, MAIL, RCPT, *END]
LONG = "Subject: x\r\n\r\n" + ("x" * 70 + "\r\n") * 30000 + "."
LATE = {"smtpd_proxy_options": "speed_adjust"}
HANG_UP = "<hang up>"


def acts(action, of="recipient"):
    return {"smtpd_%s_restrictions" % of: "check_client_access static:{%s}" % action}


SERVICES = {
    "late": LATE,
    "named": {"smtpd_proxy_ehlo": "filtered.example.test"},
    "early": {"smtpd_delay_open_until_valid_rcpt": "no"},
    "small": {"message_size_limit": "2000", "smtpd_forbid_bare_newline": "reject", "smtpd_forbid_bare_newline_exclusions": ""},
    "remote": {"local_header_rewrite_clients": "", "smtpd_peername_lookup": "no"},
    "hide": {"smtpd_hide_client_session": "yes", "smtpd_client_port_logging": "yes"},
    "soft": {"soft_bounce": "yes", "smtpd_reject_footer": "call us"},
    "override": {"receive_override_options": "no_unknown_recipient_checks", "content_filter": "smtp:[127.0.0.1]:9"},
    "nobody": {"smtpd_proxy_filter": "127.0.0.1:1"}, "nowhere": {"smtpd_proxy_filter": "unix:private/nothing"},
    "unknown": {"smtpd_proxy_filter": "nowhere.invalid:10"},
    "late_nobody": {"smtpd_proxy_filter": "127.0.0.1:1", **LATE},
    "prepend": acts("PREPEND X-A: b"), "prepend_late": {**LATE, **acts("PREPEND X-A: b", "data")}, "prepend_end": acts("PREPEND X-A: b", "end_of_data"),
    "hold": acts("HOLD"), "hold_end": acts("HOLD", "end_of_data"), "filter": acts("FILTER smtp:x"), "redirect": acts("REDIRECT bob@example.test"),
    "bcc": acts("BCC carol@example.test"), "discard": acts("DISCARD"), "reject": acts("REJECT no"), "reject_data": acts("REJECT no", "data"),
    "reject_end": acts("REJECT no", "end_of_data"), "reject_end_late": {**LATE, **acts("REJECT no", "end_of_data")}, "warn": acts("WARN hm"),
}


class Filter(Sink):
    def become(self, answers=(), extensions=(XFORWARD, "8BITMIME")):
        self.answers, self.extensions = dict(answers), list(extensions)
        self.sessions.clear()
        self.messages.clear()


@pytest.fixture(scope="module")
def sink():
    with Filter() as one:
        yield one


@pytest.fixture(scope="module")
def silent():
    """Does not read the content."""
    one = Silent("", {"EHLO": "250 silent"})
    yield one
    one.server.close()


@pytest.fixture(scope="module")
def milter():
    with Milter() as one:
        yield one


@pytest.fixture(scope="module")
def suite(sink, silent, milter):
    mute = {"smtpd_proxy_filter": "127.0.0.1:%d" % silent.port, "smtpd_proxy_timeout": "2s"}
    port = sink.address[1]
    services = {**SERVICES, "silent": mute, "silent_late": {**mute, **LATE}, "impatient": {"smtpd_proxy_timeout": "1s"},
                "impatient_late": {"smtpd_proxy_timeout": "1s", **LATE},
                "milter": {"smtpd_milters": milter.address}, "milter_late": {"smtpd_milters": milter.address, **LATE},
                **{"place%d" % i: {"smtpd_proxy_filter": p % port} for i, p in enumerate(("inet:127.0.0.1:%d", "[127.0.0.1]:%d", "localhost:%d", ":%d", "%d"))}}
    with make(main_cf={"smtpd_proxy_filter": "127.0.0.1:%d" % port, "notify_classes": ""}, services=services) as s:
        yield s


class Talk:
    """A client that says its lines one after another, and what it hears."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=30)
        self.file = self.socket.makefile("rb")
        self.told = []
        self.hear()

    def hear(self):
        with contextlib.suppress(ConnectionResetError):
            while line := self.file.readline():
                self.told.append("S: " + line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
                if line[3:4] != b"-":
                    return True
        self.told.append("(closed)")
        return False

    def say(self, line):
        """A line, or a chunk and its bytes."""
        self.told.append("C: " + (line if len(line) < 200 else line[:80] + "...").replace("\r\n", "|"))
        with contextlib.suppress(OSError):
            self.socket.sendall(line.encode() + (b"" if line.startswith("BDAT") else b"\r\n"))


def story(suite, sink, name, steps=USUAL, service="smtp", answers=(), **options):
    sink.become(answers, **options)
    at = suite.log_size()
    talk = Talk(suite.address(service))
    for step in steps:
        if step == HANG_UP:
            break
        unanswered = step.removeprefix("<no reply>")
        talk.say(unanswered)
        if unanswered == step and not talk.hear():
            break
    talk.file.close()
    talk.socket.close()
    suite.wait_log(r"smtpd\[\d+\]: disconnect from", since=at)
    suite.sync_log()
    if sink.sessions:
        sink.ended()
    log = ["L: " + text for text in re.findall(r"(?m)/smtpd\[\d+\]: (.*)$", suite.log(at)) if not text.startswith("connect from")]
    text = "\n".join(["# " + name, *talk.told, *("F: " + line for s in sink.sessions for line in ["--", *s]),
                      *("content:|" + m["data"].decode("utf-8", "backslashreplace").replace("\r\n", "|") for m in sink.messages), *log, ""])
    text = re.sub(r"(?m)^S: (250-|220).*\n|^[CF]: EHLO client.*\n|^S: 250 CHUNKING\n|^S: 354 End.*\n|^[CF]: QUIT\n|^S: 221 2.0.0 Bye\n", "", text)
    text = re.sub(r"(.)\1{60,}", r"\1{many}", text)
    text = re.sub(r"PORT=\d+", "PORT={port}", text).replace(XFORWARDED, "XFORWARD {usual}").replace(OF_ALICE, "{usual}")
    return masks.session(re.sub(masks.RULES[2][1], "{date}", text))


XFORWARDED = "XFORWARD NAME=localhost ADDR=127.0.0.1 PORT={port} HELO=client.example.net IDENT=[UNAVAILABLE] PROTO=ESMTP SOURCE=LOCAL"
OF_ALICE = "from=<joe@example.net> to=<alice@example.test> proto=ESMTP helo=<client.example.net>"


def stories(suite, sink, cases):
    return "\n".join(story(suite, sink, name, **case) for name, case in cases.items())


MANY = [EHLO, MAIL + " SIZE=100 BODY=8BITMIME RET=HDRS ENVID=abc", RCPT + " NOTIFY=NEVER ORCPT=rfc822;x@y", "rcpt to: bob",
        "RCPT TO:<nobody@elsewhere.example>", "RCPT TO:<unknown@example.test>", *END]
DATA = [EHLO, MAIL, RCPT, "DATA"]
TOLD = {
    "usual": {}, "late": {"service": "late"}, "early": {"service": "early"}, "HELO": {"steps": ["HELO x", *USUAL[1:]]}, "no HELO": {"steps": USUAL[1:]},
    "many": {"steps": MANY}, "many, late": {"steps": MANY, "service": "late"},
    "some of XFORWARD": {"extensions": ["XFORWARD NAME ADDR"]}, "no XFORWARD": {"extensions": ["PIPELINING", "SIZE 10"]},
    "a name of its own": {"service": "named"}, "remote, without a name": {"service": "remote"}, "hidden": {"service": "hide"},
    "overrides": {"service": "override", "steps": [EHLO, MAIL, "RCPT TO:<unknown@example.test>", *END]},
    "odd HELO": {"steps": ["EHLO a+b(c) d", *USUAL[1:]]}, "long HELO": {"steps": ["EHLO " + "x" * 240 + "." + "y" * 240 + ".example", *USUAL[1:]]},
    "longer HELO": {"steps": ["EHLO " + "x" * 240 + "." + "y" * 600 + ".example", *USUAL[1:]]},
    "UTF-8": {"steps": [EHLO, "MAIL FROM:<j\u00f6@example.net> SMTPUTF8", *USUAL[2:]]},
    "odd commands": {"steps": [EHLO, "mail  from: joe@example.net  SIZE=3", "RCPT TO: <alice@example.test>   NOTIFY=NEVER", *END]},
    "null sender": {"steps": [EHLO, "MAIL FROM:<>", RCPT, *END]},
    "two messages": {"steps": [EHLO, *USUAL[1:-1], *USUAL[1:]]}, "two messages, late": {"steps": [EHLO, *USUAL[1:-1], *USUAL[1:]], "service": "late"},
    "no recipient": {"steps": [EHLO, MAIL, "RCPT TO:<unknown@example.test>", "QUIT"]},
    "no recipient, early": {"steps": [EHLO, MAIL, "RCPT TO:<unknown@example.test>", "QUIT"], "service": "early"},
    "RSET": {"steps": [EHLO, MAIL, RCPT, "RSET", *USUAL[1:]]}, "QUIT": {"steps": [EHLO, MAIL, RCPT, "QUIT"]},
    "gone": {"steps": [EHLO, MAIL, RCPT, HANG_UP]}, "gone in the content": {"steps": [*DATA, "<no reply>" + MESSAGE, HANG_UP]},
    "gone in the content, late": {"steps": [*DATA, "<no reply>" + MESSAGE, HANG_UP], "service": "late"},
    "dots and long lines": {"steps": [*DATA, "Subject: x\r\n\r\n..a\r\n...\r\n" + "y" * 3000 + "\r\nz\r\n.", "QUIT"]},
    "no content": {"steps": [*DATA, ".", "QUIT"]},
    "BDAT": {"steps": [*DATA[:3], "BDAT 10\r\nSubject: t", "BDAT 18 LAST\r\n\r\n\r\n.hello\r\nmore..", "NOOP", "QUIT"]},
    "BDAT, late": {"steps": [*DATA[:3], "BDAT 10\r\nSubject: t", "BDAT 18 LAST\r\n\r\n\r\n.hello\r\nmore..", "NOOP", "QUIT"], "service": "late"},
    "BDAT and RSET": {"steps": [*DATA[:3], "BDAT 10\r\nSubject: t", "RSET", "QUIT"]},
    **{"place %d" % i: {"service": "place%d" % i} for i in range(5)},
}


def test_what_it_is_told(suite, sink):
    golden("proxy_told", stories(suite, sink, TOLD))


def test_refusals(suite, sink):
    cases = {}
    for verb in ("CONNECT", "EHLO", "XFORWARD", "MAIL", "RCPT", "DATA", r"\."):
        for answer in ("550 5.7.9 no", "450 no", "421 4.3.2 bye", "550-5.7.9 one\n550 5.7.9 two", "250-one\n250 two", "550 2.1.0 what", "550 5.7.9 " + "x" * 3000):
            late = {"service": "late"} if "no" in answer else {}
            steps = [*DATA, MESSAGE + ".", "NOOP", "QUIT"] if verb == r"\." or late else [*DATA[:3], "NOOP", "QUIT"] if verb != "DATA" else [*DATA, "NOOP", "QUIT"]
            if verb == "DATA" or not answer.startswith("250") or verb == r"\.":
                cases["%s: %s" % (verb, answer[:30])] = {"answers": {verb: answer}, "steps": steps, **late}
    for verb, steps in (("MAIL", DATA[:3]), ("RCPT", DATA[:3]), ("DATA", DATA), (r"\.", [*DATA, MESSAGE + "."])):
        cases["now, %s" % verb] = {"answers": {verb: "550 5.7.9 no"}, "steps": [*steps, "NOOP", "QUIT"]}
        cases["soft, %s" % verb] = {"answers": {verb: "550-5.7.9 no\n550 5.7.9 never"}, "steps": [*steps, "NOOP", "QUIT"], "service": "soft"}
    golden("proxy_refusals", stories(suite, sink, cases))


def test_failures(suite, sink):
    """Nobody is there, says nothing that is SMTP, or leaves."""
    cases = {name: {"service": name, "steps": [*DATA[:3], "NOOP", "QUIT"]} for name in ("nobody", "nowhere")}
    cases["late_nobody"] = {"service": "late_nobody"}
    for verb in ("CONNECT", "EHLO", "XFORWARD", "MAIL", "RCPT", "DATA", r"\."):
        steps = [*DATA, MESSAGE + ".", "NOOP", "QUIT"] if verb == r"\." else [*DATA[:3], "NOOP", "QUIT"] if verb != "DATA" else [*DATA, "NOOP", "QUIT"]
        cases["%s: closed" % verb] = {"answers": {verb: None}, "steps": steps}
        cases["%s: nonsense" % verb] = {"answers": {verb: "nonsense"}, "steps": steps, "service": "impatient"}
        cases["%s: closed, late" % verb] = {"answers": {verb: None}, "service": "late"}
    cases["nonsense, late"] = {"answers": {"MAIL": "nonsense"}, "service": "impatient_late"}
    golden("proxy_failures", stories(suite, sink, cases))


def test_unknown_host(suite, sink):
    text = story(suite, sink, "unknown", [*DATA[:3], "QUIT"], "unknown")
    assert "451 4.3.0 Error: queue file write error" in text
    assert re.search("L: warning: host or service nowhere.invalid:10 not found: .*\nL: warning: connect to proxy filter nowhere.invalid:10: ", text)


AGAIN = {
    "first recipient refused": {"answers": {"RCPT TO:<alice": "550 5.1.1 no alice"}, "steps": [EHLO, MAIL, RCPT, BOB, *END]},
    "second recipient refused": {"answers": {"RCPT TO:<bob": "550 5.1.1 no bob"}, "steps": [EHLO, MAIL, RCPT, BOB, *END]},
    "second recipient refused, late": {"answers": {"RCPT TO:<bob": "550 5.1.1 no bob"}, "steps": [EHLO, MAIL, RCPT, BOB, *END], "service": "late"},
    "closed at the second": {"answers": {"RCPT TO:<bob": None}, "steps": [EHLO, MAIL, RCPT, BOB, CAROL, "DATA", "RSET", *USUAL[1:]]},
    "421 at the second": {"answers": {"RCPT TO:<bob": "421 4.3.2 bye"}, "steps": [EHLO, MAIL, RCPT, BOB, CAROL]},
    "DATA refused": {"answers": {"DATA": ["450 4.3.0 no", "354 go"]}, "steps": [EHLO, MAIL, RCPT, "DATA", "DATA", MESSAGE + ".", BOB, *USUAL[1:]]},
    "DATA refused, RSET": {"answers": {"DATA": ["450 4.3.0 no", "354 go"]}, "steps": [EHLO, MAIL, RCPT, "DATA", "RSET", *USUAL[1:]]},
    "DATA closed": {"answers": {"DATA": [None]}, "steps": [EHLO, MAIL, RCPT, "DATA", BOB, "DATA", "QUIT"]},
    "BDAT refused": {"answers": {"DATA": ["450 4.3.0 no"]}, "steps": [EHLO, MAIL, RCPT, "BDAT 3\r\nabc", "NOOP", "RSET", "QUIT"]},
    "MAIL refused": {"answers": {"MAIL": ["450 4.3.0 no"]}, "steps": [EHLO, MAIL, RCPT, BOB, *END]},
    "greeting refused": {"answers": {"CONNECT": ["450 4.3.0 no"]}, "steps": [EHLO, MAIL, RCPT, BOB, *END]},
    "MAIL refused, early": {"answers": {"MAIL": ["450 4.3.0 no"]}, "steps": [EHLO, MAIL, *USUAL[1:]], "service": "early"},
    "greeting refused, early": {"answers": {"CONNECT": ["450 4.3.0 no"]}, "steps": [EHLO, MAIL, *USUAL[1:]], "service": "early"},
    "always refused": {"answers": {"RCPT": "550 5.7.1 no"}, "steps": [EHLO, MAIL, *[RCPT] * 21]},
}


def test_again(suite, sink):
    golden("proxy_again", stories(suite, sink, AGAIN))


def test_restrictions(suite, sink):
    names = [name for name in SERVICES if name.split("_")[0] in "prepend hold filter redirect bcc discard reject warn".split()]
    cases = {name: {"service": name, **({"steps": [*DATA[:3], "QUIT"]} if name == "reject" else {"steps": [*DATA, "QUIT"]} if name == "reject_data" else {})} for name in names}
    golden("proxy_restrictions", stories(suite, sink, cases))


@pytest.mark.parametrize("service", ["silent", "silent_late"])
@pytest.mark.parametrize("stays", [True, False])
def test_content_not_read(suite, sink, silent, service, stays):
    held = []

    def serve():
        held.append(silent.talk())
        if not stays:
            held.pop().close()
    server = threading.Thread(target=serve)
    server.start()
    text = story(suite, sink, service, [*DATA, LONG, "NOOP", "QUIT"], service)
    server.join()
    for connection in held:
        connection.close()
    assert "S: 451 4.3.0 Error: queue file write error\nC: NOOP\nS: 250 2.0.0 Ok\n" in text
    assert "L: warning: %s proxy 127.0.0.1:" % ("timeout talking to" if stays else "lost connection with") in text
    assert "L: proxy-reject: END-OF-MESSAGE: 451 4.3.0 Error: queue file write error; {usual}\n" in text


@pytest.mark.parametrize("service", ["small"])
def test_content_not_wanted(suite, sink, service):
    """The filter never sees the end of what is refused."""
    for content, code in (("x" * 900 + "\r\n" + "y" * 900 + "\r\n" + "z" * 900 + "\r\n.", "552 5.3.4 Error: message file too big"),
                          ("x\ny\r\n.", "550 5.5.2 mail.example.test Error: bare <LF> received")):
        text = story(suite, sink, code, [*DATA, content, "QUIT"], service)
        assert "S: " + code in text and not sink.messages and "." not in sink.sessions[0] and "proxy-accept" not in text


def test_milters(suite, sink, milter):
    """They hear of the envelope, and not of the content."""
    out = []
    for name, answers, service in (("asked", {}, "milter"), ("late", {}, "milter_late"), ("accepts", {"M": ACCEPT}, "milter"), ("rejects at the end", {"E": REJECT}, "milter"),
                                   ("rejects a recipient", {"R": REJECT}, "milter"), ("rejects DATA", {"T": REJECT}, "milter"), ("discards", {"M": DISCARD}, "milter")):
        milter.answers.clear()
        milter.answers.update(answers)
        milter.clear()
        steps = [*DATA[:3], "QUIT"] if "R" in answers else [*DATA, "QUIT"] if "T" in answers else USUAL
        out.append(story(suite, sink, name, steps, service))
        out += ["M: " + line.split(" ", 1)[1] for line in milter.told if re.search(r"^\d+ (mail|rcpt|data|header|eoh|body|eob)|macros (mail|rcpt|data)", line)]
    golden("proxy_milters", "\n".join(out))


def test_sendmail_does_not_ask_it(suite, sink):
    sink.become()
    at = suite.log_size()
    said = suite.run("sendmail", "-bs", user="alice", input=("\r\n".join(USUAL) + "\r\n").encode()).stdout.decode()
    assert "queued as" in said and not sink.sessions
    suite.wait_log("status=sent", since=at)


def test_bad_option(suite):
    at = suite.log_size()
    suite.settings(smtpd_proxy_filter="127.0.0.1:1", smtpd_proxy_options="nonsense")
    with contextlib.suppress(OSError), socket.create_connection(suite.smtp, timeout=30):
        suite.wait_log(r'smtpd\[\d+\]: (fatal|error): .*nonsense', since=at)
