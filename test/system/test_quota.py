"""Maildir++ quotas: at delivery by local and virtual, and at RCPT by the policy service quota-status. The reference is Dovecot's LMTP
server and quota-status behind Postfix."""
import re
import socket

import pytest

from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, Pop3
from suite.smtp import Client

pytestmark = pytest.mark.root

LINE = "x" * 78 + "\n"
LIMIT = "10240S,5C"
DOVECOT = """mail_plugins {
  quota = yes
}
quota user {
  driver = maildir
  storage_size = 10k
  storage_grace = 0
  message_count = 5
}
quota_full_tempfail = %s
service quota-status {
  executable = quota-status -p postfix
  client_limit = 1
  unix_listener /var/spool/postfix/private/quota-status {
    user = postfix
  }
}
"""
RESTRICTIONS = {"smtpd_recipient_restrictions": "check_policy_service unix:private/quota-status, permit_mynetworks, reject"}
POSTFIX = {"mailbox_transport": "lmtp:unix:private/dovecot-lmtp", **RESTRICTIONS}
SERVICE = ["quota-status unix - n n - 0 quota-status"]
QUESTION = b"request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=alice@example.test\nsize=9999\n\n"
VIRTUAL = {"virtual_mailbox_domains": "hosted.example", "virtual_mailbox_base": "/home", "virtual_uid_maps": "static:1001", "virtual_gid_maps": "static:1001",
           "virtual_mailbox_maps": "inline:{ alice@hosted.example=alice/Maildir/ small@hosted.example=alice/small/ any@hosted.example=alice/any/ }"}


