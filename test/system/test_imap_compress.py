"""IMAP: extensions that Dovecot announces too; what a client hears is the same of both."""
import zlib

import pytest

from suite.golden import golden
from suite.mailboxes import Imap, Mailboxes, masked
from test_imap import fresh

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def server():
    with Mailboxes() as server:
        yield server


class Compressed:
    """The same connection behind COMPRESS DEFLATE; its commands end as the others' do."""

    def __init__(self, client):
        self.client, self.deflater, self.inflater, self.text = client, zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15), b""

    def send(self, data):
        self.client.socket.sendall(self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH))

    def until(self, end):
        while end not in self.text:
            data = self.client.socket.recv(65536)
            assert data, self.text
            self.text += self.inflater.decompress(data)
        text, self.text = self.text, b""
        return text

    def say(self, command):
        self.send(command + b"\r\n")
        return self.until(b"\r\n" + command.split()[0] + b" " if b"FETCH" in command else command.split()[0] + b" ")


def test_compress(server):
    fresh(server)
    with Imap(server, user="alice") as client:
        client.lines = []
        client.all("COMPRESS", "COMPRESS FOO", "COMPRESS DEFLATE x", "SELECT INBOX", "COMPRESS DEFLATE")
        inside = Compressed(client)
        for command in (b"c1 NOOP", b"c2 COMPRESS DEFLATE", b"c3 FETCH 1:3 BODY.PEEK[]", b"c4 FETCH 1:3 (UID FLAGS)"):
            client.lines += ["Z: " + line for line in inside.say(command).decode("utf-8", "backslashreplace").split("\r\n")]
        golden("imap_compress", masked(client.transcript().replace("Z: ", "S: ")))


def test_much_goes_through_compression(server):
    fresh(server)
    text = b"A: b\r\n\r\n" + b"".join(b"%d line\r\n" % (n * n) for n in range(200_000))
    with Imap(server, user="alice") as client:
        client.all("SELECT INBOX", "COMPRESS DEFLATE")
        inside = Compressed(client)
        inside.send(b"c1 APPEND INBOX {%d+}\r\n" % len(text) + text + b"\r\n")
        assert b"c1 OK" in inside.until(b"c1 ")
        inside.send(b"c2 FETCH 4 BODY.PEEK[]\r\n")
        assert text in inside.until(b"\r\nc2 OK")
        inside.send(b"c3 IDLE\r\n")
        inside.until(b"+ idling\r\n")
        inside.send(b"DONE\r\n")
        assert b"c3 OK" in inside.until(b"c3 ")


def test_what_is_not_compressed_ends_the_session(server):
    fresh(server)
    with Imap(server, user="alice") as client:
        client.all("COMPRESS DEFLATE")
        client.send(b"\xff" * 100)
        while client.socket.recv(1000):
            pass
