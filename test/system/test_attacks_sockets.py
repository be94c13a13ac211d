"""ATTACKS L12 and L14: garbage at every socket of the mail system. Who may not reach a socket does not; who may is refused, and
no daemon ends because of it."""
import contextlib
import os
import re
import socket
import stat
import struct
import subprocess
import sys
import threading

import pytest

from suite import make
from suite.smtp import Client, send

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix's daemons end with a fatal error at some of these")]

NOBODY, POSTDROP = 65534, 103


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"virtual_mailbox_base": "/srv"}) as s:
        yield s


def daemons(suite):
    """{pid inside: program} of all processes of the mail system."""
    lines = suite.sh("cd /proc; for p in [0-9]*; do echo $p $(readlink $p/exe); done 2>/dev/null").splitlines()
    found = dict(line.split(" ", 1) for line in lines if " " in line)
    names = set(suite.sh("ls /usr/lib/postfix/sbin").split())
    return {pid: os.path.basename(exe) for pid, exe in found.items() if os.path.basename(exe) in names}


def sockets(suite, kind=stat.S_ISSOCK):
    """(directory/name, is a datagram socket) of what is there and has a program."""
    programs = set(suite.sh("ls /usr/lib/postfix/sbin").split())
    entries = [line.split() for line in suite.sh("postconf -M").splitlines()]
    served = {fields[0]: fields[1] for fields in entries if fields[7] in programs and fields[1] in ("unix", "unix-dgram")}
    for directory in ("private", "public"):
        for name in sorted(os.listdir(os.path.join(suite.queue, directory))):
            if name in served:
                yield directory + "/" + name, served[name] == "unix-dgram"


# Runs as somebody else: the queue directory is a descriptor that root opened. usage: PROBE fd uid gid type path
PROBE = r"""
import os, socket, sys
fd, uid, gid, kind, path = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
os.fchdir(fd)
os.setgroups([]); os.setresgid(gid, gid, gid); os.setresuid(uid, uid, uid)
try:
    socket.socket(socket.AF_UNIX, kind).connect(path)
    print("connected")
except OSError as e:
    print(e.strerror)
"""


def connect_as(suite, uid, gid, path, datagram):
    queue = os.open(suite.queue, os.O_RDONLY | os.O_DIRECTORY)
    try:
        kind = socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM
        return subprocess.run([sys.executable, "-c", PROBE, str(queue), str(uid), str(gid), str(int(kind)), path], pass_fds=[queue],
                              capture_output=True, text=True, check=True).stdout.strip()
    finally:
        os.close(queue)


def test_strangers_are_kept_out(suite):
    for path, datagram in sockets(suite):
        assert connect_as(suite, NOBODY, NOBODY, path, datagram) == "Permission denied", path
        expected = "connected" if path.startswith("public/") else "Permission denied"
        assert connect_as(suite, NOBODY, POSTDROP, path, datagram) == expected, path


def attribute(name, value):
    return name + b"\0" + value + b"\0"


GARBAGE = {
    "text": b"GET / HTTP/1.0\r\n\r\n",
    "NULs": b"\0" * 100,
    "bytes": bytes(range(256)) * 16,
    "half an attribute": b"flags\0",
    "an attribute without end": b"queue_id\0" + b"A" * 100,
    "a million bytes": b"x" * 1_000_000,
    "a long value": attribute(b"flags", b"1" * 1_000_000),
    "many attributes": attribute(b"flags", b"1") * 20_000 + b"\0",
    "numbers": attribute(b"flags", b"-99999999999999999999") + attribute(b"nrequest", b"4294967296") + b"\0",
    "the end of a list": b"\0",
    "an old Postfix's request": attribute(b"request", b"rewrite") + attribute(b"rule", b"local") + attribute(b"address", b"a@b") + b"\0",
    "a trigger with an id": b"N../../../etc/passwd\0T\0N\0N" + b"A" * 5000 + b"\0WIDAFXYZ",
}


@contextlib.contextmanager
def connection(suite, path):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(os.path.join(suite.queue, path))
        yield client


def pour(suite, path, data):
    with connection(suite, path) as client, contextlib.suppress(OSError):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass


def pour_descriptors(suite, path, count=1000, at_once=250):
    with open("/dev/null") as null, connection(suite, path) as client, contextlib.suppress(OSError):
        for _ in range(count // at_once):
            client.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("%di" % at_once, *[null.fileno()] * at_once))])
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass


def ask_and_leave(suite, path):
    """Closes with an answer unread; and does not read at all."""
    for data in (b"\0", b"x" * 100):
        with connection(suite, path) as client, contextlib.suppress(OSError):
            client.sendall(data)
    with connection(suite, path) as client, contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.settimeout(0.2)
        client.sendall((attribute(b"request", b"rewrite") + attribute(b"address", b"a") + b"\0") * 50_000)


def descriptors(suite, pid):
    return len(os.listdir(suite.path("/proc/%s/fd" % pid)))


