"""Debian 12's main.cf and master.cf, exactly as its package leaves them, start ours; what is not yet built is named once."""
import os
import re
from pathlib import Path

import pytest

from suite import selected
from suite.ours import Ours
from suite.smtp import Client
from suite.tls import TlsClient, certificates

BASE = Path(os.environ.get("MAIL_REFERENCE_DIR") or Path.home() / ".cache/mail-reference") / "base"
pytestmark = [pytest.mark.root, pytest.mark.skipif(selected() != "ours", reason="they are the reference's own"),
              pytest.mark.skipif(not BASE.with_name("base.ok").exists(), reason="no reference: run `test/reference/reference build` first")]


@pytest.fixture(scope="module")
def suite():
    """In a network of its own, since these files have it listen on port 25 of all addresses, and with syslog."""
    files = {"/etc/postfix/" + name: (BASE / "etc/postfix" / name).read_text() for name in ("main.cf", "master.cf")}
    # As Debian's ssl-cert makes them.
    files["/etc/ssl/certs/ssl-cert-snakeoil.pem"] = certificates().text("self.pem")
    files["/etc/ssl/private/ssl-cert-snakeoil.key"] = certificates().text("self.key")
    with Ours(isolated=True, files=files) as s:
        s.ports["smtp"] = 25
        yield s


def complaints(lines):
    """All that is not mere information."""
    return [line for line in lines if re.search(r"(?:warning|error|fatal|panic): ", line)]


def test_start_and_check(suite):
    assert complaints(suite.log().splitlines()) == []
    done = suite.run("postfix", "check")
    assert done.returncode == 0 and done.stdout == b""
    assert complaints(done.stderr.decode().splitlines()) == []
    assert re.search(r"postfix/master\[\d+\]: daemon started -- version", suite.log())


def test_smtp(suite):
    """To a user by procmail, as the package sets mailbox_command; to a stranger, who is refused; out, where nobody answers."""
    with suite.network():
        for count, address in enumerate(("127.0.0.1", "::1"), 1):
            with Client((address, 25)) as client:
                assert re.match(r"220 \S+ ESMTP Postfix \(Debian/GNU\)$", client.greeting)
                client.send("joe@example.net", "alice@example.test", "Subject: by SMTP\n\nHello.\n")
                client.command("MAIL FROM:<joe@example.net>")
                assert client.command("RCPT TO:<nobody-here@example.test>", want="5").startswith("550 5.1.1 ")
                client.command("RSET")
                away = client.send("alice@example.test", "joe@[192.0.2.1]", "Subject: away\n\nHello.\n")
            suite.wait_log(r"%s: to=<joe@\[192.0.2.1\]>, .*status=deferred \(.*unreachable\)" % away)
            # One after the other: two procmails wait for each other's lock for 8 seconds.
            suite.wait_log(r"to=<alice@.*status=sent", count=count)
    assert b"Subject: by SMTP" in suite.messages("alice", 2)[1]
    assert len(suite.wait_log(r'status=sent \(delivered to command: procmail -a "\$EXTENSION"\)$', count=2)) == 2
    assert suite.sh("mailq").count("joe@[192.0.2.1]") == 2
    suite.delete_all()


def test_tls(suite):
    with suite.network(), TlsClient(("127.0.0.1", 25)) as client:
        assert client.socket.version() == "TLSv1.3"
        client.command("MAIL FROM:<joe@example.net>")


def test_sendmail(suite):
    suite.sh("echo Hello | sendmail bob carol+ext", user="alice")
    for user in ("bob", "carol"):
        assert re.match(rb"From alice@example.test .*\n(?:.*\n)*Received: by \S+ \(Postfix, from userid 1001\)\n", suite.messages(user, 1)[0])
    suite.wait_queue_empty()


def test_reload_and_stop(suite):
    at = suite.log_size()
    suite.sh("postfix reload 2>&1")
    suite.wait_log("reload -- version", since=at)
    suite.sh("echo Hello | sendmail dave", user="alice")
    assert suite.messages("dave", 1)
    assert suite.run("postfix", "status").returncode == 0
    suite.sh("postfix stop 2>&1")
    assert suite.run("postfix", "status").returncode == 1
    suite.sh("postfix start 2>&1; echo Hello | sendmail erin", user=None)
    assert suite.messages("erin", 1)
    assert complaints(suite.log().splitlines()) == []
