"""cleanup(8)'s strictness about content: what each of the parameters refuses, strips or converts, of messages with one oddity each.

Each set of settings has an SMTP server with a cleanup service of its own; the oddities go through all of them."""
import contextlib
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Client, Refused, Sink

pytestmark = pytest.mark.root

HEADER = b"Subject: x\nFrom: joe@example.net\nTo: x@elsewhere.example\nMessage-Id: <x@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
CAFE = b"caf\xc3\xa9\n"
MIME = HEADER + b"MIME-Version: 1.0\n"
MULTI = MIME + b"Content-Type: multipart/mixed; boundary=b\n"
QP = b"Content-Transfer-Encoding: quoted-printable\n"
BASE64 = b"Content-Transfer-Encoding: base64\n"
EIGHT = b"Content-Transfer-Encoding: 8bit\n"
MESSAGES = {
    "plain": HEADER + b"\nx\n",
    "header": HEADER + b"X-Eight: caf\xc3\xa9\n\nx\n",
    "header_folded": HEADER + b"X-Eight: and\n so caf\xc3\xa9\n on\n\nx\n",
    "header_address": HEADER.replace(b"From: ", b"From: Caf\xc3\xa9 ") + b"\nx\n",
    "body": HEADER + b"\n" + CAFE,
    "body_second": HEADER + b"\nx\n" + CAFE + CAFE,
    "body_long": HEADER + b"\n" + b"x" * 3000 + CAFE,
    "body_8bit": MIME + EIGHT + b"\n" + CAFE,
    "body_binary": MIME + EIGHT.replace(b"8bit", b"binary") + b"\n" + CAFE,
    "body_7bit": MIME + EIGHT.replace(b"8bit", b"7bit") + b"\n" + CAFE,
    "body_qp": MIME + QP + b"\n" + CAFE,
    "body_base64": MIME + BASE64 + b"\n" + CAFE,
    "body_unknown": MIME + b"Content-Transfer-Encoding: x-mine\n\n" + CAFE,
    "header_and_body": HEADER + b"X-Eight: caf\xc3\xa9\n\n" + CAFE,
    "preamble": MULTI + b"\n" + CAFE + b"--b\n\nx\n--b--\n",
    "epilogue": MULTI + b"\n--b\n\nx\n--b--\n" + CAFE,
    "part": MULTI + b"\n--b\n\n" + CAFE + b"--b--\n",
    "part_in_8bit": MULTI + EIGHT + b"\n--b\n\n" + CAFE + b"--b--\n",
    "part_8bit": MULTI + EIGHT + b"\n--b\n" + EIGHT + b"\n" + CAFE + b"--b--\n",
    "part_8bit_in_7bit": MULTI + b"\n--b\n" + EIGHT + b"\n" + CAFE + b"--b--\n",
    "part_header": MULTI + b"\n--b\nX-Eight: caf\xc3\xa9\n\nx\n--b--\n",
    "boundary": MULTI.replace(b"=b", b"=caf\xc3\xa9") + b"\n--caf\xc3\xa9\n\nx\n--caf\xc3\xa9--\n",
    "multipart_qp": MULTI + QP + b"\n--b\n\nx\n--b--\n",
    "multipart_base64": MULTI + BASE64 + b"\n--b\n\nx\n--b--\n",
    "multipart_unknown": MULTI + b"Content-Transfer-Encoding: x-mine\n\n--b\n\nx\n--b--\n",
    "encoding_before_type": MIME + QP + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n",
    "attached_qp": MIME + b"Content-Type: message/rfc822\n" + QP + b"\nSubject: y\n\nx\n",
    "attached_header": MIME + b"Content-Type: message/rfc822\n\nSubject: caf\xc3\xa9\n\nx\n",
    "attached_body": MIME + b"Content-Type: message/rfc822\n" + EIGHT + b"\nSubject: y\n\n" + CAFE,
    "attached_8bit": MIME + b"Content-Type: message/rfc822\n\nSubject: y\n" + EIGHT + b"\n" + CAFE,
    "message_base64": MIME + b"Content-Type: message/partial\n" + BASE64 + b"\nx\n",
    "message_global": MIME + b"Content-Type: message/global\n" + BASE64 + b"\nx\n",
    "message_delivery": MIME + b"Content-Type: message/delivery-status\n" + QP + b"\nx\n",
    "part_in_part": MULTI + b"\n--b\nContent-Type: multipart/mixed; boundary=c\n" + QP + b"\n--c\n\nx\n--c--\n--b--\n",
    "bell_header": HEADER + b"X-Bell: a\7b\n\nx\n",
    "bell_name": HEADER + b"X\7Bell: a b\n\nx\n",
    "bell_subject": HEADER.replace(b": x", b": a\7b") + b"\nx\n",
    "bell_address": HEADER + b"Cc: a\7b@example.net\n\nx\n",
    "bell_body": HEADER + b"\none\na\7b\7\7c\n\7\n",
    "bell_part": MULTI + b"\n--b\nX-Bell: a\7b\n\nx\n--b--\n",
    "nul_header": HEADER + b"X-Nul: a\0b\n\nx\n",
    "nul_body": HEADER + b"\na\0b\n",
    "delete_body": HEADER + b"\na\177b\\0 7\n",
    "headers_twice": HEADER + b"X-Eight: caf\xc3\xa9\nX-Nine: caf\xc3\xa9\n\nx\n",
    "header_long": HEADER + b"X-Eight: " + b"x" * 200 + b" caf\xc3\xa9\n\nx\n",
    "domain_twice": MULTI + QP + b"\n--b\nContent-Type: multipart/mixed; boundary=c\n" + BASE64 + b"\n--c\n\nx\n--c--\n--b--\n",
    "domain_comment": MULTI + b"Content-Transfer-Encoding: (so) Quoted-Printable (it is)\n\n--b\n\nx\n--b--\n",
    "domain_8bit_in": MULTI + QP + b"\n--b\n\n" + CAFE + b"--b--\n",
    "encoding_twice": MIME + QP + EIGHT + b"\n" + CAFE,
    "bell_folded": HEADER + b"X-Bell: a\n b\7c\n d\n\nx\n",
    "bell_late": HEADER + b"\n" + b"x" * 3000 + b"\7\n",
    "bell_long_header": HEADER + b"X-Bell: " + b"x" * 300 + b"\7\n\nx\n",
    "bell_and_eight": HEADER + b"X-Bell: \7 caf\xc3\xa9\n\n" + CAFE + b"\7\n",
    "attached_qp_header": MIME + b"Content-Type: message/rfc822\n" + QP + b"\nSubject: caf\xc3\xa9\n\nx\n",
    "preamble_in_8bit": MULTI + EIGHT + b"\n" + CAFE + b"--b\n\nx\n--b--\n",
    "epilogue_in_8bit": MULTI + EIGHT + b"\n--b\n\nx\n--b--\n" + CAFE,
    "boundary_in_8bit": MULTI.replace(b"=b", b"=caf\xc3\xa9") + EIGHT + b"\n--caf\xc3\xa9\n\nx\n--caf\xc3\xa9--\n",
    "cr_header": HEADER + b"X-Return: a\rb\n\nx\n",
    "cr_body": HEADER + b"\na\rb\n",
    "eight_body": HEADER + b"\na\351b\n",
}
SETTINGS = {
    "default": {},
    "headers": {"strict_7bit_headers": "yes"},
    "bodies": {"strict_8bitmime_body": "yes"},
    "both": {"strict_8bitmime": "yes"},
    "domain": {"strict_mime_encoding_domain": "yes"},
    "all_unparsed": {"strict_8bitmime": "yes", "strict_mime_encoding_domain": "yes", "disable_mime_input_processing": "yes"},
    "reject": {"message_reject_characters": r"\0\a\r\351"},
    "strip": {"message_strip_characters": r"\a\0\r\1777"},
    "both_characters": {"message_reject_characters": r"\007", "message_strip_characters": r"\7"},
    "unparsed_reject": {"message_reject_characters": r"\0\a", "disable_mime_input_processing": "yes"},
    "convert": {"force_mime_input_conversion": "yes"},
    "convert_all": {"force_mime_input_conversion": "yes", "strict_8bitmime": "yes", "message_strip_characters": r"\a", "detect_8bit_encoding_header": "no"},
    "override": {"strict_8bitmime": "yes", "strict_mime_encoding_domain": "yes", "message_reject_characters": r"\a", "force_mime_input_conversion": "yes"},
}
# Of no use together.
CONTRADICTION = {"force_mime_input_conversion": "yes", "disable_mime_input_processing": "yes"}
PICKUP = {"strict_8bitmime": "yes", "strict_mime_encoding_domain": "yes", "message_reject_characters": r"\a"}
OVERRIDE = {"receive_override_options": "no_header_body_checks"}


