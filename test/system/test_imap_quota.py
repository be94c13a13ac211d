"""IMAP and the quota of a user's Maildir: QUOTA (RFC 9208), and what does not fit any more, the same of Dovecot and of ours."""
import pytest

from suite import config
from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, without_recent
from suite.smtp import Client
from test_imap import IN, fresh, say_all
from test_imap_more import SMALL, with_literal

SETTINGS = """
mail_plugins {
  quota = yes
}
protocol imap {
  mail_plugins {
    imap_quota = yes
  }
}
quota "User quota" {
  driver = maildir
  storage_size = 4k
  message_count = 6
}
"""
pytestmark = pytest.mark.root
extension = pytest.mark.extension("how ours is told of quotas")
ROOT = 'GETQUOTA "User quota"'
LARGE = b"A: b\r\n\r\n" + b"x" * 900 + b"\r\n"

CASES = {
    "commands": (ROOT, "GETQUOTAROOT INBOX", "GETQUOTAROOT none", "GETQUOTA x", "GETQUOTA", "GETQUOTAROOT", 'SETQUOTA "User quota" (STORAGE 1000)', "SETQUOTA x", "SETQUOTA x ()", "SETQUOTA x (STORAGE x)", 'GETQUOTA ""', 'GETQUOTAROOT ""',
                 'GETQUOTAROOT "a b"'),
    "too many messages": (*IN, "CREATE box", "COPY 1:3 box", "COPY 1 box", ROOT, with_literal("APPEND box"), "STORE 1 +FLAGS.SILENT (\\Deleted)", "EXPUNGE", ROOT, "COPY 1 box", with_literal("APPEND box"), "STATUS box (MESSAGES)",
                          "MOVE 1 box", "STATUS box (MESSAGES)", "DELETE box", ROOT),
    "too much": (*IN, "APPEND INBOX {5000}", with_literal("APPEND INBOX", LARGE), with_literal("APPEND INBOX", LARGE), with_literal("APPEND INBOX", LARGE), "APPEND INBOX {905}", "COPY 4 INBOX", ROOT, "STATUS INBOX (MESSAGES)",
                 "APPEND INBOX CATENATE (URL \"/INBOX/;UID=4\" URL \"/INBOX/;UID=4\")"),
    "several at once": (*IN, ("APPEND INBOX {11}", SMALL + b" {11}\r\n", SMALL + b" {11}\r\n", SMALL + b" {11}\r\n", SMALL + b"\r\n"), "STATUS INBOX (MESSAGES)", ROOT),
    "replace": (*IN, "CREATE box", "COPY 1:3 box", with_literal("APPEND INBOX"), with_literal("REPLACE 1 INBOX"), "FETCH 1:* UID"),
}


@pytest.fixture(scope="module")
def server():
    with Mailboxes(settings=SETTINGS, main_cf={"mail_quota": "4k,6C"}) as server:
        yield server


@pytest.mark.parametrize("name", CASES)
def test_dialogue(server, name):
    fresh(server)
    golden("imap_quota_" + name.replace(" ", "_"), say_all(server, CASES[name], mask=without_recent))


def limits(server, user="alice"):
    """What GETQUOTAROOT tells."""
    with Imap(server, user=user) as client:
        return client.say("GETQUOTAROOT INBOX")


@extension
def test_rules_of_users():
    """mail_quota_maps, then mail_quota; a rule as Dovecot's tables have it; 0 is without limit."""
    table = "inline:{ alice=*:storage=10:messages=2, { bob = 0 } }"
    with Mailboxes(users=("alice", "bob", "carol"), main_cf={"mail_quota": "1M", "mail_quota_maps": table}) as server:
        fresh(server)
        assert limits(server)[:-1] == [b'* QUOTAROOT INBOX "User quota"', b'* QUOTA "User quota" (STORAGE 1 10 MESSAGE 3 2)']
        assert limits(server, "bob")[:-1] == [b"* QUOTAROOT INBOX"]
        assert limits(server, "carol")[:-1] == [b'* QUOTAROOT INBOX "User quota"', b'* QUOTA "User quota" (STORAGE 0 1024)']
        with Imap(server, user="alice") as client:
            assert client.say("APPEND INBOX {11}")[-1].startswith(b"a2 NO [OVERQUOTA]")
        assert (server.maildir() / "maildirsize").read_text().startswith("10240S,2C\n")


