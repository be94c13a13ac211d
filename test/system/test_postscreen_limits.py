"""postscreen: how many clients may be there, and where they go."""
import contextlib
import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from suite import make
from suite.base import free_port
from suite.screen_cases import MASTER, QUICK
from suite.smtp import Client

pytestmark = pytest.mark.root


@contextlib.contextmanager
def screen(master=(), **settings):
    """A postscreen with these settings: the suite, and its port."""
    port = free_port()
    options = {**QUICK, **settings}
    line = "127.0.0.1:%d inet n - y - 1 postscreen" % port + "".join("\n  -o { %s = %s }" % kv for kv in options.items())
    with make(master=[*MASTER, line, *master]) as suite:
        yield suite, port


def connected(port, addresses):
    return [socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(a, 0)) for a in addresses]


def first_lines(connections):
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(lambda c: c.makefile("rb").readline().decode().rstrip(), connections))


def test_clients_under_test():
    with screen(postscreen_pre_queue_limit="10", postscreen_greet_wait="2s") as (suite, port):
        clients = connected(port, ["127.65.0.%d" % n for n in range(1, 13)])
        assert first_lines(clients) == ["220-mail.example.test ESMTP Postfix"] * 9 + ["421 4.3.2 All screening ports are busy"] * 3
        suite.wait_log(r"postscreen\[\d+\]: entering STRESS mode with 9 connections$")
        suite.wait_log(r"postscreen\[\d+\]: reject: connect from \[127\.65\.0\.10\]:\d+: all screening ports busy\n.*postscreen\[\d+\]: DISCONNECT \[127\.65\.0\.10\]:")
        suite.wait_log(r"postscreen\[\d+\]: leaving STRESS mode with 7 connections$")
        suite.wait_log(r"PASS NEW", count=9)
        for c in clients:
            c.close()


def test_connections_of_a_client():
    with screen(postscreen_client_connection_count_limit="2", postscreen_greet_wait="2s") as (suite, port):
        clients = connected(port, ["127.65.1.1"] * 4)
        assert first_lines(clients) == ["220-mail.example.test ESMTP Postfix"] * 2 + ["421 4.7.0 Error: too many connections"] * 2
        suite.wait_log(r"postscreen\[\d+\]: NOQUEUE: reject: CONNECT from \[127\.65\.1\.1\]:\d+: too many connections$", count=2)
        # The second learns from the first.
        suite.wait_log(r"PASS NEW \[127\.65\.1\.1\].*\n(.*\n)*?.*PASS OLD \[127\.65\.1\.1\]")
        for c in clients:
            c.close()


def test_clients_that_wait_for_the_server():
    one = "smtpd pass - - y - 1 smtpd\n -o smtpd_peername_lookup=no"
    with screen([one], postscreen_post_queue_limit="5", postscreen_access_list="static:permit") as (suite, port):
        clients = []
        for n in range(1, 9):
            clients += connected(port, ["127.65.4.%d" % n])
            suite.wait_log(r"CONNECT from \[127\.65\.4\.%d\]" % n)
            if n == 1:
                assert first_lines(clients) == ["220 mail.example.test ESMTP Postfix"]
        assert first_lines(clients[6:]) == ["421 4.3.2 All server ports are busy"] * 2
        suite.wait_log(r"postscreen\[\d+\]: NOQUEUE: reject: CONNECT from \[127\.65\.4\.\d+\]:\d+: all server ports busy\n.*DISCONNECT", count=2)
        for c in clients:
            c.close()


def test_no_smtp_server():
    with screen(smtpd_service_name="nothere", postscreen_access_list="static:permit") as (suite, port):
        assert first_lines(connected(port, ["127.65.2.1"])) == ["421 4.3.2 All server ports are busy"]
        suite.wait_log(r"ALLOWLISTED \[127\.65\.2\.1\]:\d+$")


def test_message_of_who_has_passed():
    with screen() as (suite, port):
        with contextlib.closing(Client(("127.0.0.1", port))) as client:
            assert client.greeting == "220-mail.example.test ESMTP Postfix\n220 mail.example.test ESMTP Postfix"
            queue_id = client.send("joe@example.net", "alice@example.test", "Subject: x\n\nhello\n")
        suite.wait_removed(queue_id)
        message = suite.messages("alice")[0].decode()
        assert re.search(r"^Received: from client\.example\.net \(\S+ \[127\.0\.0\.1\]\)$", message, re.M)


@pytest.mark.extension("Postfix's old process goes on with its clients beside the new one")
def test_reload():
    """Who talks to postscreen itself, or would now, is sent away, so that the new process has its turn; who waits goes on."""
    busy = "421 mail.example.test Service unavailable - try again later"
    with screen(postscreen_pipelining_enable="yes", postscreen_greet_wait="2s") as (suite, port):
        talking, = connected(port, ["127.65.5.1"])
        lines = talking.makefile("rb")
        assert [lines.readline()[:4] for _ in range(2)] == [b"220-", b"220 "]
        waiting, = connected(port, ["127.65.5.2"])
        assert first_lines([waiting]) == ["220-mail.example.test ESMTP Postfix"]
        suite.reload()
        assert lines.readline().decode().rstrip() == busy
        assert first_lines([waiting]) == [busy]
        assert first_lines(connected(port, ["127.65.5.3"])) == ["220-mail.example.test ESMTP Postfix"]
