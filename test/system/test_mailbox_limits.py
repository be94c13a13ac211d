"""How many sessions one user and one address may have at imapd and pop3d, and how soon a user of POP3 may log in again."""
import os
import re
import time

import pytest

from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, Pop3, masked

pytestmark = pytest.mark.root

CLIENT = {"imap": Imap, "pop3": Pop3}
PROTOCOLS = pytest.mark.parametrize("protocol", ["imap", "pop3"])
MESSAGE = "From: joe@example.net\nSubject: hello\n\ntext\n"


def every(name, value):
    return {"%sd_%s" % (protocol, name): value for protocol in CLIENT}


@pytest.fixture(scope="module")
def server():
    """imapd_user_connection_count_limit, pop3d_user_connection_count_limit; Dovecot's mail_max_userip_connections."""
    with Mailboxes(settings="mail_max_userip_connections = 1\n", main_cf=every("user_connection_count_limit", "1")) as server:
        server.deliver(MESSAGE)
        server.deliver(MESSAGE, user="bob")
        yield server


def test_one_user_from_one_address(server):
    text = ""
    for protocol, client in CLIENT.items():
        login = {"imap": ["LOGIN alice alice-pw"], "pop3": ["USER alice", "PASS alice-pw"]}[protocol]
        with client(server, protocol, user="alice"), client(server, protocol) as second, client(server, protocol, user="bob") as other:
            second.all(*login)
            second.end()
            assert other.lines[-1].startswith(("S: +OK", "S: a1 OK")), other.lines
            # The name of the setting is each suite's own.
            text += "== %s\n%s\n" % (protocol, re.sub(r"\(\w+=1\)", "({setting}=1)", masked(second.transcript())))
    golden("mailbox_user_limit", text)


@PROTOCOLS
def test_a_session_that_has_ended_counts_no_more(server, protocol):
    for _ in range(3):
        with CLIENT[protocol](server, protocol, user="alice") as client:
            assert client.lines[-1].startswith(("S: +OK", "S: a1 OK")), client.lines
            client.send("x LOGOUT\r\n" if protocol == "imap" else "QUIT\r\n")
            client.end()
        if server.suite:
            server.suite.wait_log(r"%sd\[\d+\]: logout: .*sasl_username=alice" % protocol)


@pytest.mark.extension("each suite has its own log lines")
@PROTOCOLS
def test_the_log_says_who_was_not_let_in(server, protocol):
    since = server.suite.log_size()
    with CLIENT[protocol](server, protocol, user="alice"), CLIENT[protocol](server, protocol, user="alice") as second:
        second.end()
    server.suite.wait_log(r"%sd\[\d+\]: localhost\[127\.0\.0\.1\]: alice is not let in: Maximum number of connections from user\+IP exceeded "
                          r"\(%sd_user_connection_count_limit=1\)$" % (protocol, protocol), since=since)


@pytest.mark.extension("Dovecot has no such limit")
class TestOfOneAddress:
    """imapd_client_connection_count_limit, pop3d_client_connection_count_limit."""

    @pytest.fixture(scope="class")
    def limited(self):
        with Mailboxes(main_cf=every("client_connection_count_limit", "2")) as server:
            server.deliver(MESSAGE)
            yield server

    @pytest.mark.parametrize("protocol, first, last", [("imap", "imap", "S: * BYE [LIMIT] Too many connections from 127.0.0.1."),
                                                       ("pop3", "pop3", "S: -ERR [SYS/TEMP] Too many connections from 127.0.0.1."),
                                                       ("imap", "imaps", "S: * BYE [LIMIT] Too many connections from 127.0.0.1.")])
    def test_one_too_many(self, limited, protocol, first, last):
        since = limited.suite.log_size()
        client = CLIENT[protocol]
        with client(limited, first, user="alice") as one, client(limited, protocol):
            with client(limited, protocol) as third:
                third.end()
                assert third.lines == [last, "S!"]
            limited.suite.wait_log(r"%sd\[\d+\]: warning: Connection concurrency limit exceeded: 3 from localhost\[127\.0\.0\.1\] for service %s$"
                                   % (protocol, protocol), since=since)
            assert one.say("NOOP")[0] is not None
        self.wait_for_a_place(limited, protocol)

    @staticmethod
    def wait_for_a_place(server, protocol):
        """The server has seen that the others are gone."""
        for _ in range(1000):
            with CLIENT[protocol](server, protocol) as one, CLIENT[protocol](server, protocol) as two:
                if None not in (one.greeting, two.greeting) and not any(b"Too many" in c.greeting for c in (one, two)):
                    return
        raise AssertionError("the connections that ended still count")

    def test_in_tls_he_sees_the_end(self, limited):
        with Imap(limited), Imap(limited), pytest.raises(OSError):
            Imap(limited, "imaps")


@pytest.mark.extension("Dovecot has no LOGIN-DELAY")
class TestLoginDelay:
    """pop3d_login_delay."""
    EARLY = [b"-ERR [LOGIN-DELAY] Minimum time between logins has not passed."]

    @pytest.fixture(scope="class", params=["maildir", "mbox"])
    def slow(self, request):
        with Mailboxes(request.param, main_cf={"pop3d_login_delay": "300s"}) as server:
            yield server

    def test_it_is_shown_and_kept(self, slow):
        since = slow.suite.log_size()
        with Pop3(slow) as client:
            assert b"LOGIN-DELAY 300" in client.say("CAPA")
            assert client.all("USER alice", "PASS alice-pw")[-1] == [b"+OK Logged in."]
            assert b"LOGIN-DELAY 300" in client.say("CAPA")
            client.say("QUIT")
        with Pop3(slow) as client:
            assert client.all("USER alice", "PASS alice-pw")[-1] == self.EARLY
            client.end()
            assert client.lines[-1] == "S!"
        slow.suite.wait_log(r"pop3d-owner\[\d+\]: localhost\[127\.0\.0\.1\]: alice logs in again within pop3d_login_delay$", since=since)
        with Pop3(slow) as client:
            assert client.all("USER bob", "PASS bob-pw")[-1] == [b"+OK Logged in."]
        # Five minutes later; and an hour before, as by a clock that was wrong.
        stamp, = [path for path in slow.home().rglob("valija-pop3-login")]
        for when in (-301, 3600):
            os.utime(stamp, (time.time() + when,) * 2)
            with Pop3(slow) as client:
                assert client.all("USER alice", "PASS alice-pw")[-1] == [b"+OK Logged in."]
            with Pop3(slow) as client:
                assert client.all("USER alice", "PASS alice-pw")[-1] == self.EARLY

    def test_imap_does_not_wait(self, slow):
        for _ in range(2):
            with Imap(slow, user="alice") as client:
                assert client.lines[-1].startswith("S: a1 OK"), client.lines
