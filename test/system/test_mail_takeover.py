"""Mailboxes that Dovecot or Courier has made go on in ours, and back where they came from: UIDVALIDITY, UIDs, flags, keywords,
subscriptions and POP3's UIDLs stay, and clients that keep copies download nothing again."""
import calendar
import imaplib
import re
import subprocess
import time
from dataclasses import dataclass, field

import pytest

from suite import config, selected
from suite.courier import Courier
from suite.mail_clients import Person, fetchmail, mbsync, offlineimap, utf7
from suite.mailboxes import Imap, Mailboxes, Pop3

pytestmark = [pytest.mark.root, pytest.mark.expensive, pytest.mark.skipif(selected() != "ours", reason="both servers run in it, whichever is selected")]

FLAGS = ["", "S", "FS", "RS", "DS"]   # no \Deleted: mbsync would expunge it
KEYWORDS = ["$Label1", "$Forwarded", "NonJunk", "own", "x-y"] + ["k%d" % i for i in range(27)]   # more than there are letters
NAMES = ["Ärger", "Ärger{}Größe & Maß", "Ärger{}Größe & Maß{}unten", "日本語", "Sent", "Sent{}2023", "Leer{}Voll"]
ARCHIVE = "Archiv"   # a large one, of which clients keep no copy
MANY = 49            # mailboxes beside INBOX


@dataclass
class Variant:
    debian: str = "trixie"             # whose Dovecot
    settings: str = ""                 # its own, and ours, which mean the same
    ours: dict = field(default_factory=dict)
    separator: str = "."
    disk: object = utf7                # a mailbox's name as its directory has it
    keywords: int = 26                 # Dovecot has the others in its index only
    mailboxes: int = len(NAMES)
    messages: int = 5                  # of each, beside two that a client has appended
    archive: int = 0                   # of one more
    prefix: str = ""


def as_it_is(name):
    return name


FS = {"mail_location": "maildir:~/Maildir:LAYOUT=fs"}
UTF8 = {"mail_location": "maildir:~/Maildir:UTF-8"}
COURIER = Variant(ours={**UTF8, "imapd_namespace_prefix": "INBOX.", "pop3d_uidl_format": "UID%u-%v"}, disk=as_it_is, keywords=len(KEYWORDS), mailboxes=MANY, messages=50, archive=7500, prefix="INBOX.")
VARIANTS = {
    "2.4": Variant(messages=20),
    "2.4 fs, uidl decimal": Variant(settings="mailbox_list_layout = fs\npop3_uidl_format = %{uidvalidity}.%{uid}", ours={**FS, "pop3d_uidl_format": "%v.%u"}, separator="/"),
    "2.4 names in UTF-8": Variant(settings="mailbox_list_utf8 = yes", ours=UTF8, disk=as_it_is),
    "2.4 uidl saved": Variant(settings="pop3_save_uidl = yes\npop3_uidl_format = x%{uid}"),
    "2.3": Variant("bookworm", mailboxes=MANY, messages=50, archive=7500),
    "2.3 fs, uidl of the file": Variant("bookworm", "mail_location = maildir:~/Maildir:LAYOUT=fs\npop3_uidl_format = %f", {**FS, "pop3d_uidl_format": "%f"}, "/"),
    "2.3 names in UTF-8, uidl with text": Variant("bookworm", "mail_location = maildir:~/Maildir:UTF-8\npop3_uidl_format = UID%u-%v", {**UTF8, "pop3d_uidl_format": "UID%u-%v"}, disk=as_it_is),
}


def message(number):
    return "From: joe@example.net\nSubject: message %d\nDate: Mon, 2 Jan 2023 10:00:00 +0100\nMessage-ID: <%d@example.net>\n\n%s" % (
        number, number, "A line.\n" * (number % 7))


def names_of(variant):
    names = [name.replace("{}", variant.separator) for name in NAMES]
    names += [ARCHIVE] * bool(variant.archive)
    return names + ["Box%02d" % i for i in range(variant.mailboxes - len(names))]


def directory(server, variant, name):
    below = variant.disk(name)
    return server.maildir() / ("" if name == "INBOX" else below if variant.separator == "/" else "." + below)


def plant(server, variant, name, first, count):
    """Messages as delivery agents and clients have left them."""
    there = directory(server, variant, name) / "cur"
    for i in range(count):
        server.put(there / ("%d.M%dP1.host:2,%s" % (1600000000 + i, first + i, FLAGS[i % len(FLAGS)])), message(first + i))


