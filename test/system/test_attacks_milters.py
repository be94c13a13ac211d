"""Milters that mean no good, or are broken: bounded in memory and time, and nothing is lost or half done."""
import struct
import threading

import pytest

from suite import make
from suite.milter import ACCEPT, CONTINUE, HANG, PROGRESS, Milter, add_header, change_header, insert_header, packet, reply
from suite.milter_story import MESSAGE, story, talk
from suite.smtp import Client

pytestmark = pytest.mark.root

FLOW = ["MAIL FROM:<a@example.net>", "RCPT TO:<alice@example.test>", "DATA", "."]


@pytest.fixture(scope="module")
def milter():
    with Milter() as m:
        yield m


@pytest.fixture(scope="module")
def suite(milter):
    with make(main_cf={"smtpd_milters": milter.address, "milter_default_action": "tempfail", "milter_content_timeout": "2", "milter_command_timeout": "2", "local_recipient_maps": "inline:{alice=x}"},
              services={"none": {"smtpd_milters": ""}, "patient": {"smtpd_milters": "{ %s, content_timeout=600s }" % milter.address}}) as s:
        yield s


@pytest.fixture(autouse=True)
def as_new(milter):
    milter.answers, milter.closes, milter.steps = {}, "", 0


def last_reply(lines):
    return [line for line in lines if line.startswith("S: ")][-2]


@pytest.mark.parametrize("letter", "HMRLBE")
@pytest.mark.parametrize("head", [struct.pack(">I", 1 << 30) + b"y5", struct.pack(">I", 0xffffffff) + b"c", struct.pack(">I", 0), struct.pack(">I", 3) + b"y", b"\0"])
def test_packets(suite, milter, letter, head):
    """Lengths that are not meant."""
    milter.answers = {letter: head}
    said = talk(suite, FLOW)
    assert any(line.startswith("S: 451 4.7.1 Service unavailable") for line in said), said
    assert not [line for line in said if "queued as" in line]
    milter.answers = {}
    assert "queued as" in "\n".join(talk(suite, FLOW))


@pytest.mark.extension   # the reference waits as long as there is progress
def test_endless_progress(suite, milter):
    stop = threading.Event()

    def tick(m, letter, data):
        connection = list(m.open.values())[-1]

        def run():
            while not stop.wait(0.2):
                try:
                    connection.sendall(PROGRESS)
                except OSError:
                    return
        threading.Thread(target=run, daemon=True).start()
        return b""
    milter.answers = {"E": tick}
    try:
        assert last_reply(talk(suite, FLOW)).startswith("S: 451 4.7.1")
    finally:
        stop.set()


def test_slow_milter_keeps_nobody_waiting(suite, milter):
    """While one message waits for its milter, others come in."""
    milter.answers = {"E": HANG}
    with Client(suite.address("patient")) as waiting:
        for line in FLOW[:3]:
            waiting.command(line)
        waiting.socket.sendall(MESSAGE.replace("\n", "\r\n").encode() + b".\r\n")
        milter.wait("eob")
        for _ in range(20):
            assert "queued as" in "\n".join(talk(suite, FLOW, "none"))
        milter.hang_up()
        assert waiting.reply().startswith("451 4.7.1")


INJECTED = ["a\nX-Injected: b", "a\r\nX-Injected: b", "a\n\nX-Injected: b", "a\r\n\r\nbody", "a\rX-Injected: b", "a\n"]


@pytest.mark.extension   # the reference passes CR and empty lines on
@pytest.mark.parametrize("value", INJECTED)
@pytest.mark.parametrize("how", ["add", "insert", "change"])
def test_header_injection(suite, milter, value, how):
    """One request is one field."""
    milter.answers = {"E": {"add": add_header("X-New", value), "insert": insert_header(1, "X-New", value), "change": change_header(1, "X-B", value)}[how] + ACCEPT}
    before = len(suite.messages("alice", 0))
    talk(suite, FLOW)
    message = suite.messages("alice", before + 1)[before]
    header, rest = message.split(b"\n\n", 1)
    assert b"\nX-Injected" not in header and b"\r" not in header and rest == b"Hello\nworld.\n\n"


@pytest.mark.extension   # the reference writes such names as they are
@pytest.mark.parametrize("name", ["", "X Y", "X:Y", "X\nY", "X\r\n\r\nY", "\u00e4", " X"])
def test_header_names(suite, milter, name):
    milter.answers = {"E": add_header(name, "v") + ACCEPT}
    before, since = len(suite.messages("alice", 0)), suite.log_size()
    talk(suite, FLOW)
    suite.wait_log("ignoring milter request for a header field with a bad name", since=since)
    assert suite.messages("alice", before + 1)[before].decode().split("\n\n")[0].endswith("To: b@example.test")


@pytest.mark.extension   # the reference sends such bytes to the client
@pytest.mark.parametrize("text", ["554 5.7.1 a\n250 fine", "554 5.7.1 a\r250 fine", "554 5.7.1 \x01\x7f"])
def test_reply_injection(suite, milter, text):
    milter.answers = {"R": reply(text)}
    said = talk(suite, FLOW[:2])
    assert last_reply(said).startswith("S: 554 5.7.1 ") and "250 fine" not in said and "\x01" not in "".join(said)


@pytest.mark.parametrize("address", ["<a\nb@example.test>", "<a\rb@example.test>", "<\x01@example.test>"])
@pytest.mark.extension
def test_addresses(suite, milter, address):
    """A line break in an address would be a record, or a header field, of its own."""
    for letter in "+e":
        milter.answers = {"E": packet(letter, address + "\0") + ACCEPT}
        assert last_reply(talk(suite, FLOW)).startswith("S: 451 4.3.0")
    milter.answers = {"E": packet("-", address + "\0") + ACCEPT}
    assert "queued as" in last_reply(talk(suite, FLOW))


def test_more_answers_than_questions(suite, milter):
    """What is sent unasked is not taken for the answer to another question by the other program."""
    milter.answers = {"T": CONTINUE + packet("r") * 5}
    text = story(suite, [milter], FLOW)
    assert "queued as" in text or "550 5.7.1" in text
    milter.answers = {}
    assert "queued as" in "\n".join(talk(suite, FLOW))
