"""A milter of the world: Debian's opendkim signs what goes out, and what it has signed it holds for true."""
import re

import pytest

from suite import make
from suite.servers import Opendkim
from suite.smtp import Client, send

pytestmark = pytest.mark.root

MESSAGE = "From: alice@example.test\nTo: bob@example.test\nSubject: signed\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-Id: <s@example.test>\n\nHello.\n..dots\n\nand \t space \nlast\n\n\n"


@pytest.fixture(scope="module")
def signer():
    with Opendkim() as server:
        yield server


@pytest.fixture(scope="module")
def verifier(signer):
    with Opendkim(signs=False, key=signer.public_key()) as server:
        yield server


@pytest.fixture(scope="module")
def suite(signer, verifier):
    with make(main_cf={"smtpd_milters": signer.milter, "non_smtpd_milters": signer.milter, "milter_default_action": "tempfail", "local_recipient_maps": "inline:{alice=x bob=x carol=x}"},
              services={"verify": {"smtpd_milters": verifier.milter}}) as s:
        yield s


def content(message):
    """A message of a mailbox as its sender would send it: without what the delivery has put on top."""
    text = message.decode().split("\n", 1)[1]
    return re.sub(r"\A(?:(?:Return-Path|X-Original-To|Delivered-To):.*\n)+", "", text)[:-1]


@pytest.mark.parametrize("way", ["smtp", "bdat", "sendmail"])
def test_signature(suite, way):
    before = {u: len(suite.messages(u, 0)) for u in ("bob", "carol")}
    if way == "smtp":
        send(suite, "alice@example.test", "bob@example.test", MESSAGE)
    elif way == "bdat":
        data = MESSAGE.replace("\n", "\r\n").encode()
        with Client(suite.smtp) as client:
            client.command("MAIL FROM:<alice@example.test>")
            client.command("RCPT TO:<bob@example.test>")
            client.socket.sendall(b"BDAT %d\r\n%sBDAT %d LAST\r\n%s" % (50, data[:50], len(data) - 50, data[50:]))
            assert client.reply()[0] == client.reply()[0] == "2"
    else:
        suite.run("sendmail", "-i", "-f", "alice@example.test", "bob@example.test", input=MESSAGE.encode())
    signed = content(suite.messages("bob", before["bob"] + 1)[before["bob"]])
    assert len(re.findall(r"(?m)^DKIM-Signature: ", signed)) == 1
    for what, verdict in ((signed, "pass"), (signed.replace("Hello.", "Hallo."), "fail")):
        send(suite, "alice@example.test", "carol@example.test", what, service="verify")
        before["carol"] += 1
        seen = suite.messages("carol", before["carol"])[-1].decode()
        assert re.search(r"(?m)^Authentication-Results: mail\.example\.test;\s+dkim=%s " % verdict, seen), seen
    suite.wait_queue_empty()
