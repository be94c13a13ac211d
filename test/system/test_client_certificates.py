"""Restrictions that look at TLS and at the client's certificate: permit_tls_clientcerts, permit_tls_all_clientcerts,
check_ccert_access, reject_plaintext_session."""
import pytest

from suite import make
from suite.lookup_server import LookupServer, netstring
from suite.smtp import Client
from suite.tls import SETTINGS, TlsClient, certificates, context

pytestmark = pytest.mark.root

REFUSED, TAKEN = "554", "250"
ASKING = {**SETTINGS, "smtpd_tls_ask_ccert": "yes", "smtpd_relay_restrictions": ""}
SERVICES = {
    "known": {**ASKING, "smtpd_recipient_restrictions": "permit_tls_clientcerts, reject", "relay_clientcerts": "texthash:/etc/postfix/known"},
    "all": {**ASKING, "smtpd_recipient_restrictions": "permit_tls_all_clientcerts, reject"},
    "access": {**ASKING, "smtpd_recipient_restrictions": "check_ccert_access texthash:/etc/postfix/access, reject"},
    "encrypted": {**SETTINGS, "smtpd_client_restrictions": "reject_plaintext_session"},
}


@pytest.fixture(scope="module")
def suite():
    c = certificates()
    known = "%s ok\n" % c.fingerprint("client", "certificate")
    access = "%s OK\n%s 550 not you\n" % (c.fingerprint("client", "key"), c.fingerprint("ec", "certificate"))
    with make(services=SERVICES, files={**c.files(), "/etc/postfix/known": known, "/etc/postfix/access": access}) as s:
        yield s


def rcpt(client):
    client.command("MAIL FROM:<joe@example.net>")
    return client.command("RCPT TO:<alice@example.test>", want="245")


@pytest.mark.parametrize("service, certificate, code", [
    ("known", "client", TAKEN), ("known", "ec", REFUSED), ("known", "self", REFUSED), ("known", None, REFUSED),
    ("all", "client", TAKEN), ("all", "ec", TAKEN), ("all", "self", REFUSED), ("all", None, REFUSED),
    ("access", "client", TAKEN), ("access", "ec", "550"), ("access", "self", REFUSED), ("access", None, REFUSED),
])
def test_certificate(suite, service, certificate, code):
    with TlsClient(suite.address(service), context(certificate=certificate)) as client:
        assert rcpt(client).startswith(code)


def test_plaintext(suite):
    with TlsClient(suite.address("encrypted")) as client:
        assert rcpt(client).startswith(TAKEN)
    with Client(suite.address("encrypted")) as client:
        assert rcpt(client) == "450 4.7.1 Session encryption is required"


BOTH = ["certificate", "key"]
ORDERS = {
    "": BOTH, "{ search_order = cert_fingerprint, pubkey_fingerprint }": BOTH, "{search_order=pubkey_fingerprint cert_fingerprint}": BOTH[::-1],
    "{ search_order = cert_fingerprint }": BOTH[:1], "search_order=pubkey_fingerprint": BOTH[1:], "{ Search_Order = Cert_Fingerprint }": BOTH[:1],
    "{ search_order = }": [], "{ search_order = cert_fingerprint }, { search_order = pubkey_fingerprint }": BOTH[1:],
    "{ search_order = pubkey_fingerprint pubkey_fingerprint }": ["key", "key"],
}
# What is wrong with it is in the log, and the client has to come again.
WRONG = {"{ search_order = foo }": "unknown search type 'foo'", "{ order = cert_fingerprint }": "unknown map attribute in .*order",
         "search_order = cert_fingerprint": "malformed map attribute in ", "{ search_order = issuer_cn }": "issuer_cn",
         "{ search_order = subject_cn }": "subject_cn", "static:b": "malformed map attribute in "}


def test_search_order():
    """check_ccert_access { table, { search_order = ... } }: what the table is asked for, and in which order."""
    with LookupServer("netstrings", lambda request: netstring(b"NOTFOUND ")) as table:
        name = "socketmap:inet:127.0.0.1:%d:x" % table.port
        rules = {"order%d" % n: "{ %s, %s }" % (name, order) if order else "{%s}" % name for n, order in enumerate(ORDERS)}
        rules.update({"wrong%d" % n: "{ %s, %s }" % (name, order) for n, order in enumerate(WRONG)})
        rules["no_table"] = "{ search_order=cert_fingerprint }"
        services = {service: {**ASKING, "smtpd_recipient_restrictions": "check_ccert_access %s, reject" % rule} for service, rule in rules.items()}
        services["of_client"] = {**ASKING, "smtpd_recipient_restrictions": "check_client_access { %s }, reject" % name}
        certificate = certificates()
        prints = {what: certificate.fingerprint("client", what) for what in BOTH}
        with make(services=services, files=certificate.files()) as s:
            def ask(service):
                table.requests.clear()
                with TlsClient(s.address(service), context(certificate="client")) as client:
                    return rcpt(client)
            for n, keys in enumerate(ORDERS.values()):
                assert ask("order%d" % n).startswith(REFUSED)
                assert [request.decode() for request in table.requests] == ["x " + prints[key] for key in keys]
            for n, problem in enumerate(WRONG.values()):
                since = s.log_size()
                assert ask("wrong%d" % n).startswith("451 4.3.5 ")
                s.wait_log(r"smtpd\[\d+\]: warning: .*" + problem, since=since)
                assert not table.requests
            assert ask("no_table").startswith("451 4.3.5 ")
            assert ask("of_client").startswith("451 4.3.5 ")
