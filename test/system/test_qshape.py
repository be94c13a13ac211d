"""qshape(1): queue files of known age, and the table that is made of them. Postfix's is a perl script; the reference has
what it needs in an image of its own (test/reference/reference image --suite trixie perl perl; MAIL_REFERENCE_IMAGE=perl)."""
import itertools
import re
import time

import pytest

from suite import make
from suite.golden import golden

pytestmark = pytest.mark.root

TOP = "/var/spool/shapes"
MINUTE = 60
AGES = (60, 400, 700, 1300, 2500, 5000, 10000, 20000, 40000, 80000)

# {queue: [(age in seconds, sender, recipients)]}; a recipient may be (record type, address).
QUEUES = {
    "ages": [(age, "s@a.example", ["r@age%d.example" % age, "x@all.example"]) for age in AGES] + [(-1000, "s@a.example", ["r@future.example"])],
    "addresses": [
        (60, "", ["nobody", "R@UPPER.Example", "a@b@two.example", "", "x@", '"a b"@q.example', "u@[127.0.0.1]", "u@sub.sub.deep.example",
                  "x@trail.example.", "u@a..dd.net", "u@.lead.net"]),
        (60, "NoDomain", ["nobody2"]),
        (60, "S@Cap.Example", [("D", "done@done.example"), ("/", "can@can.example")])],
    "parents": [(180 * n, "s@h%d.corp.example" % (n % 7), ["r@h%d.corp.example" % n, "r@www%d.a.b.example" % (n % 6), "r@z.org", "a@solo.x.net"])
                for n in range(12)] + [(60, "s@corp.example", ["x@corp.example"])],
    "chain": [(60, "s@x", ["r@b.x.net", "r@a.b.x.net", "r@c.a.b.x.net", "u@[10.0.0.1]", "u@[IPv6:::1]", "r@x.net", "r@net", "u@5.6.7.8"])],
    "long": [(60, "s@x", ["r@" + name for name in ("l" * 60 + ".verylongdomain.example", "m" * 20 + ".ex", "k" * 18, "k" * 17, "k" * 16,
                                                  "k" * 39, "k" * 40, "k" * 41)])] +
            [(60, "s@x", ["r@a%d.sub.%s.example" % (n, "p" * 50)]) for n in range(7)],
    "many": [(60, "s@d%d.example" % n, ["r@d%d.example" % k for k in range(n)]) for n in range(30)],
    "crowd": [(60, "s@crowd.example", ["r%d@crowd%d.example" % (n, n % 3) for n in range(2500)])],
}


def record(kind, text):
    data, size = text.encode(), b""
    left = len(data)
    while True:
        size += bytes([left & 0x7f | (0x80 if left > 0x7f else 0)])
        left >>= 7
        if not left:
            return kind.encode() + size + data


def message(age, sender, recipients, now):
    envelope = record("T", "%d 0" % (now - age)) + record("S", sender)
    envelope += b"".join(record(*(r if isinstance(r, tuple) else ("R", r))) for r in recipients)
    content = record("N", "x")
    def head(offset):
        return record("C", "%15d %15d %15d %15d %15d %15d" % (len(content), offset, len(recipients), 0, len(content), 0))
    start = record("M", "")
    return head(len(head(0)) + len(envelope) + len(start)) + envelope + start + content + record("X", "") + record("E", "")


@pytest.fixture(scope="module")
def suite():
    with make() as s:
        if s.run("sh", "-c", "qshape nosuch").returncode == 2:
            pytest.skip("the reference has no perl modules: MAIL_REFERENCE_IMAGE=perl")
        s.sh("mkdir -p %s" % TOP)
        yield s


@pytest.fixture(scope="module")
def queues(suite):
    now, number = int(time.time()), itertools.count(0xA000000000)
    for queue, messages in QUEUES.items():
        for one in messages:
            suite.write("%s/%s/%X" % (TOP, queue, next(number)), message(*one, now), mode=0o700)
    named = {"nosuchname": "badname", "AB": "short", "4jYSZT5qqBz2ZKp": "long", "A00000.tmp": "dot", "A/B/A000000123": "hashed", "ABCDE": "five",
             "ABCDEF": "six", ".A00000000": "hidden"}
    for name, domain in named.items():
        suite.write("%s/names/%s" % (TOP, name), message(60, "s@x", ["r@%s.example" % domain], now), mode=0o700)
    for mode in (0o600, 0o700, 0o710, 0o644, 0o400):
        name = "A0000%05o" % mode
        suite.write("%s/modes/%s" % (TOP, name), message(60, "s@x", ["r@%s.example" % name.lower()], now), mode=mode)
    whole = message(60, "s@cut.example", ["r@cut.example", "r2@cut2.example"], now)
    for n, data in enumerate((b"no queue file at all", b"", whole[:150], whole[:-2])):
        suite.write("%s/damaged/A00000000%d" % (TOP, n), data, mode=0o700)
    return suite


