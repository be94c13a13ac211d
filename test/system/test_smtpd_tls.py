"""STARTTLS and wrapper mode in smtpd(8): what the client is told, what the log says, what stands in Received:, and what a wrong
configuration does. Each SMTP server has its settings in master.cf."""
import re
import socket
import ssl

import pytest

from suite import make, masks, tls
from suite.golden import golden
from suite.smtp import Client, Refused
from suite.tls import SETTINGS, TlsClient, certificates, context

pytestmark = pytest.mark.root

D = tls.DIRECTORY
EC = {"smtpd_tls_eccert_file": D + "/ec.pem", "smtpd_tls_eckey_file": D + "/ec.key"}
DEMANDED = {**SETTINGS, "smtpd_tls_security_level": "encrypt"}
QUIET = {**SETTINGS, "smtpd_tls_loglevel": "0", "smtpd_tls_received_header": "no"}
NO_CERTIFICATE = {"smtpd_tls_security_level": "may", "smtpd_tls_loglevel": "1"}
V = ssl.TLSVersion

# A good handshake: the service's settings and what the client wants.
GOOD = {
    "rsa": (SETTINGS, {}),
    "quiet": (QUIET, {}),
    "ecdsa": ({**SETTINGS, **EC}, {}),
    "chain": ({"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": "%s/chain.pem, %s/ec-chain.pem" % (D, D), "smtpd_tls_loglevel": "1"}, {}),
    "ask-none": ({**SETTINGS, "smtpd_tls_ask_ccert": "yes"}, {}),
    "ask-client": ({**SETTINGS, "smtpd_tls_ask_ccert": "yes"}, {"certificate": "client"}),
    "ask-ec": ({**SETTINGS, "smtpd_tls_ask_ccert": "yes"}, {"certificate": "ec"}),
    "ask-self": ({**SETTINGS, "smtpd_tls_ask_ccert": "yes"}, {"certificate": "self"}),
    "depth-0": ({**SETTINGS, "smtpd_tls_ask_ccert": "yes", "smtpd_tls_ccert_verifydepth": "0"}, {"certificate": "client"}),
    "ca-path": ({**SETTINGS, "smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": "", "smtpd_tls_CApath": D}, {"certificate": "client"}),
    "require": ({**DEMANDED, "smtpd_tls_req_ccert": "yes"}, {"certificate": "client"}),
    "require-may": ({**SETTINGS, "smtpd_tls_req_ccert": "yes"}, {}),
    "use": ({**SETTINGS, "smtpd_tls_security_level": "", "smtpd_use_tls": "yes"}, {}),
    "enforce": ({**SETTINGS, "smtpd_tls_security_level": "", "smtpd_enforce_tls": "yes"}, {}),
    "client-level": ({**SETTINGS, "smtpd_tls_security_level": "verify"}, {}),
    "tls12": (SETTINGS, {"highest": V.TLSv1_2}),
    "tls11": (SETTINGS, {"highest": V.TLSv1_1, "lowest": V.TLSv1}),
    "protocols": ({**SETTINGS, "smtpd_tls_protocols": "TLSv1.2"}, {}),
    "protocols-not": ({**SETTINGS, "smtpd_tls_protocols": "!TLSv1.3, !TLSv1.1"}, {}),
    "protocols-most": ({**SETTINGS, "smtpd_tls_protocols": ">=TLSv1, <=0303"}, {}),
    "mandatory": ({**DEMANDED, "smtpd_tls_mandatory_protocols": "<=TLSv1.2", "smtpd_tls_mandatory_ciphers": "high",
                   "smtpd_tls_mandatory_exclude_ciphers": "ECDHE"}, {"ciphers": "ECDHE-RSA-AES128-SHA:DHE-RSA-AES128-SHA"}),
    "exclude": ({**SETTINGS, "smtpd_tls_exclude_ciphers": "AES256, kEECDH"}, {"highest": V.TLSv1_2, "ciphers": "ECDHE-RSA-AES256-GCM-SHA384:AES256-SHA:AES128-SHA"}),
    "high": ({**SETTINGS, "smtpd_tls_ciphers": "high", "tls_high_cipherlist": "AES256-SHA"}, {"highest": V.TLSv1_2}),
    "medium": ({**SETTINGS, "tls_medium_cipherlist": "AES128-SHA"}, {"highest": V.TLSv1_2}),
    "null": ({**SETTINGS, "smtpd_tls_ciphers": "null", "tls_null_cipherlist": "AES128-SHA256"}, {"highest": V.TLSv1_2}),
    "own-order": ({**SETTINGS, "tls_preempt_cipherlist": "yes", "tls_medium_cipherlist": "AES128-SHA:AES256-SHA"}, {"highest": V.TLSv1_2, "ciphers": "AES256-SHA:AES128-SHA"}),
    "their-order": ({**SETTINGS, "tls_medium_cipherlist": "AES128-SHA:AES256-SHA"}, {"highest": V.TLSv1_2, "ciphers": "AES256-SHA:AES128-SHA"}),
    "curve": (SETTINGS, {"curve": "secp384r1"}),
    "auto-curve": ({**SETTINGS, "tls_eecdh_auto_curves": "secp384r1 no-such-curve", "tls_ffdhe_auto_groups": ""}, {}),
    "no-curve": ({**SETTINGS, "smtpd_tls_eecdh_grade": "none"}, {}),
    "strong-curve": ({**SETTINGS, "smtpd_tls_eecdh_grade": "strong", "tls_eecdh_strong_curve": "secp521r1", "tls_ffdhe_auto_groups": ""}, {}),
    "ultra-curve": ({**SETTINGS, "smtpd_tls_eecdh_grade": "ultra", "tls_eecdh_ultra_curve": "X448", "tls_ffdhe_auto_groups": ""}, {}),
    "dh-file": ({**SETTINGS, "smtpd_tls_dh1024_param_file": "/nothing"}, {"highest": V.TLSv1_2, "ciphers": "DHE-RSA-AES128-SHA"}),
    "option": ({**SETTINGS, "tls_ssl_options": "NO_TICKET NO-SUCH 0x20000", "tls_disable_workarounds": "TLSEXT_PADDING"}, {}),
    "dropped-ca": ({**SETTINGS, "smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": "", "tls_append_default_CA": "no"}, {"certificate": "client"}),
}
# Nothing good comes of these.
REFUSED = {
    "require-none": ({**DEMANDED, "smtpd_tls_req_ccert": "yes"}, {}),
    "require-self": ({**DEMANDED, "smtpd_tls_req_ccert": "yes"}, {"certificate": "self"}),
    "too-old": ({**SETTINGS, "smtpd_tls_protocols": ">=TLSv1.2"}, {"highest": V.TLSv1_1, "lowest": V.TLSv1}),
    "no-cipher": (SETTINGS, {"highest": V.TLSv1_2, "ciphers": "NULL-SHA256"}),
    "no-certificate": ({**NO_CERTIFICATE, "smtpd_tls_cert_file": "none"}, {}),
    "bad-grade": ({**SETTINGS, "smtpd_tls_ciphers": "foo"}, {}),
}
# The server says 454: it cannot.
BROKEN = {
    "nothing": NO_CERTIFICATE,
    "wrong-key": {**SETTINGS, "smtpd_tls_key_file": D + "/client.key"},
    "no-key": {**SETTINGS, "smtpd_tls_key_file": "/nothing"},
    "no-ec": {**SETTINGS, "smtpd_tls_eccert_file": "/nothing"},
    "no-dsa": {**SETTINGS, "smtpd_tls_dcert_file": "/nothing", "smtpd_tls_dkey_file": "/nothing"},
    "bad-protocols": {**SETTINGS, "smtpd_tls_protocols": "!Foo"},
    "bad-chain": {"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": D + "/bad-chain.pem"},
    "bad-digest": {**SETTINGS, "smtpd_tls_fingerprint_digest": "foo"},
    "no-authority": {**SETTINGS, "smtpd_tls_CAfile": "/nothing"},
}
WRAPPED = {"smtpd_tls_wrappermode": "yes"}
SERVICES = {
    **{"g-" + name: settings for name, (settings, _) in GOOD.items()},
    **{"r-" + name: settings for name, (settings, _) in REFUSED.items()},
    **{"b-" + name: settings for name, settings in BROKEN.items()},
    "demanded": DEMANDED,
    "wrapped": {**QUIET, **WRAPPED},
    "wrapped-broken": WRAPPED,
    "silent": {**SETTINGS, "smtpd_discard_ehlo_keywords": "starttls, silent-discard"},
    "hurried": {**SETTINGS, "smtpd_starttls_timeout": "1s"},
    "brief": {**SETTINGS, "smtpd_tls_session_cache_timeout": "0"},
    "rated": {**SETTINGS, "smtpd_client_new_tls_session_rate_limit": "1", "smtpd_client_event_limit_exceptions": ""},
    "renewed": {**QUIET, "smtpd_tls_cert_file": D + "/renewed.pem", "smtpd_tls_key_file": D + "/renewed.key"},
    "named": {**SETTINGS, "tls_server_sni_maps": "hash:/etc/postfix/tls/names"},
    "named-fail": {**SETTINGS, "tls_server_sni_maps": "fail:x"},
    "bad-level": {**SETTINGS, "smtpd_tls_security_level": "foo"},
}
MESSAGE = "Subject: x\nMessage-Id: <x@example.net>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nFrom: joe@example.net\n\nx\n"


