"""verify(8), and the restrictions that ask it: reject_unverified_recipient and reject_unverified_sender."""
import os
import re
import socket

import pytest

from suite import make, masks
from suite.base import free_port
from suite.golden import golden
from suite.smtp import Client, Refused, Sink

pytestmark = pytest.mark.root

PORT = free_port()
CACHE = "/var/lib/postfix/verify_cache"
SETTINGS = {"relay_domains": "relayed.example", "smtpd_error_sleep_time": "0", "smtp_connection_cache_on_demand": "no",
            "transport_maps": "inline:{relayed.example=smtp:[127.0.0.1]:%d, down.example=smtp:[127.0.0.1]:1}" % PORT,
            "address_verify_map": "btree:" + CACHE, "address_verify_poll_delay": "1s", "address_verify_poll_count": "20",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_recipient_restrictions": "reject_unverified_recipient, permit"}
SENDER = {"smtpd_recipient_restrictions": "", "smtpd_sender_restrictions": "reject_unverified_sender"}
NO = {"RCPT": "550 5.7.1 not you"}
REFUSED = "connect to 127.0.0.1[127.0.0.1]:1: Connection refused"


@pytest.fixture
def sink():
    with Sink(address=("127.0.0.1", PORT)) as s:
        yield s


@pytest.fixture(scope="module")
def suite():
    services = {"sender": SENDER,
                "codes": {"unverified_recipient_reject_code": "550", "unverified_recipient_defer_code": "451"},
                "reasons": {"unverified_recipient_reject_code": "550", "unverified_recipient_reject_reason": "go away"},
                "sender_doubts": {**SENDER, "unverified_sender_defer_code": "451", "smtpd_recipient_restrictions": "check_recipient_access static:{REJECT no}"},
                "sender_defers": {**SENDER, "unverified_sender_defer_code": "451", "unverified_sender_tempfail_action": "defer",
                                  "smtpd_recipient_restrictions": "check_recipient_access static:{REJECT no}"},
                "sender_codes": {**SENDER, "unverified_sender_reject_code": "553", "unverified_sender_reject_reason": "who are you"},
                "warns": {"smtpd_recipient_restrictions": "warn_if_reject reject_unverified_recipient, permit"},
                "doubts": {"smtpd_recipient_restrictions": "reject_unverified_recipient, check_recipient_access static:{REJECT no}"},
                "defers": {"smtpd_recipient_restrictions": "reject_unverified_recipient, check_recipient_access static:{REJECT no}",
                           "unverified_recipient_tempfail_action": "defer"},
                "strict": {"smtpd_recipient_restrictions": "check_recipient_access static:{REJECT no}"},
                "once": {"address_verify_poll_count": "1"}}
    with make(main_cf=SETTINGS, services=services) as s:
        yield s


def ask(suite, recipient, service="smtp", sender="joe@example.net"):
    """What the server says of a recipient."""
    with Client(suite.address(service)) as client:
        client.command("MAIL FROM:<%s>" % sender)
        try:
            return client.command("RCPT TO:<%s>" % recipient)
        except Refused as refused:
            return str(refused).partition(": ")[2]


def refused(recipient, reason, code="450 4.1.1", what="unverified"):
    return "%s <%s>: Recipient address rejected: %s address: %s" % (code, recipient, what, reason)


def probes(suite, address, since):
    """The endings of the probes of an address that are in the log."""
    suite.sync_log()
    return re.findall(r"to=<%s>.* status=(\S+ \(.*\))" % re.escape(address), suite.log(since))


def table(suite):
    """The cache; nobody may have it open."""
    entries = suite.sh("postmap -s btree:%s" % CACHE)
    return dict(line.split("\t", 1) for line in entries.splitlines())


def restart(suite, *settings):
    suite.sh("postfix stop")
    for setting in settings:
        suite.sh("postconf -e '%s'" % setting)
    entries = table(suite)
    suite.sh("postfix start")
    return entries


def test_known(suite):
    since = suite.log_size()
    assert ask(suite, "alice@example.test") == "250 2.1.5 Ok"
    assert probes(suite, "alice@example.test", since) == ["deliverable (delivers to mailbox)"]
    log = suite.log(since)
    qid = re.search(r"(\w+): to=<alice@example.test>, relay=local, .*dsn=2.0.0", log).group(1)
    assert re.search(r"%s: from=<double-bounce@example.test>, size=\d+, nrcpt=1 \(queue active\)" % qid, log)
    assert not os.path.exists(suite.mailbox("alice"))
    # Asked again, it is known.
    assert ask(suite, "alice@example.test") == "250 2.1.5 Ok"
    assert len(probes(suite, "alice@example.test", since)) == 1


def test_unknown(suite):
    since = suite.log_size()
    reason = 'unknown user: "nosuch"'
    assert ask(suite, "nosuch@example.test") == refused("nosuch@example.test", reason)
    assert probes(suite, "nosuch@example.test", since) == ["undeliverable (%s)" % reason]
    assert ask(suite, "nosuch@example.test", "codes") == refused("nosuch@example.test", reason, "550 5.1.1", "undeliverable")
    assert ask(suite, "nosuch@example.test", "reasons") == refused("nosuch@example.test", "go away", "550 5.1.1", "undeliverable")
    suite.sync_log()
    assert re.search(r"NOQUEUE: reject: RCPT from localhost\[127.0.0.1\]: 450 4.1.1 <nosuch@example.test>: Recipient address rejected: unverified "
                     r"address: unknown user: \"nosuch\"; from=<joe@example.net> to=<nosuch@example.test> proto=ESMTP helo=<client.example.net>",
                     suite.log(since))
    assert len(probes(suite, "nosuch@example.test", since)) == 1


def test_quoted(suite):
    since = suite.log_size()
    assert ask(suite, '"no such"@example.test') == refused("no such@example.test", 'unknown user: "no such"')
    assert probes(suite, '"no such"@example.test', since) == ['undeliverable (unknown user: "no such")']


def test_deferred(suite):
    since = suite.log_size()
    assert ask(suite, "x@down.example") == refused("x@down.example", REFUSED)
    assert probes(suite, "x@down.example", since) == ["undeliverable (%s)" % REFUSED]
    assert ask(suite, "x@down.example", "codes") == refused("x@down.example", REFUSED, "451 4.1.1")
    # The client may be told what stands behind it, or that he is to come again at once.
    assert ask(suite, "x@down.example", "doubts") == "554 5.7.1 <x@down.example>: Recipient address rejected: no"
    assert ask(suite, "x@down.example", "defers") == refused("x@down.example", REFUSED)


def test_remote(suite, sink):
    assert ask(suite, "x@relayed.example") == "250 2.1.5 Ok"
    sink.answers = NO
    assert ask(suite, "y@relayed.example") == refused(
        "y@relayed.example", "host 127.0.0.1[127.0.0.1] said: 550 5.7.1 not you (in reply to RCPT TO command)")
    assert [[re.sub(r"SIZE=\d+", "SIZE=n", line) for line in s[1:]] for s in sink.sessions] == [
        ["MAIL FROM:<double-bounce@example.test> SIZE=n", "RCPT TO:<%s@relayed.example> ORCPT=rfc822;%s@relayed.example" % (who, who), "RSET", "QUIT"]
        for who in "xy"]
    assert not sink.messages


def test_in_progress(suite):
    assert ask(suite, "z@down.example", "once") == refused("z@down.example", "Address verification in progress")


def test_warns(suite):
    since = suite.log_size()
    assert ask(suite, "w@down.example", "warns") == "250 2.1.5 Ok"
    suite.sync_log()
    assert "reject_warning: RCPT from localhost[127.0.0.1]: " + refused("w@down.example", REFUSED) in suite.log(since)


def test_senders(suite):
    assert ask(suite, "alice@example.test", "sender", "bob@example.test") == "250 2.1.5 Ok"
    assert ask(suite, "alice@example.test", "sender", "") == "250 2.1.5 Ok"
    sender = "<nosender@example.test>: Sender address rejected: %s address: %s"
    reason = 'unknown user: "nosender"'
    assert ask(suite, "alice@example.test", "sender", "nosender@example.test") == "450 4.1.7 " + sender % ("unverified", reason)
    assert ask(suite, "alice@example.test", "sender_codes", "nosender@example.test") == "553 5.1.7 " + sender % ("undeliverable", "who are you")
    assert ask(suite, "alice@example.test", "sender_defers", "x@down.example") == "451 4.1.7 <x@down.example>: Sender address rejected: unverified address: " + REFUSED
    assert ask(suite, "alice@example.test", "sender_doubts", "x@down.example") == "554 5.7.1 <alice@example.test>: Recipient address rejected: no"


def test_own_sender(suite):
    """Who answers to the sender of a probe, or probes him in turn, is not kept out."""
    since = suite.log_size()
    for recipient in ("double-bounce@example.test", "Double-Bounce@Example.Test"):
        assert ask(suite, recipient, "strict") == "250 2.1.5 Ok"
    for recipient in ("double-bounce@mail.example.test", "double-bounces@example.test", "double-bounce"):
        assert ask(suite, recipient, "strict") == "554 5.7.1 <%s>: Recipient address rejected: no" % recipient
    assert not probes(suite, "double-bounce@example.test", since)
    assert ask(suite, "double-bounce@mail.example.test") == "250 2.1.5 Ok"
    assert probes(suite, "double-bounce@mail.example.test", since) == ["deliverable (undeliverable postmaster notification discarded)"]


def test_cache(sink):
    """What is known is known after a restart; when it is old enough it is found out again."""
    with make(main_cf=SETTINGS) as suite:
        assert ask(suite, "alice@example.test") == "250 2.1.5 Ok"
        assert ask(suite, "nosuch@example.test") == refused("nosuch@example.test", 'unknown user: "nosuch"')
        assert ask(suite, "x@down.example") == refused("x@down.example", REFUSED)
        assert ask(suite, "x@relayed.example") == "250 2.1.5 Ok"
        entries = restart(suite)
        assert re.fullmatch(r"0:0:\d+:delivers to mailbox", entries["alice@example.test"])
        assert re.fullmatch(r'2:0:\d+:unknown user: "nosuch"', entries["nosuch@example.test"])
        assert re.fullmatch(r"1:0:\d+:" + re.escape(REFUSED), entries["x@down.example"])
        assert re.fullmatch(r"\d+", entries["_LAST_CACHE_CLEANUP_COMPLETED_"])
        if os.environ.get("SUITE") != "reference":       # there the umask makes it
            assert os.stat(suite.path(CACHE + ".db")).st_mode & 0o777 == 0o600
        since = suite.log_size()
        assert ask(suite, "alice@example.test") == "250 2.1.5 Ok"
        assert ask(suite, "nosuch@example.test") == refused("nosuch@example.test", 'unknown user: "nosuch"')
        assert not probes(suite, "alice@example.test", since) and not probes(suite, "nosuch@example.test", since)
        # Old news: the old answer is given, and a probe sent.
        suite.sh("postfix stop; for x in 'alice@example.test 0:0:1000:old news' 'x@relayed.example 0:0:2000000000:good' "
                 "'bob@example.test 2:0:1000:gone' 'nosuch@example.test 2:0:1000:gone'; do echo \"$x\"; done | postmap -r -i btree:%s; "
                 "postconf -e address_verify_positive_expire_time=3000w address_verify_negative_expire_time=3000w "
                 "address_verify_positive_refresh_time=8d address_verify_negative_refresh_time=4h; postfix start" % CACHE)
        since = suite.log_size()
        assert ask(suite, "alice@example.test") == "250 2.1.5 Ok"
        assert ask(suite, "bob@example.test") == refused("bob@example.test", "gone")
        suite.wait_log(r"to=<alice@example.test>.*status=deliverable", since=since)
        suite.wait_log(r"to=<bob@example.test>.*status=deliverable", since=since)
        assert ask(suite, "bob@example.test") == "250 2.1.5 Ok"


def test_expired(sink):
    """What has expired is not told, and goes when the cache is cleaned."""
    with make(main_cf={**SETTINGS, "address_verify_cache_cleanup_interval": "1s"},
              prepare=["mkdir -p /var/lib/postfix",
                       "printf 'bob@example.test 2:0:1000:gone\\ncarol@example.test 0:0:1000:good\\nerin@example.test 0:0:4000000000:good\\n' > /tmp/v",
                       "cp /tmp/v %s; postmap btree:%s; chown postfix %s.db; rm %s" % ((CACHE,) * 4)]) as suite:
        assert ask(suite, "erin@example.test") == "250 2.1.5 Ok"
        suite.wait_log(r"verify\[\d+\]: cache btree:%s full cleanup: retained=1 dropped=2 entries" % CACHE)
        assert ask(suite, "bob@example.test") == "250 2.1.5 Ok"


def test_no_negative_cache():
    with make(main_cf={**SETTINGS, "address_verify_negative_cache": "no", "address_verify_poll_count": "2"}) as suite:
        since = suite.log_size()
        assert ask(suite, "nosuch@example.test") == refused("nosuch@example.test", "Address verification in progress")
        suite.wait_log(r"to=<nosuch@example.test>.*status=", since=since, count=2)
        assert set(probes(suite, "nosuch@example.test", since)) == {'undeliverable-but-not-cached (unknown user: "nosuch")'}
        assert ask(suite, "alice@example.test") == "250 2.1.5 Ok"


@pytest.mark.parametrize("setting, sender", [("", ""), ("<>", ""), ("probe@other.example", "probe@other.example"), ("probe", "probe@example.test")])
def test_sender(sink, setting, sender):
    with make(main_cf={**SETTINGS, "address_verify_sender": setting}) as suite:
        assert ask(suite, "x@relayed.example") == "250 2.1.5 Ok"
        assert sink.sessions[0][1].startswith("MAIL FROM:<%s> " % sender)


def test_sender_ttl(sink):
    with make(main_cf={**SETTINGS, "address_verify_sender_ttl": "365d"}) as suite:
        assert ask(suite, "x@relayed.example") == "250 2.1.5 Ok"
        years = int(suite.sh("date +%s")) // (365 * 24 * 3600)
        marks = ["".join("0123456789BCDFGHJKLMNPQRSTVWXYZ"[digit] for digit in divmod(years - ago, 31)) for ago in range(3)]
        assert sink.sessions[0][1].startswith("MAIL FROM:<double-bounce%s@example.test> " % marks[0])
        for mark in marks[:2]:
            assert ask(suite, "double-bounce%s@example.test" % mark) == "250 2.1.5 Ok"
        for mark in (marks[0].lower(), marks[2]):
            name = "double-bounce" + mark
            assert ask(suite, name + "@example.test") == refused(name + "@example.test", 'unknown user: "%s"' % name.lower())


def test_routes(sink):
    """Probes may take another way than mail."""
    with make(main_cf={**SETTINGS, "transport_maps": "inline:{relayed.example=smtp:[127.0.0.1]:1}", "default_transport": "smtp:[127.0.0.1]:1",
                       "address_verify_transport_maps": "inline:{relayed.example=smtp:[127.0.0.1]:%d}" % PORT,
                       "address_verify_default_transport": "smtp:[127.0.0.1]:%d" % PORT}) as suite:
        assert ask(suite, "x@relayed.example") == "250 2.1.5 Ok"
        assert ask(suite, "x@elsewhere.example") == "250 2.1.5 Ok"


def test_routes_of_classes(sink):
    """Each class of addresses has its own; the next hop may be another, too, and depend on the sender of probes."""
    here = "[127.0.0.1]:%d" % PORT
    with make(main_cf={**SETTINGS, "transport_maps": "", "virtual_mailbox_domains": "virtual.example", "virtual_mailbox_maps": "static:x",
                       "local_recipient_maps": "", "address_verify_service_name": "prove",
                       "address_verify_local_transport": "smtp:" + here, "address_verify_virtual_transport": "smtp:" + here,
                       "address_verify_relay_transport": "smtp:" + here, "address_verify_relayhost": here},
              master=["prove unix - - n - 1 verify"]) as suite:
        for recipient in ("nosuch@example.test", "x@virtual.example", "x@relayed.example", "x@elsewhere.example"):
            assert ask(suite, recipient) == "250 2.1.5 Ok"
        assert [session[2].split()[1] for session in sink.sessions] == ["TO:<nosuch@example.test>", "TO:<x@virtual.example>", "TO:<x@relayed.example>",
                                                                       "TO:<x@elsewhere.example>"]


@pytest.mark.parametrize("maps", ["address_verify_sender_dependent_relayhost_maps", "address_verify_sender_dependent_default_transport_maps"])
def test_routes_of_senders(sink, maps):
    here = "[127.0.0.1]:%d" % PORT
    route = here if "relayhost" in maps else "smtp:" + here
    with make(main_cf={**SETTINGS, maps: "inline:{{double-bounce@example.test = %s}}" % route}) as suite:
        assert ask(suite, "x@elsewhere.example") == "250 2.1.5 Ok"


TARGETS = {"taken": ("354 Go on", None), "refused": ("550 5.7.1 no", "said: 550 5.7.1 no (in reply to DATA command)"),
           "for-now": ("450 4.7.1 later", "said: 450 4.7.1 later (in reply to DATA command)"), "closed": (None, "while sending DATA command"),
           "nonsense": ("250 2.1.0 what", "said: 250 2.1.0 what (in reply to DATA command)")}


@pytest.fixture(scope="module")
def targets():
    """Two sinks, and a suite that probes them as far as DATA."""
    transports = ["data unix - - y - - smtp\n  -o smtp_address_verify_target=Data", "ldata unix - - y - - lmtp\n  -o lmtp_address_verify_target=data",
                  "bad unix - - y - - smtp\n  -o smtp_address_verify_target=foo"]
    with Sink() as smtp, Sink(lmtp=True) as lmtp, Sink(extensions=[]) as plain:
        routes = "smtp.example=data:%s, lmtp.example=ldata:inet:127.0.0.1:%d, plain.example=data:%s, bad.example=bad:%s" % (
            smtp.nexthop, lmtp.address[1], plain.nexthop, plain.nexthop)
        with make(main_cf={**SETTINGS, "transport_maps": "inline:{%s}" % routes}, services={"once": {"address_verify_poll_count": "1"}},
                  master=transports) as suite:
            yield suite, {"smtp": smtp, "lmtp": lmtp, "plain": plain}


@pytest.mark.parametrize("what", TARGETS)
@pytest.mark.parametrize("server", ["smtp", "lmtp", "plain"])
def test_target_data(targets, server, what):
    """A server may refuse a recipient only after DATA: a probe may go so far, and no further."""
    suite, sinks = targets
    reply, reason = TARGETS[what]
    sinks[server].answers, address, since = {"DATA": reply}, "%s@%s.example" % (what, server), suite.log_size()
    told = ask(suite, address)
    if reason is None:
        assert told == "250 2.1.5 Ok" and probes(suite, address, since) == ["deliverable (354 Go on)"]
    else:
        assert told.endswith(reason) and told == refused(address, told.partition("unverified address: ")[2])
    said = "\n".join(re.sub(r"SIZE=\d+", "SIZE={n}", line) for line in sinks[server].ended()[-1])
    agent = "\n".join(masks.log_line(line) for line in suite.log(since).splitlines() if "to=<%s>, relay" % address in line)
    golden("verify_data_%s_%s" % (server, what), said + "\n" + masks.mask(agent))
    assert not sinks[server].messages


def test_target_data_of_a_refused_recipient(targets):
    suite, sinks = targets
    for server in ("smtp", "lmtp", "plain"):
        sinks[server].answers = {"RCPT": "550 5.7.1 not you"}
        assert "not you (in reply to RCPT TO command)" in ask(suite, "none@%s.example" % server)
        assert sinks[server].ended()[-1][-2:] == ["RSET", "QUIT"]


def test_target_bad(targets):
    suite, since = targets[0], targets[0].log_size()
    ask(suite, "x@bad.example", "once")
    suite.wait_log(r'smtp\[\d+\]: fatal: bad protocol stage: "smtp_address_verify_target = foo"', since=since)


def test_pending_limit():
    """Probes beyond the limit are not tried, and mail has the queue. Nobody at the next hop says a word until the test is done."""
    with socket.create_server(("127.0.0.1", PORT), backlog=16) as silent:
        with make(main_cf={**SETTINGS, "address_verify_pending_request_limit": "2", "address_verify_poll_count": "1"}) as suite:
            since = suite.log_size()
            for n in range(2):
                assert ask(suite, "x%d@relayed.example" % n) == refused("x%d@relayed.example" % n, "Address verification in progress")
            connections = [silent.accept()[0] for _ in range(2)]
            reason = "Too many address verification requests"
            for n in range(3):
                ask(suite, "y%d@relayed.example" % n)
                log = suite.wait_log(r"postfix/(\w+)\[\d+\]: \w+: to=<y%d@relayed.example>, relay=none, .*dsn=4.3.2, status=(.*)" % n, since=since)[0]
                assert log.groups() == ("error", "undeliverable (%s)" % reason)
                assert ask(suite, "y%d@relayed.example" % n) == refused("y%d@relayed.example" % n, reason)
            suite.sh("echo hello | sendmail -f joe@example.net alice@example.test")
            suite.wait_log(r"to=<alice@example.test>.*status=sent", since=since)
            # With one of the two there is room again.
            connections.pop().close()
            suite.wait_log(r"to=<x\d@relayed.example>, .*status=undeliverable", since=since)
            assert ask(suite, "z@relayed.example") == refused("z@relayed.example", "Address verification in progress")
            connections.append(silent.accept()[0])
            for connection in connections:
                connection.close()
            suite.wait_log(r"to=<z@relayed.example>, .*status=undeliverable", since=since)


@pytest.mark.extension
def test_damaged_cache():
    """A cache that cannot be read is emptied; with Postfix nothing is known until somebody does that."""
    with make(main_cf=SETTINGS, prepare=["mkdir -p /var/lib/postfix", "yes damaged | head -c 20000 > %s.db; chown postfix %s.db" % (CACHE, CACHE)]) as suite:
        assert ask(suite, "alice@example.test") == "250 2.1.5 Ok"
        suite.wait_log(r"verify\[\d+\]: warning: btree:%s: open database %s.db: Invalid argument; the cache starts anew" % (CACHE, CACHE))
        assert "alice@example.test" in restart(suite)


@pytest.mark.extension
def test_address_that_no_table_keeps():
    """lmdb has no key of this length; with Postfix verify dies of it."""
    with make(main_cf={**SETTINGS, "address_verify_map": "lmdb:/var/lib/postfix/verified"}, prepare=["mkdir -p /var/lib/postfix"]) as suite:
        long = "x" * 700 + "@example.test"
        assert ask(suite, long) == refused(long, "Address verification problem")
        assert ask(suite, "alice@example.test") == "250 2.1.5 Ok"
        assert "fatal" not in suite.log()


@pytest.mark.extension
def test_not_running():
    """Without verify a client is to come again. With Postfix he waits, and loses the connection."""
    with make(main_cf=SETTINGS) as suite:
        suite.sh("postconf -MX verify/unix; postfix reload")
        assert ask(suite, "alice@example.test") == refused("alice@example.test", "Address verification problem")
