"""SMTP dialogues as files: what the client sends, what the server answers, what smtpd logs.

    # What it shows.
    [settings]
    smtpd_junk_command_limit = 2
    [dialogue]
    S: 220 mail.example.test ESMTP Postfix
    C: EHLO client.example.net
    S: 250-mail.example.test
    ...
    [log]
    connect from localhost[127.0.0.1]

A file of the same name in dialogues/ours/ stands in for it when ours is tested: a difference that is meant, with its reason.
Settings are -o options of an SMTP server of its own. Steps of the client:
    C: text      a line, with CRLF                C| text     bytes: \\r \\n \\0 \\xHH \\\\ are decoded, nothing is added
    C*N: text    the line N times, in one piece   shut        no more is sent      close     the connection ends
    @2           go on with connection 2 (made when first named; the file begins with @1)
In both kinds of C, {a*5000} stands for 5000 times a. Steps of the server:
    S: text      a line; <closed> is the end      S*N: text   the line N times     S?        to be recorded
{qid} stands for a queue id. Everything from the server is compared; a line that fits nothing is an error."""
import re
import select
import socket
import time
from dataclasses import dataclass, field

from . import masks

TIMEOUT = 20
QUIET = 0.5            # when recording: a server that says nothing for so long has said all


@dataclass
class Dialogue:
    path: object
    comment: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)
    steps: list = field(default_factory=list)        # (word, text)
    log: list = None

    @property
    def service(self):
        """A name for the server that has these settings; the same for the same settings."""
        return repr(sorted(self.settings.items())) if self.settings else "smtp"


def parse(path):
    d, section = Dialogue(path), None
    for raw in path.read_text().splitlines():
        line = raw.rstrip("\n")
        if line.startswith("#") and section != "dialogue" and section != "log":
            d.comment.append(line)
        elif line in ("[settings]", "[dialogue]", "[log]"):
            section = line[1:-1]
            if section == "log":
                d.log = []
        elif section == "settings" and line.strip():
            name, _, value = line.partition("=")
            d.settings[name.strip()] = value.strip()
        elif section == "log":
            d.log.append(line)
        elif section == "dialogue" and line:
            m = re.match(r"([CS](?:\*\d+)?[:|?]|@\d+|shut|close)(?: (.*))?$", line)
            if not m:
                raise ValueError("%s: %r" % (path, line))
            d.steps.append((m.group(1), m.group(2) or ""))
        elif line.strip():
            raise ValueError("%s: %r" % (path, line))
    return d


def expand(text):
    return re.sub(r"\{(.)\*(\d+)\}", lambda m: m.group(1) * int(m.group(2)), text)


def to_send(word, text):
    text = expand(text)
    if word.endswith("|"):
        return text.encode("utf-8").decode("unicode_escape").encode("latin-1")
    times = int(word[2:-1]) if "*" in word else 1
    return (text + "\r\n").encode("utf-8") * times


class Peer:
    """One connection: sends pieces, gives lines."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data, self.ended = b"", False

    def send(self, data):
        """Sends all of it, and takes in what comes meanwhile, so that neither end waits for the other."""
        self.socket.setblocking(False)
        while data:
            readable, writable, _ = select.select([] if self.ended else [self.socket], [self.socket], [], TIMEOUT)
            if not readable and not writable:
                raise TimeoutError("the server takes no more")
            try:
                if readable:
                    self._take()
                elif writable:
                    data = data[self.socket.send(data):]
            except (BrokenPipeError, ConnectionResetError):
                self.ended = True
                break
        self.socket.setblocking(True)

    def _take(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        self.data += got
        self.ended = not got

    def line(self, timeout=TIMEOUT):
        """The next line, "<closed>", or None when nothing came in time."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.data:
            if self.ended:
                return "<closed>" if not self.data else "<closed after %r>" % self.data
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            self._take()
        line, _, self.data = self.data.partition(b"\n")
        text = line.decode("utf-8", "backslashreplace")
        return masks.session(text[:-1]) if text.endswith("\r") else text + "<bare LF>"


def play(dialogue, suite, record=False):
    """Holds the dialogue. Returns (steps, log) as they were; when not recording, differences are asserted at once."""
    address, since = suite.address(dialogue.service), suite.log_size()
    peers, now, seen, done = {1: Peer(address)}, 1, [], []
    steps = dialogue.steps
    i = 0
    try:
        while i < len(steps):
            word, text = steps[i]
            i += 1
            peer = peers[now]
            if word[0] == "@":
                now = int(word[1:])
                if now not in peers:
                    peers[now] = Peer(address)
                done.append(word)
            elif word == "shut":
                peer.socket.shutdown(socket.SHUT_WR)
                done.append(word)
            elif word == "close":
                peer.socket.close()
                done.append(word)
            elif word[0] == "C":
                peer.send(to_send(word, text))
                done.append("%s %s" % (word, text) if text else word)
            elif record:
                while i < len(steps) and steps[i][0][0] == "S":
                    i += 1
                got = [peer.line()]
                while got[-1] is not None and got[-1] != "<closed>":
                    got.append(peer.line(QUIET))
                done += folded([line for line in got if line is not None])
            else:
                for _ in range(int(word[2:-1]) if "*" in word else 1):
                    got = peer.line()
                    assert got == text, context(done, text, got, suite, since)
                done.append("S: " + text)
    finally:
        for peer in peers.values():
            peer.socket.close()
    suite.wait_log(r"smtpd\[\d+\]: disconnect from", count=len(peers), since=since)
    return done, session_log(suite.log(since))


def folded(lines):
    """Server lines as steps; three or more equal ones in a row become S*N."""
    out, i = [], 0
    while i < len(lines):
        n = 1
        while i + n < len(lines) and lines[i + n] == lines[i]:
            n += 1
        out += ["S*%d: %s" % (n, lines[i])] if n > 2 else ["S: " + lines[i]] * n
        i += n
    return [line.rstrip() if line == "S: " else line for line in out]


def context(done, expected, got, suite, since):
    return "after\n  %s\nexpected %r\n     got %r\nlog:\n%s" % ("\n  ".join(done[-12:]), expected, got, suite.log(since)[-3000:])


def session_log(text):
    """What smtpd said, masked."""
    lines = []
    for line in text.splitlines():
        m = re.match(r"(?:postfix|valija)/smtpd: (.*)$", masks.log_line(line))
        if m and not m.group(1).startswith("statistics:"):
            lines.append(masks.session(m.group(1)))
    return lines


def write(dialogue, steps, log):
    """The file anew, with what was recorded."""
    out = list(dialogue.comment)
    if dialogue.settings:
        out += ["[settings]"] + ["%s = %s" % kv if kv[1] else "%s =" % kv[0] for kv in dialogue.settings.items()]
    out += ["[dialogue]"] + steps + ["[log]"] + log
    dialogue.path.write_text("\n".join(out) + "\n")
