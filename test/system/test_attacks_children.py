"""ATTACKS L17: commands that mail is given to and that behave badly: they fill our memory, never end, leave children that left
their group, or turn against who started them."""
import re
import time

import pytest

from suite import make
from suite.smtp import send

pytestmark = pytest.mark.root

COMMANDS = {
    # Without end, but for the command's time limit; our memory holds a part of it.
    "output": "yes 0123456789012345678901234567890123456789 | head -c 300000000; exit 1",
    "output without a line end": "head -c 300000000 /dev/zero | tr '\\0' x; exit 1",
    "never ends": "cat >/dev/null; exec sleep 1000",
    "closes its output and never ends": "exec >/dev/null 2>&1 </dev/null; exec sleep 1000",
    "does not read": "exec sleep 1000",
    "ignores signals": "trap '' TERM HUP INT QUIT ALRM PIPE; while :; do sleep 1000; done",
    "leaves a child with its output": "sleep 1000 & exit 0",
    "leaves a child in a session of its own": "setsid sh -c 'exec sleep 1000' & sleep 1000",
    "double fork": "sh -c 'setsid sh -c \"sleep 1000 & sleep 1000 & exit\" & exit' ; sleep 1000",
    "stops itself": "kill -STOP $$; sleep 1000",
}
TIMED_OUT = [name for name in COMMANDS if not name.startswith("output")]
SIGNALS = ["TERM", "HUP", "INT", "QUIT", "USR1", "SEGV", "KILL"]      # a stopped one is ended a minute after the time limit


@pytest.fixture(scope="module")
def suite():
    scripts = {"/usr/local/bin/bad%d" % n: "#!/bin/sh\n" + command + "\n" for n, command in enumerate(COMMANDS.values())}
    scripts["/usr/local/bin/parent"] = "#!/bin/sh\ncat >/dev/null\nfor p in $PPID -1 0; do kill -$1 $p 2>/dev/null; done\nexit 0\n"
    pipes = ["bad unix - n n - - pipe\n  user=alice argv=/usr/local/bin/${user}\n", "parent unix - n n - - pipe\n  user=alice argv=/usr/local/bin/parent ${user}\n"]
    aliases = "postmaster: root\n" + "".join("bad%d: |/usr/local/bin/bad%d\n" % (n, n) for n in range(len(COMMANDS)))
    main_cf = {"command_time_limit": "2s", "bad_time_limit": "2s", "transport_maps": "inline:{ pipe.example=bad:, parent.example=parent: }",
               "relay_domains": "pipe.example, parent.example", "export_environment": "TZ MAIL_CONFIG LANG"}
    with make(main_cf=main_cf, master=pipes, files={"/etc/aliases": aliases, **scripts}, prepare=["chmod 755 /usr/local/bin/*"]) as s:
        yield s


def processes(suite, name):
    """Pids inside of the programs of a name, but for what the test's own init runs."""
    lines = suite.sh("ps -eo pid=,uid=,comm=").splitlines()
    return [int(pid) for pid, uid, comm in map(str.split, lines) if comm == name and (name != "sleep" or uid != "0")]


def memory(suite, name):
    """The most memory (kB) that a process of the program has had."""
    text = suite.sh("for p in $(ps -eo pid=,comm= | awk '$2==\"%s\" {print $1}'); do grep VmHWM /proc/$p/status; done 2>/dev/null || :" % name)
    return max([int(n) for n in re.findall(r"(\d+) kB", text)] or [0])


def deliver(suite, recipient, timeout=30):
    since = suite.log_size()
    qid = send(suite, "", recipient, "Subject: x\n\n" + ("y" * 70 + "\n") * 2000)
    line = suite.wait_log(r"%s: to=<[^>]*>.*, dsn=.*status=(\w+) \((.*)" % qid, since=since, timeout=timeout)[0]
    suite.wait_until(lambda: ("active", qid) not in suite.queue_files(), suite.queue, what="the end of the delivery")
    suite.delete_all()
    return line.group(1), line.group(2)


def gone(suite, name):
    """Waits until no process of the name is left."""
    suite.wait_until(lambda: not processes(suite, name), suite.path("/tmp"), what="the end of " + name)


@pytest.mark.expensive
@pytest.mark.parametrize("way", ["local", "pipe"])
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in TIMED_OUT])
def test_output_without_end(suite, way, name):
    number = list(COMMANDS).index(name)
    status, reason = deliver(suite, "bad%d@%s" % (number, "example.test" if way == "local" else "pipe.example"))
    assert status == "bounced" and re.search("Command output: |time limit exceeded", reason), reason[:200]
    assert len(reason) < 10_000 and max(memory(suite, "local"), memory(suite, "pipe")) < 60_000
    assert not processes(suite, "yes")


LEAVES_SOMETHING_AT_POSTFIX = {"leaves a child in a session of its own", "double fork"}


@pytest.mark.parametrize("way", ["local", "pipe"])
@pytest.mark.parametrize("name", TIMED_OUT)
def test_what_is_left_when_its_time_is_over(suite, way, name):
    if suite.kind == "reference" and name in LEAVES_SOMETHING_AT_POSTFIX | {"closes its output and never ends"}:
        pytest.skip("Postfix ends the command's process group only")
    number = list(COMMANDS).index(name)
    begun = time.monotonic()
    status, reason = deliver(suite, "bad%d@%s" % (number, "example.test" if way == "local" else "pipe.example"))
    assert time.monotonic() - begun < 20
    assert status == "bounced" and "time limit exceeded" in reason, reason
    gone(suite, "sleep")


@pytest.mark.extension("a signal of the user's ends Postfix's own pipe(8) process: its message is deferred, after a pause")
@pytest.mark.parametrize("signal", SIGNALS)
def test_signals_to_who_started_it(suite, signal):
    """They reach what runs with the same rights only; the message comes again, and other mail goes on."""
    before = {name: processes(suite, name) for name in ("master", "qmgr")}
    since = suite.log_size()
    qid = send(suite, "", signal + "@parent.example")
    suite.wait_log(r"%s: to=.*status=" % qid, since=since)
    suite.delete_all()
    log = suite.log(since)
    assert "killed by signal" not in log and "panic" not in log
    other = send(suite, "", "bob@example.test")
    suite.wait_removed(other)
    assert {name: processes(suite, name) for name in before} == before
