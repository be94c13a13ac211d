"""Parameters that several programs read: what they change, seen from outside. What does not need main.cf is in the servers' options."""
import os
import re
import socket
import stat
import time
from pathlib import Path

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Client, Refused, Sink, send

pytestmark = pytest.mark.root

MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"
# For other values to refer to: no program looks at them.
NOTES = ["trigger_timeout", "mail_release_date", "meta_directory", "process_id_directory",
         "shlib_directory", "html_directory", "manpage_directory", "sample_directory"]
NOTED = {name: "7s" if name == "trigger_timeout" else "/here/" + name for name in NOTES}
BANNER = "$myhostname " + " ".join("$" + name for name in NOTES)
SERVICES = {
    "silent": {"cleanup_service_name": "silent", "ipc_timeout": "1s"},
    "broken": {"smtpd_timeout": "bogus"},
    "idle": {"max_idle": "1s"},
    "stranger": {"mynetworks": "10.0.0.0/8", "smtpd_relay_restrictions": "reject_unauth_destination", "smtpd_error_sleep_time": "0"},
    "notes": {"smtpd_banner": BANNER, **NOTED},
    "process": {"smtpd_banner": "$myhostname $process_name $process_id"},
    "plain": {"cleanup_service_name": "cleanup"},
}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"maillog_file_permissions": "0640", "service_throttle_time": "1s", "proxy_interfaces": "192.0.2.7", "notify_classes": "",
                       "smtp_connection_cache_on_demand": "no", "local_recipient_maps": "", "fast_flush_domains": ""},
              services=SERVICES, master=["no-subject unix n - y - 0 cleanup\n  -o message_drop_headers=subject"],
              files={"/home/dave/.forward": "erin\n"}) as s:
        yield s


def deliver(suite, recipients="bob@example.test", sender="joe@example.net", name="x", service="smtp", **options):
    """Sends a message and waits until its recipients have their status; the log."""
    since = suite.log_size()
    send(suite, sender, recipients, MESSAGE % (name, name, "Hello."), service=service, **options)
    suite.wait_status(since)
    suite.sync_log()
    return suite.log(since)


def forget(suite):
    suite.delete_all()


# --- what no reload is needed for ---
def test_proxy_interfaces(suite):
    with Client(suite.address("stranger")) as client:
        client.command("MAIL FROM:<joe@example.net>")
        assert client.command("RCPT TO:<alice@[192.0.2.7]>") == "250 2.1.5 Ok"
        assert client.command("RCPT TO:<alice@[192.0.2.8]>", want="5") == "554 5.7.1 <alice@[192.0.2.8]>: Relay access denied"


def greeting(suite, service):
    with socket.create_connection(suite.address(service)) as s:
        return s.makefile().readline().strip()


def test_values_for_others_to_refer_to(suite):
    assert greeting(suite, "notes") == "220 mail.example.test " + " ".join(NOTED.values())
    defaults = dict(line.split(" = ", 1) for line in suite.sh("postconf -d " + " ".join(NOTES)).splitlines())
    assert defaults.keys() == set(NOTES) and all(defaults.values()) and re.fullmatch(r"\d{8}", defaults["mail_release_date"])


def test_process_name_and_id(suite):
    name, pid = re.fullmatch(r"220 mail.example.test (\S+) (\d+)", greeting(suite, "process")).groups()
    assert name == "smtpd" and suite.sh("cat /proc/%s/comm" % pid) == "smtpd\n"
    assert re.fullmatch(r"postconf \d+", suite.sh("postconf -xh -o 'mail_name=$process_name $process_id' mail_name").strip())


def processes(suite, service):
    """How many processes serve the address of an SMTP server."""
    lines = suite.sh(r"for p in /proc/[0-9]*; do tr '\0' ' ' <$p/cmdline 2>/dev/null; echo; done")
    return len(re.findall(r"(?m)^\S*smtpd .*-n \S*:%d " % suite.ports[service], lines))


def test_max_idle(suite):
    greeting(suite, "idle")
    greeting(suite, "smtp")
    assert processes(suite, "smtp") == 1
    suite.wait_until(lambda: not processes(suite, "idle"), Path(suite.mail_log).parent, what="the end of an idle process")
    assert processes(suite, "smtp") == 1


def test_ipc_timeout(suite):
    """A cleanup that says nothing. Ours answers the client, Postfix hangs up."""
    path = os.path.join(suite.queue, "public/silent")
    with socket.socket(socket.AF_UNIX) as cleanup:
        cleanup.bind(path)
        os.chmod(path, 0o666)
        cleanup.listen()
        with Client(suite.address("silent")) as client:
            client.command("MAIL FROM:<joe@example.net>")
            since = time.monotonic()
            with pytest.raises(Refused, match="451 4.3.0 Error: queue file write error$|^closed after"):
                client.command("RCPT TO:<alice@example.test>")
            assert 0.9 < time.monotonic() - since < 10


