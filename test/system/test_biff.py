"""biff: comsat is told of mail in a user's mailbox, by a datagram to the port "biff" of this machine."""
import os
import select
import socket

import pytest

from suite import make
from suite.smtp import send, turn

pytestmark = pytest.mark.root

PORT = 512
FILES = {"/etc/aliases": "postmaster: root\ntofile: /var/mail/file\n", "/home/carol/.forward": "\"|cat >/dev/null\"\n"}


@pytest.fixture(scope="module")
def comsat():
    with turn("comsat"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", PORT))
        yield s


@pytest.fixture(scope="module")
def suite(comsat):
    with make(main_cf={"biff": "yes", "notify_classes": ""}, files=FILES) as s:
        yield s


def told(suite, comsat, recipient):
    """What comsat has heard by the time the message is gone."""
    since = suite.log_size()
    qid = send(suite, "joe@example.net", recipient + "@example.test")
    suite.wait_removed(qid)
    heard = []
    while select.select([comsat], [], [], 0)[0]:
        heard.append(comsat.recv(1000).decode())
    return heard


def test_mailbox(suite, comsat):
    """The user, and where his new message begins."""
    assert told(suite, comsat, "alice") == ["alice@0\0"]
    size = os.stat(suite.mailbox("alice")).st_size
    assert told(suite, comsat, "alice+extension") == ["alice@%d\0" % size]


@pytest.mark.parametrize("recipient", ["tofile", "carol"])
def test_other_deliveries(suite, comsat, recipient):
    assert told(suite, comsat, recipient) == []


@pytest.mark.parametrize("changes, count", [({"biff": "no"}, 0), ({"home_mailbox": "Maildir/"}, 0), ({"home_mailbox": "box"}, 1)])
def test_settings(suite, settings, comsat, changes, count):
    settings(**{"biff": "yes", **changes})
    assert told(suite, comsat, "bob") == ["bob@0\0"] * count