def message(size):
    return "Subject: of %d bytes\n\n%s" % (size, LINE * (size // len(LINE)))


def deliver(server, recipient, size):
    """What became of it: the line of the log."""
    with Client(server.smtp) as client:
        queue_id = client.send("joe@example.net", recipient, message(size))
    return server.wait_line(r"%s: to=<\S*>, .*status=(?:sent|bounced|deferred) " % queue_id)


def books(maildir):
    """The first line of maildirsize, and the sums of the others."""
    limit, *lines = (maildir / "maildirsize").read_text().splitlines()
    numbers = [[int(word) for word in line.split()] for line in lines]
    return limit, sum(n[0] for n in numbers), sum(n[1] for n in numbers)


def there(maildir):
    files = [path for part in ("new", "cur") for path in maildir.rglob(part + "/*")]
    return sum(path.stat().st_size for path in files), len(files)


def asking(server, service="quota-status"):
    """A connection to the policy service."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(str(server.path("/var/spool/postfix/private/" + service)))
    return s


@pytest.fixture(scope="module", params=["no", "yes"])
def server(request):
    """mail_quota, quota_full_tempfail."""
    settings = {"mail_quota": LIMIT, "quota_full_tempfail": request.param, **RESTRICTIONS}
    with Mailboxes(settings=DOVECOT % request.param, main_cf=settings, master=SERVICE, postfix=POSTFIX) as server:
        server.is_temporary = request.param == "yes"
        yield server


def test_what_has_no_room_is_not_delivered(server):
    server.wipe()
    for _ in range(2):
        assert " dsn=2.0.0, status=sent " in deliver(server, "alice@example.test", 3000)
    line = deliver(server, "alice@example.test", 5000)
    end = ("4.2.2", "deferred") if server.is_temporary else ("5.2.2", "bounced")
    assert " dsn=%s, status=%s " % end in line and "Quota exceeded (mailbox for user is full)" in line, line
    assert books(server.maildir()) == (LIMIT, *there(server.maildir())) and there(server.maildir())[1] == 2
    # What is smaller has room.
    assert " dsn=2.0.0, status=sent " in deliver(server, "alice@example.test", 500)


def test_the_number_of_messages(server):
    server.wipe("bob")
    for _ in range(5):
        assert " status=sent " in deliver(server, "bob@example.test", 100)
    with Client(server.smtp) as client:
        client.command("MAIL FROM:<joe@example.net>")
        client.command("RCPT TO:<bob@example.test>", want="45")


def test_the_sender_hears_at_rcpt(server):
    """quota-status is asked, and knows users, mailboxes and sizes as the delivery does."""
    server.wipe()
    deliver(server, "alice@example.test", 6000)
    text = ""
    with Client(server.smtp) as client:
        for size in (0, 1000, 9000):
            for recipient in ("alice@example.test", "alice+ext@example.test"):
                client.command("MAIL FROM:<joe@example.net>" + (" SIZE=%d" % size if size else ""))
                text += "SIZE=%d %s: %s\n" % (size, recipient, client.command("RCPT TO:<%s>" % recipient, want="245"))
                client.command("RSET")
    golden("quota_status" + ("_tempfail" if server.is_temporary else ""), text)


def test_what_pop3_takes_away_makes_room(server):
    server.wipe()
    for _ in range(2):
        assert " status=sent " in deliver(server, "alice@example.test", 3000)
    with Pop3(server, user="alice") as client:
        client.all("DELE 1")   # without QUIT nothing is deleted
    assert books(server.maildir()) == (LIMIT, *there(server.maildir())) and there(server.maildir())[1] == 2
    with Pop3(server, user="alice") as client:
        client.all("RETR 2", "DELE 1", "QUIT")
        client.end()
    assert books(server.maildir()) == (LIMIT, *there(server.maildir())) and there(server.maildir())[1] == 1
    assert " status=sent " in deliver(server, "alice@example.test", 5000)


def test_quota_status_follows_no_aliases(server):
    """The local part postmaster is one."""
    with asking(server) as s:
        s.sendall(QUESTION.replace(b"alice@", b"postmaster@").replace(b"size=9999", b"size=99999"))
        assert s.recv(100) == (b"action=REJECT Unknown user\n\n" if server.of == "reference" else b"action=DUNNO\n\n")


@pytest.mark.extension("virtual(8) of Postfix knows no quota")
class TestVirtual:
    """mail_quota_maps, maildir_name_sizes."""

    @pytest.fixture(scope="class")
    def hosted(self):
        settings = {"mail_quota_maps": "inline:{ { alice@hosted.example = 10240S,5C } { small@hosted.example = 0 } { bob = x } }",
                    "mail_quota": "1000", "maildir_name_sizes": "yes", **VIRTUAL}
        with Mailboxes(main_cf=settings) as server:
            yield server

    def test_by_address(self, hosted):
        hosted.wipe()
        assert " dsn=2.0.0, status=sent (delivered to maildir)" in deliver(hosted, "alice+ext@hosted.example", 6000)
        line = deliver(hosted, "alice@hosted.example", 6000)
        assert line.endswith(" dsn=5.2.2, status=bounced (maildir delivery failed: Quota exceeded (mailbox for user is full))")
        assert books(hosted.maildir()) == (LIMIT, *there(hosted.maildir()))

    def test_who_is_in_no_table_has_mail_quota(self, hosted):
        assert " dsn=5.2.2, status=bounced " in deliver(hosted, "any@hosted.example", 2000)
        assert " status=sent " in deliver(hosted, "small@hosted.example", 20000)
        assert not (hosted.home() / "small/maildirsize").exists()

    def test_a_quota_that_is_none_puts_mail_off(self, hosted):
        line = deliver(hosted, "bob@example.test", 100)
        assert line.endswith(" dsn=4.3.5, status=deferred (mail system configuration error)"), line
        hosted.wait_line(r'local\[\d+\]: warning: \w+: mail_quota_maps: "x" is no quota$')

    def test_names_tell_the_sizes(self, hosted):
        hosted.wipe()
        deliver(hosted, "alice@hosted.example", 1000)
        name, = (hosted.maildir() / "new").iterdir()
        text = name.read_bytes()
        assert re.fullmatch(r"\d+\.V[0-9a-f]+I[0-9a-f]+M\d+\.mail\.example\.test,S=%d,W=%d" % (len(text), len(text) + text.count(b"\n")), name.name)
        with Imap(hosted, user="alice") as client:
            client.say("SELECT INBOX")
            assert client.say("FETCH 1 RFC822.SIZE")[0] == b"* 1 FETCH (RFC822.SIZE %d)" % (len(text) + text.count(b"\n"))


@pytest.mark.extension("local(8) and virtual(8) of Postfix know no maildirsize")
class TestMaildirsize:
    """The file that others left, as deliveries keep it."""

    @pytest.fixture(scope="class")
    def plain(self):
        with Mailboxes(main_cf={"home_mailbox": "Maildir/", **VIRTUAL, "virtual_mailbox_base": "/home/alice",
                                "virtual_mailbox_maps": "inline:{ folder@hosted.example=Maildir/.Lists/ }"}) as server:
            yield server

    def size_file(self, server, text):
        server.wipe()
        server.deliver()
        server.put(server.maildir() / "maildirsize", text)
        return server.maildir() / "maildirsize"

    def test_its_limit_holds(self, plain):
        path = self.size_file(plain, "2000S\n0 0\n")
        assert " status=sent " in deliver(plain, "alice@example.test", 500)
        assert books(plain.maildir()) == ("2000S", *there(plain.maildir()))
        before = path.read_text()
        assert " dsn=5.2.2, status=bounced " in deliver(plain, "alice@example.test", 3000)
        assert books(plain.maildir()) == ("2000S", *there(plain.maildir())) and path.read_text().startswith("2000S\n"), before

    def test_a_sum_that_is_wrong_turns_nobody_away(self, plain):
        self.size_file(plain, "2000S\n1000 1\n900 1\n")
        assert " status=sent " in deliver(plain, "alice@example.test", 500)
        assert books(plain.maildir()) == ("2000S", *there(plain.maildir()))

    def test_a_folder_is_counted_with_its_account(self, plain):
        self.size_file(plain, "5000S,10C\n0 0\n")
        plain.deliver(folder="Lists")
        plain.put(plain.maildir(folder="Lists") / "maildirfolder", "")
        assert " status=sent " in deliver(plain, "folder@hosted.example", 3000)
        assert books(plain.maildir()) == ("5000S,10C", *there(plain.maildir()))
        assert not (plain.maildir(folder="Lists") / "maildirsize").exists()
        assert " dsn=5.2.2, status=bounced " in deliver(plain, "alice@example.test", 3000)

    def test_without_it_there_is_none(self, plain):
        plain.wipe()
        assert " status=sent " in deliver(plain, "alice@example.test", 500)
        assert not (plain.maildir() / "maildirsize").exists()

    def test_a_link_is_not_followed(self, plain):
        path = self.size_file(plain, "")
        path.unlink()
        target = plain.home() / "precious"
        plain.put(target, "5S\n9 9\n")
        path.symlink_to("../precious")
        assert " status=sent " in deliver(plain, "alice@example.test", 500)
        assert target.read_text() == "5S\n9 9\n"


@pytest.mark.extension("what our own service says")
class TestQuotaStatus:
    """auth_service_name, mail_location: as the mailbox servers have them."""

    @pytest.fixture(scope="class")
    def asked(self):
        settings = {"mail_quota_maps": "inline:{ alice=1000S }", "auth_username_format": "%u", "auth_service_name": "users", **RESTRICTIONS}
        more = ["users unix - n n - 0 authd", "quota-alone unix - n n - 0 quota-status\n  -o auth_service_name=nobody -o syslog_name=quota-alone"]
        with Mailboxes(main_cf=settings, master=[*SERVICE, *more]) as server:
            yield server

    def rcpt(self, server, recipient, size):
        with Client(server.smtp) as client:
            client.command("MAIL FROM:<joe@example.net> SIZE=%d" % size)
            return client.command("RCPT TO:<%s>" % recipient, want="245")

    def test_who_is_local_is_known_by_his_name(self, asked):
        assert self.rcpt(asked, "Alice@example.test", 2000) == \
            "554 5.2.2 <Alice@example.test>: Recipient address rejected: Quota exceeded (mailbox for user is full)"
        assert self.rcpt(asked, "bob@example.test", 2000) == "250 2.1.5 Ok"

    def test_a_maildir_is_not_made_by_asking(self, asked):
        asked.wipe()
        assert self.rcpt(asked, "alice@example.test", 10) == "250 2.1.5 Ok"
        assert not asked.maildir().exists()

    def test_when_nobody_can_tell_the_sender_comes_again(self, asked):
        with asking(asked, "quota-alone") as s:
            s.sendall(QUESTION)
            assert s.recv(100) == b"action=DEFER_IF_PERMIT Internal quota calculation error\n\n"
        asked.suite.wait_log(r"quota-alone/quota-status\[\d+\]: warning: alice@example\.test: .*private/nobody")

    @pytest.mark.parametrize("text, logged", [
        (b"request=other\n\n", 'request="other" is not smtpd_access_policy'),
        (b"HELO x\n", 'a line without "=": HELO x'),
        (b"size=-1\n", "a size that is none: -1"),
        (b"x=" + b"y" * 10000 + b"\n", "an attribute is too long"),
    ])
    def test_what_is_no_question_ends_the_connection(self, asked, text, logged):
        since = asked.suite.log_size()
        with asking(asked) as s:
            s.sendall(text)
            assert s.recv(100) == b""
        asked.suite.wait_log(r"quota-status\[\d+\]: warning: .*" + re.escape(logged), since=since)

    def test_another_state_has_no_answer(self, asked):
        with asking(asked) as s:
            s.sendall(QUESTION.replace(b"RCPT", b"DATA"))
            assert s.recv(100) == b"action=DUNNO\n\n"

    def test_it_keeps_no_rights_over_mailboxes_of_others(self, asked):
        """What looks into a mailbox is its owner, confined."""
        asked.deliver("Subject: x\n\nx\n")
        assert self.rcpt(asked, "alice@example.test", 10) == "250 2.1.5 Ok"
        found = asked.suite.sh("for p in $(ps -eo pid=,comm= | awk '$2==\"quota-status\" {print $1}'); do cat /proc/$p/status; done")
        seen = [dict(line.split(":\t", 1) for line in one.splitlines() if ":\t" in line) for one in ("\n" + found).split("\nName:")[1:]]
        workers = [status for status in seen if status["Uid"].split()[0] == "1001"]
        assert workers and all(status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == 0 and status["Groups"].split() == ["1001"] for status in workers), seen
