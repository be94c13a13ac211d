#!/usr/bin/python3
"""The private mail system of ./quickstart: the test harness's instance, which outlives this program.

usage: demo.py start | run COMMAND.. | stop"""
import imaplib
import os
import poplib
import smtplib
import ssl
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from suite.base import free_port  # noqa: E402
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


PASSWORD = "quickstart"
# As Debian's master.cf has them, with `#` taken away; the ports are free ones.
LOGIN = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_path": "private/auth", "smtpd_tls_auth_only": "yes", "smtpd_client_restrictions": "",
         "smtpd_relay_restrictions": "permit_sasl_authenticated,reject"}
MAILBOXES = ("imap", "imaps", "pop3", "pop3s")
SERVICES = {"submission": {"smtpd_tls_security_level": "encrypt", **LOGIN}, "submissions": {"smtpd_tls_wrappermode": "yes", **LOGIN}}


def certificate():
    """For localhost, by nobody but itself: (certificate, key)."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "cert", "-days", "3650",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       cwd=place, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return (Path(place) / "cert").read_text(), (Path(place) / "key").read_text()


def make():
    suite = Ours(directory=HOME, outlives_us=True, main_cf={} if private_root_possible() else dict(HOSTED), services=SERVICES)
    for name in MAILBOXES:
        suite.ports[name] = free_port()
        wrapped = "\n  -o %sd_tls_wrappermode=yes" % name[:-1] if name.endswith("s") else ""
        suite.master.append("127.0.0.1:%d inet n - y - - %sd%s" % (suite.ports[name], name[:4], wrapped))
    suite.master += ["imapd-owner unix - n n - 0 imapd-owner", "pop3d-owner unix - n n - 0 pop3d-owner"]
    cert, key = certificate()
    for name, text in (("cert.pem", cert), ("key.pem", key), ("users", "".join("%s:{PLAIN}%s\n" % (u, PASSWORD) for u in ("alice", "bob")))):
        suite.files["/etc/postfix/quickstart/" + name] = text
    place = "/etc/postfix/quickstart" if suite.private else suite.path("/etc/postfix/quickstart")
    suite.main_cf.update({"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": place + "/cert.pem", "smtpd_tls_key_file": place + "/key.pem",
                          "smtpd_tls_loglevel": "1", "smtpd_sasl_type": "dovecot", "auth_passdb": "passwd-file:" + place + "/users"})
    if not suite.private:
        suite.main_cf["auth_userdb"] = "static:uid=%d gid=%d home=%s/mail/%%n mail=maildir:%s/mail/%%n" % (suite.who.pw_uid, suite.who.pw_gid, HOME, HOME)
    return suite


def submit(suite):
    """A message from alice to bob, as her mail program would send it: TLS, her password, then the message."""
    host, port = suite.address("submission")
    trust = ssl.create_default_context(cafile=suite.path("/etc/postfix/quickstart/cert.pem"))
    with smtplib.SMTP(host, port, timeout=30) as client:
        client.starttls(context=trust)
        client.login("alice", PASSWORD)
        client.sendmail("alice@example.test", ["bob@example.test"], "From: Alice <alice@example.test>\nSubject: By submission\n\nWith a password.\n")


def read_back(suite):
    """Alice's last message, as her mail program would read it: (by IMAP, by POP3)."""
    trust = ssl.create_default_context(cafile=suite.path("/etc/postfix/quickstart/cert.pem"))
    with imaplib.IMAP4(suite.host, suite.ports["imap"], timeout=30) as client:
        client.starttls(ssl_context=trust)
        client.login("alice", PASSWORD)
        count = client.select("INBOX", readonly=True)[1][0].decode()
        by_imap = client.fetch(count, "(BODY[])")[1][0][1].decode()
    client = poplib.POP3_SSL("localhost", suite.ports["pop3s"], timeout=30, context=trust)
    client.user("alice")
    client.pass_(PASSWORD)
    by_pop3 = b"\n".join(client.retr(client.stat()[0])[1]).decode()
    client.quit()
    return by_imap, by_pop3


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
        suite = make()
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
    say("sending one from alice to bob by submission, with TLS and her password")
    since = suite.log_size()
    submit(suite)
    queue_id = suite.wait_log(r": (\S+): client=.*sasl_username=alice", since=since)[0].group(1)
    suite.wait_removed(queue_id)
    show("\n".join(line for line in suite.log(since).splitlines() if queue_id in line or "TLS connection" in line))
    say("reading it by IMAP (STARTTLS) and by POP3 (TLS)")
    since = suite.log_size()
    by_imap, by_pop3 = read_back(suite)
    assert "It works." in by_imap and "It works." in by_pop3, "the message cannot be read"
    suite.wait_log(r"logout: client", since=since, count=2)
    show("\n".join(line for line in suite.log(since).splitlines() if "login: " in line or "logout: " in line))
    say("how to go on")
    show(GO_ON.format(host=suite.host, port=suite.smtp[1], submission=suite.ports["submission"], submissions=suite.ports["submissions"],
                      **{name: suite.ports[name] for name in MAILBOXES},
                      password=PASSWORD, log=suite.mail_log))


GO_ON = """send more       swaks --server {host}:{port} --from bob@example.test --to alice@example.test
submission      swaks --server {host}:{submission} --tls --auth-user alice --auth-password {password} --to bob@example.test
mail programs   {host}, alice or bob, password {password}
   sending      port {submission} (STARTTLS) or {submissions} (TLS)
   reading      IMAP: port {imap} (STARTTLS) or {imaps} (TLS); POP3: port {pop3} (STARTTLS) or {pop3s} (TLS)
reading         curl -k --user alice:{password} 'imaps://{host}:{imaps}/INBOX;UID=1'
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
