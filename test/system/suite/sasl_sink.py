"""The server's end of SASL: a next hop that wants its clients to log in."""
import base64
import binascii
import hashlib
import hmac

from .smtp import Sink

USER, PASSWORD = "joe", "correct horse"
TOKEN = "ya29.token"
CHALLENGE = b"<1896.697170952@sink.example.net>"
SALT, NONCE, ROUNDS = b"salt of the sink", "3rfcNHYJY1ZVvWVs7j", 4096


class LogIn(Exception):
    """The login is over; the reply."""


REFUSED = "535 5.7.8 Error: authentication failed"
ACCEPTED = "235 2.7.0 Authentication successful"


def require(holds):
    if not holds:
        raise LogIn(REFUSED)


class AuthSink(Sink):
    """A Sink that lets USER with PASSWORD in (TOKEN for XOAUTH2 and OAUTHBEARER), by the mechanisms that it offers: in plaintext
    `mechanisms`, under TLS `under_tls`. How a login went is a line in its session: "-- PLAIN joe: 235". `rounds` and `proves` are of
    SCRAM: how often it hashes, and whether it proves that it knows the password too. `authzid`: for whom the client has to act, where
    the mechanism says that."""

    def __init__(self, mechanisms="PLAIN", under_tls=None, rounds=ROUNDS, proves=True, authzid=b"", **options):
        self.mechanisms, self.under_tls = mechanisms, mechanisms if under_tls is None else under_tls
        self.rounds, self.proves, self.authzid, self.secrets = rounds, proves, authzid, []
        super().__init__(**options)

    def _offers(self, encrypted):
        mechanisms = self.under_tls if encrypted else self.mechanisms
        return ["AUTH " + mechanisms] if mechanisms else []

    def _auth(self, line, lines, say, rfile):
        """After AUTH: the exchange, and the reply to it."""
        words = line.split(" ")
        mechanism = words[1].upper()
        with self.changed:
            if len(words) > 2:
                self.secrets.append(words[2])
            lines[-1] = "AUTH %s%s" % (mechanism, " {response}" if len(words) > 2 and words[2] != "=" else "".join(words[2:]))
        first = None if len(words) < 3 else b"" if words[2] == "=" else base64.b64decode(words[2])

        def ask(challenge):
            say("334 " + base64.b64encode(challenge).decode())
            answer = rfile.readline().rstrip(b"\r\n")
            if answer == b"*":
                with self.changed:
                    lines.append("*")
                raise LogIn("501 5.7.0 Authentication aborted")
            with self.changed:
                self.secrets.append(answer.decode())
            return base64.b64decode(answer, validate=True)
        user = []
        try:
            getattr(self, "_" + mechanism.lower().replace("-", "_"))(first, ask, user)
            reply = ACCEPTED
        except LogIn as e:
            reply = str(e)
        except (binascii.Error, ValueError, KeyError):
            reply = "501 5.5.4 malformed"
        reply = self._answer(line, reply)
        with self.changed:
            lines.append("-- %s %s: %s" % (mechanism, "".join(user), (reply or "closed")[:3]))
        say(reply)

    def _plain(self, first, ask, user):
        authzid, name, password = (ask(b"") if first is None else first).split(b"\0")
        user.append(name.decode())
        require((authzid, name.decode(), password.decode()) == (self.authzid, USER, PASSWORD))

    def _login(self, first, ask, user):
        user.append((ask(b"Username:") if first is None else first).decode())
        require((user[0], ask(b"Password:").decode()) == (USER, PASSWORD))

    def _cram_md5(self, first, ask, user):
        name, digest = ask(CHALLENGE).decode().rsplit(" ", 1)
        user.append(name)
        require(name == USER and digest == hmac.new(PASSWORD.encode(), CHALLENGE, "md5").hexdigest())

    def _scram_sha_1(self, first, ask, user):
        self._scram("sha1", first, ask, user)

    def _scram_sha_256(self, first, ask, user):
        self._scram("sha256", first, ask, user)

    def _scram(self, name, first, ask, user):
        """RFC 5802, without channel binding."""
        text = (ask(b"") if first is None else first).decode()
        flag, authzid, bare = text.split(",", 2)
        fields = dict(part.split("=", 1) for part in bare.split(","))
        user.append(fields["n"])
        server_first = "r=%s%s,s=%s,i=%d" % (fields["r"], NONCE, base64.b64encode(SALT).decode(), self.rounds)
        final = ask(server_first.encode()).decode()
        without_proof, proof = final.rsplit(",p=", 1)
        require(dict(part.split("=", 1) for part in without_proof.split(","))["r"] == fields["r"] + NONCE)
        salted = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), SALT, self.rounds)
        signed = ",".join((bare, server_first, without_proof)).encode()
        client_key = hmac.digest(salted, b"Client Key", name)
        signature = hmac.digest(hashlib.new(name, client_key).digest(), signed, name)
        right = bytes(a ^ b for a, b in zip(client_key, signature))
        require(authzid == ("a=" + self.authzid.decode() if self.authzid else ""))
        require(flag in ("n", "y") and fields["n"] == USER and base64.b64decode(proof) == right)
        mine = hmac.digest(hmac.digest(salted, b"Server Key", name), signed, name)
        require(ask(b"v=" + base64.b64encode(mine if self.proves else b"?" * len(mine))) == b"")

    def _bearer(self, text, ask, user):
        fields = [part for part in text.split(b"\1") if part]
        if b"auth=Bearer " + TOKEN.encode() not in fields:
            ask(b'{"status":"invalid_token"}')
            raise LogIn(REFUSED)
        user.append(fields[0].decode())

    def _xoauth2(self, first, ask, user):
        self._bearer(ask(b"") if first is None else first, ask, user)

    def _oauthbearer(self, first, ask, user):
        self._bearer(ask(b"") if first is None else first, ask, user)
