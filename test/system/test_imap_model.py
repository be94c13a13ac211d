"""Several IMAP clients work on one mailbox at random; a model of each holds that what he was told fits together, and at the end that all see the same.
And the process that serves them is killed in between: what has been acknowledged is there."""
import os
import random
import re

import pytest

from suite.mailboxes import Imap, Mailboxes

pytestmark = [pytest.mark.root, pytest.mark.extension("the model is ours")]
SEEDS = [int(s) for s in os.environ.get("SEEDS", "1 2 3").split()]
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "own", "other"]


@pytest.fixture(scope="module")
def server():
    with Mailboxes(main_cf={"imapd_user_connection_count_limit": "0"}) as server:
        yield server


class Client:
    """What this client knows: for each message number its UID and flags, None where he has not been told."""

    def __init__(self, server, uses_vanished):
        self.imap = Imap(server, user="alice")
        self.uids, self.flags = [], {}
        if uses_vanished:
            self.imap.say("ENABLE QRESYNC")
        self.exists = 0
        self.say("SELECT INBOX")
        self.say("UID FETCH 1:* FLAGS")

    def say(self, command, *literals):
        reply = self.imap.say(command, *literals)
        assert reply[-1] is not None, "the session ended: %s\n%s" % (command, self.imap.transcript()[-3000:])
        may_expunge = not re.match(r"(FETCH|STORE|SEARCH) ", command)
        for line in reply[:-1]:
            text = line.decode("utf-8", "replace")
            if m := re.fullmatch(r"\* (\d+) EXISTS", text):
                assert int(m.group(1)) >= len(self.uids), "EXISTS shrinks: %s" % text
                self.uids += [None] * (int(m.group(1)) - len(self.uids))
            elif m := re.fullmatch(r"\* (\d+) EXPUNGE", text):
                assert may_expunge, "%s in %s" % (text, command)
                assert 1 <= int(m.group(1)) <= len(self.uids), "%s of %d" % (text, len(self.uids))
                self.flags.pop(self.uids.pop(int(m.group(1)) - 1), None)
            elif m := re.fullmatch(r"\* VANISHED (\S+)", text):
                assert may_expunge, "%s in %s" % (text, command)
                for uid in numbers(m.group(1)):
                    self.uids.pop(self._place(uid, text))
                    self.flags.pop(uid, None)
            elif m := re.fullmatch(r"\* (\d+) FETCH \((.*)\)", text):
                self._fetched(int(m.group(1)), m.group(2), text)
        return reply[-1].decode()

    def _place(self, uid, text):
        """Of one whose UID he may not have been told."""
        if uid in self.uids:
            return self.uids.index(uid)
        for place, known in enumerate(self.uids):
            if known is None and all(u is None or u < uid for u in self.uids[:place]) and all(u is None or u > uid for u in self.uids[place:]):
                return place
        raise AssertionError("%s, but known are %s" % (text, self.uids))

    def _fetched(self, number, items, text):
        assert 1 <= number <= len(self.uids), text
        if m := re.search(r"UID (\d+)", items):
            assert self.uids[number - 1] in (None, int(m.group(1))), "%s, but it was %s" % (text, self.uids[number - 1])
            self.uids[number - 1] = int(m.group(1))
            known = [uid for uid in self.uids if uid]
            assert known == sorted(set(known)), "UIDs do not ascend: %s" % known
        if m := re.search(r"FLAGS \((.*?)\)", items):
            if self.uids[number - 1]:
                self.flags[self.uids[number - 1]] = set(m.group(1).split()) - {"\\Recent"}

    def act(self, chance):
        """One step; the tagged reply."""
        size = len(self.uids)
        number = chance.randrange(1, size + 1) if size else 1
        some = "%d:%d" % (number, min(size, number + chance.randrange(3))) if size else "1:*"
        flags = " ".join(chance.sample(FLAGS, chance.randrange(1, 3)))
        steps = [lambda: self.say("NOOP"), lambda: self.say("EXPUNGE"), lambda: self.append(chance), lambda: self.say("UID FETCH 1:* (FLAGS)")]
        if size:
            steps += [lambda: self.say("STORE %s %sFLAGS (%s)" % (some, chance.choice(["", "+", "-"]), flags)), lambda: self.say("STORE %s +FLAGS.SILENT (\\Deleted)" % some) and None, lambda: self.say("FETCH %s (UID FLAGS)" % some),
                      lambda: self.say("COPY %s INBOX" % some), lambda: self.say("FETCH %s (UID BODY.PEEK[HEADER])" % some), lambda: self.say("UID SEARCH NOT DELETED"), lambda: self.say("SEARCH ALL"),
                      lambda: self.say("UID STORE %d:* +FLAGS (\\Seen)" % (self.uids[number - 1] or 1)), lambda: self.say("MOVE %d INBOX" % number)]
        return chance.choice(steps)()

    def append(self, chance):
        text = b"Subject: %d\r\n\r\nx\r\n" % chance.randrange(10**9)
        return self.say("APPEND INBOX (%s) {%d}" % (chance.choice(FLAGS), len(text)), text + b"\r\n")


