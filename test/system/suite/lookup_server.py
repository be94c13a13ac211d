"""A server of lookup tables that says what a test wants: the other end of tcp: and socketmap: tables."""
from .listening import Listening


class LookupServer(Listening):
    """Answers each request by answer(request) with bytes, which are sent as they are; None closes the connection without
    an answer, and so does close_after_answer after one. Requests are lines (tcp) or netstrings (socketmap). Keeps what it was asked."""

    def __init__(self, framing, answer, path=None, port=0):
        self.framing, self.answer, self.requests, self.close_after_answer = framing, answer, [], False
        super().__init__(path, port)

    def serve(self, connection, stream, number):
        while request := self._read(stream):
            self.requests.append(request)
            answer = self.answer(request)
            if answer is None:
                return
            connection.sendall(answer)
            if self.close_after_answer:
                return

    def _read(self, stream):
        if self.framing == "lines":
            return stream.readline()
        size = b""
        while (c := stream.read(1)) != b":":
            size += c
            if not c:
                return b""
        text = stream.read(int(size))
        stream.read(1)
        return text


def netstring(text):
    """The text as socketmap servers send it."""
    return b"%d:%s," % (len(text), text)
