"""postkick(1) and a service that does not take requests."""
import os
import socket
import time

import pytest

from suite import make

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def suite():
    with make(files={"/tmp/hasty/main.cf": "application_event_drain_time = 1s\n"}) as s:
        yield s


def listen(suite, name, backlog):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.join(suite.queue, "public", name))
    listener.listen(backlog)
    return listener


def test_a_service_that_is_slow_to_accept_gets_the_request(suite):
    with listen(suite, "slow", 5) as listener:
        done = suite.run("postkick", "-c", "/tmp/hasty", "public", "slow", "some words")
        assert (done.returncode, done.stderr) == (0, b"")
        client = listener.accept()[0]
        assert client.recv(100) == b"some words\0"


@pytest.mark.extension("Postfix's gives up at once when the backlog is full")
def test_a_service_that_takes_nothing_is_waited_for_as_long_as_configured(suite):
    with listen(suite, "stuck", 0), socket.socket(socket.AF_UNIX) as first:
        first.connect(os.path.join(suite.queue, "public", "stuck"))
        begun = time.monotonic()
        done = suite.run("postkick", "-c", "/tmp/hasty", "public", "stuck", "W", timeout=30)
        assert done.returncode == 1 and b"perhaps the mail system is down" in done.stderr
        assert 1 <= time.monotonic() - begun + 0.1 < 25
