"""qmqpd(8): packets, and what becomes of them."""
import contextlib
import re
import socket
import time

import pytest

from suite import make, masks
from suite.base import free_port
from suite.golden import golden

pytestmark = pytest.mark.root

MESSAGE = "Subject: test\nFrom: <a@example.test>\nTo: bob\n\nhello\n.dot\nno end"
PORTS = {"open": free_port(), "closed": free_port(), "quick": free_port()}
LINE = "127.0.0.1:%d inet n - y - - qmqpd"
MASTER = [LINE % PORTS["open"],
          LINE % PORTS["closed"] + "\n  -o qmqpd_authorized_clients=10.0.0.1 -o qmqpd_client_port_logging=yes",
          LINE % PORTS["quick"] + "\n  -o qmqpd_error_delay=0s -o qmqpd_timeout=1s -o soft_bounce=yes"]
MAIN = {"qmqpd_authorized_clients": "!127.0.0.9, localhost", "message_size_limit": "5000", "relayhost": "[127.0.0.1]:1",
        "virtual_alias_maps": "inline:{alias@example.test=bob}"}


@pytest.fixture(scope="module")
def suite():
    with make(main_cf=MAIN, master=MASTER) as s:
        yield s


def netstring(*parts):
    data = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return b"%d:%s," % (len(data), data)


def packet(content, *addresses):
    return netstring(netstring(content), *(netstring(a) for a in addresses))


def send(data, service="open", end=False):
    """All that the server says."""
    with socket.create_connection(("127.0.0.1", PORTS[service]), timeout=30) as client:
        client.sendall(data)
        if end:
            client.shutdown(socket.SHUT_WR)
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(4096):
                said += part
        return said.decode()


PACKETS = {
    "one recipient": packet(MESSAGE, "alice@example.test", "bob@example.test"),
    "two recipients, null sender": packet(MESSAGE + "\n", "", "bob@example.test", "carol@example.test"),
    "no header, an alias": packet("\nbody\n", "x", "alias@example.test"),
    "no content": packet("", "x", "bob"),
    "lines that end with CR LF": packet("Subject: x\r\n\r\nline\r\n", "a", "bob"),
    "a long line": packet("Subject: x\n\n" + "y" * 3000 + "\n", "a", "bob"),
    "bytes behind the packet": packet(MESSAGE, "a", "bob") + b"more",
    "no recipient": packet(MESSAGE, "x"),
    "no sender": packet(MESSAGE),
    "nothing in it": netstring(""),
    "garbage": b"garbage",
    "a part that is no netstring": netstring(netstring(MESSAGE), b"x:y,"),
    "a part without its comma": netstring(b"3:abc;"),
    "too large for the length": packet("x" * 6000, "a", "bob"),
    "too large with its envelope": packet("Subject: x\n\n" + "x\n" * 2480, "a", "bob"),
    "a long address": packet(MESSAGE, "a", "x" * 3000 + "@y.example"),
    "too many hops": packet("Received: x\n" * 60 + MESSAGE, "a", "bob"),
    "VERP": packet(MESSAGE, "list-@example.test-@[]", "bob"),
    "VERP, bad": packet(MESSAGE, "list@example.test-@[]", "bob"),
}
HOSTILE = {
    "a length that begins with zeros": b"00" + packet(MESSAGE, "a", "bob"),
    "a part's length that begins with zeros": netstring(b"0003:a\nb,", netstring("a"), netstring("bob")),
    "a length of nothing": b":,", "a length without end": b"1" * 200, "a negative length": b"-5:abcde,", "a length with a blank": b" 5:abcde,",
    "a length in hex": b"0x5:abcde,", "the longest length": b"999999999:1:a,", "longer than any": b"99999999999999999999:1:a,",
    "a length of 2^32": b"4294967296:1:a,", "a part longer than the whole": netstring(b"900:abc"), "a part of 2^64": netstring(b"18446744073709551616:abc,"),
    "the whole shorter than its parts": b"20:" + packet(MESSAGE, "a", "bob")[4:], "the whole longer than its parts": b"900:" + packet("x\n", "a", "bob"),
    "no comma at the end": packet(MESSAGE, "a", "bob")[:-1] + b";", "NUL in addresses": packet(MESSAGE, "a\0b", "bob\0c"),
    "newlines in addresses": packet(MESSAGE, "a\nb", "bob\nR: x"), "8-bit addresses": packet(MESSAGE, b"\xff", b"bob\xe9@example.test"),
    "NUL and CR in the content": packet("Subject: x\n\na\0b\rc\n", "a", "bob"), "a sender that is no address": packet(MESSAGE, "<>", "bob"),
    "an empty recipient": packet(MESSAGE, "a", ""), "an HTTP request": b"GET / HTTP/1.0\r\n\r\n",
}
NOT_ITS_OWN = re.compile("removed|mail_stream_cleanup")
OF_QMQPD = re.compile(r"/(?:qmqpd|cleanup)\[|from=<")


