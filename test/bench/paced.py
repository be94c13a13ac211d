#!/usr/bin/python3
"""Sends mail at a fixed rate and tells how long a message takes: from its final dot to the reply, and from there to a Maildir.

usage: paced.py HOST:PORT RECIPIENT MAILDIR RATE SECONDS

A line of JSON: the median and the 99th percentile of both, in milliseconds, and the rate that came about. Each message has a
session of its own, as most mail has, and begins when it is due, whatever became of those before it; when a name appears in new/ the
kernel says (inotify), and whose it is, is read at the end."""
import ctypes
import json
import os
import re
import select
import socket
import struct
import sys
import threading
import time
from pathlib import Path

SESSIONS = 40             # at a time; more than ever wait
IN_CREATE, IN_MOVED_TO = 0x100, 0x80


class Arrivals(threading.Thread):
    """When each name appeared in new/."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, os.fsencode(folder), IN_CREATE | IN_MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), "inotify", str(folder))
        self.at, self.done = {}, False

    def run(self):
        while not self.done:
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            data, now, offset = os.read(self.fd, 1 << 16), time.monotonic(), 0
            while offset < len(data):
                length = struct.unpack_from("iIII", data, offset)[3]
                name = data[offset + 16:offset + 16 + length].rstrip(b"\0").decode()
                self.at.setdefault(name, now)
                offset += 16 + length


class Sender(threading.Thread):
    def __init__(self, target, recipient, turns):
        super().__init__(daemon=True)
        self.target, self.recipient, self.turns, self.replied = target, recipient, turns, {}

    def command(self, file, connection, text):
        connection.sendall(text)
        while (line := file.readline())[3:4] == b"-":
            pass
        if line[:1] not in b"23":
            raise RuntimeError(line)

    def run(self):
        for number, due in self.turns:
            time.sleep(max(0, due - time.monotonic()))
            with socket.create_connection(self.target, 60) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                file = connection.makefile("rb")
                for text in (b"", b"EHLO bench.test\r\n", b"MAIL FROM:<s@bench.test>\r\n", b"RCPT TO:<%s>\r\n" % self.recipient.encode(), b"DATA\r\n"):
                    self.command(file, connection, text)
                body = b"Subject: paced-%d\r\n\r\n" % number + (b"x" * 78 + b"\r\n") * 12 + b".\r\n"
                sent = time.monotonic()
                self.command(file, connection, body)
                self.replied[number] = (sent, time.monotonic())
                self.command(file, connection, b"QUIT\r\n")


def percentiles(values):
    ordered = sorted(values)
    return {"p50": round(ordered[len(ordered) // 2] * 1e3, 2), "p99": round(ordered[len(ordered) * 99 // 100] * 1e3, 2)}


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    recipient, new, rate, seconds = sys.argv[2], Path(sys.argv[3]) / "new", float(sys.argv[4]), float(sys.argv[5])
    count = int(rate * seconds)
    first = Sender((host, int(port)), recipient, [(-1, 0)])
    first.run()                     # makes the Maildir
    while not new.is_dir() or not any(new.iterdir()):
        time.sleep(0.01)
    arrivals = Arrivals(new)
    arrivals.start()
    start = time.monotonic() + 0.5
    senders = [Sender((host, int(port)), recipient, [(i, start + i / rate) for i in range(first, count, SESSIONS)]) for first in range(SESSIONS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    took = time.monotonic() - start
    limit = time.monotonic() + 60
    while len(arrivals.at) < count and time.monotonic() < limit:
        time.sleep(0.05)
    arrivals.done = True
    replied = {number: times for sender in senders for number, times in sender.replied.items()}
    delivered = {}
    for name, at in arrivals.at.items():
        number = re.search(rb"(?m)^Subject: paced-(\d+)", (new / name).read_bytes())
        if number:
            delivered[int(number.group(1))] = at
    if len(delivered) != count:
        sys.exit("%d of %d messages came" % (len(delivered), count))
    print(json.dumps({"rate": round(count / took), "reply": percentiles(b - a for a, b in replied.values()),
                      "delivered": percentiles(delivered[n] - replied[n][0] for n in delivered)}))


main()
