"""INPROGRESS (RFC 9585): who waits long hears how far it is. The server is stopped in the middle of its work for as long as that takes."""
import contextlib
import os
import re
import select
import signal
import subprocess

import pytest

from suite import config
from suite.mailboxes import Imap, Mailboxes

pytestmark = [pytest.mark.root, pytest.mark.expensive]
MESSAGES = 1500
INTERVAL = 10     # seconds between two words
PROCESSES = {"ours": "imapd-owner", "reference": "imap"}


@pytest.fixture(scope="module")
def server():
    with Mailboxes(kind="mbox") as server:
        line = "line of a text that is long enough to take its time\n"
        server.put(server.path("/var/mail/alice"), "".join("From a@example.net Mon Jan  2 10:00:00 2023\nSubject: %d\n\n%s\n" % (n, line * 1000) for n in range(MESSAGES)))
        with Imap(server, user="alice") as client:
            client.all("CREATE box", "SELECT INBOX")
            client.leave()
        yield server


def of_alice(server):
    """Her processes of this server, which others on the machine have too."""
    own = os.readlink("/proc/%s/ns/pid" % server.path("/").parts[2])
    found = subprocess.run(["ps", "-eo", "pid=,uid=,pidns=,comm="], capture_output=True, text=True, check=True).stdout.split("\n")
    wanted = [str(config.uid("alice")), own.strip("pid:[]"), PROCESSES[server.of]]
    return [int(line.split()[0]) for line in found if line.split()[1:] == wanted]


# So many that the search is not over before it is stopped.
NOTHING = " ".join("NOT %%s nothing%d" % n for n in range(40))


@pytest.mark.parametrize("command,word", [("SEARCH " + NOTHING.replace("%s", "TEXT"), "Processed"), ("UID SEARCH " + NOTHING.replace("%s", "BODY"), "Processed"),
                                          ("COPY 1:* box", "Copied"), ("UID MOVE 1:* box", "Moved")], ids=["search", "uid search", "copy", "move"])
def test_a_long_command(server, command, word):
    with Imap(server, user="alice") as client:
        client.socket.settimeout(60)
        client.say("SELECT INBOX")
        client.send('x %s\r\n' % command)
        processes = of_alice(server)
        assert processes
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        # Whoever is stopped says nothing.
        assert not select.select([client.socket], [], [], INTERVAL + 1)[0]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):   # of the session before, at its end
                os.kill(process, signal.SIGCONT)
        line = client.line().decode()
        m = re.fullmatch(r'\* OK \[INPROGRESS \("x" (\d+) (\d+)\)\] (\w+) (\d+)% of the mailbox(, ETA \d+:\d\d)?', line)
        assert m, line
        assert 0 < int(m.group(1)) <= int(m.group(2)) == MESSAGES and m.group(3) == word
        while not client.line().startswith(b"x OK"):
            pass
