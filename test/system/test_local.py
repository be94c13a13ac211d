"""local(8): aliases, .forward, mailboxes, commands, files, loops. Each test looks at what arrived and at the message's log."""
import os
import re
import stat

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Refused, send

pytestmark = pytest.mark.root

FILES = {
    "/etc/aliases": """postmaster: root
root: heidi
simple: alice
chain: simple
many: alice, bob@example.test,
    carol
quoted: "alice"
incl: :include:/etc/lists/team
inclbad: :include:/etc/lists/absent
list: :include:/etc/lists/team
inclprivate: :include:/etc/lists/private/team
owner-list: heidi
tofile: /var/mail/archive
tomaildir: /var/mail/archive.d/
tocmd: "|cat >/tmp/tocmd.out; env | sort >/tmp/tocmd.env"
failcmd: "|echo it did not work; exit 1"
tempcmd: "|echo try again; exit 75"
nousercmd: "|exit 67"
loop1: loop2
loop2: loop1
away: joe@elsewhere.example
dup: alice, alice, simple
error: alice, nobody-there
""",
    "/etc/lists/team": "# the team\nalice\nbob, carol\n",
    "/home/bob/.forward": "\\bob, carol@example.test\n",
    "/home/carol/.forward": "",
    "/home/dave/.forward": "\"|cat >/home/dave/piped; env | sort >/home/dave/env\"\n",
    "/home/dave/.forward+files": "/home/dave/box, /home/dave/Mail/\n",
    "/home/erin/.forward": "frank\n",
    "/home/frank/.forward": "erin\n",
}
MAIN_CF = {"default_transport": "discard:elsewhere", "export_environment": "TZ MAIL_CONFIG LANG"}
MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"


@pytest.fixture(scope="module")
def suite():
    with make(main_cf=MAIN_CF, files=FILES) as s:
        s.sh("chown -R bob: /home/bob; install -d -o nobody -g nogroup -m 755 /var/mail/archive.d; install -o nobody -g nogroup /dev/null /var/mail/archive")
        yield s


def message(name, body="Hello."):
    return MESSAGE % (name, name, body)


def story(suite, name, since, **options):
    golden("local_%s_log" % name, masks.history(suite.log(since)))


def deliver(suite, name, recipient, body="Hello.", sender="joe@example.net", **options):
    """Sends one message and waits until nothing is left in the queue; the log's offset before it."""
    since = suite.log_size()
    qid = send(suite, sender, recipient, message(name, body), **options)
    suite.wait_removed(qid)
    suite.wait_queue_empty()
    suite.wait_log("disconnect from", since=since)
    return since


def with_subject(suite, user, name, count=1, folder=None):
    """The user's messages with this subject, masked."""
    def found():
        every = suite.messages(user, count=0, folder=folder)
        return [m for m in every if b"Subject: %s\n" % name.encode() in m]
    got = found()
    assert len(got) == count, "%s has %d of %s" % (user, len(got), name)
    return masks.mask(b"".join(got).decode("utf-8", "backslashreplace"))


def test_mbox_message_is_whole(suite):
    since = deliver(suite, "whole", "alice@example.test", "From the start\n>From quoted\n\nFrom here\n.dot\n\nlast")
    golden("local_whole_mbox", with_subject(suite, "alice", "whole"))
    story(suite, "whole", since)


def test_mbox_mode_and_owner(suite):
    deliver(suite, "mode", "heidi@example.test")
    s = os.stat(suite.mailbox("heidi"))
    assert (stat.S_IMODE(s.st_mode), s.st_uid, s.st_gid) == (0o600, 1007, 8)


def test_extension_is_kept_in_delivered_to(suite):
    since = deliver(suite, "ext", "alice+some+thing@example.test")
    golden("local_ext_mbox", with_subject(suite, "alice", "ext"))
    story(suite, "ext", since)


def test_case_of_user_is_nothing(suite):
    story(suite, "case", deliver(suite, "case", "ALICE@EXAMPLE.TEST"))


def test_a_list_that_root_keeps_to_himself(suite):
    suite.sh("install -d -m 700 /etc/lists/private; echo alice >/etc/lists/private/team; chmod 600 /etc/lists/private/team")
    since = deliver(suite, "inclprivate", "inclprivate@example.test")
    assert [line.partition(": ")[2] for line in suite.log(since).splitlines() if "status=" in line and "orig_to=<inclprivate@" in line and "status=sent" in line]


@pytest.mark.parametrize("name", ["simple", "chain", "many", "quoted", "incl", "list", "dup", "away", "loop1", "error", "inclbad"])
def test_alias(suite, name):
    since = suite.log_size()
    send(suite, "joe@example.net", name + "@example.test", message("alias-" + name))
    suite.wait_queue_empty()
    suite.wait_log("disconnect from", since=since)
    golden("local_alias_" + name, masks.history(suite.log(since)))


def test_list_with_an_owner_changes_the_sender(suite):
    deliver(suite, "owned", "list@example.test")
    golden("local_owner_mbox", with_subject(suite, "alice", "owned"))


def test_list_owner_gets_the_bounces(suite):
    suite.write("/etc/lists/team", "alice\nno-such-user\n")
    try:
        since = deliver(suite, "owner-bounce", "list@example.test")
        story(suite, "owner_bounce", since)
    finally:
        suite.write("/etc/lists/team", FILES["/etc/lists/team"])


def test_alias_to_file(suite):
    since = deliver(suite, "tofile", "tofile@example.test")
    golden("local_tofile", masks.mask(suite.sh("cat /var/mail/archive; stat -c '%a %U' /var/mail/archive")))
    story(suite, "tofile", since)


