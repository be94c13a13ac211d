"""Databases that tables ask: Debian's servers, installed or unpacked by build-aux/unpack-packages, each with a directory
of its own, on a free port of 127.0.0.1 and a UNIX socket. What is started here is ended here, by its process."""
import ctypes
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from .base import Inotify, Timeout, free_port
from .ours import build_dir, open_to_all

NOBODY = 65534
PR_SET_PDEATHSIG = 1


def unpacked():
    return build_dir() / "servers"


def find(name, *places):
    """A server's program; the test is skipped where there is none."""
    for place in places:
        for root in ("", str(unpacked())):
            found = sorted(glob.glob("%s%s/%s" % (root, place, name)))
            if found and (root == "" or os.getuid() or open_to_all(Path(root))):
                return found[-1]
    pytest.skip("%s is not there: build-aux/unpack-packages build/servers servers" % name)


class Server:
    """with Mariadb("create table ...") as server: server.port, server.socket."""
    ready = ""                   # what the log says when it accepts connections
    stop_signal = signal.SIGKILL
    password = "s3cr et'\"\\"

    def __init__(self, script="", port=None, directory=None):
        self.script, self.port = script, port or free_port()
        self.own = directory is None
        self.dir = Path(directory or tempfile.mkdtemp(prefix="valija-server-"))
        self.socket = str(self.dir / "socket")
        self.log = self.dir / "log"
        self.process = None

    # --- what each kind gives ---
    def prepare(self):
        """Makes its data, once."""

    def argv(self):
        raise NotImplementedError

    # --- the same for all ---
    def environment(self):
        libraries = ":".join(str(p) for p in [*unpacked().glob("usr/lib/*-linux-gnu"), *unpacked().glob("lib/*-linux-gnu")])
        return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LD_LIBRARY_PATH": libraries, "LC_ALL": "C", "HOME": str(self.dir)}

    @staticmethod
    def as_nobody():
        return ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"] if os.getuid() == 0 else []

    def run(self, *argv, **options):
        done = subprocess.run([*self.as_nobody(), *argv], capture_output=True, env=self.environment(), cwd=self.dir, **options)
        if done.returncode:
            raise AssertionError("%s: %s%s" % (argv[0], done.stdout.decode(), done.stderr.decode()))
        return done.stdout

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return str(path)

    def __enter__(self):
        self.dir.chmod(0o755)
        if os.getuid() == 0:
            os.chown(self.dir, NOBODY, NOBODY)
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        libc = ctypes.CDLL(None)
        self.log.write_bytes(b"")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.as_nobody(), *self.argv()], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.dir,
                                            env=self.environment(), preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        deadline = time.monotonic() + 60
        with Inotify(self.log) as changes:
            while self.ready not in self.log.read_text("utf-8", "replace"):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Timeout("%s does not start: %s" % (type(self).__name__, self.log.read_text("utf-8", "replace")))
                changes.wait(1)

    def stop(self):
        """As when its machine is down: connections to it are refused."""
        if self.process:
            self.process.send_signal(self.stop_signal)
            self.process.wait()
            self.process = None

    def __exit__(self, *exc):
        self.stop()
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)


class Mariadb(Server):
    ready = "ready for connections"

    def prepare(self):
        self.program = find("mariadbd", "/usr/sbin")
        self.share = self.program.replace("sbin/mariadbd", "share/mysql")
        (self.dir / "data/mysql").mkdir(parents=True)
        if os.getuid() == 0:
            for p in (self.dir / "data", self.dir / "data/mysql"):
                os.chown(p, NOBODY, NOBODY)
        text = "use mysql;\n" + "".join(Path(self.share, "mysql_%s.sql" % part).read_text() for part in ("system_tables", "system_tables_data"))
        self.run(*self.base(), "--bootstrap", input=text.encode())
        quoted = self.password.replace("\\", "\\\\").replace("'", "\\'")
        self.script = ("create user mail@'%%' identified by '%s';\ncreate database mail character set utf8mb4;\ngrant all on mail.* to mail@'%%';\nuse mail;\n"
                       % quoted + self.script)

    def base(self):
        return [self.program, "--no-defaults", "--datadir=%s/data" % self.dir, "--lc-messages-dir=" + self.share, "--innodb-buffer-pool-size=8M",
                "--innodb-flush-method=nosync", "--innodb-log-file-size=4M", "--skip-log-bin", "--max-allowed-packet=64M"]

    def argv(self):
        once = []
        if not (self.dir / "init.sql").exists():
            once = ["--init-file=" + self.write("init.sql", "\n".join(line for line in self.script.splitlines() if line.strip()))]
        return [*self.base(), "--socket=" + self.socket, "--port=%d" % self.port, "--bind-address=127.0.0.1", *once, *self.options()]

    def options(self):
        return []