@pytest.fixture(scope="module")
def suite():
    c = certificates()
    c.make("renewed", "old.example.test")
    files = {**c.files(), D + "/chain.pem": c.text("server.key", "server.pem", "ca.pem"), D + "/ec-chain.pem": c.text("ec.key", "ec.pem", "ca.pem"),
             D + "/bad-chain.pem": c.text("server.pem", "server.key")}
    pairs = {"a.example.org": "ec", ".a.example.org": "client", "b.example.org": "client"}
    files[D + "/names"] = "".join("%s %s/%s.key %s/%s.pem\n" % (name, D, pair, D, pair) for name, pair in pairs.items())
    files[D + "/names"] += "bad.example.org %s/client.key %s/ec.pem\n" % (D, D)
    # A directory of authorities is read when it is needed: in the chroot.
    files["/var/spool/postfix%s/%s.0" % (D, c.subject_hash("ca"))] = c.text("ca.pem")
    with make(services=SERVICES, files=files, prepare=["postmap -F hash:%s/names" % D]) as s:
        yield s


def session_log(suite, since):
    """smtpd's lines up to the end of the session, masked."""
    suite.wait_log(r"/smtpd\[\d+\]: disconnect from", since=since)
    # Not those of the service that cannot start.
    lines = [masks.session(masks.log_line(line)) for line in suite.log(since).splitlines() if "/smtpd[" in line and "Invalid TLS level" not in line]
    return tls.mask("\n".join(lines)) + "\n"


