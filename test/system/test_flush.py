"""flush(8): which mail waits for a site; ETRN, postqueue -s and sendmail -qR have it tried."""
import os
import re
from pathlib import Path

import pytest

from suite import make
from suite.base import free_port
from suite.smtp import Client, Sink, send

pytestmark = pytest.mark.root

PORT = free_port()
LATER = {"RCPT": "450 4.2.0 come again"}
SETTINGS = {"relayhost": "[127.0.0.1]:%d" % PORT, "relay_domains": "relayed.example, two.example, gone.example, busy.example",
            "smtp_connection_cache_on_demand": "no", "smtpd_error_sleep_time": "0"}


@pytest.fixture
def sink():
    with Sink(address=("127.0.0.1", PORT), answers=LATER) as s:
        yield s


@pytest.fixture(scope="module")
def suite():
    with make(main_cf=SETTINGS) as s:
        yield s


@pytest.fixture(autouse=True)
def clean(request):
    yield
    if "suite" in request.fixturenames:
        request.getfixturevalue("suite").delete_all()


def put(suite, *recipients):
    """Leaves a message in the deferred queue; its id."""
    since = suite.log_size()
    qid = send(suite, "joe@example.net", recipients)
    suite.wait_log(r"%s: to=.*status=deferred" % qid, count=len(recipients), since=since)
    suite.wait_until(lambda: ("deferred", qid) in suite.queue_files(), suite.path(suite.queue_directory + "/deferred"), what="deferred/" + qid)
    return qid


def site_file(suite, name):
    return Path(suite.path(suite.queue_directory + "/flush")) / name


def listed(suite, name):
    """The different ids in a site's file; none where there is no file."""
    try:
        return set(site_file(suite, name).read_text().split())
    except FileNotFoundError:
        return None


def wait_listed(suite, name, ids):
    suite.wait_until(lambda: listed(suite, name) == ids, suite.path(suite.queue_directory + "/flush"), what="flush/%s: %s" % (name, ids))


def etrn(suite, *sites):
    with Client(suite.address("smtp")) as client:
        return [client.command("ETRN " + site, want="245") for site in sites]


def test_files(suite, sink):
    """Ids, one a line, by the domain of the recipient; only for the sites that are listed."""
    qid = put(suite, "x@relayed.example", "y@Relayed.Example", "z@two.example", "w@sub-1.TWO.example", "e@elsewhere.example", "v@[127.0.0.9]")
    for name in ("relayed_example", "two_example", "sub_1_two_example"):
        wait_listed(suite, name, {qid})
        assert os.stat(site_file(suite, name)).st_mode & 0o7777 == 0o600
        assert site_file(suite, name).read_text().endswith(qid + "\n")
    assert sorted(os.listdir(site_file(suite, ""))) == ["relayed_example", "sub_1_two_example", "two_example"]
    other = put(suite, "x@two.example")
    wait_listed(suite, "two_example", {qid, other})


def test_a_site_is_tried_and_its_list_emptied(suite, sink):
    other, site = put(suite, "o@relayed.example"), put(suite, "a@gone.example", "b@gone.example")
    wait_listed(suite, "gone_example", {site})
    sink.answers = {}
    assert suite.run("postqueue", "-s", "GONE.example", user="alice").returncode == 0
    suite.wait_removed(site)
    wait_listed(suite, "gone_example", set())
    assert ("deferred", other) in suite.queue_files()


def test_what_is_deferred_again_is_listed_again(suite, sink):
    qid = put(suite, "x@busy.example")
    wait_listed(suite, "busy_example", {qid})
    since = suite.log_size()
    assert suite.run("postqueue", "-s", "busy.example").returncode == 0
    suite.wait_log(r"%s: to=.*status=deferred" % qid, since=since)
    wait_listed(suite, "busy_example", {qid})
    # Soon after the first, and many at once.
    sink.answers = {}
    for _ in range(3):
        assert suite.run("postqueue", "-s", "busy.example").returncode == 0
    suite.wait_removed(qid)


def test_a_dead_destination_is_tried(suite):
    """Nobody listens at first; the queue manager then leaves the next hop alone, until somebody asks."""
    one, two = put(suite, "x@three.two.example"), put(suite, "x@relayed.example")
    with Sink(address=("127.0.0.1", PORT)):
        assert suite.run("postqueue", "-i", one).returncode == 0
        suite.wait_removed(one)
        assert ("deferred", two) in suite.queue_files()
    three = put(suite, "y@three.two.example")
    with Sink(address=("127.0.0.1", PORT)):
        assert suite.run("postqueue", "-s", "three.two.example").returncode == 0
        suite.wait_removed(three)