def numbers(text):
    out = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("clients", [2, 4])
def test_several_at_random(server, seed, clients):
    print("seed", seed)
    chance = random.Random(seed)
    server.wipe()
    server.deliver(*["Subject: %d\n\nx\n" % n for n in range(5)])
    all_of_them = [Client(server, uses_vanished=n % 2 == 1) for n in range(clients)]
    for step in range(150):
        if chance.random() < 0.05:
            server.deliver(("17%08d.M%dP%d.host" % (step, step, seed), "Subject: new\n\nx\n"))
        chance.choice(all_of_them).act(chance)
    views = []
    for client in all_of_them:
        client.say("NOOP")
        client.say("UID FETCH 1:* (FLAGS)")
    for client in all_of_them:
        client.say("NOOP")
        views.append([(uid, sorted(client.flags[uid])) for uid in client.uids])
    assert all(view == views[0] for view in views), views
    with Imap(server, user="alice") as fresh:
        fresh.say("EXAMINE INBOX")
        reply = fresh.say("UID FETCH 1:* FLAGS")
        seen = [(int(re.search(rb"UID (\d+)", line).group(1)), sorted(set(re.search(rb"FLAGS \((.*?)\)", line).group(1).decode().split()) - {"\\Recent"})) for line in reply[:-1] if b"FETCH" in line]
        fresh.leave()
    assert seen == views[0]
    for client in all_of_them:
        client.imap.leave()   # else it may still write when the next test removes the mailbox
        client.imap.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_acknowledged_is_lost(server, seed):
    """kill -9 of the user's process amid pipelined commands: of each that was answered the effect is there."""
    print("seed", seed)
    chance = random.Random(seed)
    for round_ in range(6):
        server.wipe()
        server.deliver(*["Subject: old %d\n\nx\n" % n for n in range(10)])
        with Imap(server, user="alice") as client:
            client.say("SELECT INBOX")
            sent = []
            for n in range(200):
                kind = chance.choice(["append", "flag", "copy"])
                if kind == "append":
                    text = b"Subject: new %d\r\n\r\nx\r\n" % n
                    sent.append(b"k%d APPEND INBOX {%d+}\r\n%s\r\n" % (n, len(text), text))
                elif kind == "flag":
                    sent.append(b"k%d UID STORE %d +FLAGS.SILENT (mark%d)\r\n" % (n, chance.randrange(1, 11), chance.randrange(20)))
                else:
                    sent.append(b"k%d UID COPY %d INBOX\r\n" % (n, chance.randrange(1, 11)))
            client.socket.setblocking(True)
            client.socket.sendall(b"".join(sent))
            answered, wanted = {}, chance.randrange(1, 150)
            while (line := client.line()) is not None:
                if m := re.match(rb"k(\d+) OK(.*)", line):
                    answered[int(m.group(1))] = m.group(2)
                    if len(answered) == wanted:
                        owner = [int(p) for p in server.suite.sh("ps -eo pid=,user=,comm= | awk '$2==\"alice\" && $3==\"imapd-owner\" {print $1}'").split()]
                        assert owner
                        since = server.suite.log_size()
                        server.suite.sh("kill -9 %s" % " ".join(map(str, owner)))
            assert len(answered) >= wanted
        server.suite.wait_log(r"imapd-owner\[\d+\]: warning: the process of uid \d+ died with 1 sessions", since=since)   # the next login gets another
        with Imap(server, user="alice") as client:
            client.say("SELECT INBOX")
            there = {}
            for line in client.say("UID FETCH 1:* (FLAGS RFC822.SIZE)")[:-1]:
                if m := re.search(rb"UID (\d+) .*?FLAGS \((.*?)\)|FLAGS \((.*?)\).*?UID (\d+)", line):
                    there[int(m.group(1) or m.group(4))] = (m.group(2) or m.group(3) or b"").split()
            client.leave()   # its index is not written into what wipe() removes
            for n, rest in answered.items():
                if m := re.search(rb"APPENDUID \d+ (\d+)", rest):
                    assert int(m.group(1)) in there, (n, rest)
                elif m := re.search(rb"COPYUID \d+ \d+ (\d+)", rest):
                    assert int(m.group(1)) in there, (n, rest)
                elif m := re.match(rb"k\d+ UID STORE (\d+) \+FLAGS.SILENT \((\w+)\)", sent[n]):
                    assert m.group(2) in there[int(m.group(1))], (sent[n], there[int(m.group(1))])