class Postgresql(Server):
    ready = "ready to accept connections"
    stop_signal = signal.SIGQUIT            # at once, but not before its children: a successor finds them in its way

    def prepare(self):
        self.program = find("postgres", "/usr/lib/postgresql/*/bin")
        self.run(self.program.replace("bin/postgres", "bin/initdb"), "-D", "data", "-A", "scram-sha-256", "-U", "admin", "--no-sync", "-E", "UTF8",
                 "--pwfile=" + self.write("password", self.password))
        quoted = self.password.replace("'", "''")
        self.run(self.program, "--single", "-D", "data", "postgres",
                 input=("create role mail login password '%s'\ncreate database mail owner mail encoding 'UTF8'\n" % quoted).encode())
        self.run(self.program, "--single", "-j", "-D", "data", "mail",
                 input=("set role mail;\n\n" + self.script.replace(";\n", ";\n\n")).encode())
        self.socket = "%s/.s.PGSQL.%d" % (self.dir, self.port)

    def argv(self):
        return [self.program, "-D", "data", "-c", "listen_addresses=127.0.0.1", "-c", "port=%d" % self.port, "-c", "fsync=off",
                "-c", "unix_socket_directories=%s" % self.dir]


class Memcached(Server):
    ready = "server listening"

    def prepare(self):
        self.program = find("memcached", "/usr/bin")

    def argv(self):
        return [self.program, "-vv", "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-I", "32m", "-m", "128"]


class Redis(Server):
    ready = "eady to accept connections"

    def prepare(self):
        self.program = find("redis-server", "/usr/bin")
        self.password = self.password.replace(" ", "").replace("\\", "").replace("'", "").replace('"', "")

    def argv(self):
        return [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.socket, "--unixsocketperm", "777", "--save", "",
                "--appendonly", "no", "--requirepass", self.password]


class Slapd(Server):
    """`script` is LDIF."""
    ready = "slapd starting"

    def prepare(self):
        self.program = find("slapd", "/usr/sbin")
        root = self.program[:-len("/usr/sbin/slapd")]
        modules = root + "/usr/lib/ldap"
        (self.dir / "data").mkdir()
        if os.getuid() == 0:
            os.chown(self.dir / "data", NOBODY, NOBODY)
        self.write("slapd.conf", """
include %(root)s/etc/ldap/schema/core.schema
include %(root)s/etc/ldap/schema/cosine.schema
include %(root)s/etc/ldap/schema/inetorgperson.schema
include %(dir)s/extra.schema
modulepath %(modules)s
moduleload back_mdb
pidfile %(dir)s/pid
%(options)s
database mdb
maxsize 104857600
suffix "dc=example,dc=test"
rootdn "cn=admin,dc=example,dc=test"
rootpw "secret word"
directory %(dir)s/data
""" % {"root": root, "dir": self.dir, "modules": modules, "options": self.options()})
        self.write("extra.schema", """
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'maildrop' EQUALITY caseIgnoreIA5Match SUBSTR caseIgnoreIA5SubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'mailacceptinggeneralid' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.1.3 NAME 'memberurl' SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.1.4 NAME 'memberdn' SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
attributetype ( 1.3.6.1.4.1.99999.1.5 NAME 'blob' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'mailthing' SUP top AUXILIARY MAY ( maildrop $ mailacceptinggeneralid $ memberurl $ memberdn $ blob $ mail ) )
""")
        self.run(self.program, "-T", "add", "-f", "slapd.conf", "-l", self.write("data.ldif", self.script))

    def options(self):
        return ""

    def argv(self):
        return [self.program, "-d", "256", "-f", str(self.dir / "slapd.conf"), "-h",
                "ldap://127.0.0.1:%d ldapi://%s" % (self.port, self.socket.replace("/", "%2F"))]
