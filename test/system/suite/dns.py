"""A name server for one test: answers from a table, on a loopback address of its own, port 53 (so only for root)."""
import os
import socket
import struct
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "TLSA": 52}
NXDOMAIN, SERVFAIL, NOERROR = 3, 2, 0


def encode(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.strip(".").split(".") if p) + b"\0"


class Dns:
    """zone: {"example.net": {"MX": [(10, "mx.example.net")], "A": ["127.2.0.1"]}}, SRV as (priority, weight, port, host); "SERVFAIL"
    in place of the records of a name, or of one type of a name, fails. A name that is not there does not exist (NXDOMAIN).
    TLSA as (usage, selector, matching type, bytes). What lies below a name of `signed` ("." is all) counts as validated, less what lies
    below one of `unsigned`: who asks for it (AD or DO in the query) gets AD, where that is so for all that leads to the answer.
    `raw` is asked first, with the query, its question (name, type and class as they came), the name and the type: the datagrams
    to send as they are, or None. `tcp(query)` gives what is sent to who asks again by TCP."""

    def __init__(self, zone, raw=None, tcp=None, signed=(), unsigned=()):
        self.raw, self.tcp, self.signed, self.unsigned = raw, tcp, signed, unsigned
        self.zone, self.asked = {k.lower(): v for k, v in zone.items()}, []
        self.host = "127.53.%d.%d" % (os.urandom(1)[0], 1 + os.urandom(1)[0] % 250)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((self.host, 53))
        self.listener = None
        if tcp:
            self.listener = socket.create_server((self.host, 53))
            threading.Thread(target=self._serve_tcp, daemon=True).start()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(2048)
                for answer in self._answers(query):
                    self.udp.sendto(answer, peer)
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                with self.listener.accept()[0] as client:
                    client.settimeout(5)
                    query = client.recv(2048)
                    client.sendall(self.tcp(query[2:]))
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def _answers(self, query):
        name, kind, question = self._question(query)
        datagrams = self.raw(query, question, name, kind) if self.raw else None
        if datagrams is None:
            return [self._answer(query)]
        self.asked.append((name, kind))
        return datagrams

    @staticmethod
    def _question(query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        return ".".join(labels).lower(), kind, question

    def _answer(self, query):
        name, kind, question = self._question(query)
        self.asked.append((name, kind))
        names = []
        records, code = self._find(name, kind, names)
        validated = self._wants_validation(query, question) and all(map(self._is_signed, names))
        head = query[:2] + struct.pack(">HHHHH", 0x8580 | (0x20 if validated else 0) | code, 1, len(records), 0, 0)
        return head + question + b"".join(records)

    @staticmethod
    def _wants_validation(query, question):
        option = query[12 + len(question):]      # OPT: the root, 41, size, code, version, flags
        return query[3] & 0x20 or (option[:3] == b"\0\0\x29" and option[7] & 0x80)

    def _is_signed(self, name):
        def below(zones):
            return any(zone == "." or ("." + name).endswith("." + zone) for zone in zones)
        return below(self.signed) and not below(self.unsigned)

    def _find(self, name, kind, names):
        names.append(name)
        found = self.zone.get(name)
        if found is None:
            return [], NXDOMAIN
        if found == "SERVFAIL":
            return [], SERVFAIL
        out = []
        for word, values in found.items():
            if values == "SERVFAIL":
                if TYPES[word] == kind:
                    return [], SERVFAIL
                continue
            if TYPES[word] == kind or word == "CNAME":
                for v in values:
                    data = (struct.pack(">H", v[0]) + encode(v[1]) if word == "MX" else struct.pack(">HHH", *v[:3]) + encode(v[3]) if word == "SRV" else socket.inet_aton(v) if word == "A" else
                            socket.inet_pton(socket.AF_INET6, v) if word == "AAAA" else bytes([len(v)]) + v.encode() if word == "TXT" else
                            bytes(v[:3]) + v[3] if word == "TLSA" else encode(v))
                    out.append(encode(name) + struct.pack(">HHIH", TYPES[word], 1, 60, len(data)) + data)
                    if word == "CNAME" and kind != TYPES["CNAME"]:
                        out += self._find(v.lower(), kind, names)[0]
        return out, NOERROR

    def close(self):
        self.udp.close()
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
