"""What may be made of the codes and texts with which deliveries end: *_delivery_status_filter, smtp_reply_filter."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Sink, send

pytestmark = pytest.mark.root

FILTERS = {
    "success": r"/^(2\.\S+) (delivered .*)/ $1 \o/ $2",
    "to4": "/./ 4.3.2 all later",
    "to5": "/./ 5.3.2 never",
    "to2": "/^[45]/ 2.3.2 fine",
    "nonsense": "/./ nonsense",
    "no_text": "/./ 5.3.4",
    "of_a_reply": "/^5(\\.\\S+) .*said: (.*)/ 4$1 they say $2",
}
FILES = {
    "/etc/aliases": "postmaster: root\nfwd: x@away.example\ncopies: frank\n",
    "/etc/postfix/mailboxes": "known@virtual.example box\n",
    **{"/etc/postfix/%s" % name: rule + "\n" for name, rule in FILTERS.items()},
}
MASTER = ["thepipe unix - n n - - pipe user=nobody argv=/bin/sh -c ${mailbox}"]
MAIN_CF = {
    "local_recipient_maps": "", "notify_classes": "", "default_transport": "discard:away", "virtual_mailbox_domains": "virtual.example",
    "virtual_mailbox_maps": "texthash:/etc/postfix/mailboxes", "virtual_mailbox_base": "/var/mail", "virtual_uid_maps": "static:65534",
    "virtual_gid_maps": "static:65534", "smtpd_reject_unlisted_recipient": "no",
    "transport_maps": "inline:{pipe.example=thepipe: refused.example=smtp:[127.0.0.9]:9 {error.example = error:5.1.0 no} {retry.example = retry:4.1.0 no}}",
}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf=MAIN_CF, files=FILES, master=MASTER) as s:
        yield s


def ended(suite, recipient, until=r"status=\w+ \(.*\)$", sender="", warnings=True):
    """What the log says of one delivery: warnings, code, status and text."""
    since = suite.log_size()
    suite.run("sendmail", "-f", sender, recipient, input=b"Subject: filter\n\nHello.\n")
    suite.wait_log(until, since=since)
    suite.sync_log()
    log = masks.mask(suite.log(since))
    suite.delete_all()
    log = re.sub(r"forwarded as \S+", "forwarded as {id}", log)
    lines = re.findall(r"(?m)^.*?: (?:(warning: .*)|\S+: to=.*(dsn=.*))$", log)
    return [a or b for a, b in lines if warnings or b]


CASES = {
    "success": ["alice@example.test"],
    "to4": ["alice@example.test", "nobody-here@example.test", "unknown@virtual.example", '"exit 1"@pipe.example', "x@error.example"],
    "to5": ["fwd@example.test", "x@refused.example", '"exit 75"@pipe.example', "x@retry.example", "x@away.example"],
    "to2": ["nobody-here@example.test", "x@refused.example"],
    "nonsense": ["alice@example.test", "nobody-here@example.test"],
    "no_text": ["nobody-here@example.test"],
}


@pytest.mark.parametrize("name", CASES)
def test_default_delivery_status_filter(suite, settings, name):
    settings(default_delivery_status_filter="regexp:/etc/postfix/" + name)
    last = {"fwd@example.test": r"status=sent \(away\)$"}   # the copy's delivery comes after that of the message
    told = [(r, ended(suite, r, last.get(r, r"status=\w+ \(.*\)$"))) for r in CASES[name]]
    golden("status_filter_" + name, "\n".join("%s\n    %s" % (r, "\n    ".join(lines)) for r, lines in told))


def test_filter_that_cannot_be_asked(suite, settings):
    settings(local_delivery_status_filter="fail:now")
    golden("status_filter_fail", "\n".join(ended(suite, "alice@example.test") + ended(suite, "nobody-here@example.test")))


@pytest.mark.parametrize("parameter, recipient", [
    ("local_delivery_status_filter", "nobody-here@example.test"), ("virtual_delivery_status_filter", "unknown@virtual.example"), ("pipe_delivery_status_filter", '"exit 1"@pipe.example'), ("smtp_delivery_status_filter", "x@refused.example"),
])
def test_filter_of_one_agent(suite, settings, parameter, recipient):
    changed = "dsn=4.3.2, status=deferred (all later)"
    settings(**{parameter: "regexp:/etc/postfix/to4", "default_delivery_status_filter": "regexp:/etc/postfix/nonsense"})
    assert ended(suite, recipient, warnings=False)[0] == changed
    other = "x@refused.example" if not parameter.startswith("smtp") else "nobody-here@example.test"
    assert changed not in ended(suite, other)


@pytest.mark.parametrize("name", ["to4", "to5"])
def test_filter_and_soft_bounce(suite, settings, name):
    settings(soft_bounce="yes", local_delivery_status_filter="regexp:/etc/postfix/" + name)
    golden("status_filter_soft_" + name, "\n".join(ended(suite, "nobody-here@example.test")))


def test_notice_of_a_filtered_reply(suite, settings):
    """What the notice says of a failure whose status and text were changed."""
    with Sink(answers={"RCPT": "450 4.2.0 Not now"}) as sink:
        settings(default_transport="smtp:" + sink.nexthop, smtp_delivery_status_filter="regexp:/etc/postfix/to5")
        qid = send(suite, "alice@example.test", "x@away.example")
        notice = suite.wait_until(lambda: [m for m in suite.messages("alice", count=0) if b"Queue-ID: " + qid.encode() in m] or None, suite.path("/var/mail"))
        golden("status_filter_notice", masks.mask(notice[0].decode()))