def steady(text):
    """Postfix's leaves the order of equals to chance: by name here."""
    def rank(line):
        m = re.match(r" *(\S*) +(\d+) ", line)
        return (0, 0) if not m else (-int(m.group(2)), len(m.group(1)))
    head, *rows = text.splitlines()
    return "\n".join([head, *(line for _, group in itertools.groupby(rows, rank) for line in sorted(group))]) + "\n"


COMMANDS = ([q for q in QUEUES] + ["-s " + q for q in QUEUES] + ["names", "modes", "damaged"] +
            ["-p parents", "-p -m 1 parents", "-p -m 6 parents", "-p -m 12 parents", "-p -m 13 parents", "-ps parents", "-p -m 0 parents",
             "-p -m 1 chain", "-p -m 2 chain", "-p -m -1 chain", "-p -m 1 long", "-w 120 -p -m 1 long", "-p -m 1 -b 20 long", "-w 79 long", "-w 81 long",
             "-w x long", "-b 5 -t 3 -l ages", "-b 5 -t 3 ages", "-b 1 ages", "-b 0 ages", "-t 0 ages", "-t 1.5 -b 3 ages", "-n 2 -N 1 ages",
             "ages addresses", "ages ages"])


def test_tables(queues):
    out = []
    for command in COMMANDS:
        words = [word if word[0] == "-" or word not in [*QUEUES, "names", "modes", "damaged"] else "%s/%s" % (TOP, word) for word in command.split()]
        done = queues.run("qshape", *words)
        assert done.returncode == 0, done
        out.append("$ qshape %s\n%s" % (command, steady(done.stdout.decode())))
    golden("qshape", "".join(out))


def test_queues_of_the_mail_system(suite):
    """Without a name: incoming and active; a name that is no path is one of the queue directory."""
    text = message(60, "s@x", ["r@here.example"], int(time.time()))
    suite.sh("postfix stop; rm -rf %s/hold/*" % suite.queue_directory)
    for queue in ("active", "hold", "deferred/A"):
        suite.write("%s/%s/A12345678" % (suite.queue_directory, queue), text, mode=0o700, user=None)
    rows = [len(suite.sh("qshape " + words).splitlines()) for words in ("", "hold", "hold deferred", "deferred", "incoming", "bounce")]
    assert rows == [3, 3, 3, 3, 2, 2]
    done = suite.run("qshape", "nosuch", "hold")
    assert done.returncode == 0 and b"here.example" in done.stdout
    assert done.stderr.startswith(b"Can't stat nosuch: No such file or directory")
    assert suite.sh("qshape -c /etc/postfix hold") == suite.sh("qshape hold")
    done = suite.run("qshape", "-c", "/nonexistent", "hold")
    assert done.returncode == 1 and b"fatal: open /nonexistent/main.cf: No such file or directory" in done.stderr
    for wrong in ("-z", "-h"):
        done = suite.run("qshape", wrong)
        assert done.returncode == 255 and done.stdout == b"" and b"Usage: " in done.stderr


def test_terminal(queues):
    """On a terminal: what there is so far after each 4 messages, and only the first 3 domains."""
    if queues.run("script", "-qec", "true", "/dev/null").returncode:
        pytest.skip("no terminals here")
    shown = queues.sh("script -qec 'qshape -N 4 -n 3 %s/parents' /dev/null" % TOP).replace("\r\n", "\n")
    screens = shown.split("\x1b[H\x1b[2J\x1b[3J")
    assert screens[0] == "" and len(screens) == 5
    assert [len(s.splitlines()) for s in screens[1:]] == [5, 5, 5, 5]
    assert screens[-1].splitlines()[1].split()[:2] == ["TOTAL", "49"]
