"""Command lines as files: what is run, and what it prints.

    # What it shows.
    [main.cf]
    relayhost = [127.0.0.1]:1
    [file /etc/postfix/table]
    key value
    [mask]
    \\d+ Kbytes => {n} Kbytes
    [commands]
    $ postconf nosuch
    2> postconf: warning: nosuch: unknown parameter
    alice$ mailq >/dev/null; exit 3
    ? 3

A command goes on with lines that begin with "> ". "USER$" runs it as that user. Then come the lines of standard
output, of standard error ("2> "), and the exit code if it is not 0; "\\n-" marks a last line without its end. Each file has a
directory of its own to work in; files with [main.cf] or [file ..] have an instance of their own, the others share one."""
import difflib
import re
from dataclasses import dataclass, field

from . import make, masks


@dataclass
class Script:
    path: object
    comment: list = field(default_factory=list)
    main_cf: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    masks: list = field(default_factory=list)            # (regular expression, text)
    commands: list = field(default_factory=list)         # (user, command with its continuation)
    text: str = ""                                       # [commands] as it is written

    @property
    def own_instance(self):
        return bool(self.main_cf or self.files)


COMMAND = re.compile(r"([a-z]*)\$ (.*)$")


def parse(path):
    s, section, file = Script(path), None, None
    for line in path.read_text().splitlines():
        head = re.match(r"\[(main\.cf|file (\S+)|mask|commands)\]$", line) if section != "commands" else None
        if head:
            section, file = head.group(1).split()[0], head.group(2)
            if file:
                s.files[file] = ""
        elif section is None:
            s.comment.append(line)
        elif section == "main.cf" and line:
            name, _, value = line.partition("=")
            s.main_cf[name.strip()] = value.strip()
        elif section == "file":
            s.files[file] += line + "\n"
        elif section == "mask" and line:
            pattern, _, text = line.partition(" => ")
            s.masks.append((pattern, text))
        elif section == "commands":
            s.text += line + "\n"
            m = COMMAND.match(line)
            if m:
                s.commands.append([m.group(1), m.group(2)])
            elif line.startswith("> ") and s.commands:
                s.commands[-1][1] += "\n" + line[2:]
    return s


def start(script=None):
    """The instance for a script, or the one that is shared."""
    if script and script.own_instance:
        return make(main_cf=script.main_cf, files=script.files)
    return make()


def play(script, suite):
    """Runs all of it; [commands] as it should be written."""
    work = "/tmp/" + script.path.stem
    suite.sh("rm -rf %s; mkdir -m 777 %s" % (work, work))
    out = []
    for user, command in script.commands:
        if suite.mail_log_file in command:
            suite.sync_log()
        done = suite.run("sh", "-c", command, user=user or None, cwd=work)
        out += ["%s$ %s" % (user, command.replace("\n", "\n> "))]
        out += shown(script, done.stdout, "") + shown(script, done.stderr, "2> ")
        if done.returncode:
            out += ["? %d" % done.returncode]
    return "\n".join(out) + "\n"


def shown(script, data, prefix):
    text = data.decode("utf-8", "backslashreplace").replace("\r", "\\r")
    for pattern, instead in script.masks:
        text = re.sub(pattern, instead, text, flags=re.M)
    text = masks.mask(text, without=("queue-id",))      # a number in a reply is no id
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "\\n-"
    else:
        lines.pop()
    return [(prefix + line).rstrip(" ") if prefix and not line else prefix + line for line in lines]


def difference(expected, got):
    return "".join(difflib.unified_diff(expected.splitlines(True), got.splitlines(True), "expected", "got", n=3))


def write(script, text):
    out = list(script.comment)
    if script.main_cf:
        out += ["[main.cf]"] + ["%s = %s" % kv for kv in script.main_cf.items()]
    for name, body in script.files.items():
        out += ["[file %s]" % name] + body.splitlines()
    if script.masks:
        out += ["[mask]"] + ["%s => %s" % m for m in script.masks]
    script.path.write_text("\n".join(out + ["[commands]"]) + "\n" + text)
