"""authd counts failed logins, for the whole suite, and lets who guesses wait."""
import re
import select
import subprocess

import pytest

from suite import make
from suite.sasl import ALICE, DONE, FAILED, Dialogue, b64

pytestmark = [pytest.mark.root, pytest.mark.extension("Postfix leaves this to Dovecot or Cyrus SASL")]
WRONG = "AUTH PLAIN " + b64("", "alice", "wrong")


@pytest.fixture(scope="module")
def suite():
    options = "-o {auth_passdb = passwd-file:/etc/postfix/users} -o auth_failure_delay=3s -o auth_failure_delay_max=6s -o %s"
    master = ["auth unix - n n - 0 authd " + options % "{auth_failure_exceptions_networks = 127.0.0.3/32}",
              "never unix - n n - 0 authd -o {auth_passdb = passwd-file:/etc/postfix/users} -o auth_failure_delay=0"]
    with make(main_cf={"smtpd_sasl_auth_enable": "yes"}, services={"plain": {}, "other": {}, "quick": {"smtpd_sasl_path": "private/never"}},
              master=master, files={"/etc/postfix/users": "alice:{PLAIN}alice-pw\n"}) as s:
        yield s


def say_only(dialogue, line):
    dialogue.socket.sendall(line.encode() + b"\r\n")


def is_silent(dialogue):
    return not select.select([dialogue.socket], [], [], 0)[0]


def test_who_guesses_waits_and_others_do_not(suite):
    guesser = Dialogue(suite, source="127.0.0.2")
    say_only(guesser, WRONG)
    assert Dialogue(suite).say("AUTH PLAIN " + ALICE) == DONE
    assert is_silent(guesser), "the failure was answered at once"
    assert guesser.reply().startswith(FAILED)
    # The next one from there, to whatever service, waits before it is looked at, right or wrong; another's does not.
    again = Dialogue(suite, "other", source="127.0.0.2")
    say_only(again, "AUTH PLAIN " + ALICE)
    assert Dialogue(suite).say("AUTH PLAIN " + ALICE) == DONE
    assert is_silent(again), "the guess was looked at at once"
    assert again.reply() == DONE
    suite.wait_log(r"client=127.0.0.2, .*\(failures of this client: 1\)", since=guesser.since)


def test_many_who_guess_at_once_hold_up_nobody(suite):
    """From 60 addresses, and 20 more from one of them: while all of them wait, a right password elsewhere counts at once."""
    guessers = [Dialogue(suite, source="127.0.2.%d" % n) for n in [*range(1, 61), *[1] * 20]]
    for guesser in guessers:
        say_only(guesser, WRONG)
    assert Dialogue(suite).say("AUTH PLAIN " + ALICE) == DONE
    assert sum(map(is_silent, guessers)) > 40, "failures were answered at once"
    assert all(guesser.reply()[:4] in ("535 ", "454 ") for guesser in guessers)
    # Each of them counts, also those that were under way at the same time.
    suite.wait_log(r"client=127.0.2.1, .*\(failures of this client: (1[5-9]|2\d)\)", since=guessers[0].since)
    for guesser in guessers:
        guesser.file.close()
        guesser.socket.close()


def test_who_is_not_counted(suite):
    many = Dialogue(suite, source="127.0.0.3")
    assert many.say(WRONG).startswith(FAILED)
    suite.wait_log(r"client=127.0.0.3, .*\(failures of this client: 0\)", since=many.since)
    assert Dialogue(suite, source="127.0.0.4").say(WRONG).startswith(FAILED)
    waits = Dialogue(suite, source="127.0.0.4")
    say_only(waits, "AUTH PLAIN " + ALICE)
    assert many.say("AUTH PLAIN " + ALICE) == DONE
    assert is_silent(waits), "who is counted was before who is not"
    assert waits.reply() == DONE


def test_fail2ban_knows_a_failure(suite, tmp_path):
    d = Dialogue(suite, "quick")
    assert d.say(WRONG).startswith(FAILED)
    d.log()
    path = tmp_path / "mail.log"
    path.write_text(suite.log(d.since))
    try:
        done = subprocess.run(["fail2ban-regex", "--print-all-matched", str(path), "postfix[mode=auth]"], capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("needs fail2ban")
    assert re.search(r"warning: localhost\[127.0.0.1\]: SASL PLAIN authentication failed: ", done.stdout), done.stdout + done.stderr
