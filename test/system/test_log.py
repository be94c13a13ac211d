"""The whole log of one script of traffic is the reference's, and so is what log tools make of it."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "log"))

import traffic  # noqa: E402
from suite import make, masks  # noqa: E402
from suite.golden import golden  # noqa: E402
from suite.smtp import Sink, send  # noqa: E402

pytestmark = pytest.mark.root

# Lines that one of the two writes and the other does not, on purpose: doc/differences.md, "Log", has the reasons.
MEANT = re.compile("|".join([
    r"postfix-script\[\d+\]: starting the Postfix mail system$",       # Postfix loses it when maillog_file is set
    r"master\[\d+\]: terminating on signal 15$",                       # likewise
    r"cleanup\[\d+\]: warning: (file system clock is|resetting file time stamps)",  # the kernel's coarse clock, now and then
    r"cleanup\[\d+\]: warning: \w+: queue file size limit exceeded$",  # said once, by smtpd
    r"cleanup\[\d+\]: warning: mail_stream_cleanup: close error$",     # names a function, and says nothing new
    r"cleanup\[\d+\]: \w+: message-id=<lost@x>$",                      # of a message that never came
    r"postfix-script\[\d+\]: warning: /etc/postfix/main.cf, line \d+: alias_maps: alias loop: ",  # "Checks": the loop is there for a later event
]))


def common(log):
    """The log without what is meant to differ."""
    return "".join(line for line in log.splitlines(True) if not MEANT.search(line.rstrip("\n")))


@pytest.fixture(scope="module")
def days():
    """Plays the traffic; ([(event, its log)], the whole log)."""
    with Sink() as sink:
        with make(main_cf=traffic.main_cf(sink.address[1]), services=traffic.SERVICES, files=traffic.FILES,
                  prepare=traffic.PREPARE + ["install -d -o alice -g alice -m 777 /home/vmail"]) as suite:
            suite.sh("postlog -t test/mark begin 2>/dev/null")
            suite.wait_log("test/mark.*begin")
            suite.wait_log("daemon started")
            told = []
            for name, event in traffic.events(traffic.World(suite, sink)):
                since = suite.log_size()
                try:
                    event()
                    trouble = ""
                except Exception as e:                  # the rest of the day goes on; the comparison names the event
                    trouble = "%s: %s\n" % (type(e).__name__, str(e).splitlines()[0])
                suite.sync_log()
                told.append((name, common(suite.log(since)), trouble))
            return told, common(suite.log())


def test_log_is_the_same_line_by_line(days):
    told, _ = days
    assert len(told) >= 60
    golden("../log/expected", "".join("== %s\n%s%s" % (name, masks.history(log), trouble) for name, log, trouble in told))


def tool(*argv, log):
    try:
        return subprocess.run(argv, input=log, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        pytest.skip("no " + argv[0])


def without_numbers_that_differ(text):
    """pflogsumm's report without dates, hours and bytes (a queue id's length counts in them); what has the same count stands in
    no order there, so that each paragraph is sorted. Programs that ours does not have yet are left out."""
    text = re.sub(r"(?m)^Postfix log summaries for .*", "Postfix log summaries for {date}", text)
    text = re.sub(r"(?m)^ *\d+[km]? +bytes (received|delivered)$", r"{n} bytes \1", text)
    text = re.sub(r"(?ms)^Per-Hour Traffic Summary.*?\n\n(?=\S)", "", text)
    text = re.sub(r"(?ms)^(Senders|Recipients) by message size.*?(?:\n\n(?=\S)|\Z)", "", text)
    text = re.sub(r"(?m)^( *\d+ +)\d+[km]?( +)", r"\1{n}\2", text)
    text = re.sub(r" +\d+\.\d [smh]\b", " {t}", text)
    text = re.sub(r"(?m)^.*program \S+ is not installed\n|^  master \(total: \d+\)\n", "", text)
    return "\n\n".join("\n".join(sorted(p.split("\n"))) for p in masks.mask(text).split("\n\n"))


def test_pflogsumm_reports_the_same(days):
    done = tool("pflogsumm", "--problems-first", "--verbose-msg-detail", log=days[1])
    assert done.returncode == 0, done.stderr
    golden("../log/pflogsumm", without_numbers_that_differ(done.stdout))


@pytest.mark.parametrize("mode", ["normal", "auth", "more", "ddos", "aggressive", "extra", "errors"])
def test_fail2ban_matches_the_same(days, tmp_path, mode):
    path = tmp_path / "mail.log"
    path.write_text(days[1])
    done = tool("fail2ban-regex", "--print-all-matched", str(path), "postfix[mode=%s]" % mode, log="")
    lines = [masks.log_line(x[1:].strip()) for x in done.stdout.splitlines() if re.match(r"\|  \w{3} [ \d]\d ", x)]
    golden("../log/fail2ban_" + mode, masks.history("\n".join(sorted(lines))) if lines else "no line\n")


@pytest.mark.extension(reason="Postfix waits for its log daemon, and mail with it")
def test_a_log_daemon_that_was_busy_hears_all(suite_of_its_own):
    """Lines that find the daemon's queue full come when it reads again, though the programs have nothing else to do then."""
    suite = suite_of_its_own
    send(suite, "joe@example.net", "alice@example.test")
    suite.wait_queue_empty()
    since = suite.log_size()
    find = "grep -lx postlogd /proc/[0-9]*/comm | cut -d/ -f3"
    suite.sh("kill -STOP $(%s)" % find)
    ids = [send(suite, "joe@example.net", "alice@example.test") for _ in range(10)]
    suite.messages("alice", 11)
    suite.wait_until(lambda: not suite.queue_files(), suite.queue, what="an empty queue")
    suite.sh("kill -CONT $(%s)" % find)
    for qid in ids:
        suite.wait_log(r"%s: to=<alice@example.test>, .*status=sent" % qid, since=since, timeout=10)
        suite.wait_log(r"%s: removed" % qid, since=since, timeout=10)
        suite.wait_log(r"%s: message-id=" % qid, since=since, timeout=10)
    suite.wait_log("disconnect from", count=10, since=since, timeout=10)


@pytest.fixture
def suite_of_its_own():
    with make() as suite:
        yield suite
