"""Our own suite, run from the build tree (VALIJA_BUILD, default build/) without being installed.

As root: in a private root (private_root.sh), where it has users, chroots and identities as on a real host.
As an ordinary user: in a directory, where that user stands for every identity and nothing is chrooted. Root that may
not make namespaces (in a plain container) does the same as the user nobody."""
import contextlib
import ctypes
import functools
import grp
import json
import os
import pwd
import re
import select
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

from . import config
from .base import Suite
from .syslog import Syslog

SETGID = {"postdrop", "postqueue"}
PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000


def build_dir():
    return Path(os.environ.get("VALIJA_BUILD") or config.TREE / "build").resolve()


def programs(build):
    """[(daemon|script|command|setgid|module, path below the build directory, a script's below the source)] of what is built, as its Makefile says."""
    text = (build / "Makefile").read_text()
    found = []
    for variable, kind in (("daemon_PROGRAMS", "daemon"), ("sbin_PROGRAMS", "command")):
        m = re.search(r"^%s = ((?:.*\\\n)*.*)$" % variable, text, re.M)
        for word in (m.group(1) if m else "").replace("\\\n", " ").replace("$(EXEEXT)", "").split():
            if (build / word).exists():
                name = word.rsplit("/", 1)[-1]
                found.append(("setgid" if name in SETGID else kind, word))
    m = re.search(r"^dist_daemon_SCRIPTS = (.*)$", text, re.M)
    found += [("script", word) for word in (m.group(1) if m else "").split()]
    return found + [("module", "lib/maps/modules/" + p.name) for p in sorted(build.glob("lib/maps/modules/valija-*.so"))]


@functools.cache
def sanitized():
    """Ours is built with --enable-sanitizers, and ours is what is tested."""
    return os.environ.get("SUITE") != "reference" and bool(re.search("(?m)^SANITIZER_FLAGS = .", (build_dir() / "Makefile").read_text()))


def open_to_all(directory):
    """Whether any user can reach what is in it."""
    return all(d.stat().st_mode & stat.S_IXOTH for d in (directory, *directory.parents))


