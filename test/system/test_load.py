"""smtp-source, smtp-sink, qmqp-source and qmqp-sink: what they say, against a peer of the test's own."""
import contextlib
import re
import shlex
import socket
import threading
import time

import pytest

from suite import make
from suite.base import free_port
from suite.golden import golden

pytestmark = [pytest.mark.root, pytest.mark.expensive]

WORK = "/tmp/load"


@pytest.fixture(scope="module")
def suite():
    with make() as s:
        s.sh("mkdir -m 777 %s" % WORK)
        yield s


# --- sinks ---
@contextlib.contextmanager
def sink(suite, program, *options, port=None):
    """The program's port, once it listens; it is ended by a line into a FIFO. What it printed comes into the list."""
    port, printed = port or free_port(), []
    command = shlex.join([program, *options, "127.0.0.1:%d" % port, "100"])
    suite.sh("rm -f %s/end; mkfifo -m 666 %s/end" % (WORK, WORK))
    script = "%s & p=$!; read x <%s/end; kill $p; wait $p" % (command, WORK)

    def run():
        done = suite.run("sh", "-c", script, timeout=60)
        printed.append((done.stdout + done.stderr).decode())
    thread = threading.Thread(target=run)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while True:                        # the probe is a session too, so that it is none that counts
            with open("/proc/net/tcp") as listeners:
                if re.search(r":\d* 0100007F:%04X 00000000:0000 0A " % port, listeners.read()) or time.monotonic() > deadline:
                    break
        yield port, printed
    finally:
        with open(suite.path(WORK + "/end"), "w") as fifo:
            fifo.write("end\n")
        thread.join()


def converse(port, steps):
    """A session as text. A step is what is sent, and how many replies come (1)."""
    out = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client, client.makefile("rb") as lines:
        def read():
            try:
                while line := lines.readline():
                    out.append("S: " + line.decode().rstrip("\r\n"))
                    if line[3:4] != b"-":
                        return True
            except ConnectionError:
                pass
            out.append("closed")
            return False
        if not read():
            return out
        for step in steps:
            text, replies = step if isinstance(step, tuple) else (step, 1)
            out.extend("C: " + line for line in text.split("\n"))
            try:
                client.sendall(text.replace("\n", "\r\n").encode() + b"\r\n")
            except ConnectionError:
                pass
            if not all(read() for _ in range(replies)):
                break
    return out


MESSAGE = "Subject: test\n\n..dot\nbody\n."
WHOLE = ["EHLO me", "MAIL FROM:<a@b> SIZE=4", "RCPT TO:<c@d>", "RCPT TO:<e@f>  NOTIFY=NEVER", "DATA", MESSAGE, "QUIT"]
LMTP = ["EHLO me", "LHLO me", *WHOLE[1:5], (MESSAGE, 2), "QUIT"]

SESSIONS = [
    ("", WHOLE),
    ("", ["HELO me", "helo", "noop", "RSET", "VRFY x", "EXPN x", "HELP", "FOO", "", "  ", "RCPT TO:<x>", "DATA", "MAIL FROM:<x>", "MAIL FROM:<y>",
          "DATA", "RSET", "RCPT TO:<x>", "AUTH PLAIN xx", "XCLIENT A=b", "XFORWARD A=b", "STARTTLS", "BDAT 5 LAST", "LHLO x", ".", "QUIT extra"]),
    ("", [("MAIL FROM:<y>\nRCPT TO:<x>\nDATA\nx\n.\nQUIT", 5)]),
    ("-L", LMTP), ("-L -r .", LMTP), ("-L -f lhlo", ["LHLO x"]),
    *((o, ["EHLO x", "HELO x", "XCLIENT a=b", "XFORWARD a=b"]) for o in ("-8", "-a", "-e", "-E", "-N", "-p", "-P", "-C", "-F", "-h my.host")),
    ("-f mail,rcpt,data", WHOLE[:5]), ("-r .", WHOLE), ("-f .", WHOLE), ("-r connect", WHOLE[:1]), ("-f connect", WHOLE[:1]),
    ("-f 'ehlo,quit noop vrfy'", ["EHLO x", "HELO x", "VRFY", "NOOP", "QUIT", "NOOP"]), ("-e -f ehlo", ["EHLO x"]),
    ("-b '451 4.1.1 soft' -B '551 5.1.1 hard' -r mail -f rcpt", WHOLE[:5]),
    ("-q mail", WHOLE), ("-q connect", WHOLE), ("-q .", WHOLE), ("-Q mail", WHOLE[:2]), ("-Q .", WHOLE[:6]), ("-Q connect", []),
    ("-W mail:1", WHOLE[:3]), ("-W quit:1:1", ["QUIT"]), ("-w 1", WHOLE), ("-H 1", WHOLE), ("-A 0", [*WHOLE[:4], ("DATA", 2)]), ("-A 1", [*WHOLE[:4], ("DATA", 2)]),
    ("-T 8000 -4 -m 1", WHOLE),
]


