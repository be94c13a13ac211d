"""NOTIFY and IDLE where mailboxes are directories within directories, or mbox files, and where the kernel watches no more for the user."""
import contextlib
import subprocess
import sys

import pytest

from suite import config
from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes
from test_imap import MIXED, PLAIN, THIRD, fresh
from test_imap_more import ALL, play_together, until

pytestmark = pytest.mark.root

FS = {
    "status": ("b CREATE box/in", "a NOTIFY SET STATUS (PERSONAL %s)" % ALL, "b APPEND box/in {MAIL}", "a? STATUS box/in (MESSAGES 1", "b SELECT box/in", "b STORE 1 +FLAGS (\\Seen)", "a? STATUS box/in (UNSEEN 0",
               "b STORE 1 +FLAGS (\\Deleted)", "a? STATUS box/in (HIGHEST", "b EXPUNGE", "a? STATUS box/in (MESSAGES 0", "a NOOP", "a NOTIFY NONE"),
    "names": ("a NOTIFY SET (PERSONAL (MailboxName SubscriptionChange))", "b CREATE young", "a? young", "b SUBSCRIBE young", "a? young", "b UNSUBSCRIBE young", "a? young", "b RENAME young old", "a? old", "b DELETE old", "a? old",
              "b CREATE p", "a? LIST", "b CREATE p/q", "a? LIST", "b CREATE p/q/r", "a? LIST", "b DELETE p/q/r", "a? LIST", "b CREATE \"a b\"", "a? LIST", "b RENAME \"a b\" c", "a? LIST", "b DELETE c", "a? LIST", "a NOOP"),
    "subscribed": ("b CREATE one", "b CREATE one/two", "b SUBSCRIBE one/two", "a NOTIFY SET STATUS (SUBSCRIBED (MessageNew MessageExpunge))", "b APPEND one {MAIL}", "b APPEND one/two {MAIL}", "a? STATUS one/two", "a NOOP"),
    "subtree": ("b CREATE one", "b CREATE one/two", "b CREATE other", "a NOTIFY SET STATUS (SUBTREE one (MessageNew MessageExpunge MailboxName))", "b APPEND other {MAIL}", "b APPEND one/two {MAIL}", "a? STATUS one/two",
                "b CREATE x", "b CREATE one/two/three", "a? one/two/three", "b APPEND one/two/three {MAIL}", "a? STATUS one/two/three", "a NOOP"),
    "selected": ("b CREATE one/two", "a NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (MAILBOXES one/two (MessageNew MessageExpunge))", "a SELECT INBOX", "b SELECT INBOX", "b APPEND one/two {MAIL}", "a? STATUS one/two",
                 "b APPEND INBOX {MAIL}", "a? 4 FETCH", "b STORE 1 +FLAGS (\\Deleted)", "a? 1 FETCH", "b EXPUNGE", "a? 1 EXPUNGE", "a NOOP"),
    "idle": ("b CREATE one/two", "a SELECT one/two", "a- IDLE", "a? +", "b APPEND one/two {MAIL}", "a? 1 EXISTS", "b SELECT one/two", "b STORE 1 +FLAGS (\\Deleted)", "a? FETCH", "b EXPUNGE", "a? 1 EXPUNGE", "a- DONE", "a? OK"),
}
MBOX = {
    "status": ("b CREATE box", "a NOTIFY SET STATUS (PERSONAL %s)" % ALL, "b APPEND box {MAIL}", "a? STATUS box (MESSAGES 1", "b SELECT box", "b STORE 1 +FLAGS (\\Seen)", "a? STATUS box (UNSEEN 0",
               "b STORE 1 +FLAGS (\\Deleted)", "a? STATUS box (HIGHEST", "b EXPUNGE", "a? STATUS box (MESSAGES 0", "a NOOP", "a NOTIFY NONE"),
    "names": ("a NOTIFY SET (PERSONAL (MailboxName SubscriptionChange))", "b CREATE new", "a? new", "b SUBSCRIBE new", "a? new", "b UNSUBSCRIBE new", "a? new", "b RENAME new new2", "a? new2", "b DELETE new2", "a? new2",
              "b CREATE \"a b\"", "a? LIST", "b RENAME \"a b\" c", "a? LIST", "b DELETE c", "a? LIST", "a NOOP"),
    "below": ("b CREATE d/one", "a NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge MailboxName))", "b APPEND d/one {MAIL}", "a? STATUS d/one", "b CREATE d/two", "a? d/two", "b APPEND d/two {MAIL}", "a? STATUS d/two", "a NOOP"),
    "inbox": ("a NOTIFY SET STATUS (INBOXES (MessageNew MessageExpunge FlagChange))", "b APPEND INBOX {MAIL}", "a? INBOX (MESSAGES 4", "b SELECT INBOX", "b STORE 1 +FLAGS (\\Seen)", "a? INBOX (UNSEEN", "b STORE 2 +FLAGS.SILENT (\\Deleted)",
              "b EXPUNGE", "a? INBOX (MESSAGES 3", "a NOOP"),
    "selected": ("b CREATE one", "a NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (MAILBOXES one (MessageNew MessageExpunge))", "a SELECT INBOX", "b SELECT INBOX", "b APPEND one {MAIL}", "a? STATUS one",
                 "b APPEND INBOX {MAIL}", "a? 4 FETCH", "b STORE 1 +FLAGS (\\Deleted)", "a? 1 FETCH", "b EXPUNGE", "a? 1 EXPUNGE", "a NOOP"),
    "idle": ("b CREATE one", "a SELECT one", "a- IDLE", "a? +", "b APPEND one {MAIL}", "a? 1 EXISTS", "b APPEND one {MAIL}", "a? 2 EXISTS", "a- DONE", "a? OK"),
}