@functools.cache
def private_root_possible():
    """Root, and allowed to make namespaces and an overlay (a container may deny it)."""
    if os.getuid() != 0 or os.environ.get("VALIJA_NO_NAMESPACES"):
        return False
    test = 'mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w /mnt/r && mount -t overlay none -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r'
    return subprocess.run(["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "sh", "-c", test],
                          capture_output=True).returncode == 0


class Ours(Suite):
    kind = "ours"

    def __init__(self, directory=None, outlives_us=False, isolated=False, **options):
        """isolated: with a network of its own (`network` enters it) and a syslog socket; only in a private root."""
        super().__init__(**options)
        self.isolated, self.syslog = isolated, None
        self.dir = Path(directory or tempfile.mkdtemp(prefix="valija-"))
        self.outlives_us = outlives_us
        self.private = private_root_possible()
        self.pid = None
        self.init = None
        self.who = pwd.getpwuid(os.getuid()) if self.private or os.getuid() else pwd.getpwnam("nobody")
        if not self.private:
            self.queue_directory = str(self.dir / "spool")
            self.mail_log_file = str(self.dir / "log/mail.log")

    # --- making it ---
    def start(self):
        self.build = build_dir()
        self.dir.mkdir(exist_ok=True, mode=0o755)
        self.dir.chmod(0o755)
        if self.private:
            self._enter_private_root()
            if self.isolated:
                self.syslog = Syslog(self.path("/dev/log"), self.mail_log)
        else:
            self._lay_out_directory()
        self._save()
        for command in ["newaliases", *self.prepare]:
            self.sh(command)
        self.start_mail()

    def start_mail(self):
        done = self.run("postfix", "start")
        if done.returncode:
            raise AssertionError("postfix start: exit %d\n%s%s\n%s" % (done.returncode, done.stdout.decode(), done.stderr.decode(), self.log()))
        self.wait_log(r"daemon started -- version", timeout=20)

    def _files(self):
        hosts = "127.0.0.1 localhost\n127.0.0.1 %s\n" % self.hostname
        resolv = "nameserver %s\noptions timeout:1 attempts:1\n" % (self.dns or "127.0.0.1")
        return {"/etc/aliases": config.ALIASES, "/etc/passwd": config.passwd(), "/etc/group": config.group(), "/etc/hosts": hosts,
                "/etc/resolv.conf": resolv, "/etc/hostname": self.hostname + "\n", "/etc/mailname": "example.test\n",
                "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n", **self.files}

    def _meta_files(self):
        """As `make install` puts them: what new instances are made of, and the list of files."""
        stock = {"/etc/postfix/%s.proto" % name: (config.TREE / "conf" / name).read_text() for name in ("main.cf", "master.cf")}
        made = self.build / "conf/postfix-files"
        return {**stock, "/etc/postfix/postfix-files": made.read_text()} if made.exists() else stock

    def _enter_private_root(self):
        seed = self.dir / "seed"
        seed.mkdir(exist_ok=True)
        (self.dir / "fs").mkdir(exist_ok=True)
        settings = {**config.NOT_IN_REFERENCE, **self._sanitizer_settings(), **self.main_cf}
        files = {"/etc/postfix/main.cf": config.main_cf(settings), "/etc/postfix/master.cf": config.master_cf(self), **self._meta_files(), **self._files()}
        for inside, text in files.items():
            path = seed / inside[1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        for user in config.USERS:
            home = seed / "home" / user
            home.mkdir(parents=True, exist_ok=True)
            for p in (home, *home.rglob("*")):
                os.chown(p, config.uid(user), config.uid(user))
        (seed / "var/lib/postfix").mkdir(parents=True)
        os.chown(seed / "var/lib/postfix", 100, 102)
        (self.dir / "programs").write_text("".join("%s %s\n" % p for p in programs(self.build)))
        libc = ctypes.CDLL(None)
        argv = ["unshare", "--mount", "--pid", "--uts", "--ipc", *["--net"] * self.isolated, "--fork", "--kill-child=SIGKILL",
                str(Path(__file__).with_name("private_root.sh")), str(self.dir), str(config.TREE), str(self.build), self.hostname,
                *["isolated"] * self.isolated]
        with open(self.dir / "init.log", "wb") as errors:
            self.init = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
                                         preexec_fn=None if self.outlives_us else lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        line = self.init.stdout.readline()
        self.init.stdout.close()
        if not line:
            raise AssertionError("no private root: " + (self.dir / "init.log").read_text())
        self.pid = int(line)

    def _lay_out_directory(self):
        me, group = self.who.pw_name, grp.getgrgid(self.who.pw_gid).gr_name
        d = self.dir
        for sub in ("etc", "spool", "data", "log", "mail", "home", "sbin", "libexec", "lib"):
            (d / sub).mkdir(exist_ok=True)
        for kind, program in programs(self.build):
            link = d / {"daemon": "libexec", "module": "lib"}.get(kind, "sbin") / program.rsplit("/", 1)[-1]
            if link.exists():
                continue
            if self.who.pw_uid == os.getuid() or open_to_all(self.build):
                link.symlink_to(self.build / program)
            else:      # a tree in /root: who stands for all cannot go there
                subprocess.run(["strip", "-o", link, self.build / program], check=True)
        for name in ("mailq", "newaliases"):
            if not (d / "sbin" / name).exists():
                (d / "sbin" / name).symlink_to("sendmail")
        here = {"config_directory": d / "etc", "queue_directory": d / "spool", "data_directory": d / "data", "command_directory": d / "sbin",
                "daemon_directory": d / "libexec", "shlib_directory": d / "lib", "meta_directory": d / "etc", "mail_spool_directory": d / "mail", "maillog_file": d / "log/mail.log",
                "maillog_file_prefixes": d, "alias_maps": "hash:%s/etc/aliases" % d, "alias_database": "hash:%s/etc/aliases" % d,
                "sendmail_path": d / "sbin/sendmail", "mailq_path": d / "sbin/mailq", "newaliases_path": d / "sbin/newaliases",
                "mail_owner": me, "setgid_group": group, "default_privs": me,
                "local_recipient_maps": "inline:{%s}" % " ".join(name + "=x" for name in config.local_names())}
        settings = {**{k: str(v) for k, v in here.items()}, **config.NOT_IN_REFERENCE, **self._sanitizer_settings(), **self.main_cf}
        (d / "etc/main.cf").write_text(config.main_cf(settings))
        (d / "etc/master.cf").write_text(config.master_cf(self, chroot=False))
        for inside, text in {"/etc/aliases": "", **self.files}.items():
            self.write(inside, text)
        if os.getuid() != self.who.pw_uid:
            for p in (d, *d.rglob("*")):
                os.chown(p, self.who.pw_uid, self.who.pw_gid, follow_symlinks=False)

    def _sanitizer_settings(self):
        """Sanitizer reports of daemons go to files that stop() looks at."""
        if not sanitized():
            return {}
        kept = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C"
        return {"import_environment": kept + " ASAN_OPTIONS=%s UBSAN_OPTIONS=%s" % (self._asan(), self._asan())}

    @staticmethod
    def _asan():
        return "abort_on_error=1:detect_leaks=0:disable_coredump=1:print_stacktrace=1"

    # --- using it ---
    def _save(self):
        state = {"private": self.private, "pid": self.pid, "start": start_time(self.pid), "ports": self.ports, "build": str(self.build)}
        (self.dir / "state.json").write_text(json.dumps(state))

    @classmethod
    def attach(cls, directory):
        """The instance that lives in a directory, started by another process; None when it is not there any more."""
        try:
            state = json.loads((Path(directory) / "state.json").read_text())
        except FileNotFoundError:
            return None
        self = cls(directory=directory)
        self.private, self.pid, self.ports, self.build = state["private"], state["pid"], state["ports"], Path(state["build"])
        if self.private and start_time(self.pid) != state["start"]:
            return None
        if not self.private and self.run("postfix", "status").returncode:
            return None
        return self

    @staticmethod
    def remove(directory):
        """What an instance that is gone left behind."""
        shutil.rmtree(directory, ignore_errors=True)

    def path(self, inside):
        if not self.private:
            if inside.startswith(str(self.dir)):
                return inside
            moved = {"/etc/postfix/": "etc/", "/etc/": "etc/", "/var/mail/": "mail/", "/home/": "home/", "/var/log/": "log/"}
            for prefix, place in moved.items():
                if inside.startswith(prefix):
                    return str(self.dir / place / inside[len(prefix):])
            return inside
        return "/proc/%d/root%s" % (self.pid, inside)

    def started(self, argv, user=None, cwd="/", env=None):
        base = {**self.environment(user), "ASAN_OPTIONS": self._asan()}
        if self.private:
            who = ["setpriv", "--reuid=%d" % config.uid(user), "--regid=%d" % config.uid(user), "--clear-groups"] if user else []
            command = ["nsenter", "-t", str(self.pid), *["-n"] * self.isolated, "-m", "-p", "-u", "-i", "-r", "-w", "--", *who,
                       "sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", cwd, *argv]
        else:
            base.update(PATH="%s/sbin:%s" % (self.dir, base["PATH"]), HOME=os.environ.get("HOME", "/"), MAIL_CONFIG=str(self.dir / "etc"),
                        USER=self.who.pw_name)
            down = ["setpriv", "--reuid=%d" % self.who.pw_uid, "--regid=%d" % self.who.pw_gid, "--clear-groups"]
            command = [*(down if os.getuid() != self.who.pw_uid else []), *argv]
        return {"args": command, "env": {**base, **(env or {})}, "cwd": None if self.private else cwd}

    @contextlib.contextmanager
    def network(self):
        """Sockets that this thread makes meanwhile belong to the network of an isolated instance."""
        def enter(namespace):
            if libc.setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as ours, open("/proc/%d/ns/net" % self.pid) as its:
            enter(its)
            try:
                yield
            finally:
                enter(ours)

    def stop(self):
        try:
            if self.pid or not self.private:
                self.run("postfix", "stop", timeout=20)
        finally:
            if self.init:
                self.init.kill()
                self.init.wait()
            elif self.private and self.pid:
                end(self.pid)
            if self.syslog:
                self.syslog.close()
            shutil.rmtree(self.dir, ignore_errors=True)


def start_time(pid):
    """When a process started, in ticks since the boot: with the pid, what names it for good."""
    try:
        return Path("/proc/%s/stat" % pid).read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def end(pid):
    """Ends process 1 of a namespace, and with it all others there; returns when it is gone."""
    handle = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([handle], [], [], 10)
    os.close(handle)
