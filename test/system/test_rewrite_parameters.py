"""trivial-rewrite(8)'s parameters: what SMTP servers say to the same recipients, once as the defaults have it and once for each change.
One server takes the client for a stranger, the other one relays for him."""
import pytest

from suite import make
from suite.golden import golden
from suite.smtp import Client

pytestmark = pytest.mark.root

ADDRESSES = ["-x@relayed.example", "-alice@example.test", '"x@elsewhere.example"@example.test', '"alice@example.test"@example.test', '"x@y"@relayed.example',
             "alice@", "no-such-user@", "x@192.0.2.1", "x@[192.0.2.1]", "x@192.0.2.1.", "alice@127.0.0.1", "x@192.0.2", "x@192.0.2.256"]
CHANGES = [{}, {"allow_min_user": "yes"}, {"resolve_dequoted_address": "no"}, {"resolve_null_domain": "yes"}, {"resolve_numeric_domain": "yes"}]


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"relay_domains": "relayed.example", "default_transport": "discard:", "relay_transport": "discard:", "smtpd_error_sleep_time": "0",
                       "smtpd_hard_error_limit": "100", "smtpd_soft_error_limit": "100"},
              services={"stranger": {"mynetworks": "10.0.0.0/8", "smtpd_relay_restrictions": "reject_unauth_destination"}}) as s:
        yield s


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: "".join(c) or "default")
def test_recipients(suite, settings, change):
    if change:
        settings(**change)
    lines = []
    for service in ("stranger", "smtp"):
        with Client(suite.address(service)) as client:
            client.command("MAIL FROM:<joe@example.net>")
            lines += ["%s %s: %s" % (service, a, client.command("RCPT TO:<%s>" % a, want="245")) for a in ADDRESSES]
    golden("rewrite_" + ("".join(change) or "default"), "\n".join(lines))
