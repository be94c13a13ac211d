"""The events of the log test. Each is a function of the World; it returns when all that it causes is in the log."""
import socket

from suite.dialogue import Peer
from suite.smtp import send

MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"

SERVICES = {
    "stranger": {"mynetworks": "10.0.0.0/8"},
    "strict": {"smtpd_helo_required": "yes", "smtpd_hard_error_limit": "3", "smtpd_error_sleep_time": "0", "smtpd_junk_command_limit": "2"},
    "quick": {"smtpd_timeout": "1s"},
    "few": {"smtpd_client_connection_count_limit": "1", "smtpd_client_event_limit_exceptions": ""},
    "rate": {"smtpd_client_connection_rate_limit": "1", "smtpd_client_event_limit_exceptions": ""},
    "strictlf": {"smtpd_forbid_bare_newline": "reject", "smtpd_forbid_bare_newline_exclusions": ""},
}
FILES = {
    "/etc/aliases": "postmaster: root\nroot: heidi\nboth: alice, bob\nteam: :include:/etc/lists/team\nowner-team: carol\nfile: /home/vmail/file\n"
                    "command: \"|cat >/dev/null\"\nfails: \"|echo no; exit 1\"\nlater: \"|exit 75\"\naway: joe@relay.example\nloop1: loop2\nloop2: loop1\n",
    "/etc/lists/team": "alice\ndave\n",
    "/home/dave/.forward": "\\dave, erin\n",
    "/etc/postfix/transport": "gone.example error:5.1.2 that domain is closed\nwait.example retry:4.3.0 not now\nhole.example discard:silently\n",
}
PREPARE = ["postmap hash:/etc/postfix/transport"]


def main_cf(port):
    return {
        "transport_maps": "hash:/etc/postfix/transport", "relay_domains": "relay.example", "smtp_connection_cache_on_demand": "no",
        "relayhost": "[127.0.0.1]:%d" % port, "smtpd_client_event_limit_exceptions": "$mynetworks",
        "virtual_alias_domains": "alias.example", "virtual_alias_maps": "inline:{{pair@alias.example = alice@example.test, bob@example.test}}",
        "virtual_mailbox_domains": "hosted.example", "virtual_mailbox_maps": "inline:{box@hosted.example=box/}", "virtual_mailbox_base": "/home/vmail",
        "virtual_uid_maps": "static:1001", "virtual_gid_maps": "static:1001", "message_size_limit": "20000", "mailbox_size_limit": "0",
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    }


class World:
    def __init__(self, suite, sink):
        self.suite, self.sink = suite, sink

    def send(self, name, recipients, sender="joe@example.net", body="Hello.", until="removed", count=1, **options):
        """One message; until all that comes of it is gone from the queue, or a line has come so often."""
        since = self.suite.log_size()
        qid = send(self.suite, sender, recipients, MESSAGE % (name, name, body), **options)
        if until == "removed":
            self.suite.wait_removed(qid)
            self.suite.wait_queue_empty()
        else:
            self.suite.wait_status(since, count=count)
        self.suite.wait_log("disconnect from", since=since)
        return qid

    def talk(self, *pieces, service="smtp", end=True):
        """A session of lines (each gets a reply) and of bytes (as they are; one reply); then the connection ends."""
        since = self.suite.log_size()
        peer = Peer(self.suite.address(service))
        peer.line()
        for piece in pieces:
            peer.send(piece if isinstance(piece, bytes) else piece.encode() + b"\r\n")
            while (peer.line() or "<")[3:4] == "-":
                pass
        if end:
            peer.socket.close()
        self.suite.wait_log(r"smtpd\[\d+\]: disconnect from", since=since)
        peer.socket.close()

    def command(self, script, user=None, until=None, count=1):
        since = self.suite.log_size()
        self.suite.run("sh", "-c", script, user=user)
        if until:
            self.suite.wait_log(until, since=since, count=count)
        if until == "removed":
            self.suite.wait_queue_empty()

    def drop(self):
        self.suite.sh("postsuper -d ALL deferred >/dev/null 2>&1")


