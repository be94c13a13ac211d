"""OAuth as those see it who issue tokens: keys, signed tokens, a server that says which tokens are active."""
import base64
import http.server
import json
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

from .base import free_port


def url64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def openssl(*argv, data=b""):
    return subprocess.run(["openssl", *argv], input=data, capture_output=True, check=True).stdout


class Key:
    """A secret key in a file of `directory`."""
    MADE = {"RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            "ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "EdDSA": ["-algorithm", "ED25519"]}

    def __init__(self, directory, algorithm, name=""):
        self.algorithm, self.path = algorithm, Path(directory) / (algorithm + name + ".pem")
        openssl("genpkey", *self.MADE[algorithm], "-out", str(self.path))
        self.pem = openssl("pkey", "-in", str(self.path), "-pubout").decode()

    def signature(self, text):
        if self.algorithm == "EdDSA":
            file = self.path.with_suffix(".text")
            file.write_bytes(text)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(self.path), "-in", str(file))
        signature = openssl("dgst", "-sha256", "-sign", str(self.path), data=text)
        return signature if self.algorithm == "RS256" else self.two_numbers(signature)

    @staticmethod
    def two_numbers(der):
        first = der[4:4 + der[3]]
        second = der[6 + der[3]:]
        return b"".join(n[-32:].rjust(32, b"\0") for n in (first, second))

    def jwk(self, kid):
        der = openssl("pkey", "-pubin", "-outform", "DER", data=self.pem.encode())
        if self.algorithm == "EdDSA":
            return {"kty": "OKP", "crv": "Ed25519", "x": url64(der[-32:]), "kid": kid}
        if self.algorithm == "ES256":
            return {"kty": "EC", "crv": "P-256", "x": url64(der[-64:-32]), "y": url64(der[-32:]), "kid": kid, "alg": "ES256"}
        modulus = openssl("rsa", "-pubin", "-noout", "-modulus", data=self.pem.encode()).decode().strip().partition("=")[2]
        return {"kty": "RSA", "n": url64(bytes.fromhex(modulus)), "e": "AQAB", "kid": kid, "use": "sig"}

    def token(self, claims, header=None):
        head = {"alg": self.algorithm, **(header or {})}
        text = url64(json.dumps(head)) + "." + (claims if isinstance(claims, str) else url64(json.dumps(claims)))
        return text + "." + url64(self.signature(text.encode()))


def claims(**changed):
    """Those of a good token; None leaves one out."""
    usual = {"iss": "https://id.example.test", "aud": "mail", "sub": "alice", "scope": "openid smtp", "exp": int(time.time()) + 3600}
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


class Introspection:
    """An introspection server on a port of 127.0.0.1: `answers` has for a token the object, the bytes, or a number as the status.
    It knows a token that is not there as one that is not active."""

    def __init__(self, answers, tls=None):
        self.answers, self.asked, self.headers = answers, [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                token = form["token"][0]
                outer.asked.append(token)
                outer.headers.append(dict(self.headers))
                answer = outer.answers.get(token, {"active": False})
                if isinstance(answer, threading.Event):
                    answer.wait(60)
                    answer = {"active": False}
                status, body = 200, answer
                if isinstance(answer, int):
                    status, body = answer, b""
                if not isinstance(body, bytes):
                    body = json.dumps(body).encode()
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = ("https" if tls else "http") + "://127.0.0.1:%d/introspect" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