def cleanup_service(name, settings):
    return "cleanup-%s unix n - y - 0 cleanup" % name + "".join("\n  -o { %s = %s }" % kv for kv in settings.items())


@pytest.fixture(scope="module")
def sink():
    with Sink(extensions=["PIPELINING", "8BITMIME", "SMTPUTF8"]) as s:
        yield s


@pytest.fixture(scope="module")
def suite(sink):
    with make(main_cf={"relayhost": sink.nexthop, "notify_classes": "", "smtp_connection_cache_on_demand": "no"},
              services={name: {"cleanup_service_name": "cleanup-" + name, **(OVERRIDE if name == "override" else {})} for name in (*SETTINGS, "contradiction")},
              master=[*(cleanup_service(*item) for item in {**SETTINGS, "contradiction": CONTRADICTION, "pickup": PICKUP}.items()),
                      "pickup unix n - y 60 1 pickup\n  -o cleanup_service_name=cleanup-pickup"]) as s:
        yield s


def sent(client, suite, sink, message, mail="BODY=8BITMIME"):
    """The reply, what the log says of a refusal, and what the next hop gets."""
    since, count = suite.log_size(), len(sink.messages)
    client.command("MAIL FROM:<joe@example.net> " + mail)
    client.command("RCPT TO:<x@elsewhere.example>")
    client.command("DATA")
    client.socket.sendall(message.replace(b"\n", b"\r\n") + b".\r\n")
    reply = client.reply()
    if reply[0] != "2":
        suite.wait_log(r"cleanup\[\d+\]: \w+: (milter-)?reject: ", since=since)
        suite.wait_log(r"cleanup\[\d+\]: \w+: removed \(canceled\)", since=since)
        told = [masks.log_line(line) for line in suite.log(since).splitlines() if "/cleanup[" in line and "message-id=" not in line]
        return re.sub(r": [0-9A-F]{6,}: ", ": {qid}: ", "\n".join([reply, *told]))
    got = sink.wait(count + 1)[count]
    data = got["data"].decode("latin-1").replace("\r\n", "\n")
    data = re.sub(r"(?s)\AReceived: .*?\n(?=\S)", "", data)
    taken = message.decode("latin-1")
    return "taken, " + " ".join(got["mail"].split()[2:]) + ("" if data == taken else "\n" + data)


