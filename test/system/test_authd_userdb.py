"""auth_userdb: where users have their mailboxes, as authd tells the mailbox side, and authtest -u shows."""
import socket

import pytest

from suite import make

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix leaves this to Dovecot")]

USERS = """alice:{PLAIN}alice-pw:2001:2002::/srv/alice::userdb_mail=maildir:~/Maildir userdb_quota_rule=*:storage=1G:messages=5 x=y
bob:{PLAIN}bob-pw:2001:2002::/srv/bob::userdb_uid=3001 userdb_home=/elsewhere/bob uid=0
carol:{PLAIN}carol-pw
dave:{PLAIN}dave-pw:0:0::/root
erin:{PLAIN}erin-pw:no-such-account:2002::/srv/erin
frank:{PLAIN}frank-pw:2001:2002::not/absolute
"""
KINDS = {
    "passwd": "passwd",
    "file": "passwd-file:/etc/postfix/users",
    "static": "static:uid=alice gid=2002 home=/var/vmail/%d/%Ln",
    "map": "map:texthash:/etc/postfix/mailboxes",
    "several": "passwd-file:/etc/postfix/users, passwd static:uid=4000 gid=4000, home=/var/vmail/%n",
    "broken": "map:fail:x passwd",
    "down": "map:tcp:127.0.0.1:1 passwd",
}
CASES = [
    ("passwd", "alice", "alice: uid={alice} gid={alice} home=/home/alice"), ("passwd", "nobody-here", None), ("passwd", "root", 75), ("passwd", "../alice", None),
    ("file", "alice", "alice: uid=2001 gid=2002 home=/srv/alice mail=maildir:~/Maildir quota_rule=*:storage=1G:messages=5"), ("file", "bob", "bob: uid=3001 gid=2002 home=/elsewhere/bob"),
    ("file", "carol", 75), ("file", "dave", 75), ("file", "erin", 75), ("file", "frank", 75), ("file", "zoe", None),
    ("static", "Alice@example.test", "Alice@example.test: uid={alice} gid=2002 home=/var/vmail/example.test/alice"), ("static", "alice", 75),
    ("static", "../../etc@example.test", 75), ("static", "..@example.test", 75), ("static", "x@../..", 75), ("static", "%u@%d", "%u@%d: uid={alice} gid=2002 home=/var/vmail/%d/%u"),
    ("map", "alice", "alice: uid=5000 gid=5001 home=/x"), ("map", "evil", 75), ("map", "zero", 75), ("map", "zoe", None),
    ("several", "alice", "alice: uid=2001 gid=2002 home=/srv/alice mail=maildir:~/Maildir quota_rule=*:storage=1G:messages=5"), ("several", "postfix", "postfix: "), ("several", "zoe", "zoe: uid=4000 gid=4000 home=/var/vmail/zoe"),
    # Who might be in a source that cannot be asked gets no other's mailbox.
    ("broken", "alice", 75), ("down", "alice", 75), ("file", "a\nb", None), ("file", "u" * 300, None),
]


@pytest.fixture(scope="module")
def suite():
    master = ["auth-%s unix - n n - 0 authd -o {auth_passdb = passwd-file:/etc/postfix/users} -o {auth_userdb = %s}" % kind for kind in KINDS.items()]
    with make(master=master, files={"/etc/postfix/users": USERS,
                                    "/etc/postfix/mailboxes": "alice uid=5000 gid=5001 home=/x\nevil uid=5000 gid=5000 home=../x\nzero uid=0 gid=0 home=/x\n"}) as s:
        yield s


@pytest.mark.parametrize("kind, user, expected", CASES)
def test_where_a_user_has_his_mailbox(suite, kind, user, expected):
    done = suite.run("authtest", "-a", "private/auth-" + kind, "-u", user)
    if expected == 75:
        assert done.returncode == 75 and not done.stdout
    elif expected is None:
        assert (done.returncode, done.stdout.decode()) == (1, user + ": unknown\n")
    else:
        alice = suite.sh("id -u alice").strip()
        shown = done.stdout.decode()
        assert done.returncode == 0 and (shown == expected.replace("{alice}", alice) + "\n" or (expected.endswith(": ") and shown.startswith(expected)))


class Asker:
    def __init__(self, suite, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(suite.path("/var/spool/postfix/private/auth-" + name))
        self.file = self.socket.makefile("rb")
        self.socket.sendall(b"VERSION\t1\t0\nCPID\t1\n")
        while self.line() != "DONE":
            pass

    def line(self):
        return self.file.readline().decode().rstrip("\n")

    def ask(self, text):
        self.socket.sendall(text.encode() + b"\n")
        return self.line()


def test_the_protocol(suite):
    a = Asker(suite, "file")
    assert a.ask("USER\t1\talice\tservice=imap") == "USER\t1\talice\tuid=2001\tgid=2002\thome=/srv/alice\tmail=maildir:~/Maildir\tquota_rule=*:storage=1G:messages=5"
    assert a.ask("USER\t2\tzoe\tservice=imap") == "NOTFOUND\t2"
    assert a.ask("USER\t3\tdave\tservice=imap") == "FAIL\t3\ttemp"
    assert a.ask("USER\t4\tal\1tice\tservice=imap") == "NOTFOUND\t4"
    assert a.ask("USER\t5") == ""      # not in the protocol


def test_what_is_no_source_is_said_at_start():
    wrong = {"none": "nis", "half": "static:uid=1", "word": "static:uid=1 gid=1 shell=/bin/sh", "variable": "static:uid=1 gid=1 home=/x/%z", "root": "static:uid=0 gid=0 home=/x", "file": "passwd-file:/not/there"}
    said = {"none": '"nis" is no source', "half": "no uid and gid", "word": '"shell=/bin/sh" is none of', "variable": "what is no variable", "root": "uid or gid is 0", "file": "/not/there: No such file"}
    master = ["auth-%s unix - n n - 0 authd -o {auth_passdb = shadow} -o {auth_userdb = %s}" % kind for kind in wrong.items()]
    with make(master=master) as s:
        for name, text in said.items():
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(s.path("/var/spool/postfix/private/auth-" + name))
                s.wait_log("fatal: .*auth_userdb: .*" + text)
