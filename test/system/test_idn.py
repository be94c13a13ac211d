"""Internationalized domain names on the way out: they are looked up in their ASCII form (A-labels, RFC 5890)."""
import pytest

from suite import make, masks
from suite.dns import Dns
from suite.golden import golden
from suite.smtp import Sink, send, turn

pytestmark = pytest.mark.root

HOST = "127.26.0.1"
ZONE = {
    "xn--bcher-kva.example": {"MX": [(10, "mx.example")]},
    "xn--strae-oqa.example": {"MX": [(10, "mx.example")]},
    "strasse.example": {"MX": [(10, "mx.example")]},
    "xn--hst-sna.example": {"A": [HOST]},
    "mx.example": {"A": [HOST]},
    "to-alabel.example": {"MX": [(10, "xn--hst-sna.example")]},
}
TRANSPORTS = {
    "host": "smtp:[h\u00f6st.example]", "domain": "smtp:b\u00fccher.example", "port": "smtp:[h\u00f6st.example]:25", "list": "smtp:no\u00fc.example, b\u00fccher.example",
    "lmtp": "lmtp:h\u00f6st.example:25", "inet": "lmtp:inet:h\u00f6st.example:25", "sharp": "smtp:stra\u00dfe.example",
    "compatible": "compatible:stra\u00dfe.example",
}
# name: recipient
RECIPIENTS = {
    "ulabel": "x@b\u00fccher.example", "capital": "x@B\u00dcCHER.example", "decomposed": "x@bu\u0308cher.example", "alabel": "x@xn--bcher-kva.example",
    "sharp_s": "x@stra\u00dfe.example", "dot": "x@b\u00fccher\u3002example", "underscore": "x@a\u00fc_b.example", "heart": "x@\u2665.example", "wide": "x@\uff42\uff55.example",
    "bad_alabel": "x@xn--a.example", "mixed": "x@b\u00fccher.xn--bcher-kva.example", "middle_dot": "x@bad\u00b7.example",
    "mx_alabel": "x@to-alabel.example",
    **{name: "x@%s.hop" % name for name in TRANSPORTS if name != "compatible"},
}


@pytest.fixture(scope="module")
def world():
    # joe's domain is nobody's: what comes back is discarded.
    table = "".join("%s.hop %s\n" % item for item in TRANSPORTS.items()) + "example.net discard:\n"
    with turn("smtp-parameters"), Dns(ZONE) as dns, Sink(address=(HOST, 25), extensions=["8BITMIME", "SMTPUTF8"]) as smtp:
        main_cf = {"transport_maps": "texthash:/etc/postfix/transport", "smtp_host_lookup": "dns", "lmtp_host_lookup": "dns", "notify_classes": "",
                   "smtp_connection_cache_on_demand": "no"}
        with make(main_cf=main_cf, dns=dns.host, files={"/etc/postfix/transport": table},
                  master=["compatible unix - - n - - smtp\n  -o enable_idna2003_compatibility=yes"]) as s:
            yield s, dns, smtp


def told(world, recipient):
    suite, dns, _ = world
    since, asked = suite.log_size(), len(dns.asked)
    send(suite, "joe@example.net", recipient, "Subject: test\nMessage-Id: <x@example.net>\n\nHello.\n", mail="SMTPUTF8" if not recipient.isascii() else "")
    suite.wait_status(since)
    suite.wait_log("disconnect from", since=since)
    log = "\n".join(line for line in masks.history(suite.log(since)).splitlines() if "/smtp: " in line or "/lmtp: " in line or "warning" in line)
    suite.delete_all()
    return log + "\n" + "".join("%s %d\n" % question for question in sorted(set(dns.asked[asked:])))


@pytest.mark.parametrize("name", RECIPIENTS)
def test_name(world, name):
    golden("idn_" + name, told(world, RECIPIENTS[name]))


def test_next_hop_hears_utf8(world):
    """The name goes to the next hop as the client gave it."""
    suite, _, smtp = world
    count = len(smtp.messages)
    suite.wait_removed(send(suite, "joe@example.net", "x@B\u00dcCHER.example", mail="SMTPUTF8"))
    assert smtp.wait(count + 1)[count]["rcpt"] == ["RCPT TO:<x@B\u00dcCHER.example>"]


def test_enable_idna2003_compatibility(world):
    """The sharp s becomes ss; ICU 76 and later, with which Debian 13 has Postfix, has forgotten how."""
    assert told(world, "x@compatible.hop").split("\n")[-2] in ("strasse.example 15", "xn--strae-oqa.example 15")
