"""check_policy_service with the services that sites run: postgrey, postfwd, policyd-spf."""
import re

import pytest

from suite import make
from suite.policy_daemons import Postgrey, policyd_spf, postfwd
from suite.smtp import Client, Refused

pytestmark = pytest.mark.root

RULES = """
id=BAD; sender==bad@example.net; protocol_state==RCPT; action=REJECT postfwd does not like you
id=TAG; sender==tag@example.net; protocol_state==RCPT; action=PREPEND X-Postfwd: seen $$sender
id=LATER; sender==later@example.net; protocol_state==RCPT; action=DEFER_IF_PERMIT come later
id=SIZE; size>=5000; protocol_state==END-OF-MESSAGE; action=REJECT too much for postfwd
id=DEFAULT; action=DUNNO
"""


def restricted(server, where="smtpd_recipient_restrictions"):
    return {where: "reject_unauth_destination, " + server.restriction, "local_recipient_maps": "inline:{alice=x bob=x}", "smtpd_relay_restrictions": ""}


def test_postgrey():
    with Postgrey() as server, make(main_cf=restricted(server)) as suite:
        since = suite.log_size()
        client = Client(suite.smtp)
        client.command("MAIL FROM:<joe@example.net>")
        refused = r"450 4\.2\.0 <alice@example\.test>: Recipient address rejected: Greylisted, see http://postgrey\.schweikert\.ch/help/example\.test\.html"
        with pytest.raises(Refused, match=refused):
            client.command("RCPT TO:<alice@example.test>")
        suite.wait_log(r"NOQUEUE: reject: RCPT from localhost\[127\.0\.0\.1\]: " + refused, since=since)
        # Until its second is over; each further attempt is as good a question.
        for _ in range(100_000):
            try:
                client.command("RSET")
                client.command("MAIL FROM:<joe@example.net>")
                client.command("RCPT TO:<alice@example.test>")
                break
            except Refused as e:
                assert re.search(refused, str(e))
        client.command("DATA")
        assert client.command("Subject: x\r\n\r\nx\r\n.").startswith("250 2.0.0 Ok: queued")
        suite.wait_log("status=sent", since=since)
        assert re.search(rb"X-Greylist: delayed \d+ seconds by postgrey-[\d.]+ at ", suite.messages("alice", 1)[0])


def test_postfwd(tmp_path):
    rules = tmp_path / "rules"
    rules.write_text(RULES)
    with postfwd(str(rules)) as server, make(main_cf={**restricted(server), "smtpd_end_of_data_restrictions": server.restriction}) as suite:
        said = []
        for sender in ("bad", "later", "tag", "good"):
            client, since = Client(suite.smtp), suite.log_size()
            client.command("MAIL FROM:<%s@example.net>" % sender)
            said.append(client.command("RCPT TO:<alice@example.test>", want="245"))
        assert said == ["554 5.7.1 <alice@example.test>: Recipient address rejected: postfwd does not like you",
                        "450 4.7.1 <alice@example.test>: Recipient address rejected: come later", "250 2.1.5 Ok", "250 2.1.5 Ok"]
        client.command("DATA", want="3")
        assert client.command("Subject: x\r\n\r\n" + "x" * 900 * 6 + "\r\n.", want="5") == "554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: too much for postfwd"
        client = Client(suite.smtp)
        client.send("tag@example.net", "alice@example.test", "Subject: x\n\nx\n")
        suite.wait_log("status=sent", since=since)
        assert b"\nX-Postfwd: seen tag@example.net\n" in suite.messages("alice", 1)[0]


@pytest.mark.parametrize("header", ["SPF", "AR"])
def test_policyd_spf(tmp_path, header):
    settings = tmp_path / "policyd-spf.conf"
    settings.write_text("debugLevel = 0\nHELO_reject = False\nMail_From_reject = False\nHeader_Type = %s\nAuthserv_Id = mail.example.test\nskip_addresses = 127.0.0.0/8\n" % header)
    with policyd_spf(str(settings)) as server, make(main_cf=restricted(server)) as suite:
        since = suite.log_size()
        client = Client(suite.smtp)
        for sender in ("joe@example.net", ""):
            client.send(sender, ["alice@example.test", "bob@example.test"], "Subject: x\n\nx\n")
        suite.wait_log("status=sent", since=since, count=4)
        for message in suite.messages("alice", 2):
            told = re.findall(rb"\n([\w-]+: .*SPF.* check N/A for local connections|Authentication-Results: .*)", message)
            assert len(told) == 1, message   # once for both recipients: the instance is the same
