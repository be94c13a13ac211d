"""Many restriction lists of smtpd in one mail system: a case is a list, the stage it stands at, and what the client does.

Each case has a client address of its own, by which its list is chosen: the list is a restriction class, and smtpd_STAGE_restrictions
look the client up. So hundreds of cases run in seconds, and a restriction is asked as it is from any list."""
import re
import socket
from dataclasses import dataclass, field

from . import masks

STAGES = ("client", "helo", "sender", "relay", "recipient", "data", "end_of_data", "etrn")
TIMEOUT = 20
# Replies that are not told.
GOOD = re.compile(r"2[0-9][0-9] |354 ")
STAGE_TABLE = "/etc/postfix/access/%s"


@dataclass
class Case:
    """`at` is the stage; `service` one of the suite's; `steps` are sent after EHLO, instead of one message (a step that ends in
    "\\n" is sent as it is, and "." ends a message). `shown` adds what became of the message."""
    restrictions: object             # text, or a function of the case that gives it
    at: str = "recipient"
    service: str = "smtp"
    helo: str = "client.example.net"
    sender: str = "joe@example.net"
    recipient: str = "alice@example.test"
    steps: tuple = ()
    shown: bool = False
    name: str = ""
    also: dict = field(default_factory=dict)      # {stage: what its list has for this client beside the case}
    client: str = ""                # the host name of the client's address, forward and backward
    reverse: str = ""               # the same, only backward; "SERVFAIL"
    zone: object = None             # further DNS records, as a dict or a function of the case
    number: int = field(default=0)
    address: str = ""

    @property
    def title(self):
        parts = [self.name or "%s: %s" % (self.at, self.restrictions)]
        parts += ["%s=%s" % (k, getattr(self, k)) for k in ("service", "helo", "sender", "recipient", "client", "reverse", "also") if getattr(self, k) != getattr(Case, k, {})]
        return "  ".join(parts)


