"""TLSRPT (RFC 8460): what smtp(8) tells the collector of a domain that wants to hear how TLS with its servers went."""
import contextlib
import os
import re
import socket

import pytest

from suite import make, tls
from suite.dns import Dns
from suite.golden import golden
from suite.smtp import Sink, send, turn
from suite.tls import certificates, server_context

pytestmark = pytest.mark.root

D = tls.DIRECTORY
STS = "secure match=.example.test servername=hostname policy_type=sts policy_domain=published.example mx_host_pattern=*.example.test"
# name: (the policy, the server).
CASES = {
    "secure": ("secure", "good"), "secure-self": ("secure", "self"), "secure-name": ("secure match=other.example", "good"),
    "may": ("may", "good"), "may-plain": ("may", "plain"), "may-breaking": ("may", "breaking"), "none": ("none", "good"),
    "encrypt-plain": ("encrypt", "plain"), "encrypt-refusing": ("encrypt", "refusing"), "encrypt-breaking": ("encrypt", "breaking"),
    "sts": (STS + " { policy_string = version: STSv1 } { policy_string = mode: enforce } mx_host_pattern=b.example", "good"), "sts-self": (STS, "self"),
    "sts-plain": (STS, "plain"), "sts-fetch": (STS + " policy_failure=sts-policy-fetch-error", "good"), "sts-invalid": (STS + " policy_failure=sts-policy-invalid", "good"),
    "sts-webpki": (STS + " policy_failure=sts-webpki-invalid", "good"), "sts-failure": (STS + " policy_failure=validation-failure", "good"),
    "not-found": ("may policy_type=no-policy-found policy_domain=published.example", "good"),
    "dane": ("dane", "good"), "dane-other": ("dane", "good"), "dane-only": ("dane-only", "good"),
    "unpublished": ("secure", "good"), "two": ("secure", "good"), "wrong": ("secure", "good"), "beside": ("secure", "good"),
}
RECORDS = {"unpublished": None, "two": ["v=TLSRPTv1; rua=mailto:a@a", "v=TLSRPTv1; rua=mailto:b@b"], "wrong": ["v=spf1 -all"],
           "beside": ["v=spf1 -all", "v=TLSRPTv1; rua=mailto:\"a\\b@a"]}


class Breaking(Sink):
    def _begin_tls(self, connection, lines):
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        raise OSError("closed on purpose")


class Collector:
    """The datagrams that have come."""

    def __init__(self, suite):
        self.path = suite.path("/var/spool/postfix/tlsrpt")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.setblocking(False)

    def told(self):
        out = []
        with contextlib.suppress(BlockingIOError):
            while True:
                out.append(self.socket.recv(1 << 16).decode())
        return out

    def close(self):
        self.socket.close()
        os.unlink(self.path)


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        stack.enter_context(turn("port-25"))
        sinks = {"good": Sink(("127.25.7.1", 25), tls=server_context()), "self": Sink(("127.25.7.2", 25), tls=server_context("self")), "plain": Sink(("127.25.7.3", 25)),
                 "refusing": Sink(("127.25.7.4", 25), tls=server_context(), answers={"STARTTLS": "454 4.7.0 not now"}),
                 "breaking": Breaking(("127.25.7.5", 25), tls=server_context())}
        zone, policies = {}, ""
        for name, (policy, server) in CASES.items():
            host = "%s.example.test" % name
            zone["%s.example" % name] = {"MX": [(10, host)]}
            zone[host] = {"A": [sinks[server].address[0]]}
            records = RECORDS.get(name, ["v=TLSRPTv1; rua=mailto:reports@%s" % name])
            if records:
                zone["_smtp._tls.%s.example" % name] = {"TXT": records}
            if name.startswith("dane"):
                zone["_25._tcp." + host] = {"TLSA": [certificates().tlsa("client" if name == "dane-other" else "server", 3, 1, 1)]}
            policies += "%s.example %s\n" % (name, policy)
        dns = Dns(zone, signed=["."])
        for each in (*sinks.values(), dns):
            stack.callback(each.close)
        main_cf = {"smtp_tls_policy_maps": "texthash:/etc/postfix/policy", "smtp_tls_security_level": "may", "smtp_connection_cache_on_demand": "no", "notify_classes": "",
                   "smtp_tls_CAfile": D + "/ca.pem", "smtp_tls_secure_cert_match": "mail.example.test", "smtp_dns_support_level": "dnssec",
                   "smtp_tls_enforce_sts_mx_patterns": "no", "smtp_tls_session_cache_database": "btree:${data_directory}/smtp_scache",
                   "smtp_tlsrpt_enable": "yes", "smtp_tlsrpt_socket_name": "tlsrpt", "smtp_tlsrpt_skip_reused_handshakes": "yes", "default_transport": "smtp"}
        with make(main_cf=main_cf, dns=dns.host, files={**certificates().files(), "/etc/postfix/policy": policies}) as suite:
            collector = Collector(suite)
            yield suite, collector
            collector.close()


def deliver(suite, name):
    """The lines of the log that are about a report."""
    since = suite.log_size()
    queue_id = send(suite, "joe@example.net", "x@%s.example" % name)
    suite.wait_log(r"%s: to=<x@\S+>, .*" % queue_id, since=since)
    suite.delete_all()
    return [line.split("]: ", 1)[1] for line in suite.log(since).splitlines() if re.search(r"smtp\[.*(TLSRPT|report)", line)]


@pytest.mark.parametrize("name", CASES)
def test_report(world, name):
    suite, collector = world
    lines = deliver(suite, name)
    told = [re.sub(r"(\d \d \d) [0-9A-F]{64}", r"\1 {digest}", each) for each in collector.told()]
    golden("tlsrpt_" + name, "\n".join(lines + told) + "\n")


def test_resumed(world):
    """Only the handshake of a new session tells something, unless all are asked for."""
    suite, collector = world
    assert [len(deliver(suite, "secure")) for _ in range(2)][1] == 0
    suite.configure(smtp_tlsrpt_skip_reused_handshakes="no")
    collector.told()
    assert [len(deliver(suite, "secure")) for _ in range(2)] == [1, 1]
    assert len(collector.told()) == 2
    suite.configure(smtp_tlsrpt_skip_reused_handshakes="yes")


def test_off(world):
    """Without a level for all destinations, without a socket, and by default nothing is told."""
    suite, collector = world
    for settings in ({"smtp_tls_security_level": "none"}, {"smtp_tlsrpt_socket_name": ""}, {"smtp_tlsrpt_enable": "no"}):
        suite.settings(**settings)
        deliver(suite, "secure-self")
        assert not collector.told(), settings
    suite.settings()
    assert "TLSRPT support: parameter smtp_tlsrpt_socket_name has empty value -- TLSRPT support will be disabled" in suite.log()


def test_lmtp():
    """Postfix says that it is not for LMTP."""
    with Sink(tls=server_context(), lmtp=True) as sink:
        main_cf = {"transport_maps": "inline:{a.example=lmtp:%s}" % sink.nexthop, "lmtp_tls_security_level": "may", "lmtp_tlsrpt_enable": "yes",
                   "lmtp_tlsrpt_socket_name": "tlsrpt", "lmtp_tlsrpt_skip_reused_handshakes": "no"}
        with make(main_cf=main_cf) as suite:
            send(suite, "joe@example.net", "x@a.example")
            suite.wait_log("status=sent")
            assert re.search(r"lmtp\[\d+\]: warning: TLSRPT support is not implemented for LMTP$", suite.log(), re.M)
