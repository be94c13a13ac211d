"""One session with a milter beside it, told as a whole: what the client heard, what the milters heard, what the log says, and
what was delivered."""
import contextlib
import re
import socket

from . import masks
from .smtp import Client, Refused

MASKS = [(re.compile(r"\bi=[0-9A-F]{6,}"), "i={qid}"), (re.compile(r"<?<\d{14}\.[0-9A-F]+@"), "<{time}.{qid}@"), (re.compile(r"\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)"), "{date}"),
         (re.compile(r"\{client_port\}=\d+"), "{client_port}={n}"), (re.compile(r"\{daemon_port\}=\d+"), "{daemon_port}={n}"), (re.compile(r"queued as [0-9A-F]+"), "queued as {qid}"), (re.compile(r"\bid [0-9A-F]{6,}"), "id {qid}"), (re.compile(r"inet:127\.0\.0\.1:\d+"), "inet:{milter}"),
         (re.compile(r"nrcpt=\d+"), "nrcpt={n}"), (re.compile(r"(reply packet \w+: )(?:Broken pipe|Application error|Connection reset by peer|Success)"), r"\1{why}"), (re.compile(r"v=Postfix 3\.\d+\.\d+"), "v=Postfix {version}"), (re.compile(r"unix:\S*/([\w.]+)(?=: |$)"), r"unix:\1"), (re.compile(r"(?m)^\t?for <(.*?)>; \{date\}"), r"\tfor <\1>; {date}")]
MESSAGE = "Subject: t\nX-A: 1\nX-B: 2\nX-A: 3\nMessage-Id: <m@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nFrom: a@example.net\nTo: b@example.test\n\nHello\nworld.\n"


def mask(text):
    for pattern, instead in MASKS:
        text = pattern.sub(instead, text)
    return text


def talk(suite, lines, service="smtp"):
    """A session line by line, with its replies. "." sends MESSAGE as content, a pair (".", text) another one; the session ends with QUIT
    unless the server ends it, or "close" is among the lines."""
    out = []
    try:
        client = Client(suite.address(service))
    except Refused as e:
        return ["refused: %s" % e]
    except OSError as e:
        return ["refused: %s" % type(e).__name__]
    out += ["S: " + client.greeting]
    if isinstance(client.extensions, str) and not client.extensions.startswith("250"):
        out.append("S: " + client.extensions)
    try:
        for line in [*lines, "QUIT"]:
            if line == "close":
                break
            content = MESSAGE if line == "." else line[1] if isinstance(line, tuple) else None
            if content is None:
                client.socket.sendall(line.encode() + b"\r\n")
                out.append("C: " + line)
            else:
                client.socket.sendall(re.sub(r"(?m)^\.", "..", content).replace("\n", "\r\n").encode() + b".\r\n")
                out.append("C: .")
            out.append("S: " + client.reply())
    except (Refused, ConnectionError) as e:
        out.append("closed" if "closed after []" in str(e) or isinstance(e, ConnectionError) else str(e))
    client.file.close()
    with contextlib.suppress(OSError):
        client.socket.shutdown(socket.SHUT_RDWR)
    client.socket.close()
    return out


def story(suite, milters, lines, service="smtp", delivered=("alice",), wait=None):
    """All of it as a text. `wait`: a regular expression for the log line that ends it, else the session's end."""
    for m in milters:
        m.clear()
    since, before = suite.log_size(), {u: len(suite.messages(u, 0)) for u in delivered}
    said = talk(suite, lines, service)
    suite.wait_log(wait or r"disconnect from", since=since)
    told = [m.wait_closed() for m in milters]
    suite.sync_log()
    held = [name for where, name in suite.queue_files() if where == "hold"]
    if held:
        said.append("%d held" % len(held))
        log = suite.log(since)
        suite.delete_all()
        suite.wait_queue_empty()
        return tell(suite, said, told, log, before)
    suite.wait_queue_empty()
    return tell(suite, said, told, suite.log(since), before)


def tell(suite, said, told, log, before):
    out = ["--- client", *said]
    for number, lines in enumerate(told, 1):
        sessions = {}
        out += ["--- milter %d" % number]
        for line in lines:
            who, what = line.split(" ", 1)
            sessions.setdefault(who, []).append(what)   # the end of one and the begin of the next come in any order
        out += ["%d %s" % (n, what) for n, told_of in enumerate(sessions.values(), 1) for what in told_of]
    out += ["--- log", masks.history(log)]
    for user, count in before.items():
        for message in suite.messages(user, 0)[count:]:
            out += ["--- to " + user, masks.mask(message.decode("utf-8", "backslashreplace"))]
    return mask("\n".join(out))