def fill(server, variant):
    """Mailboxes with messages, as the server makes them: made, marked and subscribed to by a client, with gaps between UIDs."""
    names = names_of(variant)
    keywords = KEYWORDS[:variant.keywords]
    with Imap(server, user="alice") as client:
        for name in names:
            assert b" OK" in client.say('CREATE "%s"' % utf7(variant.prefix + name))[-1]
        for name in names[::2] + ["gone"]:
            client.say('SUBSCRIBE "%s"' % utf7(variant.prefix + name))
        for n, name in enumerate(["INBOX", *names]):
            planted = variant.archive if name == ARCHIVE else variant.messages
            plant(server, variant, name, n * 10000, planted)
            count = planted + 2
            shown = utf7(name if name == "INBOX" else variant.prefix + name)
            client.say('SELECT "%s"' % shown)
            for i in range(2):
                text = message(n * 10000 + planted + i).replace("\n", "\r\n").encode()
                client.say('APPEND "%s" (\\Flagged %s) {%d}' % (shown, keywords[i], len(text)), text + b"\r\n")
            client.all("NOOP", "UID STORE 1 +FLAGS.SILENT (%s)" % " ".join(keywords if n < 3 else keywords[:3]))
            for i, keyword in enumerate(keywords if n < 3 else keywords[:5], 2):
                client.say("UID STORE %s +FLAGS.SILENT (%s)" % (",".join(map(str, range(i, count + 1, 17))) or 1, keyword))
            client.all("UID STORE 2,%d +FLAGS.SILENT (\\Deleted)" % (count - 1), "UID EXPUNGE 2,%d" % (count - 1))


def facts(server, order=True):
    """All that a client has seen and may remember. Without order: POP3's messages by their UIDLs."""
    found = {}
    with Imap(server, user="alice") as client:
        listed = {what: sorted(re.match(rb'\* \w+ \([^)]*\) "[^"]" (.*)$', line).group(1).strip(b'"') for line in client.say('%s "" *' % what)[:-1]
                               if b"\\noselect" not in line.lower()) for what in ("LSUB", "LIST")}
        found["subscriptions"] = listed["LSUB"]
        for name in listed["LIST"]:
            status = client.say(b'STATUS "' + name + b'" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)')[0]
            client.say(b'EXAMINE "' + name + b'"')
            rows = [message_facts(line) for line in client.say("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)")[:-1] if b"FETCH" in line]
            found[name] = (sorted(re.findall(rb"[A-Z]+ \d+", status)), rows)
    with Pop3(server, user="alice") as client:
        uidls, sizes = ([line.split(b" ")[1] for line in client.say(command)[1:-1]] for command in ("UIDL", "LIST"))
        found["pop3"] = list(zip(uidls, sizes)) if order else sorted(zip(uidls, sizes))
        client.say("QUIT")
    return found


def message_facts(line):
    uid, flags, size = (re.search(pattern, line).group(1) for pattern in (rb"UID (\d+)", rb"FLAGS \(([^)]*)\)", rb"RFC822.SIZE (\d+)"))
    return uid, sorted(set(flags.split()) - {b"\\Recent"}), calendar.timegm(imaplib.Internaldate2tuple(re.search(rb"INTERNALDATE \"[^\"]*\"", line).group())), size


def hand_over(source, target):
    """As when the machine is another: the user's files, with the indexes."""
    target.wipe()
    subprocess.run(["cp", "-a", str(source.home() / "Maildir"), str(target.home())], check=True)
    owner = (target.home() / "Maildir").stat().st_uid
    assert owner == config.uid("alice")


class Clients:
    """One who keeps copies with programs of every kind: two of IMAP, one of POP3 that leaves mail on the server."""

    def __init__(self, person, variant):
        self.person = person
        self.small = "* !*" + ARCHIVE
        # The one that is written in Python is slow.
        self.few = ["INBOX"] + [variant.prefix + name for name in names_of(variant)[:5]]

    def fetch(self, server):
        """What POP3 brings."""
        tls = "IMAPS" if server.has_tls else "None"
        mbsync(self.person, server, tls, self.small)
        offlineimap(self.person, server, tls, "near-too", self.few)
        return fetchmail(self.person, server, "pop3", "keep", code=(0, 1))   # 1: nothing

    def copies(self):
        """By their names without flags."""
        return sorted(str(f.parent.parent / f.name).partition(":2,")[0] for d in ("near", "near-too") for f in (self.person.home / d).rglob("*") if f.parent.name in ("cur", "new"))

    def have_all(self, server):
        before = self.copies()
        assert self.fetch(server) == []
        assert self.copies() == before


