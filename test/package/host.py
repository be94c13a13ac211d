"""A Debian host in a private root, whose mail system changes under load; for `run`."""
import hashlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import installed

HERE = Path(__file__).resolve().parent
PLUGINS = ("postfix-cdb", "postfix-lmdb", "postfix-pcre", "postfix-sqlite")
CALM = 20              # seconds of load before the first change and after the last
PROBE_EVERY = 0.05     # seconds between two looks at the port
QUEUES = ("active", "deferred", "hold", "incoming", "maildrop")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "HOME": "/root"}

# What a real host would have of its own; tables of the plugins' types too.
SETTINGS = """myhostname = mail.example.test
mydomain = example.test
mydestination = $myhostname, $mydomain, localhost
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = /var/log/mail.log
mailbox_command =
transport_maps = hash:/etc/postfix/transport, pcre:/etc/postfix/transport.pcre
virtual_alias_maps = cdb:/etc/postfix/virtual, lmdb:/etc/postfix/virtual
virtual_mailbox_domains = virtual.test
virtual_mailbox_base = /srv/vmail
virtual_mailbox_maps = static:vmail/
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
"""
FILES = {"transport": "remote.test smtp:[{0}]:{1}\nbounce.test smtp:[{0}]:{1}\n", "virtual": "list@example.test alice@example.test\n",
         "transport.pcre": "/@never-seen\\.test$/ discard:\n"}


def say(text):
    print("== %s" % text, file=sys.stderr, flush=True)


def become_a_child():
    """Process 1 reaps what others leave behind: the work is done by its child."""
    worker = os.fork()
    while worker:
        pid, status = os.wait()
        if pid == worker:
            sys.exit(os.waitstatus_to_exitcode(status))


def version_of(deb):
    return subprocess.run(["dpkg-deb", "-f", str(deb), "Version"], check=True, capture_output=True, text=True).stdout.strip()


# The source of Debian's package, for what it has of tests; other archives that the host knows have none.
WITH_SOURCES = r"""
        for list in /etc/apt/sources.list.d/*.sources; do
          if grep -q '^Suites: %(suite)s' "$list"; then sed -i 's/^Types: deb$/Types: deb deb-src/' "$list"; fi; done
        sed -n 's/^deb \(.* %(suite)s[ -].*\)/deb-src \1/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null >/tmp/list || :
        mv /tmp/list /etc/apt/sources.list.d/sources-of-debian.list"""


def prepare_packages(suite, deb, more=(), source=False):
    """A directory that apt can read: our package, what it needs, and Debian's postfix with its plugins. `more` are packages to
    be had besides; with `source`, Debian's source package lies there too."""
    if not deb:
        built = installed.CACHE / ("package-" + suite)
        subprocess.run([str(HERE / "build"), suite, str(built)], check=True)
        deb = max(built.glob("postfix_*.deb"), key=lambda path: path.stat().st_mtime)
    base = installed.BASES[suite]
    place = Path(tempfile.mkdtemp(prefix="packages-", dir="/var/tmp"))
    archive = installed.CACHE / ("archive-" + suite)
    archive.mkdir(exist_ok=True)
    for inside in ("upper", "work", "root"):
        (place / inside).mkdir()
    shutil.copy(deb, archive / "ours.deb")
    script = """mount -t overlay overlay -o lowerdir=%s,upperdir=$0/upper,workdir=$0/work $0/root
        mkdir $0/root/archive; mount --bind %s $0/root/archive; mount -t proc proc $0/root/proc; cp -L /etc/resolv.conf /etc/hosts $0/root/etc
        exec chroot $0/root sh -ec "$1" """ % (base, archive)
    version = "$(dpkg-query -W -f '${Version}' postfix)"
    inside = """%s
        apt-get -q update
        apt-get -q -y --no-install-recommends --download-only -o Dir::Cache::archives=/archive install /archive/ours.deb %s
        cd /archive; apt-get -q download %s""" % (WITH_SOURCES % {"suite": suite} if source else "", " ".join(more),
                                                  " ".join("%s=%s" % (name, version) for name in ("postfix",) + PLUGINS))
    inside += "; apt-get -q source --download-only postfix=" + version if source else ""
    inside += "; chown -R root /archive"
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    subprocess.run(["unshare", "-mpf", "--kill-child", "--propagation", "private", "sh", "-ec", script, str(place), inside],
                   check=True, stdout=sys.stderr, env={**ENVIRONMENT, **proxies})
    shutil.rmtree(place)
    index = subprocess.run(["dpkg-scanpackages", "-m", "."], cwd=archive, check=True, capture_output=True, text=True).stdout
    (archive / "Packages").write_text(index)
    return archive


