"""What differs between two runs of the same thing, made equal: queue ids, process ids, times, ports, delays."""
import re

QUEUE_ID = r"(?:[0-9A-F]{6,}|[0-9BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz]{10,}z[0-9BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxy]{3,})"
WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
TIME = r"\d\d:\d\d:\d\d"

SESSION_ID = re.compile(r"(queued as |^|: )%s(?=$|: )" % QUEUE_ID)


def session(text):
    """A reply or a log line of smtpd, where a queue id stands in few places (a number elsewhere is not one)."""
    return SESSION_ID.sub(r"\1{qid}", mask(text, only=("message-id", "ports", "pid")))


# In this order: what contains something else comes first.
RULES = [
    ("message-id", re.compile(r"<\d{14}\.%s@" % QUEUE_ID), "<{time}.{qid}@"),
    ("boundary", re.compile(r"\b%s\.\d{10,}/" % QUEUE_ID), "{qid}.{sec}/"),
    ("date", re.compile(r"%s, ?\d{1,2} %s \d{4} %s [+-]\d{4} \([A-Z]+\)" % (WEEKDAY, MONTH, TIME)), "{date}"),
    ("ctime", re.compile(r"%s %s [ \d]\d %s \d{4}" % (WEEKDAY, MONTH, TIME)), "{ctime}"),
    ("mailq-date", re.compile(r"%s %s [ \d]\d %s" % (WEEKDAY, MONTH, TIME)), "{when}"),
    ("log-time", re.compile(r"(?m)^%s [ \d]\d %s " % (MONTH, TIME)), ""),
    ("delays", re.compile(r"\bdelay=[\d.]+, delays=[\d./]+"), "delay={s}, delays={s}"),
    ("ports", re.compile(r"(\[[0-9a-f.:]+\]|\b127\.\d+\.\d+\.\d+):\d{5}\b"), r"\1:{port}"),
    ("pid", re.compile(r"\b((?:postfix|valija)[\w/-]*)\[\d+\]"), r"\1[{pid}]"),
    ("version", re.compile(r"\b3\.(?:7|10|12)\.\d+\b"), "{version}"),
    ("queue-id", re.compile(r"(?<![\w{.<])%s(?=[^\w.@]|@mail|\.?$)" % QUEUE_ID, re.M), "{qid}"),
]


def mask(text, only=None, without=()):
    """The text with all (or the named) rules applied."""
    for name, pattern, instead in RULES:
        if (only is None or name in only) and name not in without:
            text = pattern.sub(instead, text)
    return text


def log_line(line):
    """A mail log line without its time, host and pid: "smtpd: connect from localhost[127.0.0.1]"."""
    m = re.match(r"\S+ [ \d]\d \S+ \S+ (\S+?)\[\d+\]: (.*)$", line)
    return "%s: %s" % (m.group(1), m.group(2)) if m else line


# --- a whole log, told message by message ---
ID = re.compile(r"(?<![0-9A-Za-z])(?:%s)(?![0-9A-Za-z])" % QUEUE_ID)
OF_MESSAGE = re.compile(r"\S+: (?:warning: |error: )?(%s): " % QUEUE_ID)


# What comes when it likes, and what names programs that ours does not have yet.
NOT_TOLD = re.compile(r"/anvil\[\d+\]: statistics: |: program \S+ is not installed$")


def history(text):
    """The log as stories: one for each SMTP session and each message, in the order of their beginnings, lines masked and
    without pids. Processes that work side by side mix their lines; within a story the order is the order of causes, but for
    recipients that are served at the same time, whose lines are sorted."""
    stories, numbers, sessions = {}, {}, {}
    text = re.sub(r"<\d{14}\.(?=%s@)" % QUEUE_ID, "<{time}.", text)
    for raw in text.splitlines():
        if NOT_TOLD.search(raw):
            continue
        line = log_line(raw)
        m = re.match(r"\S+ [ \d]\d \S+ \S+ (\S+?)\[(\d+)\]: ", raw)
        if m and re.search(r"/smtpd$", m.group(1)):
            if ": connect from" in line:
                sessions[m.group(2)] = len(stories)
            key = ("session", m.group(2), sessions.get(m.group(2)))
        else:
            of = OF_MESSAGE.match(line)
            key = ("message", of.group(1)) if of else ("other", m.group(1) if m else line)
        stories.setdefault(key, []).append(line)
        for found in ID.findall(line):
            # A word of capital letters up to F is an id only where it begins a line.
            if re.search(r"[0-9]", found) or key == ("message", found) or found in numbers:
                numbers.setdefault(found, "{q%d}" % (len(numbers) + 1))
    out = []
    for lines in stories.values():
        out += sorted_deliveries(lines) + [""]
    whole = ID.sub(lambda m: numbers.get(m.group(0), m.group(0)), "\n".join(out))
    return re.sub(r"\bsize=\d+", "size={n}", mask(whole))


def sorted_deliveries(lines):
    out, run = [], []
    for line in lines + [""]:
        if re.search(r": to=<.*, status=", line):
            run.append(line)
        else:
            out += sorted(run, key=lambda x: re.sub(r"delays?=[\d./]+", "", x))
            run = []
            out.append(line)
    return out[:-1]