def test_sink_sessions(suite):
    out = []
    for options, steps in SESSIONS:
        with sink(suite, "smtp-sink", "-u", "alice", *shlex.split(options)) as (port, _):
            out += ["# smtp-sink " + options, *converse(port, steps)]
    golden("smtp-sink", "\n".join(out))


def test_sink_delays(suite):
    for options, steps in (("-W mail:1", WHOLE[:2]), ("-w 1", WHOLE[:5]), ("-H 1", WHOLE[:6]), ("-A 1", [*WHOLE[:4], ("DATA", 2)])):
        with sink(suite, "smtp-sink", "-u", "alice", *shlex.split(options)) as (port, _):
            begun = time.monotonic()
            converse(port, steps)
            assert 0.9 < time.monotonic() - begun < 15


def test_sink_dumps(suite):
    out = []
    for options, sessions in (("-d one/m.", [WHOLE, WHOLE]), ("-d refused/ -r .", [WHOLE]), ("-d none/ -h my.host", [WHOLE[:4] + ["QUIT"]]),
                              ("-D many -S 'From x\\ty\\101\\n'", [["HELO h", *WHOLE[1:6], *WHOLE[1:6], "EHLO again", *WHOLE[1:7]]]),
                              ("-D twice/%%-x", [WHOLE[1:6], WHOLE[1:7]]), ("-D lmtp -L", [LMTP]), ("-d cut/", [[*WHOLE[:5], ("half", 0)]])):
        words = shlex.split(options)
        words[1] = WORK + "/" + words[1]
        with sink(suite, "smtp-sink", "-u", "alice", *words) as (port, _):
            for steps in sessions:
                converse(port, steps)
    for path in suite.sh("cd %s; find . -type f | sort" % WORK).split():
        out += ["== " + re.sub(r"[0-9a-f]{8}$", "{id}", path), suite.sh("cat %s/%s" % (WORK, path))]
    suite.sh("cd %s; rm -r one refused many twice lmtp" % WORK)
    text = re.sub(r"id [0-9a-f]{8};\n\t.*", "id {id};\n\t{date}", "\n".join(out))
    golden("smtp-sink-dumps", text)


def test_sink_counts_and_talks(suite):
    closed = ("", 1)                               # the sink closes a session after it has told of it
    with sink(suite, "smtp-sink", "-u", "alice", "-c") as (port, printed):
        converse(port, [*WHOLE, closed])
        converse(port, [*WHOLE[1:], closed])
    assert printed[0].split("\r")[:4] == ["sess=0 quit=0 mesg=1", "sess=1 quit=1 mesg=1", "sess=1 quit=1 mesg=2", "sess=2 quit=2 mesg=2"]
    with sink(suite, "smtp-sink", "-u", "alice", "-v") as (port, printed):
        converse(port, [*WHOLE, closed])
    told = [line for line in printed[0].splitlines() if re.match(r"smtp-sink: ([A-Z]{4}\b|\.$|disconnect)", line) and "TCP_" not in line]
    assert told == ["smtp-sink: " + line for line in (*WHOLE[:5], ".", "QUIT", "disconnect")]
    with sink(suite, "smtp-sink", "-u", "alice", "-t", "1") as (port, printed):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client, client.makefile("rb") as lines:
            lines.readline()
            assert lines.readline() == b""
    assert "smtp-sink: warning: read timeout" in printed[0]