class Host:
    """`place`/root is a copy of the reference's base, on a plain file system: an overlay has rules of its own."""

    def __init__(self, place, suite, packages):
        self.place, self.root, self.packages = Path(place), Path(place) / "root", Path(packages)
        self.suite = suite
        self.queue = self.root / "var/spool/postfix"

    def run(self, *argv, check=True, **more):
        done = subprocess.run(["chroot", str(self.root), *argv], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
        if check and done.returncode:
            sys.exit("%s: exit %d\n%s" % (" ".join(argv), done.returncode, done.stdout))
        return done.stdout

    def make_root(self):
        """The base, whose apt has what `packages` holds and nothing else."""
        say("copying the base of %s" % self.suite)
        subprocess.run(["cp", "-a", str(installed.BASES[self.suite]), str(self.root)], check=True)
        for kind, inside in (("proc", "proc"), ("tmpfs", "run")):
            subprocess.run(["mount", "-t", kind, kind, str(self.root / inside)], check=True)
        subprocess.run(["mount", "--rbind", "/dev", str(self.root / "dev")], check=True)
        # Services are to be stopped and started; without an init system only a policy allows that.
        (self.root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 0\n")
        for path in [self.root / "etc/apt/sources.list", *(self.root / "etc/apt/sources.list.d").iterdir(), *(self.root / "etc/apt/apt.conf.d").iterdir()]:
            path.unlink(missing_ok=True)
        shutil.copytree(self.packages, self.root / "archive")
        (self.root / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/archive ./\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.0.1 mail.example.test\n")
        self.run("apt-get", "-q", "update")

    def remove(self):
        """The mounts first: /dev in the root is the host's own."""
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for path in reversed([path for path in mounted if path.startswith(str(self.place) + "/")]):
            subprocess.run(["umount", "-l", path], check=True)
        shutil.rmtree(self.place)

    def set_up(self):
        """A mail system as a site would have it, with Debian's package."""
        self.make_root()
        for name, uid in (("alice", 1001), ("sender", 1002), ("vmail", 5000)):
            self.run("useradd", "-m", "-u", str(uid), name)
        (self.root / "srv/vmail").mkdir()
        os.chown(self.root / "srv/vmail", 5000, 5000)
        address, port = installed.SINK.rsplit(":", 1)
        for name, text in FILES.items():
            (self.root / "etc/postfix" / name).write_text(text.format(address, port))
        self.run("postconf", "-e", *SETTINGS.splitlines())
        for table in ("hash:/etc/postfix/transport", "cdb:/etc/postfix/virtual", "lmdb:/etc/postfix/virtual"):
            self.run("postmap", table)
        self.run("newaliases")

    def installed_version(self):
        return self.run("dpkg-query", "-W", "-f", "${Version}", "postfix")

    def install(self, version):
        started = time.monotonic()
        said = self.run("apt-get", "-y", "-q", "--allow-downgrades", "-o", "Dpkg::Use-Pty=0", "install", "postfix=" + version, stdin=subprocess.DEVNULL)
        say("postfix %s is installed, in %.1f s" % (version, time.monotonic() - started))
        (self.place / ("apt-%s.log" % version.replace(":", "_"))).write_text(said)
        if self.installed_version() != version:
            sys.exit("not installed:\n" + said)

    def configuration(self):
        """Path: mode, owner, group, content of all below /etc/postfix."""
        found = {}
        for path in sorted((self.root / "etc/postfix").rglob("*")):
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            else:
                content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path.relative_to(self.root))] = (oct(status.st_mode), status.st_uid, status.st_gid, content)
        return found

    def mode_faults(self):
        """What a Debian host has: setgid commands, and the queue's directories."""
        names = {name: int(self.run("getent", database, name).split(":")[2])
                 for name, database in (("postdrop", "group"), ("postfix", "passwd"))}
        wanted = [("usr/sbin/" + name, 0o2555, 0, names["postdrop"]) for name in ("postdrop", "postqueue")]
        wanted += [("var/spool/postfix/" + name, 0o700, names["postfix"], 0)
                   for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "trace")]
        wanted += [("var/spool/postfix/public", 0o2710, names["postfix"], names["postdrop"]),
                   ("var/spool/postfix/maildrop", 0o1730, names["postfix"], names["postdrop"]), ("var/spool/postfix/pid", 0o755, 0, 0)]
        faults = []
        for inside, *facts in wanted:
            status = (self.root / inside).stat()
            is_so = [stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid]
            if is_so != facts and [is_so[0] | stat.S_ISVTX, *is_so[1:]] != facts:      # Debian 13: maildrop is not sticky
                faults.append("%s: mode, owner, group are %s, not %s" % (inside, is_so, facts))
        owner = (self.root / "var/lib/postfix").stat().st_uid
        return faults + (["var/lib/postfix belongs to %d" % owner] if owner != names["postfix"] else [])

    def files_in(self, *queues):
        return [path for name in queues for path in (self.queue / name).rglob("*") if path.is_file()]

    def purge_faults(self):
        """Ours is purged with mail in its queue, first with no answer, then with the answer that the mail may go."""
        say("purging ours")
        self.install(version_of(self.packages / "ours.deb"))
        self.run("service", "postfix", "stop", check=False)
        self.run("sendmail", "alice", input="Subject: stays\n\nThis is not to be thrown away.\n")
        faults = [] if self.files_in("maildrop") else ["no message in maildrop"]
        self.run("apt-get", "-y", "-q", "purge", "postfix")
        if not self.files_in("maildrop"):
            faults.append("purge has removed mail unasked")
        if not re.search("^postfix:", self.run("getent", "passwd", "postfix", check=False)):
            faults.append("purge has removed the owner of the queue")
        self.install(version_of(self.packages / "ours.deb"))
        self.run("service", "postfix", "stop", check=False)
        self.run("sendmail", "alice", input="Subject: goes\n\nThis may be thrown away.\n")
        self.run("debconf-set-selections", input="postfix postfix/purge_queue boolean true\n")
        self.run("apt-get", "-y", "-q", "purge", "postfix")
        for left in ("var/spool/postfix", "etc/postfix", "var/lib/postfix"):
            if (self.root / left).exists():
                faults.append("purge has left /" + left)
        if self.run("getent", "passwd", "postfix", check=False):
            faults.append("purge has left the user")
        return faults


