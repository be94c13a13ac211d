"""The field "TLS-Required: no" (RFC 8689): who says that would rather have his mail delivered than protected."""
import re

import pytest

from suite import make, tls
from suite.golden import golden
from suite.smtp import Sink, send
from suite.tls import certificates, server_context

pytestmark = pytest.mark.root

D = tls.DIRECTORY
# name: (settings, the server).
CASES = {
    "none": ({"smtp_tls_security_level": "none"}, "self"),
    "encrypt": ({"smtp_tls_security_level": "encrypt"}, "plain"),
    "secure": ({"smtp_tls_security_level": "secure"}, "self"),
    "dane": ({"smtp_tls_security_level": "dane-only"}, "plain"),
    "enforce": ({"smtp_tls_security_level": "", "smtp_enforce_tls": "yes"}, "plain"),
    "policy": ({"smtp_tls_security_level": "may", "smtp_tls_policy_maps": "static:secure"}, "self"),
    "policy-only": ({"smtp_tls_policy_maps": "static:secure"}, "self"),
    "policy-none": ({"smtp_tls_security_level": "encrypt", "smtp_tls_policy_maps": "static:none"}, "self"),
    "policy-wrong": ({"smtp_tls_security_level": "may", "smtp_tls_policy_maps": "static:foo"}, "self"),
    "policy-lookup": ({"smtp_tls_security_level": "may", "smtp_tls_policy_maps": "fail:x"}, "self"),
    "site": ({"smtp_tls_security_level": "may", "smtp_tls_per_site": "static:MUST"}, "plain"),
    "wrapped": ({"smtp_tls_security_level": "secure", "smtp_tls_wrappermode": "yes"}, "wrapped"),
    "wrapped-policy": ({"smtp_tls_wrappermode": "yes", "smtp_tls_policy_maps": "static:encrypt"}, "wrapped"),
    "disabled": ({"smtp_tls_security_level": "encrypt", "tls_required_enable": "no"}, "plain"),
}
HEADERS = ["TLS-Required: no", "TLS-Required: No", "tls-required:NO", "TLS-Required: yes", "TLS-Required: no (really)", 'TLS-Required: "no"', "TLS-Required:\n no",
           "TLS-Required: no\nTLS-Required: yes", "TLS-Required: yes\nTLS-Required: no", "TLS-Required: n o", "TLS-Required:", "X-TLS-Required: no",
           "Subject: TLS-Required: no", "Subject: a\n\nTLS-Required: no"]


@pytest.fixture(scope="module")
def world():
    servers = {"plain": Sink(), "self": Sink(tls=server_context("self")), "wrapped": Sink(tls=server_context("self"), wrapped=True),
               "refusing": Sink(answers={"RCPT": "550 5.1.1 no"}), "busy": Sink(answers={"RCPT": "450 4.1.1 not now"})}
    routes = {name: ("t-" + name, server) for name, (_, server) in CASES.items()}
    routes.update({"refusing": ("smtp", "refusing"), "busy": ("smtp", "busy")})
    transport = "".join("%s.example %s:%s\n" % (name, via, servers[server].nexthop) for name, (via, server) in routes.items())
    master = ["t-%s unix - - y - - smtp" % name + "".join("\n  -o { %s = %s }" % setting for setting in settings.items()) for name, (settings, _) in CASES.items()]
    main_cf = {"transport_maps": "texthash:/etc/postfix/transport", "smtp_connection_cache_on_demand": "no", "notify_classes": "bounce", "smtp_tls_loglevel": "1"}
    with make(main_cf=main_cf, master=master, files={**certificates().files(), "/etc/postfix/transport": transport}) as suite:
        yield suite, servers
    for server in servers.values():
        server.close()


@pytest.mark.parametrize("name", CASES)
def test_delivery(world, name):
    suite, servers = world
    server = servers[CASES[name][1]]
    since, begun = suite.log_size(), len(server.sessions)
    queue_id = send(suite, "joe@example.net", "x@%s.example" % name, "TLS-Required: no\nSubject: a\n\nb\n")
    told = tls.story(suite, server, queue_id, since, begun)
    suite.run("postsuper", "-d", queue_id)
    golden("tls_required_" + name, told)


def options_of(suite, queue_id):
    """The last number of the C record: the sum of 16, "TLS-Required: no", and what else there is."""
    return int(re.search(r"message_size:.* (\d+)$", suite.run("postcat", "-eq", queue_id).stdout.decode(), re.M)[1])


def test_field(world):
    """Which forms of it count, by what the queue file says."""
    suite, _ = world
    found = {}
    for header in HEADERS:
        since = suite.log_size()
        queue_id = send(suite, "joe@example.net", "x@busy.example", header + "\nTo: x\n\nb\n")
        suite.wait_log(r"%s: to=<x@\S+>, .*" % queue_id, since=since)
        found[header] = options_of(suite, queue_id)
        suite.run("postsuper", "-d", queue_id)
    assert [header for header in HEADERS if found[header] == 16] == [HEADERS[i] for i in (0, 1, 2, 6, 7, 8)]
    assert set(found.values()) == {0, 16}


def test_notice(world):
    """A notice of such a message is one itself; of the postmaster's copy too."""
    suite, _ = world
    send(suite, "alice@example.test", "x@refusing.example", "TLS-Required: no\nSubject: a\n\nb\n")
    assert b"To: alice@example.test\nTLS-Required: no\nAuto-Submitted: auto-replied\n" in suite.messages("alice", 1)[0]
    assert b"TLS-Required: no\nAuto-Submitted: auto-generated\n" in suite.messages("root", 1)[0]
    send(suite, "bob@example.test", "x@refusing.example", "Subject: a\n\nb\n")
    assert b"TLS-Required" not in suite.messages("bob", 1)[0]
    suite.configure(tls_required_enable="no")
    send(suite, "carol@example.test", "x@refusing.example", "TLS-Required: no\nSubject: a\n\nb\n")
    assert b"\nTLS-Required: no\nAuto-" not in suite.messages("carol", 1)[0]
