"""The other ends of SMTP: a client that sends a message, and a next hop that takes or refuses it."""
import contextlib
import fcntl
import os
import re
import smtplib
import socket
import socketserver
import tempfile
import threading
from pathlib import Path

from .base import Timeout


class Refused(Exception):
    pass


@contextlib.contextmanager
def turn(name):
    """For addresses that a test cannot choose: of all runs on this machine one has them at a time, and the others wait."""
    with open(Path(tempfile.gettempdir(), "valija-%s-%d.lock" % (name, os.getuid())), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Client:
    """A session that says what it is told and checks the class of each reply. `before` is sent before it listens."""

    def __init__(self, address, helo="client.example.net", timeout=30, before=b""):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.socket.sendall(before)
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()
        self.extensions = self.command("EHLO " + helo)

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise Refused("closed after %r" % lines)
            lines.append(line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
            if line[3:4] != b"-":
                return "\n".join(lines)

    def command(self, line, want="23"):
        self.socket.sendall(line.encode() + b"\r\n")
        reply = self.reply()
        if reply[0] not in want:
            raise Refused("%s: %s" % (line, reply))
        return reply

    def send(self, sender, recipients, message, mail="", rcpt=""):
        """Sends a message (bytes with \\n or \\r\\n; dots are doubled here); its queue id."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        message = message.encode() if isinstance(message, str) else message
        self.command("MAIL FROM:<%s> %s" % (sender, mail))
        for r in recipients:
            self.command("RCPT TO:<%s> %s" % (r, rcpt))
        self.command("DATA")
        body = re.sub(rb"\r?\n", b"\r\n", message)
        body = re.sub(rb"(?m)^\.", b"..", body)
        self.socket.sendall(body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        reply = self.reply()
        m = re.search(r"queued as (\S+)", reply)
        if not m:
            raise Refused(reply)
        return m.group(1)

    def close(self):
        try:
            self.command("QUIT")
        except (OSError, Refused):
            pass
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def send(suite, sender, recipients, message="Subject: test\n\nHello.\n", service="smtp", **options):
    """One message in a session of its own; its queue id."""
    with Client(suite.address(service)) as client:
        return client.send(sender, recipients, message, **options)


def rcpt(suite, recipient):
    """What a client from elsewhere is told about a recipient: code and text."""
    with smtplib.SMTP(*suite.smtp, timeout=60) as smtp:
        smtp.ehlo("client.example")
        smtp.mail("a@example.net")
        return smtp.rcpt(recipient)


class Sink:
    """A next hop. `extensions` follow EHLO; `answers` maps a regular expression over "VERB argument" (and "." for the
    end of a message, "CONNECT" for the greeting) to a reply, None to close, or a list of replies to use one after another.
    With `lmtp` it speaks LMTP: a reply to ". RCPT argument" for each recipient. `address` may be the path of a UNIX socket.
    With `tls`, a server's ssl context, it offers STARTTLS, or (`wrapped`) begins with TLS; a handshake is the line "-- TLSv1.3 NAME" in
    a session, with the name that the client wanted.
    `sessions` is a list of sessions, each a list of lines as they came; `messages` what was taken."""

    def __init__(self, address=("127.0.0.1", 0), extensions=("PIPELINING", "SIZE 1000000", "8BITMIME", "DSN", "ENHANCEDSTATUSCODES"),
                 answers=None, esmtp=True, name="sink.example.net", lmtp=False, tls=None, wrapped=False):
        self.extensions, self.answers, self.esmtp, self.name = list(extensions), dict(answers or {}), esmtp, name
        self.lmtp, self.tls, self.wrapped = lmtp, tls, wrapped
        self.sessions, self.messages, self.changed, self.open_sessions = [], [], threading.Condition(), 0
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with sink.changed:
                    sink.open_sessions += 1
                try:
                    sink._session(self.rfile, self.wfile, self.request)
                except OSError:
                    pass
                with sink.changed:
                    sink.open_sessions -= 1
                    sink.changed.notify_all()

        class Server(socketserver.ThreadingUnixStreamServer if isinstance(address, str) else socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(address, Handler)
        self.address = self.server.server_address
        if isinstance(address, str):
            os.chmod(address, 0o666)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def nexthop(self):
        return "[%s]:%d" % self.address

    def _answer(self, line, default):
        for pattern, reply in self.answers.items():
            if re.match(pattern, line, re.I):
                if isinstance(reply, list):
                    reply = reply.pop(0) if reply else default
                return reply
        return default

    def _offers(self, encrypted):
        """More extensions; AuthSink has one."""
        return []

    def _taken(self, message, lines):
        """What is said to a message that is taken; `lines` are those of the session so far. A filter hands it on here."""
        return "250 2.0.0 Ok: taken"

    def _begin_tls(self, connection, lines):
        names = []
        self.tls.sni_callback = lambda _, name, __: names.append(name)
        try:
            connection = self.tls.wrap_socket(connection, server_side=True)
        except OSError as e:
            with self.changed:
                lines.append("-- " + type(e).__name__)
            raise
        with self.changed:
            lines.append("-- %s %s" % (connection.version(), names[0] if names else None))
            lines[-1] += " client" if connection.getpeercert(binary_form=True) else ""
        return connection.makefile("rb"), connection.makefile("wb", buffering=0)

    def _session(self, rfile, wfile, connection):
        lines, envelope, encrypted = [], None, False
        with self.changed:
            self.sessions.append(lines)

        def say(reply):
            if reply is None:
                raise OSError("closed on purpose")
            wfile.write(reply.replace("\n", "\r\n").encode() + b"\r\n")
        if self.tls and self.wrapped:
            rfile, wfile = self._begin_tls(connection, lines)
            encrypted = True
        say(self._answer("CONNECT", "220 %s ESMTP sink" % self.name))
        while True:
            raw = rfile.readline()
            if not raw:
                break
            line = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
            with self.changed:
                lines.append(line)
                self.changed.notify_all()
            verb = line.split(" ")[0].upper()
            if verb == ("LHLO" if self.lmtp else "EHLO"):
                words = [self.name] + self.extensions + (["STARTTLS"] if self.tls and not encrypted else []) + self._offers(encrypted)
                say(self._answer(line, "\n".join("250%s%s" % ("-" if i < len(words) - 1 else " ", w) for i, w in enumerate(words))
                                 if self.esmtp else "502 5.5.1 no"))
            elif verb == "STARTTLS" and self.tls:
                reply = self._answer(line, "220 2.0.0 Go ahead")
                say(reply)
                if reply.startswith("220"):
                    rfile, wfile = self._begin_tls(connection, lines)
                    encrypted = True
            elif verb == "AUTH" and self._offers(encrypted):
                self._auth(line, lines, say, rfile)
            elif verb == "MAIL":
                reply = self._answer(line, "250 2.1.0 Ok")
                envelope = {"mail": line, "rcpt": []} if reply and reply[0] == "2" else None
                say(reply)
            elif verb == "RCPT":
                if not envelope and not self.lmtp:
                    raise OSError("closed: RCPT without a MAIL that was taken")
                reply = self._answer(line, "250 2.1.5 Ok" if envelope else "503 5.5.1 MAIL first")
                if envelope and reply and reply[0] == "2":
                    envelope["rcpt"].append(line)
                say(reply)
            elif verb == "DATA":
                reply = self._answer(line, "354 Go on" if envelope and envelope["rcpt"] else "554 5.5.1 No valid recipients")
                say(reply)
                if reply[0] == "3":
                    data = b""
                    while True:
                        part = rfile.readline()
                        if not part:
                            return
                        if part == b".\r\n":
                            break
                        data += part
                    for end in [". " + line for line in envelope["rcpt"]] if self.lmtp else ["."]:
                        reply = self._answer(end, self._taken({**envelope, "data": data}, lines))
                        if reply and reply[0] == "2":
                            with self.changed:
                                self.messages.append({**envelope, "data": data})
                                self.changed.notify_all()
                        say(reply)
            elif self.lmtp and verb in ("EHLO", "HELO"):
                say("500 5.5.1 no")
            elif verb == "QUIT":
                say(self._answer(line, "221 2.0.0 Bye"))
                break
            else:
                say(self._answer(line, "250 2.0.0 Ok"))

    def wait(self, count=1, timeout=30):
        """The first `count` messages that were taken."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.messages) >= count, timeout):
                raise Timeout("the sink has %d messages; sessions: %r" % (len(self.messages), self.sessions))
            return self.messages

    def ended(self, timeout=30):
        """The sessions, when all of them are over."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.sessions and not self.open_sessions, timeout):
                raise Timeout("a session with the sink does not end: %r" % self.sessions)
            return self.sessions

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Silent:
    """A server that takes one connection and talks, until it hears a verb ("": until the content; ".": until its end) and says no
    more."""

    def __init__(self, verb, replies=None):
        self.verb, self.replies = verb, {"DATA": "354 go on", **(replies or {})}
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.server.bind(("127.0.0.1", 0))
        self.server.listen()
        self.server.settimeout(30)
        self.port = self.server.getsockname()[1]

    def talk(self):
        """The connection, when it has come to the point."""
        connection = self.server.accept()[0]
        connection.settimeout(10)
        connection.sendall(b"220 silent ESMTP\r\n")
        in_content = False
        for line in connection.makefile("rb"):
            verb = (line.decode().split() or [""])[0]
            if in_content and verb != ".":
                continue
            if verb == self.verb:
                return connection
            connection.sendall(self.replies.get(verb, "250 2.0.0 Ok").encode() + b"\r\n")
            in_content = verb == "DATA"
            if in_content and not self.verb:
                return connection
        raise AssertionError("closed before " + (self.verb or "the content"))
