"""content_filter, and receive_override_options, by which the second pass of a filtered message does less."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Refused, Sink, send

pytestmark = pytest.mark.root

FILES = {
    "/etc/postfix/virtual": "one@example.test alice bob\n",
    "/etc/postfix/canonical": "old@example.test new@example.test\n",
    "/etc/postfix/checks": "/^X-Mark/ REPLACE X-Marked: yes\n",
    "/etc/postfix/bcc": "old@example.test carol@example.test\nnew@example.test carol@example.test\n",
}
WORDS = ["no_unknown_recipient_checks", "no_address_mappings", "no_header_body_checks", "no_milters"]
MAIN_CF = {"virtual_alias_maps": "texthash:/etc/postfix/virtual", "canonical_maps": "texthash:/etc/postfix/canonical", "header_checks": "regexp:/etc/postfix/checks",
           "sender_bcc_maps": "texthash:/etc/postfix/bcc", "notify_classes": "", "local_recipient_maps": "inline:{one=x alice=x bob=x}"}
MESSAGE = "Subject: t\nX-Mark: 1\nFrom: old@example.test\nTo: one@example.test\nMessage-Id: <m@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nHello.\n"


@pytest.fixture(scope="module")
def suite():
    with make(main_cf=MAIN_CF, files=FILES, services={word: {"receive_override_options": word} for word in WORDS}) as s:
        yield s


@pytest.mark.parametrize("service", ["smtp", *WORDS])
def test_receive_override_options(suite, settings, service):
    """What is told of a message, and what is delivered, with each word."""
    settings()
    since, before = suite.log_size(), {u: len(suite.messages(u, 0)) for u in ("alice", "bob", "carol")}
    send(suite, "old@example.test", "one@example.test", MESSAGE, service=service)
    suite.wait_queue_empty()
    log = masks.history(suite.log(since))
    mail = ["to %s:\n%s" % (u, re.sub(r"(?s)\n\tfor <one.*?$|\n\tid .*?$", "", masks.mask(m.decode()), flags=re.M)) for u in before for m in suite.messages(u, 0)[before[u]:]]
    golden("override_" + service, log + "\n" + "\n".join(mail))


@pytest.mark.parametrize("service, taken", [("smtp", False), ("no_unknown_recipient_checks", True), ("no_address_mappings", False)])
def test_no_unknown_recipient_checks(suite, settings, service, taken):
    settings()
    try:
        send(suite, "", "unknown@example.test", MESSAGE, service=service)
        assert taken
    except Refused as e:
        assert not taken and "User unknown" in str(e)
    suite.wait_queue_empty()


def test_receive_override_options_of_pickup(suite, settings):
    settings(receive_override_options="no_header_body_checks, no_address_mappings")
    since, before = suite.log_size(), len(suite.messages("alice", 0))
    suite.run("sendmail", "-f", "old@example.test", "alice@example.test", input=MESSAGE.encode())
    suite.wait_log("removed", since=since)
    text = suite.messages("alice", before + 1)[before].decode()
    assert "X-Mark: 1" in text and "From: old@example.test" in text and "Return-Path: <old@" in text


def test_content_filter(suite, settings):
    """All recipients go to the filter, with the message as it is; those of the null sender too."""
    with Sink() as sink:
        settings(content_filter="smtp:" + sink.nexthop)
        since = suite.log_size()
        send(suite, "old@example.test", ["one@example.test", "alice@example.test"], MESSAGE)
        suite.run("sendmail", "-f", "", "bob@example.test", input=MESSAGE.encode())
        messages = sink.wait(2)
        suite.wait_queue_empty()
        told = sorted(re.sub(r" SIZE=\d+", "", " ".join([m["mail"], *sorted(m["rcpt"])])) for m in messages)
        golden("content_filter", "\n".join(told))


@pytest.mark.parametrize("value", ["smtp:[127.0.0.9]:9", "smtp:", "nonsense"])
def test_content_filter_in_the_queue(suite, settings, value):
    settings(content_filter=value, defer_transports="smtp", header_checks="static:HOLD")
    qid = send(suite, "old@example.test", "alice@example.test", MESSAGE)
    records = [line.split(":", 1) for line in suite.sh("postcat -e -q " + qid).splitlines() if ":" in line]
    assert [name for name, _ in records][1:5] == ["message_arrival_time", "create_time", "content_filter", "named_attribute"]
    assert dict(records)["content_filter"] == " " + value
    suite.delete_all()
