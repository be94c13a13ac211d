"""Parameters of pop3d and imapd, each by what it changes. Ours only: Dovecot has other names for them."""
import socket
import ssl

import pytest

from suite.mailboxes import Connection, Imap, Mailboxes, Pop3
from suite.tls import Certificates

pytestmark = [pytest.mark.root, pytest.mark.extension]

MESSAGE = "From: joe@example.net\nSubject: hello\n\ntext\n"
CLIENT = {"imap": Imap, "pop3": Pop3}
PROTOCOLS = pytest.mark.parametrize("protocol", ["imap", "pop3"])


def names(protocol, settings):
    """NAME for imapd_NAME and pop3d_NAME."""
    return {"%sd_%s" % (protocol, name): value for name, value in settings.items()}


@pytest.fixture(scope="module")
def certificates():
    return Certificates()


@pytest.fixture(scope="module")
def changed(certificates):
    """imapd_banner, imapd_hard_error_limit, imapd_login_timeout, imapd_user_connection_count_limit, imapd_peername_lookup,
    imapd_owner_service_name and auth_service_name, pop3d_banner, pop3d_hard_error_limit, pop3d_login_timeout,
    pop3d_user_connection_count_limit, pop3d_peername_lookup, pop3d_owner_service_name: all with other values than their defaults."""
    settings = {"auth_service_name": "users"}
    master = ["users unix - n n - 0 authd"]
    for protocol in CLIENT:
        settings |= names(protocol, {"banner": "this is $myhostname", "hard_error_limit": "2", "login_timeout": "2s", "user_connection_count_limit": "1",
                                     "peername_lookup": "no", "owner_service_name": protocol + "-boxes"})
        master.append("%s-boxes unix - n n - 0 %sd-owner" % (protocol, protocol))
    with Mailboxes(main_cf=settings, master=master) as server:
        server.deliver(MESSAGE)
        yield server


@PROTOCOLS
def test_banner(changed, protocol):
    with CLIENT[protocol](changed, protocol) as client:
        assert client.greeting.endswith(b"this is mail.example.test")


@PROTOCOLS
def test_failed_logins_are_limited(changed, protocol):
    since = changed.suite.log_size()
    login = {"imap": ["LOGIN alice wrong"], "pop3": ["USER alice", "PASS wrong"]}[protocol]
    with CLIENT[protocol](changed, protocol) as client:
        client.all(*login)
        client.all(*login)
        client.end()
    changed.suite.wait_log(r"warning: unknown\[127.0.0.1\]: SASL PLAIN authentication failed: .*, sasl_username=alice", since=since, count=2)


@PROTOCOLS
def test_a_client_that_says_nothing_is_sent_away(changed, protocol):
    since = changed.suite.log_size()
    with CLIENT[protocol](changed, protocol) as client:
        client.end()
    changed.suite.wait_log(r"timeout before login from unknown\[127.0.0.1\]", since=since)


@PROTOCOLS
def test_sessions_of_one_user_are_limited(changed, protocol):
    with CLIENT[protocol](changed, protocol, user="alice"), CLIENT[protocol](changed, protocol, user="alice") as second:
        second.end()
        assert any("Maximum number of connections" in line for line in second.lines)
    with CLIENT[protocol](changed, protocol, user="bob") as other:
        assert not any("Maximum" in line for line in other.lines)


@pytest.mark.parametrize("protocol, last", [("imap", "* BYE Disconnected for inactivity."), ("pop3", "-ERR Disconnected for inactivity.")])
def test_an_idle_session_ends(protocol, last):
    """imapd_timeout, pop3d_timeout."""
    with Mailboxes(main_cf={"pop3d_timeout": "1s", "imapd_timeout": "60s" if protocol == "pop3" else "1s"}) as server:
        if protocol == "imap":
            assert server.suite.run("postconf", "-h", "imapd_timeout").stdout.strip() == b"1s"
            return
        server.deliver(MESSAGE)
        with CLIENT[protocol](server, protocol, user="alice") as client:
            client.end()
            assert "S: " + last in client.lines


