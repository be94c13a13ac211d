"""TLS sessions that are resumed: by tickets whose keys the processes of a service share through tlsmgr(8), and, for the client, from
the cache that it keeps."""
import re
import socket
import ssl

import pytest

from suite import make, tls
from suite.base import free_port
from suite.smtp import Sink
from suite.tls import SETTINGS, TlsClient, certificates, context, server_context

pytestmark = pytest.mark.root

V = ssl.TLSVersion
VERSIONS = pytest.mark.parametrize("version", [V.TLSv1_2, V.TLSv1_3], ids=["1.2", "1.3"])
D = tls.DIRECTORY
PAIR = free_port()
# Two clients at a time, each in a process of its own.
MASTER = ["127.0.0.1:%d inet n - y - 2 smtpd %s" % (PAIR, " ".join("-o %s=%s" % pair for pair in SETTINGS.items()))]
SERVICES = {
    "one": {**SETTINGS, "smtpd_tls_loglevel": "2"},
    "two": SETTINGS,
    "asking": {**SETTINGS, "smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": D + "/clients.pem"},
}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"smtpd_tls_session_cache_database": "btree:${data_directory}/smtpd_scache"}, services=SERVICES, master=MASTER,
              files={**certificates().files(), D + "/clients.pem": certificates().text("ca.pem")}) as s:
        yield s


def session_of(suite, address, wanted, session=None):
    """Whether that session was resumed there, and the one that the client has now."""
    since = suite.log_size()
    with TlsClient(address, wanted, session=session) as client:
        found = client.socket.session_reused, client.socket.session
    suite.wait_log("disconnect from", since=since)
    return found


def process(suite, since):
    """The id of the process that has served the one session since then."""
    return suite.wait_log(r"smtpd\[(\d+)\]: connect from", since=since)[0].group(1)


@VERSIONS
def test_another_process(suite, version):
    wanted, since = context(highest=version), suite.log_size()
    with TlsClient(("127.0.0.1", PAIR), wanted) as first:
        pid, since = process(suite, since), suite.log_size()
        with TlsClient(("127.0.0.1", PAIR), wanted, session=first.socket.session) as second:
            assert process(suite, since) != pid
            assert second.socket.session_reused


@VERSIONS
def test_log(suite, version):
    """At level 2 the log says that a session is resumed."""
    wanted = context(highest=version)
    _, session = session_of(suite, suite.address("one"), wanted)
    since = suite.log_size()
    assert session_of(suite, suite.address("one"), wanted, session)[0]
    assert re.search(r"smtpd\[\d+\]: localhost\[127\.0\.0\.1\]: Reusing old session \(RFC 5077 session ticket\)$", suite.log(since), re.M)
    session = session_of(suite, suite.address("two"), wanted)[1]
    since = suite.log_size()
    assert session_of(suite, suite.address("two"), wanted, session)[0]
    assert "Reusing" not in suite.log(since)


@pytest.mark.extension
@VERSIONS
def test_another_service(suite, version):
    """A ticket counts for its service alone, though certificate and key are the same (in Postfix from 3.12 on)."""
    wanted = context(highest=version)
    _, session = session_of(suite, suite.address("one"), wanted)
    assert not session_of(suite, suite.address("two"), wanted, session)[0]
    assert session_of(suite, suite.address("one"), wanted, session)[0]


@pytest.mark.extension
@VERSIONS
def test_other_authorities(suite, version):
    """When the authorities for clients change, nobody goes on with what the old ones vouched for (Postfix heeds them after a reload)."""
    wanted = context(highest=version, certificate="client")
    suite.write(D + "/clients.pem", certificates().text("ca.pem"))
    since = suite.log_size()
    _, session = session_of(suite, suite.address("asking"), wanted)
    assert session_of(suite, suite.address("asking"), wanted, session)[0]
    assert len(re.findall(r": Trusted TLS connection established from", suite.log(since))) == 2
    suite.write(D + "/clients.pem", certificates().text("self.pem"))
    since = suite.log_size()
    assert not session_of(suite, suite.address("asking"), wanted, session)[0]
    assert ": Untrusted TLS connection established from" in suite.log(since)


@pytest.mark.parametrize("cipher, resumes", [("aes-128-cbc", True), ("aes-256-gcm", False), ("", False)])
def test_ticket_cipher(cipher, resumes):
    with make(main_cf={**SETTINGS, "tls_session_ticket_cipher": cipher}, files=certificates().files()) as suite:
        wanted = context()
        _, session = session_of(suite, suite.address("smtp"), wanted)
        assert session_of(suite, suite.address("smtp"), wanted, session)[0] == resumes
        warned = "warning: tls_session_ticket_cipher: invalid value: aes-256-gcm; session tickets disabled" in suite.log()
        assert warned == (cipher == "aes-256-gcm")


