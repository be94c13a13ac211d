"""A queue that goes from one mail system to another: what is in it, as postcat and postqueue say, and what becomes of it.

A delivery is (sender, recipient, SHA-256 of the message), where a message is its lines with a final newline, so that it is the
same in the queue, on the wire and in a Maildir."""
import collections
import hashlib
import json
import os
import re
import time
from pathlib import Path

from .base import unfinished

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")
LOGS = ("bounce", "defer", "trace")

Message = collections.namedtuple("Message", "queue id path sender todo done content")


def digest(content):
    return hashlib.sha256(content + (b"" if content.endswith(b"\n") else b"\n")).hexdigest()


# --- making it ---
def record(kind, data=b""):
    """One record of a queue file: a type, the length in groups of seven bits, the data."""
    size, left = b"", len(data)
    while True:
        left, low = left >> 7, left & 0x7f
        size += bytes([low | (0x80 if left else 0)])
        if not left:
            return kind + size + data


def queue_file(sender, recipients, lines=("Subject: test", "", "Hello."), arrived=None, filter=None, warned=False):
    """The bytes of a complete queue file, as Postfix and ours have them."""
    content = b"".join(record(b"N", line.encode()) for line in lines)
    arrived = time.time() if arrived is None else arrived
    head = record(b"T", b"%d %06d" % (arrived, arrived % 1 * 1000000)) + record(b"A", b"log_ident=made") + record(b"A", b"rewrite_context=local")
    head += record(b"S", sender.encode())
    head = record(b"W", b"%15d" % -1) + head if warned else head
    head += record(b"L", filter.encode()) if filter else b""
    head += b"".join(record(b"R", r.encode()) for r in recipients) + record(b"M")
    numbers = (len(content), 97 + len(head), len(recipients), 0, len(content), 0)
    size = record(b"C", b" ".join(b"%15d" % n for n in numbers))
    assert len(size) == 97
    return size + head + content + record(b"X") + record(b"E")


def put(suite, queue, number, data, due=None):
    """Puts a file into a queue of a suite, whether it runs or not: its id, which holds its inode. `due`: its next try."""
    moment = "%05X" % (number * 40503 % 1000000)
    folder = Path(suite.queue, queue)
    owner = (folder.stat().st_uid, folder.stat().st_gid)
    if queue in ("deferred", "defer"):   # hash_queue_names
        folder = folder / moment[0]
        if not folder.exists():
            folder.mkdir(mode=0o700)
            os.chown(folder, *owner)
    fresh = folder / (moment + ".new")
    fresh.write_bytes(data)
    os.chown(fresh, *owner)
    if due is not None:
        os.utime(fresh, (due, due))
    fresh.chmod(0o700)
    qid = "%s%X" % (moment, fresh.stat().st_ino)
    fresh.rename(folder / qid)
    return qid


# --- moving it ---
def pack(suite):
    """The queue's files as a tar archive. The mail system is not to run meanwhile."""
    return suite.run("sh", "-ec", "cd %s; tar cpf - $(ls -d %s 2>/dev/null)" % (suite.queue_directory, " ".join((*QUEUES, *LOGS, "flush", "corrupt")))).stdout


def unpack(suite, archive, top="."):
    """Puts the archive's directory `top` in place of the queue of a suite that is stopped."""
    queue = suite.queue_directory
    done = suite.run("sh", "-ec", "cd %s; tar xpf - --numeric-owner --strip-components=%d" % (queue, 0 if top == "." else top.count("/") + 1) +
                     ("" if top == "." else " %s" % top), input=archive)
    if done.returncode:
        raise AssertionError(done.stderr.decode())


# --- looking at it ---
def listed(suite):
    """{(queue id): (queue, sender, {recipients})} by postqueue -j; and mailq names the same ids."""
    entries = [json.loads(line) for line in suite.sh("postqueue -j").splitlines()]
    named = {m.group(1) for m in re.finditer(r"(?m)^([0-9A-Za-z]{6,})[*!#]? ", suite.sh("mailq"))}
    assert named == {e["queue_id"] for e in entries}
    return {e["queue_id"]: (e["queue_name"], e["sender"], collections.Counter(r["address"] for r in e["recipients"])) for e in entries}