def test_alias_to_maildir(suite):
    since = deliver(suite, "tomaildir", "tomaildir@example.test")
    golden("local_tomaildir", masks.mask(suite.sh("cd /var/mail/archive.d; cat new/*; ls; stat -c '%a %U' . new new/*; ls tmp cur")))
    story(suite, "tomaildir", since)


def test_alias_to_command(suite):
    since = deliver(suite, "tocmd", "tocmd+ext@example.test")
    golden("local_tocmd", masks.mask(suite.sh("cat /tmp/tocmd.out; stat -c '%U' /tmp/tocmd.out; grep -v -e ^PWD= -e ^_= -e ^OLDPWD= -e ^SHLVL= /tmp/tocmd.env")))
    story(suite, "tocmd", since)


@pytest.mark.parametrize("name", ["failcmd", "nousercmd"])
def test_alias_to_command_that_fails(suite, name):
    story(suite, name, deliver(suite, name, name + "@example.test"))


def test_alias_to_command_that_wants_another_try(suite):
    since = suite.log_size()
    send(suite, "joe@example.net", "tempcmd@example.test", message("tempcmd"))
    suite.wait_log("status=deferred", since=since)
    suite.wait_log("disconnect from", since=since)
    golden("local_tempcmd", masks.history(suite.log(since)))
    suite.delete_all()


def test_forward_with_a_copy(suite):
    since = deliver(suite, "fwd", "bob@example.test")
    golden("local_fwd_mbox", with_subject(suite, "bob", "fwd") + with_subject(suite, "carol", "fwd"))
    story(suite, "fwd", since)


def test_empty_forward_is_as_none(suite):
    story(suite, "fwd_empty", deliver(suite, "fwdempty", "carol@example.test"))


def test_forward_to_command(suite):
    since = deliver(suite, "fwdcmd", "dave+Ext@example.test")
    golden("local_fwdcmd", masks.mask(suite.sh("cat /home/dave/piped; stat -c '%U' /home/dave/piped; grep -v -e ^PWD= -e ^_= -e ^OLDPWD= -e ^SHLVL= /home/dave/env")))
    story(suite, "fwdcmd", since)


def test_forward_by_extension_to_files(suite):
    since = deliver(suite, "fwdfiles", "dave+files@example.test")
    golden("local_fwdfiles", masks.mask(suite.sh("cd /home/dave; cat box; cat Mail/new/*; stat -c '%a %U' box Mail Mail/new Mail/new/*")))
    story(suite, "fwdfiles", since)


def test_forward_loop(suite):
    story(suite, "fwdloop", deliver(suite, "fwdloop", "erin@example.test"))


def test_delivered_to_loop_bounces(suite):
    since = suite.log_size()
    send(suite, "joe@example.net", "alice@example.test", "Delivered-To: alice@example.test\n" + message("dloop"))
    suite.wait_queue_empty()
    suite.wait_log("disconnect from", since=since)
    story(suite, "delivered_to_loop", since)


def test_forward_runs_sendmail(suite):
    suite.write("/home/heidi/.forward", "\"|/usr/sbin/sendmail -f heidi@example.test alice@example.test\"\n")
    try:
        since = deliver(suite, "fwdsendmail", "heidi@example.test")
        suite.wait_log(r"to=<alice@example.test>.*status=sent", since=since)
        suite.wait_queue_empty()
        golden("local_fwdsendmail", with_subject(suite, "alice", "fwdsendmail"))
    finally:
        os.unlink(suite.path("/home/heidi/.forward"))


@pytest.mark.parametrize("case", ["world_writable", "not_mine", "loop_home"])
def test_forward_that_is_not_trusted(suite, case):
    suite.write("/home/heidi/.forward", "alice\n")
    path = suite.path("/home/heidi/.forward")
    if case == "world_writable":
        os.chmod(path, 0o666)
    elif case == "not_mine":
        os.chown(path, 1001, 1001)
    else:
        os.unlink(path)
        os.symlink("/home/heidi/.forward", path)
    try:
        since = suite.log_size()
        send(suite, "joe@example.net", "heidi@example.test", message("untrusted"))
        suite.wait_status(since)
        suite.wait_log("disconnect from", since=since)
        golden("local_forward_" + case, masks.history(suite.log(since)))
        suite.delete_all()
    finally:
        os.unlink(path)


def test_unknown_user_by_sendmail_bounces_to_the_sender(suite):
    since = suite.log_size()
    done = suite.run("sendmail", "-f", "bob@example.test", "no-such-user", input=message("unknown").encode(), user="bob")
    assert done.returncode == 0, done.stderr
    suite.wait_log("non-delivery notification", since=since)
    suite.wait_queue_empty()
    story(suite, "unknown", since)


def test_no_new_message_in_a_mailbox_that_is_a_directory(suite):
    os.mkdir(suite.path("/var/mail/frank"))
    os.rename(suite.path("/home/frank/.forward"), suite.path("/home/frank/forward"))
    try:
        since = suite.log_size()
        send(suite, "joe@example.net", "frank@example.test", message("isdir"))
        suite.wait_log("disconnect from", since=since)
        suite.wait_log(r"sender non-delivery notification", since=since)
        suite.wait_queue_empty()
        golden("local_mailbox_is_directory", masks.history(suite.log(since)))
    finally:
        os.rmdir(suite.path("/var/mail/frank"))
        os.rename(suite.path("/home/frank/forward"), suite.path("/home/frank/.forward"))
