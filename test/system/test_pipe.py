"""pipe(8): mail to commands of master.cf: arguments, flags, rights, and what their end means. Each test looks at what the
command got and at the message's log."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import send

pytestmark = pytest.mark.root

# Writes down its arguments, its rights and its input.
SHOW = """out=/tmp/$1; shift
{
  for argument; do printf '[%s]\\n' "$argument"; done
  printf 'in %s as %s:%s groups %s umask %s\\n' "$(pwd)" "$(id -u)" "$(id -g)" "$(id -G)" "$(umask)"
  cat -A
} >>$out
"""

# {service: attributes}
COMMANDS = {
    "macros": "user=alice argv=/bin/sh /etc/show macros s=$sender r=${recipient} o=$(original_recipient) u=$user x=${extension} d=$domain m=$mailbox"
              " n=$nexthop q$queue_id z=$size ca=$client_address cn=$client_hostname ch=$client_helo cp=$client_protocol"
              " sm=$sasl_method ss=$sasl_sender su=$sasl_username e=$envid $$5 {two words} {} { {braces} }",
    "each": "user=alice argv=/bin/sh /etc/show each -f $sender -- $user@$domain $extension then $recipient",
    "folded": "user=alice flags=hu argv=/bin/sh /etc/show folded $recipient $user $mailbox $extension $domain $nexthop",
    "quoted": "user=alice flags=qhuR argv=/bin/sh /etc/show quoted $sender $recipient $user",
    "plain": "user=alice argv=/bin/sh /etc/show plain $sender $recipient",
    "heads": "user=alice flags=FRB.> argv=/bin/sh /etc/show heads",
    "final": "user=alice flags=DROX argv=/bin/sh /etc/show final $recipient",
    "ended": "user=alice flags=RB. eol=\\r\\n argv=/bin/sh /etc/show ended",
    "octal": "user=alice eol=\\041\\\\\\n argv=/bin/sh /etc/show octal",
    "null": "user=alice flags=FR argv=/bin/sh /etc/show null $sender",
    "other": "user=alice flags=FR null_sender=nobody@null.example argv=/bin/sh /etc/show other $sender",
    "empty": "user=alice flags=FqR null_sender= argv=/bin/sh /etc/show empty $sender",
    "group": "user=alice:mail directory=/home/alice argv=/bin/sh /etc/show group",
    "small": "user=alice size=500 argv=/bin/sh /etc/show small",
    "exit": "user=alice argv=/bin/sh -c { exit $extension }",
    "says": "user=alice argv=/bin/sh /etc/says $extension",
    "quiet": "user=alice flags=X argv=/bin/true",
    "several": "user=alice flags=DO argv=/bin/true",
    "unknown": "user=alice argv=/bin/echo $unknown",
    "unclosed": "user=alice argv=/bin/echo ${sender",
    "nameless": "user=alice argv=/bin/echo { a $ b }",
    "absent": "user=alice argv=/usr/bin/absent word",
    "nowhere": "user=alice directory=/home/absent argv=/bin/true",
    "rooted": "user=alice chroot=/var/root directory=/inside argv=/bin/busy x",
    "jailed": "user=alice chroot=/var/jail directory=/inside argv=/bin/sh -c { pwd; echo /*; exit 65 }",
    "noroot": "user=alice chroot=/var/absent argv=/bin/true",
    "slow": "user=alice argv=/bin/sh -c { echo begun; exec sleep 1000 }",
    "environ": "user=alice argv=/bin/sh -c {env>/tmp/environ}",
    "deaf": "user=alice argv=/bin/sh -c {exec<&-;true}",
}
SAYS = """case $1 in
  soft) echo 4.7.1 wait for it; exit 1;;
  hard) echo 5.7.1 go away; exit 75;;
  good) echo 5.7.1 all is well; echo second; exit 0;;
  both) echo to stderr >&2; exit 65;;
  dead) kill -9 $$;;
  long) yes 1234567890 | head -n 2000; exit 70;;
