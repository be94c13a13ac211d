"""Mailboxes that Dovecot has made go on in ours, and back in Dovecot: UIDVALIDITY, UIDs, flags, keywords, subscriptions and POP3's
UIDLs stay, and clients that keep copies download nothing again."""
import re
import subprocess

import pytest

from suite import config, selected
from suite.mail_clients import Person, fetchmail, mbsync, utf7
from suite.mailboxes import Imap, Mailboxes, Pop3

pytestmark = [pytest.mark.root, pytest.mark.expensive, pytest.mark.skipif(selected() != "ours", reason="both servers run in it, whichever is selected")]

FLAGS = ["", "S", "FS", "RS", "DS"]   # no \Deleted: mbsync would expunge it
KEYWORDS = ["$Label1", "$Forwarded", "NonJunk", "own", "x-y"]
NAMES = ["Ärger", "Ärger{}Größe & Maß", "Ärger{}Größe & Maß{}unten", "日本語", "Sent", "Sent{}2023", "Leer{}Voll"]

# name: (whose Dovecot, its settings, ours, the separator, messages in each mailbox)
VARIANTS = {
    "2.4": ("trixie", "", {}, ".", 20),
    "2.4 fs": ("trixie", "mailbox_list_layout = fs", {"mail_location": "maildir:~/Maildir:LAYOUT=fs"}, "/", 20),
    "uidl decimal": ("trixie", "pop3_uidl_format = %{uidvalidity}.%{uid}", {"pop3d_uidl_format": "%v.%u"}, ".", 5),
    "uidl with text": ("bookworm", "pop3_uidl_format = UID%u-%v", {"pop3d_uidl_format": "UID%u-%v"}, ".", 5),
    "uidl of the file": ("bookworm", "pop3_uidl_format = %f", {"pop3d_uidl_format": "%f"}, ".", 5),
    "uidl saved": ("trixie", "pop3_save_uidl = yes\npop3_uidl_format = x%{uid}", {}, ".", 5),
}


def message(number):
    return "From: joe@example.net\nSubject: message %d\nDate: Mon, 2 Jan 2023 10:00:00 +0100\nMessage-ID: <%d@example.net>\n\n%s" % (
        number, number, "A line.\n" * (number % 7))


def fill(server, separator, count):
    """Mailboxes with messages, as Dovecot makes them: made, marked and subscribed to by a client, with gaps between UIDs."""
    names = [name.replace("{}", separator) for name in NAMES]
    with Imap(server, user="alice") as client:
        for name in names:
            assert b" OK" in client.say('CREATE "%s"' % utf7(name))[-1]
        for name in names[::2] + ["gone"]:
            client.say('SUBSCRIBE "%s"' % utf7(name))
        for n, name in enumerate(["INBOX", *names]):
            for i in range(count):
                text = message(n * 100 + i).replace("\n", "\r\n").encode()
                client.say('APPEND "%s" (%s) {%d}' % (utf7(name), " ".join(described(i + n)), len(text)), text + b"\r\n")
            client.all('SELECT "%s"' % utf7(name), "UID STORE 2,%d +FLAGS.SILENT (\\Deleted)" % (count - 1), "UID EXPUNGE 2,%d" % (count - 1))


def described(number):
    system = {"S": "\\Seen", "F": "\\Flagged", "R": "\\Answered", "D": "\\Draft"}
    keyword = KEYWORDS[number % 9] if number % 9 < len(KEYWORDS) else ""
    return [system[letter] for letter in FLAGS[number % len(FLAGS)]] + [keyword] * bool(keyword)


def facts(server):
    """All that a client has seen and may remember."""
    found = {}
    with Imap(server, user="alice") as client:
        found["subscriptions"] = sorted(client.say('LSUB "" *')[:-1])
        names = [re.match(rb'\* LIST \([^)]*\) "[^"]" (.*)$', line).group(1) for line in client.say('LIST "" *')[:-1] if b"\\Noselect" not in line]
        for name in sorted(names):
            status = client.say(b"STATUS " + name + b" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)")[0]
            client.say(b"EXAMINE " + name)
            rows = [re.match(rb"\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\) INTERNALDATE (\"[^\"]*\") RFC822.SIZE (\d+)\)$", line).groups()
                    for line in client.say("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)")[:-1]]
            found[name.strip(b'"')] = (re.search(rb"\(.*\)", status).group(), [(uid, sorted(set(flags.split()) - {b"\\Recent"}), date, size) for uid, flags, date, size in rows])
    with Pop3(server, user="alice") as client:
        found["pop3"] = client.say("UIDL"), client.say("LIST")[1:]
        client.say("QUIT")
    return found


def hand_over(source, target):
    """As when the machine is another: the user's files, with Dovecot's indexes."""
    target.wipe()
    subprocess.run(["cp", "-a", str(source.home() / "Maildir"), str(target.home())], check=True)
    owner = (target.home() / "Maildir").stat().st_uid
    assert owner == config.uid("alice")


def copied(person):
    return sorted(str(f) for f in (person.home / "near").rglob("*") if f.parent.name in ("cur", "new"))


def same(person, server, expected):
    """Nothing has changed for clients of every kind."""
    found = facts(server)
    for name in sorted({*expected, *found}, key=str):
        assert found.get(name) == expected.get(name), name
    before = copied(person)
    mbsync(person, server, "IMAPS")
    assert copied(person) == before
    assert fetchmail(person, server, "pop3", "keep", code=1) == []
    return found


@pytest.mark.parametrize("name", VARIANTS)
def test_from_dovecot_and_back(name, monkeypatch):
    debian, settings, main_cf, separator, count = VARIANTS[name]
    monkeypatch.setenv("MAIL_REFERENCE_SUITE", debian)
    saved = "save" in settings   # of messages that ours gets, Dovecot keeps no UIDL
    with Person() as person, Mailboxes(of="reference", users=("alice",), settings=settings) as dovecot, Mailboxes(of="ours", users=("alice",), main_cf=main_cf) as ours:
        fill(dovecot, separator, count)
        mbsync(person, dovecot, "IMAPS")
        assert len(fetchmail(person, dovecot, "pop3", "keep")) == count - 2
        kept = facts(dovecot)
        hand_over(dovecot, ours)
        same(person, ours, kept)
        # It goes on here: what ours has made stays what it is when it is Dovecot's again.
        with Imap(ours, user="alice") as client:
            client.all("SELECT INBOX", "UID STORE 3 +FLAGS (\\Answered brand-new)", "UID STORE 1 FLAGS ()", "UID COPY 3:4 Sent", "UID MOVE 5 " + utf7("日本語"), "CREATE Neu", "SUBSCRIBE Neu",
                       "UNSUBSCRIBE gone", "UID STORE 1 +FLAGS (\\Deleted)", "UID EXPUNGE 1")
        if not saved:
            ours.deliver(("1700000009.M000009P1.host", message(9999)))
        mbsync(person, ours, "IMAPS")
        assert len(fetchmail(person, ours, "pop3", "keep", code=1 if saved else 0)) == (0 if saved else 1)
        kept = facts(ours)
        hand_over(ours, dovecot)
        same(person, dovecot, kept)
