"""A milter that notes what it is told, and answers what a test says."""
import re
import socket
import struct

from .base import Timeout
from .listening import Listening

# Actions, in the order of their bits.
ADDHDRS, CHGBODY, ADDRCPT, DELRCPT, CHGHDRS, QUARANTINE, CHGFROM, ADDRCPT_PAR, SETSYMLIST = (1 << i for i in range(9))
# What is not sent, and what is not answered.
NOCONNECT, NOHELO, NOMAIL, NORCPT, NOBODY, NOHDRS, NOEOH, NR_HDR, NOUNKNOWN, NODATA = (1 << i for i in range(10))
SKIP, RCPT_REJ, NR_CONN, NR_HELO, NR_MAIL, NR_RCPT, NR_DATA, NR_UNKN, NR_EOH, NR_BODY, HDR_LEADSPC = (1 << i for i in range(10, 21))

NAMES = {"C": "connect", "H": "helo", "M": "mail", "R": "rcpt", "T": "data", "L": "header", "N": "eoh", "B": "body", "E": "eob", "U": "unknown",
         "A": "abort", "Q": "quit", "K": "quit_nc", "O": "options"}
UNANSWERED = {"C": NR_CONN, "H": NR_HELO, "M": NR_MAIL, "R": NR_RCPT, "T": NR_DATA, "L": NR_HDR, "N": NR_EOH, "B": NR_BODY, "U": NR_UNKN}
ALL_ACTIONS = 0x1ff

CLOSE, HANG = "close", "hang"


def packet(command, data=b""):
    data = data.encode() if isinstance(data, str) else data
    command = command.encode() if isinstance(command, str) else command
    return struct.pack(">I", 1 + len(data)) + command + data


def reply(text):
    """y: the text of an SMTP reply."""
    return packet("y", text.encode() + b"\0")


def add_header(name, value):
    return packet("h", "%s\0%s\0" % (name, value))


def insert_header(index, name, value):
    return packet("i", struct.pack(">I", index) + ("%s\0%s\0" % (name, value)).encode())


def change_header(index, name, value):
    return packet("m", struct.pack(">I", index) + ("%s\0%s\0" % (name, value)).encode())


CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, SKIP_REST, PROGRESS = (packet(c) for c in "cartdsp")


class Milter(Listening):
    """answers  {letter of a command: what is sent for it}: bytes; a list of them, used one after another (the last one stays);
                CLOSE, HANG; or a function (milter, letter, data) -> any of these. All else is told to continue.
    steps       of the protocol's bits, those that it asks for
    symbols     {stage number: "macros"} that it asks for
    closes      letters of commands after whose answer it hangs up
    `told` is what it heard, as lines; of each session its own number stands before."""

    def __init__(self, answers=None, version=6, actions=ALL_ACTIONS, steps=0, symbols=None, path=None, options=None):
        self.answers, self.version, self.actions, self.steps = dict(answers or {}), version, actions, steps
        self.symbols, self.options, self.closes = symbols or {}, options, ""
        self.told, self.offers, self.bodies = [], [], []
        super().__init__(path)

    @property
    def address(self):
        return "inet:127.0.0.1:%d" % self.port

    def clear(self):
        with self.changed:
            self.told, self.offers, self.bodies = [], [], []

    def wait(self, pattern, count=1, timeout=20):
        """Waits until so many lines have been heard that a regular expression matches; all that was heard."""
        def came():
            return sum(1 for line in self.told if re.search(pattern, line)) >= count
        with self.changed:
            if not self.changed.wait_for(came, timeout):
                raise Timeout("milter: no %r x%d in:\n%s" % (pattern, count, "\n".join(self.told)))
            return list(self.told)

    def wait_closed(self, timeout=20):
        """Waits until nobody is connected any more; all that was heard."""
        with self.changed:
            if not self.changed.wait_for(lambda: not self.open, timeout):
                raise Timeout("milter: still connected:\n" + "\n".join(self.told))
            return list(self.told)

    def serve(self, connection, stream, number):
        while len(head := stream.read(4)) == 4:
            body = stream.read(struct.unpack(">I", head)[0])
            letter, data = body[:1].decode("latin-1"), body[1:]
            if letter == "B":
                self.bodies.append(data)
            self._note(number, describe(letter, data))
            if not self._answer(connection, letter, data):
                return

    def _note(self, number, line):
        with self.changed:
            self.told.append("%d %s" % (number, line))
            self.changed.notify_all()

    def _answer(self, connection, letter, data):
        if letter == "O":
            version, actions, steps = struct.unpack(">III", data[:12])
            self.offers.append((version, actions, steps))
            symbols = b"".join(struct.pack(">I", stage) + names.encode() + b"\0" for stage, names in self.symbols.items())
            answer = HANG if self.options == HANG else self.options or packet("O", struct.pack(">III", min(self.version, version), self.actions & actions, self.steps & steps) + symbols)
        elif letter in self.answers:
            answer = self.answers[letter]
            if callable(answer):
                answer = answer(self, letter, data)
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
        elif letter in "DAQ" or self.steps & UNANSWERED.get(letter, 0):
            answer = b""
        else:
            answer = CONTINUE
        if answer == CLOSE:
            return False
        if answer == HANG:
            connection.settimeout(None)
            return connection.recv(1, socket.MSG_PEEK) != b""
        if answer:   # sending nothing fails too, where the peer has gone
            connection.sendall(answer)
        return letter not in "Q" + self.closes


def text(data):
    return data.decode("utf-8", "backslashreplace").replace("\r", "\\r").replace("\n", "\\n")


def describe(letter, data):
    """One command as a line."""
    name = NAMES.get(letter, letter)
    if letter == "O":
        return "options %d %x %x" % struct.unpack(">III", data[:12])
    if letter == "D":
        stage, words = data[:1].decode(), data[1:].split(b"\0")[:-1]
        return "macros %s %s" % (NAMES.get(stage, stage), " ".join("%s=%s" % (text(k), text(v)) for k, v in zip(words[::2], words[1::2], strict=True)))
    if letter == "C":
        host, rest = data.split(b"\0", 1)
        if len(rest) < 3:
            return "connect %s %s" % (text(host), text(rest[:1]))
        return "connect %s %s port %s" % (text(host), text(rest[:1] + b" " + rest[3:].rstrip(b"\0")), "0" if rest[1:3] == b"\0\0" else "{port}")
    if letter == "B":
        return "body %s" % text(data) if len(data) < 200 else "body of %d bytes" % len(data)
    return " ".join([name, *("<%s>" % text(word) for word in data.split(b"\0")[:-1])] if data else [name])
