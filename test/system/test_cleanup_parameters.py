"""cleanup(8)'s parameters: each message once as the defaults have it, and once through a cleanup service of its own with other
settings (cleanup_service_name of an SMTP server leads there). What the next hop gets is compared, and the log."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Client, Refused, Sink

pytestmark = pytest.mark.root

HEADER = b"Subject: x\nFrom: joe@example.net\nTo: x@elsewhere.example\nMessage-Id: <x@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
CAFE = b"caf\xc3\xa9\n"


def multipart(boundary, content):
    return b"Content-Type: multipart/mixed; boundary=%s\n\n--%s\n%s\n--%s--\n" % (boundary, boundary, content, boundary)


def nested(depth, content):
    return nested(depth - 1, multipart(b"b%d" % depth, content)) if depth else content


EIGHT_BIT_PART = b"Content-Transfer-Encoding: 8bit\n\n" + CAFE
MIME = HEADER + b"MIME-Version: 1.0\n"
ALIASES = {
    "long@alias.example": "a" * 60 + "@elsewhere.example",
    "three@alias.example": "one@elsewhere.example,two@elsewhere.example,three@elsewhere.example",
    "c1@alias.example": "c2@alias.example", "c2@alias.example": "c3@alias.example", "c3@alias.example": "c4@alias.example",
    "c4@alias.example": "end@elsewhere.example",
}
# name: (settings of the other cleanup, message, recipients)
CASES = {
    "stray_cr": ({"cleanup_replace_stray_cr_lf": "no"}, HEADER + b"X-CR: a\rb\n\none\rtwo\n", ["alice@example.test"]),
    "encoding_header": ({"detect_8bit_encoding_header": "no"}, MIME + EIGHT_BIT_PART, []),
    "encoding_part": ({"detect_8bit_encoding_header": "no"}, MIME + multipart(b"b", EIGHT_BIT_PART), []),
    "mime_input": ({"disable_mime_input_processing": "yes"}, MIME + multipart(b"b", EIGHT_BIT_PART), []),
    "mime_boundary": ({"mime_boundary_length_limit": "4"},
                      MIME + multipart(b"abcdef", b"\ntext\n--abcdxx\nContent-Transfer-Encoding: 8bit\n\n" + CAFE), []),
    "drop_headers": ({"message_drop_headers": "x-secret, X-Other:"},
                     HEADER + b"X-Secret: 1\nx-other: 2\nReturn-Path: <a@b>\nBcc: c@d\nContent-Length: 5\nResent-Bcc: e@f\nX-Last: 3\n\nx\n", []),
    "header_size": ({"header_size_limit": "60"}, HEADER + b"X-Long: " + b" word" * 20 + b"\n and more\nX-After: x\n\nx\n", []),
    "header_tokens": ({"header_address_token_limit": "5"}, HEADER + b"Cc: a, b, c, d, e, f\nX-After: x\n\nx\n", []),
    "attributes": ({"queue_file_attribute_count_limit": "3"}, HEADER + b"\nx\n", []),
    "alias_length": ({"virtual_alias_address_length_limit": "50"}, HEADER + b"\nx\n", ["long@alias.example"]),
    "alias_expansion": ({"virtual_alias_expansion_limit": "2"}, HEADER + b"\nx\n", ["three@alias.example"]),
    "alias_recursion": ({"virtual_alias_recursion_limit": "2"}, HEADER + b"\nx\n", ["c1@alias.example"]),
    "duplicates": ({"duplicate_filter_limit": "1"}, HEADER + b"\nx\n", ["%s@elsewhere.example" % r for r in "abcabc"]),
}
# What only ours does.
SERVICES = {
    **{name: case[0] for name, case in CASES.items()},
    "mime_nesting": {"mime_nesting_limit": "2"},
    "end_add": {"non_empty_end_of_header_action": "add_header"},
    "end_reject": {"non_empty_end_of_header_action": "reject"},
}


def cleanup_service(name, settings):
    return "cleanup-%s unix n - y - 0 cleanup" % name + "".join("\n  -o { %s = %s }" % kv for kv in settings.items())


@pytest.fixture(scope="module")
def sink():
    with Sink(extensions=["PIPELINING", "8BITMIME"]) as s:
        yield s


@pytest.fixture(scope="module")
def suite(sink):
    with make(main_cf={"relayhost": sink.nexthop, "virtual_alias_domains": "alias.example", "notify_classes": "",
                       "virtual_alias_maps": "inline:{%s}" % " ".join("{%s=%s}" % kv for kv in ALIASES.items()),
                       "smtp_connection_cache_on_demand": "no"},
              services={name: {"cleanup_service_name": "cleanup-" + name} for name in SERVICES},
              master=[cleanup_service(*item) for item in SERVICES.items()]) as s:
        yield s


def through(suite, sink, service, message, recipients):
    """What becomes of a message: the answer to it, what the next hop gets, the log."""
    since, before, answer = suite.log_size(), len(sink.messages), "250"
    mailbox = len(suite.messages("alice", 0))
    with Client(suite.address(service)) as client:
        try:
            qid = client.send("joe@example.net", recipients or ["x@elsewhere.example"], message, mail="BODY=7BIT")
        except Refused as refusal:
            answer, qid = str(refusal), None
    if qid:
        suite.wait_removed(qid)
    suite.wait_log("disconnect from", since=since)
    suite.sync_log()
    got = "\n".join("%s\n%s" % ("\n".join([m["mail"], *sorted(m["rcpt"])]), m["data"].decode("utf-8", "backslashreplace")) for m in sink.messages[before:])
    got += b"".join(suite.messages("alice", 0)[mailbox:]).decode()
    text = "answer: %s\n%s\n%s" % (answer, got, masks.history(suite.log(since)))
    return masks.mask(text.replace("\r\n", "\n").replace("\r", "\\r"))


@pytest.mark.parametrize("name", CASES)
def test_setting(suite, sink, name):
    settings, message, recipients = CASES[name]
    as_default = through(suite, sink, "smtp", message, recipients)
    changed = through(suite, sink, name, message, recipients)
    assert as_default != changed
    golden("cleanup_" + name, "--- by default\n%s\n--- %s\n%s" % (as_default, " ".join("%s=%s" % kv for kv in settings.items()), changed))


@pytest.mark.extension(reason="Postfix reads on however deep the parts are")
def test_mime_nesting_limit(suite, sink):
    """A part that is deeper than the limit is not looked into, so that a message cannot make cleanup remember a boundary for each of its lines."""
    message = MIME + nested(3, EIGHT_BIT_PART)
    assert "BODY=8BITMIME" in through(suite, sink, "smtp", message, [])
    assert "BODY=7BIT" in through(suite, sink, "mime_nesting", message, [])


@pytest.mark.extension(reason="Postfix has it since 3.11")
def test_non_empty_end_of_header_action(suite, sink):
    message = HEADER + b"this is no header\nX-After: y\n\nx\n"
    quietly = through(suite, sink, "smtp", message, [])
    assert "+0000\n\nthis is no header\nX-After: y\n\nx\n" in quietly
    assert "+0000\nMIME-Error: 5.6.0 improper message header termination\n\nthis is no header\n" in through(suite, sink, "end_add", message, [])
    refused = through(suite, sink, "end_reject", message, [])
    assert refused.startswith("answer: 550 5.6.0 improper message header termination\n\npostfix/smtpd"), refused
