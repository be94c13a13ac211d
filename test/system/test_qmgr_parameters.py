"""qmgr(8)'s parameters: how many deliveries run at once, with how many recipients, and when a destination or a transport is
left alone. Each group of settings has a transport of its own, which goes to a site of its own; NAME@anything goes by NAME."""
import contextlib
import re
import socket
import time

import pytest

from suite import make
from suite.smtp import Client, send

pytestmark = pytest.mark.root

# TRANSPORT_destination_..., by what is after TRANSPORT.
FIRST = "_initial_destination_concurrency"
LIMIT = "_destination_concurrency_limit"
RECIPIENTS = "_destination_recipient_limit"
RISE = "_destination_concurrency_positive_feedback"
FALL = "_destination_concurrency_negative_feedback"
COHORTS = "_destination_concurrency_failed_cohort_limit"
DELAY = "_destination_rate_delay"
TRANSPORT_DELAY = "_transport_rate_delay"
SITES = {
    "first": {},
    "first-two": {FIRST: "2"},
    "limit-one": {LIMIT: "1"},
    "rise": {FIRST: "1"},
    "rise-slowly": {FIRST: "1", RISE: "1/3"},
    "rise-never": {FIRST: "1", RISE: "0"},
    "rise-inverse": {FIRST: "2", RISE: "1/concurrency"},
    "rise-bad": {RISE: "2"},
    "fall": {FIRST: "4", COHORTS: "10"},
    "fall-inverse": {FIRST: "4", COHORTS: "10", FALL: "1/concurrency"},
    "fall-slowly": {FIRST: "4", COHORTS: "10", FALL: "1/2"},
    "fall-never": {FIRST: "4", COHORTS: "10", FALL: "0"},
    "cohort": {},
    "cohort-of-eight": {FIRST: "8"},
    "cohort-three": {FIRST: "1", COHORTS: "3"},
    "cohort-never": {FIRST: "1", COHORTS: "0"},
    "delay": {DELAY: "1s", FIRST: "5"},
    "transport-delay": {TRANSPORT_DELAY: "1s", RECIPIENTS: "1"},
    "recipients": {},
    "recipients-two": {RECIPIENTS: "2"},
    "defaults": {},
}