@pytest.mark.parametrize("name", GOOD)
def test_handshake(suite, name):
    since = suite.log_size()
    before = len(suite.messages("alice", 0))
    with TlsClient(suite.address("g-" + name), context(**GOOD[name][1])) as client:
        told = [client.plain_extensions, client.extensions, client.socket.version()]
        if name in ("option", "tls12"):
            told.append("ticket" if client.socket.session.has_ticket else "no ticket")
        queue_id = client.send("joe@example.net", "alice@example.test", MESSAGE)
    suite.wait_removed(queue_id)
    log = session_log(suite, since)
    message = masks.mask(suite.messages("alice", before + 1)[-1].decode())
    golden("smtpd_tls_" + name, "\n".join(told) + "\n\n" + log + "\n" + tls.mask(message[message.index("Received:"):message.index("Subject:")]))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(suite, name):
    since = suite.log_size()
    with pytest.raises((OSError, Refused)):
        with TlsClient(suite.address("r-" + name), context(**REFUSED[name][1])) as client:
            client.command("NOOP")
    golden("smtpd_tls_refused_" + name, session_log(suite, since))


@pytest.mark.parametrize("name", BROKEN)
def test_broken(suite, name):
    since = suite.log_size()
    with Client(suite.address("b-" + name)) as client:
        replies = [client.extensions, client.command("STARTTLS", want="4"), client.command("NOOP")]
    golden("smtpd_tls_broken_" + name, "\n".join(replies) + "\n\n" + session_log(suite, since))


def test_demanded(suite):
    since = suite.log_size()
    steps = ["HELO x", "MAIL FROM:<a@example.net>", "RCPT TO:<alice@example.test>", "DATA", "BDAT 1 LAST", "RSET", "AUTH PLAIN", "NOOP", "foo",
             "STARTTLS now", "STARTTLS"]
    with Client(suite.address("demanded")) as client:
        replies = [client.command(step, want="12345") for step in steps]
    replies.append("-- TLS")
    with TlsClient(suite.address("demanded")) as client:
        replies += [client.command(step, want="12345") for step in ["STARTTLS", "MAIL FROM:<a@example.net>", "RSET"]]
    suite.wait_log("disconnect from", count=2, since=since)
    golden("smtpd_tls_demanded", "\n".join(replies) + "\n\n" + session_log(suite, since))


