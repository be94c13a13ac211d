"""Mail that waits: deferral, flush, the listings, postsuper, postcat; notices about it."""
import json
import re

import pytest

from suite import make, masks
from suite.base import free_port
from suite.golden import golden
from suite.smtp import Sink, send

pytestmark = pytest.mark.root

MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"


@pytest.fixture
def sink():
    """A next hop that says "later" until it is told otherwise."""
    with Sink(address=("127.0.0.1", PORT), answers={"RCPT": "450 4.2.0 come again"}) as s:
        yield s


PORT = free_port()


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"relayhost": "[127.0.0.1]:%d" % PORT, "relay_domains": "relayed.example", "smtp_connection_cache_on_demand": "no",
                       "delay_warning_time": "1h", "bounce_size_limit": "2000"}) as s:
        yield s


@pytest.fixture(autouse=True)
def clean(suite):
    yield
    suite.delete_all()


def put(suite, name, *recipients, sender="joe@example.net", body="Hello.", **options):
    """Leaves a message in the deferred queue; its id."""
    since = suite.log_size()
    qid = send(suite, sender, list(recipients) or ["x@elsewhere.example"], MESSAGE % (name, name, body), **options)
    suite.wait_log(r"%s: to=.*status=deferred" % qid, count=len(recipients) or 1, since=since)
    suite.wait_until(lambda: ("deferred", qid) in suite.queue_files(), suite.path(suite.queue_directory + "/deferred"), what="deferred/" + qid)
    return qid


def kbytes(text):
    return re.sub(r"(?m)^({qid}[*!#]?) +\d+ ", r"\1 {n} ", re.sub(r"-- \d+ Kbytes", "-- {n} Kbytes", masks.mask(text)))


def test_mailq(suite, sink):
    put(suite, "one")
    put(suite, "two", "a@elsewhere.example", "b@relayed.example", sender="")
    golden("queue_mailq", kbytes(suite.run("mailq", user="alice").stdout.decode()))


def test_mailq_line(suite, sink):
    """The widths of a line's columns, with its real id and size."""
    qid = put(suite, "width")
    text = suite.run("postqueue", "-p").stdout.decode()
    line = next(x for x in text.splitlines() if x.startswith(qid))
    assert re.fullmatch(r"%s {%d}%7s \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d  joe@example.net" % (qid, 12 - len(qid), r" *\d+"), line) or \
        re.fullmatch(r"%-11s? +\d+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d  joe@example.net" % qid, line), line
    assert re.search(r"^ {41}x@elsewhere.example$", text, re.M), text
    assert re.search(r"^ *\(host 127.0.0.1\[127.0.0.1\] said: 450 4.2.0 come again \(in reply to RCPT TO command\)\)$", text, re.M), text
    assert re.search(r"^-- \d+ Kbytes in 1 Request\.$", text, re.M), text


def test_json(suite, sink):
    put(suite, "json", "a@elsewhere.example", "b@relayed.example")
    lines = suite.run("postqueue", "-j").stdout.decode().splitlines()
    assert len(lines) == 1
    entry = json.loads(lines[0])
    assert list(entry) == ["queue_name", "queue_id", "arrival_time", "message_size", "forced_expire", "sender", "recipients"]
    assert (entry["queue_name"], entry["sender"], entry["forced_expire"]) == ("deferred", "joe@example.net", False)
    assert {(r["address"], r["delay_reason"]) for r in entry["recipients"]} == {
        (a, "host 127.0.0.1[127.0.0.1] said: 450 4.2.0 come again (in reply to RCPT TO command)") for a in ("a@elsewhere.example", "b@relayed.example")}


def test_flush(suite, sink):
    qid = put(suite, "flush")
    sink.answers = {}
    assert suite.run("postqueue", "-f", user="alice").returncode == 0
    suite.wait_removed(qid)
    assert len(sink.wait(1)) == 1


def test_flush_one(suite, sink):
    first, second = put(suite, "first"), put(suite, "second")
    sink.answers = {}
    assert suite.run("postqueue", "-i", second).returncode == 0
    suite.wait_removed(second)
    assert ("deferred", first) in suite.queue_files()


def test_flush_site(suite, sink):
    other, site = put(suite, "other"), put(suite, "site", "x@relayed.example")
    sink.answers = {}
    done = suite.run("postqueue", "-s", "relayed.example")
    assert done.returncode == 0, done.stderr
    suite.wait_removed(site)
    assert ("deferred", other) in suite.queue_files()


def test_hold_release_requeue_delete(suite, sink):
    qid = put(suite, "super")
    out = []
    for command in ("postsuper -h %s" % qid, "postsuper -H %s" % qid, "postsuper -d %s" % qid, "postsuper -d %s" % qid):
        done = suite.run("sh", "-c", command)
        out.append("$ %s\n%s%s? %d\n%s" % (command, done.stdout.decode(), done.stderr.decode(), done.returncode,
                                         kbytes(suite.run("mailq").stdout.decode())))
    golden("queue_postsuper", masks.ID.sub("{qid}", masks.mask("".join(out))))


def test_requeue_makes_a_new_message(suite, sink):
    qid = put(suite, "requeue")
    since = suite.log_size()
    sink.answers = {}
    done = suite.run("postsuper", "-r", qid)
    assert done.returncode == 0
    suite.sh("postqueue -f")   # wakes pickup too
    suite.wait_log("status=sent", since=since)
    suite.wait_queue_empty()
    golden("queue_requeue", masks.history(suite.log(since)))
    assert sink.messages[-1]["data"].count(b"Received:") == 2