def as_mbox(*messages):
    return "".join("From joe@example.net Mon Jan  2 10:00:00 2023\n%s\n" % message for message in messages)


def fresh_mbox(server, user="alice"):
    server.remove(server.home(user) / "mail")
    server.put(server.path("/var/mail/" + user), as_mbox(PLAIN, MIXED, THIRD), user)


@pytest.fixture(scope="module")
def fs():
    with Mailboxes(settings="mailbox_list_layout = fs\n", main_cf={"mail_location": "maildir:~/Maildir:LAYOUT=fs"}) as server:
        yield server


@pytest.fixture(scope="module")
def mbox():
    with Mailboxes(kind="mbox") as server:
        yield server


@pytest.mark.parametrize("name", FS)
def test_directories(fs, name):
    fresh(fs)
    golden("imap_watching_fs_" + name, play_together(fs, FS[name]))


@pytest.mark.parametrize("name", MBOX)
def test_mbox(mbox, name):
    fresh_mbox(mbox)
    golden("imap_watching_mbox_" + name, play_together(mbox, MBOX[name]).replace(" \\UnMarked", ""))


@pytest.mark.parametrize("how", ["IDLE", "NOTIFY"])
def test_mail_that_is_delivered_to_an_mbox(mbox, how):
    """By who knows nothing of IMAP: bytes at the end of the file."""
    fresh_mbox(mbox)
    with Imap(mbox, user="alice") as client:
        if how == "IDLE":
            client.say("SELECT INBOX")
            client.send("i1 IDLE\r\n")
        else:
            client.say("NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge))")
        with open(mbox.path("/var/mail/alice"), "a") as file:
            file.write(as_mbox(THIRD))
        until(client, "* 4 EXISTS" if how == "IDLE" else "INBOX (MESSAGES 4")


# --- where there is no inotify ---

LAST_USER = "heidi"   # nobody else's tests are without

TAKE_ALL = """
import ctypes, sys
libc = ctypes.CDLL(None)
while libc.inotify_init1(0o2000000) >= 0: pass
print("all", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def no_inotify(user):
    """The user has all the instances that he may have (fs.inotify.max_user_instances) in another process."""
    uid = str(config.uid(user))
    with subprocess.Popen(["setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups", sys.executable, "-c", TAKE_ALL], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout.readline() == b"all\n"
            yield
        finally:
            holder.stdin.close()


@pytest.fixture(scope="module", params=["maildir", "mbox"])
def unwatched(request):
    with Mailboxes(kind=request.param, users=(LAST_USER,)) as server, no_inotify(LAST_USER):
        yield server


def fresh_of(server):
    if server.kind == "mbox":
        fresh_mbox(server, LAST_USER)
        return
    server.wipe(LAST_USER)
    server.deliver(PLAIN, MIXED, THIRD, user=LAST_USER)


def deliver_one(server):
    if server.kind == "mbox":
        with open(server.path("/var/mail/" + LAST_USER), "a") as file:
            file.write(as_mbox(THIRD))
    else:
        server.deliver(("1700000010.M000010P1.host", THIRD), user=LAST_USER)


@pytest.mark.extension("without inotify Dovecot tells nothing within a minute")
def test_idle_without_inotify(unwatched):
    fresh_of(unwatched)
    with Imap(unwatched, user=LAST_USER) as client, Imap(unwatched, user=LAST_USER) as other:
        client.socket.settimeout(60)
        client.say("SELECT INBOX")
        client.send("i1 IDLE\r\n")
        assert client.line().startswith(b"+")
        deliver_one(unwatched)
        until(client, "* 4 EXISTS")
        other.all("SELECT INBOX", "STORE 2 +FLAGS.SILENT (\\Deleted)", "EXPUNGE")
        until(client, "* 2 EXPUNGE")
        client.send("DONE\r\n")
        until(client, "i1 OK")


@pytest.mark.expensive   # the other mailboxes are looked at every 30 seconds
@pytest.mark.extension("without inotify Dovecot tells nothing within a minute")
def test_notify_without_inotify(unwatched):
    fresh_of(unwatched)
    with Imap(unwatched, user=LAST_USER) as client, Imap(unwatched, user=LAST_USER) as other:
        client.socket.settimeout(60)
        other.say("CREATE box")
        assert client.say("NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge FlagChange MailboxName))")[-1].startswith(b"a2 OK")
        deliver_one(unwatched)
        other.all("CREATE new", "APPEND box {11+}\r\nA: b\r\n\r\nx\r\n")
        until(client, "INBOX (MESSAGES 4 & box (MESSAGES 1 & new")
