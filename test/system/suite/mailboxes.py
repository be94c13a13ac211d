"""A server of mailboxes on whichever suite is selected: ours (pop3d, imapd, authd), or Debian's Dovecot as the reference.

Users are alice and bob; alice's password is alice-pw, and so on. Mail lies in ~/Maildir, or with kind="mbox" in /var/mail/USER
and ~/mail."""
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

from . import config
from .base import Inotify, free_port
from .make import KINDS, selected
from .reference import PROGRAM
from .tls import Certificates

SERVICES = ("imap", "imaps", "pop3", "pop3s")
LOCATION = {"maildir": "maildir:~/Maildir", "mbox": "mbox:~/mail:INBOX=/var/mail/%u"}
TIMEOUT = 20


class Mailboxes:
    """settings: of Dovecot's configuration, for the reference; main_cf and files: of ours. Equal in what they mean. Of ours alone: `more` services,
    {name: (protocol, {parameter: value})}, and further lines of master.cf. postfix: main.cf of the Postfix that the reference then has
    beside it; `smtp` is where mail comes in. of: "ours" or "reference", whichever suite is selected."""
    count = 0
    has_tls = True

    def __init__(self, kind="maildir", users=("alice", "bob"), settings="", main_cf=None, more=None, master=(), files=None, postfix=None, of=None):
        self.of = of or selected()
        self.more, self.master, self.files = dict(more or {}), list(master), dict(files or {})
        self.kind, self.users, self.settings, self.main_cf = kind, users, settings, dict(main_cf or {})
        self.ports = {name: free_port() for name in (*SERVICES, *self.more)}
        self.suite, self.postfix = None, postfix
        self.smtp_port = free_port()

    def __enter__(self):
        self._start_reference() if self.of == "reference" else self._start_ours()
        return self

    def __exit__(self, *exc):
        if self.suite:
            self.suite.__exit__(*exc)
        else:
            subprocess.run([PROGRAM, "down", self.name], check=True)

    def _start_reference(self):
        Mailboxes.count += 1
        self.name = "mailboxes-%d-%d" % (os.getpid(), Mailboxes.count)
        self.debian = os.environ.get("MAIL_REFERENCE_SUITE") or "trixie"
        argv = [PROGRAM, "up", self.name, "--suite", self.debian, "--addr", "127.0.0.1", "--json", "--mailbox", self.kind]
        if self.postfix is None:
            argv += ["--no-postfix", "--run", "mkdir -p /var/spool/postfix/private"]
        else:
            for name in ("submission", "smtps", "lmtp", "sieve"):
                argv += ["--port", "%s=%d" % (name, free_port())]
            argv += ["--port", "smtp=%d" % self.smtp_port]
            for setting in self.postfix.items():
                argv += ["-e", "%s=%s" % setting]
        if self.debian == "trixie":
            self.settings += "\nservice imap {\n  restart_request_count = 1\n}\n"   # else it remembers a mailbox that wipe() has removed
        if self.settings:
            argv += ["--dovecot", self.settings]
        for name, port in {**self.ports, "lmtp": free_port(), "sieve": free_port()}.items():   # so that two may run at once
            argv += ["--port", "%s=%d" % (name, port)]
        for user in self.users:
            argv += ["--user", user]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError("reference: " + done.stderr)
        info = json.loads(done.stdout)
        self.root, self.mail_log = info["root"], info["maillog"]

    def _start_ours(self):
        lines = ["auth unix - n n - 0 authd"]
        for protocol in ("imap", "pop3"):
            lines.append("%s-owner unix - n n - 0 %sd-owner" % (protocol + "d", protocol))
            for name, wrapped in ((protocol, "no"), (protocol + "s", "yes")):
                lines.append("127.0.0.1:%d inet n - y - - %sd\n  -o %sd_tls_wrappermode=%s" % (self.ports[name], protocol, protocol, wrapped))
        for name, (protocol, options) in self.more.items():
            lines.append("127.0.0.1:%d inet n - y - - %sd" % (self.ports[name], protocol) + "".join("\n  -o { %s = %s }" % kv for kv in options.items()))
        pair = Certificates().text("server.key", "server.pem")
        files = {"/etc/postfix/users": "".join("%s:{PLAIN}%s-pw\n" % (u, u) for u in self.users),
                 "/etc/postfix/mailboxes.pem": pair, **self.files}
        main_cf = {"auth_passdb": "passwd-file:/etc/postfix/users", "auth_failure_delay": "0", "auth_username_format": "%n",
                   "smtpd_tls_chain_files": "/etc/postfix/mailboxes.pem", "mail_location": LOCATION[self.kind],
                   "mail_special_folders": "", "auth_mechanisms": "plain login cram-md5",
                   "home_mailbox": "Maildir/" if self.kind == "maildir" else "", **self.main_cf}
        self.suite = KINDS["ours"](main_cf=main_cf, master=lines + self.master, files=files)
        self.suite.__enter__()

    @property
    def smtp(self):
        return self.suite.smtp if self.suite else ("127.0.0.1", self.smtp_port)

    def wait_line(self, pattern, seconds=TIMEOUT):
        """The line of the mail log that matches, when it is there."""
        log = Path(self.suite.mail_log if self.suite else self.mail_log)
        deadline = time.monotonic() + seconds
        with Inotify(log) as changed:
            while True:
                found = re.search("(?m)^.*(?:%s).*$" % pattern, log.read_text())
                if found:
                    return found.group(0)
                left = deadline - time.monotonic()
                assert left > 0, "no %s in\n%s" % (pattern, log.read_text())
                changed.wait(left)

    def path(self, inside):
        """Where a file of the server's is found from here."""
        return Path(self.suite.path(inside) if self.suite else self.root + inside)

    def home(self, user="alice"):
        return self.path("/home/" + user)

    def maildir(self, user="alice", folder=""):
        return self.home(user) / "Maildir" / ("." + folder if folder else "")

    def put(self, path, text, user="alice"):
        """A file of the user's."""
        missing = [d for d in (path, *path.parents) if not d.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        for each in missing:
            os.chown(each, config.uid(user), config.uid(user))

    def deliver(self, *messages, user="alice", folder="", to="new"):
        """As a delivery agent would: files in new/ (or cur/, with their flags), in the order given. (name, text) or text."""
        for d in ("cur", "new", "tmp"):
            directory = self.maildir(user, folder) / d
            missing = [p for p in (directory, *directory.parents) if not p.exists()]
            directory.mkdir(parents=True, exist_ok=True)
            for each in missing:
                os.chown(each, config.uid(user), config.uid(user))
        for n, message in enumerate(messages, 1):
            name, text = message if isinstance(message, tuple) else ("1700000000.M%06dP1.host" % n, message)
            self.put(self.maildir(user, folder) / to / name, text.replace("\r\n", "\n") if isinstance(text, str) else text, user)

    @staticmethod
    def remove(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def wipe(self, user="alice"):
        shutil.rmtree(self.home(user) / "Maildir", ignore_errors=True)


class Connection:
    """A client of one of the services, which keeps a transcript: C: and S: lines."""

    def __init__(self, server, service):
        self.server, self.service = server, service
        self.lines = []
        self.socket = socket.create_connection(("127.0.0.1", server.ports[service]), timeout=TIMEOUT)
        if service in ("imaps", "pop3s"):
            self.start_tls()
        self.file = self.socket.makefile("rb")

    def start_tls(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def send(self, data, shown=None):
        data = data if isinstance(data, bytes) else data.encode()
        self.lines.append("C: " + (shown or data.decode("utf-8", "backslashreplace").rstrip("\r\n").replace("\r\n", "\nC: ")))
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass   # what the server said last is still read

    def line(self):
        """One line, as bytes without its end; none when the server has closed."""
        try:
            raw = self.file.readline()
        except ConnectionError:
            raw = b""
        if not raw:
            self.lines.append("S!")
            return None
        self.lines.append("S: " + raw.decode("utf-8", "backslashreplace").rstrip("\r\n"))
        return raw.rstrip(b"\r\n")

    def end(self):
        """Reads to the end."""
        while self.lines[-1] != "S!" and self.line() is not None:
            pass

    def transcript(self):
        return "".join(line + "\n" for line in self.lines)

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Pop3(Connection):
    """say() sends a line and reads the reply; of commands with long replies to the dot."""
    LONG = {"CAPA", "LIST", "UIDL", "RETR", "TOP", "LANG", "AUTH"}

    def __init__(self, server, service="pop3", user=None):
        super().__init__(server, service)
        self.greeting = self.line()
        if user:
            self.all("USER " + user, "PASS %s-pw" % user)

    def say(self, line):
        self.send(line + "\r\n")
        first = self.line()
        reply = [first]
        word, _, rest = line.upper().partition(" ")
        is_long = word in ("RETR", "TOP", "CAPA") or (word in self.LONG and not rest)
        while is_long and first is not None and first.startswith(b"+OK") and reply[-1] not in (b".", None):
            reply.append(self.line())
        return reply

    def all(self, *lines):
        """As far as the server stays."""
        replies = []
        for line in lines:
            replies.append(self.say(line))
            if None in replies[-1]:
                break
        return replies


class Imap(Connection):
    """say() sends a command with a tag and reads to the tagged reply. In a command {v} is the last UIDVALIDITY that was told, {m} the
    largest mod-sequence, and {first} the first."""

    def __init__(self, server, service="imap", user=None, tag="a"):
        super().__init__(server, service)
        self.tag, self.tags = tag, 0
        self.told = {}
        self.greeting = self.line()
        if user:
            self.say("LOGIN %s %s-pw" % (user, user))

    def say(self, command, *literals):
        """Literals follow each "+": the command ends with {n} where the first is to come, each with what follows it."""
        self.tags += 1
        tag = "%s%d" % (self.tag, self.tags)
        if isinstance(command, str):
            command = re.sub(r"\{(v|m|first)\}", lambda m: str(self.told[m.group(1)]), command)
        self.send(tag + " " + command + "\r\n" if isinstance(command, str) else tag.encode() + b" " + command + b"\r\n")
        literals = list(literals)
        reply = []
        while True:
            line = self.line()
            reply.append(line)
            if line is None:
                return reply
            self._remember(line)
            if line.startswith(b"+") and literals:
                self.send(literals.pop(0))
                continue
            m = re.search(rb"\{(\d+)\}$", line)
            if m:
                self._literal(int(m.group(1)), reply)
                continue
            if line.startswith(tag.encode() + b" "):
                return reply

    def _remember(self, line):
        for number in re.findall(rb"UIDVALIDITY (\d+)", line):
            self.told["v"] = int(number)
        for number in re.findall(rb"MODSEQ \(?(\d+)", line):
            self.told.setdefault("first", int(number))
            self.told["m"] = max(int(number), self.told.get("m", 0))

    def _literal(self, size, reply):
        data = self.file.read(size)
        for part in data.decode("utf-8", "backslashreplace").split("\r\n"):
            self.lines.append("S| " + part)
        reply.append(data)

    def leave(self):
        """Until the server has closed, so that it touches the mailbox no more. The transcript stays as it was."""
        lines, self.lines = self.lines, ["C:"]
        if lines[-1] != "S!":
            self.send("z LOGOUT\r\n")
            self.end()
        self.lines = lines

    def all(self, *commands):
        """As far as the server stays."""
        replies = []
        for command in commands:
            replies.append(self.say(*command) if isinstance(command, tuple) else self.say(command))
            if None in replies[-1]:
                break
        return replies


def masked(text):
    """Without what differs from run to run, and what is each server's own way to say who he is."""
    text = re.sub(r" \(\d+\.\d+ \+ \d+\.\d+(?: \+ \d+\.\d+)? secs\)\.?", "", text)
    text = re.sub(r"(?m)^(S: \S+ (?:OK|NO|BAD|BYE) .*[^.\n\]])\.?$", r"\1", text)
    # Dovecot says them only to who has asked for mod-sequences.
    text = re.sub(r"(?m)^S: \* OK \[(?:HIGHESTMODSEQ|MAILBOXID) .*\n", "", text)
    text = re.sub(r'"\d\d-\w{3}-20(?:2[4-9]|[3-9]\d) \d\d:\d\d:\d\d [+-]\d{4}"', '"{now}"', text)
    text = re.sub(r"\[UIDVALIDITY \d+\]", "[UIDVALIDITY {n}]", text)
    text = re.sub(r"UIDVALIDITY \d+", "UIDVALIDITY {n}", text)
    text = re.sub(r"\[(APPENDUID|COPYUID) \d+", r"[\1 {n}", text)
    text = re.sub(r"(MODSEQ \(?|CHANGEDSINCE |QRESYNC \((?:\d+|\{n\}) )\d+", r"\1{n}", text)
    text = re.sub(r"(QRESYNC \()\d+", r"\1{n}", text)
    text = re.sub(r"(?m)(^S: \* (?:LIST|LSUB|STATUS) .*\n)+", lambda m: "".join(sorted(m.group(0).splitlines(True))), text)   # in any order
    text = re.sub(r'(?m)^S: \* ID \("name" "\w+"', 'S: * ID ("name" "{name}"', text)
    text = re.sub(r"MAILBOXID \(\w+\)", "MAILBOXID ({id})", text)
    text = re.sub(r"(CAPABILITY )[^\]\r\n]*", r"\1{list}", text)
    text = re.sub(r"(?m)^S: (\* OK|\+OK) (\[CAPABILITY \{list\}\] )?.*(ready|server).*$", r"S: \1 {greeting}", text)
    return text


def without_recent(text):
    """masked(), and without what is recent: to whom a message is that is each server's own way (doc/differences.md)."""
    return re.sub(r"(?m)^S: \* \d+ RECENT\n", "", re.sub(r" ?\\Recent", "", masked(text)))


def play(cases):
    """{name: function of no argument that gives a transcript}: all of them as one text."""
    return "".join("== %s\n%s\n" % (name, masked(transcript())) for name, transcript in cases.items())