def test_wrapped(suite):
    since = suite.log_size()
    with TlsClient(suite.address("wrapped"), wrapped=True) as client:
        assert client.greeting == "220 mail.example.test ESMTP Postfix"
        replies = [client.extensions, client.command("STARTTLS", want="5")]
        queue_id = client.send("joe@example.net", "bob@example.test", MESSAGE)
    suite.wait_removed(queue_id)
    assert b"with ESMTPS id" in suite.messages("bob", 1)[0]
    golden("smtpd_tls_wrapped", "\n".join(replies) + "\n\n" + session_log(suite, since))


def test_wrapped_broken(suite):
    since = suite.log_size()
    with pytest.raises(OSError):
        TlsClient(suite.address("wrapped-broken"), wrapped=True)
    golden("smtpd_tls_wrapped_broken", session_log(suite, since))


def test_not_offered(suite):
    with Client(suite.address("silent")) as client:
        assert "STARTTLS" not in client.extensions
        assert client.command("STARTTLS", want="5") == "502 5.5.1 Error: command not implemented"
    with Client(suite.smtp) as client:
        assert "STARTTLS" not in client.extensions
        assert client.command("STARTTLS", want="5") == "502 5.5.1 Error: command not implemented"


def test_transaction_is_forgotten(suite):
    with TlsClient(suite.address("g-rsa")) as client:
        pass
    with Client(suite.address("g-rsa")) as client:
        client.command("MAIL FROM:<joe@example.net>")
        client.command("RCPT TO:<alice@example.test>")
        client.command("STARTTLS")
        client.socket = context().wrap_socket(client.socket)
        client.file = client.socket.makefile("rb")
        assert client.command("DATA", want="5") == "503 5.5.1 Error: need RCPT command"


@pytest.mark.parametrize("bytes", [b"EHLO plain\r\n", b"\x16\x03\x01\x00\x05hello", b"", None], ids=["plaintext", "garbage", "end", "silence"])
def test_no_handshake(suite, bytes):
    suite.wait_log("disconnect from", count=len(re.findall("]: connect from", suite.log())))
    since = suite.log_size()
    with Client(suite.address("hurried")) as client:
        client.command("STARTTLS")
        if bytes is None:
            assert client.file.read() == b""
        elif bytes:
            client.socket.sendall(bytes)
            try:
                client.file.read()
            except ConnectionResetError:
                pass
        else:
            client.socket.shutdown(socket.SHUT_RDWR)
    golden("smtpd_tls_no_handshake_%s" % {b"EHLO plain\r\n": "plaintext", b"": "end", None: "silence"}.get(bytes, "garbage"), session_log(suite, since))


def session_of(suite, service, wanted, session):
    """Whether that session was resumed there, and the one that the client has now."""
    since = suite.log_size()
    with TlsClient(suite.address(service), wanted, session=session) as client:
        found = client.socket.session_reused, client.socket.session
    suite.wait_log("disconnect from", since=since)
    return found


@pytest.mark.parametrize("version", [V.TLSv1_2, V.TLSv1_3], ids=["1.2", "1.3"])
def test_resumption(suite, version):
    wanted = context(highest=version)
    first, session = session_of(suite, "g-rsa", wanted, None)
    since = suite.log_size()
    assert (first, session_of(suite, "g-rsa", wanted, session)[0]) == (False, True)
    golden("smtpd_tls_resumed_" + version.name, session_log(suite, since))


@pytest.mark.extension
@pytest.mark.parametrize("version", [V.TLSv1_2, V.TLSv1_3], ids=["1.2", "1.3"])
def test_tickets_of_a_service(suite, version):
    """A ticket of one service counts for no other, though certificate and key are the same (in Postfix from 3.12 on); and a lifetime of
    0 counts from master.cf too, which Postfix's tlsmgr does not read."""
    wanted = context(highest=version)
    assert not session_of(suite, "demanded", wanted, session_of(suite, "g-rsa", wanted, None)[1])[0]
    assert not session_of(suite, "brief", wanted, session_of(suite, "brief", wanted, None)[1])[0]


def test_new_session_rate(suite):
    # Those of before are over.
    suite.wait_log("disconnect from", count=len(re.findall("]: connect from", suite.log())))
    since = suite.log_size()
    address = suite.address("rated")
    with TlsClient(address):
        pass
    with Client(address) as client:
        client.command("STARTTLS")
        client.socket = context().wrap_socket(client.socket)
        client.file = client.socket.makefile("rb")
        replies = [client.reply()]
    with Client(address) as client:
        replies.append(client.command("STARTTLS", want="4"))
    suite.wait_log("disconnect from", count=3, since=since)
    golden("smtpd_tls_rate", "\n".join(replies) + "\n\n" + session_log(suite, since))


