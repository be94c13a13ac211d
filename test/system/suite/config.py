"""The configuration that both suites get, so that their replies, files and logs can be compared."""
import re
from pathlib import Path

TREE = Path(__file__).resolve().parents[3]
HOSTNAME = "mail.example.test"
USERS = ["alice", "bob", "carol", "dave", "erin", "frank", "heidi"]

BASE = {
    "compatibility_level": "3.6",
    "myhostname": HOSTNAME,
    "mydomain": "example.test",
    "myorigin": "$mydomain",
    "mydestination": "$myhostname, $mydomain, localhost",
    "mynetworks": "127.0.0.0/8",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "maillog_file": "/var/log/mail.log",
    "alias_maps": "hash:/etc/aliases",
    "alias_database": "hash:/etc/aliases",
    "recipient_delimiter": "+",
    "mailbox_size_limit": "0",
    "append_dot_mydomain": "no",
    "biff": "no",
    "smtp_address_preference": "ipv4",
}

# What the reference, Postfix 3.10, does not have and ours does: off, so that the same is compared. Tests of it turn it on.
NOT_IN_REFERENCE = {"requiretls_enable": "no", "smtp_log_tls_feature_status": "no", "lmtp_log_tls_feature_status": "no"}

PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
postfix:x:100:102:Postfix MTA:/var/spool/postfix:/usr/sbin/nologin
"""
GROUP = """root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
mail:x:8:
postfix:x:102:
postdrop:x:103:
nogroup:x:65534:
"""
ALIASES = "postmaster: root\n"


def uid(user):
    return 1001 + USERS.index(user)


def passwd():
    return PASSWD + "".join("%s:x:%d:%d:%s Test:/home/%s:/bin/bash\n" % (u, uid(u), uid(u), u.capitalize(), u) for u in USERS)


def local_names():
    """All local parts that local mail is taken for: users and aliases."""
    return [line.split(":")[0] for line in (passwd() + ALIASES).splitlines()]


def group():
    return GROUP + "".join("%s:x:%d:\n" % (u, uid(u)) for u in USERS)


def logical_lines(text):
    """master.cf entries: comments dropped, each with its continuation lines."""
    entries = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and entries:
            entries[-1] += "\n" + line
        else:
            entries.append(line)
    return entries


def main_cf(settings):
    return "".join("%s = %s\n" % kv for kv in {**BASE, **settings}.items() if kv[1] is not None)


def master_cf(suite, chroot=True):
    """The shipped master.cf with the suite's SMTP servers in place of the one on port 25, and its own lines."""
    entries = [e for e in logical_lines((TREE / "conf/master.cf").read_text()) if e.split()[:2] != ["smtp", "inet"]]
    for name, options in suite.services.items():
        entries.append("%s:%d inet n - y - %s smtpd" % (suite.host, suite.ports[name], options.get("maxproc", "-")) +
                       "".join("\n  -o { %s = %s }" % (k, v) for k, v in options.items() if k != "maxproc"))
    for text in suite.master:
        entries += logical_lines(text)
    by_key = {tuple(e.split()[:2]): e for e in entries}
    text = "\n".join(by_key.values()) + "\n"
    if not chroot:
        text = re.sub(r"(?m)^(\S+\s+\S+\s+\S+\s+\S+\s+)y(\s)", r"\1n\2", text)
    return text
