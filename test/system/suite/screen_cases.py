"""Many sessions with postscreen in one mail system: a case is what the client does and the settings of the postscreen that he meets.

Equal settings share one service. Each case has a client address of its own, by which its log lines are found; all run at the same time."""
import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import tls
from .base import free_port

TIMEOUT = 60
# With these the tests before the greeting take a second.
QUICK = {"postscreen_greet_wait": "1s", "postscreen_cache_map": "", "postscreen_access_list": ""}
CLIENT = b"{client}"   # in what is sent: the case's address
MASTER = ["smtpd pass - - y - - smtpd\n -o smtpd_peername_lookup=no", "dnsblog unix - - y - 0 dnsblog"]


@dataclass
class Case:
    """Steps: "<" reads a reply, "<-" a line, "<*" all until the end, "x" closes, "/" opens the next connection, "?TEXT" waits for a line of the
    log with TEXT before the client's address, "TLS" makes a handshake as suite.tls.context(**tls) wants it; all else is sent, with CRLF unless it
    ends in a line feed or is bytes. `ends` is how many sessions the log is to tell the end of, tlsproxy's too. Who connects from another
    `source` has the case's address by what a proxy says."""
    name: str
    steps: tuple
    settings: dict = field(default_factory=dict)
    ends: int = 1
    address: str = ""
    tls: dict = field(default_factory=dict)
    source: str = ""


def tuple_of(settings):
    return tuple(sorted(settings.items()))


class Cases:
    def __init__(self, families, network="127.61", base=None):
        self.families, self.services = families, {}
        self.base = QUICK if base is None else base
        for number, case in enumerate(self.all()):
            case.address = case.address or "%s.%d.%d" % (network, number // 250, number % 250 + 1)
            self.services.setdefault(tuple_of(case.settings), free_port())

    def all(self):
        return [case for cases in self.families.values() for case in cases]

    def master(self):
        out = list(MASTER)
        for settings, port in self.services.items():
            options = {**self.base, **dict(settings)}
            out.append("127.0.0.1:%d inet n - y - 1 postscreen" % port + "".join("\n  -o { %s = %s }" % kv for kv in options.items()))
        return out

    def port(self, case):
        return self.services[tuple_of(case.settings)]

    def play(self, suite):
        """All cases; {family: text}."""
        with ThreadPoolExecutor(64) as pool:
            told = dict(zip([id(c) for c in self.all()], pool.map(lambda case: self._session(suite, case), self.all())))
        out = {}
        for family, cases in self.families.items():
            text = ""
            for case in cases:
                log = self._log(suite, case)
                text += "== %s\n" % case.name + told[id(case)] + "".join("L: %s\n" % line for line in log) + "\n"
            out[family] = text
        return out

    def _session(self, suite, case):
        lines, connection, file = [], None, None
        is_over = False
        for step in ("/",) + tuple(case.steps):
            is_over = is_over and step != "/"
            if is_over:
                continue
            try:
                if step == "/":
                    if connection:
                        file.close()
                        connection.close()
                        lines.append("/")
                    connection = socket.create_connection(("127.0.0.1", self.port(case)), timeout=TIMEOUT, source_address=(case.source or case.address, 0))
                    file = connection.makefile("rb")
                elif step == "x":
                    file.close()
                    connection.close()
                    lines.append("x")
                elif step == "TLS":
                    file.close()
                    connection = tls.context(**case.tls).wrap_socket(connection)
                    file = connection.makefile("rb")
                    lines.append("TLS")
                elif isinstance(step, str) and step.startswith("?"):
                    suite.wait_log(re.escape(step[1:]) + r".*\[%s\]" % re.escape(case.address))
                elif step in ("<", "<-", "<*"):
                    self._read(step, file, lines)
                else:
                    data = step.replace(CLIENT, case.address.encode()) if isinstance(step, bytes) else step.encode() + (b"" if step.endswith("\n") else b"\r\n")
                    lines.append("C: " + data.decode("latin-1").replace("\0", "\\0").replace("\r\n", "\\r\\n").replace("\n", "\\n").replace("\r\\n", "\r\n").removesuffix("\\r\\n")[:120])
                    connection.sendall(data)
            except OSError as error:
                # Whether the end of the connection is seen as such depends on what had come before it.
                lines.append("S!" if isinstance(error, (ConnectionError, ssl.SSLError)) else "! %s" % type(error).__name__)
                is_over = True
        file.close()
        connection.close()
        return "".join(line.replace(case.address, "{client}") + "\n" for line in lines)

    @staticmethod
    def _read(step, file, lines):
        while True:
            line = file.readline()
            if not line:
                lines.append("S!")
                return
            lines.append("S: " + line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
            if step == "<-" or (step == "<" and line[3:4] != b"-"):
                return

    @staticmethod
    def _log(suite, case):
        """Its log lines, once the log tells that it is over."""
        mine = re.escape(case.address)
        end = r"(?:DISCONNECT |smtpd\[\d+\]: disconnect from \S*)\[%s\]" % mine
        if case.ends:
            suite.wait_log(end, count=case.ends)
        lines = [re.sub(r"^\S+ +\d+ \S+ \S+ ", "", line) for line in suite.log().splitlines() if re.search(r"(?<![\d.])%s(?![\d])" % mine, line)]
        # What a process other than postscreen says comes when it likes.
        lines = ([line for line in lines if "/postscreen[" in line] + [line for line in lines if "/smtpd[" in line] +
                 [line for line in lines if "/tlsproxy[" in line] + sorted(re.sub(r"\[\d+\]", "", line) for line in lines if "/dnsblog[" in line))
        return [masked(line.replace(case.address, "{client}")) for line in lines]


def masked(line):
    line = re.sub(r"^(postfix\S*?)\[\d+\]", r"\1", line)
    line = re.sub(r"(\[(?:\{client\}|[0-9a-f.:]+)\]:?)\d+\b", r"\1{port}", line)
    line = tls.mask(line)
    line = re.sub(r"(smtpd: )[0-9A-F]{6,}: ", r"\1{qid}: ", line)
    return re.sub(r"\bafter (?:\d+(?:\.\d+)?)(?= (?:from|in))", "after {s}", line)
