"""AUTH, as a client says it, and what smtpd makes of it."""
import base64
import hmac
import re
import socket

from .smtp import Client


def b64(*parts):
    return base64.b64encode("\0".join(parts).encode("latin-1")).decode()


ALICE = b64("", "alice", "alice-pw")
FAILED = "535 5.7.8 Error: authentication failed: "
DONE = "235 2.7.0 Authentication successful"


class Dialogue(Client):
    """Says lines, and gives the whole replies."""

    def __init__(self, suite, service="plain", helo="EHLO c.example.net", source="127.0.0.1"):
        self.since = suite.log_size()
        self.suite = suite
        self.socket = socket.create_connection(suite.address(service), timeout=30, source_address=(source, 0))
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()
        self.extensions = self.say(helo) if helo else ""

    def say(self, line):
        self.socket.sendall((line if isinstance(line, bytes) else line.encode("latin-1")) + b"\r\n")
        return self.reply()

    def all(self, *lines):
        return [self.say(line) for line in lines]

    def cram(self, user, password):
        challenge = self.say("AUTH CRAM-MD5")
        assert challenge.startswith("334 ")
        digest = hmac.new(password.encode(), base64.b64decode(challenge[4:]), "md5").hexdigest()
        return self.say(b64(user + " " + digest))

    def log(self):
        """What smtpd says of it, to the disconnect line, without the client's name."""
        self.say("QUIT")
        self.suite.wait_log("disconnect from", since=self.since)
        self.suite.sync_log()
        lines = re.findall(r"/smtpd\[\d+\]: (.*)", self.suite.log(self.since))
        return [line.replace("localhost[127.0.0.1]", "CLIENT") for line in lines if "connect from" not in line or "disconnect" in line]


def failure(method, reason="(reason unavailable)", user="(unavailable)"):
    return "warning: CLIENT: SASL %s authentication failed: %s, sasl_username=%s" % (method, reason, user)


def announced(suite, service):
    d = Dialogue(suite, service)
    return [line[4:] for line in d.extensions.split("\n") if line[4:8] == "AUTH"], d
