"""What is told of TLS: smtpd_tls_loglevel, smtp_tls_loglevel and what is by peer, traces, OpenSSL's own configuration (tls_config_file,
tls_config_name), and how a session ends (tls_fast_shutdown_enable)."""
import os
import re
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from suite import make, masks, tls
from suite.golden import golden
from suite.smtp import Refused, Sink, send
from suite.tls import SETTINGS, TlsClient, certificates, context, server_context

pytestmark = pytest.mark.root

D = tls.DIRECTORY
QUIET = {**SETTINGS, "smtpd_tls_loglevel": "0"}
C = "/etc/postfix/"


def configuration(name, body="Ciphersuites = TLS_AES_128_GCM_SHA256"):
    """For OpenSSL, under the name of a program: what all connections begin with."""
    return "%s = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n%s\n" % (name, body)


CONFIGURATIONS = {"all.cnf": configuration("openssl_conf"), "mine.cnf": configuration("postfix"), "odd.cnf": configuration("openssl_conf", "NoSuch = x"), "empty.cnf": "x = 1\n",
                  "missing.cnf": "openssl_conf = nowhere\n", "mine-missing.cnf": "postfix = nowhere\n" + configuration("openssl_conf"), "unread.cnf": "[a\n"}
CONFIGURED = {
    "none": {"tls_config_file": "none"},
    "all": {"tls_config_file": C + "all.cnf"},
    "all-named": {"tls_config_file": C + "all.cnf", "tls_config_name": "postfix"},
    "mine": {"tls_config_file": C + "mine.cnf"},
    "mine-named": {"tls_config_file": C + "mine.cnf", "tls_config_name": "postfix"},
    "odd": {"tls_config_file": C + "odd.cnf"},
    "empty-file": {"tls_config_file": C + "empty.cnf"},
    "missing": {"tls_config_file": C + "missing.cnf"},
    "mine-missing": {"tls_config_file": C + "mine-missing.cnf", "tls_config_name": "postfix"},
    "unread": {"tls_config_file": C + "unread.cnf"},
    "no-file": {"tls_config_file": "/nothing", "tls_config_name": "postfix"},
    "relative": {"tls_config_file": "all.cnf"},
    "empty": {"tls_config_file": ""},
    "default": {},
    "default-named": {"tls_config_name": "postfix"},
}
LEVELS = {"0": "0", "1": "1", "2": "2", "3": "3", "4": "4", "9": "9", "names": "routine, debug", "wrong": "foo"}
HERE = "inline:{{127.0.0.1=1}, {localhost=2}}"
PEERS = {
    "name": {**QUIET, "smtpd_tls_loglevel_maps": HERE},
    "address": {**QUIET, "smtpd_peername_lookup": "no", "smtpd_tls_loglevel_maps": HERE},
    "less": {**SETTINGS, "smtpd_tls_loglevel_maps": "inline:{localhost=0}"},
    "stranger": {**QUIET, "smtpd_tls_loglevel_maps": "inline:{192.0.2.1=2}"},
    "bad": {**SETTINGS, "smtpd_tls_loglevel_maps": "inline:{localhost=foo}"},
    "fails": {**SETTINGS, "smtpd_tls_loglevel_maps": "fail:x"},
}
TRACED = {
    "traced": {**SETTINGS, "smtpd_tls_loglevel": "1,trace"},
    "short": {**SETTINGS, "smtpd_tls_loglevel": "0,trace", "smtpd_tls_trace_size_limit": "1000"},
    "one": {**QUIET, "smtpd_tls_loglevel_maps": "inline:{localhost=trace}"},
}
ENDS = {"fast": SETTINGS, "slow": {**SETTINGS, "tls_fast_shutdown_enable": "no", "smtpd_starttls_timeout": "2s"}}
SERVERS = {"server": {}, "server-yes": {"tls_trust_server_ccerts": "yes"}}
SERVICES = {**{"c-" + name: {**SETTINGS, **more} for name, more in CONFIGURED.items()}, **{"l-" + name: {**SETTINGS, "smtpd_tls_loglevel": level} for name, level in LEVELS.items()},
            **{"p-" + name: settings for name, settings in PEERS.items()}, **TRACED, **ENDS,
            **{name: {**SETTINGS, "smtpd_tls_ask_ccert": "yes", **more} for name, more in SERVERS.items()}}
