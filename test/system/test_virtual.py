"""virtual(8) and the maps on the way: hosted domains, virtual aliases, bcc."""
import os

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import send

pytestmark = pytest.mark.root

MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"
FILES = {
    "/etc/postfix/vmail": "box@hosted.example hosted/box\nmaildir@hosted.example hosted/maildir/\nforeign@hosted.example hosted/foreign/\n"
                          "low@hosted.example hosted/low/\n@catch.example catch/all/\nbad@hosted.example ../../../tmp/bad\nnouid@hosted.example hosted/nouid\n",
    "/etc/postfix/vuid": "foreign@hosted.example 1002\nlow@hosted.example 50\n@catch.example 1003\nbox@hosted.example 1001\nmaildir@hosted.example 1001\nbad@hosted.example 1001\n",
    "/etc/postfix/valias": "one@alias.example alice@example.test\nmany@alias.example alice@example.test, bob@example.test\n@every.example carol\n"
                           "chain@alias.example one@alias.example\nloop@alias.example loop@alias.example\nroot@example.test heidi\ninto@alias.example maildir@hosted.example\n"
                           "dup@alias.example many@alias.example, alice@example.test\nkeep@example.test keep@example.test, bob@example.test\nalias.example x\nevery.example x\n",
}


@pytest.fixture(scope="module")
def suite():
    main_cf = {"virtual_mailbox_domains": "hosted.example, catch.example", "virtual_mailbox_maps": "hash:/etc/postfix/vmail",
               "virtual_mailbox_base": "/home/vmail", "virtual_uid_maps": "hash:/etc/postfix/vuid", "virtual_gid_maps": "static:1001",
               "virtual_alias_maps": "hash:/etc/postfix/valias", "virtual_mailbox_limit": "4000", "message_size_limit": "3900", "bounce_size_limit": "500",
               "default_transport": "discard:elsewhere"}
    prepare = ["postmap /etc/postfix/vmail /etc/postfix/vuid /etc/postfix/valias", "mkdir -p /home/vmail/hosted /home/vmail/catch; chmod 777 /home/vmail/*"]
    with make(main_cf=main_cf, files=FILES, prepare=prepare) as s:
        yield s


def deliver(suite, name, recipients, until=None, body="Hello.", **options):
    since = suite.log_size()
    qid = send(suite, "joe@example.net", recipients, MESSAGE % (name, name, body), **options)
    if until:
        suite.wait_status(since, count=until)
    else:
        suite.wait_removed(qid)
        suite.wait_queue_empty()
    suite.wait_log("disconnect from", since=since)
    text = masks.history(suite.log(since))
    if until:
        suite.delete_all()
    return text


def test_mbox(suite):
    golden("virtual_mbox_log", deliver(suite, "vbox", "box@hosted.example"))
    golden("virtual_mbox", masks.mask(suite.sh("cd /home/vmail/hosted; cat box; stat -c '%a %u %g' box")))


def test_maildir(suite):
    golden("virtual_maildir_log", deliver(suite, "vmaildir", "MailDir+ext@Hosted.Example"))
    golden("virtual_maildir", masks.mask(suite.sh("cd /home/vmail/hosted/maildir; cat new/*; stat -c '%a %u %g' . new tmp cur new/*")))


def test_maildir_of_another_uid(suite):
    golden("virtual_uid_log", deliver(suite, "vuid", "foreign@hosted.example"))
    assert suite.sh("stat -c '%u %g' /home/vmail/hosted/foreign/new/*") == "1002 1001\n"


def test_catch_all(suite):
    golden("virtual_catch_all_log", deliver(suite, "vcatch", "any.one@catch.example"))


@pytest.mark.parametrize("name", ["low", "nouid", "bad"])
def test_what_is_refused(suite, name):
    golden("virtual_%s_log" % name, deliver(suite, "v" + name, name + "@hosted.example", until=1))


def test_mailbox_limit(suite):
    deliver(suite, "vfill", "box@hosted.example", body="x" * 1500)
    golden("virtual_limit_log", deliver(suite, "vfull", "box@hosted.example", body="x" * 2000))


@pytest.mark.parametrize("name, recipient", [
    ("one", "one@alias.example"), ("many", "many@alias.example"), ("every", "any@every.example"), ("chain", "chain@alias.example"), ("into", "into@alias.example"),
    ("dup", "dup@alias.example"), ("root", "root"), ("keep", "keep@example.test"), ("ext", "one+ext@alias.example"), ("loop", "loop@alias.example"),
])
def test_virtual_alias(suite, name, recipient):
    golden("valias_" + name, deliver(suite, "valias-" + name, recipient, until={"loop": 1, "keep": 2}.get(name)))


def test_a_changed_table_is_seen(suite):
    suite.write("/etc/postfix/valias", FILES["/etc/postfix/valias"] + "new@alias.example bob@example.test\n")
    suite.sh("postmap /etc/postfix/valias")
    suite.wait_until(lambda: suite.run("postmap", "-q", "new@alias.example", "hash:/etc/postfix/valias").returncode == 0, suite.path("/etc/postfix"))
    assert "orig_to=<new@alias.example>" in deliver(suite, "changed", "new@alias.example")
