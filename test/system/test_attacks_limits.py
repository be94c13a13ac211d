"""ATTACKS O03, O04, O05 and O10: what happens at the system's limits. No descriptor left, no process or memory to be had, a flood of
connections: the mail system goes on with what it has, waits without spinning, and is itself again as soon as there is room."""
import contextlib
import os
import resource
import select
import shutil
import socket
import subprocess
import time

import pytest

from suite import make
from suite.ours import sanitized
from suite.smtp import Client, send

pytestmark = [pytest.mark.root, pytest.mark.expensive, pytest.mark.extension("about our own processes: many sessions in one")]

TICKS = os.sysconf("SC_CLK_TCK")


def processes(suite, program):
    """Pids outside of the namespace: {pid here: pid inside}."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            if os.path.basename(os.readlink("/proc/%s/exe" % entry)) != program:
                continue
            if os.readlink("/proc/%s/ns/pid" % entry) != os.readlink("/proc/%d/ns/pid_for_children" % suite.pid) and \
                    os.readlink("/proc/%s/ns/pid" % entry) != os.readlink("/proc/%d/ns/pid" % suite.pid):
                continue
            with open("/proc/%s/status" % entry) as status:
                inside = next(line.split()[-1] for line in status if line.startswith("NSpid:"))
            found[int(entry)] = int(inside)
    return found


def limit_descriptors(suite, pid, limit):
    """The soft limit; with the rights of the process itself, since root in a container may not."""
    inside = str(processes(suite, os.path.basename(os.readlink("/proc/%d/exe" % pid)))[pid])
    suite.sh("setpriv --reuid=postfix --regid=postfix --clear-groups prlimit --pid %s --nofile=%d:" % (inside, limit))


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def greeted(address, timeout=10, source=None):
    """Seconds until the greeting."""
    begun = time.monotonic()
    with socket.create_connection(address, timeout=timeout, source_address=source) as client:
        assert client.recv(3) == b"220"
        return time.monotonic() - begun


# --- O03 ---
def test_accept_without_descriptors():
    with make(main_cf={"smtpd_timeout": "600s"}, services={"smtp": {"maxproc": "500"}}) as suite, contextlib.ExitStack() as stack:
        greeted(suite.smtp)
        (pid,) = processes(suite, "smtpd")
        in_use = len(os.listdir("/proc/%d/fd" % pid))
        limit_descriptors(suite, pid, in_use + 20)
        at = suite.log_size()
        clients = [stack.enter_context(socket.create_connection(suite.smtp, timeout=30)) for _ in range(60)]
        suite.wait_log(r"smtpd\[\d+\]: warning: .*Too many open files; no new clients for a moment", since=at)
        # Those that got in are served. Meanwhile it does not spin.
        served = [client for client in clients if select.select([client], [], [], 0.2)[0]]
        assert 10 <= len(served) <= 21
        begun, spent = time.monotonic(), cpu_seconds(pid)
        suite.wait_log(r"no new clients for a moment", count=6, since=at)
        seconds = time.monotonic() - begun
        assert cpu_seconds(pid) - spent <= 0.05 * seconds + 2 / TICKS
        for client in served[1:]:
            client.sendall(b"QUIT\r\n")
            client.close()
        # As soon as there is room, who waited is let in.
        waiting = [client for client in clients if client not in served]
        for client in waiting[:10]:
            client.settimeout(5)
            assert client.recv(3) == b"220"
        for client in clients:
            client.close()
        assert greeted(suite.smtp, timeout=30) < 5
        assert list(processes(suite, "smtpd")) == [pid]
        limit_descriptors(suite, pid, 1024)
        send(suite, "alice@example.test", "bob@example.test")
        suite.wait_queue_empty()


def test_services_without_descriptors():
    """The same at cleanup and rewrite, which other programs ask: mail waits, and nothing is lost."""
    with make() as suite:
        send(suite, "alice@example.test", "bob@example.test")
        suite.wait_queue_empty()
        pids = [pid for name in ("cleanup", "trivial-rewrite", "qmgr") for pid in processes(suite, name)]
        for pid in pids:
            limit_descriptors(suite, pid, len(os.listdir("/proc/%d/fd" % pid)))
        taken = 0
        for _ in range(5):
            with contextlib.suppress(Exception), Client(suite.smtp, timeout=5) as client:
                client.send("alice@example.test", "carol@example.test")
                taken += 1
        for pid in pids:
            limit_descriptors(suite, pid, 1024)
        send(suite, "alice@example.test", "carol@example.test")
        suite.sh("postqueue -f")
        assert len(suite.messages("carol", taken + 1, timeout=60)) >= taken + 1
        assert [pid for pid in pids if os.path.exists("/proc/%d" % pid)] == pids


# --- O04 ---
FORK = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <dlfcn.h>
pid_t fork(void) {
  static pid_t (*real)(void);
  if (access("fork-fails", F_OK) == 0) { errno = EAGAIN; return -1; }
  if (!real) real = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
  return real();
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
@pytest.mark.skipif(sanitized(), reason="the sanitizers' own library has to come first")
def test_no_process_to_be_had(tmp_path):
    library = tmp_path / "fork.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-xc", "-", "-o", library, "-ldl"], input=FORK.encode(), check=True)
    main_cf = {"import_environment": "MAIL_CONFIG MAIL_LOGTAG TZ LANG=C LD_PRELOAD=/fork.so", "relay_domains": "later.example",
               "transport_maps": "inline:{later.example=discard:}"}
    with make(main_cf=main_cf) as suite:
        shutil.copy(library, suite.path("/fork.so"))
        suite.sh("postfix stop 2>&1")
        # Not by postfix(1), which gives it an environment of its own.
        started = suite.run("/usr/lib/postfix/sbin/master", "-w", env={"LD_PRELOAD": "/fork.so"})
        assert started.returncode == 0, started
        suite.wait_log(r"daemon started -- version", count=2)
        send(suite, "alice@example.test", "bob@example.test")
        suite.wait_queue_empty()
        (master,) = processes(suite, "master")
        before = {name: processes(suite, name) for name in ("master", "qmgr", "cleanup", "smtpd", "local")}
        flag = os.path.join(suite.queue, "fork-fails")
        at = suite.log_size()
        open(flag, "w").close()
        # What runs goes on: mail is taken. A service that has not run cannot start, and master waits between its tries.
        begun, spent = time.monotonic(), cpu_seconds(master)
        ids = [send(suite, "alice@example.test", recipient) for recipient in ("bob@example.test", "x@later.example")]
        suite.wait_log(r"master\[\d+\]: warning: .*cannot start: fork: Resource temporarily unavailable", count=3, since=at)
        seconds = time.monotonic() - begun
        assert cpu_seconds(master) - spent <= 0.05 * seconds + 2 / TICKS
        assert seconds > 1 and "%s: removed" % ids[1] not in suite.log(at)
        os.unlink(flag)
        suite.wait_removed(ids[1])
        suite.wait_queue_empty()
        assert {name: processes(suite, name) for name in before} == before
        assert "fatal:" not in suite.log(at) and "panic:" not in suite.log(at)


# --- O05 ---
def limit_memory(suite, pid, more):
    """The address space may grow by so many bytes; None: as much as it likes."""
    program = os.path.basename(os.readlink("/proc/%d/exe" % pid))
    with open("/proc/%d/statm" % pid) as statm:
        size = int(statm.read().split()[0]) * resource.getpagesize()
    suite.sh("setpriv --reuid=postfix --regid=postfix --clear-groups prlimit --pid %d --as=%s:" %
             (processes(suite, program)[pid], "unlimited" if more is None else size + more))


@pytest.mark.skipif(sanitized(), reason="the sanitizers take all of the address space")
@pytest.mark.parametrize("more", [0, 200_000, 1_000_000])
@pytest.mark.parametrize("program", ["smtpd", "cleanup", "trivial-rewrite", "qmgr", "bounce"])
def test_no_memory_to_be_had(program, more):
    """Whoever gets none refuses, or dies and is started again. What has been taken arrives, and nothing is there that was not sent."""
    main_cf = {"notify_classes": "", "relay_domains": "discard.example", "transport_maps": "inline:{discard.example=discard:}"}
    with make(main_cf=main_cf, services={"smtp": {"maxproc": "400"}}) as suite, contextlib.ExitStack() as stack:
        send(suite, "bob@example.test", "carol@example.test")
        suite.wait_queue_empty()
        suite.run("sendmail", "-f", "bob@example.test", "no-such-user@example.test", user="bob", input=b"Subject: bounce\n\nx\n")
        suite.wait_log("sender non-delivery notification")
        suite.wait_queue_empty()
        before = len(suite.messages("carol", 1))
        pids = list(processes(suite, program))
        assert pids
        at = suite.log_size()
        for pid in pids:
            limit_memory(suite, pid, more)
        taken, tried = 0, 0
        for size in (10, 100, 5000):
            for _ in range(3):
                tried += 1
                with contextlib.suppress(Exception):       # many clients at a time, and many recipients
                    for _ in range(20):
                        stack.enter_context(socket.create_connection(suite.smtp, timeout=5)).sendall(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\n")
                with contextlib.suppress(Exception), Client(suite.smtp, timeout=5) as client:
                    client.send("bob@example.test", ["carol@example.test", *("r%d@discard.example" % n for n in range(300))],
                                "Subject: memory\n\n" + ("x" * 70 + "\n") * size)
                    taken += 1
        stack.close()
        for pid in pids:
            with contextlib.suppress(OSError, KeyError):
                limit_memory(suite, pid, None)
        send(suite, "bob@example.test", "carol@example.test")
        suite.sh("postqueue -f")
        suite.messages("carol", before + taken + 1, timeout=60)
        # What a process that died had begun may lie in incoming/ for its time.
        suite.wait_until(lambda: not [f for f in suite.queue_files() if f[0] != "incoming"], suite.queue, what="the end of all deliveries")
        got = len(suite.messages("carol", 0)) - before - 1
        assert taken <= got <= tried, (taken, got, suite.log(at)[-3000:])
        assert "killed by signal 11" not in suite.log(at)


# --- O10 ---
def test_flood_of_connections():
    """2000 connections from many addresses that say nothing; somebody who is known gets his greeting meanwhile."""
    with make(main_cf={"smtpd_timeout": "300s", "smtpd_client_connection_count_limit": "50"}, services={"smtp": {"maxproc": "1000"}}) as suite:
        greeted(suite.smtp)
        waits, flood, made = [], [], 0
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        try:
            while made < 2000:
                for _ in range(40):
                    client = socket.socket()
                    client.bind(("127.0.%d.%d" % (1 + made % 200, 1 + made // 200), 0))
                    client.setblocking(False)
                    client.connect_ex(suite.smtp)
                    flood.append(client)
                    made += 1
                waits.append(greeted(suite.smtp))
                while len(flood) > 600:            # they come and go
                    flood.pop(0).close()
        finally:
            for client in flood:
                client.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert sorted(waits)[int(len(waits) * 0.99)] < 1, sorted(waits)[-5:]
        send(suite, "alice@example.test", "bob@example.test")
        suite.wait_queue_empty()
