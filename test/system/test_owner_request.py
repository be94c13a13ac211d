"""owner_request_special: whether owner-LIST and LIST-request are names or have an extension, for all that split an address."""
import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Client, Sink, send

pytestmark = pytest.mark.root

MESSAGE = "Subject: test\nFrom: joe@example.net\nMessage-Id: <test@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nHello.\n"
FILES = {
    "/etc/aliases": "postmaster: root\nlist: dave, gone\nowner-list: carol\nowner: erin\n",
    "/etc/postfix/valias": "list@alias.example alice@example.test\nalias.example x\n",
    "/etc/postfix/boxes": "owner@hosted.example box\n",
    "/etc/postfix/transport": "owner@refused.example error:5.7.9 moved\nkept.example discard:kept\nrefused.example discard:refused\n",
    "/etc/postfix/split": "printf '%s|' \"$@\" >&2\nexit 69\n",
    "/etc/postfix/generic": "owner@generic.example mapped@example.net\n",
}


@pytest.fixture(scope="module", params=["no", "yes"])
def suite(request):
    with Sink() as sink:
        main_cf = {"recipient_delimiter": "-", "owner_request_special": request.param, "notify_classes": "", "mydestination": "example.test",
                   "virtual_alias_maps": "texthash:/etc/postfix/valias", "virtual_mailbox_domains": "hosted.example",
                   "virtual_mailbox_maps": "texthash:/etc/postfix/boxes", "virtual_mailbox_base": "/home/vmail", "virtual_uid_maps": "static:1001",
                   "virtual_gid_maps": "static:1001", "smtpd_reject_unlisted_recipient": "yes", "local_recipient_maps": "",
                   "transport_maps": "texthash:/etc/postfix/transport inline:{piped.example=split: generic.example=discard:}",
                   "smtp_generic_maps": "texthash:/etc/postfix/generic", "relayhost": sink.nexthop}
        master = ["split unix - n n - - pipe user=alice argv=/bin/sh /etc/postfix/split ${user} ${extension} ${mailbox}"]
        with make(main_cf=main_cf, master=master, files=FILES, prepare=["mkdir -p /home/vmail; chmod 777 /home/vmail"]) as s:
            s.special, s.sink = request.param, sink
            yield s


@pytest.mark.parametrize("recipient", ["owner-gone@example.test", "list@example.test", "list-request@alias.example", "owner-x@hosted.example",
                                       "owner-x@refused.example", "x-request@piped.example"])
def test_recipient(suite, recipient):
    since = suite.log_size()
    with Client(suite.smtp) as client:
        client.command("MAIL FROM:<heidi@example.test>")
        if client.command("RCPT TO:<%s>" % recipient, want="25")[0] == "2":
            client.command("DATA")
            client.command(MESSAGE.replace("\n", "\r\n") + ".")
            client.close()
            suite.wait_status(since)
    suite.wait_log("disconnect from", since=since)
    golden("owner_request_%s_%s" % (suite.special, recipient.replace("@", "_").replace("-", "_").replace(".", "_")), masks.history(suite.log(since)))
    suite.delete_all()


def test_sender(suite):
    suite.wait_removed(send(suite, "owner-x@generic.example", "joe@elsewhere.example", MESSAGE))
    assert suite.sink.wait()[0]["mail"].split()[1] == "FROM:<%s>" % ("mapped@example.net" if suite.special == "no" else "owner-x@generic.example")
