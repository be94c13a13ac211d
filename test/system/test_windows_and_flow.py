"""tcp_windowsize, in_flow_delay, daemon_table_open_error_is_fatal: what a mail system's programs share, seen from outside."""
import re
import socket
import time

import pytest

from suite import make
from suite.smtp import Client, Sink

pytestmark = pytest.mark.root

MESSAGE = "Subject: test\n\nHello.\n"


def scaling(connection):
    """By how many bits the other side scales its window (struct tcp_info: the low half of the byte at 6)."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[6] & 15


class WindowSink(Sink):
    """A next hop that notes the scaling of its clients."""

    def _session(self, rfile, wfile, connection):
        self.scaling = scaling(connection)
        super()._session(rfile, wfile, connection)


@pytest.mark.parametrize("size, scaled", [("0", True), ("65535", False), ("16384", False)])
def test_tcp_windowsize(size, scaled):
    with WindowSink() as sink, make(main_cf={"tcp_windowsize": size, "transport_maps": "inline:{away.example=smtp:%s}" % sink.nexthop}) as suite:
        with Client(suite.smtp) as client:
            assert (scaling(client.socket) > 0) == scaled
            client.send("joe@example.test", "x@away.example", MESSAGE)
        suite.wait_queue_empty()
        assert (sink.scaling > 0) == scaled


@pytest.mark.parametrize("delay", [0, 1])
def test_in_flow_delay(delay):
    allowed, more = 5, 3
    with make(main_cf={"in_flow_delay": "%ds" % delay, "default_process_limit": str(allowed), "local_transport": "discard:"}) as suite:
        with Client(suite.smtp) as client:
            # While the queue manager stands still, nothing that comes is taken.
            suite.sh("kill -STOP $(pgrep -x qmgr)")
            times = []
            for _ in range(allowed + more):
                begin = time.monotonic()
                client.send("joe@example.test", "alice@example.test", MESSAGE)
                times.append(time.monotonic() - begin)
            suite.sh("kill -CONT $(pgrep -x qmgr)")
            assert min(times[:allowed]) < 0.9
            assert (min(times[allowed:]) >= 0.9) == bool(delay)
        suite.wait_queue_empty()


# What a daemon says as it ends, where a table is not to be had.
TABLES = {
    "hash:/etc/postfix/nosuch": "open database /etc/postfix/nosuch.db: No such file or directory",
    "regexp:/etc/postfix/nosuch": "open /etc/postfix/nosuch: No such file or directory",
    "nosuch:/etc/postfix/x": "unsupported dictionary type: nosuch",
}


@pytest.mark.parametrize("table", TABLES)
def test_daemon_table_open_error_is_fatal(table):
    with make(main_cf={"daemon_table_open_error_is_fatal": "yes", "virtual_alias_maps": table, "service_throttle_time": "1s"}) as suite:
        suite.run("sendmail", "-f", "joe@example.test", "alice@example.test", input=MESSAGE.encode())
        suite.wait_log(r"cleanup\[\d+\]: fatal: .*" + re.escape(TABLES[table]))


def test_daemon_goes_on_without_a_table():
    """With what is on its list of tables and can be opened, or can be told of only when it is asked."""
    with make(main_cf={"daemon_table_open_error_is_fatal": "yes", "virtual_alias_maps": "hash:/etc/postfix/aliases, proxy:hash:/etc/postfix/aliases, fail:x",
                       "transport_maps": "regexp:/etc/postfix/re"},
              files={"/etc/postfix/aliases": "a@example.test alice@example.test\n", "/etc/postfix/re": "/[/ x\n"},
              prepare=["postmap /etc/postfix/aliases"]) as suite:
        suite.run("sendmail", "-f", "joe@example.test", "a@example.test", input=MESSAGE.encode())
        suite.wait_log("lookup error for|to=<alice@example.test>")
        assert "fatal" not in suite.log()