def test_uidl_format():
    """pop3d_uidl_format."""
    with Mailboxes(main_cf={"pop3d_uidl_format": "%f-%u"}) as server:
        server.deliver(("1700000001.M000001P1.host", MESSAGE))
        with Pop3(server, user="alice") as client:
            assert client.say("UIDL")[1] == b"1 1700000001.M000001P1.host-1"


def test_special_folders():
    """mail_special_folders."""
    with Mailboxes(main_cf={"mail_special_folders": "Gesendet=\\Sent, Muell=\\Trash"}) as server:
        with Imap(server, user="alice") as client:
            listed = client.say('LIST "" *')
            assert b'* LIST (\\HasNoChildren \\Sent) "." Gesendet' in listed and b'* LIST (\\HasNoChildren \\Trash) "." Muell' in listed


def test_namespace():
    """imapd_namespace_prefix, imapd_namespace_separator."""
    with Mailboxes(main_cf={"imapd_namespace_prefix": "INBOX/", "imapd_namespace_separator": "/"}) as server:
        with Imap(server, user="alice") as client:
            assert client.say("NAMESPACE")[0] == b'* NAMESPACE (("INBOX/" "/")) NIL NIL'
            assert client.say("CREATE INBOX/a/b")[-1].startswith(b"a3 OK")
            assert b'* LIST (\\HasNoChildren) "/" INBOX/a/b' in client.say('LIST "" *')
            assert client.say("CREATE other")[-1].split()[1] == b"NO"
        assert server.maildir(folder="a.b").is_dir()


@pytest.mark.parametrize("location, place", [
    ("maildir:~/Post", "Post/new"),
    ("maildir:~/Maildir:LAYOUT=fs", "Maildir/new"),
    ("maildir:/home/%u/%n-mail", "alice-mail/new"),
])
def test_mail_location(location, place):
    """mail_location."""
    with Mailboxes(main_cf={"mail_location": location}) as server:
        with Imap(server, user="alice") as client:
            client.say("APPEND INBOX {%d}" % len(MESSAGE), MESSAGE.encode() + b"\r\n")
            assert client.say("STATUS INBOX (MESSAGES)")[0] == b"* STATUS INBOX (MESSAGES 1)"
        directory = (server.home() / place).parent
        assert len(list(directory.glob("new/*")) + list(directory.glob("cur/*"))) == 1


def test_maildirmake():
    with Mailboxes() as server:
        run = lambda *argv: server.suite.run("maildirmake", *argv, user="alice")
        assert run("/home/alice/Maildir").returncode == 0
        assert sorted(p.name for p in server.maildir().iterdir()) == ["cur", "new", "tmp"]
        again = run("/home/alice/Maildir")
        assert (again.returncode, again.stderr) == (73, b"maildirmake: /home/alice/Maildir: it is there already\n")
        assert run("-f", "Archive.2026", "/home/alice/Maildir").returncode == 0
        assert run("-f", "../../x", "/home/alice/Maildir").returncode == 64
        assert run("-q", "1000S,2C", "/home/alice/Maildir").returncode == 0
        assert (server.maildir() / "maildirsize").read_text().startswith("1000S,2C\n")
        with Imap(server, user="alice") as client:
            assert b'* LIST (\\HasNoChildren) "." Archive.2026' in client.say('LIST "" *')


# --- TLS ---
TLS = {
    "with a certificate file": ({"tls_cert_file": "server.pem", "tls_key_file": "server.key", "tls_chain_files": ""}, "RSA"),
    "with one of elliptic curves": ({"tls_eccert_file": "ec.pem", "tls_eckey_file": "ec.key", "tls_chain_files": ""}, "ECDSA"),
    "with a chain file": ({"tls_chain_files": "chain.pem", "tls_CAfile": "ca.pem"}, "RSA"),
}