@extension
def test_rules_of_the_user_database():
    """A quota_rule of auth_userdb goes before mail_quota_maps; a delivery has what is in maildirsize."""
    users = {"alice": " userdb_quota_rule=*:storage=10:messages=4", "bob": "", "carol": " userdb_quota_rule=much"}
    lines = "".join("%s:{PLAIN}%s-pw:%d:%d::/home/%s::x=y%s\n" % (user, user, config.uid(user), config.uid(user), user, more) for user, more in users.items())
    with Mailboxes(users=tuple(users), files={"/etc/postfix/boxes": lines}, main_cf={"auth_userdb": "passwd-file:/etc/postfix/boxes", "mail_quota_maps": "inline:{ bob=7C }"}) as server:
        fresh(server)
        assert limits(server)[:-1] == [b'* QUOTAROOT INBOX "User quota"', b'* QUOTA "User quota" (STORAGE 1 10 MESSAGE 3 4)']
        assert limits(server, "bob")[:-1] == [b'* QUOTAROOT INBOX "User quota"', b'* QUOTA "User quota" (MESSAGE 0 7)']
        with Imap(server, user="alice") as client:
            assert client.say(*with_literal("APPEND INBOX"))[-1].startswith(b"a2 OK")
            assert client.say("APPEND INBOX {11}")[-1].startswith(b"a3 NO [OVERQUOTA]")
        assert (server.maildir() / "maildirsize").read_text().startswith("10240S,4C\n")
        with Client(server.smtp) as client:
            queue_id = client.send("joe@example.net", "alice@example.test", "Subject: x\n\nx\n")
        assert " dsn=5.2.2, status=bounced " in server.wait_line(r"%s: to=<alice@\S*>, .*status=" % queue_id)
        with Imap(server) as client:
            assert client.say("LOGIN carol carol-pw")[-1].startswith(b"a1 NO [UNAVAILABLE]")
        server.suite.wait_log('quota_rule: "much" is no quota')


@extension
def test_a_rule_that_is_none():
    """Nobody is let in with a quota that cannot be read, and the log says why."""
    with Mailboxes(main_cf={"mail_quota_maps": "inline:{ alice=much }"}) as server:
        with Imap(server) as client:
            assert client.say("LOGIN alice alice-pw")[-1].startswith(b"a1 NO [UNAVAILABLE]")
        server.suite.wait_log('mail_quota_maps: "much" is no quota')


@extension
def test_the_limit_in_maildirsize():
    """As Courier, Dovecot and maildirmake -q write it, where main.cf says nothing."""
    with Mailboxes() as server:
        fresh(server)
        assert limits(server)[:-1] == [b"* QUOTAROOT INBOX"]
        with Imap(server, user="alice") as client:
            assert client.say('GETQUOTA "User quota"')[-1].startswith(b"a2 NO ")
        server.put(server.maildir() / "maildirsize", "5000S,4C\n900 3\n")
        assert limits(server)[:-1] == [b'* QUOTAROOT INBOX "User quota"', b'* QUOTA "User quota" (STORAGE 1 5 MESSAGE 3 4)']
        with Imap(server, user="alice") as client:
            assert client.say(*with_literal("APPEND INBOX"))[-1].startswith(b"a2 OK")
            assert client.say("APPEND INBOX {11}")[-1].startswith(b"a3 NO [OVERQUOTA]")
            assert client.say("SELECT INBOX")[-1].startswith(b"a4 OK")
            assert client.say("STATUS INBOX (DELETED DELETED-STORAGE)")[0] == b"* STATUS INBOX (DELETED 0 DELETED-STORAGE 0)"
            client.say("STORE 1 +FLAGS (\\Deleted)")
            assert client.say("STATUS INBOX (DELETED DELETED-STORAGE)")[0] == b"* STATUS INBOX (DELETED 1 DELETED-STORAGE 201)"
        assert (server.maildir() / "maildirsize").read_text().startswith("5000S,4C\n")


@extension
def test_no_quota_of_an_mbox():
    with Mailboxes(kind="mbox", main_cf={"mail_quota": "1C"}) as server:
        server.put(server.path("/var/mail/alice"), "")
        with Imap(server, user="alice") as client:
            assert client.say("GETQUOTAROOT INBOX")[0] == b"* QUOTAROOT INBOX"
            for n in (3, 4):
                assert client.say(*with_literal("APPEND INBOX"))[-1].startswith(b"a%d OK" % n)
