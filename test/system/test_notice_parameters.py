"""bounce(8)'s parameters: texts of notices, who gets copies, threads; and parameters of the services that others ask."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Client, Refused, send

pytestmark = pytest.mark.root

TEMPLATES = """failure_template = <<EOF
Charset: us-ascii
From: MAILER-DAEMON (The Post Office of $mydomain)
Subject: Nothing came of it
Postmaster-Subject: Copy for the postmaster

This is $myhostname, and it did not go well.
EOF
delay_template = <<EOF
Charset: us-ascii
From: MAILER-DAEMON (The Post Office of $mydomain)
Subject: It takes longer
Postmaster-Subject: Copy: it takes longer

Not delivered for ${delay_warning_time_minutes} minutes; given up after ${maximal_queue_lifetime_days} days.
EOF
"""
FILES = {
    "/etc/postfix/bounce.cf": TEMPLATES,
    "/etc/postfix/approved": "error.example error:5.7.9 approved\nwait.example retry:4.7.9 approved\n",
    "/etc/aliases": "postmaster: root\ndelays: heidi\ncopies: frank\nlist-request: bob\nowner-list: carol\nlist: dave\nrequest: erin\nowner: erin\n",
}
MESSAGE = "Subject: %s\nFrom: alice@example.test\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nHello.\n"


@pytest.fixture(scope="module")
def suite():
    main_cf = {"transport_maps": "texthash:/etc/postfix/approved", "local_recipient_maps": "", "notify_classes": "", "delay_warning_time": "1s",
               "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s"}
    with make(main_cf=main_cf, services={"rates": {"smtpd_client_connection_rate_limit": "1", "smtpd_client_event_limit_exceptions": ""}}, files=FILES) as s:
        yield s


def submit(suite, name, to, sender="alice@example.test"):
    suite.run("sendmail", "-f", sender, to, input=(MESSAGE % (name, name)).encode())


def notice(suite, name, to, user, count=1):
    """The notice that `user` gets about a message."""
    submit(suite, name, to)
    found = suite.wait_until(lambda: [m for m in suite.messages(user) if b"<%s@example.net>" % name.encode() in m][:count] or None, suite.path("/var/mail"))
    suite.sh("postsuper -d ALL deferred 2>/dev/null")
    return re.sub(r"(?m)^Last-Attempt-Date.*\n", "", masks.mask(found[0].decode()))


@pytest.mark.parametrize("name, changes", [
    ("plain", {}), ("template", {"bounce_template_file": "/etc/postfix/bounce.cf"}), ("threaded", {"enable_threaded_bounces": "yes"}),
])
def test_failure_notice(suite, settings, name, changes):
    settings(**changes)
    golden("notice_failure_" + name, notice(suite, "failure-" + name, "x@error.example", "alice"))


@pytest.mark.parametrize("name, user, changes", [
    ("template", "alice", {"bounce_template_file": "/etc/postfix/bounce.cf"}),
    ("threaded", "alice", {"enable_threaded_bounces": "yes"}),
    ("copy", "heidi", {"notify_classes": "delay", "delay_notice_recipient": "delays@example.test", "bounce_template_file": "/etc/postfix/bounce.cf"}),
])
def test_delay_notice(suite, settings, name, user, changes):
    settings(**changes)
    golden("notice_delay_" + name, notice(suite, "delay-" + name, "x@wait.example", user))


@pytest.mark.parametrize("name, sender, changes", [
    ("bounce", "alice@example.test", {"notify_classes": "bounce", "bounce_notice_recipient": "copies@example.test"}),
    ("2bounce", "y@error.example", {"notify_classes": "2bounce", "2bounce_notice_recipient": "copies@example.test"}),
])
def test_copy_of_a_failure(suite, settings, name, sender, changes):
    """The postmaster's copy of a notice; and what he gets of a notice that cannot be delivered itself."""
    settings(**changes)
    submit(suite, "copy-" + name, "x@error.example", sender=sender)
    found = suite.wait_until(lambda: [m for m in suite.messages("frank") if b"<copy-%s@example.net>" % name.encode() in m] or None, suite.path("/var/mail"))
    golden("notice_copy_" + name, masks.mask(found[0].decode()))


@pytest.mark.parametrize("special, recipient, name", [
    ("yes", "list-request", "bob"), ("yes", "owner-list", "carol"), ("yes", "list-x", "list-x"), ("yes", "owner-gone", None), ("yes", "gone-request", None),
    ("no", "list-request", "bob"), ("no", "owner-gone", "erin"), ("yes", "owner", "erin"),
])
def test_owner_request_special(suite, settings, special, recipient, name):
    if not suite.changed_settings.get("owner_request_special") == special:
        settings(recipient_delimiter="-", owner_request_special=special)
    since = suite.log_size()
    qid = send(suite, "", recipient + "@example.test")
    log = suite.wait_log(r"/local\[\d+\]: " + qid + r": to=<(\S+)@example.test>.* status=(\w+) \((.*)\)$", since=since)[0]
    assert (log.group(1), log.group(2)) == (name or recipient, "sent" if name else "bounced")


def rated(suite):
    """Whether a client is over its rate."""
    try:
        Client(suite.address("rates")).close()
    except (Refused, OSError):
        return True
    return False


def test_anvil_rate_time_unit(suite, settings):
    settings(anvil_rate_time_unit="1s")
    suite.wait_until(lambda: rated(suite), suite.path("/etc"))
    suite.wait_until(lambda: not rated(suite), suite.path("/etc"))


def test_anvil_status_update_time(suite, settings):
    settings(anvil_status_update_time="1s")
    since = suite.log_size()
    with Client(suite.address("rates")):
        suite.wait_log(r"anvil\[\d+\]: statistics: max connection rate \d+/60s for \(\S+:127.0.0.1\) at ", since=since)


@pytest.mark.parametrize("name, changes, status", [
    ("default", {}, "bounced (approved)"), ("named", {"proxy_read_maps": "proxy:texthash:/etc/postfix/approved"}, "bounced (approved)"), ("none", {"proxy_read_maps": ""}, None),
])
def test_proxy_read_maps(suite, settings, name, changes, status):
    settings(transport_maps="proxy:texthash:/etc/postfix/approved", **changes)
    since = suite.log_size()
    submit(suite, name, "x@error.example", sender="")
    if status:
        suite.wait_log(re.escape("status=" + status), since=since)
    else:
        suite.wait_log(r'warning: request for unapproved table: "texthash:/etc/postfix/approved"', since=since)
        suite.wait_log(r"warning: to approve this table for read-only access, list proxy:texthash:/etc/postfix/approved in main.cf:proxy_read_maps", since=since)
        suite.delete_all()


def test_a_notify_class_that_is_none():
    """bounce(8) does not start rather than leave out what a misspelt word asked for."""
    with make(main_cf={"notify_classes": "2bounce, bounced"}) as suite:
        submit(suite, "misspelt", "nosuchuser@example.test")
        suite.wait_log(r'/bounce\[\d+\]: fatal: unknown notify_classes value "bounced" in "2bounce, bounced"')
