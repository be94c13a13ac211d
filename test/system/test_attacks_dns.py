"""ATTACKS D01 and D02: name servers that send nonsense, or somebody else's answers. Nothing is returned because of it, nothing goes
where it should not, and other mail goes on."""
import re
import socket
import struct

import pytest

from suite import make
from suite.dns import Dns, encode
from suite.smtp import Client, Sink, send

pytestmark = pytest.mark.root

A, CNAME, PTR, MX, TXT = 1, 5, 12, 15, 16
GOOD, EVIL = "127.77.7.7", "127.66.6.6"


def record(name, kind, data, length=None):
    return name + struct.pack(">HHIH", kind, 1, 60, len(data) if length is None else length) + data


def packet(query, question, records=(), flags=0x8580, ident=None, counts=None, more=b""):
    counts = counts or (1, len(records), 0, 0)
    return struct.pack(">H", struct.unpack(">H", query[:2])[0] if ident is None else ident) + struct.pack(">HHHHH", flags, *counts) + question + b"".join(records) + more


ASKED = b"\xc0\x0c"                 # a pointer to the name of the question
MX_DATA = struct.pack(">H", 10) + encode("mx.good.example")
LONG = (b"\x3f" + b"a" * 63) * 5 + b"\0"

# What comes in place of the MX records of a domain of that name.
GARBAGE = {
    **{"mx%d" % n: lambda q, k, n=n: [packet(q, k, [record(ASKED, MX, MX_DATA[:n])])] for n in range(7)},
    **{"over%d" % n: lambda q, k, n=n: [packet(q, k, [record(ASKED, MX, MX_DATA, len(MX_DATA) + n)])] for n in (1, 100, 65000)},
    **{"cut%d" % n: lambda q, k, n=n: [packet(q, k, [record(ASKED, MX, MX_DATA)])[:n]] for n in range(0, 60, 3)},
    "loop": lambda q, k: [packet(q, k, [record(ASKED, MX, struct.pack(">H", 10) + b"\xc0" + bytes([12 + len(k) + 14]))])],
    "forward": lambda q, k: [packet(q, k, [record(ASKED, MX, struct.pack(">H", 10) + b"\xff\xff")])],
    "ownerloop": lambda q, k: [packet(q, k, [record(b"\xc0" + bytes([12 + len(k)]), MX, MX_DATA)])],
    "label": lambda q, k: [packet(q, k, [record(ASKED, MX, struct.pack(">H", 10) + b"\x80abc\0")])],
    "long": lambda q, k: [packet(q, k, [record(ASKED, MX, struct.pack(">H", 10) + LONG)])],
    "noquestion": lambda q, k: [packet(q, b"", [record(encode("x"), MX, MX_DATA)], counts=(0, 1, 0, 0))],
    "manyquestions": lambda q, k: [packet(q, k, [record(ASKED, MX, MX_DATA)], counts=(65535, 1, 0, 0))],
    "manyanswers": lambda q, k: [packet(q, k, [record(ASKED, MX, MX_DATA)], counts=(1, 65535, 0, 0))],
    "header": lambda q, k: [q[:12]], "nothing": lambda q, k: [b""], "byte": lambda q, k: [b"x"], "ones": lambda q, k: [b"\xff" * 512],
    "cname100": lambda q, k: [packet(q, k, [record(ASKED if not n else encode("c%d.example" % n), CNAME, encode("c%d.example" % (n + 1))) for n in range(100)])],
    "cnameself": lambda q, k: [packet(q, k, [record(ASKED, CNAME, ASKED)])],
    "truncated": lambda q, k: [packet(q, k, flags=0x8780)],
    "servfail": lambda q, k: [packet(q, k, flags=0x8582)], "refused": lambda q, k: [packet(q, k, flags=0x8585)], "notimp": lambda q, k: [packet(q, k, flags=0x8584)],
    # D02: not the answer to what was asked
    "otherid": lambda q, k: [packet(q, k, [record(ASKED, MX, struct.pack(">H", 10) + encode("mx.evil.example"))], ident=(q[0] << 8 | q[1]) ^ 1)],
    "othername": lambda q, k: [packet(q, encode("other.example") + k[-4:], [record(ASKED, MX, struct.pack(">H", 10) + encode("mx.evil.example"))])],
    "othertype": lambda q, k: [packet(q, k[:-4] + struct.pack(">HH", TXT, 1), [record(ASKED, MX, struct.pack(">H", 10) + encode("mx.evil.example"))])],
    "query": lambda q, k: [packet(q, k, [record(ASKED, MX, struct.pack(">H", 10) + encode("mx.evil.example"))], flags=0x0100)],
}


def raw(query, question, name, kind):
    first, _, rest = name.partition(".")
    if rest == "bad.example" and kind == MX:
        return GARBAGE[first](query, question)
    # Beside the right answer, what nobody asked for: another name's records, and addresses in the additional section.
    if name == "extra.example" and kind == MX:
        return [packet(query, question, [record(ASKED, MX, MX_DATA), record(encode("other.example"), MX, struct.pack(">H", 1) + encode("mx.evil.example"))],
                       counts=(1, 2, 0, 1), more=record(encode("mx.good.example"), A, socket.inet_aton(EVIL)))]
    if name == "changes.example" and kind == A:
        raw.changes += 1
        return [packet(query, question, [record(ASKED, A, socket.inet_aton(GOOD if raw.changes == 1 else EVIL))])]
    if rest.endswith(".7.0.127.in-addr.arpa") or re.match(r"\d+\.7\.0\.127\.in-addr\.arpa$", name):
        return [packet(query, question, [record(ASKED, PTR, NAMES[int(first)])])]
    return None


