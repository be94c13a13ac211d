"""smtpd_reject_filter_maps: another refusal than the one that was decided."""
import re

import pytest

from suite import make
from suite.sasl import Dialogue

# Postfix has it from 3.11 on; the reference is 3.10.
pytestmark = [pytest.mark.root, pytest.mark.extension]

FILTER = "regexp:{{/^550 (5\\.1\\.1 .*)/ 450 4.2.0 later: $$1}, {/^504 / 250 2.0.0 no refusal}, {/^502 / }}"
USER = "<no-such-user@example.test>: Recipient address rejected: User unknown in local recipient table"


@pytest.fixture(scope="module")
def suite():
    with make(services={"filter": {"smtpd_reject_filter_maps": FILTER}, "footer": {"smtpd_reject_filter_maps": FILTER, "smtpd_reject_footer": "help"},
                        "fails": {"smtpd_reject_filter_maps": "fail:broken"}}) as s:
        yield s


def refused(suite, service):
    d = Dialogue(suite, service, helo="HELO c.example.net")
    said = d.all("MAIL FROM:<a@example.net>", "RCPT TO:<no-such-user@example.test>", "RCPT TO:<alice@example.test>")
    return said[1:], d.log()


def test_the_client_hears_another_refusal_than_the_log(suite):
    said, log = refused(suite, "filter")
    assert said == ["450 4.2.0 later: 5.1.1 " + USER, "250 2.1.5 Ok"]
    assert any("550 5.1.1 " + USER in line for line in log)
    said, _ = refused(suite, "footer")
    assert said[0] == "450-4.2.0 later: 5.1.1 " + USER + "\n450 4.2.0 help"


def test_what_cannot_be_asked_or_is_no_refusal_changes_nothing(suite):
    said, log = refused(suite, "fails")
    assert said == ["550 5.1.1 " + USER, "250 2.1.5 Ok"]
    assert any(re.search(r"^warning: fail:broken", line) for line in log)
    d = Dialogue(suite, "filter", helo="")
    assert d.say("STARTTLS") == "502 5.5.1 Error: command not implemented"
    assert any("is no refusal" in line for line in d.log())
