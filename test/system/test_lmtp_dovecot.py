"""lmtp into Debian's real Dovecot, which the reference brings: `lmtp:inet:host:port`, as hosts with Dovecot have it."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from suite import make, selected
from suite.reference import PROGRAM
from suite.smtp import send

CACHE = Path(os.environ.get("MAIL_REFERENCE_DIR") or Path.home() / ".cache/mail-reference")
pytestmark = [pytest.mark.root, pytest.mark.expensive,
              pytest.mark.skipif(selected() != "ours", reason="it is Dovecot that judges"),
              pytest.mark.skipif(not (CACHE / "trixie/base").exists(), reason="needs the reference's base")]
NAME = "dovecot-%d" % os.getpid()


@pytest.fixture(scope="module")
def dovecot():
    argv = [PROGRAM, "up", NAME, "--suite", "trixie", "--json", "--mailbox", "maildir", "--user", "alice", "--user", "bob"]
    info = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    yield info
    subprocess.run([PROGRAM, "down", NAME], check=True)


def test_each_recipient_has_his_own_end(dovecot):
    with make(main_cf={"mailbox_transport": "lmtp:inet:" + dovecot["lmtp"], "local_recipient_maps": "", "notify_classes": ""}) as suite:
        since = suite.log_size()
        send(suite, "", ["alice@example.test", "bob@example.test", "carol@example.test"], "Subject: to dovecot\n\n.\nHello.\n")
        suite.wait_status(since, count=3)
        log = suite.log(since)
    assert log.count("status=sent (250 2.0.0 <alice@example.test>") == 1 and log.count("status=sent (250 2.0.0 <bob@example.test>") == 1
    assert "to=<carol@example.test>" in log and "dsn=5.1.1, status=bounced" in log
    for user in ("alice", "bob"):
        files = list(Path(dovecot["root"], "home", user, "Maildir/new").iterdir())
        assert len(files) == 1 and files[0].read_bytes().endswith(b"\n.\nHello.\n")
