"""Debian's real Dovecot, which the reference brings, as a server that knows who may log in."""
import json
import os
import subprocess
from pathlib import Path

from .base import free_port
from .reference import PROGRAM

CACHE = Path(os.environ.get("MAIL_REFERENCE_DIR") or Path.home() / ".cache/mail-reference")
IS_THERE = (CACHE / "trixie/base").exists()

# Who fails is not made to wait here: the tests fail often.
SETTINGS = """auth_failure_delay = 0
%sservice auth {
  inet_listener auth {
    port = %d
    listen = 127.0.0.1
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""


class Dovecot:
    """Its authentication service on a port of 127.0.0.1. alice's password is alice-pw, and so on."""
    count = 0

    def __init__(self, users=("alice", "bob"), settings=""):
        Dovecot.count += 1
        self.name = "dovecot-auth-%d-%d" % (os.getpid(), Dovecot.count)
        self.port = free_port()
        self.users, self.settings = users, settings

    @property
    def path(self):
        """For smtpd_sasl_path."""
        return "inet:127.0.0.1:%d" % self.port

    def __enter__(self):
        argv = [PROGRAM, "up", self.name, "--suite", "trixie", "--json", "--no-postfix", "--run", "mkdir -p /var/spool/postfix/private", "--dovecot", SETTINGS % (self.settings, self.port)]
        for user in self.users:
            argv += ["--user", user]
        self.info = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
        return self

    def __exit__(self, *exc):
        subprocess.run([PROGRAM, "down", self.name], check=True)
