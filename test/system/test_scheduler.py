"""qmgr(8): when a destination that failed is tried again, and with how many deliveries at once."""
import socket

import pytest

from suite import make
from suite.smtp import send


@pytest.fixture
def site():
    """A next hop that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        s.settimeout(30)
        yield s


def test_a_destination_that_was_dead_begins_with_as_many_deliveries_as_a_new_one(site):
    nexthop = "smtp:[127.0.0.1]:%d" % site.getsockname()[1]
    with make(main_cf={"transport_maps": "inline:{{slow.example=%s}}" % nexthop, "initial_destination_concurrency": "3",
                       "minimal_backoff_time": "2s", "maximal_backoff_time": "300s", "notify_classes": ""}) as suite:
        def mail():
            return send(suite, "joe@example.net", "user@slow.example")

        ids = [mail() for _ in range(5)]
        first = [site.accept()[0] for _ in range(3)]
        for connection in first:  # a third of a round of failures, a half, and a whole one
            connection.close()
        for qid in ids:
            suite.wait_log("%s: to=<.*status=deferred" % qid)
        assert len(suite.wait_log(r"status=deferred \(delivery temporarily suspended: lost connection", count=2)) == 2

        # Until the time of the dead is over, whatever is sent is suspended, too.
        site.settimeout(0.2)
        again = []
        while not again:
            mail()
            try:
                again.append(site.accept()[0])
            except TimeoutError:
                pass
        site.settimeout(30)
        for _ in range(2):
            mail()
            again.append(site.accept()[0])
        for connection in again:
            connection.close()