def frozen_file():
    """Where the kernel says for how long this process's group was frozen, by somebody who wanted the machine for himself."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[2] == "cgroup2"]
    groups = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    path = Path("%s%s/cgroup.stat.local" % (mounts[0], groups[0].rstrip("/"))) if mounts and groups else None
    return path if path and path.exists() else None


FROZEN = frozen_file()


def clock():
    """Seconds that passed for what runs here: in a frozen group client and server stand still alike."""
    found = re.search(r"frozen_usec (\d+)", FROZEN.read_text()) if FROZEN else None
    return time.monotonic() - (int(found[1]) / 1e6 if found else 0)


class Probe(threading.Thread):
    """Asks the port for a greeting again and again. `outages` is each time nobody took the connection or greeted; `slowest` is
    the longest that somebody let wait, which on a busy machine is not the same."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ended, self.outages, self.slowest, self.doing = threading.Event(), [], 0.0, "before"
        self.since = clock()

    def greets(self):
        try:
            with socket.create_connection(("127.0.0.1", 25), 2) as connection:
                connection.settimeout(10)
                ok = connection.recv(100).startswith(b"220")
                connection.sendall(b"QUIT\r\n")
                return ok
        except OSError:
            return False

    def run(self):
        last, away = clock(), False
        while not self.ended.wait(PROBE_EVERY):
            began = clock()
            if not self.greets():
                away = True
                continue
            now = clock()
            if away:
                self.outages.append({"while": self.doing, "from": round(last - self.since, 2), "seconds": round(now - last, 2)})
            self.slowest = max(self.slowest, round(now - began, 2))
            last, away = now, False


