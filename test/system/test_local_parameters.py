"""local(8)'s and virtual(8)'s parameters that test_local_settings.py does not have: commands, filters, locks."""
import fcntl

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import send

pytestmark = pytest.mark.root

MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nHello.\n"
SHOW = "#!/bin/sh\necho \"$EXTENSION in $(pwd) by $0\" >>/tmp/shown\n"
FILES = {
    "/usr/local/bin/show": SHOW,
    "/usr/local/bin/shell": "#!/bin/sh\necho \"$0 $*\" >>/tmp/shown\nexec /bin/sh \"$@\"\n",
    "/etc/aliases": "postmaster: root\nchain: bob\nhang: \"|/usr/bin/tail -f /dev/null\"\nsimple: \"|/usr/local/bin/show\"\n",
    "/home/alice/.forward-a_b": "carol\n",
    "/home/alice/.forward-a.b": "dave\n",
    "/home/bob/.forward": "\\bob, frank\n",
}


@pytest.fixture(scope="module")
def suite():
    main_cf = {"default_transport": "discard:elsewhere", "local_recipient_maps": "", "virtual_mailbox_domains": "hosted.example",
               "virtual_mailbox_maps": "inline:{box@hosted.example=box}", "virtual_mailbox_base": "/home/vmail", "virtual_uid_maps": "static:1001",
               "virtual_gid_maps": "static:1001", "deliver_lock_attempts": "1", "notify_classes": ""}
    prepare = ["chmod 755 /usr/local/bin/*", "mkdir -p /home/vmail; chmod 777 /home/vmail"]
    with make(main_cf=main_cf, files=FILES, prepare=prepare) as s:
        yield s


def deliver(suite, name, recipient):
    """The log of a message, when all is told; what is deferred is taken away."""
    since = suite.log_size()
    send(suite, "joe@example.net", recipient, MESSAGE % (name, name))
    suite.wait_status(since)
    suite.wait_log("disconnect from", since=since)
    log = masks.history(suite.log(since))
    suite.delete_all()
    suite.sync_log()
    return log


