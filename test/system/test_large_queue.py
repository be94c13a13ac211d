"""qmgr(8) with much mail: what waits, what is slow and what has very many recipients hinders nobody else. (How fast it is, and
with 100,000 messages, is measured by bench/scale.)"""
import re
import time
from pathlib import Path

import pytest

from suite import make
from suite.queue_files import put, queue_file
from suite.smtp import send
from test_qmgr_parameters import Site

pytestmark = [pytest.mark.root, pytest.mark.expensive]

NOBODY_LISTENS = "[127.0.0.9]:9"


@pytest.fixture
def site():
    found = Site()
    yield found
    found.server.close()


def with_sites(site, master=(), **main_cf):
    """Mail for slow.example goes to the site, for dead.example to nobody."""
    table = "inline:{{slow.example = smtp:%s} {dead.example = smtp:%s}}" % (site.nexthop, NOBODY_LISTENS)
    return make(main_cf={"transport_maps": table, "notify_classes": "", "smtp_connection_cache_on_demand": "no", "minimal_backoff_time": "1000s",
                         "maximal_queue_lifetime": "50d", **main_cf}, master=master)


def fill(suite, count, recipient, wait=3600):
    """Deferred messages for user1@, user2@...: their time comes later."""
    due = time.time() + wait
    return [put(suite, "deferred", n, queue_file("joe@example.net", ["user%d@%s" % (n, recipient)]), due=due) for n in range(count)]


def test_what_waits_is_left_alone(site):
    """A start with many messages whose time has not come: none is touched, each is listed, new mail goes on."""
    with with_sites(site) as suite:
        suite.sh("postfix stop 2>/dev/null")
        ids = fill(suite, 2000, "dead.example")
        suite.sh("postfix start 2>/dev/null")
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        assert len(re.findall(r"(?m)^[0-9A-F]{6,}\*? ", suite.sh("postqueue -p"))) == len(ids)
        assert len([f for f in suite.queue_files() if f[0] == "deferred"]) == len(ids)
        assert not re.findall(r"status=deferred", suite.log())


@pytest.mark.extension("Postfix tries each, and some of them twice")
def test_a_flush_tries_each_message_once(site):
    """However many there are: more than are looked for at a time, and more than may be active."""
    count = 1500
    with with_sites(site, qmgr_message_active_limit="100") as suite:
        suite.sh("postfix stop 2>/dev/null")
        fill(suite, count, "dead.example")
        suite.sh("postfix start 2>/dev/null; postqueue -f")
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        suite.wait_log("status=deferred", count=count, timeout=60)
        suite.wait_until(lambda: len([f for f in suite.queue_files() if f[0] == "deferred"]) == count, suite.queue, what="rest in the queue")
        tried = re.findall(r": (\w+): to=.*status=deferred", suite.log())
        assert len(tried) == len(set(tried)) == count
        assert re.search(r"status=deferred \(delivery temporarily suspended: connect to 127.0.0.9\[127.0.0.9\]:9: Connection refused\)", suite.log())


@pytest.mark.extension("with Postfix the active queue is full of old mail, and new mail waits for it")
def test_new_mail_passes_old_mail_that_is_slow(site):
    with with_sites(site, qmgr_message_active_limit="20", initial_destination_concurrency="2") as suite:
        suite.sh("postfix stop 2>/dev/null")
        fill(suite, 60, "slow.example")
        suite.sh("postfix start 2>/dev/null; postqueue -f")
        site.take(2)
        suite.wait_log(r"\(queue active\)", count=16)
        for _ in range(5):
            suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        assert len([f for f in suite.queue_files() if f[0] == "active"]) == 16
        site.fail(2)


def test_a_message_with_very_many_recipients_keeps_nobody_waiting(site):
    """A delivery for each recipient, four at a time, to a site that is slow: mail to elsewhere goes on by the same transport, and
    mail for the same site comes among the first."""
    with with_sites(site, ["smtp unix - - y - 4 smtp"], smtp_destination_recipient_limit="1") as suite:
        many = put(suite, "deferred", 1, queue_file("joe@example.net", ["user%d@slow.example" % n for n in range(3000)]))
        suite.sh("postqueue -f")
        suite.wait_log(r"%s: from=.*nrcpt=3000 \(queue active\)" % many)
        site.take(4)
        since = suite.log_size()
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        one = send(suite, "joe@example.net", "single@slow.example")
        suite.wait_log(r"%s: from=.*\(queue active\)" % one, since=since)
        served = []
        while ["single@slow.example"] not in served:
            served += site.serve()
            site.take()
            assert len(served) < 20
        suite.delete_all()
        while site.open:
            site.fail()


@pytest.mark.extension("what the reference has in memory counts otherwise")
def test_a_message_with_very_many_recipients_is_not_read_into_memory(site):
    def memory():
        pid = re.findall(r"qmgr\[(\d+)\]", suite.log())[-1]
        return int(re.search(r"RssAnon:\s+(\d+)", suite.run("cat", "/proc/%s/status" % pid).stdout.decode()).group(1))

    with with_sites(site, qmgr_message_recipient_limit="500", smtp_recipient_limit="500", smtp_recipient_refill_limit="50") as suite:
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        before = memory()
        recipients = ["a-user-with-a-long-name-%d@slow.example" % n for n in range(100_000)]
        qid = put(suite, "deferred", 1, queue_file("joe@example.net", recipients))
        suite.sh("postqueue -f")
        suite.wait_log(r"%s: from=.*nrcpt=100000 \(queue active\)" % qid)
        seen = []
        while len(seen) < 2000:   # each fifty recipients; others are read meanwhile
            site.take(5 - len(site.open))
            seen += site.serve()[0]
        assert len(set(seen)) == len(seen)
        assert memory() - before < 6000   # kB; all of them are 20 MB
        suite.sh("postsuper -d %s 2>/dev/null" % qid)
        while site.open:
            site.fail()
