"""Programs that people read mail with, each with a home that it keeps from run to run: what it has downloaded, and what it
remembers of the server. They log in as alice."""
import base64
import hashlib
import os
import re
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest

from . import terminal
from .clients import environment, program
from .mailboxes import Imap
from .ours import build_dir

PATIENCE = 120


def utf7(name):
    """A mailbox's name as IMAP4rev1 has it."""
    def one(match):
        return "&" + base64.b64encode(match.group().encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
    return re.sub(r"[^\x20-\x7e]+", one, name.replace("&", "&-"))


class Person:
    """with Person() as alice: alice.run("mbsync", ...)."""

    def __enter__(self):
        self.home = Path(tempfile.mkdtemp(prefix="valija-person-"))
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.home, ignore_errors=True)

    def write(self, name, text):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return str(path)

    def run(self, name, *argv, code=0, **variables):
        """code: the one exit code that is right, or several."""
        done = subprocess.run([program(name), *argv], capture_output=True, env={**environment(self.home), **variables}, timeout=PATIENCE, cwd=self.home,
                              stdin=subprocess.DEVNULL)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert done.returncode in (code if isinstance(code, tuple) else (code,)), said
        return said

    def on_terminal(self, name, *argv, typed=""):
        code, shown = terminal.run({"args": [program(name), *argv], "env": {**environment(self.home), "TERM": "vt100"}, "cwd": self.home}, typed.encode(), PATIENCE)
        assert code == 0, shown
        return shown


class LocalMaildir:
    """A Maildir that a client keeps in step with the server."""

    def __init__(self, path):
        self.path, self.count = Path(path), 0

    def make(self):
        for d in ("cur", "new", "tmp"):
            (self.path / d).mkdir(parents=True, exist_ok=True)
        return self

    def files(self):
        return sorted(f for d in ("cur", "new") for f in (self.path / d).glob("*"))

    def find(self, subject):
        """The message's file."""
        found = [f for f in self.files() if ("\nSubject: %s\n" % subject).encode() in b"\n" + f.read_bytes().replace(b"\r\n", b"\n")]
        assert len(found) == 1, (subject, found, self.files())
        return found[0]

    def add(self, text, flags=""):
        self.count += 1
        (self.path / "cur" / ("%d.%d.local:2,%s" % (1700000000 + self.count, os.getpid(), flags))).write_bytes(text if isinstance(text, bytes) else text.encode())

    def flag(self, subject, flags):
        found = self.find(subject)
        found.rename(self.path / "cur" / (re.sub(r":2,.*", "", found.name) + ":2," + "".join(sorted(flags))))

    def move(self, subject, other):
        """As a mail program does: in the other folder it is a new message."""
        found = self.find(subject)
        other.count += 1
        found.rename(other.path / "cur" / ("%d.%d.moved:2,%s" % (1700000000 + other.count, os.getpid(), found.name.partition(":2,")[2])))

    def state(self):
        """What is in it, without what the client calls it."""
        lines = []
        for f in self.files():
            subject = re.search(rb"(?m)^Subject: (.*?)\r?$", f.read_bytes())
            lines.append("%s [%s]\n" % (subject.group(1).decode(), f.name.partition(":2,")[2]))
        return "".join(sorted(lines))


def certificate(server):
    return ssl.get_server_certificate(("127.0.0.1", server.ports["imaps"]))


def mbsync(person, server, tls, patterns="*"):
    """Makes ~/near the same as all mailboxes, or as those that fit. tls: IMAPS, STARTTLS or None."""
    trust = "AuthMechs LOGIN" if tls == "None" else "CertificateFile " + person.write("certificate", certificate(server))
    (person.home / "near").mkdir(exist_ok=True)
    rc = person.write("mbsyncrc", """
FSync no

IMAPStore far
Host 127.0.0.1
Port %d
User alice
Pass alice-pw
SSLType %s
%s

MaildirStore near
Path ~/near/
Inbox ~/near/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns %s
Create Both
Remove Both
Expunge Both
SyncState *
""" % (server.ports["imaps" if tls == "IMAPS" else "imap"], tls, trust, patterns))
    return person.run("mbsync", "-c", rc, "-a")


