"""Debian's real Postfix, started by test/reference/reference (Debian 13's 3.10, or MAIL_REFERENCE_SUITE=bookworm: 3.7)."""
import json
import os
import subprocess
import tempfile

from . import config
from .base import Suite

# What base.Suite's `tables` needs beside the base.
TABLE_PACKAGES = ["postfix-mysql", "postfix-pgsql", "postfix-ldap", "postfix-sqlite", "postfix-lmdb", "postfix-cdb"]
PROGRAM = config.TREE / "test/reference/reference"


class Reference(Suite):
    kind = "reference"
    _count = 0

    def start(self):
        Reference._count += 1
        self.name = "test-%d-%d" % (os.getpid(), Reference._count)
        self.debian = os.environ.get("MAIL_REFERENCE_SUITE") or "trixie"
        with tempfile.TemporaryDirectory() as d:
            def copy(inside, text):
                path = os.path.join(d, inside.replace("/", "%"))
                with open(path, "wb") as f:
                    f.write(text if isinstance(text, bytes) else text.encode())
                os.chmod(path, 0o644)
                return ["--file", "%s:%s" % (path, inside)]
            options = copy("/etc/postfix/main.cf", config.main_cf(self.main_cf))
            options += copy("/etc/postfix/master.cf", config.master_cf(self))
            files = {"/etc/aliases": config.ALIASES, **self.files}
            for inside, text in files.items():
                options += copy(inside, text)
            for user in config.USERS:
                options += ["--user", user]
            for command in ["newaliases", *self._owners(files), *self.prepare]:
                options += ["--run", command]
            if self.tables:
                subprocess.run([PROGRAM, "image", "--suite", self.debian, "tables", *TABLE_PACKAGES], check=True, capture_output=True)
                options += ["--image", "tables"]
            argv = [PROGRAM, "up", self.name, "--suite", self.debian, "--no-dovecot", "--addr", self.host, "--json",
                    "--port", "smtp=%d" % self.ports["smtp"], "--resolv", self.dns or "127.0.0.1", *options]
            if os.environ.get("MAIL_REFERENCE_IMAGE"):
                argv += ["--image", os.environ["MAIL_REFERENCE_IMAGE"]]
            done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError("reference: " + done.stderr)
        self.info = json.loads(done.stdout)
        self.pid = self.info["pid"]

    @staticmethod
    def _owners(files):
        for inside in files:
            if inside.startswith("/home/"):
                user = inside.split("/")[2]
                yield "chown -R %s:%s /home/%s" % (user, user, user)

    def stop(self):
        subprocess.run([PROGRAM, "down", self.name], check=True)

    def path(self, inside):
        if inside.startswith("/var/log/"):
            return os.path.join(os.path.dirname(self.info["maillog"]), inside[len("/var/log/"):])
        return self.info["root"] + inside

    def started(self, argv, user=None, cwd="/", env=None):
        who = ["setpriv", "--reuid=%d" % config.uid(user), "--regid=%d" % config.uid(user), "--clear-groups"] if user else []
        command = ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-r", "-w", "--", *who,
                   "sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", cwd, *argv]
        return {"args": command, "env": {**self.environment(user), **(env or {})}}