@VERSIONS
def test_reload(suite, version):
    """The keys are in memory only: after a reload handshakes are made in full."""
    wanted = context(highest=version)
    _, session = session_of(suite, suite.address("one"), wanted)
    pid = re.findall(r"smtpd\[(\d+)\]: connect from", suite.log())[-1]
    since = suite.log_size()
    suite.run("postfix", "reload")
    suite.wait_log("reload -- version", since=since)
    while True:
        since = suite.log_size()
        is_resumed, _ = session_of(suite, suite.address("one"), wanted, session)
        if process(suite, since) != pid:
            break
    assert not is_resumed
    session = session_of(suite, suite.address("one"), wanted)[1]
    assert session_of(suite, suite.address("one"), wanted, session)[0]


@pytest.mark.extension
def test_without_tlsmgr():
    """Where nobody has keys, handshakes are made in full, with a warning now and then, and mail goes on. In Postfix clients wait for it in vain."""
    sink = Sink(tls=server_context())
    main_cf = {**SETTINGS, "relayhost": sink.nexthop, "notify_classes": "", "smtp_tls_security_level": "encrypt",
               "smtp_tls_session_cache_database": "btree:${data_directory}/smtp_scache"}
    with make(main_cf=main_cf, files=certificates().files(), prepare=["postconf -MX tlsmgr/unix"]) as suite:
        wanted, session = context(), None
        for _ in range(2):
            is_resumed, session = session_of(suite, suite.address("smtp"), wanted, session)
            assert not is_resumed
        with TlsClient(suite.address("smtp"), wanted) as client:
            queue_id = client.send("joe@example.net", "x@remote.example", "Subject: x\n\nx\n")
        suite.wait_removed(queue_id)
        log = suite.log()
        assert len(re.findall(r"smtpd\[\d+\]: warning: no keys for TLS session tickets: connect to private/tlsmgr: No such file or directory$", log, re.M)) == 1
        assert len(re.findall(r"smtp\[\d+\]: warning: TLS sessions are not kept: connect to private/tlsmgr: No such file or directory$", log, re.M)) == 1
        assert "status=sent" in log
    sink.close()


@pytest.mark.extension
def test_asked_by_nobody():
    """A service of Postfix that nobody needs here starts from its master.cf, and says so to whoever connects."""
    with make(master=["scache unix - - y - 1 scache"]) as suite:
        assert "program scache is not installed" not in suite.log()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(suite.path("/var/spool/postfix/private/scache")))
            assert connection.recv(100) == b""
        suite.wait_log(r"scache\[\d+\]: warning: no program asks the service scache: connection closed")


ACCEPTED = {"tls_random_source": "dev:/nothing", "tls_random_bytes": "16", "tls_random_exchange_name": "/nothing", "tls_random_reseed_period": "1s",
            "tls_random_prng_update_period": "1s", "tls_daemon_random_bytes": "16", "smtpd_tls_session_cache_database": "hash:/nothing",
            "connection_cache_service_name": "nothing", "connection_cache_protocol_timeout": "1s", "connection_cache_status_update_time": "1s",
            "tlsproxy_client_security_level": "encrypt", "tlsproxy_client_cert_file": "/nothing", "tlsproxy_tls_eecdh_grade": "strong", "postscreen_tls_dh512_param_file": "/nothing"}


@pytest.mark.extension
def test_without_effect():
    """What Postfix needs and we do not is accepted, and nothing is said of it; TLS is there, by randomness of the kernel."""
    with make(main_cf={**SETTINGS, **ACCEPTED}, files=certificates().files()) as suite:
        session_of(suite, suite.address("smtp"), context())
        told = suite.log()
        assert [name for name in ACCEPTED if name in told] == []


@pytest.mark.parametrize("name", ["tlsmgr", "keys"])
def test_service_name(name):
    """tlsmgr_service_name says whom the others ask."""
    with make(main_cf={**SETTINGS, "tlsmgr_service_name": name}, files=certificates().files(),
              prepare=["postconf -MX tlsmgr/unix"] * (name != "tlsmgr"), master=["%s unix - - y 1000? 1 tlsmgr" % name]) as suite:
        wanted = context()
        _, session = session_of(suite, suite.address("smtp"), wanted)
        assert session_of(suite, suite.address("smtp"), wanted, session)[0]