@pytest.mark.parametrize("size", [1, 7, 1000, 100000])
def test_records(suite, size):
    """A message in records of any size arrives as it is; commands may come many in a record."""
    body = "".join("%d %s\n" % (i, "x" * (i % 90)) for i in range(30 if size == 1 else 4000))
    user = {1: "carol", 7: "dave", 1000: "erin", 100000: "frank"}[size]
    with TlsClient(suite.address("g-rsa")) as client:
        text = ("MAIL FROM:<joe@example.net>\r\nRCPT TO:<%s@example.test>\r\nDATA\r\n" % user).encode()
        client.socket.sendall(text)
        assert [client.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
        data = ("Subject: y\r\n\r\n" + body.replace("\n", "\r\n") + ".\r\n").encode()
        for at in range(0, len(data), size):
            client.socket.sendall(data[at:at + size])
        queue_id = re.fullmatch(r"250 2.0.0 Ok: queued as (\S+)", client.reply()).group(1)
    suite.wait_removed(queue_id)
    assert suite.messages(user, 1)[0].decode().split("\n\n", 1)[1].rstrip("\n") == body.rstrip("\n")


def test_bad_level(suite):
    since = suite.log_size()
    connection = socket.create_connection(suite.address("bad-level"))
    assert suite.wait_log(r"smtpd\[\d+\]: (fatal: .*)$", since=since)[0].group(1) == 'fatal: Invalid TLS level "foo"'
    connection.close()


@pytest.mark.parametrize("name", [None, "mail.example.test", "a.example.org", "x.a.example.org", "B.example.org", "bad.example.org", "x y"])
def test_names(suite, name):
    """Each name has its certificate (SNI); whose has none gets the usual one."""
    since = suite.log_size()
    try:
        with TlsClient(suite.address("named"), server_name=name) as client:
            subject = re.search(rb"[\w.]+\.example\.(test|net)", client.socket.getpeercert(binary_form=True).split(b"Test CA")[-1]).group()
    except (OSError, ValueError):
        subject = b"no handshake"
    golden("smtpd_tls_named_%s" % name, subject.decode() + "\n\n" + session_log(suite, since))


def test_names_cannot_be_looked_up(suite):
    since = suite.log_size()
    with pytest.raises(OSError):
        TlsClient(suite.address("named-fail"), server_name="a.example.org")
    golden("smtpd_tls_named_fail", session_log(suite, since))


@pytest.mark.extension
def test_injected_command(suite):
    """What comes in plaintext behind STARTTLS ends the session; Postfix throws it away (doc/differences.md)."""
    since = suite.log_size()
    with Client(suite.address("g-rsa")) as client:
        client.socket.sendall(b"STARTTLS\r\nNOOP\r\n")
        assert client.reply() == "554 5.5.0 Error: SMTP protocol synchronization"
        assert client.file.read() == b""
    suite.wait_log(r"disconnect from localhost\[127.0.0.1\] ehlo=1 starttls=0/1 commands=1/2$", since=since)


@pytest.mark.extension
def test_other_protocol(suite):
    """A client that names another protocol (ALPN) is not a mail client."""
    with pytest.raises(OSError):
        TlsClient(suite.address("g-rsa"), context(alpn=["http/1.1"]))
    with TlsClient(suite.address("g-rsa"), context(alpn=["h2", "smtp"])) as client:
        assert client.socket.selected_alpn_protocol() == "smtp"


@pytest.mark.extension
def test_renewed_certificate(suite):
    """A new certificate counts for the next session, without a reload; a session that is there goes on."""
    def subject(client):
        return re.search(rb"(old|new)\.example\.test", client.socket.getpeercert(binary_form=True)).group()
    with TlsClient(suite.address("renewed")) as old:
        assert subject(old) == b"old.example.test"
        certificates().make("renewed", "new.example.test")
        for name in ("renewed.key", "renewed.pem"):
            suite.write(D + "/" + name, certificates().text(name))
        with TlsClient(suite.address("renewed")) as client:
            assert subject(client) == b"new.example.test"
        assert old.command("NOOP") == "250 2.0.0 Ok"