def test_expire_by_hand(suite, sink):
    qid = put(suite, "expire", sender="alice@example.test")
    since = suite.log_size()
    done = suite.run("postsuper", "-e", qid)
    assert done.returncode == 0
    suite.sh("postqueue -f")
    suite.wait_log("removed", since=since, count=2)
    golden("queue_expire_log", masks.history(suite.log(since)))
    golden("queue_expire_notice", masks.mask(suite.messages("alice", 1)[-1].decode()))


def test_expire_by_hand_without_a_reason(suite, sink):
    """No attempt has left a reason behind: the notice has to say why."""
    qid = put(suite, "unreasoned", sender="alice@example.test")
    suite.sh("rm %s/defer/*/%s" % (suite.queue_directory, qid))
    since = suite.log_size()
    suite.sh("postsuper -e %s 2>/dev/null; postqueue -f" % qid)
    suite.wait_log("removed", since=since, count=2)
    golden("queue_expire_unreasoned_log", masks.history(suite.log(since)))
    assert "<x@elsewhere.example>: message is administratively expired" in suite.messages("alice", 1)[-1].decode()


def test_structure_check(suite, sink):
    """Files in wrong directories, and one whose name does not hold its inode, as after a restore; its defer log goes with it."""
    first, second = put(suite, "misplaced"), put(suite, "restored")
    suite.sh("postfix stop 2>/dev/null")
    try:
        queue = suite.queue_directory
        suite.sh("cd %s; mv deferred/*/%s deferred/; cp -p deferred/*/%s x; rm deferred/*/%s; mv x deferred/%s; touch incoming/none.such; chown postfix incoming/none.such"
                 % (queue, first, second, second, second))
        done = suite.run("postsuper", "-s")
        assert list(dict.fromkeys(done.stderr.decode().splitlines())) == [   # Postfix looks twice, and tells it twice
            "postsuper: warning: bogus file name: incoming/none.such",
            "postsuper: Renamed to match inode number: 1 message",
            "postsuper: warning: QUEUE FILE NAMES WERE CHANGED TO MATCH INODE NUMBERS"]
        assert done.returncode == 0
        names = sorted(suite.run("sh", "-c", "cd %s; find deferred defer -type f" % queue).stdout.decode().split())
        ids = {n.rpartition("/")[2] for n in names if n.startswith("deferred/")}
        renamed = (ids - {first}).pop()
        assert len(ids) == 2 and first in ids and second not in ids and renamed[:5] == second[:5]
        assert {"%s/%s/%s" % (d, i[0], i) for d in ("deferred", "defer") for i in ids} <= set(names)
        assert not any(n.endswith(second) for n in names)
        assert suite.run("postsuper", "-s", "deferred", "defer").stderr == b""
    finally:
        suite.sh("rm -f %s/incoming/none.such; postfix start 2>/dev/null" % suite.queue_directory)
    sink.answers = {}
    suite.sh("postqueue -f")
    suite.wait_removed(first)
    suite.wait_removed(renamed)


def test_lifetime_over(suite, sink):
    since = suite.log_size()
    suite.configure(maximal_queue_lifetime="0")
    try:
        send(suite, "bob@example.test", "x@elsewhere.example", MESSAGE % ("old", "old", "x"))
        suite.wait_log("removed", since=since, count=2)
        golden("queue_lifetime_log", masks.history(suite.log(since)))
    finally:
        suite.configure(maximal_queue_lifetime=None)


@pytest.mark.parametrize("flags", ["", "e", "h", "b", "eh", "o", "f", "fo"])
def test_postcat(suite, sink, flags):
    qid = put(suite, "postcat", "a@elsewhere.example", "b@relayed.example", body="one\n\n.two\nthree", mail="BODY=8BITMIME RET=HDRS ENVID=x+2By",
              rcpt="NOTIFY=DELAY ORCPT=rfc822;orig@elsewhere.example")
    done = suite.run("postcat", "-q" + flags, qid)
    assert done.returncode == 0, done.stderr
    text = re.sub(r"deferred/\w/\w+", "deferred/{qid}", done.stdout.decode())
    text = re.sub(r"(message_size:).*", r"\1 {numbers}", masks.mask(text))
    text = re.sub(r"((?:client|server)_port=)\d+", r"\1{port}", text)
    if "o" in flags:
        text = re.sub(r"(?m)^((?:deferred/{qid}: )?) *\d+ ", r"\1{offset} ", text)
    golden("queue_postcat_" + (flags or "all"), re.sub(r"(_time: |_time=).*", r"\1{time}", text))


def test_after_a_restart_the_queue_is_as_it_was(suite, sink):
    qid = put(suite, "restart", "a@elsewhere.example", "b@relayed.example")
    before = kbytes(suite.run("mailq").stdout.decode())
    suite.sh("postfix stop 2>/dev/null; postfix start 2>/dev/null")
    assert kbytes(suite.run("mailq").stdout.decode()) == before
    sink.answers = {}
    suite.sh("postqueue -f")
    suite.wait_removed(qid)
    assert len(sink.wait(1)[0]["rcpt"]) + sum(len(m["rcpt"]) for m in sink.messages[1:]) == 2
