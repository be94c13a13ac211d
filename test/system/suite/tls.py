"""TLS for the tests: certificates made for one run, and clients that speak it."""
import functools
import hashlib
import re
import ssl
import subprocess
import tempfile
import warnings
from pathlib import Path

from . import masks
from .smtp import Client

DIRECTORY = "/etc/postfix/tls"     # where the suites have the files


def openssl(*argv, cwd):
    subprocess.run(["openssl", *argv], cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Certificates:
    """An authority, "ca", and what it vouches for: "server" (RSA), "ec" (ECDSA) for mail.example.test, "client"; "wild" for all below example.test; "self" vouches for itself.
    Each is NAME.pem with NAME.key."""

    NAMES = {"server": ("mail.example.test", "rsa"), "ec": ("mail.example.test", "ec"), "client": ("client.example.net", "rsa"),
             "wild": ("*.example.test", "ec")}

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name)
        self._self_signed("ca", "/O=Test/CN=Test CA")
        self._self_signed("self", "/CN=self.example.net")
        for name, (subject, kind) in self.NAMES.items():
            self.make(name, subject, kind)

    def _self_signed(self, name, subject):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".pem", "-days", "30", "-subj", subject,
                cwd=self.path)

    def make(self, name, subject, kind="rsa"):
        """A certificate for the host `subject`, by the authority."""
        if kind == "ec":
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".key", cwd=self.path)
        else:
            openssl("genrsa", "-out", name + ".key", "2048", cwd=self.path)
        openssl("req", "-new", "-key", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + subject, cwd=self.path)
        (self.path / "ext").write_text("subjectAltName=DNS:" + subject)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", name + ".pem", "-days", "30",
                "-extfile", "ext", cwd=self.path)

    def text(self, *names):
        return "".join((self.path / name).read_text() for name in names)

    def fingerprint(self, name, what):
        """By SHA-256, of the `certificate` or of its `key`."""
        path = str(self.path / (name + ".pem"))
        if what == "certificate":
            text = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True).stdout
            return text.decode().split("=")[1].strip()
        key = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-pubkey"], check=True, capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True, capture_output=True).stdout
        digest = subprocess.run(["openssl", "dgst", "-sha256", "-c"], input=der, check=True, capture_output=True).stdout
        return digest.decode().split()[-1].upper()

    def tlsa(self, name, usage, selector, matching):
        """A record (RFC 6698) that the certificate matches: for suite.dns."""
        der = ssl.PEM_cert_to_DER_cert((self.path / (name + ".pem")).read_text())
        if selector == 1:
            key = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-pubkey"], input=der, check=True, capture_output=True).stdout
            der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True, capture_output=True).stdout
        return usage, selector, matching, {0: bytes, 1: lambda d: hashlib.sha256(d).digest(), 2: lambda d: hashlib.sha512(d).digest()}[matching](der)

    def subject_hash(self, name):
        return subprocess.run(["openssl", "x509", "-in", name + ".pem", "-noout", "-subject_hash"], cwd=self.path, check=True, capture_output=True,
                              text=True).stdout.strip()

    def files(self):
        """For a suite."""
        return {"%s/%s" % (DIRECTORY, p.name): p.read_text() for p in self.path.iterdir() if p.suffix in (".pem", ".key")}


@functools.cache
def certificates():
    return Certificates()


SETTINGS = {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": DIRECTORY + "/server.pem", "smtpd_tls_key_file": DIRECTORY + "/server.key",
            "smtpd_tls_CAfile": DIRECTORY + "/ca.pem", "smtpd_tls_loglevel": "1", "smtpd_tls_received_header": "yes"}


def context(certificate=None, highest=None, lowest=None, ciphers=None, curve=None, alpn=None, verifies=False):
    """What a client wants; by default anything, from anybody."""
    c = ssl.create_default_context(cafile=certificates().path / "ca.pem")
    c.check_hostname = False
    c.verify_mode = ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)   # old versions are what is tested
        if lowest or highest:
            c.minimum_version = lowest or ssl.TLSVersion.TLSv1
        if highest:
            c.maximum_version = highest
    if ciphers or lowest:
        c.set_ciphers((ciphers or "DEFAULT") + ":@SECLEVEL=0")
    if curve:
        c.set_ecdh_curve(curve)
    if alpn:
        c.set_alpn_protocols(alpn)
    if certificate:
        c.load_cert_chain(certificates().path / (certificate + ".pem"), certificates().path / (certificate + ".key"))
    return c


def server_context(certificate="server", asks=False, highest=None, with_ca=False):
    """A server's, for a Sink; `with_ca`: it shows the authority's certificate, too."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(certificates().path / (certificate + ".pem"), certificates().path / (certificate + ".key"))
    if with_ca:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as f:
            f.write(certificates().text(certificate + ".pem", "ca.pem"))
            f.flush()
            c.load_cert_chain(f.name, certificates().path / (certificate + ".key"))
    if asks:
        c.load_verify_locations(certificates().path / "ca.pem")
        c.verify_mode = ssl.CERT_OPTIONAL
    if highest:
        c.maximum_version = highest
    return c


class TlsClient(Client):
    """A session that has said STARTTLS, and EHLO again; with `wrapped` TLS came first."""

    def __init__(self, address, tls=None, helo="client.example.net", wrapped=False, session=None, server_name=None, **options):
        self.tls, self.session, self.server_name = tls or context(), session, server_name
        self.helo, self.wrapped = helo, wrapped
        super().__init__(address, helo, **options)
        if not wrapped:
            self.plain_extensions = self.extensions
            self.command("STARTTLS")
            self.begin()
            self.extensions = self.command("EHLO " + helo)

    def reply(self):
        if self.wrapped and not isinstance(self.socket, ssl.SSLSocket):
            self.begin()
        return super().reply()

    def begin(self):
        self.file.close()
        self.socket = self.tls.wrap_socket(self.socket, server_hostname=self.server_name, session=self.session)
        self.file = self.socket.makefile("rb")


def mask(text):
    """What differs between OpenSSL's versions: names of groups, and where in its source something went wrong."""
    text = re.sub(r"key-exchange (x25519|X25519|ECDHE \((\S+)\)|\S+)", lambda m: "key-exchange " + {"prime256v1": "secp256r1"}.get(m[2], m[2] or m[1].lower()), text)
    text = re.sub(r"error:\w+:(x509 certificate routines)::(BIO|system) lib", r"error:{code}:\1::{lib}", text)
    return re.sub(r"(TLS library problem: error:[^:]*:[^:]*:[^:]*:[^:]*):.*", r"\1", text)


def story(suite, server, queue_id, since, begun):
    """What the client's log says of a message from joe@example.net to x@..., once it has come to an end, and what the server heard in its
    sessions from `begun` on."""
    suite.wait_log(r"%s: to=<x@\S+>, .*" % queue_id, since=since)
    if len(server.sessions) > begun:
        server.ended()
    lines = [masks.mask(line).removeprefix("mail ") for line in suite.log(since).splitlines()]
    # Not what becomes of the notice where a message bounces.
    lines = [line for line in lines if re.match(r"postfix/[sl]mtp\[", line) and "to=<joe@example.net>" not in line]
    heard = ["; ".join(re.sub(r"SIZE=\d+", "SIZE={n}", line) for line in session) for session in server.sessions[begun:]]
    return mask("\n".join(lines)) + "\n\n" + "\n".join(heard) + "\n"
