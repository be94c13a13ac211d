"""header_checks(5) and body_checks(5) in cleanup(8) and smtp(8): what is logged, what the client hears, what is delivered."""
import os
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Refused, Sink, send

pytestmark = pytest.mark.root

HEADER = r"""/^X-Reject: (.*)/ REJECT no $1
/^X-SoftReject/ REJECT 4.7.1 soft
/^X-BareReject/ REJECT
/^X-CodeReject/ reject 5.7.9 code
/^X-NoCode/ REJECT 5.7.1text
/^X-Hold/ HOLD held
/^X-Discard/ DISCARD thrown
/^X-Filter/ FILTER discard:by-filter
/^X-Redirect/ REDIRECT bob@example.test
/^X-Bcc/ BCC carol@example.test
/^X-Pass/ PASS passed
/^X-Warn/ WARN warned
/^X-BareWarn/ WARN
/^X-Info/ INFO informed
/^X-Ignore/ IGNORE
/^X-Strip/ STRIP stripped
/^X-Prepend/ PREPEND X-Added: yes
/^X-Replace: (.*)/ REPLACE X-New: <$1>
/^X-To: (.*)/ REPLACE To: $1
/^X-Length/ REPLACE Content-Length: 5
/^X-Dunno/ DUNNO
/^X-Ok/ OK
/^X-Delay/ DELAY 5m
/^X-1:/ FILTER nonsense
/^X-2:/ FILTER
/^X-3:/ REDIRECT bob
/^X-4:/ BCC carol
/^X-5:/ PREPEND no header
/^X-6:/ PREPEND
/^X-7:/ REPLACE nothing
/^X-8:/ REPLACE
/^X-9:/ 550 no
/^Message-Id: <(.*)>/ REPLACE Message-Id: <replaced-$1>
"""
BODY = r"""/^badbody/ REJECT body
/^warnbody/ WARN body
/^dropbody/ IGNORE
/^stripbody/ STRIP gone
/^replbody (.*)/ REPLACE now $1
/^prependbody/ PREPEND before it
/^redirectbody/ REDIRECT bob@example.test
/^unknownbody/ FROB
/^passbody/ PASS
"""
EVERY = {"h": "/^Received/ DUNNO\n/^X-Gone/ IGNORE\n/./ WARN header", "m": "/^X-Drop/ IGNORE\n/^Content-Type: x/ REPLACE Content-Type: y/z\n/^X-Pre/ PREPEND X-A: b\n/./ WARN mime",
         "n": "/./ WARN nested", "b": "/^DROP/ IGNORE\n/(.*)/ WARN body $1"}
CLIENT = {"sh": "/^X-r/ REJECT no\n/^X-w/ WARN w\n/^X-p/ PREPEND X-Q: 1\n/^X-s/ STRIP s\n/^X-h/ HOLD\n/^X-i/ IGNORE\n/^X-l/ REPLACE X-M: 1\n/^X-n/ INFO n\n/^X-u/ FOO\n/^X-b/ BCC x@y\n",
          "sb": "/^one/ PREPEND zero\n/^two/ REPLACE 2\n/^three/ IGNORE\n/^four/ WARN w\n/^five/ REJECT\n/^six/ FOO\n/^seven/ STRIP\n", "sm": "/^Content-Type: text/ REPLACE Content-Type: text/html\n/^X-Part/ IGNORE\n", "sn": "/^Subject/ REPLACE Subject: hidden\n"}
FILES = {"/etc/postfix/header": HEADER, "/etc/postfix/body": BODY, **{"/etc/postfix/" + k: v + "\n" for k, v in {**EVERY, **CLIENT}.items()}}
REST = "From: joe@example.net\nTo: alice@example.test\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
PARTS = """preamble
--b
Content-Type: x/plain
X-Drop: 1
X-Pre: 1
X-Part: 1
  folded

text 1
DROP
--b
Content-Type: message/rfc822

X-In: 1
Subject: inner
Content-Type: multipart/mixed; boundary=c

pre
--c

no headers
--c
Content-Type: text/plain
not a header
more
--c--
epi c
--b--
epi b"""
EVERY_CHECKS = {"header_checks": "regexp:/etc/postfix/h", "mime_header_checks": "regexp:/etc/postfix/m", "nested_header_checks": "regexp:/etc/postfix/n", "body_checks": "regexp:/etc/postfix/b"}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"notify_classes": "", "header_checks": "regexp:/etc/postfix/header", "body_checks": "regexp:/etc/postfix/body"}, files=FILES) as s:
        yield s


def settle(suite):
    """Waits until no message moves any more; the log does not tell the end of one that was held and deleted."""
    suite.wait_until(lambda: not [f for f in suite.queue_files() if f[0] not in ("hold", "deferred")] or None, suite.queue, timeout=10)
    suite.sync_log()


