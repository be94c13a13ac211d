"""A mail system installed in a private root, for what runs long and is no unit or black-box test: torture/run, bench/run.

Ours is put there by `make install` from a build directory; the reference is Debian's Postfix from the cache that
reference/ fills. Both get the same main.cf. To be used by root inside mount, pid and net namespaces of its own
(`in_namespaces`), so that port 25 of loopback is free and everything ends with the process that made it."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("MAIL_REFERENCE_DIR") or os.path.expanduser("~/.cache/mail-reference"))
BASES = {"bookworm": CACHE / "base", "trixie": CACHE / "trixie/base"}
# As systemd sets it at each start of Debian; a new namespace has 10, with which everything waits for the log.
DATAGRAMS_QUEUED = "512"
USERS = {"alice": 1001, "sender": 1002, "bench": 1003, "vmail": 5000}
SINK = "127.0.0.9:2526"

MAIN_CF = """compatibility_level = 3.6
myhostname = mail.example.test
mydomain = example.test
myorigin = $mydomain
mydestination = $myhostname, $mydomain, localhost
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
maillog_file = /var/log/mail.log
alias_maps =
alias_database =
biff = no
append_dot_mydomain = no
relayhost =
mailbox_size_limit = 0
smtp_address_preference = ipv4
transport_maps = hash:/etc/postfix/transport
virtual_mailbox_domains = virtual.test
virtual_mailbox_maps = static:vmail/
virtual_minimum_uid = 100
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
"""
TRANSPORT = """discard.test discard:
remote.test smtp:[{host}]:{port}
bounce.test smtp:[{host}]:{port}
maildir.test localmaildir:
"""
# local(8) a second time, for Maildir beside mbox.
LOCAL_MAILDIR = "localmaildir unix - n n - - local -o home_mailbox=Maildir/\n"



def sh(*argv, **more):
    return subprocess.run([str(a) for a in argv], check=True, **more)


def in_namespaces():
    """Runs this program again as process 1's child of new mount, pid and net namespaces; returns there."""
    if os.environ.get("IN_NAMESPACES"):
        sh("ip", "link", "set", "lo", "up")
        sh("mount", "--make-rprivate", "/")
        Path("/proc/sys/net/unix/max_dgram_qlen").write_text(DATAGRAMS_QUEUED)
        return
    command = ["unshare", "-mpn", "--fork", "--kill-child", "--mount-proc", sys.executable, *sys.argv]
    sys.exit(subprocess.run(command, env={**os.environ, "IN_NAMESPACES": "1"}).returncode)


