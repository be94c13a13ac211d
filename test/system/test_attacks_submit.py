"""What a user of this machine may try at the doors of local mail: sendmail, postdrop, maildrop, postqueue, and tables that
root makes in his directories. Nothing crashes, no part of a message is taken for a whole one, nothing is forged, and mail of
others goes on."""
import os
import re
import threading
from pathlib import Path

import pytest

from suite import config, make
from test_submit import records

pytestmark = pytest.mark.root

# What sysexits.h, and postdrop, have for a failure that is told.
TOLD = {1, 2, 4, 64, 65, 67, 69, 70, 71, 73, 75, 77, 78}


@pytest.fixture(scope="module")
def stopped():
    with make() as s:
        s.sh("postfix stop")
        yield s


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"default_transport": "discard:elsewhere"}) as s:
        yield s


def taken(suite):
    """The records of every message that is complete in maildrop, which is emptied."""
    found = []
    for f in (Path(suite.queue) / "maildrop").iterdir():
        if f.is_file() and f.stat().st_mode & 0o100:
            found.append(records(f.read_bytes()))
        f.unlink()
    return found


def left(suite):
    """The names of all files in maildrop, which is emptied."""
    maildrop = Path(suite.queue) / "maildrop"
    names = os.listdir(maildrop)
    for name in names:
        (maildrop / name).unlink()
    return names


def is_whole(message):
    return message[-1] == "E" and "Nwhole" in message


def run(suite, script, user="alice", **more):
    done = suite.run("sh", "-c", script, user=user, **more)
    assert done.returncode == 0 or done.returncode in TOLD, done
    return done


# --- sendmail ---
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(stopped, closed):
    done = run(stopped, "echo whole | sendmail bob " + closed)
    messages = taken(stopped)
    assert len(messages) == (1 if done.returncode == 0 else 0)
    for m in messages:
        assert is_whole(m) or ("<&-" in closed and m[-1] == "E"), m


@pytest.mark.parametrize("mask", ["000", "777", "022"])
def test_umask(stopped, mask):
    run(stopped, "umask %s; echo whole | sendmail bob" % mask)
    modes = [f.stat().st_mode & 0o7777 for f in (Path(stopped.queue) / "maildrop").iterdir()]
    assert modes == [0o744]
    assert [is_whole(m) for m in taken(stopped)] == [True]


@pytest.mark.parametrize("limit", ["--fsize=0", "--fsize=50", "--nofile=3", "--nofile=5", "--nofile=7", pytest.param("--nproc=1", marks=pytest.mark.extension), "--as=30000000",
                                   "--stack=65536", "--data=100000", "--cpu=1", "--memlock=0", "--sigpending=0"])
def test_resource_limits(stopped, limit):
    done = stopped.run("sh", "-c", "echo whole | prlimit %s sendmail bob" % limit, user="alice")
    messages = taken(stopped)
    assert len(messages) == (1 if done.returncode == 0 else 0), done
    assert all(map(is_whole, messages))


@pytest.mark.parametrize("trap", ["trap '' HUP INT QUIT TERM PIPE XFSZ ALRM CHLD", "trap '' CHLD", "trap '' PIPE"])
def test_ignored_signals(stopped, trap):
    done = run(stopped, "%s; echo whole | sendmail bob" % trap)
    assert [is_whole(m) for m in taken(stopped)] == [True] * (done.returncode == 0)


@pytest.mark.parametrize("whom", ["sendmail", "postdrop"])
@pytest.mark.parametrize("signal", ["HUP", "TERM", "KILL", "ALRM"])
def test_killed_while_it_reads(stopped, signal, whom):
    maildrop = Path(stopped.queue) / "maildrop"
    stopped.sh("rm -f /tmp/input /tmp/pids /tmp/go; mkfifo -m 666 /tmp/input /tmp/go")
    script = "env --default-signal sendmail bob </tmp/input & exec 3>/tmp/input; echo part >&3; echo $! >/tmp/pids; read x </tmp/go; exec 3>&-; wait $!; exit 0"
    sender = threading.Thread(target=stopped.run, args=("sh", "-c", script), kwargs={"user": "alice"})
    sender.start()
    try:
        stopped.wait_until(lambda: any(maildrop.iterdir()), maildrop, what="a file in maildrop")
        stopped.wait_until(lambda: os.path.exists(stopped.path("/tmp/pids")), stopped.path("/tmp"), what="the pid")
        stopped.sh("p=$(cat /tmp/pids); case %s in postdrop) p=$(cat /proc/$p/task/$p/children);; esac; kill -%s $p" % (whom, signal))
    finally:
        stopped.sh("echo >/tmp/go")
        sender.join(30)
    assert not sender.is_alive()
    assert taken(stopped) == []


