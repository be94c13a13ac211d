"""What a daemon keeps in a file is damaged while it runs: where it notices, the file is made anew, with a warning, and the daemon goes
on, or its successor does. What it knew and has lost is found out again."""
import os
import re

import pytest

from suite import make
from suite.smtp import Client, Refused

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix's daemons die of it until somebody removes the file")]

DIRECTORY = "/var/lib/postfix/"
ANEW = r"warning: .*the cache starts anew"
TRIES = 30


def truncate(path):
    os.truncate(path, os.stat(path).st_size // 2 - 100)


def empty(path):
    os.truncate(path, 0)


def overwrite(path):
    """All of it, in place: who has it open sees it."""
    size = os.stat(path).st_size
    with open(path, "r+b") as file:
        file.write(b"damaged\n" * (size // 8))


DAMAGES = {"truncated": truncate, "empty": empty, "garbage": overwrite}


def ask(suite, recipient):
    with Client(suite.smtp) as client:
        client.command("MAIL FROM:<joe@example.net>")
        try:
            return client.command("RCPT TO:<%s>" % recipient)
        except Refused as refused:
            return str(refused).partition(": ")[2]


def ask_until_known(suite, recipient, answer):
    """A daemon that has died may need a moment."""
    for _ in range(TRIES):
        said = ask(suite, recipient)
        if answer in said:
            return
    raise AssertionError("%s: %s\n%s" % (recipient, said, suite.log()))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind, file", [("btree", "cache.db"), ("lmdb", "cache.lmdb")])
def test_verify(kind, file, damage):
    main_cf = {"address_verify_map": "%s:%scache" % (kind, DIRECTORY), "address_verify_poll_delay": "1s", "address_verify_poll_count": "5",
               "smtpd_error_sleep_time": "0", "smtpd_recipient_restrictions": "reject_unverified_recipient, permit",
               "smtpd_relay_restrictions": "permit_mynetworks, reject"}
    with make(main_cf=main_cf) as suite:
        ask_until_known(suite, "alice@example.test", "250 2.1.5 Ok")
        since = suite.log_size()
        DAMAGES[damage](suite.path(DIRECTORY + file))
        for user in ("nosuch", "nobody-here"):
            ask_until_known(suite, user + "@example.test", 'unknown user: "%s"' % user)
        ask_until_known(suite, "alice@example.test", "250 2.1.5 Ok")
        # What the library still had in memory goes over the damage; the next process finds that, and there is a whole file then.
        suite.sh("postfix stop; postfix start")
        for user in ("nosuch", "nobody-here"):
            ask_until_known(suite, user + "@example.test", 'unknown user: "%s"' % user)
        ask_until_known(suite, "alice@example.test", "250 2.1.5 Ok")
        suite.sh("postfix stop")
        entries = dict(line.split("\t", 1) for line in suite.sh("postmap -s %s:%scache" % (kind, DIRECTORY)).splitlines())
        assert {"alice@example.test", "nosuch@example.test", "nobody-here@example.test"} <= set(entries)
        # It is not silent about what it has lost; an empty file is as good as none.
        log = suite.log(since)
        has_lost_it = "to=<alice@example.test>" in log
        assert re.search(ANEW, log) or not has_lost_it or damage == "empty", log
        assert len(re.findall(r"verify\[\d+\]: (?:fatal|panic): ", log)) <= 1, log