class Steps(threading.Thread):
    """What runs while a package is exchanged: each maintainer script and command of the mail system, from when to when."""

    WATCHED = re.compile(r"/var/lib/dpkg/|dpkg .*--(unpack|configure)|invoke-rc\.d|/postfix-script|sbin/(postfix|post[a-z]+)\b|configure-instance")

    def __init__(self):
        super().__init__(daemon=True)
        self.ended, self.began, self.seen = threading.Event(), clock(), {}

    def run(self):
        while not self.ended.wait(2 * PROBE_EVERY):
            now = clock() - self.began
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    said = path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                except OSError:
                    continue
                if self.WATCHED.search(said):
                    self.seen.setdefault((path.parent.name, said[:120]), [now, now])[1] = now

    def end(self):
        """Those that took time, in the order of their beginning."""
        self.ended.set()
        self.join()
        steps = sorted(self.seen.items(), key=lambda step: step[1])
        return ["%.2f-%.2f %s" % (*times, said) for (_, said), times in steps if times[1] - times[0] >= 0.1]


class Switch:
    """Under the load of torture.py: ours in, some minutes, Debian's again. Leaves switch.json in `place`."""

    def __init__(self, place, seconds):
        self.host = Host(place, "", place / "root/archive")
        self.seconds, self.faults, self.probe, self.steps = seconds, [], Probe(), {}

    def change(self, doing, version):
        self.probe.doing = doing
        say("%s: %s" % (doing, version))
        steps = Steps()
        steps.start()
        self.probe.since = steps.began
        self.host.install(version)
        # The port may be there later than the package: what waits for it is not yet a fault of what follows.
        end = time.monotonic() + 30
        while not self.probe.greets() and time.monotonic() < end:
            time.sleep(PROBE_EVERY)
        self.steps[doing] = steps.end()

    def look(self, when, before):
        after = self.host.configuration()
        for path in sorted(set(before) | set(after)):
            if before.get(path) != after.get(path):
                self.faults.append("%s: /%s was %s and is %s" % (when, path, before.get(path), after.get(path)))
        self.faults += ["%s: %s" % (when, fault) for fault in self.host.mode_faults()]
        status = self.host.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", "postfix", *PLUGINS)
        self.faults += ["%s: %s" % (when, line) for line in status.splitlines() if not line.endswith(" installed")]
        if "is running" not in self.host.run("service", "postfix", "status", check=False):
            self.faults.append("%s: the service does not run" % when)

    def hold_some(self):
        ids = [entry["queue_id"] for entry in map(json.loads, self.host.run("postqueue", "-j").splitlines()) if entry["queue_name"] == "deferred"][:10]
        self.host.run("postsuper", "-h", "-", input="\n".join(ids) + "\n")

    def counts(self):
        return {name: len(self.host.files_in(name)) for name in QUEUES}

    def run(self):
        theirs, ours = self.host.installed_version(), version_of(self.host.packages / "ours.deb")
        before = self.host.configuration()
        self.probe.start()
        time.sleep(CALM)
        self.hold_some()
        queues = {"before": self.counts()}
        self.change("ours comes", ours)
        self.look("with ours", before)
        if not self.host.run("postconf", "-h", "mail_version").startswith("3.12."):
            self.faults.append("what runs is not ours")
        self.probe.doing = "ours runs"
        time.sleep(self.seconds)
        queues["with ours"] = self.counts()
        self.change("theirs comes back", theirs)
        self.look("back", before)
        self.probe.doing = "theirs runs again"
        time.sleep(CALM)
        queues["after"] = self.counts()
        self.probe.ended.set()
        self.probe.join(30)
        result = {"from": theirs, "to": ours, "away": self.probe.outages, "slowest_greeting": self.probe.slowest, "queues": queues,
                  "steps": self.steps, "faults": self.faults}
        (self.host.place / "switch.json").write_text(json.dumps(result))
        return 0
