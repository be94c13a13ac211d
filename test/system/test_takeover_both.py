"""A queue that ours left, with about a hundred messages through every feature, goes on in Debian 12's Postfix, and back:
nothing is lost, changed or delivered twice."""
import collections
import os
import re
import socket
from pathlib import Path

import pytest

from suite import queue_files, selected
from suite.make import KINDS
from suite.smtp import Client, Refused, Sink

CACHE = Path(os.environ.get("MAIL_REFERENCE_DIR") or Path.home() / ".cache/mail-reference")
pytestmark = [pytest.mark.root, pytest.mark.expensive,
              pytest.mark.skipif(selected() != "ours", reason="both suites run in it, whichever is selected")]
EXTENSIONS = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
HEADER = "From: Sender <sender@sender.example>\nTo: list@remote.example\nSubject: %s\nMessage-Id: <%s@sender.example>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n"
DSN = {"mail": "RET=HDRS ENVID=id+2B1", "rcpt": "NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;first@remote.example"}


def message(name, body="body line\n"):
    return (HEADER % (name, name) + body).encode()


# name: (content, recipients before the "@remote.example" that is put behind them, options of the message)
FEATURES = {
    "plain": (message("plain"), ["a"], {}),
    "null sender": (message("null"), ["a"], {"sender": ""}),
    "dsn": (message("dsn"), ["a", "b"], DSN),
    "never": (message("never"), ["a"], {"rcpt": "NOTIFY=NEVER"}),
    "8bit": (message("8bit", "caf\u00e9\n"), ["a"], {"mail": "BODY=8BITMIME"}),
    "smtputf8": (message("utf8", "caf\u00e9\n"), ["\u03b4\u03bf\u03ba"], {"sender": "j\u00f6rg@sender.example", "mail": "BODY=8BITMIME SMTPUTF8"}),
    "chunks": (message("chunks", "one\n.\n..two\n"), ["a"], {"bdat": True}),
    "long lines": (message("long", "".join("x" * n + "\n" for n in (2047, 2048, 2049, 5000))), ["a"], {}),
    "nul": (message("nul", "a\0b\n\0\n"), ["a"], {"bdat": True}),
    "no final newline": (message("nonl", "the end"), ["a"], {"bdat": True}),
    "empty": (message("empty", ""), ["a"], {}),
    "no header": (b"only text\n", ["a"], {}),
    "no content": (b"", ["a"], {"bdat": True}),
    "quoted": (message("quoted"), ['"quo ted+%s"'], {"sender": '"a b"@sender.example'}),
    "many": (message("many"), ["r%03d" % i for i in range(120)], {}),
    "big": (message("big", "0123456789" * 6 + "\n" + ("x" * 70 + "\n") * 900), ["a"], {}),
    "long header": (message("header").replace(b"Subject: ", b"X-Long: " + b"word " * 700 + b"\n\tgoes on\nSubject: "), ["a"], {}),
    "dots": (message("dots", ".\n..\n.x\n"), ["a", "b", "c"], {}),
}


class Maker:
    """Fills a suite's queue. `expected` is every (sender, recipient, what was sent) that must arrive, here or after the move."""

    def __init__(self, suite, sink):
        self.suite, self.sink, self.expected, self.count = suite, sink, collections.Counter(), 0

    def put(self, name, domain="remote.example", recipients=None, arrive=None, bcc=None):
        """Sends a message by SMTP; its id, and how many recipients it has. `arrive`: to whom it goes if not to `recipients`."""
        content, locals_, options = FEATURES[name]
        self.count += 1
        recipients = recipients or ["%s@%s" % (r % self.count if "%" in r else "later%d-%s" % (self.count, r), domain) for r in locals_]
        sender = options.get("sender", "sender@sender.example")
        words = {k: v for k, v in options.items() if k in ("mail", "rcpt")}
        with Client(self.suite.smtp) as client:
            if options.get("bdat"):
                qid = chunked(client, sender, recipients, content)
            else:
                qid = client.send(sender, recipients, content, **words)
        arrive = (arrive or recipients) + ([bcc] if bcc else [])
        for r in arrive:
            self.expected[(sender, r, as_sent(content))] += 1
        return qid, len(arrive)

    def wait_in(self, queue, *ids):
        self.suite.wait_until(lambda: {(queue, qid) for qid in ids} <= set(self.suite.queue_files()), self.suite.queue, what="%s: %s" % (queue, ids))

    def defer(self, name, statuses=None, **how):
        """A message whose recipients have all been tried: in the deferred queue, with its log."""
        qid, count = self.put(name, **how)
        self.suite.wait_log(r"%s: to=.*status=" % qid, count=statuses or count)
        self.wait_in("deferred", qid)
        return qid

    def submit(self, user, name, *recipients, options="", wait=True):
        """As a user, with a full header, so that nothing of it has to be added."""
        done = self.suite.run("sh", "-c", "sendmail -i %s %s" % (options, " ".join(recipients)), user=user, input=message(name))
        assert done.returncode == 0, done.stderr
        for r in recipients:
            self.expected[("" if "-f" in options else user + "@example.test", r, as_sent(message(name)))] += 1


