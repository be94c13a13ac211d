"""spawn(8): a command for each connection."""
import os
import re
import socket

import pytest

from suite import make, masks
from suite.golden import golden

pytestmark = pytest.mark.root

# {service: attributes}
COMMANDS = {
    "answers": "user=alice argv=/bin/sh -c { read x; echo \"got $x as $(id -u):$(id -G) in $(pwd), umask $(umask)\"; echo to stderr >&2 }",
    "group": "user=alice:mail argv=/bin/sh -c { id -G }",
    "words": "user=alice argv=/bin/sh -c { for x; do echo \"[$x]\"; done } name $sender { two words } {}",
    "environ": "user=alice argv=env",
    "status": "user=alice argv=/bin/sh -c { exit 3 }",
    "dead": "user=alice argv=/bin/sh -c { kill -9 $$ }",
    "slow": "user=alice argv=/bin/sleep 1000",
    "absent": "user=alice argv=/usr/bin/absent",
    "root": "user=root argv=/bin/true",
    "owner": "user=postfix argv=/bin/true",
    "rootgroup": "user=alice:root argv=/bin/true",
    "nobody": "argv=/bin/true",
    "nothing": "user=alice",
    "unknown": "user=alice flags=R argv=/bin/true",
}


@pytest.fixture(scope="module")
def suite():
    main_cf = {"slow_time_limit": "1s", "export_environment": "MAIL_CONFIG LANG=C {WORDS=two words}"}
    with make(main_cf=main_cf, master=["%s unix n n n - - spawn\n  %s" % item for item in COMMANDS.items()]) as s:
        yield s


def talk(suite, name, text=""):
    """What a service says, until it closes."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(os.path.join(suite.queue, "public", name))
        said = b""
        try:
            client.sendall(text.encode())
            while part := client.recv(4096):
                said += part
        except OSError:  # it closed without having read all
            pass
        return said.decode()


def test_what_the_command_sees(suite):
    golden("spawn", talk(suite, "answers", "a line\n") + talk(suite, "group") + talk(suite, "words"))
    environment = [line for line in sorted(talk(suite, "environ").splitlines()) if not line.startswith("_=")]
    assert environment == ["LANG=C", "MAIL_CONFIG=/etc/postfix", "PATH=/usr/bin:/bin", "WORDS=two words"]


def test_how_it_ends(suite):
    """slow: slow_time_limit."""
    since = suite.log_size()
    for name in ("status", "dead", "slow", "absent"):
        talk(suite, name)
    suite.wait_log("absent exit status 1", since=since)
    lines = [masks.log_line(line) for line in suite.log(since).splitlines() if "/spawn[" in line]
    golden("spawn_ends", re.sub(r"process id \d+", "process id {pid}", "\n".join(lines)))


def test_many_at_once(suite):
    open_ones = []
    for _ in range(20):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        client.connect(os.path.join(suite.queue, "public/answers"))
        open_ones.append(client)
    for number, client in enumerate(reversed(open_ones)):
        client.sendall(b"%d\n" % number)
        assert client.recv(100).startswith(b"got %d as" % number)
        client.close()


@pytest.mark.parametrize("name, complaint", [
    ("root", "request to deliver as root"), ("owner", "request to deliver as mail system owner"), ("rootgroup", "request to use privileged group id 0"),
    ("nobody", "missing user= attribute"), ("nothing", "missing argv= attribute"), ("unknown", "unknown attribute name: flags=R"),
])
def test_a_service_that_cannot_be(suite, name, complaint):
    since = suite.log_size()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.join(suite.queue, "public", name))
        suite.wait_log(r"postfix/spawn\[\d+\]: fatal: %s$" % complaint, since=since)