def story(suite, name, **options):
    at = suite.log_size()
    said = send(PACKETS[name], **options)
    suite.wait_log(r"qmqpd\[\d+\]: disconnect from", since=at)
    if ":KOk" in said:
        suite.wait_log(r": removed$", since=at)
    else:
        suite.wait_log(r"removed \(canceled\)", since=at)
    lines = sorted((line for line in suite.log(at).splitlines() if OF_QMQPD.search(line) and not NOT_ITS_OWN.search(line)),
                   key=lambda line: ("qmqpd" not in line, "qmgr" in line))
    text = "\n".join(["# " + name, "S: " + said, *lines])
    text = re.sub(r"^S: \d+:KOk: queued as", "S: {n}:KOk: queued as", text, flags=re.M)
    return masks.mask(re.sub(r"size=\d+", "size={n}", text))         # an id is longer or shorter


def test_packets(suite):
    golden("qmqpd", "\n".join(story(suite, name) for name in PACKETS))


def told(suite, name):
    at = suite.log_size()
    said = send(HOSTILE[name], end=True)
    suite.wait_log(r"qmqpd\[\d+\]: disconnect from", since=at)
    suite.wait_queue_empty()
    log = [text for text in re.findall(r"/qmqpd\[\d+\]: (.*)$", suite.log(at), re.M) if "connect from" not in text]
    return re.sub(r"^(# .*\nS: )\d+(:.Ok)", r"\1{n}\2", "\n".join(["# " + name, "S: " + said, *log]))


def test_hostile_packets(suite):
    golden("qmqpd-hostile", masks.mask("\n".join(told(suite, name) for name in HOSTILE)))


def test_delivered_message(suite):
    suite.sh("rm -f /var/mail/bob")
    for data in (packet(MESSAGE, "alice@example.test", "bob@example.test"), packet(MESSAGE, "", "bob@example.test", "carol@example.test")):
        send(data)
        suite.wait_queue_empty()
    golden("qmqpd-delivered", masks.mask(b"".join(suite.messages("bob", 2)).decode()))


def test_queue_file(suite):
    said = send(packet("Subject: x\n\nbody\n", "list-@example.test-@[]", "x@other.example", "y@other.example"))
    queue_id = re.search(r"queued as (\S+),", said).group(1)
    suite.wait_log(queue_id + r": to=.*status=deferred", count=2)
    records = suite.sh("postcat -q %s" % queue_id)
    records = re.sub(r"(deferred/)\w/|(client_port=)\d+|(message_size: ).*", lambda m: (m[1] or m[2] or m[3]) + "{n}", records)
    golden("qmqpd-queue-file", masks.mask(records))
    suite.sh("postsuper -d " + queue_id)


def test_who_may(suite):
    at = suite.log_size()
    said = send(packet(MESSAGE, "a", "bob"), "closed")
    assert re.fullmatch(r"\d+:DError: localhost\[127\.0\.0\.1\]:\d+ is not authorized to use this service,", said)
    suite.wait_log(r"qmqpd\[\d+\]: connect from localhost\[127\.0\.0\.1\]:\d+$", since=at)
    suite.wait_log(r"qmqpd\[\d+\]: disconnect from localhost\[127\.0\.0\.1\]:\d+$", since=at)
    assert "client=" not in suite.log(at)


def test_delay_and_timeout(suite):
    def timed(*args, **options):
        begun = time.monotonic()
        return send(*args, **options), time.monotonic() - begun
    said, seconds = timed(b"garbage")
    assert ":Dnetstring format error while receiving QMQP packet header," in said and 0.9 < seconds < 15
    said, seconds = timed(b"garbage", "quick")     # soft_bounce
    assert "netstring format error while receiving QMQP packet header," in said and seconds < 0.9
    at = suite.log_size()
    said, seconds = timed(b"100:50:abc", "quick")
    assert said == "" and 0.9 < seconds < 15
    suite.wait_log(r"qmqpd\[\d+\]: \w+: localhost\[127\.0\.0\.1\]: read/write timeout while receiving message content$", since=at)
    at = suite.log_size()
    assert send(b"100:50:abc", end=True) == ""
    suite.wait_log(r"qmqpd\[\d+\]: \w+: localhost\[127\.0\.0\.1\]: lost connection while receiving message content$", since=at)


def test_many_at_once(suite):
    at = suite.log_size()
    suite.sh("qmqp-source -s 20 -m 100 -f alice@example.test -t bob@example.test 127.0.0.1:%d" % PORTS["open"])
    suite.wait_log(r"qmgr\[\d+\]: \w+: removed", count=100, since=at)
    assert suite.log(at).count("qmqpd[") >= 300