class Cases:
    """The cases with their addresses, and the configuration that they need."""

    def __init__(self, families, network="127.60"):
        self.families, number = families, 0
        for cases in families.values():
            for case in cases:
                number += 1
                case.number = number
                case.address = case.address or "%s.%d.%d" % (network, number // 250, number % 250 + 1)

    def all(self):
        return [case for cases in self.families.values() for case in cases]

    def main_cf(self):
        lists = {"smtpd_%s_restrictions" % stage: "check_client_access texthash:" + STAGE_TABLE % stage for stage in STAGES}
        lists["smtpd_relay_restrictions"] += ", permit_mynetworks, reject_unauth_destination"
        classes = {"case_%d" % case.number: case.restrictions(case) if callable(case.restrictions) else case.restrictions for case in self.all()}
        return {**lists, "mynetworks": "127.0.0.1/32", "smtpd_restriction_classes": " ".join(classes), **classes,
                "smtpd_client_event_limit_exceptions": "127.0.0.0/8", "smtpd_hard_error_limit": "100", "smtpd_soft_error_limit": "100",
                "smtpd_client_connection_rate_limit": "0", "notify_classes": "", "defer_transports": "local, smtp, relay, retry, virtual, discard, filter",
                "max_idle": "20s"}

    def files(self):
        def of(stage):
            own = ["%s case_%d\n" % (c.address, c.number) for c in self.all() if c.at == stage]
            return "".join(own + ["%s %s\n" % (c.address, c.also[stage]) for c in self.all() if stage in c.also])
        return {STAGE_TABLE % stage: of(stage) for stage in STAGES}

    def zone(self):
        """What the DNS has to know of the clients."""
        out = {}
        for case in self.all():
            backward = ".".join(reversed(case.address.split("."))) + ".in-addr.arpa"
            if case.client:
                out[case.client] = {"A": [case.address]}
            if case.reverse == "SERVFAIL":
                out[backward] = "SERVFAIL"
            elif case.client or case.reverse:
                out[backward] = {"PTR": [case.client or case.reverse]}
            out.update(case.zone(case) if callable(case.zone) else case.zone or {})
        return out

    def play(self, suite, family):
        """What the clients of a family heard, and what smtpd logged meanwhile, case by case."""
        since = suite.log_size()
        told = [(case, *hold(suite, case)) for case in self.families[family]]
        suite.wait_log(r"smtpd\[\d+\]: disconnect from", count=len(told), since=since)
        suite.sync_log()
        logs = sessions(suite.log(since))
        out = []
        for case, lines, queue_id in told:
            out.append("== " + case.title)
            out += lines
            out += ["log: " + line for line in logs[case.address].pop(0)]
            if queue_id and case.shown:
                out += envelope(suite, queue_id)
            out.append("")
        text = WHY_NO_NAME.sub(r"\1 {why}", "\n".join(out))
        text = re.sub(r"\|\d{4,5}\?\|", "|{port}?|", text)
        for case in self.families[family]:
            backward = ".".join(reversed(case.address.split(".")))
            text = re.sub(r"(?<![0-9.])%s(?![0-9.])" % re.escape(case.address), "{client}", text).replace(backward + ".", "{tneilc}.")
        return text


def hold(suite, case):
    """The dialogue: its replies but those that say yes, and the queue id."""
    out, queue_id = [], None
    with socket.create_connection(suite.address(case.service), timeout=TIMEOUT, source_address=(case.address, 0)) as s, s.makefile("rb") as f:
        def hear(step):
            lines = []
            while True:
                try:
                    line = f.readline().decode("utf-8", "backslashreplace")
                except ConnectionResetError:
                    line = ""
                if not line:
                    out.append("%s> closed" % step)
                    return ""
                lines.append(line.rstrip("\r\n"))
                if line[3:4] != "-":
                    break
            if not GOOD.match(lines[-1]):
                out.extend("%s> %s" % (step, masks.session(line)) for line in lines)
            return lines[-1]
        reply = hear("CONNECT")
        mail = ("MAIL FROM:<%s>" % case.sender, "RCPT TO:<%s>" % case.recipient, "DATA")
        steps = case.steps or (*mail, "Subject: test\r\n\r\nHello.\r\n.\r\n")
        for step in ("EHLO " + case.helo, *steps, "QUIT"):
            if not reply:
                break
            is_content = step.endswith("\n")
            if is_content and not reply.startswith("354"):
                continue
            if step == "DATA" and not case.steps and not reply.startswith("250"):
                continue
            s.sendall(step.encode() + (b"" if is_content else b"\r\n"))
            if "\r\n" in step and not is_content:             # many commands in one piece, the last one QUIT
                while hear("many"):
                    pass
                break
            reply = hear("." if is_content else step.split(" ")[0])
            m = re.search(r"queued as (\S+)", reply)
            if m:
                queue_id = m.group(1)
                out.append(".> queued")
    return out, queue_id


# The system's own words for a name that does not resolve.
WHY_NO_NAME = re.compile(r"(?m)(^log: warning: Unable to look up \S+ host \S+ for (?:\S+ ){2,3}\S+:"
                         r"|Unable to look up mail exchanger host \S+?:) (?:Name or service not known|No address associated with hostname|"
                         r"Temporary failure in name resolution|Host not found, try again|Host not found|Host found but no data record of requested type)")

# What is the same in all.
USUAL = re.compile(r"(?:connect|disconnect|lost connection after \S+|timeout after \S+) from |\S+: client=\S+$|improper command pipelining after|"
                   r"warning: support for restriction \"permit_mx_backup\" will be removed|"
                   r"warning: hostname \S+ does not resolve to address ")


def sessions(text):
    """{client address: [what smtpd logged in each of its sessions]}."""
    out, open_sessions = {}, {}
    for raw in text.splitlines():
        m = re.match(r"\S+ [ \d]\d \S+ \S+ \S+/smtpd\[(\d+)\]: (.*)$", raw)
        if not m or m.group(2).startswith("statistics:"):
            continue
        pid, line = m.groups()
        connect = re.match(r"connect from \S+\[(\S+)\]", line)
        if connect:
            open_sessions[pid] = lines = []
            out.setdefault(connect.group(1), []).append(lines)
        elif pid in open_sessions and not USUAL.match(line):
            open_sessions[pid].append(masks.session(line))
    return out


NOT_SHOWN = re.compile(r"named_attribute: (?:rewrite_context|log_\w+|client_\w+|server_\w+|helo_name|protocol_name|reverse_client_name|dsn_orig_rcpt|notify_flags)=|"
                       r"message_size: |message_arrival_time: |create_time: |original_recipient: |\s|Received:|\*\*\*|$|"
                       r"sender: joe@example\.net$|recipient: alice@example\.test$|Subject: test$|Hello\.$")


def envelope(suite, queue_id):
    """The message as the queue has it, once it rests there: its records without what differs between two runs; or its end."""
    def found():
        script = "cd %s; for f in $(find deferred hold -name %s); do postcat -o $f; done" % (suite.queue_directory, queue_id)
        text = suite.sh(script)
        removed = re.search(r": %s: (removed.*)$" % queue_id, suite.log(), re.M)
        return text or (removed and "0 " + removed.group(1))
    text = suite.wait_until(found, suite.queue, what="message at rest")
    records = [m.group(1) for m in re.finditer(r"(?m)^ *\d+ (.*)$", text)]
    return ["file: " + record for record in records if not NOT_SHOWN.match(record)]