def checked(suite, name, head, body="Hello.", by_sendmail=False):
    """The reply, cleanup's log and all mail that came of a message."""
    since, before = suite.log_size(), {u: len(suite.messages(u, 0)) for u in ("alice", "bob", "carol")}
    message = "%s\nSubject: %s\n%s\n%s\n" % (head, name, REST % name, body)
    reply = ""
    try:
        if by_sendmail:
            suite.run("sendmail", "-f", "bob@example.test", "alice@example.test", input=message.encode())
            suite.wait_log(r"cleanup\[\d+\]: .*(message-id|reject|discard|lookup)", since=since)
        else:
            send(suite, "joe@example.net", "alice@example.test", message)
    except Refused as e:
        reply = str(e)
    suite.wait_log(r"cleanup\[\d+\]: .*(message-id=|removed)", since=since)
    settle(suite)
    log = [line for line in masks.mask(suite.log(since)).splitlines() if "/cleanup[" in line and "Received" not in line]
    log = sorted(set(re.sub(r".*?/cleanup\[[^]]*\]: ", "", line) for line in log), key=lambda line: [re.sub(r".*?/cleanup\[[^]]*\]: ", "", l) for l in log].index(line))
    held = ["hold: %d" % len([f for f in suite.queue_files() if f[0] == "hold"])]
    mail = [("to %s:\n" % u) + re.sub(r"(?s)^.*?\tfor .*?\n|^.*?\tid .*?\n", "", m.decode(), 1) for u in before for m in suite.messages(u, 0)[before[u]:] if b"MAILER" not in m]
    suite.run("postsuper", "-d", "ALL", "hold")
    return "\n".join([reply, *log, *held, masks.mask("".join(mail))])


@pytest.mark.parametrize("name", ["Reject", "SoftReject", "BareReject", "CodeReject", "NoCode", "Hold", "Discard", "Filter", "Redirect", "Bcc", "Pass"])
def test_action_of_a_header(suite, settings, name):
    settings()
    golden("header_checks_" + name.lower(), checked(suite, name, "X-%s: value" % name))


def test_actions_that_let_a_message_pass(suite):
    names = re.findall(r"(?m)^/\^X-(\w+)", HEADER)
    golden("header_checks_many", checked(suite, "many", "\n".join("X-%s: erin" % n for n in names[names.index("Warn"):]) + "\nX-Prepend: folded\n twice"))


@pytest.mark.parametrize("name", ["Reject", "Hold", "Discard"])
def test_mail_of_a_local_user(suite, name):
    golden("header_checks_local_" + name.lower(), checked(suite, "local" + name, "X-%s: one\n two" % name, by_sendmail=True))


def test_body_checks(suite):
    golden("body_checks", checked(suite, "body", "X-Y: 1", "warnbody\nrest\ndropbody\nstripbody\nreplbody x\nprependbody\nunknownbody\nredirectbody\npassbody\nwarnbody"))
    golden("body_checks_reject", checked(suite, "badbody", "X-Y: 1", "first\nbadbody\nwarnbody"))


def test_mime_header_checks_and_nested_header_checks(suite, settings):
    settings(**EVERY_CHECKS)
    head = ["Mime-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "Content-Foo: 1", "Content-Disposition: attachment", "Content-Id: <x>", "Content-Length: 5",
            "Content-Transfer-Encoding: 7bit", "Content-Description: x", "X-Gone: 1"]
    golden("header_checks_mime", checked(suite, "mime", "\n".join(head), PARTS))
    settings(**EVERY_CHECKS, disable_mime_input_processing="yes")
    golden("header_checks_no_mime", checked(suite, "nomime", "\n".join(head), PARTS))


def test_body_checks_size_limit(suite, settings):
    settings(body_checks="regexp:/etc/postfix/b", header_checks="", body_checks_size_limit="100")
    golden("body_checks_size_limit", checked(suite, "size", "X-Y: 1", "".join("line %d of the body\n" % i for i in range(20))))


@pytest.mark.parametrize("parameter", ["header_checks", "body_checks", "mime_header_checks"])
def test_table_that_cannot_be_asked(suite, settings, parameter):
    settings(**{"header_checks": "", parameter: "fail:now"})
    text = checked(suite, "fail", "MIME-Version: 1.0")
    assert "451 4.3.0 Error: queue file write error" in text and parameter + " map lookup problem -- message not accepted, try again later" in text


@pytest.mark.parametrize("classes", ["", "notify", "bounce"])
def test_internal_mail_filter_classes(suite, settings, classes):
    settings(header_checks="static:WARN", internal_mail_filter_classes=classes)
    since = suite.log_size()
    suite.run("sendmail", "-f", "alice@example.test", "nobody@error.invalid.", "no-such-user", input=b"Subject: bounces\n\n")
    suite.wait_log("sender non-delivery notification", since=since)
    suite.sync_log()
    assert bool(re.search("warning: header Subject: Undelivered", suite.log(since))) == (classes == "bounce")
    suite.delete_all()


def test_checks_in_the_client(suite, settings):
    with Sink() as sink:
        settings(header_checks="", body_checks="", relayhost=sink.nexthop, smtp_header_checks="regexp:/etc/postfix/sh", smtp_body_checks="regexp:/etc/postfix/sb",
                 smtp_mime_header_checks="regexp:/etc/postfix/sm", smtp_nested_header_checks="regexp:/etc/postfix/sn")
        since = suite.log_size()
        head = "".join("X-%s: 1\n" % c for c in "rwpshilnub") + "Content-Type: multipart/mixed; boundary=b\nMIME-Version: 1.0\n" + REST % "client"
        body = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"
        send(suite, "alice@example.test", "x@away.example", head + "\n" + body + "--b\nContent-Type: text/plain\nX-Part: 1\n\n" + body + "--b\nContent-Type: message/rfc822\n\nSubject: s\n\ninner\n--b--\n")
        settle(suite)
        log = "\n".join(line for line in masks.mask(suite.log(since)).splitlines() if "/smtp[" in line)
        golden("header_checks_client_log", re.sub(r":\d{4,5},", ":{port},", log))
        golden("header_checks_client", masks.mask(sink.wait()[0]["data"].decode().replace("\r\n", "\n").split("\n", 3)[3]))