def test_sink_takes_no_more_clients_than_it_should(suite):
    with sink(suite, "smtp-sink", "-u", "alice", "-m", "2") as (port, _), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(3)]
        files = [client.makefile("rb") for client in clients]
        assert [files[i].readline()[:3] for i in (0, 1)] == [b"220", b"220"]
        clients[2].settimeout(0.3)
        with pytest.raises(TimeoutError):
            clients[2].recv(1)
        clients[0].sendall(b"QUIT\r\n")
        clients[2].settimeout(20)
        assert clients[2].recv(3) == b"220"


@pytest.mark.extension("Postfix's ends without a reply to the last message, and does not heed -n")
def test_sink_ends_by_itself(suite):
    for options in (["-M", "2"], ["-n", "2"]):
        port = free_port()
        done = []
        thread = threading.Thread(target=lambda: done.append(suite.run("smtp-sink", "-u", "alice", *options, "127.0.0.1:%d" % port, "9", timeout=30)))
        thread.start()
        for _ in range(2):
            for attempt in range(1000):
                try:
                    assert "S: 250 2.0.0 Ok" in converse(port, [*WHOLE[:6]])
                    break
                except ConnectionRefusedError:
                    assert thread.is_alive() and attempt < 999
                    thread.join(0.02)
        thread.join(20)
        assert done and done[0].returncode == 0


# --- sources ---
class Recorder:
    """A server that takes every message, or answers as told; what came is in `sessions`."""

    def __init__(self, replies=None, qmqp=None):
        self.replies, self.qmqp, self.sessions = replies or {}, qmqp, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            session = []
            self.sessions.append(session)
            thread = threading.Thread(target=self._serve, args=(client, session), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, client, session):
        with client, client.makefile("rb") as lines, contextlib.suppress(ConnectionError):
            client.settimeout(20)
            if self.qmqp is not None:
                return self._serve_qmqp(client, lines, session)
            client.sendall(self.replies.get("CONNECT", "220 ready").encode() + b"\r\n")
            recipients, in_data = 0, False
            while line := lines.readline():
                session.append(line.decode().rstrip("\r\n"))
                verb = "." if in_data else session[-1].split()[0]
                if in_data and session[-1] != ".":
                    continue
                in_data = verb == "DATA" and "DATA" not in self.replies
                recipients = 0 if verb == "MAIL" else recipients + (verb == "RCPT")
                reply = self.replies.get(verb, {"DATA": "354 go", "QUIT": "221 bye"}.get(verb, "250-more\r\n250 ok"))
                if reply is None:
                    return
                count = recipients if verb == "." and any(s.startswith("LHLO") for s in session) else 1
                client.sendall((reply.encode() + b"\r\n") * count)

    def _serve_qmqp(self, client, lines, session):
        size = b""
        while not size.endswith(b":"):
            size += lines.read(1)
        session.append((size + lines.read(int(size[:-1]) + 1)).decode())
        client.sendall(self.qmqp)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.close()
        for thread in self.threads:
            thread.join()


def masked(suite, text):
    text = re.sub(r"Date: .{26}", "Date: {date}", text.replace("\r", "\\r"))
    text = re.sub(r"Message-Id: <(?:[0-9a-f]+\.[0-9a-f]{4}\.)?(?:[0-9a-f]+)@", "Message-Id: <{id}@", text)
    return re.sub(r"(?m)^smtp-source: (?:name_mask|smtp_stream_setup|vstream|fd=).*\n", "", text)


def attempts(suite, program, commands, qmqp=None):
    out = []
    for options, replies in commands:
        with Recorder(replies, qmqp=(replies or {}).get("Q", b"3:Kok,") if qmqp else None) as peer:
            done = suite.run(program, *shlex.split(options), "127.0.0.1:%d" % peer.port)
        text = ["$ %s %s%s" % (program, options, " # %r" % replies if replies else ""), done.stdout.decode() + done.stderr.decode() + "exit %d" % done.returncode]
        for session in sorted(peer.sessions):
            text += ["session:", *("  " + line for line in session)]
        out.append(masked(suite, "\n".join(text)) + "\n")
    return "".join(out)


