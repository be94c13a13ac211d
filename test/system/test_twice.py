"""A message that names one mailbox twice (with different words for notices, so that cleanup keeps both): two copies, as the log says.
What an agent takes for its own interrupted attempt at the end of an mbox is not another recipient's copy."""
import pytest

from suite import make
from suite.smtp import Client

pytestmark = pytest.mark.root

MAIN = {"virtual_mailbox_domains": "virtual.example", "virtual_mailbox_maps": "static:box", "virtual_mailbox_base": "/var/boxes",
        "virtual_uid_maps": "static:1000", "virtual_gid_maps": "static:1000", "notify_classes": ""}
BOXES = {"alice@example.test": "/var/mail/alice", "joe@virtual.example": "/var/boxes/box"}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf=MAIN, prepare=["mkdir -p /var/boxes", "chown 1000:1000 /var/boxes"]) as s:
        yield s


@pytest.mark.parametrize("recipient", BOXES)
def test_three_times(suite, recipient):
    since = suite.log_size()
    with Client(suite.smtp) as client:
        client.command("MAIL FROM:<joe@example.net>")
        for words in ("ORCPT=rfc822;a@example.net", "ORCPT=rfc822;b@example.net", "ORCPT=rfc822;b@example.net NOTIFY=NEVER"):
            client.command("RCPT TO:<%s> %s" % (recipient, words))
        client.command("DATA", want="3")
        client.socket.sendall(b"Subject: thrice\r\n\r\nHello.\r\n.\r\n")
        assert client.reply().startswith("250")
    suite.wait_log(r"to=<%s>, .*status=sent" % recipient, since=since, count=3)
    suite.wait_queue_empty()
    box = suite.sh("cat " + BOXES[recipient])
    copies = ["From " + text for text in box.split("From joe@example.net ")[1:]]
    assert len(copies) == 3 and len(set(copies)) == 1, box
