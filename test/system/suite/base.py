"""What a test may do with a mail system, whichever it is. Nothing here knows the insides of either."""
import ctypes
import os
import re
import select
import shlex
import socket
import struct
import subprocess
import time
from pathlib import Path

from . import config, terminal


class Timeout(Exception):
    """Something that should have happened did not."""


class Inotify:
    """Wakes a waiter when a file or directory changes. IN_MODIFY, IN_CREATE, IN_MOVED_TO, IN_DELETE and the like."""
    MASK = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200

    def __init__(self, *paths):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        for path in paths:
            if libc.inotify_add_watch(self.fd, os.fsencode(str(path)), self.MASK) < 0:
                os.close(self.fd)
                raise OSError(ctypes.get_errno(), str(path))

    def wait(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            os.read(self.fd, 65536)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.close(self.fd)


def unfinished(log):
    """The ids of messages that cleanup took in, and of whose end the log does not tell yet."""
    begun = set(re.findall(r"/cleanup\[\d+\]: (\w+): message-id=", log))
    ended = set(re.findall(r": (\w+): (?:removed\b|requeued|canceled|reject: END|lost connection|timeout|too many errors)", log))
    ended |= set(re.findall(r": (?:warning: )?(\w+): (?:to=.*status=deferred|queue file size limit|.* placed on hold|placed on hold|milter-(?:header-)?hold: |public/cleanup: end of stream)", log))
    return begun - ended


SYNC_LINE = re.compile(r"(?m)^Jan  1 00:00:00 localhost test/sync.*\n")

GIVEN = set()


def free_port():
    """A port of 127.0.0.1 that nobody listens on, below the range from which the kernel picks; none is given twice."""
    for _ in range(200):
        port = 18000 + struct.unpack("H", os.urandom(2))[0] % 14000
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in GIVEN:
            GIVEN.add(port)
            return port
    raise Timeout("no free port")


class Suite:
    """A private mail system: mail.example.test, on 127.0.0.1, with the users of config.USERS.

    main_cf   main.cf settings on top of config.BASE
    services  {name: {parameter: value}}: more SMTP servers, each on a port of its own, with -o options
    master    master.cf lines to add to, or to replace (by name and type) the shipped ones
    files     {path: text}: files to make before the start; a path in a home directory gets its user as the owner
    prepare   shell commands to run inside before the start ("postmap hash:/etc/postfix/transport")
    dns       address of a name server, else there is none
    tables    with the table types of Debian's packages postfix-mysql and so on
    """
    kind = ""

    def __init__(self, main_cf=None, services=None, master=(), files=None, prepare=(), dns=None, tables=False):
        self.main_cf = dict(main_cf or {})
        self.services = {"smtp": {}, **(services or {})}
        self.ports = {name: free_port() for name in self.services}
        self.master = list(master)
        self.files = dict(files or {})
        self.prepare = list(prepare)
        self.dns = dns
        self.tables = tables
        self.syncs = 0
        self.gone = set()       # deleted by postsuper, which does not name them
        self.changed_settings = {}
        self.host = "127.0.0.1"
        self.hostname = config.HOSTNAME

    # --- what each kind gives ---
    def start(self):
        """Starts it; returns when it accepts mail."""
        raise NotImplementedError

    def stop(self):
        """Ends every process of it and removes its files."""
        raise NotImplementedError

    def started(self, argv, user=None, cwd="/", env=None):
        """What subprocess is to be given to start a command beside the mail system, as root or the user."""
        raise NotImplementedError

    def path(self, inside):
        """Where the file that the mail system knows as `inside` is found from here."""
        raise NotImplementedError

    # --- the same for all ---
    def run(self, *argv, user=None, input=None, cwd="/", env=None, timeout=60):
        """Runs a command beside the mail system: a CompletedProcess with bytes."""
        return subprocess.run(**self.started(argv, user, cwd, env), input=input if input is not None else b"", capture_output=True,
                              timeout=timeout)

    def run_on_terminal(self, *argv, user=None, typed=b"", cwd="/", env=None, timeout=60):
        """The same on a terminal of its own, on which `typed` has been typed: its exit code, and what it showed (with what was
        typed not echoed)."""
        return terminal.run(self.started(argv, user, cwd, env), typed, timeout)

    @staticmethod
    def environment(user):
        """What a command finds in its environment."""
        name = user or "root"
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/" + user if user else "/root", "LC_ALL": "C", "TERM": "dumb",
                "USER": name, "LOGNAME": name}

    @property
    def smtp(self):
        return (self.host, self.ports["smtp"])

    def address(self, service):
        return (self.host, self.ports[service])

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def sh(self, script, user=None, input=None, timeout=60):
        """Runs a shell script that must succeed; its standard output as text."""
        done = self.run("sh", "-ec", script, user=user, input=input, timeout=timeout)
        if done.returncode:
            raise AssertionError("%s: exit %d\n%s%s" % (script, done.returncode, done.stdout.decode("utf-8", "replace"),
                                                       done.stderr.decode("utf-8", "replace")))
        return done.stdout.decode("utf-8", "replace")

    @property
    def queue(self):
        return self.path(self.queue_directory)

    queue_directory = "/var/spool/postfix"
    mail_log_file = "/var/log/mail.log"

    @property
    def mail_log(self):
        return self.path(self.mail_log_file)

    def mailbox(self, user):
        return self.path("/var/mail/" + user)

    def home(self, user):
        return self.path("/home/" + user)

    def write(self, inside, text, user=None, mode=0o644):
        """Makes a file inside (with its directory); a user owns it if named, or if it lies in a home directory."""
        path = Path(self.path(inside))
        data = text if isinstance(text, bytes) else text.encode()
        missing = [p for p in (path.parent, *path.parent.parents) if not p.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        m = re.match("/home/([^/]+)/", inside)
        user = user or (m and m.group(1))
        if user and os.getuid() == 0:
            for p in (path, *missing):
                os.chown(p, config.uid(user), config.uid(user))

    # --- the log, and waiting for things to happen ---
    def log(self, since=0):
        """The mail log's text from an offset on."""
        try:
            with open(self.mail_log, "rb") as f:
                f.seek(since)
                return SYNC_LINE.sub("", f.read().decode("utf-8", "replace"))
        except FileNotFoundError:
            return ""

    def sync_log(self, timeout=10):
        """Waits until all that has been sent to postlogd so far is in the log: a line of our own comes behind it."""
        if getattr(self, "syslog", None):               # writes what comes at once
            return
        self.syncs += 1
        line = "Jan  1 00:00:00 localhost test/sync[0]: %d" % self.syncs
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            try:
                s.sendto(line.encode(), os.path.join(self.queue, "public/postlog"))
            except OSError:                             # stopped, or it logs elsewhere
                return

        def came():
            if not os.path.exists(self.mail_log):       # rotated: the line begins the next one
                return False
            with open(self.mail_log, "rb") as f:
                f.seek(max(0, os.fstat(f.fileno()).st_size - 65536))
                return (line + "\n").encode() in f.read()
        self.wait_until(came, Path(self.mail_log).parent, timeout=timeout, what="our own line in the log")

    def delete_all(self):
        """Empties the queue; what postsuper says of it is in the log when this returns."""
        self.gone |= {name for _, name in self.queue_files()}
        self.sh("postsuper -d ALL >/dev/null 2>&1")
        self.sync_log()

    def log_size(self):
        try:
            return os.stat(self.mail_log).st_size
        except FileNotFoundError:
            return 0

    def wait_until(self, found, *watch, timeout=30, what="the event"):
        """found()'s first value that is neither None nor False; asked again at each change of the watched files, and now and then."""
        deadline = time.monotonic() + timeout
        with Inotify(*watch) as changes:
            while True:
                value = found()
                if value is not None and value is not False:
                    return value
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Timeout("%s did not come within %d s; the log's end:\n%s" % (what, timeout, self.log()[-6000:]))
                changes.wait(min(left, 0.25))

    def wait_log(self, pattern, count=1, since=0, timeout=30):
        """Waits until a regular expression is found `count` times; the list of matches."""
        regex = re.compile(pattern, re.M)

        def found():
            matches = list(regex.finditer(self.log(since)))
            return matches if len(matches) >= count else None
        return self.wait_until(found, Path(self.mail_log).parent, timeout=timeout, what="log line /%s/ x%d" % (pattern, count))

    def wait_status(self, since, count=1, timeout=30):
        """Waits until `count` recipients have their status, and nothing is left that moves: only deferred mail may stay."""
        self.wait_log(r": to=.*, status=", count=count, since=since, timeout=timeout)

        def settled():
            log, files = self.log(since), self.queue_files()
            late = set(re.findall(r": (\w+): to=.*status=deferred", log)) - set(re.findall(r": (\w+): removed$", log, re.M))
            return (late == {name for where, name in files if where != "hold"} == {name for where, name in files if where == "deferred"}
                    and not unfinished(log) - late)
        self.wait_until(settled, self.queue, Path(self.mail_log).parent, timeout=timeout, what="rest in the queue")

    def wait_removed(self, queue_id, timeout=30):
        self.wait_log(r"qmgr\[\d+\]: %s: removed$" % queue_id, timeout=timeout)

    def queue_files(self):
        """The names of all messages in the queue, by directory."""
        return sorted((d, f) for d in ("maildrop", "incoming", "active", "deferred", "hold")
                      for _, _, files in os.walk(os.path.join(self.queue, d)) for f in files)

    def wait_queue_empty(self, timeout=30):
        """Waits until all mail but what is on hold is gone from the queue, and the log has said so."""
        dirs = [os.path.join(self.queue, d) for d in ("maildrop", "incoming", "active", "deferred") if
                os.path.isdir(os.path.join(self.queue, d))]
        def is_empty():
            return not [f for f in self.queue_files() if f[0] != "hold"]
        while True:
            self.wait_until(lambda: is_empty() and not unfinished(self.log()) - self.gone, *dirs, Path(self.mail_log).parent, timeout=timeout,
                            what="an empty queue")
            # The directories are not read at one moment, and the log comes a little later.
            self.sync_log()
            if is_empty() and not unfinished(self.log()) - self.gone:
                return

    def messages(self, user, count=1, timeout=30, folder=None):
        """The messages of a user's mbox (or of `folder`, a path inside), each as bytes with its From_ line,
        once there are `count`."""
        path = self.path(folder) if folder else self.mailbox(user)

        def found():
            data = Path(path).read_bytes() if os.path.exists(path) else b""
            parts = re.split(rb"(?:(?<=\n\n)|\A)(?=From )", data)[1:]
            return parts if len(parts) >= count else None
        return self.wait_until(found, Path(path).parent, timeout=timeout, what="message %d in %s" % (count, path))

    def configure(self, reload=True, **settings):
        """Changes main.cf by postconf (None removes the setting), and reloads."""
        gone = [k for k, v in settings.items() if v is None]
        there = ["%s=%s" % kv for kv in settings.items() if kv[1] is not None]
        steps = [shlex.join(["postconf", flag, *args]) for flag, args in (("-X", gone), ("-e", there)) if args]
        at = self.log_size()
        self.sh("; ".join(steps + ["postfix reload 2>&1"] * reload))
        if reload:
            self.wait_log(r"reload -- version", since=at)
            self.wait_log(r"refreshing the Postfix mail system", since=at)

    def settings(self, **values):
        """Changes main.cf and reloads; what the call before changed goes back to its default in the same step."""
        self.configure(**{**dict.fromkeys(self.changed_settings), **values})
        self.changed_settings = values

    def reload(self):
        self.configure()
