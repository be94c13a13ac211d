"""Mail programs that people have, each sending one message to a submission service: installed, or unpacked by build-aux/unpack-packages."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .servers import unpacked
from .tls import certificates

MESSAGE = "From: joe@example.net\nTo: alice@example.test\nSubject: hello\nMessage-Id: <%s@example.net>\n\nFrom here on.\n.\n..\nThe end.\n"


def program(name):
    found = shutil.which(name) or shutil.which(name, path="%s/usr/bin" % unpacked())
    if not found:
        pytest.skip("%s is not there: build-aux/unpack-packages build/servers servers" % name)
    return found


def run(argv, text="", **more):
    """The exit code, and all that was said."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(argv, input=text.encode(), capture_output=True, env={**environment(home), **more}, timeout=600, cwd=home)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def environment(home):
    """In which unpacked programs find what is theirs."""
    root = unpacked()
    libraries = [str(p) for p in root.glob("usr/lib/*-linux-gnu")]
    perl = [str(p) for p in [root / "usr/share/perl5", *root.glob("usr/lib/*-linux-gnu/perl5/*")]]
    return {"PATH": "/usr/bin:/bin:%s/usr/bin" % root, "LD_LIBRARY_PATH": ":".join(libraries), "PERL5LIB": ":".join(perl),
            "PYTHONPATH": "%s/usr/lib/python3/dist-packages" % root, "PYTHONDONTWRITEBYTECODE": "1",
            "NODE_PATH": "%s/usr/share/nodejs:/usr/share/nodejs" % root, "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "dumb"}


def swaks(port, *options, message=MESSAGE % "swaks"):
    return run([program("swaks"), "--server", "127.0.0.1", "--port", str(port), "--ehlo", "client.example.net", "--from", "joe@example.net", "--to", "alice@example.test",
                "--data", "-", *options], message)


def curl(port, *options, scheme="smtp", message=MESSAGE % "curl"):
    return run([program("curl"), "-sS", "-v", "--url", "%s://127.0.0.1:%d/client.example.net" % (scheme, port), "--cacert", str(certificates().path / "ca.pem"), "--insecure",
                "--mail-from", "joe@example.net", "--mail-rcpt", "alice@example.test", "--upload-file", "-", *options], message.replace("\n", "\r\n"))   # its input is what goes over the wire


def msmtp(port, *options, message=MESSAGE % "msmtp"):
    return run([program("msmtp"), "--host=127.0.0.1", "--port=%d" % port, "--domain=client.example.net", "--from=joe@example.net", "--tls=on",
                "--tls-trust-file=%s" % (certificates().path / "ca.pem"), "--tls-host-override=mail.example.test", "--user=alice", *options, "--", "alice@example.test"], message)


NODEMAILER = """
const [port, how, user, password, count] = process.argv.slice(2);
const transport = require('nodemailer').createTransport({
  host: '127.0.0.1', port: +port, secure: how === 'wrapped', requireTLS: how === 'starttls', pool: +count > 1, maxConnections: 2,
  name: 'client.example.net', tls: {rejectUnauthorized: false}, auth: user ? {user, pass: password} : undefined});
const one = n => transport.sendMail({from: 'joe@example.net', to: 'alice@example.test', subject: 'hello \\u00fc', messageId: `<node-${n}@example.net>`,
  text: 'From here on.\\n.\\n..\\nThe end.\\n', attachments: [{filename: 'a.bin', content: Buffer.alloc(100000, n)}]});
Promise.all([...Array(+count).keys()].map(one)).then(sent => { for (const s of sent) console.log(s.response); transport.close(); },
  error => { console.log(error.responseCode, error.response); process.exit(1); });
"""


def nodemailer(port, how, user="", password="", count=1):
    if not any((Path(root) / "nodemailer").exists() for root in ("/usr/share/nodejs", unpacked() / "usr/share/nodejs")):
        pytest.skip("nodemailer is not there: build-aux/unpack-packages build/servers servers")
    return run([program("node"), "-e", NODEMAILER, "--", "x", str(port), how, user, password, str(count)])


def testssl(port, *options):
    """What it finds: {id: (severity, finding)}."""
    with tempfile.TemporaryDirectory() as place:
        csv = os.path.join(place, "found.csv")
        run([program("testssl"), "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "--csvfile", csv, "-t", "smtp", *options, "127.0.0.1:%d" % port],
            TESTSSL_INSTALL_DIR="/etc/testssl" if os.path.exists("/etc/testssl") else "%s/etc/testssl" % unpacked())
        rows = [line.strip('"').split('","') for line in Path(csv).read_text().splitlines()[1:]]
        return {row[0]: (row[3], row[4]) for row in rows}
