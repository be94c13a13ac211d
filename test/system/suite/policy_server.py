"""A policy server of a test: what it is asked, and what it says."""
from .listening import Listening


class PolicyServer(Listening):
    """Answers each request, {attribute: value}, by answer(request): the text after "action=", bytes that are sent as they are, or None to
    close the connection. `requests` has the pairs of each request in order."""

    def __init__(self, answer, path=None):
        self.answer, self.requests = answer, []
        super().__init__(path)

    def serve(self, connection, stream, number):
        pairs = []
        for line in stream:
            text = line.decode("utf-8", "backslashreplace").rstrip("\n")
            if text:
                pairs.append(tuple(text.partition("=")[::2]))
                continue
            self.requests.append(pairs)
            said = self.answer(dict(pairs))
            pairs = []
            if said is None:
                return
            connection.sendall(said if isinstance(said, bytes) else b"action=%s\n\n" % said.encode())