def test_etrn_and_sendmail(suite, sink):
    one, two = put(suite, "x@e1.two.example"), put(suite, "x@e2.two.example")
    wait_listed(suite, "e1_two_example", {one})
    wait_listed(suite, "e2_two_example", {two})
    sink.answers = {}
    assert etrn(suite, "e1.two.example") == ["250 Queuing started"]
    suite.wait_removed(one)
    assert ("deferred", two) in suite.queue_files()
    assert suite.run("sendmail", "-qRe2.two.example", user="alice").returncode == 0
    suite.wait_removed(two)


def test_many_sites(sink):
    """Each has a list of its own; one that is asked for is tried, and only that."""
    with make(main_cf={**SETTINGS, "fast_flush_domains": "static:all", "default_destination_recipient_limit": "1000"}) as suite:
        sites = ["site%d.example" % n for n in range(300)]
        qid = send(suite, "joe@example.net", ["x@" + site for site in sites])
        one = send(suite, "joe@example.net", ["y@site7.example"])
        suite.wait_log(r": to=.*status=deferred", count=len(sites) + 1)
        suite.wait_until(lambda: {("deferred", qid), ("deferred", one)} <= set(suite.queue_files()), suite.queue, what="the messages")
        for n in (0, 7, 299):
            wait_listed(suite, "site%d_example" % n, {qid, one} if n == 7 else {qid})
        assert len(os.listdir(site_file(suite, ""))) == len(sites)
        sink.answers = {}
        since = suite.log_size()
        assert etrn(suite, "site7.example") == ["250 Queuing started"]
        suite.wait_removed(one)
        suite.wait_removed(qid)   # whoever waits for one site is tried as a whole
        assert len(re.findall("status=sent", suite.log(since))) == len(sites) + 1


def test_a_list_that_nobody_asks_for(sink):
    """Master wakes flush: after fast_flush_refresh_time its mail is tried, and an empty list goes after fast_flush_purge_time."""
    with make(main_cf={**SETTINGS, "fast_flush_refresh_time": "1s", "fast_flush_purge_time": "1s"},
              master=["flush unix n - y 1 0 flush"]) as suite:
        qid = send(suite, "joe@example.net", ["x@relayed.example"])
        suite.wait_log(r"%s: to=.*status=deferred" % qid, count=2)
        sink.answers = {}
        suite.wait_removed(qid)
        suite.wait_until(lambda: listed(suite, "relayed_example") is None, suite.path(suite.queue_directory + "/flush"), what="no flush/relayed_example")


def test_no_such_service(sink):
    """Mail waits for its turn as before; who asks is told."""
    with make(main_cf=SETTINGS) as suite:
        suite.sh("postfix stop; sed -i s/^flush/#flush/ /etc/postfix/master.cf; postfix start")
        qid = put(suite, "x@relayed.example")
        suite.wait_log(r"warning: %s: flush service failure" % qid)
        assert etrn(suite, "relayed.example", "elsewhere.example") == ["458 Unable to queue messages", "459 <elsewhere.example>: service unavailable"]
        suite.wait_log("warning: unable to talk to fast flush service")
        done = suite.run("postqueue", "-s", "relayed.example")
        assert (done.returncode, done.stderr.decode().splitlines()) == (69, [
            "postqueue: warning: connect to public/flush: Connection refused", "postqueue: fatal: Cannot flush mail queue - mail system is down"])


def test_fast_flush_domains():
    """Other domains than relay_domains; none; a table that is missing."""
    with make(main_cf={**SETTINGS, "fast_flush_domains": "static:all"}) as suite:
        assert etrn(suite, "any.example", "[127.0.0.1]", "a..b") == [
            "250 Queuing started", "459 <[127.0.0.1]>: service unavailable", "501 Error: invalid parameter syntax"]
        assert suite.run("postqueue", "-s", "any.example").returncode == 0
    with make(main_cf={**SETTINGS, "fast_flush_domains": ""}) as suite:
        assert etrn(suite, "relayed.example") == ["459 <relayed.example>: service unavailable"]
        done = suite.run("postqueue", "-s", "relayed.example")
        assert (done.returncode, done.stderr) == (69, b'postqueue: fatal: Flush service is not configured for destination "relayed.example"\n')
    with make(main_cf={**SETTINGS, "fast_flush_domains": "hash:/etc/nosuch"}) as suite:
        assert etrn(suite, "relayed.example") == ["458 Unable to queue messages"]
        suite.wait_log("fast_flush_domains: hash:/etc/nosuch: table lookup problem")
        suite.wait_log("warning: unable to talk to fast flush service")
        assert suite.run("postqueue", "-s", "relayed.example").returncode == 69