MAIL = {"smtp_tls_security_level": "may"}
CLIENTS = {
    **{"l-" + name: {"smtp_tls_loglevel": level} for name, level in LEVELS.items() if name in "01234"},
    "hop": {"smtp_tls_loglevel_maps": "inline:{{[127.0.0.1]:PORT=1}, {127.0.0.1=2}}"},
    "host": {"smtp_tls_loglevel_maps": "inline:{127.0.0.1=2}"},
    "other": {"smtp_tls_loglevel_maps": "inline:{192.0.2.1=2}"},
    "traced": {"smtp_tls_loglevel": "trace"},
    "short": {"smtp_tls_loglevel": "1,trace", "smtp_tls_trace_size_limit": "500"},
    "fast": {}, "slow": {"tls_fast_shutdown_enable": "no", "smtp_starttls_timeout": "2s"},
    "config": {"tls_config_file": C + "all.cnf", "smtp_tls_loglevel": "1"},
    "config-missing": {"tls_config_file": C + "missing.cnf", "smtp_tls_loglevel": "1"},
}
LMTP = {"lmtp-hop": {"lmtp_tls_loglevel_maps": "inline:{127.0.0.1=1}"}, "lmtp-short": {"lmtp_tls_loglevel": "1,trace", "lmtp_tls_trace_size_limit": "500"}}


def line(name, settings, program="smtp", port=0):
    return "%s unix - - y - - %s" % (name, program) + "".join("\n  -o { %s = %s }" % (k, v.replace("PORT", str(port))) for k, v in settings.items())


class Ending(Sink):
    """A server that says no end of TLS itself. `waited`: how long after the client's the connection stays."""

    class Reader:
        def __init__(self, sink, rfile, descriptor):
            self.sink, self.rfile, self.descriptor = sink, rfile, descriptor

        def readline(self):
            text = self.rfile.readline()
            if text.upper().startswith(b"QUIT"):
                assert self.rfile.readline() == b""   # the client's end
                self.sink.waited.append(until_closed(self.descriptor))
            return text

    def __init__(self):
        self.waited = []
        super().__init__(tls=server_context())

    def _begin_tls(self, connection, lines):
        descriptor = connection.fileno()
        rfile, wfile = super()._begin_tls(connection, lines)
        return Ending.Reader(self, rfile, descriptor), wfile


def until_closed(descriptor):
    """How long the other side keeps the connection, below TLS."""
    begun = time.monotonic()
    with socket.socket(fileno=os.dup(descriptor)) as raw:
        raw.settimeout(20)
        while raw.recv(4096):
            pass
    return time.monotonic() - begun


@pytest.fixture(scope="module")
def sinks():
    kinds = {"good": Sink(tls=server_context()), "lmtp": Sink(tls=server_context(), lmtp=True), "ending": Ending()}
    yield kinds
    for each in kinds.values():
        each.close()