ACTIVE = 16      # qmgr_message_active_limit: when that many hang, what comes next stays in incoming


def fill(maker):
    """About a hundred messages, in every queue; then the end of the whole instance by kill -9, and more in maildrop."""
    suite = maker.suite
    for name in FEATURES:
        maker.defer(name)
    held = [maker.defer(name) for name in FEATURES]
    suite.sh("postsuper -h - 2>/dev/null", input="\n".join(held).encode())
    # Half done: delivered, and put off; an alias; the copy for the archive; sendmail's own parameters.
    maker.defer("dsn", recipients=["ok1@remote.example", "later-half@remote.example", "alice@example.test"])
    maker.defer("plain", recipients=["group@alias.example"], statuses=3,
                arrive=["later-one@remote.example", "later-two@remote.example", "bob@example.test"])
    suite.configure(always_bcc="later-archive@remote.example")
    maker.defer("plain", bcc="later-archive@remote.example")
    maker.defer("many", bcc="later-archive@remote.example")
    suite.configure(always_bcc=None, enable_long_queue_ids="yes")
    for name in FEATURES:
        maker.defer(name)
    maker.submit("carol", "verbose", "later-v@remote.example", options="-v -N success,failure,delay -R hdrs -V envid")
    maker.submit("carol", "null submitted", "later-n@remote.example", "alice@example.test", options="-f '<>'")
    suite.wait_log(r": to=<later-[vn]@.*status=deferred", count=2)
    hang(maker)
    for name in FEATURES:
        maker.wait_in("incoming", maker.put(name)[0])
    half = half_a_message(suite)
    suite.run("sh", "-c", "kill -9 -1")
    half.close()
    for i, user in enumerate(("alice", "bob", "carol")):
        maker.submit(user, "down %d" % i, "later-m%d@remote.example" % i, "alice@example.test")


def hang(maker):
    """Messages that wait for a next hop which never answers, some of them with recipients that are done."""
    suite, names = maker.suite, list(FEATURES)
    ids = []
    for i in range(ACTIVE):
        if i % 4 == 0:
            recipients = ["no%d@remote.example" % i, "ok%d@remote.example" % i, "alice@example.test", "hang%d@hang.example" % i]
            qid, _ = maker.put("dsn", recipients=recipients, arrive=recipients[1:])
            suite.wait_log(r"%s: to=.*status=" % qid, count=3)
        else:
            qid, _ = maker.put(names[i], domain="hang.example")
        ids.append(qid)
    maker.wait_in("active", *ids)


def half_a_message(suite):
    """A session in the middle of a message, of which cleanup has written something."""
    client = Client(suite.smtp)
    for line in ("MAIL FROM:<half@sender.example>", "RCPT TO:<half@remote.example>", "DATA"):
        client.command(line)
    client.socket.sendall((b"half" * 10 + b"\r\n") * 5000)
    suite.wait_until(lambda: [f for f in Path(suite.queue, "incoming").rglob("*") if f.is_file() and f.stat().st_size > 1000 and not f.stat().st_mode & 0o100],
                     Path(suite.queue, "incoming"), what="an unfinished file")
    return client


