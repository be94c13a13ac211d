"""Parameters of several programs that administrators set most, each against its default: what a message is made of, where it goes,
who is let in."""
import re
import smtplib
import time

import pytest

from suite import make, masks
from suite.base import free_port
from suite.dns import Dns
from suite.golden import golden
from suite.scenario import World
from suite.smtp import Silent, Sink, send

pytestmark = pytest.mark.root

JOE, ALICE = "joe@example.net", "alice@example.test"
BARE = "X-Mark: 1\n"
SHORT = "Subject: x\nFrom: joe@there\nTo: al@here\nMessage-Id: <x@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
# --- what a message is made of: {name: (settings, sender, recipients, World.deliver's options)} ---
MADE = {
    "headers_missing": ({}, JOE, [ALICE], {"header": BARE, "service": "stranger"}),
    "headers_missing_always": ({"always_add_missing_headers": "yes"}, JOE, [ALICE], {"header": BARE, "service": "stranger"}),
    "undisclosed": ({"undisclosed_recipients_header": "To: undisclosed-recipients:;"}, JOE, [ALICE], {"header": BARE}),
    "undisclosed_stranger": ({"undisclosed_recipients_header": "To: undisclosed-recipients:;", "always_add_missing_headers": "yes"}, JOE, [ALICE], {"header": BARE, "service": "stranger"}),
    "dot_mydomain": ({"append_dot_mydomain": "yes"}, "joe@there", ["al@here"], {"header": SHORT}),
    "dot_mydomain_not": ({}, "joe@there", ["al@here"], {"header": SHORT}),
    "original_recipient": ({"virtual_alias_maps": "inline:{al@example.test=alice@example.test a2@example.test=alice@example.test}"}, JOE, ["al@example.test", "a2@example.test"], {}),
    "original_recipient_not": ({"virtual_alias_maps": "inline:{al@example.test=alice@example.test a2@example.test=alice@example.test}", "enable_original_recipient": "no"}, JOE,
                               ["al@example.test", "a2@example.test"], {}),
    "double_bounce_sender": ({"notify_classes": "bounce", "double_bounce_sender": "nobody-at-all", "transport_maps": "inline:{{bad.example=error:5.1.1 nobody there}}", "smtpd_recipient_restrictions": "",
                              "receive_override_options": "no_unknown_recipient_checks"}, JOE, ["x@bad.example"], {}),
    "fallback_relay": ({"relayhost": "[127.0.0.1]:1", "local_transport": "smtp:[127.0.0.1]:1", "smtp_fallback_relay": "{sink2}"}, JOE, [ALICE], {}),
    "helo_name": ({"smtp_helo_name": "other.example.test"}, JOE, [ALICE], {}),
}


@pytest.fixture(scope="module")
def world():
    services = {"stranger": {"local_header_rewrite_clients": ""}}
    with World(services=services, main_cf={"mydestination": "example.test"}) as w:
        yield w


@pytest.mark.parametrize("name", MADE)
def test_message(world, name):
    told = world.tell(*MADE[name])
    if name == "helo_name":
        told += "--- said\n" + world.sinks[0].ended()[-1][0] + "\n"
    golden("everyday_" + name, told)


# --- who is let in ---

def answers(suite, address, service="smtp"):
    """The answers to a client of that address who wants to send to elsewhere: of the connection, and of the recipient."""
    with smtplib.SMTP(timeout=60, source_address=(address, 0)) as smtp:
        code, _ = smtp.connect(*suite.address(service))
        if code != 220:
            return code, None
        smtp.ehlo("client.example")
        smtp.mail("a@example.net")
        return code, smtp.rcpt("x@elsewhere.example")[0]


COUNTED = {"smtpd_client_connection_rate_limit": "1", "smtpd_client_event_limit_exceptions": ""}
SERVICES = {"each": COUNTED, "together": {**COUNTED, "smtpd_client_ipv4_prefix_length": "16"}, "named": {"syslog_name": "postfix/$service_name"}}


