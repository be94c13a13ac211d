"""Debian's real Courier (imapd, pop3d, authdaemond), unpacked by build-aux/unpack-packages, as a server of mailboxes in ~/Maildir. For root only."""
import socket
from pathlib import Path

from . import config
from .base import free_port
from .mailboxes import Mailboxes
from .servers import Quiet, find, unpacked


class Daemons(Quiet):
    """All of its processes."""
    program = Path(__file__).with_name("courier.sh")

    def __init__(self, users):
        super().__init__()
        self.users, self.pop3_port = users, free_port()
        find("courierpop3d", "/usr/lib/courier/courier")

    @staticmethod
    def as_nobody():
        return []

    def prepare(self):
        rows = ""
        for user in self.users:
            secret = self.run("openssl", "passwd", "-6", user + "-pw").decode().strip()
            rows += "%s\thome=/home/%s|uid=%d|gid=%d|systempw=%s\n" % (user, user, config.uid(user), config.uid(user), secret)
        self.write("userdb", rows)
        self.write("passwd", config.passwd())

    def argv(self):
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", str(self.program), str(unpacked()), str(self.dir), str(self.port), str(self.pop3_port)]

    def start(self):
        super().start()
        self.root = "/proc/%s/root" % (self.dir / "pid").read_text().strip()
        self.await_listener(socket.AF_INET, ("127.0.0.1", self.pop3_port))
        self.await_listener(socket.AF_UNIX, self.root + "/run/courier/authdaemon/socket")


class Courier(Mailboxes):
    """with Courier() as server: as Mailboxes, but without TLS; names begin with "INBOX."."""
    has_tls = False

    def __init__(self, users=("alice",)):
        super().__init__(users=users, of="courier")

    def __enter__(self):
        self.daemons = Daemons(self.users)
        self.daemons.__enter__()
        self.root = self.daemons.root
        self.ports = {"imap": self.daemons.port, "pop3": self.daemons.pop3_port}
        for user in self.users:
            self.deliver(user=user)
        return self

    def __exit__(self, *exc):
        self.daemons.__exit__()
