"""What a client costs imapd and pop3d who is connected and has not logged in: ten thousand of them, or three thousand in TLS."""
import contextlib
import resource
import selectors
import socket
import ssl

import pytest

from suite.mailboxes import Mailboxes
from suite.ours import sanitized

pytestmark = [pytest.mark.root, pytest.mark.expensive, pytest.mark.extension("what the reference needs is for test/bench"),
              pytest.mark.skipif(sanitized(), reason="sanitizers have their own memory")]

PLAIN, IN_TLS = 10_000, 3_000
PLAIN_KB, TLS_KB = 16, 45        # of each connection
WARM = 200                       # before the first look: what a process needs once
SPARE_FILES = 500


@pytest.fixture(scope="module")
def server():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < PLAIN + WARM + SPARE_FILES:
        pytest.skip("so many files cannot be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    timeouts = {"%sd_login_timeout" % protocol: "3600s" for protocol in ("imap", "pop3")}
    with Mailboxes(main_cf={"default_process_limit": str(PLAIN + 1000), **timeouts}) as server:
        yield server
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory(server, name):
    """The memory of all processes of this name, in kB; what they share counts once."""
    script = "for p in $(ps -eo pid=,comm= | awk '$2==\"%s\" {print $1}'); do grep ^Pss: /proc/$p/smaps_rollup; done" % name
    return sum(int(line.split()[1]) for line in server.suite.sh(script).splitlines())


class Crowd:
    """Clients that have been greeted and say nothing."""

    def __init__(self, server, service):
        self.address = ("127.0.0.1", server.ports[service])
        self.context = None
        if service in ("imaps", "pop3s"):
            self.context = ssl.create_default_context()
            self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.sockets = []

    def grow_to(self, count, at_once=100):
        while len(self.sockets) < count:
            new = [socket.create_connection(self.address, timeout=60) for _ in range(min(at_once, count - len(self.sockets)))]
            if self.context:
                new = [self.context.wrap_socket(s) for s in new]
            self.sockets += new
            for s in new:
                assert s.recv(1000).startswith((b"* OK", b"+OK"))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for s in self.sockets:
            with contextlib.suppress(OSError):
                s.close()


@pytest.mark.parametrize("service, count, limit", [("imap", PLAIN, PLAIN_KB), ("pop3", PLAIN, PLAIN_KB), ("imaps", IN_TLS, TLS_KB), ("pop3s", IN_TLS, TLS_KB)])
def test_connections_before_the_login(server, service, count, limit):
    program = service.rstrip("s") + "d"
    with Crowd(server, service) as crowd:
        crowd.grow_to(WARM)
        before = memory(server, program)
        crowd.grow_to(WARM + count)
        each = (memory(server, program) - before) / count
        print("%s: %.1f kB for each of %d" % (service, each, count))
        assert 0 < each <= limit
        # All of them are still there.
        with selectors.DefaultSelector() as selector:
            for s in crowd.sockets:
                selector.register(s, selectors.EVENT_READ)
            assert not selector.select(0)