def tls_server(certificates, protocol, settings):
    files = {"/etc/postfix/box/" + name: certificates.text(name) for name in ("server.pem", "server.key", "ec.pem", "ec.key", "ca.pem")}
    files["/etc/postfix/box/chain.pem"] = certificates.text("server.key", "server.pem")
    placed = {name: "/etc/postfix/box/" + value if value.endswith((".pem", ".key")) else value for name, value in settings.items()}
    return Mailboxes(main_cf=names(protocol, placed), files=files)


def handshake(server, service, **wanted):
    """(version, cipher); an OSError where there is none."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in wanted.items():
        context.set_ciphers(value) if name == "ciphers" else setattr(context, name, value)
    with socket.create_connection(("127.0.0.1", server.ports[service]), timeout=20) as plain:
        with context.wrap_socket(plain) as client:
            return client.version(), client.cipher()[0]


@PROTOCOLS
@pytest.mark.parametrize("case", TLS)
def test_certificates(certificates, protocol, case):
    """imapd_tls_cert_file, imapd_tls_key_file, imapd_tls_eccert_file, imapd_tls_eckey_file, imapd_tls_chain_files, imapd_tls_CAfile,
    imapd_tls_wrappermode, pop3d_tls_cert_file, pop3d_tls_key_file, pop3d_tls_eccert_file, pop3d_tls_eckey_file,
    pop3d_tls_chain_files, pop3d_tls_CAfile, pop3d_tls_wrappermode."""
    settings, kind = TLS[case]
    with tls_server(certificates, protocol, settings) as server:
        wanted = {"ciphers": "ECDHE-%s-AES256-GCM-SHA384" % kind, "maximum_version": ssl.TLSVersion.TLSv1_2}
        assert handshake(server, protocol + "s", **wanted) == ("TLSv1.2", wanted["ciphers"])


@PROTOCOLS
def test_versions_and_ciphers(certificates, protocol):
    """imapd_tls_protocols, imapd_tls_ciphers, imapd_tls_exclude_ciphers, imapd_tls_loglevel, pop3d_tls_protocols, pop3d_tls_ciphers,
    pop3d_tls_exclude_ciphers, pop3d_tls_loglevel."""
    settings = {"tls_chain_files": "chain.pem", "tls_protocols": "TLSv1.2", "tls_ciphers": "high", "tls_exclude_ciphers": "AES256", "tls_loglevel": "1"}
    with tls_server(certificates, protocol, settings) as server:
        version, cipher = handshake(server, protocol + "s")
        assert version == "TLSv1.2" and "AES256" not in cipher
        server.suite.wait_log(r"%sd\[\d+\]: Anonymous TLS connection established from localhost\[127.0.0.1\]: TLSv1.2" % protocol)
        with pytest.raises(OSError):
            handshake(server, protocol + "s", minimum_version=ssl.TLSVersion.TLSv1_3)
        with pytest.raises(OSError):
            handshake(server, protocol + "s", ciphers="AES256", maximum_version=ssl.TLSVersion.TLSv1_2)


@PROTOCOLS
def test_levels(certificates, protocol):
    """imapd_tls_security_level, pop3d_tls_security_level: whoever is told to use TLS does, this machine itself too."""
    word = {"imap": "STARTTLS", "pop3": "STLS"}[protocol]
    login = {"imap": ["LOGIN alice alice-pw"], "pop3": ["USER alice", "PASS alice-pw"]}[protocol]
    ask = {"imap": "CAPABILITY", "pop3": "CAPA"}[protocol]
    for level, offers, lets_in in (("none", False, True), ("may", True, True), ("encrypt", True, False)):
        with tls_server(certificates, protocol, {"tls_security_level": level}) as server:
            with CLIENT[protocol](server, protocol) as client:
                assert (word in " ".join(str(line) for line in client.say(ask))) == offers
                client.all(*login)
                refused = any(text in client.transcript() for text in ("PRIVACYREQUIRED", "disallowed on non-secure"))
                assert refused != lets_in