def image(path, size, mount_point, keep=(), filled=False):
    """An ext4 file system in the file `path`, mounted at `mount_point`, with a copy of what `keep` lists; "PATH:MOUNT_POINT".
    `filled`: its blocks are on the disk from the beginning, so that a sync in it costs no journal of the file system below."""
    with open(path, "wb") as f:
        f.truncate(size)
        for _ in range(size >> 20 if filled else 0):
            f.write(bytes(1 << 20))
        os.fsync(f.fileno())
    sh("mkfs.ext4", "-q", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", path)
    mount_point.mkdir(parents=True, exist_ok=True)
    keep = list(keep)
    if keep:
        fresh = Path(str(path) + ".mnt")
        fresh.mkdir()
        sh("mount", "-o", "loop", path, fresh)
        sh("cp", "-a", *keep, fresh)
        sh("umount", fresh)
    sh("mount", "-o", "loop", path, mount_point)
    return "%s:%s" % (path, mount_point)


class Root:
    """One installed system below `directory`/root; `build` is ours, or the name of a reference suite. What it writes (queue,
    mail, log) lies below `disk`, by default in the directory too."""

    def __init__(self, build, directory, address, settings=(), chrooted=True, disk=None):
        self.ours = build not in BASES
        self.dir, self.address = Path(directory), address
        plain = Path(disk or self.dir / "plain")
        self.root = self.dir / "root"
        self.queue = self.root / "var/spool/postfix"
        self.mail = self.root / "srv/mail"
        self.sbin = self.root / "usr/lib/postfix/sbin"
        self.build = Path(build).resolve() if self.ours else None
        lower = Path("/") if self.ours else BASES[build]
        if not lower.exists():
            sys.exit("%s is not there: reference/reference build --suite %s" % (lower, build))
        for d in ("upper", "work", "root"):
            (self.dir / d).mkdir(parents=True, exist_ok=True)
        sh("mount", "-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s/upper,workdir=%s/work" % (lower, self.dir, self.dir), self.root)
        sh("mount", "-t", "proc", "proc", self.root / "proc")
        sh("mount", "--rbind", "/dev", self.root / "dev")
        self._accounts()
        # What is written lies on a plain file system, or on what `mount_images` puts there: an overlay has rules of its own.
        for inside in ("var/spool/postfix", "srv/mail", "var/lib/postfix", "var/log", "etc/postfix"):
            (plain / inside).mkdir(parents=True, exist_ok=True)
            (self.root / inside).mkdir(parents=True, exist_ok=True)
            if inside == "etc/postfix" and not self.ours:
                continue
            sh("mount", "--bind", plain / inside, self.root / inside)
        if self.ours:
            sh("make", "-s", "-C", self.build, "install", "DESTDIR=" + str(self.root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for name in ("postdrop", "postqueue"):
                shutil.chown(self.root / "usr/sbin" / name, "root", None)
                os.chown(self.root / "usr/sbin" / name, 0, 103)
                (self.root / "usr/sbin" / name).chmod(0o2755)
            self._write("etc/postfix/master.cf", (TREE / "conf/master.cf").read_text())
        else:
            shutil.copy(self.root / "usr/share/postfix/master.cf.dist", self.root / "etc/postfix/master.cf")
            self._write("etc/postfix/dynamicmaps.cf", "")
        text = MAIN_CF + "inet_interfaces = %s\n" % address + "".join("%s = %s\n" % kv for kv in settings)
        self._write("etc/postfix/main.cf", text)
        host, port = SINK.rsplit(":", 1)
        self._write("etc/postfix/transport", TRANSPORT.format(host=host, port=port))
        self._write("etc/resolv.conf", "")
        self._write("etc/hosts", "127.0.0.1 localhost\n%s mail.example.test\n" % address)
        if not chrooted:
            self.run("postconf", "-F", "*/*/chroot = n")
        with open(self.root / "etc/postfix/master.cf", "a") as f:
            f.write(LOCAL_MAILDIR)
        os.chown(self.root / "var/lib/postfix", 100, 0)
        self.run("postmap", "hash:/etc/postfix/transport")
        self.mail_directories()

    def _write(self, inside, text):
        path = self.root / inside
        path.unlink(missing_ok=True)
        path.write_text(text)

    def _accounts(self):
        passwd = ["root:x:0:0:root:/root:/bin/bash", "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin", "mail:x:8:8:mail:/var/mail:/usr/sbin/nologin",
                  "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin", "postfix:x:100:102::/var/spool/postfix:/usr/sbin/nologin"]
        group = ["root:x:0:", "daemon:x:1:", "mail:x:8:", "postfix:x:102:", "postdrop:x:103:", "nogroup:x:65534:"]
        for name, uid in USERS.items():
            passwd.append("%s:x:%d:%d::/srv/mail/home/%s:/bin/sh" % (name, uid, uid, name))
            group.append("%s:x:%d:" % (name, uid))
        self._write("etc/passwd", "\n".join(passwd) + "\n")
        self._write("etc/group", "\n".join(group) + "\n")

    def mail_directories(self):
        """mail_spool_directory, virtual_mailbox_base and the homes, below srv/mail."""
        for sub, mode in (("spool", 0o1777), ("vmail", 0o755), ("home", 0o755)):
            (self.mail / sub).mkdir(exist_ok=True)
            (self.mail / sub).chmod(mode)
        os.chown(self.mail / "vmail", 5000, 5000)
        for name, uid in USERS.items():
            (self.mail / "home" / name).mkdir(exist_ok=True)
            os.chown(self.mail / "home" / name, uid, uid)

    def command(self, *argv):
        return ["chroot", str(self.root), *argv]

    def run(self, *argv):
        done = subprocess.run(self.command(*argv), capture_output=True, text=True, errors="replace")
        if done.returncode:
            sys.exit("%s: exit %d\n%s%s" % (" ".join(argv), done.returncode, done.stdout, done.stderr))
        return done.stdout

    def log(self):
        return (self.root / "var/log/mail.log").read_text(errors="replace")


MAIL_SETTINGS = (("mail_spool_directory", "/srv/mail/spool"), ("virtual_mailbox_base", "/srv/mail/vmail"))
