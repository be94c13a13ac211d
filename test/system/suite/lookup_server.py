"""A server of lookup tables that says what a test wants: the other end of tcp: and socketmap: tables."""
import contextlib
import os
import socket
import threading


class LookupServer:
    """Answers each request by answer(request) with bytes, which are sent as they are; None closes the connection without
    an answer, and so does close_after_answer after one. Requests are lines (tcp) or netstrings (socketmap). Keeps what it was asked, and by how many connections."""

    def __init__(self, framing, answer, path=None, port=0):
        self.framing = framing
        self.answer = answer
        self.requests = []
        self.connections = 0
        self.open = []
        self.close_after_answer = False
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o666)
        else:
            self.listener = socket.create_server(("127.0.0.1", port))
            self.port = self.listener.getsockname()[1]
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        """Closes the listener and every connection, as a server that dies."""
        for s in [self.listener, *self.open]:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def _accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            while request := self._read(stream):
                self.requests.append(request)
                answer = self.answer(request)
                if answer is None:
                    break
                connection.sendall(answer)
                if self.close_after_answer:
                    break
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

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