def test_source_sends(suite):
    commands = [(o, None) for o in ("", "-c -m 2", "-m 3 -d -M my.host", "-m 2 -s 2 -t rcpt", "-N", "-r 3 -t rcpt@dom -f me@from", "-r 2 -N -m 2 -d -t rcpt+@dom",
                                    "-o -f bare -t bare2", "-o -L", "-L -r 2", "-l 10 -S 'Sub ject'", "-l 80", "-l 81", "-l 200", "-M [1.2.3.4]", "-v",
                                    "-T 8000 -4 -C 3")]
    golden("smtp-source", attempts(suite, "smtp-source", commands))


def test_source_sends_a_file(suite):
    suite.write(WORK + "/message", "From: a\nSubject: of a file\n\n.dot\nend\n")
    with Recorder() as peer:
        suite.sh("smtp-source -F %s/message 127.0.0.1:%d" % (WORK, peer.port))
    lines = peer.sessions[0]
    content = lines[lines.index("DATA") + 1:lines.index(".")]
    # Postfix's adds an empty line.
    assert content in (["From: a", "Subject: of a file", "", "..dot", "end", *more] for more in ([], [""]))


def test_source_is_refused(suite):
    commands = [("", {"MAIL": "550 no"}), ("-A", {"MAIL": "550 no"}), ("", {".": "450 no"}), ("-A", {".": "450 no"}), ("-A", {"DATA": "450 no"}), ("", {"DATA": "450 no"}),
                ("", {"CONNECT": "421 no"}), ("", {"RCPT": "450 no"}), ("-A -r 2", {"RCPT": "450 no"}), ("", {"MAIL": None}), ("", {"QUIT": "500 no"})]
    golden("smtp-source-refused", attempts(suite, "smtp-source", commands))


def test_source_waits(suite):
    for options in ("-w 1", "-w 1 -m 2 -s 2", "-R 1 -m 2 -d"):
        with Recorder() as peer:
            begun = time.monotonic()
            suite.sh("smtp-source %s 127.0.0.1:%d" % (options, peer.port))
            assert time.monotonic() - begun < 15 and ("-R" in options or time.monotonic() - begun > 0.9)


def test_sink_takes_what_source_sends(suite):
    path = suite.path(WORK)
    with sink(suite, "smtp-sink", "-u", "alice", "-D", WORK + "/all", "-m", "100") as (port, _):
        suite.sh("smtp-source -s 50 -m 500 -l 5000 -r 2 -S load 127.0.0.1:%d" % port)
    with open(path + "/all") as dumped:
        text = dumped.read()
    assert text.count("\nSubject: load\n") == 500 and len(re.findall(r"(?m)^X-Rcpt-Args: ", text)) == 1000
    suite.sh("rm %s/all" % WORK)


def test_qmqp_source(suite):
    commands = [(o, None) for o in ("", "-m 2 -c", "-m 3 -s 3", "-r 3 -l 200 -f a@b -t c@d", "-r 2 -t nodomain -M h", "-l 100", "-l 10", "-l 5000")]
    commands += [("", {"Q": b"5:Zlate,"}), ("", {"Q": b"3:Dno,"}), ("", {"Q": b"garbage"})]
    golden("qmqp-source", attempts(suite, "qmqp-source", commands, qmqp=True))


def netstring(*parts):
    data = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return b"%d:%s," % (len(data), data)


def test_qmqp_sink(suite):
    message = netstring(netstring("Subject: x\n\nhello\n"), netstring("a@b"), netstring("c@d"))
    with sink(suite, "qmqp-sink", "-c") as (port, printed):
        for sent, came in ((message, b"3:KOk,"), (message, b"3:KOk,"), (b"garbage", b"")):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.sendall(sent)
                got = b""
                with contextlib.suppress(ConnectionResetError):
                    while part := client.recv(100):
                        got += part
                assert got == came
    assert printed[0].startswith("1\r2\r") and "qmqp-sink: warning: netstring format error" in printed[0]
    with sink(suite, "qmqp-sink") as (port, _):
        suite.sh("qmqp-source -s 20 -m 200 127.0.0.1:%d" % port)
    assert suite.run("qmqp-sink", "-x", "1", "127.0.0.1:%d" % free_port(), "5").returncode == 0