raw.changes = 0


def label(text):
    return bytes([len(text)]) + text


NAMES = [label(text) + encode("evil.example") for text in
         (b"a b", b"a\0b", b"a\nb", b"a\r\nFrom: x", b"\x1b[2J", b"a.b", b"[127.0.0.1]", b"\\000", b"a\xff\xfe", b"$(id)", b"a;b", b"<>", b"-", b"a" * 63)]
NAMES += [b"\0", LONG, b"\xc0\x0c", b"\xc0\xff", b"", label(b"localhost") + b"\0", encode("1.2.3.4"), encode("mail.example.test")]

ZONE = {"mx.good.example": {"A": [GOOD]}, "mx.evil.example": {"A": [EVIL]}, "good.example": {"MX": [(10, "mx.good.example")]}, "extra.example": {"TXT": []},
        "changes.example": {"TXT": []}, "bad.example": {"TXT": []}, **{"%s.bad.example" % name: {"A": [EVIL]} for name in GARBAGE},
        "self.example": {"MX": [(10, "mail.example.test")]}, "loopback.example": {"MX": [(10, "lo.example")]}, "lo.example": {"A": ["127.0.0.1"]},
        "mail.example.test": {"A": ["127.0.0.1"]},
        "evil.example": {"A": [EVIL]}}


@pytest.fixture(scope="module")
def sinks():
    with Sink(address=(GOOD, 0)) as good, Sink(address=(EVIL, good.address[1])) as evil:
        yield good, evil


@pytest.fixture(scope="module")
def suite(sinks):
    port = sinks[0].address[1]
    names = ["good.example", "extra.example", "changes.example", *["%s.bad.example" % name for name in GARBAGE]]
    maps = " ".join("%s=smtp:%s:%d" % (name, name, port) for name in names)
    with Dns(ZONE, raw=raw, tcp=lambda query: b"\xff\xff" + b"garbage" * 100) as dns:
        with make(main_cf={"transport_maps": "inline:{%s}" % maps, "smtp_host_lookup": "dns", "notify_classes": "", "smtp_connect_timeout": "5s",
                           "smtp_connection_cache_on_demand": "no", "default_destination_concurrency_failed_cohort_limit": "100"}, dns=dns.host) as s:
            s.dns = dns
            yield s


def alive(suite, since):
    log = suite.log(since)
    assert not re.search("killed by signal|panic|fatal", log), log[-2000:]
    return log


@pytest.mark.extension("Postfix goes by some of these")
def test_answers_that_are_none(suite, sinks):
    """Every one of them is a reason to ask again later, none to return the mail, or to send it to whoever is named in it."""
    since = suite.log_size()
    qids = {name: send(suite, "", "x@%s.bad.example" % name) for name in GARBAGE}
    suite.wait_log(r": to=<x@\S+\.bad\.example>.*status=", count=len(qids), since=since, timeout=50)
    suite.wait_removed(send(suite, "", "x@good.example"))
    log = alive(suite, since)
    got = dict(re.findall(r": to=<x@(\S+)\.bad\.example>.*status=(\w+)", log))
    suite.delete_all()
    assert {name: status for name, status in got.items() if status != "deferred"} == {}, log[-6000:]
    assert sinks[1].messages == []


@pytest.mark.extension("Postfix takes the records of any name in the answer")
def test_what_nobody_asked_for(suite, sinks):
    before = len(sinks[0].messages)
    suite.wait_removed(send(suite, "", "x@extra.example"))
    assert len(sinks[0].messages) == before + 1 and sinks[1].messages == []


def test_an_address_that_changes(suite, sinks):
    """It is asked for once, and what was said is where the mail goes."""
    raw.changes, before, evil = 0, len(sinks[0].messages), len(sinks[1].messages)
    suite.wait_removed(send(suite, "", "x@changes.example"))
    assert (len(sinks[0].messages), len(sinks[1].messages)) == (before + 1, evil)


@pytest.mark.parametrize("domain", ["self.example", "loopback.example"])
def test_mail_exchangers_that_are_ourselves(suite, domain):
    since = suite.log_size()
    send(suite, "", "x@" + domain)
    m = suite.wait_log(r": to=<x@%s>.*status=(\w+) \((.*)\)$" % domain, since=since)[0]
    assert m.group(1) == "bounced" and "loops back to myself" in m.group(2), m.group(0)


def test_names_of_clients(suite):
    """Only a host name that leads back to the address is one; the others are unknown, whatever they hold."""
    for number in range(len(NAMES)):
        since = suite.log_size()
        with socket.create_connection(suite.smtp, timeout=30, source_address=("127.0.7.%d" % number, 0)) as client:
            assert client.recv(100).startswith(b"220 ")
            client.sendall(b"QUIT\r\n")
            client.recv(100)
        line = suite.wait_log(r": connect from (.*)$", since=since)[0].group(1)
        assert line == "unknown[127.0.7.%d]" % number
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", alive(suite, since))
    with Client(suite.smtp) as client:
        client.send("", "bob@example.test", "Subject: x\n\nx\n")