def test_syslog_facility(suite):
    """postlog(1) logs to syslog where there is no maillog_file."""
    suite.sh("mkdir -p /etc/other; touch /etc/other/master.cf; ls -ld /dev")
    path = suite.path("/dev/log")
    if os.path.lexists(path):
        pytest.skip("a syslog daemon listens")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(path)
        try:
            os.chmod(path, 0o666)
            for setting, facility in (("", 2), ("syslog_facility = local3\n", 19), ("syslog_facility = daemon\n", 3)):
                suite.write("/etc/other/main.cf", "compatibility_level = 3.6\n" + setting)
                suite.sh("postlog -c /etc/other -t test/me -p warn said 2>/dev/null")
                syslog.settimeout(10)
                assert re.fullmatch(r"<%d>\w{3} [ \d]\d [\d:]{8} test/me\[\d+\]: warning: said" % (facility * 8 + 4), syslog.recv(1000).decode())
        finally:
            os.unlink(path)


def test_berkeley_db_create_buffer_size(suite):
    """Entries are added in any order: pages that do not fit into the buffer are written more than once."""
    suite.write("/tmp/table", "key value\n")
    suite.write("/tmp/more", "".join("key%d value%d\n" % (i * 7919 % 20000, i) for i in range(20000)))
    add = "cd /tmp; postmap hash:table; postmap -i hash:table <more; sed -n 's/^wchar: //p' /proc/$$/io"
    at_once = int(suite.sh(add))
    suite.sh("postconf -e berkeley_db_create_buffer_size=100000")
    piecewise = int(suite.sh(add))
    suite.sh("postconf -X berkeley_db_create_buffer_size")
    assert piecewise > 2 * at_once, (at_once, piecewise)


USERS = "postqueue -p; postqueue -j; mailq; postqueue -f; postqueue -s relayed.example; postqueue -i ABCDEF123"


@pytest.mark.parametrize("name", ["authorized_mailq_users", "authorized_flush_users"])
def test_authorized_users(suite, name):
    """Read by the command itself."""
    shown = []
    for value in ("static:anyone", "!alice, static:all", "bob, alice", "/etc/postfix/users"):
        suite.write("/etc/postfix/users", "carol\n")
        suite.sh("postconf -e '%s=%s'" % (name, value))
        for user in ("alice", None):
            for command in USERS.split("; "):
                done = suite.run(*command.split(), user=user)
                shown.append("%s %s$ %s\n%s%sexit %d" % (value, user, command, done.stdout.decode(), done.stderr.decode(), done.returncode))
    suite.sh("postconf -X " + name)
    golden("shared_" + name, masks.mask("\n".join(shown)))


# --- with a reload ---
@pytest.mark.extension(reason="a process of Postfix's serves its last session for as long as that lasts")
def test_drain_time_limit(suite, settings):
    settings(drain_time_limit="1s")
    with Client(suite.smtp) as client:
        suite.reload()
        since = time.monotonic()
        with pytest.raises(Refused, match="closed after"):
            client.reply()
        assert 0.5 < time.monotonic() - since < 10


def test_pickup_service_name(suite, settings):
    """Who brings mail wakes the service of that name."""
    settings(pickup_service_name="mine")
    path = os.path.join(suite.queue, "public/mine")
    with socket.socket(socket.AF_UNIX) as pickup:
        pickup.bind(path)
        os.chmod(path, 0o666)
        pickup.settimeout(10)
        pickup.listen()
        suite.sh("echo x | sendmail bob", user="alice")
        with pickup.accept()[0] as trigger:
            assert trigger.recv(1) == b"W"
    os.unlink(path)
    assert len(suite.queue_files()) == 1
    forget(suite)


def test_cleanup_service_name(suite, settings):
    """Of mail that pickup brings, that local forwards, and of notices."""
    settings(cleanup_service_name="no-subject")
    suite.sh("printf 'Subject: picked up\\n\\nx\\n' | sendmail bob", user="alice")
    assert b"Subject:" not in suite.messages("bob", 1)[-1]
    deliver(suite, "dave@example.test", service="plain", name="forwarded")
    assert b"Subject:" not in suite.messages("erin", 1)[-1]
    deliver(suite, ["no-such-user@example.test", "frank@example.test"], sender="carol@example.test", service="plain", name="bounced")
    assert b"\nSubject: bounced\n" in suite.messages("frank", 1)[-1]
    assert b"\nSubject: Undelivered" not in suite.messages("carol", 1)[-1]


def test_bounce_notice_recipient(suite, settings):
    settings(notify_classes="bounce", bounce_notice_recipient="heidi")
    deliver(suite, "no-such-user@example.test", sender="alice@example.test")
    copy = suite.messages("heidi", 1)[-1]
    assert b"\nTo: heidi@example.test\n" in copy and b"\nSubject: Postmaster Copy: Undelivered Mail\n" in copy


