"""Real clients, from Debian's packages, on Dovecot and on ours: afterwards the mailboxes have the same UIDs and flags."""
import re

import pytest

from suite.golden import golden
from suite.mail_clients import LocalMaildir, Person, alpine, certificate, fetchmail, imapflow, mbsync, offlineimap, state, utf7
from suite.mailboxes import Imap, Mailboxes

pytestmark = pytest.mark.root

WAY = ("Ärger", "Größe & Maß")
OUTER, INNER, OTHER = WAY[0], ".".join(WAY), "日本語"


def message(subject, body="A line.\n.\n..\nThe end.\n"):
    return "From: Joe <joe@example.net>\nTo: alice@example.test\nSubject: %s\nDate: Mon, 2 Jan 2023 10:00:00 +0100\nMessage-ID: <%s@example.net>\n\n%s" % (
        subject, subject.replace(" ", "-"), body)


LARGE = message("large", ("0123456789abcdef" * 4 + "\n") * (25 * 1000 * 1000 // 65))
THREE = [message(subject) for subject in ("first", "second", "third")]


@pytest.fixture(scope="module")
def server():
    with Mailboxes() as server:
        yield server


@pytest.fixture
def alice(server):
    server.wipe()
    server.deliver(*THREE)
    with Person() as person:
        yield person


# --- curl ---

def curl(alice, server, service, path, *options, code=0):
    trust = [] if service in ("imaps", "pop3s") else ["--ssl-reqd"]
    return alice.run("curl", "-sS", "--insecure", *trust, "--user", "alice:alice-pw", "--url", "%s://127.0.0.1:%d/%s" % (service, server.ports[service], path), *options, code=code)


def in_order(text):
    """Servers list mailboxes in the order that pleases them."""
    return re.sub(r"(?m)(?:^\* LIST .*\n)+", lambda m: "".join(sorted(m.group().splitlines(True))), text)


@pytest.mark.parametrize("service", ["imap", "imaps"])
def test_curl_imap(server, alice, service):
    said = ""

    def do(path, *options):
        nonlocal said
        said += "== %s %s\n%s" % (path, " ".join(o for o in options if not o.startswith(str(alice.home))), curl(alice, server, service, path, *options).replace("\r", ""))

    outer, inner = utf7(OUTER), utf7(INNER)
    for name in (outer, inner):
        do("", "-X", 'CREATE "%s"' % name)
    do("", "-X", 'SUBSCRIBE "%s"' % inner)
    do("")
    alice.write("one", message("uploaded").replace("\n", "\r\n"))
    path = inner.replace("&", "%26").replace(" ", "%20")
    do(path, "--upload-file", str(alice.home / "one"))
    do("INBOX;UID=2", "--login-options", "AUTH=PLAIN")
    do("INBOX;UID=2;SECTION=TEXT", "--login-options", "AUTH=CRAM-MD5")
    do("INBOX;MAILINDEX=3;SECTION=HEADER", "--login-options", "AUTH=LOGIN")
    do("INBOX?SUBJECT%20second")
    do("INBOX", "-X", "STORE 1:2 +FLAGS (\\Flagged $Label1)")
    do("INBOX", "-X", "UID FETCH 1:* (UID FLAGS)")
    do("INBOX", "-X", 'UID MOVE 2 "%s"' % outer)
    do("INBOX", "-X", "STORE 2 +FLAGS.SILENT \\Deleted")
    do("INBOX", "-X", "EXPUNGE")
    do("", "-X", 'RENAME "%s" Archive' % outer)
    do("", "-X", 'LIST "" "*"')
    golden("client_curl_imap", in_order(re.sub(r"COPYUID \d+", "COPYUID {n}", said)) + state(server))


def test_curl_with_25_megabytes(server, alice):
    sent = LARGE.replace("\n", "\r\n")
    curl(alice, server, "imaps", "INBOX", "-X", "NOOP")   # the three have their UIDs
    curl(alice, server, "imaps", "INBOX", "--upload-file", alice.write("large", sent))
    got = {curl(alice, server, "imaps", "INBOX;UID=4"), curl(alice, server, "pop3s", "4")}
    assert got == {sent}
    golden("client_curl_large", state(server))


@pytest.mark.parametrize("service", ["pop3", "pop3s"])
def test_curl_pop3(server, alice, service):
    said = ""
    for path, options in (("", ()), ("", ("-l", "--login-options", "AUTH=PLAIN")), ("2", ("--login-options", "AUTH=CRAM-MD5")), ("1%201", ("-X", "TOP")), ("2", ("-X", "DELE", "-I")), ("", ()),
                          ("", ("-X", "STAT", "-I"))):
        got = curl(alice, server, service, path, *options).replace("\r", "")
        said += "== %s %s\n%s" % (path, " ".join(options), re.sub(r"(?m)^(\d) \S{16}$", r"\1 {uidl}", got))
    golden("client_curl_pop3", said + state(server))


# --- those that keep a copy ---

def copies(server, near, sync):
    """The story of a person with a copy of all his mailboxes, who is offline between two calls of sync(). near(): a mailbox of the copy, by the
    names on the way to it."""
    text = ""

    def told(step):
        nonlocal text
        sync()
        text += "== %s\n%s-- near\n" % (step, state(server))
        text += "".join("%s\n%s" % (".".join(way), near(*way).state()) for way in places if near(*way).path.is_dir())

    places = [("INBOX",), WAY[:1], WAY, (OTHER,), ("Neu",)]
    told("downloaded")
    outer, inner, other = (near(*way).make() for way in places[1:4])
    inner.add(message("draft"), "FS")
    outer.add(message("kept"), "")
    other.add(message("not so large"), "S")
    told("uploaded into new mailboxes")
    inbox = near("INBOX")
    inbox.flag("first", "FS")
    inbox.flag("second", "R")
    inbox.move("third", inner)
    inner.flag("draft", "FST")
    told("flagged, moved and deleted")
    with Imap(server, user="alice") as client:
        client.all("CREATE Neu", "SELECT INBOX", "UID STORE 1 -FLAGS (\\Flagged)", "UID STORE 1 +FLAGS (own)", "UID MOVE 2 " + utf7(OTHER))
    server.deliver(("1700000009.M000009P1.host", message("fourth")))
    inbox.flag("first", "FRS")
    outer.add(message("fifth"), "S")
    told("both changed")
    before = state(server)
    sync()
    assert state(server) == before
    return text


@pytest.mark.parametrize("tls", ["IMAPS", "STARTTLS"])
def test_mbsync(server, alice, tls):
    near = {}
    golden("client_mbsync", copies(server, lambda *way: near.setdefault(way, LocalMaildir(alice.home / "near" / "/".join(map(utf7, way)))),
                                   lambda: mbsync(alice, server, tls)))


def test_offlineimap(server, alice):
    """Over TLS from the beginning: with STARTTLS its threads read past each other now and then, whichever the server is."""
    near = {}
    golden("client_offlineimap", copies(server, lambda *way: near.setdefault(way, LocalMaildir(alice.home / "near" / ".".join(way))),
                                        lambda: offlineimap(alice, server, "IMAPS")))


# --- imapflow ---

@pytest.mark.parametrize("service", ["imap", "imaps"])
def test_imapflow(server, alice, service):
    alice.write("large", LARGE.replace("\n", "\r\n"))
    alice.write("small", message("draft").replace("\n", "\r\n"))
    text = "== work\n" + imapflow(alice, server, service, "work") + state(server)
    with Imap(server, user="alice") as client:
        outer, inner = utf7(OUTER), utf7(INNER)
        client.all("SELECT INBOX", "UID STORE 3 -FLAGS (\\Answered)", "UID STORE 3 +FLAGS (\\Seen $Junk)", 'SELECT "%s"' % outer, "UID STORE 2 +FLAGS (\\Deleted)", "EXPUNGE", 'UID MOVE 1 "%s"' % inner,
                   'UNSUBSCRIBE "%s"' % inner, "CREATE Neu", "SUBSCRIBE Neu")
    server.deliver(("1700000009.M000009P1.host", message("fourth")))
    text += "== resync\n" + imapflow(alice, server, service, "resync")
    golden("client_imapflow", text + state(server))


# --- those that fetch ---

def subjects(texts):
    return [re.search(rb"(?m)^Subject: (.*?)\r?$", text).group(1).decode() for text in texts]


FETCHED = ["first", "second", "third"]


@pytest.mark.parametrize("service", ["pop3", "pop3s", "imap", "imaps"])
def test_fetchmail(server, alice, service):
    def fetch(code, *options):
        return subjects(fetchmail(alice, server, service, *options, code=code))

    assert fetch(0, "keep") == FETCHED
    assert fetch(1, "keep") == []   # POP3 tells by the UIDLs what is new, IMAP by \\Seen
    server.deliver(("1700000009.M000009P1.host", message("fourth")))
    assert fetch(0, "keep") == ["fourth"]
    text = state(server)
    assert fetch(0, "fetchall") == FETCHED + ["fourth"]
    golden("client_fetchmail_" + service[:4], text + state(server))


@pytest.mark.parametrize("service", ["pop3", "pop3s", "imap", "imaps"])
def test_getmail(server, alice, service):
    kind = {"pop3": "SimplePOP3Retriever", "pop3s": "SimplePOP3SSLRetriever", "imap": "SimpleIMAPRetriever", "imaps": "SimpleIMAPSSLRetriever"}[service]
    near = LocalMaildir(alice.home / "box").make()
    (alice.home / "getmail").mkdir()

    def fetch(**options):
        alice.write("getmail/getmailrc", """
[retriever]
type = %s
server = 127.0.0.1
port = %d
username = alice
password = alice-pw
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > %s/new/$$")
allow_root_commands = true
[options]
%s
""" % (kind, server.ports[service], near.path, "".join("%s = %s\n" % o for o in options.items())))
        said = alice.run("getmail", "--getmaildir", str(alice.home / "getmail"))
        got = subjects(f.read_bytes() for f in near.files())
        for f in near.files():
            f.unlink()
        return sorted(got), said

    assert fetch(read_all="false")[0] == FETCHED
    assert fetch(read_all="false")[0] == []
    server.deliver(("1700000009.M000009P1.host", message("fourth")))
    assert fetch(read_all="false")[0] == ["fourth"]
    text = state(server)
    assert fetch(delete="true")[0] == sorted(FETCHED + ["fourth"])
    golden("client_getmail_" + service[:4], text + state(server))


# --- mutt ---

@pytest.mark.parametrize("service", ["imap", "imaps"])
def test_mutt(server, alice, service):
    alice.write("muttrc", """
set folder="%s://alice@127.0.0.1:%d/" imap_pass=alice-pw spoolfile=+INBOX charset=utf-8
set ssl_starttls=%s ssl_verify_host=no ssl_force_tls=no certificate_file=~/certificate
set confirmappend=no confirmcreate=no delete=yes quit=yes move=no mark_old=no wait_key=no pipe_decode=no copy=no mail_check_stats=no sleep_time=0
set header_cache=~/headers message_cachedir=~/bodies imap_condstore=yes imap_qresync=%s
""" % (service, server.ports[service], "yes" if service == "imap" else "no", "yes"))
    alice.write("certificate", certificate(server))
    (alice.home / "headers").mkdir()
    text = ""

    def mutt(folder, keys):
        nonlocal text
        alice.on_terminal("mutt", "-F", str(alice.home / "muttrc"), "-f", folder, "-e", 'push "%s<sync-mailbox><quit>"' % keys)
        text += "== %s %s\n%s" % (folder, keys, state(server))

    def at(subject):
        return "<first-entry><search>~s %s<enter>" % subject

    mutt("+INBOX", at("first") + "<flag-message>" + at("second") + "<copy-message>+%s<enter>" % OUTER + at("third") + "<save-message>+%s<enter>" % INNER.replace(" ", "<quote-char> "))
    with Imap(server, user="alice") as client:
        client.all("SELECT INBOX", "UID STORE 1 -FLAGS (\\Flagged)", "UID STORE 1 +FLAGS (own \\Answered)", "UID STORE 2 +FLAGS (\\Deleted)", "EXPUNGE")
    server.deliver(*[("1700000009.M%06dP1.host" % n, message("later-%d" % n)) for n in (1, 2)])
    mutt("+INBOX", "<tag-pattern>~A<enter><tag-prefix><pipe-message>cat > seen<enter><tag-prefix><clear-flag>N<tag-prefix><set-flag>!" + at("later-1") + "<delete-message>")
    assert sorted(re.findall(r"(?m)^Subject: (.*)$", (alice.home / "seen").read_text())) == ["first", "later-1", "later-2"]
    mutt("+" + INNER, "<tag-pattern>~A<enter><tag-prefix><save-message>+INBOX<enter>")
    mutt("+" + OUTER, "<delete-pattern>~A<enter>")
    golden("client_mutt", text)


# --- alpine ---

@pytest.mark.parametrize("service", ["imap", "imaps"])
def test_alpine(server, alice, service):
    """Messages that are saved elsewhere are deleted; quitting removes what is."""
    outer, inner = utf7(OUTER), utf7(INNER)
    near = alice.write("near", "From joe@example.net Mon Jan  2 10:00:00 2023\n" + LARGE)
    text = ""

    def do(folder, keys, saves_to="INBOX"):
        nonlocal text
        alpine(alice, server, service, folder, keys, saves_to)
        text += "== %s %s\n%s" % (folder if folder != near else "a file", keys, state(server))

    do(near, "s,CR,y,q", saves_to=outer)
    do("INBOX", "*,*,n,d,n,s,CR,y,q", saves_to=inner)
    with Imap(server, user="alice") as client:
        client.all("SELECT INBOX", "UID STORE 1 -FLAGS (\\Flagged)", "UID STORE 1 +FLAGS (own \\Answered)", 'SELECT "%s"' % inner, "STORE 1 +FLAGS (\\Seen)")
    server.deliver(("1700000009.M000009P1.host", message("fourth")))
    do(inner, "s,CR,q", saves_to=outer)
    do("INBOX", "n,*,*,q")
    do(outer, 'n,d,p,e,"seen",CR,q')
    assert (alice.home / "seen").stat().st_size > 25 * 1000 * 1000
    do("INBOX", 'l,a,"Neu",CR,q')
    do("INBOX", 'l,w,"Neu",CR,r,"er",CR,q')
    do("INBOX", 'l,w,"Neuer",CR,d,y,q')
    golden("client_alpine", text)