@pytest.fixture(scope="module")
def suite(sinks):
    c = certificates()
    (c.path / "ext").write_text("extendedKeyUsage=serverAuth\nsubjectAltName=DNS:client.example.net")
    tls.openssl("genrsa", "-out", "web.key", "2048", cwd=c.path)
    tls.openssl("req", "-new", "-key", "web.key", "-out", "web.csr", "-subj", "/CN=client.example.net", cwd=c.path)
    tls.openssl("x509", "-req", "-in", "web.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "web.pem", "-days", "30", "-extfile", "ext", cwd=c.path)
    port = sinks["good"].address[1]
    to = lambda name: sinks["lmtp" if name in LMTP else "ending" if name in ("fast", "slow") else "good"].address[1]   # noqa: E731
    transport = "".join("%s.example t-%s:[127.0.0.1]:%d\n" % (name, name, to(name)) for name in [*CLIENTS, *LMTP])
    master = [line("t-" + name, {**MAIL, **settings}, port=port) for name, settings in CLIENTS.items()]
    master += [line("t-" + name, {"lmtp_tls_security_level": "may", **settings}, "lmtp") for name, settings in LMTP.items()]
    with make(main_cf={"transport_maps": "texthash:/etc/postfix/transport", "smtp_connection_cache_on_demand": "no", "lmtp_connection_cache_on_demand": "no",
                       "notify_classes": "", "tls_trace_rate_limit": "9"},
              services=SERVICES, master=master, files={**c.files(), **{C + name: text for name, text in CONFIGURATIONS.items()}, "/etc/postfix/transport": transport}) as s:
        yield s


def ended(suite, since):
    suite.wait_log(r"/smtpd\[\d+\]: disconnect from", since=since)
    return [masks.session(masks.log_line(text)) for text in suite.log(since).splitlines() if "/smtpd[" in text]


@pytest.mark.parametrize("name", CONFIGURED)
def test_configuration(suite, name):
    since = suite.log_size()
    try:
        with TlsClient(suite.address("c-" + name)) as client:
            told = client.socket.cipher()[0]
    except Refused as e:
        told = str(e)
    golden("tls_config_" + name, told + "\n" + tls.mask("\n".join(ended(suite, since))))


def taken(suite, name, expected="sent"):
    """smtp's lines of a message that goes the way of the case."""
    since = suite.log_size()
    queue_id = send(suite, "joe@example.net", "x@%s.example" % name)
    suite.wait_log(r"%s: to=<x@\S+>, .*status=%s" % (queue_id, expected), since=since)
    return [tls.mask(masks.mask(text).split(" ", 1)[1]) for text in suite.log(since).splitlines() if re.search(r"/[sl]mtp\[", text)]


@pytest.mark.parametrize("name", ["config", "config-missing"])
def test_configuration_of_smtp(suite, name):
    golden("tls_config_smtp_" + name, "\n".join(taken(suite, name)))


# ---- what the log has

class Recorded:
    """A client whose bytes are written down, both ways."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=30)
        self.sent, self.got = b"", b""
        self.said = self.socket.makefile("rb")
        for command in (None, b"EHLO client.example.net\r\n", b"STARTTLS\r\n"):
            if command:
                self.socket.sendall(command)
            while self.said.readline()[3:4] == b"-":
                pass
        self.input, self.output = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context().wrap_bio(self.input, self.output)
        self.do(self.tls.do_handshake)
        self.handshake = self.sent, self.got

    def do(self, what, *arguments):
        while True:
            try:
                return what(*arguments)
            except ssl.SSLWantReadError:
                self.flush()
                data = self.socket.recv(65536)
                self.got += data
                self.input.write(data) if data else self.input.write_eof()
            finally:
                self.flush()

    def flush(self):
        data = self.output.read()
        self.sent += data
        if data:
            self.socket.sendall(data)


def dumped(lines):
    """The bytes that the log shows, of both directions."""
    out = {"read from": b"", "write to": b""}
    way, left = None, 0
    for text in lines:
        m = re.search(r"smtpd: (read from|write to) .*=> (\d+) \(0x[0-9A-F]+\)\)$", text)
        row = re.search(r"smtpd: ([0-9a-f]{4}) ((?:[0-9a-f]{2}[ |])+)", text)
        if m:
            way, left = m.group(1), int(m.group(2))
        elif "- <SPACES/NULLS>" in text:
            out[way] += b"\0" * left
            left = 0
        elif row:
            piece = bytes.fromhex(row.group(2).replace("|", " "))
            out[way] += piece
            left -= len(piece)
    return out


@pytest.mark.parametrize("name", ["0", "1", "2", "names", "wrong"])
def test_level(suite, name):
    since = suite.log_size()
    TlsClient(suite.address("l-" + name)).close()
    lines = ended(suite, since)
    steps = [text for text in lines if "SSL_accept:" in text]
    assert bool(steps) == (name in ("2", "names"))
    assert any("TLS connection established" in text for text in lines) == (name not in ("0", "wrong"))
    assert any("setting up TLS connection from" in text for text in lines) == bool(steps)
    if steps:
        assert {"postfix/smtpd: SSL_accept:SSLv3/TLS read client hello", "postfix/smtpd: SSL_accept:SSLv3/TLS write finished"} <= set(steps)
    wrong = [text for text in suite.log(0).splitlines() if 'warning: unknown smtpd_tls_loglevel value "foo" in "foo"' in text]
    assert wrong or name != "wrong"


@pytest.mark.parametrize("name", ["3", "4", "9"])
def test_dump(suite, name):
    """At 3 the bytes of the handshake, above it all."""
    since = suite.log_size()
    client = Recorded(suite.address("l-" + name))
    hello, answer = client.handshake
    client.do(client.tls.write, b"EHLO again.example.net\r\n")
    client.do(client.tls.read, 1000)
    client.do(client.tls.write, b"QUIT\r\n")
    client.do(client.tls.read, 1000)
    client.do(client.tls.read, 1000)   # the end
    client.socket.close()
    shown = dumped(ended(suite, since))
    whole = name != "3"
    assert len(hello) > 200 and len(answer) > 1000
    # Blanks and zeros at the end of a piece look the same.
    alike = lambda data: data.replace(b" ", b"\0")   # noqa: E731
    assert alike(shown["read from"]) == alike(client.sent if whole else hello)
    assert alike(shown["write to"]) == alike(client.got) if whole else alike(shown["write to"]).startswith(alike(answer))
    assert "again.example" not in "".join(text for text in ended(suite, since) if "Read " not in text)


@pytest.mark.parametrize("name", ["l-0", "l-1", "l-2", "l-3"])
def test_level_of_smtp(suite, name):
    lines = taken(suite, name)
    assert any("SSL_connect:" in text for text in lines) == (name in ("l-2", "l-3"))
    assert any("TLS connection established" in text for text in lines) == (name != "l-0")
    assert any("write to" in text for text in lines) == (name == "l-3")


extension = pytest.mark.extension   # Postfix 3.12 has it, the reference not yet


@extension
@pytest.mark.parametrize("name", PEERS)
def test_level_by_client(suite, name):
    """smtpd_tls_loglevel_maps: the name before the address; what cannot be read leaves things as they are."""
    since = suite.log_size()
    TlsClient(suite.address("p-" + name)).close()
    lines = [text for text in ended(suite, since) if "connect" not in text.split("TLS")[0]]
    established = [text for text in lines if "TLS connection established" in text]
    assert any("SSL_accept:" in text for text in lines) == (name == "name")
    assert bool(established) == (name in ("name", "address", "fails")), lines
    warnings = [text.split("warning: ")[1] for text in lines if "warning: " in text]
    assert warnings == {"bad": ['unknown smtpd_tls_loglevel_maps value "foo" in "foo"'],
                        "fails": ["smtpd_tls_loglevel_maps: fail:x lookup error for \"localhost\": Application error"]}.get(name, []), warnings


@extension
@pytest.mark.parametrize("name", ["hop", "host", "other", "lmtp-hop"])
def test_level_by_server(suite, name):
    """smtp_tls_loglevel_maps, lmtp_tls_loglevel_maps: the next hop before the server's name and address."""
    lines = taken(suite, name)
    assert any("SSL_connect:" in text for text in lines) == (name == "host")
    assert any("TLS connection established" in text for text in lines) == (name != "other")


def traces(suite):
    return {path.name: path for path in (Path(suite.queue) / "tlstrace").iterdir()}


def new_trace(suite, before):
    """The one that has come since."""
    return suite.wait_until(lambda: next((path for name, path in traces(suite).items() if name not in before), None), Path(suite.queue) / "tlstrace",
                            what="a trace")


@extension
@pytest.mark.parametrize("name", TRACED)
def test_trace(suite, name):
    """*_tls_loglevel with "trace": the messages of TLS in a file of their own, cut at smtpd_tls_trace_size_limit, and nothing of the mail."""
    before, since = set(traces(suite)), suite.log_size()
    with TlsClient(suite.address(name)) as client:
        client.send("joe@example.net", "alice@example.test", "Subject: confidential words\n\nx\n")
    ended(suite, since)
    path = new_trace(suite, before)
    text = path.read_text()
    assert re.fullmatch(r"smtpd-20\d{12}-\d{6}-127\.0\.0\.1-\w{6}", path.name)
    assert path.stat().st_mode & 0o777 == 0o600
    assert re.match("Received (TLS )?Record\n", text) and "ClientHello, Length=" in text
    assert "confidential" not in text and "alice" not in text and "EHLO" not in text
    if name == "short":
        assert len(text) == 1000
    else:
        assert "Certificate, Length=" in text and "Finished, Length=" in text


@extension
@pytest.mark.parametrize("name", ["traced", "short", "lmtp-short"])
def test_trace_of_smtp(suite, name):
    before = set(traces(suite))
    taken(suite, name)
    path = new_trace(suite, before)
    assert re.fullmatch(r"%s-20\d{12}-\d{6}-127\.0\.0\.1-\w{6}" % ("lmtp" if name in LMTP else "smtp"), path.name)
    text = path.read_text()
    assert re.match("Sent (TLS )?Record\n", text) and "x@" not in text
    assert len(text) == 500 if "short" in name else "Finished, Length=" in text


@extension
def test_trace_rate(suite):
    """tls_trace_rate_limit: no more than that within a second, of all processes; the sessions go on."""
    before, since = set(traces(suite)), suite.log_size()
    clients = [threading.Thread(target=lambda: TlsClient(suite.address("traced")).close()) for _ in range(30)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    suite.wait_log(r"/smtpd\[\d+\]: disconnect from", count=30, since=since)
    by_second = {}
    for name in set(traces(suite)) - before:
        second = name.split("-")[1]
        by_second[second] = by_second.get(second, 0) + 1
    assert by_second and max(by_second.values()) <= 9
    assert len(re.findall("TLS connection established", suite.log(since))) == 30


@extension
@pytest.mark.parametrize("name", SERVERS)
def test_certificate_of_a_server(suite, name):
    """tls_trust_server_ccerts: a client shows a certificate that was made for servers."""
    since = suite.log_size()
    TlsClient(suite.address(name), context("web")).close()
    trust = [m.group(1) for text in ended(suite, since) if (m := re.search(r"(\w+) TLS connection established", text))]
    assert trust == ["Trusted" if name == "server-yes" else "Untrusted"]


# ---- the end

@pytest.mark.parametrize("name", ENDS)
def test_end(suite, name):
    """Whether the server waits for the client's end of TLS, which does not come: as long as a handshake might take."""
    client = TlsClient(suite.address(name))
    client.socket.sendall(b"QUIT\r\n")
    assert client.file.readline().startswith(b"221 ")
    assert client.socket.recv(1) == b""
    assert (until_closed(client.socket.fileno()) > 1) == (name == "slow")
    client.socket.close()


@pytest.mark.parametrize("name", ENDS)
def test_end_is_answered(suite, name):
    """The client's end is all that the server waits for."""
    since = suite.log_size()
    client = TlsClient(suite.address(name))
    client.socket.sendall(b"QUIT\r\n")
    assert client.file.readline().startswith(b"221 ")
    begun = time.monotonic()
    client.socket.unwrap()
    ended(suite, since)
    assert time.monotonic() - begun < 1.5
    client.socket.close()


@pytest.mark.parametrize("name", ENDS)
def test_end_of_smtp(suite, sinks, name):
    before = len(sinks["ending"].waited)
    taken(suite, name)
    sinks["ending"].ended()
    assert (sinks["ending"].waited[before] > 1) == (name == "slow")
