"""A client who is spoken for, by XCLIENT or by a proxy's header, beside what else a session knows: logins, TLS, milters."""
import re

import pytest

from suite import make
from suite.dovecot import IS_THERE, Dovecot
from suite.golden import golden
from suite.milter import DISCARD, REJECT, Milter, packet, reply
from suite.milter_story import story
from suite.sasl import ALICE, Dialogue
from suite.smtp import Client
from suite.tls import SETTINGS, TlsClient, certificates

pytestmark = pytest.mark.root

ON = {"smtpd_authorized_xclient_hosts": "static:all"}
PROXIED = {"smtpd_upstream_proxy_protocol": "haproxy"}
HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.1 1234 25\r\n"


def logged(suite, since):
    """smtpd's lines to the disconnect line, with no queue ids and no ciphers."""
    suite.wait_log("disconnect from", since=since)
    suite.sync_log()
    lines = re.findall(r"/smtpd\[\d+\]: (.*)", suite.log(since))
    return [re.sub(r"^[0-9A-F]{6,}:", "{qid}:", re.sub(r"established from (\S+): .*", r"established from \1", line)) for line in lines]


# --- Logins ---

@pytest.fixture(scope="module")
def sasl():
    if not IS_THERE:
        pytest.skip("needs the reference's base")
    with Dovecot() as dovecot, make(main_cf={"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": dovecot.path, **ON},
                                    services={"plain": {}, "relay": {"mynetworks": "", "smtpd_relay_restrictions": "permit_sasl_authenticated, reject"}}) as s:
        yield s


def test_a_login_ends_with_xclient_which_may_name_another(sasl):
    d, relay = Dialogue(sasl, "relay"), ["MAIL FROM:<a@example.test>", "RCPT TO:<x@elsewhere.example>", "RSET"]
    said = d.all("AUTH PLAIN " + ALICE, *relay, "XCLIENT NAME=a.example", "HELO c", *relay, "EHLO c", "AUTH PLAIN " + ALICE, *relay,
                 "XCLIENT LOGIN=[UNAVAILABLE]", "HELO c", *relay, "XCLIENT LOGIN=joe+40x NAME=b.example", "EHLO c", "AUTH PLAIN " + ALICE, *relay,
                 "XCLIENT NAME=c.example", "HELO c", *relay)
    golden("xclient_login", "".join("%s\n" % line for line in [*said, *(re.sub(r"^[0-9A-F]{6,}:", "{qid}:", line) for line in d.log())]))


# --- Milters ---

@pytest.fixture(scope="module")
def milter():
    with Milter() as m:
        yield m


@pytest.fixture(scope="module")
def filtered(milter):
    macros = "j _ {client_addr} {client_name} {client_ptr} {client_connections} {daemon_addr} {auth_authen}"
    with make(main_cf={"smtpd_milters": milter.address, "compatibility_level": "3.9", "local_recipient_maps": "inline:{alice=x bob=x}", "milter_connect_macros": macros,
                       "milter_helo_macros": macros, "milter_mail_macros": "{auth_type} {auth_authen}", "smtpd_milter_maps": "inline:{192.0.2.66=DISABLE}", "notify_classes": "", **ON},
              services={"proxied": PROXIED}) as s:
        yield s


FLOW = ["MAIL FROM:<a@example.net>", "RCPT TO:<alice@example.test>", "DATA", "."]
OTHER = "XCLIENT NAME=spike.example ADDR=192.0.2.7 PORT=4711 DESTADDR=192.0.2.1 LOGIN=joe"
MILTERS = {"session": ([OTHER, "EHLO x.example", *FLOW], {}),
           "transaction": (["XCLIENT PROTO=ESMTP", *FLOW, "XCLIENT NAME=b.example", *FLOW], {}),
           "disabled": (["XCLIENT ADDR=192.0.2.66", "EHLO x", *FLOW, "XCLIENT ADDR=192.0.2.7", "EHLO y"], {}),
           "other_first": ([OTHER, "XCLIENT ADDR=IPV6:2001:db8::1", "HELO z"], {})}


@pytest.mark.parametrize("name", MILTERS)
def test_milters_are_told_of_the_new_client(filtered, milter, name):
    lines, answers = MILTERS[name]
    milter.answers = answers
    golden("xclient_milter_" + name, story(filtered, [milter], lines, delivered=("alice",)))


@pytest.mark.parametrize("verdict", ["reject", "tempfail", "discard", "shutdown"])
def test_milters_refuse_the_new_client(filtered, milter, verdict):
    answer = {"reject": REJECT, "tempfail": packet("t"), "discard": DISCARD, "shutdown": reply("421 4.7.0 go away")}[verdict]
    milter.answers = {"C": lambda _milter, _letter, data: answer if b"spike" in data else packet("c")}
    golden("xclient_milter_" + verdict, story(filtered, [milter], [OTHER, "EHLO x.example", *FLOW], delivered=("alice",)))


# --- TLS ---

@pytest.fixture(scope="module")
def tls():
    with make(main_cf={**SETTINGS, **ON}, files=certificates().files(),
              services={"plain": {}, "demanded": {"smtpd_tls_security_level": "encrypt"}, "proxied": PROXIED, "proxied_wrapped": {**PROXIED, "smtpd_tls_wrappermode": "yes"}}) as s:
        yield s


def test_tls_stays_with_the_connection(tls):
    since = tls.log_size()
    with TlsClient(tls.address("plain")) as c:
        said = [c.command("XCLIENT NAME=a.example ADDR=192.0.2.7"), c.command("EHLO a.example"), c.command("STARTTLS", "5"),
                c.command("MAIL FROM:<a@example.net>"), c.command("RCPT TO:<alice@example.test>")]
    golden("xclient_tls", "".join("%s\n" % line for line in [*said, *logged(tls, since)]))


def test_where_tls_is_demanded(tls):
    since = tls.log_size()
    with Client(tls.address("demanded")) as c:
        said = [*(c.command(line, "25") for line in ("XCLIENT NAME=a.example", "XFORWARD NAME=a.example", "EHLO a", "MAIL FROM:<>"))]
    golden("xclient_tls_demanded", "".join("%s\n" % line for line in [*said, *logged(tls, since)]))


@pytest.mark.parametrize("wrapped", [False, True], ids=["starttls", "wrapped"])
def test_tls_behind_a_proxys_header(tls, wrapped):
    """The header is taken to the byte: the handshake may begin at once behind it."""
    since = tls.log_size()
    with TlsClient(tls.address("proxied_wrapped" if wrapped else "proxied"), wrapped=wrapped, before=HEADER) as c:
        said = [c.extensions, c.command("MAIL FROM:<a@example.net>"), c.command("RCPT TO:<alice@example.test>")]
    golden("haproxy_tls_" + ("wrapped" if wrapped else "starttls"), "".join("%s\n" % line for line in [*said, *logged(tls, since)]))