@pytest.mark.parametrize("form, field", [("standard", b"Mail Delivery System <MAILER-DAEMON@example.test>"),
                                         ("obsolete", b"MAILER-DAEMON@example.test (Mail Delivery System)")])
def test_header_from_format(suite, settings, form, field):
    """Of notices; test_submit_parameters.py has that of mail from here."""
    settings(header_from_format=form)
    before = len(suite.messages("heidi", 0))
    deliver(suite, "no-such-user@example.test", sender="heidi@example.test")
    assert b"\nFrom: " + field + b"\n" in suite.messages("heidi", before + 1)[-1]


@pytest.mark.parametrize("digits", [0, 2, 6])
def test_delay_logging_resolution_limit(suite, settings, digits):
    settings(delay_logging_resolution_limit=str(digits))
    delays = re.search(r" delay=(\S+), delays=(\S+), ", deliver(suite)).group(2).split("/")
    longest = max(len(d.partition(".")[2]) for d in delays)
    assert len(delays) == 4 and (longest > 2 if digits == 6 else longest <= digits), delays


@pytest.mark.parametrize("attempts, delay, least", [("1", "9s", 0), ("2", "1s", 1), ("2", "2s", 2)])
def test_deliver_lock(suite, settings, attempts, delay, least):
    settings(mailbox_delivery_lock="dotlock", deliver_lock_attempts=attempts, deliver_lock_delay=delay)
    suite.write("/var/mail/alice.lock", "")
    log = deliver(suite, "alice@example.test", name="lock")
    suite.sh("rm /var/mail/alice.lock")
    took = float(re.search(r" delays=\S+/([\d.]+), ", log).group(1))
    assert least - 0.3 <= took < least + 0.9
    golden("shared_deliver_lock", masks.history(log))
    forget(suite)


@pytest.mark.parametrize("names, depth, form", [(None, None, "./X/ID"), ("deferred", "2", "./X/X/ID"), ("deferred", "3", "./X/X/X/ID"), ("hold", "2", "./ID")])
def test_hash_queue(suite, settings, names, depth, form):
    with Sink(answers={"RCPT": "450 4.3.0 later"}) as sink:
        settings(hash_queue_names=names, hash_queue_depth=depth, relayhost=sink.nexthop)
        deliver(suite, "x@elsewhere.example")
    found = suite.sh("cd /var/spool/postfix/deferred && find . -type f").strip()
    name = found.split("/")[-1]
    assert re.sub("/[0-9A-F](?=/)", "/X", found).replace(name, "ID") == form
    assert suite.sh("postcat -eq " + name).startswith("*** ENVELOPE RECORDS")
    forget(suite)
    assert suite.sh("cd /var/spool/postfix/deferred && find . -type f") == ""


def test_queue_run_delay(suite, settings):
    with Sink(answers={"RCPT": ["450 4.3.0 later"]}) as sink:
        settings(relayhost=sink.nexthop, queue_run_delay="1s", minimal_backoff_time="1s", maximal_backoff_time="1s")
        since = suite.log_size()
        suite.wait_removed(send(suite, "joe@example.net", "x@elsewhere.example"), timeout=15)
        assert suite.log(since).count("status=deferred") == 1


@pytest.mark.parametrize("disabled", ["no", "yes"])
def test_disable_mime_output_conversion(suite, settings, disabled):
    with Sink(extensions=["PIPELINING"]) as sink:
        settings(relayhost=sink.nexthop, disable_mime_output_conversion=disabled)
        suite.wait_removed(send(suite, "joe@example.net", "x@elsewhere.example", MESSAGE % ("x", "x", "caf\u00e9"), mail="BODY=8BITMIME"))
        golden("shared_output_conversion_" + disabled, masks.mask(sink.messages[0]["data"].decode()))


def test_flush_service_name(suite, settings):
    settings(flush_service_name="nowhere", fast_flush_domains="relayed.example")
    done = suite.run("postqueue", "-s", "relayed.example")
    assert done.returncode and b"nowhere" in done.stderr, done


# --- what disturbs the tests that follow ---
def test_service_throttle_time(suite):
    since = suite.log_size()
    with socket.create_connection(suite.address("broken")):
        suite.wait_log("smtpd: bad command startup -- throttling", count=3, since=since, timeout=20)


def test_maillog_file_permissions(suite):
    os.rename(suite.mail_log, suite.mail_log + ".old")
    suite.sh("postfix reload 2>&1")
    log = Path(suite.mail_log)
    suite.wait_until(lambda: log.exists() and stat.S_IMODE(log.stat().st_mode) == 0o640, log.parent, what="a new log")