def same(found, expected):
    for name in sorted({*expected, *found}, key=str):
        assert found.get(name) == expected.get(name), name


def go_on(server, variant):
    """What ours makes of it stays what it is when it goes back."""
    names = {name: utf7(variant.prefix + name) for name in ("Sent", "日本語", "Neu", "gone")}
    with Imap(server, user="alice") as client:
        for reply in client.all("SELECT INBOX", "UID STORE 3 +FLAGS (\\Answered)", "UID STORE 1 FLAGS ()", "UID COPY 3:4 " + names["Sent"], "UID MOVE 5 " + names["日本語"],
                                "CREATE " + names["Neu"], "SUBSCRIBE " + names["Neu"], "UNSUBSCRIBE " + names["gone"], "UID STORE 1 +FLAGS (\\Deleted)", "UID EXPUNGE 1"):
            assert b" OK" in reply[-1], reply


def later(server):
    server.deliver(("1700000009.M000009P1.host", message(9999)))


@pytest.mark.parametrize("name", VARIANTS)
def test_from_dovecot_and_back(name, monkeypatch):
    variant = VARIANTS[name]
    monkeypatch.setenv("MAIL_REFERENCE_SUITE", variant.debian)
    saved = "save" in variant.settings   # of messages that ours gets, Dovecot keeps no UIDL
    with Person() as person, Mailboxes(of="reference", users=("alice",), settings=variant.settings) as dovecot, \
            Mailboxes(of="ours", users=("alice",), main_cf=variant.ours) as ours:
        clients = Clients(person, variant)
        fill(dovecot, variant)
        assert len(clients.fetch(dovecot)) == variant.messages
        kept = facts(dovecot)
        hand_over(dovecot, ours)
        same(facts(ours), kept)
        clients.have_all(ours)
        go_on(ours, variant)
        if not saved:
            later(ours)
        assert len(clients.fetch(ours)) == (0 if saved else 1)
        kept = facts(ours)
        hand_over(ours, dovecot)
        same(facts(dovecot), kept)
        clients.have_all(dovecot)


def test_more_keywords_than_dovecot_takes_back():
    """Beyond 26, Dovecot has keywords in its own index, and ours in a file that Dovecot does not know."""
    variant = Variant()
    with Mailboxes(of="reference", users=("alice",)) as dovecot, Mailboxes(of="ours", users=("alice",)) as ours:
        fill(dovecot, variant)
        with Imap(dovecot, user="alice") as client:
            client.all("SELECT INBOX", "UID STORE 3 FLAGS (k0 beyond)")
        hand_over(dovecot, ours)

        def flags(server):
            return dict((int(row[0]), row[1]) for row in facts(server)[b"INBOX"][1])[3]
        assert flags(ours) == [b"k0"]
        with Imap(ours, user="alice") as client:
            assert b" OK" in client.all("SELECT INBOX", "UID STORE 3 +FLAGS (k25 k26)")[-1][-1]
        assert flags(ours) == [b"k0", b"k25", b"k26"]
        hand_over(ours, dovecot)
        assert flags(dovecot) == [b"beyond", b"k0"]   # its index has come back, too


# --- Courier ---

def test_from_courier_and_back():
    variant = COURIER
    with Person() as person, Courier() as courier, Mailboxes(of="ours", users=("alice",), main_cf=variant.ours) as ours:
        clients = Clients(person, variant)
        fill(courier, variant)
        assert len(clients.fetch(courier)) == variant.messages
        with Imap(courier, user="alice") as client:   # POP3's list has the files by names that they no longer have
            client.all("SELECT INBOX", "UID STORE 3:5 +FLAGS (\\Flagged changed-later)", "UID STORE 6:7 -FLAGS (\\Seen)", "UID STORE 8 FLAGS ()")
        known = facts(courier, order=False)
        assert len({flag for _, rows in (v for k, v in known.items() if k == b"INBOX") for row in rows for flag in row[1] if not flag.startswith(b"\\")}) == len(KEYWORDS) + 1
        hand_over(courier, ours)
        same(facts(ours, order=False), known)
        clients.have_all(ours)
        go_on(ours, variant)
        later(ours)
        assert len(clients.fetch(ours)) == 1
        kept = facts(ours, order=False)
        written = ours.suite.run("maildir2courier", user="alice")
        assert (written.returncode, written.stdout, written.stderr) == (0, b"", b"")
        hand_over(ours, courier)
        same(facts(courier, order=False), kept)
        clients.have_all(courier)
        # Courier goes on where ours left off.
        courier.deliver(("1700000010.M000010P1.host", message(9998)))
        before = clients.copies()
        assert [b"message 9998" in text for text in clients.fetch(courier)] == [True]
        assert len(clients.copies()) == len(before) + 2