# What a command said, with each of these settings: a mail to alice+a.b^c.
COMMANDS = {
    "default": ({}, "a.b_c in /var/spool/postfix by /usr/local/bin/show\n"),
    "home": ({"command_execution_directory": "$home"}, "a.b_c in /home/alice by /usr/local/bin/show\n"),
    "no_directory": ({"command_execution_directory": "/home/none"}, ""),
    "extension": ({"command_execution_directory": "/tmp/$extension"}, "a.b_c in /tmp/a.b_c by /usr/local/bin/show\n"),
    "extension_filtered": ({"command_execution_directory": "/tmp/$extension", "execution_directory_expansion_filter": "abc"},
                           "a.b_c in /tmp/a_b_c by /usr/local/bin/show\n"),
    "filtered": ({"command_expansion_filter": "ab"}, "a_b__ in /var/spool/postfix by /usr/local/bin/show\n"),
    "filter_of_all": ({"command_expansion_filter": "abc.^"}, "a.b^c in /var/spool/postfix by /usr/local/bin/show\n"),
    "shell": ({"local_command_shell": "/usr/local/bin/shell -c"},
              "/usr/local/bin/shell -c /usr/local/bin/show\na.b_c in /var/spool/postfix by /usr/local/bin/show\n"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_command(suite, settings, name):
    suite.sh("rm -f /tmp/shown; mkdir -p /tmp/a.b_c /tmp/a_b_c; chmod 1777 /tmp")
    settings(mailbox_command="/usr/local/bin/show", **COMMANDS[name][0])
    log = deliver(suite, name, "erin+a.b^c@example.test" if name != "home" else "alice+a.b^c@example.test")
    assert suite.sh("cat /tmp/shown 2>/dev/null || :") == COMMANDS[name][1]
    assert ("status=sent (delivered to command: /usr/local/bin/show)" if COMMANDS[name][1] else "dsn=4.3.0, status=deferred (") in log


@pytest.mark.parametrize("name, settings_, recipient", [
    ("time_limit", {"command_time_limit": "1s"}, "hang@example.test"),
    ("fallback_maps", {"fallback_transport_maps": "inline:{nobody1=discard:mapped}", "fallback_transport": "discard:other"}, "nobody1+x@example.test"),
    ("fallback_maps_other", {"fallback_transport_maps": "inline:{nobody1=discard:mapped}", "fallback_transport": "discard:other"}, "nobody2@example.test"),
    ("transport_maps", {"mailbox_transport_maps": "inline:{heidi=discard:mapped}", "mailbox_transport": "discard:other"}, "heidi+x@example.test"),
    ("transport_maps_other", {"mailbox_transport_maps": "inline:{heidi=discard:mapped}", "mailbox_transport": "discard:other"}, "erin@example.test"),
    ("forward", {"forward_path": "$home/.forward-$extension"}, "alice+a.b@example.test"),
    ("forward_filter", {"forward_path": "$home/.forward-$extension", "forward_expansion_filter": "ab"}, "alice+a.b@example.test"),
    ("frozen", {}, "chain@example.test"),
    ("frozen_no", {"frozen_delivered_to": "no"}, "chain@example.test"),
    ("home_not_required", {}, "heidi@example.test"),
    ("home_required", {"require_home_directory": "yes"}, "heidi@example.test"),
])
def test_local(suite, settings, name, settings_, recipient):
    settings(**settings_)
    if name.startswith("home"):
        suite.sh("rm -rf /home/heidi")
    golden("local_param_" + name, deliver(suite, name, recipient))
    if name.startswith("frozen"):
        golden("local_param_%s_mbox" % name, masks.mask(suite.messages("frank", 1)[-1].decode()))


@pytest.mark.parametrize("is_set, held", [("yes", "fcntl"), ("yes", "dotlock"), ("no", "fcntl"), ("no", "dotlock")])
def test_sun_mailtool_compatibility(suite, settings, is_set, held):
    settings(sun_mailtool_compatibility=is_set, mailbox_delivery_lock="fcntl, dotlock")
    suite.sh("rm -f /var/mail/heidi.lock; touch /var/mail/heidi; chown heidi:mail /var/mail/heidi")
    with open(suite.path("/var/mail/heidi"), "r+b") as box:
        if held == "dotlock":
            suite.sh("touch /var/mail/heidi.lock")
        else:
            fcntl.lockf(box, fcntl.LOCK_EX)
        golden("local_mailtool_%s_%s" % (is_set, held), deliver(suite, "mailtool", "heidi@example.test"))
    suite.sh("rm -f /var/mail/heidi.lock")


def test_sun_mailtool_compatibility_leaves_no_lock(suite, settings):
    settings(sun_mailtool_compatibility="yes", mailbox_delivery_lock="fcntl")
    since = suite.log_size()
    send(suite, "joe@example.net", "heidi@example.test")
    suite.wait_log(r"fatal: parameter mailbox_delivery_lock specifies no applicable mailbox locking method", since=since)
    suite.delete_all()


@pytest.mark.parametrize("lock, held", [("dotlock", "dotlock"), ("fcntl", "dotlock"), ("fcntl", "fcntl"), ("flock", "fcntl"), ("flock", "flock"), ("dotlock", "flock")])
def test_virtual_mailbox_lock(suite, settings, lock, held):
    settings(virtual_mailbox_lock=lock)
    suite.sh("rm -f /home/vmail/box.lock; touch /home/vmail/box; chown 1001:1001 /home/vmail/box")
    with open(suite.path("/home/vmail/box"), "r+b") as box:
        if held == "dotlock":
            suite.sh("touch /home/vmail/box.lock")
        elif held == "fcntl":
            fcntl.lockf(box, fcntl.LOCK_EX)
        else:
            fcntl.flock(box, fcntl.LOCK_EX)
        log = deliver(suite, "lock", "box@hosted.example")
    assert ("status=deferred" if lock == held else "status=sent") in log
