"""What the servers that tests play have in common: a listener, and a thread for each connection."""
import contextlib
import os
import socket
import threading


class Listening:
    """Listens on a free port of 127.0.0.1 (`port`), or at `path`, and hands each connection to serve(connection, stream, number), which
    a subclass has; the connection ends with it. `connections` is how many there were, `open` which of them are there; `changed` tells of
    both."""

    def __init__(self, path=None, port=0):
        self.connections, self.open, self.changed, self.path = 0, {}, threading.Condition(), path
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o666)
        else:
            self.listener = socket.create_server(("127.0.0.1", port))
            self.port = self.listener.getsockname()[1]
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def hang_up(self):
        """On those that are connected."""
        with self.changed:
            for s in self.open.values():
                with contextlib.suppress(OSError):
                    s.shutdown(socket.SHUT_RDWR)

    def stop(self):
        """As a server that dies."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.hang_up()

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
            with self.changed:
                self.connections += 1
                self.open[self.connections] = connection
                number = self.connections
            threading.Thread(target=self._hold, args=(connection, number), daemon=True).start()

    def _hold(self, connection, number):
        with contextlib.suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            self.serve(connection, stream, number)
        with self.changed:
            del self.open[number]
            self.changed.notify_all()
