"""A client in IDLE hears of what local and virtual deliver, within a second."""
import pytest

from suite.mailboxes import TIMEOUT, Imap, Mailboxes
from suite.smtp import Client

pytestmark = pytest.mark.root

SECONDS = 1
# virtual_mailbox_base, a path below it, and a group that may make files there.
BASE = {"maildir": ("/home", "alice/Maildir/", 1001), "mbox": ("/var/mail", "alice", 8)}


@pytest.fixture(scope="module", params=["maildir", "mbox"])
def server(request):
    base, path, group = BASE[request.param]
    settings = {"home_mailbox": "Maildir/" if request.param == "maildir" else "", "virtual_mailbox_domains": "hosted.example", "virtual_mailbox_base": base,
                "virtual_mailbox_maps": "inline:{alice@hosted.example=%s}" % path, "virtual_uid_maps": "static:1001", "virtual_gid_maps": "static:%d" % group}
    with Mailboxes(request.param, main_cf=settings, postfix=settings) as server:
        yield server


@pytest.mark.parametrize("agent, recipient", [("local", "alice@example.test"), ("virtual", "alice@hosted.example")])
def test_a_delivery_is_told(server, agent, recipient):
    with Imap(server, user="alice") as watcher, Client(server.smtp) as client:
        before = int(watcher.say("STATUS INBOX (MESSAGES)")[0].split()[-1].rstrip(b")"))
        watcher.say("SELECT INBOX")
        watcher.send("i1 IDLE\r\n")
        assert watcher.line().startswith(b"+ ")
        queue_id = client.send("joe@example.net", recipient, "Subject: for %s\n\ntext\n" % agent)
        server.wait_line(r"%s\[\d+\]: %s: to=<%s>, .*status=sent" % (agent, queue_id, recipient))
        watcher.socket.settimeout(SECONDS)
        told = watcher.line()
        while told == b"* OK Still here":   # Dovecot says so from time to time
            told = watcher.line()
        assert told == b"* %d EXISTS" % (before + 1)
        watcher.socket.settimeout(TIMEOUT)
        watcher.send("DONE\r\n")
        while not watcher.line().startswith(b"i1 OK"):
            pass
        text = watcher.say("FETCH %d BODY.PEEK[HEADER.FIELDS (SUBJECT)]" % (before + 1))
        assert any(b"Subject: for " + agent.encode() in part for part in text)
