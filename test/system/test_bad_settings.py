"""A value that no program can use, as every command says it."""
import pytest

from suite import make

pytestmark = pytest.mark.root

COMMANDS = {"postfix check": 1, "postfix reload": 1, "postfix status": 1, "postfix stop": 1, "postsuper -s": 1, "postqueue -f": 69, "mailq": 75,
            "sendmail bob": 75, "postcat -q ABCDEF": 1}


@pytest.mark.parametrize("value, said", [("", "bad string length 0 < 1: hash_queue_names = ")])
def test_hash_queue_names(value, said):
    with make() as suite:
        suite.configure(reload=False, hash_queue_names=value)
        for command, status in COMMANDS.items():
            done = suite.run(*command.split())
            assert (done.returncode, done.stdout, done.stderr.decode()) == (status, b"", "%s: fatal: %s\n" % (command.split()[0], said)), command
        suite.configure(reload=False, hash_queue_names=None)