def test_very_many_recipients(stopped):
    done = run(stopped, "echo whole | sendmail $(seq -f user%06.0f@example.org 50000)", timeout=120)
    assert done.returncode == 0, done
    message = taken(stopped)[0]
    assert is_whole(message) and len([r for r in message if r[0] == "R"]) == 50000


BOMBS = {
    "addresses": "To: " + "a@b, " * 200000,
    "lines": "To: a@b\n" * 100000,
    "comments": "To: a@b " + "(" * 200000,
    "groups": "To: " + "g:" * 100000 + "a@b;",
    "quotes": "To: " + "\"" * 100001 + " a@b",
    "folded": "To: a@b\n" + " ,\n" * 300000,
    "commas": "To: a@b" + "," * 1000000,
    "routes": "To: <" + "@a," * 100000 + "@b:c@d>",
    "backslashes": "To: a@b" + "\\" * 500000,
    "brackets": "To: " + "<" * 100000 + "a@b",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_header_bombs(stopped, bomb):
    done = run(stopped, "sendmail -t", input=(BOMBS[bomb] + "\n\nwhole\n").encode(), timeout=60)
    assert [is_whole(m) for m in taken(stopped)] == [True] * (done.returncode == 0)


ARGUMENTS = {"long": "x" * 100000, "line break": "alice\nReply-To: evil", "record": "a\nRevil@example.org\n", "high": "\udc80\udcff\udcfe", "empty": "",
             "dash": "-", "percent": "%s%n%x", "shell": "$(touch /tmp/ran);`touch /tmp/ran`", "control": "a\x01\x1b[31mb\x7f"}


@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("letter", "ABCFLNORVXefhopr")
def test_option_arguments(stopped, letter, argument):
    done = stopped.run("sendmail", "-i", "-" + letter, ARGUMENTS[argument], "bob", user="alice", input=b"whole\n")
    assert done.returncode == 0 or done.returncode in TOLD, done
    assert b"\x1b" not in done.stderr
    for message in taken(stopped):
        assert is_whole(message)
        assert [r for r in message if r[0] == "R"] == ["Rbob"]
        assert stopped.kind == "reference" or not [r for r in message[:message.index("M")] if "\n" in r]
    assert not os.path.exists(stopped.path("/tmp/ran"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "x" * 5000, "a\nb", "%n", "", "--", "*"])
@pytest.mark.parametrize("command", ["sendmail -qI", "postqueue -i ", "postcat -q ", "postqueue -s ", "sendmail -qR"])
def test_names_that_are_no_ids(suite, command, name):
    done = suite.run("sh", "-c", command + "\"$1\"", "sh", name)
    assert done.returncode == 0 or done.returncode in TOLD, done
    assert b"root:" not in done.stdout


EVIL = {
    "PATH": "/tmp/evil", "IFS": "/", "LD_PRELOAD": "/tmp/evil/x.so", "LD_LIBRARY_PATH": "/tmp/evil", "LD_AUDIT": "/tmp/evil/x.so",
    "MAIL_CONFIG": "/tmp/evil", "POSTLOG_SERVICE": "../../tmp/evil/socket", "POSTLOG_HOSTNAME": "a\nb", "TZ": "../../../../etc/shadow",
    "MAIL_LOGTAG": "forged[1]: x\ny", "MAIL_DEBUG": "1", "LANG": "../../../../tmp/evil", "NAME": "Evil\nX-Forged: yes", "LOGNAME": "root",
    "USER": "root", "HOME": "/tmp/evil", "MALLOC_CHECK_": "3", "GCONV_PATH": "/tmp/evil", "RES_OPTIONS": "debug", "BASH_ENV": "/tmp/evil/run",
    "ENV": "/tmp/evil/run",
}


@pytest.mark.parametrize("name", EVIL)
def test_environment(suite, name):
    suite.sh("rm -rf /tmp/evil /tmp/ran; mkdir -m 777 /tmp/evil; cp /etc/postfix/main.cf /tmp/evil/; chmod 666 /tmp/evil/main.cf;"
             "echo 'queue_directory = /tmp/evil' >>/tmp/evil/main.cf; mkdir -m 777 /tmp/evil/maildrop /tmp/evil/public;"
             "for p in postdrop postqueue sh run; do printf '#!/bin/sh\\ntouch /tmp/ran\\n' >/tmp/evil/$p; chmod 755 /tmp/evil/$p; done")
    since = suite.log_size()
    setting = "%s=%s" % (name, EVIL[name])
    done = suite.run("/usr/bin/env", setting, "/usr/sbin/sendmail", "bob", user="alice", input=b"whole\n")
    assert done.returncode == 0 or done.returncode in TOLD, done
    assert suite.run("/usr/bin/env", setting, "/usr/bin/mailq", user="alice").returncode in TOLD | {0}
    if done.returncode == 0:
        suite.wait_status(since)
    suite.wait_queue_empty()
    log = suite.log(since)
    assert ("uid=1001 from=<alice>" in log) == (done.returncode == 0)
    assert not log or not re.search(r"(?m)^(?!\w{3} [ \d]\d \d\d:\d\d:\d\d )", log.rstrip("\n")), log
    assert not os.path.exists(suite.path("/tmp/ran")) and os.listdir(suite.path("/tmp/evil/maildrop")) == []


def test_full_name_forges_no_header(suite):
    before = len(suite.messages("bob", count=0))
    suite.run("sendmail", "-F", "Evil\nX-Forged: yes\n\nbody", "bob", user="alice", input=b"whole\n")
    message = suite.messages("bob", before + 1)[-1]
    header = message.split(b"\n\n")[0]
    assert b"\nX-Forged" not in header and message.count(b"whole") == 1, message


# --- postdrop, told lies by who should be sendmail ---
def record(kind, data=b""):
    length, out = len(data), kind if isinstance(kind, bytes) else kind.encode()
    while length > 0x7F:
        out += bytes([0x80 | length & 0x7F])
        length >>= 7
    return out + bytes([length]) + data


def message(envelope=b"", content=record("N", b"whole"), extracted=b"", sender=b"alice", recipient=b"bob"):
    return (envelope + record("S", sender) + record("R", recipient) + record("M") + content + record("X") + extracted + record("E"))


REFUSED = {
    "type 0": message(record(b"\0", b"x")),
    "no such type": message(record("Z", b"x")),
    "high type": message(record(b"\xff", b"x")),
    "length that overflows": b"A" + b"\xff" * 9 + b"\x7f" + message(),
    "length that overflows 32 bits": b"A\xff\xff\xff\xff\x1f" + message(),
    "length of 2 GB": b"S\x80\x80\x80\x80\x08" + b"x" * 100000,
    "length beyond the end": b"S\xff\x7fabc",
    "size record": record("C", b"1 1 1 1 1 0") + message(),
    "pointer record": message(record("p", b"0")),
    "pointer record amid the content": message(content=record("N", b"whole") + record("p", b"5")),
    "padding": message(record("w", b"xxxx")),
    "deleted recipient": message(record("D", b"bob")),
    "original recipient first": message(record("O", b"carol")),
    "filter": message(record("L", b"smtp:evil")),
    "inspector": message(record("I", b"smtp:evil")),
    "redirect": message(record(">", b"evil@example.org")),
    "killed": message(record("K")),
    "warning time": message(record("W", b"1")),
    "flags": message(record("f", b"1")),
    "milter": message(record("m", b"1")),
    "canceled": message(record("/", b"bob")),
    "no content": record("S", b"a") + record("R", b"bob") + record("E"),
    "two contents": record("S", b"a") + record("R", b"b") + record("M") + record("X") + record("M") + record("X") + record("E"),
    "envelope amid the content": message(content=record("N", b"whole") + record("S", b"evil")),
    "content behind the end of content": message(extracted=record("N", b"evil")),
    "end at once": record("E"),
    "zeros": b"\0" * 10000,
    "text": b"From: alice\nTo: bob\n\nwhole\n",
}
# Taken by Postfix 3.10 as they are.
REFUSED_BY_OURS = {
    "no recipient": record("S", b"a") + record("M") + record("X") + record("E"),
    "no sender": record("R", b"bob") + record("M") + record("X") + record("E"),
    "line break in the sender": message(sender=b"alice\nevil"),
    "line break in a recipient": message(recipient=b"bob\nevil@example.org"),
    "NUL in a recipient": message(recipient=b"bob\0evil"),
    "line break in a name": message(record("F", b"Evil\nX-Forged: yes")),
    "line break in an attribute": message(record("A", b"envelope_id=x\nRevil")),
}
IGNORED = {
    "trace flags of address probes": b"trace_flags=256",
    "trace flags of all kinds": b"trace_flags=4294967295",
    "client name": b"client_name=localhost",
    "sasl name": b"sasl_username=root",
    "log ident": b"log_ident=forged",
    "dsn bits": b"nosuch=1",
    "no equals sign": b"client_name",
    "no name": b"=x",
}


def drop(suite, data):
    done = suite.run("postdrop", "-r", user="alice", input=data)
    assert done.returncode == 0 or done.returncode in TOLD, done
    return done


def test_postdrop_takes_what_sendmail_sends(stopped):
    assert drop(stopped, message()).returncode == 0
    assert [is_whole(m) for m in taken(stopped)] == [True]


@pytest.mark.parametrize("lie", REFUSED)
def test_records_that_users_may_not_send(stopped, lie):
    done = drop(stopped, REFUSED[lie])
    assert done.returncode != 0 or b"status" not in done.stdout, done
    assert left(stopped) == []


@pytest.mark.extension   # Postfix 3.10 takes them
@pytest.mark.parametrize("lie", REFUSED_BY_OURS)
def test_records_that_only_we_refuse(stopped, lie):
    assert drop(stopped, REFUSED_BY_OURS[lie]).returncode != 0
    assert left(stopped) == []


@pytest.mark.parametrize("lie", IGNORED)
def test_attributes_that_users_may_not_set(stopped, lie):
    drop(stopped, message(record("A", IGNORED[lie])))
    assert not [r for m in taken(stopped) for r in m if r[0] == "A" and r.encode() == b"A" + IGNORED[lie]]


def test_every_prefix_of_a_message(stopped):
    whole = message(record("A", b"rewrite_context=local"))
    stopped.write("/tmp/whole", whole)
    stopped.sh("i=0; while [ $i -lt %d ]; do head -c $i /tmp/whole | postdrop -r >/dev/null 2>&1 || :; i=$((i+1)); done" % len(whole), user="alice")
    assert left(stopped) == []


# --- what lies in maildrop ---
CRAFTED = {
    "empty": b"", "zeros": b"\0" * 5000, "type 0": record("T", b"1 1") + record(b"\0", b"") + message(), "text": b"hello\n" * 100,
    "only a time": record("T", b"1 1"), "no end": message()[:-2], "long length": b"T\xff\xff\xff\xff\x7f" + message(),
    "bad time": record("T", b"99999999999999999999 -1") + message(), "pointer in a circle": record("T", b"1 1") + record("p", b"0") + message(),
    "recipient without end": record("T", b"1 1") + record("S", b"alice") + b"R\x7fbob", "envelope only": record("T", b"1 1") + record("S", b"a") + record("E"),
    "size record": record("C", b"999999 999999 99 99 99 9") + message(), "huge size": record("C", b"-1 -1 -1 -1 -1 -1") + record("T", b"1 1") + message(),
    "long sender": record("T", b"1 1") + message(sender=b"a" * 100000),
}


@pytest.mark.extension   # Postfix's cleanup dies with SIGSEGV
def test_crafted_files_in_maildrop(suite):
    """Who got the group postdrop, or a bug in it, can make these."""
    since = suite.log_size()
    maildrop = Path(suite.queue) / "maildrop"
    for number, (what, data) in enumerate(CRAFTED.items()):
        suite.write("%s/maildrop/ABCDEF%02X" % (suite.queue_directory, number), data, user="alice", mode=0o644)
        os.chmod(maildrop / ("ABCDEF%02X" % number), 0o744)
    suite.sh("cd %s/maildrop; ln -s /etc/passwd ABCDEF80; mkfifo -m 744 ABCDEF81; mkdir -m 755 ABCDEF82; cp /etc/passwd 'evil name'; chmod 744 'evil name'; "
             "printf x >ABCDEF83; chmod 4744 ABCDEF83; printf x >ABCDEF84; ln ABCDEF84 ABCDEF85; chmod 744 ABCDEF84" % suite.queue_directory)
    for command in ("mailq", "postqueue -j", "mailq", "postqueue -j"):
        done = suite.run("sh", "-c", command, user="alice")
        assert done.returncode == 0, done
    suite.run("sendmail", "carol", user="bob", input=b"whole\n")
    suite.wait_log(r"uid=1002 from=<bob>", since=since)
    suite.wait_log(r"to=<carol@example.test>.*status=sent", since=since)
    suite.run("postqueue", "-f")
    assert suite.run("mailq").returncode == 0
    log = suite.log(since)
    assert not re.search(r"killed by signal|exit status|panic:", log), log
    suite.sh("cd %s/maildrop && rm -rf ABCDEF* 'evil name'; rm -f ../corrupt/*" % suite.queue_directory)


@pytest.mark.extension   # Postfix takes files in the order of the directory
def test_one_user_cannot_stop_the_mail_of_others():
    with make(main_cf={"local_transport": "discard:", "in_flow_delay": "0"}) as suite:
        suite.sh("postfix stop")
        data = record("T", b"1700000000 1") + message()
        maildrop = Path(suite.queue) / "maildrop"
        for number in range(3000):
            path = maildrop / ("A%06X" % (0x100000 + number))
            path.write_bytes(data)
            os.chown(path, config.uid("alice"), -1)
            path.chmod(0o744)
        suite.run("sendmail", "dave", user="carol", input=b"whole\n")
        since = suite.log_size()
        suite.start_mail()
        suite.wait_log(r"uid=1003 from=<carol>", since=since, timeout=60)
        before = suite.log(since).split("uid=1003 from=<carol>")[0]
        assert before.count("uid=1001 from=<alice>") < 300


# --- tables that root makes where another user may write ---
# Root's own source in a directory of somebody else: Postfix writes through the link.
@pytest.mark.parametrize("owner", ["alice", pytest.param("root", marks=pytest.mark.extension)])
@pytest.mark.parametrize("command", ["postmap hash:/home/alice/t", "postmap btree:/home/alice/t", "postmap lmdb:/home/alice/t", "postmap cdb:/home/alice/t",
                                     "postalias hash:/home/alice/t", "newaliases -oA/home/alice/t", "postmap -i hash:/home/alice/t <<E\nx y\nE",
                                     "postmap -d key: hash:/home/alice/t"])
def test_links_where_an_index_is_to_be(suite, command, owner):
    suite.sh("cp /etc/passwd /etc/victim; chmod 600 /etc/victim; rm -f /home/alice/t* /home/alice/__db*; echo 'key: value' >/home/alice/t; chown %s /home/alice/t;"
             "for s in db lmdb cdb db.tmp lmdb.tmp cdb.tmp tmp new db.lock __db.t.db lmdb-lock cdb-lock; do ln -s /etc/victim /home/alice/t.$s; done;"
             "ln -s /etc/victim /home/alice/__db.t.db" % owner)
    done = suite.run("sh", "-c", command)
    assert done.returncode == 0 or done.returncode in TOLD, done
    victim = Path(suite.path("/etc/victim"))
    assert victim.read_bytes() == Path(suite.path("/etc/passwd")).read_bytes()
    assert (victim.stat().st_mode & 0o777, victim.stat().st_uid) == (0o600, 0)
    suite.sh("rm -f /home/alice/t* /home/alice/__db*")


def test_links_to_secrets_as_sources(suite):
    """What only root can read does not get into a table that others can read."""
    suite.sh("echo 'secret word' >/etc/secret; chmod 600 /etc/secret; rm -f /home/alice/s*; ln -s /etc/secret /home/alice/s; chown -h alice /home/alice/s")
    suite.run("postmap", "hash:/home/alice/s")
    assert suite.run("postmap", "-q", "secret", "hash:/home/alice/s", user="alice").stdout == b""
    suite.sh("rm -f /home/alice/s*")


def test_a_source_of_another_user_is_built_as_that_user(suite):
    """So that what he may not write is not written for him."""
    suite.sh("rm -rf /etc/tables; mkdir /etc/tables; echo 'a b' >/etc/tables/t; chown alice /etc/tables/t")
    done = suite.run("postmap", "hash:/etc/tables/t")
    assert done.returncode in TOLD and b"ermission denied" in done.stderr, done
    assert os.listdir(suite.path("/etc/tables")) == ["t"]
