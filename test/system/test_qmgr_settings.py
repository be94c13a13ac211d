"""qmgr(8)'s parameters that are about the queue manager itself: what it warns of, what it waits for, what it does not try."""
import re

import pytest

from suite import make
from suite.queue_files import put, queue_file
from suite.smtp import Sink, send
from test_qmgr_parameters import Site, mail

pytestmark = pytest.mark.root


@pytest.fixture
def site():
    found = Site()
    yield found
    found.server.close()


def one_site(site, **main_cf):
    """A suite in which mail for anybody@one.example goes to the site, by the transport "one"."""
    return make(main_cf={"transport_maps": "inline:{{one.example = one:%s}}" % site.nexthop, "notify_classes": "",
                         "smtp_connection_cache_on_demand": "no", **main_cf}, master=["one unix - - y - - smtp"])


@pytest.mark.extension("no delivery shows what the reference has in memory; with ours deliveries that run count")
@pytest.mark.parametrize("limits, at_once", [
    ({}, [20, 19]),                                            # all of it is read
    ({"pool": "0", "refill": "1"}, [5, 5]),                    # the minimum
    ({"pool": "10", "refill": "1"}, [10, 10]),                 # filled up at once
    ({"pool": "10", "refill": "3"}, [10, 9]),                  # when there is room for three: after one has ended, not yet
    ({"pool": "10", "refill": "3", "delay": "1s"}, [10, 10]),  # or after a second
])
def test_recipients_in_memory(site, limits, at_once):
    """Of a message of 20, with a delivery for each: how many deliveries run, and how many after one has ended."""
    pool = {} if not limits else {"qmgr_message_recipient_limit": "1", "qmgr_message_recipient_minimum": "5",
                                  "default_extra_recipient_limit": "0", "one_recipient_limit": limits["pool"],
                                  "default_recipient_refill_limit": limits["refill"],
                                  "default_recipient_refill_delay": limits.get("delay", "1000s")}
    with one_site(site, one_destination_recipient_limit="1", **pool) as suite:
        qid = send(suite, "joe@example.net", ["user%02d@one.example" % i for i in range(20)])
        served = []
        site.take(at_once[0])
        assert site.settle() == at_once[0]
        served += site.serve()
        site.take(at_once[1] - at_once[0] + 1)
        assert site.settle() == at_once[1]
        for _ in range(19):
            site.settle()
            served += site.serve()
        suite.wait_removed(qid)
        assert sorted(served) == [["user%02d@one.example" % i] for i in range(20)]


def test_feedback_is_logged(site):
    with one_site(site, destination_concurrency_feedback_debug="yes", one_initial_destination_concurrency="3",
                  one_destination_concurrency_positive_feedback="1/3") as suite:
        mail(suite, "one", 3)
        site.take(3)
        site.serve()
        suite.wait_log(r"qmgr_queue_unthrottle: feedback 0.333333$")
        site.fail()
        suite.wait_log(r"qmgr_queue_throttle: feedback 1$")
        assert re.findall(r"throttle: queue \[127.0.0.1\]:\d+: (.*)", suite.log()) == [
            "limit 20 window 3 success 0.333333 failure 0 fail_cohorts 0", "limit 20 window 1 success 0 failure 1 fail_cohorts 0.333333"]
        site.fail()


@pytest.mark.parametrize("option, at_once", [("one_destination_concurrency_limit=1", 1), ("default_destination_concurrency_limit=2", 2),
                                             ("two_destination_concurrency_limit=1", 5)])
def test_options_of_the_service(site, option, at_once):
    """The limits of all transports are qmgr's, so they may stand in its line of master.cf."""
    table = "inline:{{one.example = one:%s}}" % site.nexthop
    with make(main_cf={"transport_maps": table, "notify_classes": ""}, master=["one unix - - y - - smtp",
                                                                               "qmgr unix n - n 300 1 qmgr -o %s" % option]) as suite:
        mail(suite, "one", 7)
        site.take(at_once)
        assert site.settle() == at_once
        while site.settle(0.3):
            site.serve()


CLOGGED = """warning: mail for SITE is using up 3 of 3 active queue entries
warning: you may need to increase the main.cf one_destination_concurrency_limit from 1
warning: please avoid flushing the whole queue when you have
warning: lots of deferred mail, that is bad for performance
warning: to turn off these warnings specify: qmgr_clog_warn_time = 0
"""


@pytest.mark.parametrize("more, warns", [({}, True), ({"qmgr_clog_warn_time": "0"}, False), ({"helpful_warnings": "no"}, False)])
def test_a_destination_that_clogs_the_queue(site, more, warns):
    with one_site(site, qmgr_message_active_limit="10", one_destination_concurrency_limit="1", **more) as suite:
        mail(suite, "one", 1)
        site.take()
        mail(suite, "one", 4)
        suite.wait_log(r"\(queue active\)", count=5)
        for _ in range(5):
            assert site.settle() == 1
            site.serve()
        suite.wait_log(": removed$", count=5)
        found = "".join(re.findall(r"qmgr\[\d+\]: (warning: .*\n)", suite.log())).replace(site.nexthop, "SITE")
        assert found == (CLOGGED if warns else "")


