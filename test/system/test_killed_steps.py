"""One message passes, and a program dies at one system call that changes a file: at the first, the second, and so on to the end.
Nothing that was acknowledged is lost, all is whole, and no more comes twice than the one delivery that was under way."""
import collections
import contextlib
import os
import re
import shutil
import stat
import threading
from pathlib import Path

import pytest

from suite import make, selected
from suite.base import Timeout
from suite.ours import sanitized
from suite.smtp import Client, Refused, Sink
from suite.steps import KEPT, MODES, STOPPED, Steps, compile_library

pytestmark = [pytest.mark.root, pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")]

# A user's mailbox and his Maildir, two of hosted domains, a command that asks to be called again, a next hop, and one whom nobody knows.
HOSTED, REMOTE = ["box@hosted.example", "mbox@hosted.example"], "r@remote.example"
RECIPIENTS = ["alice@example.test", "bob@example.test", "dave@example.test", *HOSTED, REMOTE, "unknown@example.test"]
SENDER = "carol@example.test"
# Postfix writes in pieces of 4096, and what comes behind half a message in an mbox stands in the same line: there one piece is enough.
LINES = "All of it, or nothing.\n" * (300 if selected() == "ours" else 40)
TEXT = "Subject: %s\n\n" + LINES + "The end of %s.\n"
# The first call of each message is put off, so that it waits once in deferred/ with a log of the reason. Whoever feeds a command
# may die, and a pipe does not tell that from the end.
COMMAND = "#!/bin/sh\ncd /home/dave || exit 75\ncat >text.$$ || exit 75\n" \
          "grep -q '^The end of' text.$$ || exit 75\nsubject=$(sed -n 's/^Subject: //p' text.$$)\n" \
          "if mkdir \"seen.$subject\" 2>/dev/null; then rm text.$$; exit 75; fi\nmv text.$$ \"taken.$subject.$$\"\n"
MAIN_CF = {"import_environment": KEPT, "local_recipient_maps": "", "local_destination_recipient_limit": "1", "virtual_mailbox_domains": "hosted.example",
           "virtual_mailbox_maps": "hash:/etc/postfix/vmail", "virtual_mailbox_base": "/home/vmail", "virtual_uid_maps": "static:1001",
           "virtual_gid_maps": "static:1001", "queue_run_delay": "2s", "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
           "transport_retry_time": "1s", "service_throttle_time": "1s", "smtpd_error_sleep_time": "0", "smtpd_hard_error_limit": "1000",
           # Postfix does not know whose a lock was; ours has to.
           **({"stale_lock_time": "1s", "deliver_lock_delay": "1s"} if selected() == "reference" else {})}
FILES = {"/etc/postfix/vmail": "box@hosted.example box/\nmbox@hosted.example mbox\n", "/home/bob/.forward": "/home/bob/Maildir/\n",
         "/home/dave/.forward": "|/home/dave/command\n", "/home/dave/command": COMMAND}
PREPARE = ["postmap /etc/postfix/vmail", "mkdir -p /home/vmail; chmod 777 /home/vmail; chmod 755 /home/dave/command"]
LOST = "Undelivered Mail Returned to Sender"
STRIDES = {"killed": 6, "torn": 5, "crash": 12}      # for the everyday run
DONE = "Successful Mail Delivery Report"


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    if sanitized():
        pytest.skip("the sanitizers' own library has to come first")
    library = compile_library(tmp_path_factory.mktemp("steps"))
    sink = Sink()
    main_cf = {**MAIN_CF, "transport_maps": "inline:{ { remote.example = smtp:%s } }" % sink.nexthop}
    with contextlib.closing(sink), make(main_cf=main_cf, files=FILES, prepare=PREPARE) as s:
        s.sink, s.steps = sink, Steps(s, library)
        yield s
        s.steps.close()


class Message:
    """One message that is sent until it is taken, and where it is to come."""
    count = 0

    def __init__(self, suite, program):
        Message.count += 1
        self.suite, self.subject = suite, "%s-%d" % (program, Message.count)
        self.by_command = program == "pickup"
        self.expected = {*RECIPIENTS[:-1], LOST, *([] if self.by_command else [DONE])}
        self.times_sent, self.acknowledged = 0, False

    def send(self):
        """Whether it was taken."""
        self.times_sent += 1
        text = TEXT % (self.subject, self.subject)
        if self.by_command:
            self.acknowledged = self.suite.run("sendmail", "-f", SENDER, *RECIPIENTS, input=text.encode()).returncode == 0
            return self.acknowledged
        try:
            client = Client(self.suite.smtp)
            try:
                client.command("MAIL FROM:<%s>" % SENDER)
                for recipient in RECIPIENTS:
                    client.command("RCPT TO:<%s>%s" % (recipient, " NOTIFY=SUCCESS,FAILURE" if recipient.startswith("alice") else ""))
                client.command("DATA")
                client.command(text.replace("\n", "\r\n") + ".")
                self.acknowledged = True
            finally:
                client.socket.close()
        except (OSError, Refused) as e:
            assert not re.search(r": 5\d\d ", str(e)), e
        return self.acknowledged

    def send_until_taken(self, tries=100):
        while not self.acknowledged and self.times_sent < tries:
            self.send()
        assert self.acknowledged


class Look:
    """What has come so far: {(subject, recipient or kind of notice): times}, of whole messages. `torn` are pieces of one in an mbox,
    which stay there when other mail came behind them before the same mail was delivered again."""

    def __init__(self, suite):
        self.suite, self.known, self.torn = suite, {}, []

    def mbox(self, path, recipient=None):
        found = []
        for part in re.split(r"(?m)^From \S+  .*\n", path.read_text() if path.exists() else "")[1:]:
            subject, kind = re.search(r"(?m)^Subject: ([a-z]+-\d+)$", part), re.search(r"(?m)^Subject: (.*)$", part)
            if subject and part.rstrip("\n").endswith("The end of %s." % subject[1] if recipient else "--"):
                assert kind[1] == DONE or LINES in part, "%s: damaged:\n%s" % (path, part)
                found.append((subject[1], recipient or kind[1]))
            else:
                self.torn.append("%s: %s" % (path, part))
        return found

    def files(self, directory, pattern, recipient):
        found = []
        for path in sorted(directory.glob(pattern)):
            if path not in self.known:
                text = path.read_text()
                subject = re.search(r"(?m)^Subject: ([a-z]+-\d+)$", text)
                assert subject and text.endswith((TEXT % ("", subject[1])).partition("\n")[2]), "%s: damaged:\n%s" % (path, text)
                self.known[path] = (subject[1], recipient)
            found.append(self.known[path])
        return found

    def next_hop(self):
        messages = [re.search(rb"(?m)^Subject: (\S+)\r$", message["data"])[1].decode() for message in self.suite.sink.messages]
        return [(subject, REMOTE) for subject in messages]

    def all(self):
        suite, hosted, self.torn = self.suite, Path(self.suite.path("/home/vmail")), []
        return collections.Counter([
            *self.mbox(Path(suite.mailbox("alice")), RECIPIENTS[0]), *self.files(Path(suite.home("bob")), "Maildir/new/*", RECIPIENTS[1]),
            *self.files(Path(suite.home("dave")), "taken.*", RECIPIENTS[2]), *self.files(hosted, "box/new/*", HOSTED[0]),
            *self.mbox(hosted / "mbox", HOSTED[1]), *self.next_hop(), *self.mbox(Path(suite.mailbox("carol")))])


def left(suite):
    """What waits or is logged of messages; not what nobody finished: those files stay, unlocked and without x, until postsuper comes."""
    found = []
    for where in ("maildrop", "incoming", "active", "deferred", "bounce", "defer", "trace", "corrupt"):
        for directory, _, names in os.walk(os.path.join(suite.queue, where)):
            for name in names:
                try:
                    is_complete = os.stat(os.path.join(directory, name)).st_mode & stat.S_IXUSR
                except FileNotFoundError:
                    continue
                if is_complete or where not in ("maildrop", "incoming"):
                    found.append((where, name))
    return found


def arrived(suite, look, message, flush=False):
    """How often the message came where, if it has come everywhere and nothing is left of it."""
    found = {} if left(suite) else look.all()
    times = {where: found[message.subject, where] for where in message.expected} if found else {}
    if times and all(times.values()):
        return times
    if flush:
        suite.run("timeout", "5", "sh", "-c", "postkick public pickup W; postqueue -f")     # whom they talk to may just be killed, or held
    return None


def settle(suite, look, message):
    """Waits until the message has come everywhere and nothing is left of it; how often it came where."""
    try:
        return suite.wait_until(lambda: arrived(suite, look, message, flush=True), suite.mail_log, timeout=60, what=message.subject)
    except Timeout as e:
        raise Timeout("%s\nleft: %s\ncame: %s" % (e, left(suite), look.all())) from None


def pass_through(suite, look, program, step, mode):
    """One message, whose program dies at that step: at what (None: it has no more steps), the message, and how often it came where."""
    message = Message(suite, program)
    suite.steps.arm(program, step, mode)
    if mode != STOPPED:
        message.send_until_taken()
        times = settle(suite, look, message)
        return suite.steps.disarm(), message, times
    sender = threading.Thread(target=message.send)
    sender.start()
    suite.wait_until(lambda: suite.steps.reached() or (message.acknowledged and arrived(suite, look, message, flush=True)), suite.mail_log,
                     timeout=60, what="step %d of %s" % (step, program))
    died = suite.steps.disarm()
    if died:
        suite.steps.crash()
    sender.join()
    if died:
        suite.steps.start()
    message.send_until_taken()
    return died, message, settle(suite, look, message)


# What a program that died may do once more: what it had done, but not yet marked as done.
# A notice is given to the next cleanup again when its own message is not found: that may have been delivered and removed meanwhile.
DELIVERIES = {"cleanup": {LOST, DONE}, "qmgr": set(), "pickup": {*RECIPIENTS, LOST}, "local": {*RECIPIENTS[:3], LOST, DONE}, "virtual": set(HOSTED),
              "smtp": {REMOTE}, "bounce": {LOST, DONE}}
AT_ONCE = 2             # deliveries that a process of ours may have under way, of those that are not recognised when they are made again


def may_repeat(suite, program, mode, message, again):
    """Whether no more came twice than was under way; `again` tells what came how often."""
    # All programs were at work; or a client was told 451 after a commit, as Postfix's always is.
    if mode == "crash" or suite.kind == "reference" or (program == "cleanup" and message.times_sent > 1):
        return max(again.values(), default=0) <= 1 + message.times_sent
    return set(again) <= DELIVERIES[program] and set(again.values()) <= {2} and (program == "pickup" or len(again) <= AT_ONCE)


stride_of_steps = pytest.mark.parametrize("stride", [pytest.param(0, id="some"), pytest.param(1, id="every", marks=pytest.mark.expensive)])


@stride_of_steps
@pytest.mark.parametrize("mode", ["killed", "crash"])
@pytest.mark.parametrize("program", DELIVERIES)
def test_killed_at(suite, program, mode, stride):
    """`killed`: that process alone, instead of the call. `crash`: all processes at once, and the system is started again."""
    go_through(suite, program, mode, stride)


@pytest.mark.extension("Postfix leaves half a message in an mbox, and the next mail behind it in the same line")
@stride_of_steps
@pytest.mark.parametrize("program", ["cleanup", "local", "virtual", "bounce"])
def test_killed_in_a_write(suite, program, stride):
    go_through(suite, program, "torn", stride)


def go_through(suite, program, mode, stride):
    """Kills at one step after another, until the program has no more."""
    look, step = Look(suite), 1
    while True:
        died, message, times = pass_through(suite, look, program, step, MODES[mode])
        said = "%s dies at step %d, %s; sent %d times: %s" % (program, step, died, message.times_sent, times)
        print(said)
        assert may_repeat(suite, program, mode, message, {where: n for where, n in times.items() if n > 1}), said
        suite.steps.tears += mode == "torn"
        assert len(look.torn) <= suite.steps.tears, (said, look.torn)
        if died is None:
            break
        step += stride or STRIDES[mode]
    assert step > 1