def complete(suite):
    """The paths of all complete messages in the queue."""
    return suite.sh("cd %s; find %s -type f -perm -u+x 2>/dev/null || true" % (suite.queue_directory, " ".join(QUEUES))).split()


def messages(suite):
    """All messages of the queue, as postcat prints them. (Postfix's waits for ever for the rest of one that is not complete.)"""
    found = []
    for path in complete(suite):
        queue, qid = path.split("/")[0], path.rpartition("/")[2]
        inside = "%s/%s" % (suite.queue_directory, path)
        envelope = suite.run("postcat", "-e", inside)
        assert envelope.returncode == 0, envelope.stderr
        text = envelope.stdout.decode("utf-8", "surrogateescape")
        content = suite.run("postcat", "-bh", inside)
        assert content.returncode == 0, content.stderr
        found.append(Message(queue, qid, path, re.search(r"(?m)^sender: (.*)$", text).group(1), re.findall(r"(?m)^recipient: (.*)$", text),
                             re.findall(r"(?m)^done_recipient: (.*)$", text), content.stdout))
    return found


# --- what came out ---
def sent(sink):
    """The deliveries to an SMTP sink."""
    out = []
    for m in list(sink.messages):
        content = re.sub(rb"(?m)^\.", b"", m["data"]).replace(b"\r\n", b"\n")
        sender = re.match(r"MAIL FROM:<(.*?)>(?: |$)", m["mail"]).group(1)
        out += [(sender, re.match(r"RCPT TO:<(.*)>(?: |$)", r).group(1), content) for r in m["rcpt"]]
    return out


def stored(suite, users):
    """The deliveries to the users' ~/Maildir."""
    out = []
    for user in users:
        for path in sorted(Path(suite.home(user)).glob("Maildir/new/*")):
            m = re.match(rb"Return-Path: <(.*)>\n(?:X-Original-To: .*\n)?Delivered-To: (.*)\n", path.read_bytes())
            out.append((m.group(1).decode(), m.group(2).decode(), path.read_bytes()[m.end():]))
    return out


HEADER = re.compile(rb"[!-9;-~]+[ \t]*:.*\n(?:[ \t].*\n)*")
ADDED = re.compile(rb"(?:Received|Message-Id|Date|From|Bcc):", re.I)


def without_added(content):
    """A message without the kinds of header lines that are added or dropped on its way out of maildrop."""
    kept, at = b"", 0
    while field := HEADER.match(content, at):
        kept += b"" if ADDED.match(field.group()) else field.group()
        at = field.end()
    return kept + b"\n" + content[at + (content[at:at + 1] == b"\n"):]


def deliveries(found, hostname):
    """The deliveries as hashes. Mail that came out of maildrop at `hostname` counts without the header lines it got there."""
    fresh = re.compile(rb"Received: by %s \(.*, from userid " % hostname.encode())
    return collections.Counter((sender, recipient, digest(without_added(content) if fresh.match(content) else content))
                               for sender, recipient, content in found)


def is_notice(delivery):
    return not delivery[0] and b"\nContent-Type: multipart/report;" in delivery[2]


def told(found):
    """[(to, recipient that is told of, action)] of the reports among [(sender, recipient, content)]."""
    lines = rb"(?m)^Final-Recipient: rfc822; *(.*)\n(?:.*\n)*?Action: (.*)$"
    return sorted((d[1], r.decode(), a.decode()) for d in found if is_notice(d) for r, a in re.findall(lines, d[2]))


def go_on(suite, left=frozenset()):
    """Starts the suite with the queue that was put there, releases held mail, and waits until all of it is gone but `left`
    and what never was complete."""
    suite.sh("postfix start 2>/dev/null; postsuper -H ALL 2>/dev/null; postqueue -f")
    suite.wait_until(lambda: set(complete(suite)) <= left and not unfinished(suite.log()), suite.queue, Path(suite.mail_log).parent,
                     timeout=90, what="an empty queue")