@pytest.fixture(scope="module")
def suite():
    main_cf = {"smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination", "notify_classes": "", "local_recipient_maps": "",
               "maximal_queue_lifetime": "0", "bounce_queue_lifetime": "0"}
    files = {"/etc/postfix/table": "key the-value\n"}
    with make(main_cf=main_cf, services=SERVICES, files=files) as s:
        yield s


@pytest.mark.parametrize("style, near", [("host", 554), ("subnet", 250), ("class", 250)])
def test_mynetworks_style(suite, settings, style, near):
    """Who is a neighbour, where mynetworks does not say."""
    settings(mynetworks=None, mynetworks_style=style)
    suite.sh("postconf -X mynetworks; postfix reload 2>&1")
    try:
        assert (answers(suite, "127.0.0.1")[1], answers(suite, "127.0.0.9")[1]) == (250, near)
    finally:
        suite.configure(mynetworks="127.0.0.0/8")


@pytest.mark.parametrize("service, second", [("each", 220), ("together", 421)])
def test_client_ipv4_prefix_length(suite, service, second):
    """Which clients are counted as one."""
    assert [answers(suite, "127.7.1.1", service)[0], answers(suite, "127.7.2.2", service)[0], answers(suite, "127.7.1.1", service)[0]] == [220, second, 421]


def test_service_name(suite):
    since = suite.log_size()
    answers(suite, "127.0.0.1", "named")
    suite.wait_log(r" postfix/%d/smtpd\[\d+\]: disconnect from|postfix/\S+:%d/smtpd\[\d+\]: disconnect from" % (suite.address("named")[1], suite.address("named")[1]), since=since)


def test_default_database_type(suite):
    suite.sh("postconf default_database_type=texthash")
    try:
        assert suite.sh("postmap -q key /etc/postfix/table") == "the-value\n"
    finally:
        suite.sh("postconf -X default_database_type")


# --- delivery ---

LOCK = {"mailbox_delivery_lock": "dotlock", "deliver_lock_attempts": "5", "deliver_lock_delay": "1s"}


@pytest.mark.parametrize("limit, modified, status", [("1s", "now", "sent"), ("500s", "now", "deferred"), ("1s", "tomorrow", "sent"),
                                                     ("500s", "last week", "deferred")])
def test_stale_lock_time(suite, settings, limit, modified, status):
    """A lock file that nobody removes: has its program gone, or is it still at work? The time of modification, which anybody may
    set, does not count."""
    settings(**LOCK, stale_lock_time=limit, maximal_queue_lifetime="1d")
    suite.sh("touch -d '%s' /var/mail/bob.lock; chmod 666 /var/mail/bob.lock" % modified)
    since = suite.log_size()
    send(suite, JOE, "bob@example.test")
    suite.wait_status(since)
    seen = re.findall(r"status=(\w+)", suite.log(since))
    suite.delete_all()
    suite.sh("rm -f /var/mail/bob.lock")
    assert seen == [status]


@pytest.mark.parametrize("minimum, status", [("100", "sent"), ("5000", "deferred")])
def test_virtual_minimum_uid(suite, settings, minimum, status):
    settings(virtual_mailbox_domains="hosted.example", virtual_mailbox_maps="inline:{box@hosted.example=box}", virtual_mailbox_base="/var/mail/hosted", virtual_uid_maps="static:1001",
             virtual_gid_maps="static:1001", virtual_minimum_uid=minimum, maximal_queue_lifetime="1d")
    suite.sh("mkdir -p /var/mail/hosted; chmod 777 /var/mail/hosted")
    since = suite.log_size()
    send(suite, JOE, "box@hosted.example")
    suite.wait_status(since)
    log = suite.log(since)
    suite.delete_all()
    suite.sync_log()
    golden("everyday_virtual_minimum_uid_" + minimum, "\n".join(re.findall(r"(?:warning: recipient.*|status=.*)", log)) + "\n")