def test_mail_of_deferred_transports(site):
    """It waits until somebody asks for it."""
    with one_site(site, defer_transports="gone, one") as suite:
        first, second = mail(suite, "one", 2)
        suite.wait_log(r"dsn=4.3.2, status=deferred \(deferred transport\)", count=2)
        suite.wait_until(lambda: {("deferred", first), ("deferred", second)} <= set(suite.queue_files()), suite.queue, what="the messages")
        for command, qid in (("postqueue -i " + first, first), ("postqueue -f", second)):
            suite.sh(command)
            site.take()
            site.serve()
            suite.wait_removed(qid)


@pytest.mark.parametrize("nexthop, recipients", [("SITE", ["a@x.example", "b@y.example"]), ("", ["c@[127.0.0.1]"])])
def test_next_hop_of_a_filter_that_names_none(site, nexthop, recipients):
    """default_filter_nexthop, else the domain of the recipient: a filter stands in the queue file."""
    port = site.server.getsockname()[1]
    with one_site(site, default_filter_nexthop=nexthop.replace("SITE", site.nexthop), smtp_tcp_port=str(port)) as suite:
        suite.sh("postfix stop 2>/dev/null")
        put(suite, "incoming", 1, queue_file("joe@example.net", recipients, filter="one:"))
        suite.sh("postfix start 2>/dev/null")
        site.take()
        assert site.serve() == [recipients]


@pytest.mark.parametrize("confirms", ["yes", "no"])
def test_the_end_of_a_delay_is_told(confirms):
    """Whoever was told that his message is late hears of each delivery, even where others wait on."""
    with Sink(answers={"RCPT TO:<later": "450 4.2.0 later"}) as sink, make(main_cf={"confirm_delay_cleared": confirms, "relayhost": sink.nexthop}) as suite:
        suite.sh("postfix stop 2>/dev/null")
        recipients = ["alice@example.test", "a@x.example", "later@x.example"]
        warned = put(suite, "incoming", 1, queue_file("heidi@example.test", recipients, warned=True))
        other = put(suite, "incoming", 2, queue_file("heidi@example.test", recipients))
        suite.sh("postfix start 2>/dev/null")
        suite.wait_log("status=(sent|deferred)", count=6 + (confirms == "yes"))
        suite.wait_until(lambda: {("deferred", warned), ("deferred", other)} == set(suite.queue_files()), suite.queue, what="rest")
        assert bool(re.search("%s: sender delivery status notification" % warned, suite.log())) == (confirms == "yes")
        assert not re.search("%s: sender delivery status notification" % other, suite.log())
        if confirms == "yes":
            notice, = suite.messages("heidi")
            assert b"Subject: Successful Mail Delivery Report" in notice
            assert re.findall(rb"Final-Recipient: rfc822; (.*)\n(?:Original.*\n)?Action: (.*)", notice) in (
                [(b"alice@example.test", b"delivered"), (b"a@x.example", b"relayed")], [(b"a@x.example", b"relayed"), (b"alice@example.test", b"delivered")])


@pytest.mark.extension("Postfix waits for an agent's first word, and longer")
def test_a_transport_that_does_not_listen():
    """A request that is not taken within qmgr_ipc_timeout is as one to a transport that is not there."""
    with make(main_cf={"transport_maps": "inline:{{stuck.example = stuck:}}", "qmgr_ipc_timeout": "1s", "stuck_destination_recipient_limit": "0",
                       "notify_classes": ""}, master=["stuck unix - n n - - spawn user=nobody argv=/bin/sleep 1000"]) as suite:
        suite.sh("postfix stop 2>/dev/null")
        qid = put(suite, "incoming", 1, queue_file("joe@example.net", ["user%d@stuck.example" % i for i in range(6000)]))
        suite.sh("postfix start 2>/dev/null")
        suite.wait_log(r"%s: to=.*dsn=4.3.0, status=deferred \(mail transport unavailable\)$" % qid, count=6000)


@pytest.mark.extension("Postfix is stuck only when its alarm has rung three times; a stopped process hears one")
def test_a_queue_manager_that_is_stuck(site):
    """One that does not turn for qmgr_daemon_timeout ends, and its successor goes on."""
    with one_site(site, qmgr_daemon_timeout="1s") as suite:
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        pid = re.search(r"qmgr\[(\d+)\]", suite.log()).group(1)
        suite.run("kill", "-STOP", pid)
        alarm = 1 << 13

        def rings():
            status = suite.run("cat", "/proc/%s/status" % pid).stdout.decode()
            return bool(int(re.search(r"ShdPnd:\s+(\w+)", status).group(1), 16) & alarm)
        suite.wait_until(rings, what="the alarm")
        suite.run("kill", "-CONT", pid)
        suite.wait_log(r"qmgr\[%s\]: fatal: watchdog timeout$" % pid)
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))


@pytest.mark.extension("Postfix's next queue manager waits to be woken, for 300 seconds at most")
def test_a_queue_manager_that_is_killed_is_woken(site):
    """Nobody tells of the message, and nothing comes after the end: yet the successor looks for what there is."""
    with one_site(site) as suite:
        mail(suite, "one", 1)
        site.take()
        pid = re.search(r"qmgr\[(\d+)\]", suite.log()).group(1)
        qid = put(suite, "incoming", 1, queue_file("joe@example.net", ["alice@example.test"]))
        suite.run("kill", "-9", pid)
        suite.wait_log("qmgr pid %s killed by signal 9" % pid)
        suite.wait_removed(qid)
        site.fail()