class Site:
    """A next hop whose connections the test answers, one after another."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.nexthop = "[127.0.0.1]:%d" % self.server.getsockname()[1]
        self.open = []

    def take(self, count=1):
        """So many connections that have come, or come now."""
        self.server.settimeout(20)
        self.open += [self.server.accept()[0] for _ in range(count)]

    def settle(self, patience=20):
        """How many connections are open, when no other comes; for the first there is more patience."""
        self.server.settimeout(0.15 if self.open else patience)
        with contextlib.suppress(TimeoutError):
            while True:
                self.open.append(self.server.accept()[0])
                self.server.settimeout(0.15)
        return len(self.open)

    def fail(self, count=1):
        for _ in range(count):
            self.open.pop(0).close()

    def serve(self, count=1):
        """Takes the message of each of so many connections; the recipients of each."""
        return [self._serve(self.open.pop(0)) for _ in range(count)]

    @staticmethod
    def _serve(connection):
        recipients, in_message = [], False
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 site ESMTP\r\n")
            for line in lines:
                verb = line.split()[0] if line.split() else b""
                if in_message and line != b".\r\n":
                    continue
                in_message = verb == b"DATA"
                if verb == b"RCPT":
                    recipients.append(re.search(rb"<(.*)>", line).group(1).decode())
                connection.sendall(b"354 go on\r\n" if in_message else b"250 2.0.0 Ok\r\n")
                if verb == b"QUIT":
                    break
        return recipients


@pytest.fixture(scope="module")
def sites():
    with contextlib.ExitStack() as stack:
        found = {name: Site() for name in SITES}
        for site in found.values():
            stack.enter_context(site.server)
        yield found


@pytest.fixture(scope="module")
def suite(sites):
    table = "{gone.example = gone:} " + " ".join("{%s.example = %s:%s}" % (name, name, site.nexthop) for name, site in sites.items())
    main_cf = {"transport_maps": "inline:{%s}" % table, "notify_classes": "", "smtp_connection_cache_on_demand": "no",
               "minimal_backoff_time": "300s"}
    for name, settings in SITES.items():
        main_cf.update((name + what, value) for what, value in settings.items())
    master = ["%s unix - - y - - smtp" % name for name in sites]
    with make(main_cf=main_cf, master=master) as s:
        yield s


def mail(suite, name, count):
    """So many messages."""
    with Client(suite.smtp) as client:
        return [client.send("joe@example.net", "user@%s.example" % name, "Subject: test\n\n.\n") for _ in range(count)]


@pytest.mark.parametrize("name, at_once", [("first", 5), ("first-two", 2), ("limit-one", 1), ("rise-bad", 5)])
def test_deliveries_at_once_in_the_beginning(suite, sites, name, at_once):
    site = sites[name]
    mail(suite, name, at_once + 1)
    assert site.settle() == at_once
    site.serve(at_once)
    assert site.settle() == 1
    site.serve()


@pytest.mark.parametrize("name, windows", [
    ("rise", [1, 2, 3]), ("rise-slowly", [1, 1, 1, 2, 2, 2, 3]), ("rise-never", [1, 1, 1, 1]), ("rise-inverse", [2, 2, 3, 3, 3, 4]),
])
def test_deliveries_at_once_after_each_that_succeeded(suite, sites, name, windows):
    site = sites[name]
    mail(suite, name, 12)
    seen = [site.settle()]
    for _ in windows[1:]:
        site.serve()
        seen.append(site.settle())
    assert seen == windows


@pytest.mark.parametrize("name, windows", [
    ("fall", [4, 3, 2, 1, 1]), ("fall-slowly", [4, 3, 2, 2, 1, 1]), ("fall-inverse", [4, 3, 3, 2, 2, 1]), ("fall-never", [4, 4, 4]),
])
def test_deliveries_at_once_after_each_that_failed(suite, sites, name, windows):
    site = sites[name]
    mail(suite, name, 12)
    seen = [site.settle()]
    for _ in windows[1:]:
        site.fail()
        seen.append(site.settle())
    assert seen == windows


@pytest.mark.parametrize("name, failures", [("cohort", 3), ("cohort-of-eight", 5), ("cohort-three", 3)])
def test_failures_until_a_site_is_left_alone(suite, sites, name, failures):
    site, since = sites[name], suite.log_size()
    mail(suite, name, 10)
    for failed in range(failures):
        assert "suspended" not in suite.log(since)
        site.settle()
        site.fail()
        suite.wait_log(r"status=deferred", count=failed + 1, since=since)
    suite.wait_log(r"delivery temporarily suspended: lost connection with", since=since)
    site.fail(len(site.open))
    assert site.settle(patience=0.2) == 0


def test_failures_that_never_leave_a_site_alone(suite, sites):
    site = sites["cohort-never"]
    mail(suite, "cohort-never", 6)
    for _ in range(6):
        assert site.settle() == 1
        site.fail()


@pytest.mark.parametrize("name", ["delay", "transport-delay"])
def test_pause_between_deliveries(suite, sites, name):
    """One at a time, and the pause begins when the one before has ended; for a transport, whatever the destination is."""
    site, ends, starts = sites[name], [], []
    send(suite, "joe@example.net", "first@%s.example" % name)
    send(suite, "joe@example.net", ["a@%s.example" % name])
    send(suite, "joe@example.net", ["b@%s.example" % name])
    for _ in range(3):
        site.take()
        starts.append(time.monotonic())
        assert site.settle() == 1
        site.serve()
        ends.append(time.monotonic())
    assert [round(after - before) for before, after in zip(ends, starts[1:])] == [1, 1]


@pytest.mark.parametrize("name, groups", [("recipients", [3]), ("recipients-two", [2, 1])])
def test_recipients_of_a_delivery(suite, sites, name, groups):
    send(suite, "joe@example.net", ["%s@%s.example" % (user, name) for user in "abc"])
    sites[name].take(len(groups))
    assert sorted(map(len, sites[name].serve(len(groups)))) == sorted(groups)


def test_feedback_that_is_none(suite):
    assert suite.wait_log(r"warning: rise-bad_destination_concurrency_positive_feedback: ignoring malformed or unreasonable feedback: 2$")


def test_defaults_of_all_transports(suite, settings, sites):
    site = sites["defaults"]
    settings(initial_destination_concurrency="2", default_destination_concurrency_positive_feedback="0",
             default_destination_concurrency_negative_feedback="0", default_destination_concurrency_failed_cohort_limit="0",
             default_destination_recipient_limit="2")
    send(suite, "joe@example.net", ["%s@defaults.example" % user for user in "abc"])
    site.take(2)
    assert sorted(map(len, site.serve(2))) == [1, 2]
    mail(suite, "defaults", 10)
    for step in (site.serve, site.fail, site.fail, site.fail, site.serve):
        assert site.settle() == 2
        step()
    while site.settle(patience=0.3):
        site.serve()
    settings(default_destination_rate_delay="1s")
    mail(suite, "defaults", 2)
    assert site.settle() == 1
    site.serve()
    site.take()
    site.serve()


def test_transport_that_is_not_there(suite, settings):
    def told():
        return len(re.findall("connect to transport private/gone: No such file or directory", suite.log(since)))

    since = suite.log_size()
    mail(suite, "gone", 2)
    suite.wait_log(r"status=deferred \(mail transport unavailable\)", count=2, since=since)
    mail(suite, "gone", 1)
    suite.wait_log(r"status=deferred \(mail transport unavailable\)", count=3, since=since)
    assert told() == 1
    settings(transport_retry_time="1s")
    suite.wait_until(lambda: mail(suite, "gone", 1) and told() >= 2, suite.path("/var/log"))