def test_default_transport_rate_delay(suite, settings):
    """All destinations of a transport together have a delivery in so much time; a transport's own value goes before."""
    with Sink() as sink:
        table = "inline:{{a.example=smtp:%s} {b.example=smtp:%s}}" % (sink.nexthop, sink.nexthop)
        settings(transport_maps=table, default_transport_rate_delay="2s")
        times = []
        for domain in "ab":
            send(suite, JOE, "x@%s.example" % domain)
        for count in (1, 2):
            sink.wait(count)
            times.append(time.monotonic())
        assert times[1] - times[0] > 1


@pytest.mark.parametrize("limit, order", [("1", "start end start end "), ("2", "start start end end ")])
def test_local_destination_concurrency_limit(suite, settings, limit, order):
    """How many deliveries to one user run at once."""
    settings(mailbox_command="echo start >>/tmp/order; read x </tmp/gate; echo end >>/tmp/order", local_destination_concurrency_limit=limit)
    suite.sh("rm -f /tmp/order /tmp/gate; mkfifo -m 666 /tmp/gate")
    since = suite.log_size()
    for _ in range(2):
        send(suite, JOE, "carol@example.test")
    suite.wait_log("queue active", since=since, count=2)

    def seen():
        return suite.sh("cat /tmp/order 2>/dev/null || :").split()

    begun = 2 if limit == "2" else 1
    suite.wait_until(lambda: len(seen()) >= begun, suite.path("/tmp"))
    suite.sh("echo >/tmp/gate")
    suite.wait_until(lambda: len(seen()) >= 3, suite.path("/tmp"))
    if limit == "1":
        suite.sh("echo >/tmp/gate")
    suite.wait_log("status=sent", since=since, count=2)
    assert " ".join(seen()) + " " == order


# --- the next hop ---

@pytest.fixture(scope="module")
def hosts():
    silent = Silent(".")
    with Dns({"both.example": {"A": ["127.26.2.9"], "AAAA": ["::1"]}}) as dns, silent.server:
        transports = {"prefer-v6": "smtp_address_preference=ipv6", "prefer-v4": "smtp_address_preference=ipv4", "done": "smtp_data_done_timeout=1s"}
        table = "inline:{%s {done@x.example=done:[127.0.0.1]:%d}}" % (" ".join("{%s@x.example=%s:[both.example]:1}" % (n, n) for n in transports if n != "done"), silent.port)
        master = ["%s unix - - n - - smtp -o inet_protocols=all -o %s" % item for item in transports.items()]
        with make(main_cf={"transport_maps": table, "notify_classes": "", "smtp_host_lookup": "dns"}, master=master, dns=dns.host) as s:
            yield s, silent


@pytest.mark.parametrize("name, first", [("prefer-v6", "::1"), ("prefer-v4", "127.26.2.9")])
def test_smtp_address_preference(hosts, name, first):
    suite, _ = hosts
    since = suite.log_size()
    send(suite, JOE, name + "@x.example")
    suite.wait_status(since)
    assert re.findall(r"smtp\[\d+\]: connect to both.example\[(\S+)\]:1: ", suite.log(since))[0] == first
    suite.delete_all()


def test_smtp_data_done_timeout(hosts):
    suite, silent = hosts
    since = suite.log_size()
    send(suite, JOE, "done@x.example")
    with silent.talk():
        suite.wait_status(since)
    golden("everyday_smtp_data_done_timeout", masks.mask("\n".join(re.findall(r"status=.*", suite.log(since)))) + "\n")
    suite.delete_all()


@pytest.mark.parametrize("stress, said", [("yes", "busy"), ("", "idle"), (None, "idle")])
def test_stress_of_main_cf(suite, settings, stress, said):
    settings(stress=stress, smtpd_banner="$myhostname ${stress?{busy}:{idle}}")
    with smtplib.SMTP(timeout=60) as smtp:
        assert smtp.connect(*suite.smtp) == (220, b"mail.example.test " + said.encode())
