"""daemon_timeout and its like: a daemon that does not turn ends; and debugger_command, with which one looks why."""
import re
import socket

import pytest

from suite import make
from suite.base import free_port
from suite.smtp import send

pytestmark = pytest.mark.root
ALARM = 1 << 13


@pytest.mark.extension("Postfix is stuck only when its alarm has rung three times; a stopped process hears one")
@pytest.mark.parametrize("parameter, limit, program", [
    ("daemon_timeout", "1s", "cleanup"), pytest.param("postlogd_watchdog_timeout", "10s", "postlogd", marks=pytest.mark.expensive),
    pytest.param("postscreen_watchdog_timeout", "10s", "postscreen", marks=pytest.mark.expensive),
    pytest.param("tlsproxy_watchdog_timeout", "10s", "tlsproxy", marks=pytest.mark.expensive)])
def test_a_daemon_that_is_stuck(parameter, limit, program):
    port = free_port()
    screen = "127.0.0.1:%d inet n - y - 1 postscreen" % port
    with make(main_cf={parameter: limit, "postscreen_access_list": ""}, master=[screen, "tlsproxy unix - - y - 0 tlsproxy"]) as suite:
        with socket.create_connection(("127.0.0.1", port)) as client, socket.socket(socket.AF_UNIX) as asker:   # postscreen and tlsproxy run
            asker.connect(str(suite.path("/var/spool/postfix/private/tlsproxy")))
            asker.sendall(b"nothing")
            asker.shutdown(socket.SHUT_WR)
            client.recv(1)
            asker.recv(1)
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))
        pid = suite.sh("pidof %s" % program).split()[0]
        suite.run("kill", "-STOP", pid)

        def rings():
            status = suite.run("cat", "/proc/%s/status" % pid).stdout.decode()
            return bool(int(re.search(r"ShdPnd:\s+(\w+)", status).group(1), 16) & ALARM)
        suite.wait_until(rings, what="the alarm")
        suite.run("kill", "-CONT", pid)
        suite.wait_log(r"%s\[%s\]: fatal: watchdog timeout$" % (program, pid))
        suite.wait_removed(send(suite, "joe@example.net", "alice@example.test"))


def test_debugger_command():
    """Runs before the daemon begins, with its name and number."""
    command = "(echo $process_name $process_id; id -u; echo $$HOME) >/tmp/debugged"
    with make(main_cf={"debugger_command": command, "default_transport": "discard"}, files={"/tmp/debugged": "nothing yet\n"},
              master=["discard unix - - n - - discard -D"]) as suite:
        send(suite, "joe@example.net", "x@elsewhere.example")
        pid = suite.wait_log(r"discard\[(\d+)\]: \w+: to=<x@elsewhere.example>.*status=sent")[0].group(1)
        said = open(suite.path("/tmp/debugged")).read().splitlines()
        assert said[:2] == ["discard " + pid, "0"], said