@pytest.mark.parametrize("name", SETTINGS)
def test_content(suite, sink, name):
    shown = []
    with Client(suite.address(name)) as client:
        for which, message in MESSAGES.items():
            shown.append("== %s\n%s" % (which, masks.mask(sent(client, suite, sink, message))))
    golden("strict_content_" + name, "\n".join(shown).encode("unicode_escape").decode().replace("\\n", "\n"))


@pytest.mark.parametrize("name", ["header", "header_and_body", "part_header"])
def test_internationalized_mail(suite, sink, name):
    with Client(suite.address("both")) as client:
        golden("strict_content_utf8_" + name, masks.mask(sent(client, suite, sink, MESSAGES[name], mail="BODY=8BITMIME SMTPUTF8")))


@pytest.mark.parametrize("name", ["header_and_body", "multipart_qp", "bell_body", "bell_folded"])
def test_mail_from_here(suite, name):
    """It goes back to its sender."""
    since, count = suite.log_size(), len(suite.messages("alice", 0))
    suite.run("sendmail", "-i", "x@elsewhere.example", user="alice", input=MESSAGES[name])
    message = suite.messages("alice", count + 1)[-1]
    suite.wait_queue_empty()
    log = "".join(line for line in suite.log(since).splitlines(True) if "disconnect from" not in line)  # of an earlier client
    golden("strict_content_from_here_" + name, masks.history(log) + "\n" + re.sub(r"(?m)^(Arrival|Last-Attempt)-Date.*\n", "", masks.mask(message.decode("latin-1"))))


def test_conversion_without_parsing(suite):
    """Postfix 3.10.13 sees it when the content comes, older ones and ours before."""
    since = suite.log_size()
    with contextlib.suppress(OSError, Refused), Client(suite.address("contradiction")) as client:
        client.send("joe@example.net", "x@elsewhere.example", "Subject: x\n\nHello.\n")
    suite.wait_log(r"cleanup\[\d+\]: fatal: do not specify both disable_mime_input_processing=yes and force_mime_input_conversion=yes$", since=since)
