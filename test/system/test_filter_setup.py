"""The content filter behind the queue as everybody has it: a transport to the filter, and a server for what comes back, with the
options that the manual and amavis recommend."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Client, Refused, Sink, send

pytestmark = pytest.mark.root

FROM_FILTER = {
    "content_filter": "", "mynetworks": "127.0.0.0/8", "smtpd_delay_reject": "no", "smtpd_client_restrictions": "permit_mynetworks,reject",
    "smtpd_helo_restrictions": "", "smtpd_sender_restrictions": "", "smtpd_recipient_restrictions": "permit_mynetworks,reject",
    "smtpd_relay_restrictions": "permit_mynetworks,reject",
    "smtpd_data_restrictions": "reject_unauth_pipelining", "smtpd_end_of_data_restrictions": "", "smtpd_restriction_classes": "",
    "smtpd_error_sleep_time": "0", "smtpd_soft_error_limit": "1001", "smtpd_hard_error_limit": "1000", "smtpd_client_connection_count_limit": "0",
    "smtpd_client_connection_rate_limit": "0", "local_header_rewrite_clients": "", "local_recipient_maps": "", "relay_recipient_maps": "",
    "receive_override_options": "no_header_body_checks,no_unknown_recipient_checks,no_address_mappings",
}
TO_FILTER = """unix - - y - 2 smtp
  -o smtp_data_done_timeout=1200 -o disable_dns_lookups=yes -o max_use=20 -o smtp_dns_support_level=disabled -o smtp_send_xforward_command=yes"""
FILES = {"/etc/postfix/virtual": "both@example.test alice bob\n", "/etc/postfix/canonical": "old@example.test new@example.test\n",
         "/etc/postfix/checks": "/^X-Mark/ PREPEND X-Marked: yes\n/^Subject: filter/ FILTER smtp-filter:dummy\n",
         "/etc/postfix/clients": "127.0.0.1 FILTER smtp-filter:dummy\n"}
MESSAGE = "Subject: t\nX-Mark: 1\nFrom: old@example.test\nTo: both@example.test\nMessage-Id: <m@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nHello.\n"


class ContentFilter(Sink):
    """Hands on what it gets, to a server that is told later, with a header of its own; or has a verdict."""
    back, forwards, verdict = None, False, None

    def _taken(self, message, lines):
        if self.verdict:
            return self.verdict
        with Client(self.back, helo="localhost") as client:
            for line in lines:
                if line.startswith("XFORWARD") and self.forwards:
                    client.command(line)
            client.command(re.sub(r" SIZE=\d+", "", message["mail"]))
            for line in message["rcpt"]:
                client.command(line)
            client.command("DATA")
            client.socket.sendall(b"X-Scanned: yes\r\n" + message["data"] + b".\r\n")
            return "250 2.0.0 from MTA(smtp:[127.0.0.1]): " + client.reply()


@pytest.fixture(scope="module")
def filter():
    with ContentFilter(extensions=("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")) as one:
        yield one


@pytest.fixture(scope="module")
def suite(filter):
    there = filter.nexthop
    main = {"content_filter": "smtp-filter:" + there, "virtual_alias_maps": "texthash:/etc/postfix/virtual", "canonical_maps": "texthash:/etc/postfix/canonical",
            "header_checks": "regexp:/etc/postfix/checks", "local_recipient_maps": "inline:{both=x alice=x bob=x carol=x}", "notify_classes": ""}
    services = {"back": FROM_FILTER, "back_xforward": {**FROM_FILTER, "smtpd_authorized_xforward_hosts": "127.0.0.0/8"},
                "unmapped": {"receive_override_options": "no_address_mappings"}, "unfiltered": {"content_filter": ""},
                "by_client": {"content_filter": "", "smtpd_client_restrictions": "check_client_access texthash:/etc/postfix/clients"}}
    files = {path: text.replace("dummy", there) for path, text in FILES.items()}
    with make(main_cf=main, services=services, files=files, master=["smtp-filter " + TO_FILTER]) as s:
        yield s


def history(suite, since, names=("alice", "bob", "carol")):
    suite.wait_queue_empty()
    suite.wait_log(r"smtpd\[\d+\]: disconnect", since=since)
    suite.sync_log()
    log = masks.history(suite.log(since))
    log = re.sub(r"(XFORWARD|PORT=|127\.0\.0\.1\]:)\d*", lambda m: m[1], log)
    mail = []
    for name in names:
        mail += ["to %s:\n%s" % (name, masks.mask(m.decode())) for m in suite.messages(name, 0)]
        suite.sh("rm -f /var/mail/" + name)
    return re.sub(r"(for <[^>]*>|id \{qid\}|\]\):? by|IDENT=)\S*", r"\1", log + "\n" + "\n".join(mail))


@pytest.mark.parametrize("service", ["smtp", "unmapped"])
def test_both_passes(suite, filter, service):
    """Addresses are mapped before the filter, or behind it where the first pass does not."""
    filter.back, filter.forwards, filter.verdict = suite.address("back" if service == "smtp" else "unfiltered"), False, None
    since = suite.log_size()
    send(suite, "old@example.test", ["both@example.test", "carol@example.test"], MESSAGE, service=service)
    golden("filter_setup_" + service, history(suite, since))


@pytest.mark.parametrize("service, subject", [("unfiltered", "filter this"), ("by_client", "t")])
def test_filter_action(suite, filter, service, subject):
    """A header check, or an access table, sends mail to the filter."""
    filter.back, filter.forwards, filter.verdict = suite.address("back"), False, None
    filter.sessions.clear()
    since = suite.log_size()
    send(suite, "old@example.test", ["alice@example.test", "bob@example.test"], MESSAGE.replace("Subject: t", "Subject: " + subject), service=service)
    golden("filter_setup_" + service, history(suite, since))
    assert filter.sessions


@pytest.mark.parametrize("name, reply, status", [("spam", "554 5.7.0 Reject, id=1 - spam", "bounced"), ("busy", "451 4.5.0 Error in processing", "deferred"),
                                                 ("dropped", "250 2.7.0 Ok, discarded", "sent")])
def test_filter_does_not_hand_on(suite, filter, name, reply, status):
    filter.verdict = reply
    since = suite.log_size()
    send(suite, "alice@example.test" if name != "spam" else "", "bob@example.test", MESSAGE)
    line = suite.wait_log(r"to=<bob@example\.test>, .*status=(\w+) \((.*)\)$", since=since)[0]
    assert line.group(1) == status and reply in line.group(2)
    suite.delete_all()
    suite.sh("rm -f /var/mail/*")


def test_way_back(suite):
    since = suite.log_size()
    with Client(suite.address("back")) as client:
        with pytest.raises(Refused):
            client.command("XFORWARD NAME=x ADDR=192.0.2.1")
        client.command("MAIL FROM:<a@example.net>")
        client.command("RCPT TO:<unknown@example.test>")      # no_unknown_recipient_checks
    suite.wait_log(r"removed \(canceled\)", since=since)


def test_xforward(suite, filter):
    """The log of the second pass names the client of the first."""
    filter.back, filter.forwards, filter.verdict = suite.address("back_xforward"), True, None
    since = suite.log_size()
    send(suite, "old@example.test", "alice@example.test", MESSAGE, service="smtp")
    suite.wait_log("status=(sent|deferred)", since=since)
    text = history(suite, since) if "status=sent" in suite.log(since) else suite.log(since)
    suite.delete_all()
    golden("filter_setup_xforward", text)
