"""What a reload may not disturb."""
import re

import pytest

from suite import make
from suite.smtp import Client


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"local_transport": "discard:local"}) as s:
        yield s


def test_idle_clients_keep_nobody_out(suite):
    """A session goes on in the process that it began in, however often the configuration is read again; the next client is served at once."""
    since, sessions = suite.log_size(), []
    for _ in range(5):
        sessions.append(Client(suite.smtp, timeout=10))
        suite.reload()
    for session in [*sessions, Client(suite.smtp, timeout=10)]:
        session.command("MAIL FROM:<joe@example.net>")
        session.command("RCPT TO:<alice@example.test>")
        session.close()
    assert not re.findall(r".*process limit.*", suite.log(since))


@pytest.mark.extension(reason="a session of Postfix's goes on listening, and the next master cannot bind to its address")
def test_a_session_outlives_its_master_and_its_successor_starts(suite):
    session = Client(suite.smtp, timeout=30)
    suite.sh("kill -9 $(cat %s/pid/master.pid)" % suite.queue_directory)
    # kill(1) does not wait until it has ended.
    suite.wait_until(lambda: suite.run("postfix", "status").returncode != 0, suite.path(suite.queue_directory + "/pid"), what="the master's end")
    suite.sh("postfix start")
    for client in (session, Client(suite.smtp, timeout=30)):
        client.command("MAIL FROM:<joe@example.net>")
        client.command("RCPT TO:<alice@example.test>")
        client.close()
