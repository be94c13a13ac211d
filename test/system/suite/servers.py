"""Databases that tables ask: Debian's servers, installed or unpacked by build-aux/unpack-packages, each with a directory
of its own, on a free port of 127.0.0.1 and a UNIX socket. What is started here is ended here, by its process."""
import base64
import ctypes
import glob
import os
import shutil
import signal
import socket
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
        libraries = ":".join(str(p) for p in [*unpacked().glob("usr/lib/*-linux-gnu"), *unpacked().glob("lib/*-linux-gnu"), unpacked() / "usr/lib"])
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


class Quiet(Server):
    """One that says nothing when it accepts connections."""
    patience = 30

    def start(self):
        super().start()
        self.await_listener(socket.AF_INET, ("127.0.0.1", self.port))

    def await_listener(self, family, address):
        deadline = time.monotonic() + self.patience
        with Inotify(self.dir) as changes:
            while True:
                with socket.socket(family) as s:
                    if s.connect_ex(address) == 0:
                        return
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Timeout("%s does not start: %s" % (type(self).__name__, self.log.read_text("utf-8", "replace")))
                changes.wait(0.1)


class Opendkim(Quiet):
    """A milter that signs mail from `domain`, or with `signs=False` says of mail whether its signature holds."""
    domain, selector = "example.test", "sel"

    def __init__(self, signs=True, key=None, **options):
        super().__init__(**options)
        self.signs, self.key = signs, key

    @property
    def milter(self):
        return "inet:127.0.0.1:%d" % self.port

    def prepare(self):
        self.program = find("opendkim", "/usr/sbin")
        if self.signs:
            self.key = self.dir / "key.pem"
            self.run("openssl", "genrsa", "-out", str(self.key), "2048")
            self.key.chmod(0o600)
            self.public = self.run("openssl", "rsa", "-in", str(self.key), "-pubout", "-outform", "DER")

    def public_key(self):
        """As a name server would have it."""
        return "v=DKIM1; k=rsa; p=" + base64.b64encode(self.public).decode()

    def argv(self):
        text = "Syslog no\nBackground no\nInternalHosts 0.0.0.0/0\nRequireSafeKeys no\nAuthservID mail.example.test\nSocket inet:%d@127.0.0.1\n" % self.port
        if self.signs:
            text += "Mode s\nCanonicalization relaxed/simple\nDomain %s\nSelector %s\nKeyFile %s\n" % (self.domain, self.selector, self.key)
        else:
            keys = self.write("keys", "%s._domainkey.%s %s\n" % (self.selector, self.domain, self.key))
            text = text.replace("InternalHosts 0.0.0.0/0", "InternalHosts 192.0.2.1") + "Mode v\nAlwaysAddARHeader yes\nTestPublicKeys %s\n" % keys
        return [self.program, "-f", "-x", self.write("opendkim.conf", text)]


class Rspamd(Quiet):
    """A milter that scans what it is given itself, and asks nobody else. Of a message that it lets pass it says in a header what it
    thinks; one with the test pattern GTUBE it refuses."""
    patience = 120               # it compiles its rules first

    @property
    def milter(self):
        return "inet:127.0.0.1:%d" % self.port

    def prepare(self):
        self.program = find("rspamd", "/usr/bin")
        self.share = self.program.replace("bin/rspamd", "share/rspamd")

    def environment(self):
        share, there = self.share, str(self.dir)
        libraries = "%s:%s" % (self.program.replace("bin/rspamd", "lib/rspamd"), super().environment()["LD_LIBRARY_PATH"])
        return {**super().environment(), "LD_LIBRARY_PATH": libraries, "SHAREDIR": share, "RULESDIR": share + "/rules", "LUALIBDIR": share + "/lualib",
                "PLUGINSDIR": share + "/plugins", "RUNDIR": there, "DBDIR": there, "LOGDIR": there, "CONFDIR": there}

    def argv(self):
        text = """
options {
  filters = "";
  pidfile = "%(dir)s/pid";
  tempdir = "%(dir)s";
  cache_file = "%(dir)s/symbols.cache";
  hs_cache_dir = "%(dir)s";
  control_socket = "%(dir)s/control mode=0600";
  url_tld = "%(share)s/effective_tld_names.dat";
  dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }
  gtube_patterns = "reject";
}
logging { type = "console"; level = "notice"; }
actions { reject = 15; add_header = 6; }
lua = "%(share)s/rules/rspamd.lua";
modules { path = "%(share)s/plugins/milter_headers.lua"; }
milter_headers { use = ["x-spamd-result"]; skip_local = false; skip_authenticated = false; }
worker "rspamd_proxy" {
  bind_socket = "127.0.0.1:%(port)d";
  milter = yes;
  count = 1;
  upstream "local" { default = yes; self_scan = yes; }
}
""" % {"dir": self.dir, "share": self.share, "port": self.port}
        return [self.program, "-f", "-i", "-c", self.write("rspamd.conf", text)]


class Unbound(Server):
    """A resolver that validates, on a loopback address of its own (`host`), port 53, so only for root. `zones`: {name: lines of its zone
    file}; those of `signed` are signed here and it has their keys. What is in `forged`, {text: other text}, is changed after the
    signing."""
    ready = "start of service"

    def __init__(self, zones, signed, forged):
        super().__init__()
        self.zones, self.signed, self.forged = zones, signed, forged
        self.host = "127.54.%d.%d" % (os.urandom(1)[0], 1 + os.urandom(1)[0] % 250)
        self.program = find("unbound", "/usr/sbin")

    @staticmethod
    def as_nobody():
        return []                # it gives up root itself, once it has the port

    def prepare(self):
        conf = ["server:", "interface: %s" % self.host, "do-daemonize: no", "username: nobody", 'chroot: ""', 'pidfile: ""', "use-syslog: no",
                'logfile: ""', "verbosity: 1", 'directory: "%s"' % self.dir, "access-control: 127.0.0.0/8 allow", "num-threads: 1"]
        auth = []
        for name, lines in self.zones.items():
            path = self.write(name + ".zone", "$ORIGIN %s.\n$TTL 60\n@ SOA ns.%s. root.%s. 1 3600 600 86400 60\n@ NS ns.%s.\nns A 127.0.0.1\n%s\n"
                              % (name, name, name, name, "\n".join(lines)))
            if name in self.signed:
                key = self.run(find("ldns-keygen", "/usr/bin"), "-a", "ECDSAP256SHA256", "-k", name).decode().strip()
                self.run(find("ldns-signzone", "/usr/bin"), "-o", name, "-f", path + ".signed", path, key)
                path += ".signed"
                conf.append('trust-anchor-file: "%s/%s.key"' % (self.dir, key))
            text = Path(path).read_text()
            for old, new in self.forged.items():
                text = text.replace(old, new)
            Path(path).write_text(text)
            auth += ["auth-zone:", 'name: "%s."' % name, 'zonefile: "%s"' % path, "for-downstream: no", "for-upstream: yes", "fallback-enabled: no"]
        self.write("unbound.conf", "\n".join(conf + auth) + "\n")

    def argv(self):
        return [self.program, "-d", "-c", str(self.dir / "unbound.conf")]