def offlineimap(person, server, tls, near="near", only=None):
    """Makes ~/NEAR the same as all mailboxes, or as those that are named. tls: as of mbsync."""
    how = {"IMAPS": "ssl = yes", "STARTTLS": "ssl = no\nstarttls = yes", "None": "ssl = no\nstarttls = no"}[tls]
    if tls != "None":
        how += "\ncert_fingerprint = " + hashlib.sha512(ssl.PEM_cert_to_DER_cert(certificate(server))).hexdigest() + "\nauth_mechanisms = CRAM-MD5"
    if only:
        how += "\nfolderfilter = lambda name: name in %r" % (list(only),)
    rc = person.write("offlineimaprc", """
[general]
accounts = a
fsync = False
metadata = ~/metadata
maxsyncaccounts = 1
[Account a]
localrepository = near
remoterepository = far
utf8foldernames = yes
[Repository near]
type = Maildir
localfolders = ~/%s
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = %d
remoteuser = alice
remotepass = alice-pw
maxconnections = 1
%s
""" % (near, server.ports["imaps" if tls == "IMAPS" else "imap"], how))
    return person.run("offlineimap", "-c", rc, "-o", "-1", "-u", "basic")


def fetchmail(person, server, service, *options, code=0):
    """The messages that it fetches."""
    box = person.home / "box"
    rc = person.write("fetchmailrc", """
set idfile "%s/ids"
poll 127.0.0.1 protocol %s service %d uidl
  user "alice" password "alice-pw" is root here %s no sslcertck no rewrite
  mda "cat >> %s; echo EOM >> %s" %s
""" % (person.home, service[:4], server.ports[service], "ssl" if service.endswith("s") else "sslproto TLS1.2+" if server.has_tls else "sslproto ''", box, box, " ".join(options)))
    person.run("fetchmail", "--fetchmailrc", rc, "--nosyslog", "--pidfile", str(person.home / "pid"), code=code)
    got = box.read_bytes().split(b"EOM\n")[:-1] if box.exists() else []
    box.unlink(missing_ok=True)
    return got


def imapflow(person, server, service, step):
    """What imapflow.js says of a step: "work" or "resync"."""
    modules = build_dir() / "node/node_modules"
    if not (modules / "imapflow").exists():
        pytest.skip("imapflow is not there: build-aux/unpack-node build/node")
    return person.run("node", str(Path(__file__).parent / "imapflow.js"), str(server.ports[service]), service, step, str(person.home), NODE_PATH=str(modules))


def alpine(person, server, service, folder, keys, saves_to="INBOX"):
    """Alpine with a folder (or a file) before it, and keys that are pressed: it saves to another folder, by its name as IMAP has it."""
    collection = "{127.0.0.1:%d/imap/%s/novalidate-cert/user=alice}" % (server.ports[service], "ssl" if service == "imaps" else "tls")
    rc = person.write("pinerc", """
inbox-path=%sINBOX
folder-collections=Mail %s[]
default-saved-msg-folder=%s
saved-msg-name-rule=default-folder
feature-list=expunge-without-confirm,expunge-without-confirm-everywhere,quit-without-confirm,enable-flag-cmd,enable-full-header-cmd,enable-delete-before-writing,disable-password-file-saving,no-quit-to-main,disable-busy-alarm
last-version-used=9.99
user-domain=example.test
""" % (collection, collection, saves_to))
    return person.on_terminal("alpine", "-p", rc, "-d", "0", "-f", folder, "-I", "i," + keys, typed="alice-pw\r")


def state(server, user="alice"):
    """Every mailbox of the user's with what is in it."""
    text = ""
    with Imap(server, user=user) as client:
        names = []
        for line in client.say('LIST "" * RETURN (SUBSCRIBED)')[:-1]:
            attributes, name = re.match(rb'\* LIST \(([^)]*)\) "[^"]" (.*)$', line).groups()
            names.append((name, b"\\Subscribed" in attributes))
        for name, subscribed in sorted(names):
            status = client.say(b"STATUS " + name + b" (MESSAGES UIDNEXT UNSEEN)")[0]
            text += "%s%s %s\n" % (name.decode(), " subscribed" if subscribed else "", re.search(rb"\(.*\)", status).group().decode())
            client.say(b"EXAMINE " + name)
            reply = client.say("UID FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            for line, subject in zip(reply, reply[1:]):
                found = re.match(rb"\* \d+ FETCH \((.*) BODY\[", line or b"")
                if found:
                    text += "  %s %s\n" % (described(found.group(1).decode()), subject.decode().strip())
    return text


def described(items):
    uid, size = (re.search(r"%s (\d+)" % word, items).group(1) for word in ("UID", "RFC822.SIZE"))
    flags = sorted(set(re.search(r"FLAGS \(([^)]*)\)", items).group(1).split()) - {"\\Recent"})
    return "%s %s (%s)" % (uid, size, " ".join(flags))