def test_garbage_ends_no_daemon(suite):
    # All that garbage can reach runs before, or a process that is started later could hide one that died.
    streams = [path for path, datagram in sockets(suite) if not datagram]
    for path in streams:
        pour(suite, path, b"\0")
    at, before = suite.log_size(), daemons(suite)
    assert {"master", "qmgr", "cleanup", "local", "smtp", "bounce", "trivial-rewrite"} <= set(before.values())
    for path in streams:
        for data in GARBAGE.values():
            pour(suite, path, data)
        pour_descriptors(suite, path)
        ask_and_leave(suite, path)
    suite.sync_log()
    log = suite.log(at)
    assert not re.findall(r".*(?:fatal|panic|killed|bad command startup|exit status).*", log), log[-3000:]
    after = daemons(suite)
    assert {pid: name for pid, name in before.items() if after.get(pid) != name} == {}
    # Nothing that was sent is kept, nor any descriptor.
    for pid, name in after.items():
        assert descriptors(suite, pid) < 100, name
    send(suite, "alice@example.test", "bob@example.test")
    suite.wait_queue_empty()
    assert len(suite.messages("bob", 1)) == 1


def test_garbage_while_mail_flows(suite):
    suite.sh("rm -f /var/mail/carol")
    ended = threading.Event()

    def attack():
        while not ended.is_set():
            for path in ("public/cleanup", "public/qmgr", "private/rewrite", "private/bounce", "private/local"):
                for data in ("bytes", "half an attribute", "many attributes"):
                    pour(suite, path, GARBAGE[data])
    attackers = [threading.Thread(target=attack) for _ in range(3)]
    for thread in attackers:
        thread.start()
    try:
        with Client(suite.smtp) as client:
            for _ in range(20):
                client.send("alice@example.test", "carol@example.test", "Subject: through\n\nbody\n")
        suite.wait_queue_empty(60)
    finally:
        ended.set()
        for thread in attackers:
            thread.join()
    assert len(suite.messages("carol", 20)) == 20


# --- L14: the log's socket ---
def log_to(suite, *lines):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        for line in lines:
            client.sendto(line, os.path.join(suite.queue, "public/postlog"))


def test_log_lines_of_strangers(suite):
    at = suite.log_size()
    log_to(suite, b"Jan  1 00:00:00 host evil[1]: " + b"y" * 1971, b"z" * 60_000, b"two\nlines\r\nhere\x1b[31m\x07\x00\x7f\x9b\xc2\x9b end",
           b"", b"\n", b"\0", b"no end of line")
    suite.sync_log()
    data = open(suite.mail_log, "rb").read()[at:]
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|[\x80-\xbf](?<![\xc2-\xf4].)", data.replace(b"\xc3\xa4", b"")), data[-300:]
    assert max(map(len, data.splitlines())) < 64 * 1024


def test_flood_of_log_lines_hides_no_mail(suite):
    at = suite.log_size()
    stop = threading.Event()

    def flood():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    client.sendto(b"Jan  1 00:00:00 host flood[1]: " + b"f" * 100, os.path.join(suite.queue, "public/postlog"))
    thread = threading.Thread(target=flood)
    thread.start()
    try:
        queue_id = send(suite, "alice@example.test", "bob@example.test", "Subject: in the flood\n\nbody\n")
        suite.wait_removed(queue_id)
    finally:
        stop.set()
        thread.join()
    assert re.search(r"%s: to=<bob@example.test>, .*status=sent" % queue_id, suite.log(at))


def test_a_stranger_may_log_only_so_much(suite):
    """Of what root and the mail system log nothing is left out, and what is, is counted."""
    at = suite.log_size()
    nobody = [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack("iII", os.getpid(), NOBODY, NOBODY))]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        for n in range(100):
            client.sendmsg([b"\n".join(b"Jan  1 00:00:00 host flood[1]: nobody %d" % (n * 100 + i) for i in range(100))], nobody, 0,
                           os.path.join(suite.queue, "public/postlog"))
    log_to(suite, b"\n".join(b"Jan  1 00:00:00 host root[1]: root %d" % n for n in range(1000)))

    def is_told():
        log_to(suite, b"Jan  1 00:00:00 host root[1]: more")
        log = suite.log(at)
        left_out = re.findall(r"postlogd\[\d+\]: warning: (\d+) lines of uid %d are left out: more than 500 in a second" % NOBODY, log)
        return bool(left_out) and log.count("flood[1]: nobody") + sum(map(int, left_out)) == 10_000
    suite.wait_until(is_told, suite.mail_log, what="what was left out")
    assert suite.log(at).count("root[1]: root") == 1000


def test_log_daemon_that_stands_still_stops_no_mail(suite):
    pid = next(pid for pid, name in daemons(suite).items() if name == "postlogd")
    suite.sh("kill -STOP %s" % pid)
    try:
        with Client(suite.smtp, timeout=60) as client:
            ids = [client.send("alice@example.test", "carol@example.test", "Subject: silent\n\nbody\n") for _ in range(100)]
        suite.wait_until(lambda: not [f for f in suite.queue_files() if f[1] in ids], suite.queue, timeout=60, what="delivery")
    finally:
        suite.sh("kill -CONT %s" % pid)
    suite.sync_log()
