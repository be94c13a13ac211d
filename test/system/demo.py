#!/usr/bin/python3
"""The private mail system of ./quickstart: the test harness's instance, which outlives this program.

usage: demo.py start | run COMMAND.. | stop"""
import os
import sys
import tempfile
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from suite.ours import Ours, private_root_possible  # noqa: E402
from suite.smtp import Client  # noqa: E402

RUN = "/run" if os.getuid() == 0 else os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
HOME = Path(RUN) / ("valija-quickstart-%d" % os.getuid())

# For an ordinary user no other users exist, so the two demo mailboxes are hosted ones there.
HOSTED = {
    "mydestination": "localhost",
    "virtual_mailbox_domains": "example.test",
    "virtual_mailbox_maps": "inline:{alice@example.test=alice/, bob@example.test=bob/}",
    "virtual_mailbox_base": str(HOME / "mail"),
    "virtual_uid_maps": "static:%d" % (os.getuid() or 65534),
    "virtual_gid_maps": "static:%d" % (os.getgid() or 65534),
    "virtual_minimum_uid": "1",
}


def say(text):
    print("== " + text, flush=True)


def show(text):
    print(textwrap.indent(text.rstrip("\n"), "   "), flush=True)


def mailbox(suite):
    """Alice's mail: (how many messages, the text of the last)."""
    if suite.private:
        messages = suite.messages("alice", count=0)
        return len(messages), messages[-1].decode("utf-8", "replace") if messages else ""
    files = sorted((HOME / "mail/alice/new").glob("*"), key=lambda p: p.stat().st_mtime_ns) if (HOME / "mail/alice/new").is_dir() else []
    return len(files), files[-1].read_text() if files else ""


def start():
    suite = Ours.attach(HOME)
    if suite:
        say("the mail system of the last ./quickstart is still running; ./quickstart stop ends it")
    else:
        say("starting a private mail system")
        Ours.remove(HOME)
        suite = Ours(directory=HOME, outlives_us=True, main_cf={} if private_root_possible() else HOSTED)
        suite.start()
    show("%s listens on %s port %d; its users are alice and bob at example.test" % (suite.hostname, *suite.smtp))
    before, _ = mailbox(suite)
    say("sending a message from bob to alice by SMTP")
    with Client(suite.smtp, helo="quickstart.example.test") as client:
        show(client.greeting)
        queue_id = client.send("bob@example.test", "alice@example.test",
                               "From: Bob <bob@example.test>\nTo: Alice <alice@example.test>\nSubject: The first message\n\nIt works.\n")
        show("250 2.0.0 Ok: queued as " + queue_id)
    suite.wait_removed(queue_id)
    count, message = mailbox(suite)
    assert count == before + 1, "the message did not arrive"
    say("the queue (mailq)")
    show(suite.run("mailq").stdout.decode())
    say("its way, in the mail log (%s)" % suite.mail_log)
    show("\n".join(line for line in suite.log().splitlines() if queue_id in line))
    say("the message, as alice has it")
    show(message)
    say("how to go on")
    show(GO_ON.format(host=suite.host, port=suite.smtp[1], log=suite.mail_log))


GO_ON = """send more       swaks --server {host}:{port} --from bob@example.test --to alice@example.test
the queue       ./quickstart run mailq
a setting       ./quickstart run postconf -n
the log         tail -f {log}
stop it         ./quickstart stop"""


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else "start"
    if os.getuid() and (HOME.is_symlink() or HOME.exists() and HOME.stat().st_uid != os.getuid()):
        sys.exit("%s is somebody else's" % HOME)
    if word == "start":
        return start()
    suite = Ours.attach(HOME)
    if word == "stop":
        if suite:
            suite.stop()
            say("stopped")
        Ours.remove(HOME)
        return 0
    if word != "run" or len(sys.argv) < 3:
        sys.exit(__doc__)
    if not suite:
        sys.exit("nothing runs; ./quickstart starts it")
    done = suite.run(*sys.argv[2:], input=b"" if sys.stdin.isatty() else sys.stdin.buffer.read())
    sys.stdout.buffer.write(done.stdout)
    sys.stderr.buffer.write(done.stderr)
    return done.returncode


sys.exit(main())
