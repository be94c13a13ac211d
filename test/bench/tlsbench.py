#!/usr/bin/env python3
"""What TLS, logins and idle sessions cost the server. A target is what mtabench.py takes; run starts them with a certificate, and
with joe's password "joe-pw".

  tlsbench.py handshakes A.json [B.json] -n 200 -r 5     full and resumed handshakes, and AUTH PLAIN without TLS, per CPU second;
                                                         -k full,resumed,login chooses
  tlsbench.py idle A.json [B.json] -c 1000 [--tls]       memory per idle session (of the cgroup: with the kernel's buffers), and how
                                                         fast one more client is greeted
A session is EHLO, STARTTLS or AUTH, QUIT; each run of each kind is n sessions, the targets alternate. Only the server's CPU counts:
how fast this client is does not matter, as long as it keeps the server's processes alive."""
import argparse
import base64
import concurrent.futures
import os
import resource
import socket
import ssl
import statistics
import sys
import time

from target import Target

LOGIN = b"AUTH PLAIN " + base64.b64encode(b"\0joe\0joe-pw") + b"\r\n"
CLIENTS = 4            # at a time


def context():
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
    return found


class Session:
    """One client. What the server does not say in time, or refuses, ends the measurement."""

    def __init__(self, target, limit):
        host, port = target.addr.rsplit(":", 1)
        began = time.monotonic()
        self.socket = socket.create_connection((host, int(port)), limit)
        self.expect(b"220")
        self.greeted = time.monotonic() - began

    def expect(self, code):
        got = b""
        while not got.endswith(b"\n") or got.rstrip(b"\r\n").rsplit(b"\n", 1)[-1][3:4] == b"-":
            part = self.socket.recv(4096)
            if not part:
                sys.exit("the server closed after %r" % got)
            got += part
        if not got.startswith(code):
            sys.exit("the server said %r" % got)

    def say(self, line, code=b"250"):
        self.socket.sendall(line)
        self.expect(code)

    def start_tls(self, tls, session=None):
        self.say(b"EHLO bench.test\r\n")
        self.say(b"STARTTLS\r\n", b"220")
        self.socket = tls.wrap_socket(self.socket, server_hostname="mail.example.test", session=session)
        self.say(b"EHLO bench.test\r\n")     # a ticket has come by now

    def close(self):
        self.socket.sendall(b"QUIT\r\n")
        self.socket.recv(512)
        self.socket.close()


def full(target, limit, tls, _):
    session = Session(target, limit)
    session.start_tls(tls)
    session.close()


def resumed(target, limit, tls, ticket):
    session = Session(target, limit)
    session.start_tls(tls, ticket)
    if not session.socket.session_reused:
        sys.exit("%s: not resumed" % target.name)
    session.close()


def login(target, limit, _, __):
    session = Session(target, limit)
    session.say(b"EHLO bench.test\r\n")
    session.say(LOGIN, b"235")
    session.close()


KINDS = {"full": full, "resumed": resumed, "login": login}


def ticket_of(target, limit, tls):
    session = Session(target, limit)
    session.start_tls(tls)
    ticket = session.socket.session
    session.close()
    return ticket


def per_cpu_second(kind, target, o):
    tls = context()
    ticket = ticket_of(target, o.limit, tls) if kind is resumed else None
    kind(target, o.limit, tls, ticket)       # the processes are there
    before = sum(target.cpu())
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda _: kind(target, o.limit, tls, ticket), range(o.num)))
    return o.num / max(sum(target.cpu()) - before, 1e-6)


def handshakes(targets, o):
    for kind in (KINDS[name] for name in o.kinds.split(",")):
        rows = {t.name: [] for t in targets}
        for run in range(o.runs):
            for t in targets if run % 2 == 0 else targets[::-1]:
                rows[t.name].append(per_cpu_second(kind, t, o))
        shown = ["%s %.0f [%.0f..%.0f]" % (name, statistics.median(r), min(r), max(r)) for name, r in rows.items()]
        ratio = ""
        if len(targets) == 2:
            ratio = "  x%.2f" % (statistics.median(rows[targets[1].name]) / statistics.median(rows[targets[0].name]))
        print("%-8s per CPU second: %s%s" % (kind.__name__, ", ".join(shown), ratio), flush=True)


def idle(targets, o):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tls = context()
    for t in targets:
        open_session = (lambda: begin_tls(t, o.limit, tls)) if o.tls else (lambda: begin_plain(t, o.limit))
        open_session().close()               # what the first one makes the process load is not of the sessions
        before, sessions = t.memory() or t.pss()[0] * 1024, []
        for _ in range(o.conc):
            sessions.append(open_session())
        after = t.memory() or t.pss()[0] * 1024
        greetings = []
        for _ in range(20):
            session = Session(t, o.limit)
            greetings.append(session.greeted * 1e3)
            session.close()
        print("%-10s %d idle sessions%s: %.1f kB each (%s); greets one more after %.2f ms (longest %.2f)"
              % (t.name, o.conc, " in TLS" if o.tls else "", (after - before) / o.conc / 1000, "cgroup" if t.memory() else "PSS",
                 statistics.median(greetings), max(greetings)), flush=True)
        for session in sessions:
            session.socket.close()


def begin_plain(target, limit):
    session = Session(target, limit)
    session.say(b"EHLO bench.test\r\n")
    return session


def begin_tls(target, limit, tls):
    session = Session(target, limit)
    session.start_tls(tls)
    return session


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("mode", choices=["handshakes", "idle"])
    p.add_argument("targets", nargs="+")
    p.add_argument("-n", "--num", type=int, default=200)
    p.add_argument("-r", "--runs", type=int, default=5)
    p.add_argument("-k", "--kinds", default=",".join(KINDS))
    p.add_argument("-c", "--conc", type=int, default=1000)
    p.add_argument("--tls", action="store_true")
    p.add_argument("--limit", type=float, default=60)
    arguments = p.parse_args()
    {"handshakes": handshakes, "idle": idle}[arguments.mode]([Target(path) for path in arguments.targets], arguments)