E, M, R, Q = "EHLO client.example.net", "MAIL FROM:<joe@example.net>", "RCPT TO:<alice@example.test>", "QUIT"


def events(w):
    """All events, as (name, function without arguments)."""
    s, sink, talk = w.suite, w.sink, w.talk

    def refused(pattern, reply, name, *recipients, until="removed", count=1, **options):
        sink.answers = {pattern: reply}
        try:
            w.send(name, list(recipients) or ["x@away.example"], until=until, count=count, **options)
        finally:
            sink.answers = {}
            w.drop()

    def flush():
        sink.answers = {"RCPT": "450 4.2.0 later"}
        qid = w.send("flush", "x@away.example", until="status")
        s.wait_until(lambda: ("deferred", qid) in s.queue_files(), s.path(s.queue_directory + "/deferred"))
        sink.answers = {}
        w.command("postqueue -f", until="%s: removed" % qid)

    def hold():
        sink.answers = {"RCPT": "450 4.2.0 later"}
        qid = w.send("hold", "x@away.example", until="status")
        s.wait_until(lambda: ("deferred", qid) in s.queue_files(), s.path(s.queue_directory + "/deferred"))
        w.command("postsuper -h " + qid)
        w.command("postsuper -H " + qid)
        w.command("postsuper -d " + qid)
        sink.answers = {}

    def canceled(session):
        since = s.log_size()
        session()
        s.wait_log(r"removed \(canceled\)", since=since)

    def too_many_connections():
        since = s.log_size()
        first = Peer(s.address("few"))
        first.line()
        talk(service="few")
        first.send(b"QUIT\r\n")
        first.line()
        s.wait_log("disconnect from", count=2, since=since)
        first.socket.close()

    def mixed():
        sink.answers = {"RCPT TO:<bad": "550 5.1.1 no such user", "RCPT TO:<slow": "450 4.2.0 mailbox full"}
        w.send("mixed", ["good@away.example", "bad@away.example", "slow@away.example", "alice@example.test"], until="status", count=4)
        sink.answers = {}
        w.drop()

    listed = [
        ("a message for one", lambda: w.send("one", "alice@example.test")),
        ("for two", lambda: w.send("two", ["alice@example.test", "bob@example.test"])),
        ("with an extension", lambda: w.send("ext", "alice+list@example.test")),
        ("a bounce comes in", lambda: w.send("null", "alice@example.test", sender="")),
        ("postmaster", lambda: w.send("pm", "postmaster")),
        ("8 bit and DSN parameters", lambda: w.send("dsn", "alice@example.test", mail="BODY=8BITMIME RET=HDRS ENVID=e1", rcpt="NOTIFY=FAILURE")),
        ("success is reported", lambda: w.send("success", "alice@example.test", sender="bob@example.test", rcpt="NOTIFY=SUCCESS")),
        ("by BDAT", lambda: talk(E, M, R, b"BDAT 49 LAST\r\nMessage-Id: <bdat@example.net>\r\nSubject: b\r\n\r\nx\r\n", Q) or s.wait_queue_empty()),
        ("a long message", lambda: w.send("long", "alice@example.test", body="x" * 70 + "\n" * 100)),
        ("an alias of two", lambda: w.send("both", "both@example.test")),
        ("a list with an owner", lambda: w.send("team", "team@example.test")),
        ("an alias to a file", lambda: w.send("file", "file@example.test")),
        ("an alias to a command", lambda: w.send("command", "command@example.test")),
        ("a command that fails", lambda: w.send("fails", "fails@example.test", sender="bob@example.test")),
        ("a command that wants to be asked later", lambda: (w.send("later", "later@example.test", until="status"), w.drop())),
        ("an alias to elsewhere", lambda: w.send("away", "away@example.test")),
        ("an alias loop", lambda: w.send("loop", "loop1@example.test", sender="bob@example.test")),
        (".forward", lambda: w.send("forward", "dave@example.test")),
        ("a virtual alias", lambda: w.send("pair", "pair@alias.example")),
        ("a hosted mailbox", lambda: w.send("hosted", "box@hosted.example")),
        ("to the next hop", lambda: w.send("relay", "x@away.example")),
        ("to a domain that we relay for", lambda: w.send("relay2", "x@relay.example")),
        ("two recipients at the next hop", lambda: w.send("relay3", ["x@away.example", "y@away.example"])),
        ("the next hop refuses the recipient", lambda: refused("RCPT", "550 5.1.1 no such user", "r550", sender="bob@example.test")),
        ("... the sender", lambda: refused("MAIL", "550 5.7.1 not you", "m550", sender="bob@example.test")),
        ("... the message", lambda: refused(r"\.", "554 5.7.1 spam", "d554", sender="bob@example.test")),
        ("... for now", lambda: refused("RCPT", "450 4.2.0 greylisted", "r450", until="status")),
        ("... with two lines", lambda: refused("RCPT", "450-4.2.0 first\n450 4.2.0 second", "r450m", until="status")),
        ("... at the greeting", lambda: refused("CONNECT", "421 4.3.2 busy", "g421", until="status")),
        ("... by closing", lambda: refused("MAIL", None, "mclose", until="status")),
        ("some of the recipients", mixed),
        ("deferred, then flushed", flush),
        ("held, released, deleted", hold),
        ("a double bounce", lambda: refused("RCPT", "550 5.1.1 no such user", "double", sender="")),
        ("error transport", lambda: w.command("printf 'Message-Id: <err@x>\\n\\nx\\n' | sendmail -f bob@example.test x@gone.example", until="removed", count=2)),
        ("retry transport", lambda: (w.command("printf 'Message-Id: <ret@x>\\n\\nx\\n' | sendmail -f bob@example.test x@wait.example", until="status=deferred"), w.drop())),
        ("error transport by SMTP", lambda: talk(E, M, "RCPT TO:<x@gone.example>", "RCPT TO:<x@wait.example>", Q)),
        ("discard transport", lambda: w.send("hole", "x@hole.example")),
        ("an unknown local user", lambda: talk(E, M, "RCPT TO:<nobody-here@example.test>", Q)),
        ("an unknown hosted user", lambda: talk(E, M, "RCPT TO:<nobody@hosted.example>", Q)),
        ("an unknown virtual alias", lambda: talk(E, M, "RCPT TO:<nobody@alias.example>", Q)),
        ("relay denied", lambda: talk(E, M, "RCPT TO:<x@away.example>", "RCPT TO:<y@away.example>", Q, service="stranger")),
        ("refused, then taken", lambda: (talk(E, M, "RCPT TO:<nobody-here@example.test>", R, "DATA", b"Message-Id: <taken@x>\r\n\r\nx\r\n.\r\n", Q), s.wait_queue_empty())),
        ("too big by SIZE", lambda: talk(E, M + " SIZE=30000", Q)),
        ("too big in fact", lambda: canceled(lambda: talk(E, M, R, "DATA", b"Message-Id: <big@x>\r\n\r\n" + b"x" * 60 + b"\r\n" + b"y\r\n" * 9000 + b".\r\n", Q))),
        ("bad syntax", lambda: talk("HELO", "MAIL", "RCPT", "DATA x", "VRFY", "ETRN", "FOO", Q)),
        ("a bad address", lambda: talk(E, "MAIL FROM:<joe@example.net", "MAIL FROM:<joe@example..net>", M, "RCPT TO:<alice@", "RCPT TO:<>", Q)),
        ("too many errors", lambda: talk("FOO", "FOO", "FOO", service="strict", end=False)),
        ("mail before HELO", lambda: talk(M, Q, service="strict")),
        ("too much junk", lambda: talk(E, "NOOP", "NOOP", "NOOP", "NOOP", "NOOP", "NOOP", service="strict", end=False)),
        ("VRFY", lambda: talk(E, "VRFY alice", "VRFY nobody-here", Q)),
        ("ETRN", lambda: talk(E, "ETRN elsewhere.example", Q)),
        ("lost after CONNECT", lambda: talk()),
        ("lost after EHLO", lambda: talk(E)),
        ("lost after MAIL", lambda: talk(E, M)),
        ("lost after RCPT", lambda: canceled(lambda: talk(E, M, R))),
        ("lost in DATA", lambda: canceled(lambda: lost_in_data(w))),
        ("timeout", lambda: talk(E, b"", service="quick", end=False)),
        ("HTTP", lambda: talk("GET / HTTP/1.1", end=False)),
        ("no SMTP at all", lambda: talk("Subject: x", end=False)),
        ("a login that is not offered", lambda: talk(E, "AUTH PLAIN AGEAYg==", Q)),
        ("STARTTLS that is not offered", lambda: talk(E, "STARTTLS", Q)),
        ("unauthorised pipelining", lambda: talk(b"HELO x\r\nMAIL FROM:<joe@example.net>\r\n", end=False)),
        ("bare LF", lambda: canceled(lambda: talk(E, M, R, "DATA", b"Message-Id: <lf@x>\n\nx\r\n.\r\n", Q, service="strictlf"))),
        ("SMTPUTF8", lambda: (talk(E, "MAIL FROM:<j\u00f6rg@example.net> SMTPUTF8", R, "DATA", b"Message-Id: <utf8@x>\r\n\r\nx\r\n.\r\n", Q), s.wait_queue_empty())),
        ("too many connections", too_many_connections),
        ("too often", lambda: (talk(Q, service="rate"), talk(service="rate"))),
        ("sendmail", lambda: (w.command("printf 'Message-Id: <s1@x>\\n\\nx\\n' | sendmail bob", user="alice", until="removed"))),
        ("sendmail -t", lambda: (w.command("printf 'Message-Id: <s2@x>\\nTo: bob, carol\\n\\nx\\n' | sendmail -t", user="alice", until="removed"))),
        ("sendmail to nobody", lambda: (w.command("printf 'Message-Id: <s3@x>\\n\\nx\\n' | sendmail no-such-user", user="alice", until="removed", count=2))),
        ("sendmail from elsewhere", lambda: (w.command("printf 'Message-Id: <s4@x>\\n\\nx\\n' | sendmail -f carol@example.test bob", until="removed"))),
        ("sendmail -bv", lambda: w.command("sendmail -bv bob", user="alice", until="removed", count=2)),
        ("postsuper finds nothing", lambda: w.command("postsuper -d ALL; postsuper -h ALL; postsuper -d ABCDEF01")),
        ("postlog", lambda: w.command("postlog -t site/backup -p warn the disk is nearly full")),
        ("flush and reload", lambda: (w.command("postfix flush"), w.command("postfix reload", until="reload -- version"))),
        ("a message after the reload", lambda: w.send("reloaded", "alice@example.test")),
        ("stop and start", lambda: w.command("postfix stop; postfix start", until="daemon started")),
        ("a message after the start", lambda: w.send("restarted", "alice@example.test")),
    ]
    return listed


def lost_in_data(w):
    since = w.suite.log_size()
    peer = Peer(w.suite.smtp)
    peer.line()
    for line in (E, M, R, "DATA"):
        peer.send(line.encode() + b"\r\n")
        while peer.line()[3:4] == "-":
            pass
    peer.send(b"Message-Id: <lost@x>\r\n\r\nhalf of it")
    peer.socket.shutdown(socket.SHUT_WR)
    w.suite.wait_log(r"smtpd\[\d+\]: disconnect from", since=since)
    peer.socket.close()
