"""local(8)'s parameters: each group of settings on one instance, changed by postconf -e and reload."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Refused, send

pytestmark = pytest.mark.root

MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"
FILES = {"/home/alice/.procmailrc": ":0\n* ^Subject: filed\nfiled\n",
         "/etc/aliases": "postmaster: root\nroot: heidi\nto-command: \"|cat >/tmp/out\"\n"}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"default_transport": "discard:elsewhere"}, files=FILES) as s:
        yield s


def deliver(suite, name, recipient, body="Hello.", wait="removed"):
    since = suite.log_size()
    send(suite, "joe@example.net", recipient, MESSAGE % (name, name, body))
    if wait == "removed":
        suite.wait_queue_empty()
    else:
        suite.wait_status(since)
    suite.wait_log("disconnect from", since=since)
    return masks.history(suite.log(since))


def test_home_mailbox_maildir(suite, settings):
    settings(home_mailbox="Maildir/")
    golden("set_maildir", deliver(suite, "maildir", "alice@example.test"))
    golden("set_maildir_file", masks.mask(suite.sh("cd /home/alice/Maildir; cat new/*; stat -c '%a %U' . new tmp cur new/*; ls tmp cur")))
    name = suite.sh("ls /home/alice/Maildir/new").strip()
    assert re.fullmatch(r"\d{10}\.V[0-9a-f]+I[0-9a-f]+M\d+\.mail\.example\.test", name)


def test_home_mailbox_file(suite, settings):
    settings(home_mailbox="mail/inbox")
    suite.sh("install -d -o bob -g bob /home/bob/mail")
    golden("set_home_file", deliver(suite, "homefile", "bob@example.test"))
    golden("set_home_file_file", masks.mask(suite.sh("cat /home/bob/mail/inbox; stat -c '%a %U' /home/bob/mail/inbox")))


def test_mail_spool_directory_of_maildirs(suite, settings):
    suite.sh("install -d -m 1777 /var/mail/dirs")
    settings(mail_spool_directory="/var/mail/dirs/")
    golden("set_spool_maildir", deliver(suite, "spooldir", "carol@example.test"))
    golden("set_spool_maildir_file", masks.mask(suite.sh("cd /var/mail/dirs/carol; ls; cat new/*; stat -c '%a %U' . new new/*")))


def test_mailbox_command_procmail(suite, settings):
    settings(mailbox_command="/usr/bin/procmail -a \"$EXTENSION\"")
    if suite.run("test", "-x", "/usr/bin/procmail").returncode:
        pytest.skip("no procmail")
    golden("set_procmail", deliver(suite, "filed", "alice+ext@example.test"))
    golden("set_procmail_file", masks.mask(suite.sh("cat /home/alice/filed")))


def test_mailbox_command_environment(suite, settings):
    settings(mailbox_command="env | grep -v -e ^PWD= -e ^_= -e ^OLDPWD= -e ^SHLVL= | sort >/home/dave/env; id -un >/home/dave/id; cat >/home/dave/msg; pwd >/home/dave/pwd")
    golden("set_mailbox_command", deliver(suite, "cmdenv", "dave+x.y@example.test"))
    golden("set_mailbox_command_env", masks.mask(suite.sh("cd /home/dave; cat env id pwd msg")))


def test_mailbox_command_has_no_priority_of_ours(suite, settings):
    """The daemons' scheduling policy is not its own: field 41 of proc(5)'s stat is SCHED_OTHER."""
    settings(mailbox_command="cut -d ' ' -f 41 /proc/self/stat >/home/dave/policy; cat >/dev/null")
    deliver(suite, "policy", "dave@example.test")
    assert suite.sh("cat /home/dave/policy") == "0\n"


@pytest.mark.parametrize("code", [1, 64, 65, 67, 69, 70, 71, 73, 75, 77, 78, 99, 127])
def test_mailbox_command_exit_codes(suite, settings, code):
    if code == 1:
        suite.write("/usr/local/bin/exit-by-subject", "#!/bin/sh\nn=$(sed -n 's/^Subject: exit//p')\necho \"told to exit $n\"\nexit $n\n", mode=0o755)
    settings(mailbox_command="/usr/local/bin/exit-by-subject")
    golden("set_exit_%d" % code, deliver(suite, "exit%d" % code, "erin@example.test", wait="status"))
    suite.delete_all()


def test_mailbox_command_maps(suite, settings):
    settings(mailbox_command_maps="inline:{{erin = cat >/home/erin/mapped}}")
    golden("set_mailbox_command_maps", deliver(suite, "cmdmaps", "erin@example.test"))


def test_mailbox_size_limit(suite, settings):
    settings(mailbox_size_limit="4000", message_size_limit="3900", bounce_size_limit="500")
    golden("set_size_limit_small", deliver(suite, "small", "frank@example.test"))
    deliver(suite, "more", "frank@example.test", "x\n" * 900)
    golden("set_size_limit_full", deliver(suite, "full", "frank@example.test", "x\n" * 900))


def test_luser_relay(suite, settings):
    settings(luser_relay="alice+$local@example.test", local_recipient_maps="")
    golden("set_luser_relay", deliver(suite, "luser", "no-such-user+x@example.test"))


def test_luser_relay_forms(suite, settings):
    settings(luser_relay="$user@other.$mydomain", local_recipient_maps="", mydomain="example.test")
    golden("set_luser_relay_user", deliver(suite, "luser2", "no-such-user@example.test"))


def test_fallback_transport(suite, settings):
    settings(fallback_transport="discard:fallback", local_recipient_maps="")
    golden("set_fallback_transport", deliver(suite, "fallback", "no-such-user@example.test"))


def test_mailbox_transport(suite, settings):
    settings(mailbox_transport="discard:mailbox")
    golden("set_mailbox_transport", deliver(suite, "mbxtr", "alice@example.test"))


def test_forward_path(suite, settings):
    suite.write("/home/alice/my.fwd", "bob\n")
    settings(forward_path="$home/my.fwd")
    golden("set_forward_path", deliver(suite, "fwdpath", "alice@example.test"))
    settings(forward_path="")
    golden("set_forward_path_none", deliver(suite, "fwdnone", "alice@example.test"))


def test_recipient_delimiter(suite, settings):
    settings(recipient_delimiter="-+")
    golden("set_delimiters", deliver(suite, "delim", "alice-x@example.test"))
    settings(recipient_delimiter="")
    with pytest.raises(Refused, match="550 5.1.1"):
        deliver(suite, "delim", "alice+x@example.test")


def test_allow_mail_to_commands(suite, settings):
    settings(allow_mail_to_commands="forward")
    golden("set_no_commands", deliver(suite, "nocmd", "to-command@example.test"))


def test_prepend_delivered_header(suite, settings):
    settings(prepend_delivered_header="forward")
    deliver(suite, "nodt", "heidi@example.test")
    golden("set_no_delivered_to", masks.mask(suite.messages("heidi", 1)[-1].decode()))


def test_mailbox_delivery_lock(suite, settings):
    settings(mailbox_delivery_lock="flock, dotlock")
    golden("set_lock", deliver(suite, "lock", "heidi@example.test"))


def test_always_bcc(suite, settings):
    settings(always_bcc="heidi@example.test")
    golden("set_always_bcc", deliver(suite, "bcc", "alice@example.test"))


def test_expand_owner_alias(suite, settings):
    settings(local_destination_recipient_limit="5")
    golden("set_recipient_limit", deliver(suite, "two", ["alice@example.test", "bob@example.test"]))


def test_local_header_rewrite_clients(suite, settings):
    settings()
    since = suite.log_size()
    send(suite, "joe", "bob@example.test", "Subject: rewrite\nFrom: joe\nTo: bob, x@y\n\nx\n")
    suite.wait_queue_empty()
    golden("set_rewrite", masks.mask([m for m in suite.messages("bob", 1) if b"rewrite" in m][-1].decode()))


def test_local_transport_that_defers(suite, settings):
    settings(local_transport="retry:4.3.2 closed for today")
    since = suite.log_size()
    suite.sh("printf 'Message-Id: <wait@example.net>\\n\\nx\\n' | sendmail -f joe@example.net alice")
    suite.wait_log("status=deferred", since=since)
    golden("set_retry", masks.history(suite.log(since)))
    suite.delete_all()
