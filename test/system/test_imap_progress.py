"""INPROGRESS (RFC 9585): who waits long hears how far it is. The server is stopped in the middle of its work for as long as that takes."""
import contextlib
import os
import re
import select
import signal
import subprocess
from pathlib import Path

import pytest

from suite import config
from suite.mailboxes import Imap, Mailboxes

pytestmark = [pytest.mark.root, pytest.mark.expensive]
MESSAGES = 1500
MANY = 100000     # in another mailbox, with little in them
INTERVAL = 10     # seconds between two words
PROCESSES = {"ours": "imapd-owner", "reference": "imap"}


@pytest.fixture(scope="module")
def server():
    with Mailboxes(kind="mbox") as server:
        line = "line of a text that is long enough to take its time\n"
        server.put(server.path("/var/mail/alice"), "".join("From a@example.net Mon Jan  2 10:00:00 2023\nSubject: %d\n\n%s\n" % (n, line * 1000) for n in range(MESSAGES)))
        server.put(server.home() / "mail/many", "".join("From a@example.net Mon Jan  2 10:00:00 2023\nSubject: %d\n\nx\n\n" % n for n in range(MANY)))
        with Imap(server, user="alice") as client:
            client.all("CREATE box", "SELECT many", "SELECT INBOX")
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


def worked(processes):
    """The time that they have used, in ticks of the system."""
    total = 0
    for process in processes:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):   # of the session before
            total += sum(map(int, Path("/proc/%d/stat" % process).read_text().rpartition(")")[2].split()[11:13]))
    return total


def stopped_amid(server, client, command, ticks):
    """What is said when the server has stood still in the midst of the command, after so much work."""
    client.socket.settimeout(60)
    processes = of_alice(server)
    assert processes
    before = worked(processes)
    client.send("x %s\r\n" % command)
    while worked(processes) < before + ticks:
        pass
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
    while not client.line().startswith(b"x OK"):
        pass
    return int(m.group(1)), int(m.group(2)), m.group(3)


@pytest.mark.parametrize("command,word", [("SEARCH " + NOTHING.replace("%s", "TEXT"), "Processed"), ("UID SEARCH " + NOTHING.replace("%s", "BODY"), "Processed"),
                                          ("COPY 1:* box", "Copied"), ("UID MOVE 1:* box", "Moved")], ids=["search", "uid search", "copy", "move"])
def test_a_long_command(server, command, word):
    with Imap(server, user="alice") as client:
        client.say("SELECT INBOX")
        done, goal, said = stopped_amid(server, client, command, ticks=2)
        assert 0 < done <= goal == MESSAGES and said == word


@pytest.mark.parametrize("command", ["SORT (SUBJECT) UTF-8 ALL", "UID THREAD REFERENCES UTF-8 ALL"])
def test_when_all_is_found_it_takes_time_to_put_it_in_order(server, command):
    with Imap(server, user="alice") as client:
        client.say("SELECT many")
        done, goal, said = stopped_amid(server, client, command, ticks=20)
        assert 0 < done <= goal == MANY and said == "Processed"
        assert done > MANY / 2 or server.of == "reference"   # of ours the search is half of the way
