"""The parameters of sendmail(1), postdrop(1) and pickup(8), and what cleanup(8) makes of mail that they bring: each command line
with the defaults, and with another setting. What is said and what the next hop gets is compared."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Sink

pytestmark = pytest.mark.root

HEADER = b"Subject: x\nMessage-Id: <x@example.test>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nTo: x@elsewhere.example\n"
CRLF_FIRST = HEADER.replace(b"\n", b"\r\n") + b"\r\none\r\ntwo\nthree\r\n"
LF_FIRST = HEADER + b"\none\r\ntwo\n"
UTF8 = HEADER + "X-Name: J\u00f6rg\n\nx\n".encode()
# name: ([settings, ..], command line, standard input)
CASES = {
    "users": ([{"authorized_submit_users": "!alice, static:all"}, {"authorized_submit_users": "alice"}, {"authorized_submit_users": "root"}],
              "sendmail x@elsewhere.example", HEADER + b"\nx\n"),
    # Tables of libraries that the commands load when they are asked for.
    "users_tables": ([{"authorized_submit_users": "hash:/etc/postfix/submitters"}, {"authorized_submit_users": "!btree:/etc/postfix/submitters.b, static:all"},
                      {"authorized_submit_users": "pcre:/etc/postfix/submitters.pcre"}, {"authorized_submit_users": "lmdb:/etc/postfix/submitters, root"}],
                     "sendmail x@elsewhere.example", HEADER + b"\nx\n"),
    "users_postdrop": ([{"authorized_submit_users": "!alice, static:all"}], "postdrop", b""),
    "verp": ([{"default_verp_delimiters": "-="}], "sendmail -XV -f list@example.test x@elsewhere.example", HEADER + b"\nx\n"),
    "verp_filter": ([{"verp_delimiter_filter": "-=#+"}], "sendmail '-XV#=' -f list@example.test x@elsewhere.example", HEADER + b"\nx\n"),
    "crlf_first": ([{"sendmail_fix_line_endings": "strict"}, {"sendmail_fix_line_endings": "never"}], "sendmail alice", CRLF_FIRST),
    "lf_first": ([{"sendmail_fix_line_endings": "strict"}, {"sendmail_fix_line_endings": "never"}], "sendmail alice", LF_FIRST),
    "from_format": ([{"header_from_format": "obsolete"}], "sendmail -F 'Alice Q. (Test)' x@elsewhere.example", HEADER + b"\nx\n"),
    "full_name": ([{"full_name_encoding_charset": "iso-8859-1"}],
                  "sendmail -F 'J\u00f6rg M\u00fcller' x@elsewhere.example", HEADER + b"\nx\n"),
    "empty_address": ([{"empty_address_recipient": "bob"}], "sendmail -f '<>' -F Nobody x@elsewhere.example ''", HEADER + b"\nx\n"),
    "smtputf8_header": ([{"smtputf8_autodetect_classes": "verify"}, {"smtputf8_autodetect_classes": "all"}], "sendmail x@elsewhere.example", UTF8),
    "smtputf8_address": ([{"smtputf8_autodetect_classes": "verify"}], "sendmail j\u00f6rg@elsewhere.example", HEADER + b"\nx\n"),
}


@pytest.fixture(scope="module")
def sink():
    with Sink(extensions=["PIPELINING", "8BITMIME", "SMTPUTF8"]) as s:
        yield s


@pytest.fixture(scope="module")
def suite(sink):
    with make(main_cf={"relayhost": sink.nexthop, "notify_classes": "", "smtp_connection_cache_on_demand": "no"},
              files={"/etc/postfix/submitters": "alice\tmay\n", "/etc/postfix/submitters.pcre": "/^ali(?=ce)/\tmay\n"},
              prepare=["cd /etc/postfix; postmap hash:submitters; postmap lmdb:submitters; cp submitters submitters.b; postmap btree:submitters.b"]) as s:
        yield s


def submit(suite, sink, command, text):
    """A command's words and end, what the next hop and alice get, and the log."""
    since, before, mailbox = suite.log_size(), len(sink.messages), len(suite.messages("alice", 0))
    done = suite.run("sh", "-c", command, user="alice", input=text)
    if done.returncode == 0 and "sendmail" in command:
        suite.wait_queue_empty()
    suite.sync_log()
    got = "\n".join("%s\n%s" % ("\n".join([m["mail"], *m["rcpt"]]), m["data"].decode("utf-8", "backslashreplace").replace("\r\n", "\n"))
                    for m in sink.messages[before:])
    got += b"".join(suite.messages("alice", 0)[mailbox:]).decode()
    said = "%s%sexit %d\n" % (done.stdout.decode(), done.stderr.decode(), done.returncode)
    return masks.mask(said + got).replace("\r", "\\r") + re.sub("(?m) +$", "", masks.history(suite.log(since)))


@pytest.mark.parametrize("name", CASES)
def test_setting(suite, sink, settings, name):
    variants, command, text = CASES[name]
    shown = []
    for variant in [{}, *variants]:
        if variant or suite.changed_settings:
            settings(**variant)
        shown.append("--- %s\n%s" % (" ".join("%s=%s" % kv for kv in variant.items()) or "by default", submit(suite, sink, command, text)))
    golden("submit_" + name, "\n".join(shown))