esac
"""
MESSAGE = "Subject: %s\nFrom: joe@example.net\nMessage-Id: <%s@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n%s\n"


def master(name, attributes):
    return "%s unix - n n - - pipe\n  %s" % (name, attributes)


@pytest.fixture(scope="module")
def suite():
    main_cf = {"transport_maps": "inline:{%s}" % ", ".join("{%s.test = %s:Next.%s.Test}" % (n, n, n) for n in [*COMMANDS, "bad"]),
               "virtual_alias_maps": "inline:{ {first@alias.test = Any+Ext@macros.test} }", "virtual_alias_domains": "alias.test",
               "export_environment": "TZ MAIL_CONFIG LANG=C {WORDS=two words}", "slow_time_limit": "1s", "bounce_size_limit": "300",
               "final_destination_recipient_limit": "1", "macros_destination_recipient_limit": "1"}
    prepare = ["mkdir -p /var/root/inside /var/jail/inside; cp -L --parents /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*') /var/jail; chmod -R a+rX /var/root /var/jail"]
    with make(main_cf=main_cf, master=[master(*c) for c in COMMANDS.items()], files={"/etc/show": SHOW, "/etc/says": SAYS}, prepare=prepare) as s:
        yield s


def deliver(suite, name, recipients, body="Hello.", sender="Joe@Example.Net", count=None, header="", **options):
    """What pipe says of a message, when all is done that it leads to."""
    since = suite.log_size()
    recipients = [recipients] if isinstance(recipients, str) else recipients
    send(suite, sender, recipients, header + MESSAGE % (name, name, body), **options)
    suite.wait_status(since, count=count or len(recipients))
    lines = [line for line in masks.history(suite.log(since)).splitlines() if line.startswith("postfix/pipe: ")]
    suite.delete_all()
    return "".join(line + "\n" for line in lines)


def shown(suite, name):
    return masks.mask(suite.sh("cat /tmp/%s; rm /tmp/%s" % (name, name)))


@pytest.mark.parametrize("name, recipients", [
    ("each", ["one+a@each.test", "two@each.test", "three+b+c@each.test"]),
    ("folded", ["One+Ext@Folded.Test"]),
    ("heads", ["one@heads.test", "two@heads.test"]),
    ("final", ["One+Ext@Final.Test"]),
    ("ended", ["one@ended.test"]),
    ("octal", ["one@octal.test"]),
    ("group", ["one@group.test"]),
])
def test_what_the_command_gets(suite, name, recipients):
    said = deliver(suite, name, recipients, body="Hello.\nFrom here\n.\n.dot\n")
    golden("pipe_" + name, said + shown(suite, name))


def test_macros(suite):
    deliver(suite, "macros", "first@alias.test", mail="ENVID=a+2Bb")
    arguments = shown(suite, "macros").split("in /var")[0]
    golden("pipe_macros", re.sub(r"\[q\w+\]", "[q{qid}]", re.sub(r"\[z=\d+\]", "[z={n}]", arguments)))


def test_strange_addresses(suite):
    text = ""
    for name in ("quoted", "plain"):
        deliver(suite, name, ['"John Doe+x"@%s.test' % name, '"a\\"b"@%s.test' % name, '"a..b"@%s.test' % name], sender='"me too"@Example.Net')
        text += shown(suite, name)
    golden("pipe_strange_addresses", text)


def test_the_null_sender(suite):
    text = ""
    for name in ("null", "other", "empty"):
        deliver(suite, name, "one@%s.test" % name, sender="")
        text += shown(suite, name).split("Received")[0]
    golden("pipe_null_sender", text)


def test_environment(suite):
    """export_environment"""
    deliver(suite, "environ", "one@environ.test")
    lines = [line for line in sorted(shown(suite, "environ").splitlines()) if not line.startswith(("_=", "PWD=", "SHLVL=", "OLDPWD="))]
    golden("pipe_environ", "\n".join(lines))


def test_exit_status(suite):
    since = suite.log_size()
    statuses = [*range(64, 79), 1, 99]
    send(suite, "", ["one+%d@exit.test" % status for status in statuses], MESSAGE % ("exit", "exit", "Hello."))
    suite.wait_status(since, count=len(statuses))
    golden("pipe_exit", masks.history(suite.log(since)).split("\n\n")[1])
    suite.delete_all()


def test_what_the_command_says(suite):
    # What fits into a line of the log depends on the queue id.
    golden("pipe_says", "".join(deliver(suite, word, "one+%s@says.test" % word, sender="")[:300].strip() + "\n"
                                for word in ("soft", "hard", "good", "both", "long", "dead")))


def test_how_it_ends(suite):
    """small: size=; again: a loop; several: D with more than one recipient; slow: slow_time_limit."""
    text = ""
    for name in ("absent", "nowhere", "noroot", "rooted", "jailed", "slow", "quiet", "unknown", "unclosed", "nameless"):
        text += deliver(suite, name, "one@%s.test" % name, sender="")
    text += deliver(suite, "small", "one@small.test", sender="", body="x" * 400)
    text += deliver(suite, "again", "Again@Final.test", sender="", header="Delivered-To: again@final.test\n")
    text += deliver(suite, "several", ["one@several.test", "two@several.test"], sender="")
    text += deliver(suite, "deaf", "one@deaf.test", sender="", body="x\n" * 200000)
    golden("pipe_ends", text)


@pytest.mark.parametrize("name, word, wanted", [("quiet", "x", "SUCCESS"), ("says", "good", "SUCCESS"), ("says", "hard", "FAILURE"), ("exit", "67", "FAILURE")])
def test_notices(suite, name, word, wanted):
    since = suite.log_size()
    send(suite, "heidi@example.test", ["one+%s@%s.test" % (word, name)], MESSAGE % (name, name, "Hello."), rcpt="NOTIFY=" + wanted)
    suite.wait_status(since, count=2)
    notice = masks.mask(suite.messages("heidi")[-1].decode())
    suite.sh("rm /var/mail/heidi")
    golden("pipe_notice_%s_%s" % (name, word), notice[notice.index("The mail system") if "The mail system" in notice else 0:].split("Content-Description: ")[1])


def test_verification(suite):
    since = suite.log_size()
    suite.run("sendmail", "-bv", "-f", "heidi@example.test", "one@quiet.test")
    lines = suite.wait_log("(?m)postfix/pipe.*to=.*$", since=since)
    assert "status=deliverable (delivers to command: /bin/true)" in lines[0].group(0)
    suite.wait_queue_empty()


@pytest.mark.parametrize("attributes, complaint", [
    ("argv=/bin/true", "missing user= command-line attribute"),
    ("user=root argv=/bin/true", "user= command-line attribute specifies root privileges"),
    ("user=postfix argv=/bin/true", "user= command-line attribute specifies mail system owner postfix"),
    ("user=alice:postdrop argv=/bin/true", r"user= command-line attribute specifies mail system postdrop group id \d+"),
    ("user=alice flags=Z argv=/bin/true", r"unknown flag: Z \(ignored\)"),
])
def test_a_service_that_cannot_be(suite, attributes, complaint):
    suite.sh("postconf -M bad/unix='%s'; postfix reload 2>&1" % master("bad", attributes).replace("\n", ""))
    since = suite.log_size()
    send(suite, "", "one@bad.test")
    suite.wait_log(r"postfix/pipe\[\d+\]: fatal: %s$" % complaint, since=since)
    suite.sh("postsuper -d ALL >/dev/null 2>&1; postconf -MX bad/unix; postfix reload 2>&1")
