"""What commands show on a terminal, and what they read from it. Recorded from the reference (golden/terminal_*.txt)."""
import re

import pytest

from suite import make, masks
from suite.golden import golden

pytestmark = pytest.mark.root

COMMANDS = {
    # name: (user, command, what is typed)
    "mailq": ("alice", "mailq", ""),
    "postqueue": ("alice", "postqueue -p; postqueue -j", ""),
    "postqueue_usage": ("alice", "postqueue -x; echo $?", ""),
    "sendmail_nobody": ("alice", "sendmail; echo $?", "\x04"),
    "sendmail_usage": ("alice", "sendmail -Z bob; echo $?", ""),
    "sendmail_typed": ("alice", "sendmail -f alice bob; echo $?", "Subject: typed\n\nhello\n.\n"),
    "sendmail_typed_eof": ("alice", "sendmail bob; echo $?", "hello\n\x04"),
    "sendmail_t": ("alice", "sendmail -t; echo $?", "Subject: x\n\nhello\n\x04"),
    "sendmail_bv": ("alice", "sendmail -bv bob; echo $?", ""),
    "sendmail_bs": ("alice", "sendmail -bs; echo $?", "HELO x\nMAIL FROM:<alice>\nRCPT TO:<bob>\nDATA\nSubject: x\n\nhello\n.\nQUIT\n"),
    "newaliases": ("root", "echo 'x y' >>/etc/aliases; newaliases; echo $?", ""),
    "newaliases_denied": ("alice", "newaliases; echo $?", ""),
    "postmap": ("root", "printf 'a b\\nx\\na c\\n' >/tmp/table; postmap /tmp/table; postmap -q a /tmp/table; postmap -q z /tmp/table; echo $?", ""),
    "postmap_typed": ("root", "postmap -q - /tmp/table; echo $?", "a\nz\nA\n\x04"),
    "postmap_incremental": ("root", "postmap -i /tmp/table; postmap -s /tmp/table | sort", "new value\n\x04"),
    "postconf": ("root", "postconf nosuch myhostname; echo $?", ""),
    "postconf_unused": ("root", "echo 'nosuch_parameter = x' >>/etc/postfix/main.cf; postconf -n nosuch_parameter; postconf mydomain; postconf -X nosuch_parameter", ""),
    "postcat": ("root", "postcat -q NOSUCH; echo $?", ""),
    "postcat_typed": ("root", "postcat; echo $?", "hello\n\x04"),
    "postsuper": ("root", "postsuper -d NOSUCH; postsuper -h ALL", ""),
    "postsuper_typed": ("root", "postsuper -d -; echo $?", "ABCDEF01\nbad id\n\x04"),
    "postlog": ("root", "postlog -p warn hello there", ""),
    "postlog_typed": ("root", "postlog -t me/you", "one\ntwo\n\x04"),
    "postfix_check": ("root", "postfix check; echo $?", ""),
    "postfix_status": ("root", "postfix status | cat; postfix status; echo $?", ""),
    "postfix_wrong": ("root", "postfix nosuch; echo $?", ""),
    "postfix_denied": ("alice", "postfix status; echo $?", ""),
}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"local_transport": "discard:", "default_transport": "discard:"}) as s:
        yield s


@pytest.mark.parametrize("name", COMMANDS)
def test_on_a_terminal(suite, name):
    user, command, typed = COMMANDS[name]
    code, shown = suite.run_on_terminal("sh", "-c", command, user=None if user == "root" else user, typed=typed.encode())
    shown = re.sub(r"queued as \S+", "queued as {qid}", masks.mask(shown, without=("queue-id",)))
    # Programs that ours does not have yet.
    shown = re.sub(r"(?m)^.* program \S+ is not installed\n", "", shown)
    golden("terminal_" + name, re.sub(r"PID: \d+", "PID: {pid}", shown) + "? %d\n" % code)