def instance(kind, monkeypatch, sink, silent):
    """A suite of a kind; `silent` is where mail to hang.example goes."""
    monkeypatch.setenv("MAIL_REFERENCE_SUITE", "bookworm")
    return KINDS[kind](main_cf={
        "relayhost": sink.nexthop, "transport_maps": "inline:{ {hang.example=smtp:[127.0.0.1]:%d} }" % silent,
        "smtp_line_length_limit": "0", "home_mailbox": "Maildir/", "local_header_rewrite_clients": "", "delay_warning_time": "1h",
        "virtual_alias_domains": "alias.example", "qmgr_message_active_limit": str(ACTIVE),
        "virtual_alias_maps": "inline:{ {group@alias.example=later-one@remote.example,later-two@remote.example,bob@example.test} }"})


@pytest.mark.parametrize("source, target", [("ours", "reference"), ("reference", "ours"), ("ours", "ours")])
def test_takeover(source, target, monkeypatch):
    if "reference" in (source, target) and not (CACHE / "base.ok").exists():
        pytest.skip("no reference: run `test/reference/reference build` first")
    answers = {r'RCPT TO:<"?(later|quo)': "450 4.2.0 come again", "RCPT TO:<no": "550 5.1.1 nobody here"}
    with Sink(extensions=EXTENSIONS, answers=answers) as first, Sink(extensions=EXTENSIONS) as second, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        with instance(source, monkeypatch, first, silent.getsockname()[1]) as old:
            maker = Maker(old, first)
            fill(maker)
            before, listing, archive = queue_files.messages(old), queue_files.listed(old), queue_files.pack(old)
            assert collections.Counter(m.queue for m in before) == {"deferred": 2 * len(FEATURES) + 6, "hold": len(FEATURES), "active": ACTIVE,
                                                                    "incoming": len(FEATURES), "maildrop": 3}
            assert {len(m.id) > 12 for m in before} == {True, False}     # long and short
            done = queue_files.sent(first) + queue_files.stored(old, ["alice", "bob"])
        silent.close()
        with instance(target, monkeypatch, second, second.address[1]) as new:
            new.sh("postfix stop 2>/dev/null")
            queue_files.unpack(new, archive)
            assert sorted(queue_files.messages(new)) == sorted(before)
            assert queue_files.listed(new) == listing
            queue_files.go_on(new)
            found = queue_files.sent(second) + queue_files.stored(new, ["alice", "bob"])
            assert not list(Path(new.queue, "corrupt").iterdir())
            assert not re.search("killed by signal|panic:|fatal:", new.log())
    assert collections.Counter((s, r, as_sent(c)) for s, r, c in done + found if not queue_files.is_notice((s, r, c))) == maker.expected
    failed = [("sender@sender.example", "no%d@remote.example" % i, "failed") for i in range(0, ACTIVE, 4)]
    # Postfix forgets who wanted to hear of a success: it renames a message to its new inode number, and not this log.
    traced = ACTIVE // 4 * [("sender@sender.example", "alice@example.test", "delivered")] if target == "ours" else []
    assert queue_files.told(found) == sorted(failed + traced)


def chunked(client, sender, recipients, content):
    client.command("MAIL FROM:<%s>" % sender)
    for r in recipients:
        client.command("RCPT TO:<%s>" % r)
    body = content.replace(b"\n", b"\r\n")
    half = len(body) // 2
    for part, last in ((body[:half], ""), (body[half:], " LAST")) if half else ((body, " LAST"),):
        client.socket.sendall(b"BDAT %d%s\r\n" % (len(part), last.encode()) + part)
        reply = client.reply()
    if "queued as" not in reply:
        raise Refused(reply)
    return reply.rpartition(" ")[2]


def as_sent(content):
    """A message's hash without the Received: line that our side gave it, or the blank line before a text without header."""
    content = re.sub(rb"\AReceived: .*\n(?:[ \t].*\n)*", b"", content)
    return queue_files.digest(content[1:] if content.startswith(b"\n") else content)
