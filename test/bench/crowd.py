"""Ten thousand clients of ours who wait in IDLE with TLS: virtual users who share one uid, a hundred clients each. What one of them
costs as the memory group is charged for it, the kernel's part included; how soon one more is served, and a message told."""
import asyncio
import os
import resource
import ssl
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from suite import config
from suite.mailboxes import Mailboxes
from target import memory_group

USERS = 100
TOGETHER = 16            # logins
SPARE = 500
INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
GROUP = Path("/sys/fs/cgroup/unified" if Path("/sys/fs/cgroup/unified").exists() else "/sys/fs/cgroup")


def tls():
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
    return found


class Client:
    """In IDLE once it is open."""

    async def open(self, port, user, context):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        await self.reader.readline()
        for tag, command in (("a", "LOGIN %s pw" % user), ("b", "SELECT INBOX")):
            await self.say(tag, command)
        self.writer.write(b"c IDLE\r\n")
        await self.until(b"+ ")
        return self

    async def say(self, tag, command):
        self.writer.write(("%s %s\r\n" % (tag, command)).encode())
        answer = await self.until(tag.encode() + b" ")
        assert answer.split()[1] == b"OK", answer

    async def until(self, start):
        while True:
            line = await self.reader.readline()
            assert line, "the server has closed"
            if line.startswith(start):
                return line


class Group:
    """The memory of all that runs in a PID namespace, from when it is made."""

    def __init__(self, pid):
        self.place = Path(memory_group(str(GROUP / ("crowd-%d" % os.getpid()))))
        self.place.mkdir()
        own = os.readlink("/proc/%s/ns/pid" % pid)
        for each in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/ns/pid" % each) == own:
                    (self.place / "cgroup.procs").write_text(each)
            except OSError:
                pass   # it has ended

    def remove(self):
        while (self.place / "cgroup.procs").read_text():
            time.sleep(0.1)
        self.place.rmdir()

    def memory(self):
        name = "memory.current" if (self.place / "memory.current").exists() else "memory.usage_in_bytes"
        return int((self.place / name).read_text())


async def all_of_them(server, pid, count):
    port, context, clients = server.ports["imaps"], tls(), []
    user = lambda n: "v%d" % (n % USERS)
    warm = [await Client().open(port, user(n), context) for n in range(USERS)]
    group = Group(pid)
    before = group.memory()

    async def some(numbers):
        for n in numbers:
            clients.append(await Client().open(port, user(n), context))

    began = time.monotonic()
    numbers = iter(range(count))
    await asyncio.gather(*(some(numbers) for _ in range(TOGETHER)))
    opened = time.monotonic() - began
    await asyncio.sleep(10)
    each = (group.memory() - before) / count
    served = []
    for n in range(20):
        began = time.monotonic()
        more = await Client().open(port, user(n), context)
        served.append(time.monotonic() - began)
        more.writer.close()
    told = []
    for n in range(20):
        began = time.monotonic()
        put(server, "v%d" % n)
        await warm[n].until(b"* 1 EXISTS")
        told.append(time.monotonic() - began)
    print("crowd      %d clients in IDLE with TLS: %.1f kB each, the kernel's included; opened %.0f a second; one more is served after %.1f ms (longest %.1f); "
          "a message is told after %.1f ms (longest %.1f)" % (count, each / 1000, count / opened, *(f(x) * 1000 for x in (served, told) for f in (statistics.median, max))),
          flush=True)
    for client in warm + clients:
        client.writer.transport.abort()
    return group


def home(user):
    return "/home/alice/%s" % user


def make(path, mode=0o700):
    path.mkdir(mode)
    os.chown(path, config.uid("alice"), config.uid("alice"))


def put(server, user):
    new = server.path(home(user) + "/Maildir/new/1700000000.M1P1.bench")
    new.write_text("Subject: hello\n\nhello\n")


def measure(count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < count + SPARE:
        sys.exit("so many files cannot be open here: %d" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    instances = INSTANCES.read_text()
    uid = config.uid("alice")
    users = "".join("v%d:{PLAIN}pw:%d:%d::%s::\n" % (n, uid, uid, home("v%d" % n)) for n in range(USERS))
    group = None
    try:
        INSTANCES.write_text(str(2 * count))
        with Mailboxes(users=("alice",), of="ours", files={"/etc/postfix/users": users},
                       main_cf={"auth_userdb": "passwd-file:/etc/postfix/users", "imapd_user_connection_count_limit": "0",
                                "default_process_limit": str(count + SPARE)}) as server:
            for n in range(USERS):
                make(server.path(home("v%d" % n)))
                make(server.path(home("v%d" % n) + "/Maildir"))
                for part in ("cur", "new", "tmp"):
                    make(server.path(home("v%d" % n) + "/Maildir/" + part))
            group = asyncio.run(all_of_them(server, server.path("/").parts[2], count))
    finally:
        INSTANCES.write_text(instances)
        if group:
            group.remove()
