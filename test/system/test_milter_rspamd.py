"""A milter of the world: Debian's rspamd scans what comes in. What it refuses is refused, and what it lets pass has its header."""
import re

import pytest

from suite import make
from suite.servers import Rspamd
from suite.smtp import Client, Refused, send

pytestmark = pytest.mark.root

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
HEAD = "From: joe@example.net\nTo: alice@example.test\nSubject: scanned\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-Id: <s@example.net>\n\n"


@pytest.fixture(scope="module")
def suite():
    with Rspamd() as rspamd, make(main_cf={"smtpd_milters": rspamd.milter, "non_smtpd_milters": rspamd.milter, "milter_default_action": "tempfail"}) as s:
        yield s


def mail(suite, way, text):
    """Sends it; what the client is told where that is no."""
    if way == "sendmail":
        return suite.run("sendmail", "-i", "-f", "joe@example.net", "alice@example.test", input=text.encode())
    with Client(suite.smtp) as client:
        try:
            client.send("joe@example.net", "alice@example.test", text)
        except Refused as refusal:
            return str(refusal)


@pytest.mark.parametrize("way", ["smtp", "sendmail"])
def test_clean(suite, way):
    count = len(suite.messages("alice", 0))
    mail(suite, way, HEAD + "Hello.\n..dots\n")
    message = suite.messages("alice", count + 1)[-1].decode()
    headers, body = message.split("\n\n", 1)
    assert len(re.findall(r"(?mi)^X-Spamd-Result: default: ", headers)) == 1, message
    assert body.rstrip("\n") == "Hello.\n..dots"
    suite.wait_queue_empty()


def test_gtube_is_refused(suite):
    since, count = suite.log_size(), len(suite.messages("alice", 0))
    assert mail(suite, "smtp", HEAD + GTUBE + "\n") == "554 5.7.1 Gtube pattern"
    suite.wait_log(r"cleanup\[\d+\]: \w+: milter-reject: END-OF-MESSAGE from localhost\[127.0.0.1\]: 5.7.1 Gtube pattern; from=<joe@example.net> "
                   r"to=<alice@example.test> proto=ESMTP helo=<client.example.net>", since=since)
    send(suite, "joe@example.net", "alice@example.test", HEAD + "Another.\n")       # the session's end has not harmed the milter
    assert "Another." in suite.messages("alice", count + 1)[-1].decode()
    suite.wait_queue_empty()


def test_gtube_of_a_user_here_comes_back(suite):
    """Who has no session is told by mail."""
    since = suite.log_size()
    mail(suite, "sendmail", HEAD + GTUBE + "\n")
    suite.wait_log(r"cleanup\[\d+\]: \w+: milter-reject: END-OF-MESSAGE from localhost\[127.0.0.1\]: 5.7.1 Gtube pattern; from=<joe@example.net>", since=since)
    suite.wait_log(r"to=<alice@example.test>, relay=none, .*dsn=5.7.1, status=bounced \(Gtube pattern\)", since=since)
    suite.delete_all()
