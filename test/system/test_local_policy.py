"""What local(8) may do for whom: commands and files by their origin, owners of lists and mailboxes, the Delivered-To: header."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import send

pytestmark = pytest.mark.root

MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nHello.\n"
FILES = {
    "/etc/aliases": "postmaster: root\nroot: heidi\n"
                    "a-cmd: \"|cat >/tmp/a-cmd\"\na-file: /tmp/a-file\n"
                    "i-cmd: :include:/etc/postfix/list-cmd\ni-file: :include:/etc/postfix/list-file\n"
                    "list: bob, carol\nowner-list: dave\ninner: erin\nouter: inner, list\nowner-outer: frank\nplain: list\n"
                    "mixed: :include:/etc/postfix/list-mixed\nowner-mixed: frank\nunowned: :include:/etc/postfix/list-mixed\n"
                    "bounces: no-such-user\nowner-bounces: dave\n",
    "/etc/postfix/list-cmd": "\"|cat >/tmp/i-cmd\"\n",
    "/etc/postfix/list-mixed": "inner, list\nheidi\n",
    "/etc/postfix/list-file": "/tmp/i-file\n",
    "/home/alice/.forward": "\"|cat >/home/alice/f-cmd\"\n",
    "/home/bob/.forward+file": "/home/bob/f-file\n",
    "/home/carol/.forward+on": "heidi\n",
    "/home/carol/.forward+lists": "inner, list\n",
}
KINDS = {"a-cmd": "a-cmd", "a-file": "a-file", "i-cmd": "i-cmd", "i-file": "i-file", "f-cmd": "alice", "f-file": "bob+file"}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"default_transport": "discard:elsewhere", "bounce_size_limit": "1"}, files=FILES) as s:
        yield s


def deliver(suite, name, recipient):
    since = suite.log_size()
    send(suite, "joe@example.net", recipient, MESSAGE % (name, name))
    suite.wait_log("disconnect from", since=since)
    suite.wait_status(since, count=len(recipient) if isinstance(recipient, list) else 1)
    suite.sync_log()
    text = without_order(masks.history(suite.log(since)))
    if "deferred" in text:
        suite.delete_all()
    suite.sync_log()
    return text


def without_order(text):
    """Which of the new messages of one delivery is made first does not matter."""
    stories = re.sub(r"\{q\d+\}", "{q}", text).split("\n\n")
    return "\n\n".join(sorted("\n".join(sorted(story.splitlines())) for story in stories)) + "\n"


@pytest.mark.parametrize("allowed", ["none", "alias", "forward", "include", "all"])
def test_commands_and_files_by_origin(suite, settings, allowed):
    words = {"none": "", "all": "alias, forward, include"}.get(allowed, allowed)
    settings(allow_mail_to_commands=words, allow_mail_to_files=words)
    golden("policy_allowed_" + allowed, "".join("== %s\n%s\n" % (kind, deliver(suite, kind, to + "@example.test")) for kind, to in KINDS.items()))


@pytest.mark.parametrize("expand", ["no", "yes"])
@pytest.mark.parametrize("reset", ["no", "yes"])
def test_owners(suite, settings, expand, reset):
    """A list with an owner, one within another, one that loses its owner on the way, and who hears of what fails."""
    settings(expand_owner_alias=expand, reset_owner_alias=reset)
    golden("policy_owner_%s_%s" % (expand, reset), "".join(
        "== %s\n%s\n" % (name, deliver(suite, "own-" + name, name + "@example.test")) for name in ("list", "outer", "plain", "mixed", "unowned", "bounces")))


def test_forward_to_aliases(suite, settings):
    golden("policy_forward_to_aliases", deliver(suite, "fwdalias", "carol+lists@example.test"))


@pytest.mark.parametrize("words", ["", "command", "file", "forward", "command, file, forward"])
def test_prepend_delivered_header(suite, settings, words):
    settings(prepend_delivered_header=words, home_mailbox="Box")
    suite.sh("rm -f /tmp/a-* /tmp/i-* /home/*/Box")
    deliver(suite, "dt", ["a-cmd@example.test", "a-file@example.test", "carol+on@example.test"])
    found = suite.sh("for f in /tmp/a-cmd /tmp/a-file /home/heidi/Box; do echo == $f; grep -i '^delivered-to' $f || true; done")
    golden("policy_delivered_%s" % re.sub(r"\W+", "_", words or "none"), found)


@pytest.mark.parametrize("strict", ["yes", "no"])
def test_strict_mailbox_ownership(suite, settings, strict):
    settings(strict_mailbox_ownership=strict)
    suite.sh("rm -f /var/mail/frank; install -o erin -g mail -m 666 /dev/null /var/mail/frank")
    golden("policy_ownership_" + strict, deliver(suite, "owned", "frank@example.test"))


def test_mail_spool_directory_with_a_slash(suite, settings):
    settings(mail_spool_directory="/var/mail/")
    suite.sh("chmod 1777 /var/mail; rm -rf /var/mail/erin")
    golden("policy_spool_slash", deliver(suite, "spool", "erin@example.test"))
    golden("policy_spool_slash_files", suite.sh("cd /var/mail/erin; stat -c '%a %U %G' . new tmp cur new/*"))


@pytest.mark.parametrize("parameter", ["allow_mail_to_commands", "allow_mail_to_files", "prepend_delivered_header"])
def test_unknown_word(parameter):
    with make(main_cf={parameter: "forward, nonsense"}) as suite:
        send(suite, "joe@example.net", "heidi@example.test")
        found = suite.wait_log(r"/(?:local|cleanup)\[\d+\]: (?:fatal|warning|error): .*nonsense.*$")
        golden("policy_unknown_" + parameter, re.sub(r".*\[\d+\]: ", "", found[0].group(0)) + "\n")