def test_files_that_courier_reads():
    """What is in them by rights and otherwise, as Courier takes it and as ours does."""
    now = int(time.time()) // 300
    names = ["10000000%02d.M1P1.host" % i for i in range(12)]
    keywords = {
        ":list": "one\nTwo words\nthree\n\n" + "".join("%s:%s\n" % row for row in zip(names, ["0 1", "2", "7", "", "0 x 1", "0", "0", "0", "0", "0"])),
        names[5]: "plain\nONE\n\nnot-read\n", ".%d.%s" % (now, names[5]): "before\n",
        ".%d.%s" % (now - 1, names[6]): "earlier\n", ".%d.%s" % (now, names[6]): "later\n",
        names[7]: "", names[8]: "\\Seen\na%b(c)*\"]{", names[9] + ":2,S": "no-message\n", names[11]: "no-newline"}
    uidls = "/3 40 1700000000\n" + "".join("%s:2, %s\n" % row for row in zip(names, [
        "18 1:1700000000:0", "18 2:5:0", "18 0:0:0", "18 4:0:0", "18 xx", "18 6:1700000000", "18 7:8:9"])) + "%s:2,S 18 20:1700000000:0\n%s 18 21:1700000000:0\n%s:2, 18 22:1700000000:0\n" % (names[7], names[1], names[0])
    with Courier() as courier, Mailboxes(of="ours", users=("alice",), main_cf=COURIER.ours) as ours:
        courier.deliver(*((name + ":2,", "Subject: x\n\n%02d\n" % i) for i, name in enumerate(names)), to="cur")
        for name, text in keywords.items():
            courier.put(courier.maildir() / "courierimapkeywords" / name, text)
        courier.put(courier.maildir() / "courierpop3dsizelist", uidls)
        hand_over(courier, ours)
        theirs, found = facts(courier), facts(ours)
        assert [row[:2] for row in found[b"INBOX"][1]] == [row[:2] for row in theirs[b"INBOX"][1]]
        told = [uidl for uidl, _ in theirs["pop3"]]
        assert told[:8] == [b"UID22-1700000000", b"UID2-5", names[2].encode(), b"UID4", told[4], b"UID6-1700000000", b"UID7-8", b"UID20-1700000000"]
        told[4] = None   # Courier and ours each give their own
        assert [None if i == 4 else uidl for i, (uidl, _) in enumerate(found["pop3"][:8])] == told[:8]


def test_courier_for_pop3_alone():
    """Without IMAP there are no UIDs yet."""
    with Courier() as courier, Mailboxes(of="ours", users=("alice",)) as ours:
        courier.deliver(*(("17000000%02d.M1P1.host" % i, message(i)) for i in (3, 1, 2)))
        with Pop3(courier, user="alice") as client:
            told = client.say("UIDL")[1:-1], client.say("LIST")[1:-1]
            client.say("QUIT")
        courier.deliver(("1700000009.M1P1.host", message(9)))
        hand_over(courier, ours)
        with Pop3(ours, user="alice") as client:
            found = client.say("UIDL")[1:-1], client.say("LIST")[1:-1]
        assert len(found[0]) == 4
        assert (found[0][:3], found[1][:3]) == told


def test_maildir2courier():
    """What it says where it cannot do its work."""
    with Mailboxes(of="ours", users=("alice",), main_cf=UTF8) as ours:
        ours.deliver(("1700000001.M1P1.host", message(1)), ("1700000002.M1P1.host", message(2)))

        def run(*argv, user="alice"):
            done = ours.suite.run("maildir2courier", *argv, user=user)
            return done.returncode, done.stderr
        lost = b"maildir2courier: INBOX: 2 of 2 messages will have another unique id: pop3d_uidl_format is not UID%u-%v\n"
        assert run() == run("/home/alice/Maildir") == (0, lost)
        assert run(user=None) == (77, b"maildir2courier: to be run by the owner of the mailboxes\n")
        assert run("/tmp") == (66, b"maildir2courier: /tmp is no Maildir\n")
        assert run("-x")[0] == run("a", "b")[0] == 64
        assert (ours.maildir() / "courierpop3dsizelist").read_text().startswith("/3 1 ")
