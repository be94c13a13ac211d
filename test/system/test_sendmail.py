"""Mail that is sent by commands: sendmail, mail; how it looks when it has arrived."""
import re

import pytest

from suite import make, masks
from suite.golden import golden

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"default_transport": "discard:elsewhere"}) as s:
        yield s


def arrives(suite, name, script, user="alice", to="bob", input=None):
    """Runs a script that sends a message; it as it lies in the mailbox, and its log."""
    since, before = suite.log_size(), len(suite.messages(to, count=0))
    done = suite.run("sh", "-c", script, user=user, input=input)
    assert done.returncode == 0, done.stderr
    message = suite.messages(to, before + 1)[-1].decode("utf-8", "backslashreplace")
    suite.wait_queue_empty()
    golden("sendmail_" + name, masks.mask(message))
    golden("sendmail_%s_log" % name, masks.history(suite.log(since)))


def fixed(name, options, header="", body="Hello."):
    text = "Subject: %s\nMessage-Id: <%s@example.test>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n%s\n%s\n" % (name, name, header, body)
    return "cat <<'END_OF_INPUT' | sendmail %s\n%sEND_OF_INPUT\n" % (options, text)


@pytest.mark.parametrize("name, options, header, body", [
    ("plain", "bob", "", "Hello."),
    ("from_header", "bob", "From: Someone Else <someone@example.net>\n", "x"),
    ("full_name", "-F 'Alice Q. Test' bob", "", "x"),
    ("envelope_sender", "-f carol@example.test bob", "", "x"),
    ("null_sender", "-f '<>' bob", "", "x"),
    ("dot", "bob", "", "before\n.\nafter"),
    ("dot_ignored", "-i bob", "", "before\n.\nafter"),
    ("recipients_of_header", "-t", "To: bob, Carol <carol@example.test>,\n\t\"Dave D.\" <dave>\nCc: (a comment) erin\nBcc: frank\n", "x"),
    ("header_and_argument", "-t carol", "To: bob\n", "x"),
    ("to_header_groups", "-t", "To: friends: bob, carol;, dave@example.test\n", "x"),
    ("no_recipient_header", "bob", "", "x"),
    ("rewritten", "bob", "To: bob, x@y\nCc: someone@sub\nReply-To: alice\nSender: alice\n", "x"),
    ("resent", "-t", "To: nobody-here\nResent-To: bob\nResent-From: alice\n", "x"),
    ("8bit", "-B 8BITMIME bob", "", "caf\u00e9"),
    ("utf8_header", "bob", "X-Name: J\u00f6rg\n", "x"),
    ("long_header", "bob", "X-Long: " + "word " * 600 + "\n", "x"),
    ("bad_header", "bob", "this is no header\nX-After: y\n", "x"),
    ("from_line", "bob", "", "From the middle\nof it"),
    ("return_receipt", "-N success,failure -R hdrs -V my-id bob", "", "x"),
    ("from_line_first", "bob", "", "x"),
])
def test_sendmail(suite, name, options, header, body):
    arrives(suite, name, fixed(name, options, header, body))


def test_header_completion(suite):
    arrives(suite, "bare", "echo 'no header at all' | sendmail bob")


def test_empty_message(suite):
    arrives(suite, "empty", "sendmail bob </dev/null")


def test_mbox_separator_at_the_start(suite):
    arrives(suite, "mbox_start", "printf 'From someone Mon Jan  1 00:00:00 2024\\nSubject: after From_\\n\\nx\\n' | sendmail bob")


def test_crlf_input(suite):
    arrives(suite, "crlf", "printf 'Subject: crlf\\r\\nMessage-Id: <c@x>\\r\\n\\r\\none\\r\\ntwo\\r\\n' | sendmail bob")


def test_no_newline_at_the_end(suite):
    arrives(suite, "no_newline", "printf 'Subject: cut\\nMessage-Id: <n@x>\\n\\nno end' | sendmail bob")


def dialogue(*lines):
    return "printf '%s' | sendmail -bs" % "".join(line.replace("%", "%%") + "\\r\\n" for line in lines)


def test_dialogue_on_standard_input(suite):
    arrives(suite, "dialogue", dialogue("EHLO my.name", "MAIL FROM:<alice>", "RCPT TO:<bob>", "DATA", "Subject: by -bs",
                                        "Message-Id: <bs@x>", "", "..a line", ".", "QUIT"))


def test_dialogue_with_dsn_parameters(suite):
    arrives(suite, "dialogue_dsn", dialogue("EHLO x", "MAIL FROM:<alice> BODY=8BITMIME RET=HDRS ENVID=abc",
                                            "RCPT TO:<bob> NOTIFY=SUCCESS ORCPT=rfc822;robert@example.net", "DATA", "Message-Id: <d@x>",
                                            "", "x", ".", "QUIT"))


@pytest.mark.extension   # Postfix's dies with SIGSEGV
def test_too_large_in_a_dialogue(suite):
    suite.settings(message_size_limit="2000")
    since = suite.log_size()
    text = ["x" * 70] * 40
    for lines in (["MAIL FROM:<alice> SIZE=3000"], ["MAIL FROM:<alice>", "RCPT TO:<bob>", "DATA", *text, "."],
                  ["MAIL FROM:<alice>", "RCPT TO:<bob>", "BDAT 2880", *text]):
        done = suite.run("sh", "-c", dialogue("EHLO x", *lines), user="alice")
        assert done.returncode == 0 and b"\r\n552 5.3.4 " in done.stdout, done
    suite.settings()
    assert suite.run("sh", "-c", dialogue("QUIT"), user="alice").returncode == 0
    assert not suite.queue_files() and ": uid=" not in suite.log(since)


def test_sendmail_while_it_is_stopped(suite):
    suite.sh("postfix stop 2>/dev/null")
    done = suite.run("sh", "-c", fixed("stopped", "bob"), user="alice")
    listing = suite.run("mailq")
    suite.sh("postfix start 2>/dev/null")
    assert done.returncode == 0, done.stderr
    suite.wait_log("<stopped@example.test>")
    suite.wait_queue_empty(timeout=70)
    shown = masks.mask("%s%s%d\n%s%s%d\n" % (done.stdout.decode(), done.stderr.decode(), done.returncode,
                                          listing.stdout.decode(), listing.stderr.decode(), listing.returncode))
    golden("sendmail_stopped", re.sub(r" +\d+ (?={when})|\d+ Kbytes", " {n} ", shown))


def test_mailx_sends_and_reads(suite):
    if suite.run("test", "-x", "/usr/bin/bsd-mailx").returncode:
        pytest.skip("no bsd-mailx")
    suite.sh("echo 'Written with mail.' >/tmp/text")
    arrives(suite, "mailx", "/usr/bin/bsd-mailx -s 'By mail' heidi </tmp/text", to="heidi")
    done = suite.run("sh", "-c", "printf 'p\\nq\\n' | /usr/bin/bsd-mailx -N", user="heidi")
    assert b"Written with mail." in done.stdout and b"Subject: By mail" in done.stdout, done
