"""Dovecot's own client asks our authd: `doveadm auth test`, over the UNIX socket that Dovecot's programs would have."""
import re
import subprocess

import pytest

from suite import make, selected
from suite.dovecot import CACHE, IS_THERE

pytestmark = [pytest.mark.root, pytest.mark.expensive,
              pytest.mark.skipif(selected() != "ours", reason="it is Dovecot that judges"),
              pytest.mark.skipif(not IS_THERE, reason="needs the reference's base")]

SUCCESS, FAILURE = 0, 77
AUTHD = ("auth unix - n n - 0 authd -o auth_failure_delay=0 -o auth_failure_delay_max=0 -o auth_passdb=passwd-file:/etc/postfix/users -o auth_allow_cleartext=%s"
         " -o {auth_mechanisms=plain login scram-sha-1 scram-sha-256}")


@pytest.fixture(scope="module", params=["yes", "no"])
def suite(request):
    """With passwords in clear text allowed, and only under TLS, of which doveadm knows nothing."""
    with make(master=[AUTHD % request.param], files={"/etc/postfix/users": "alice:{PLAIN}alice-pw\ngone:{PLAIN}gone-pw::::::nologin\n"}) as s:
        s.allows = request.param == "yes"
        yield s


def ask(suite, user, password, mechanism="PLAIN", *more):
    """doveadm runs where it lies; -O: without configuration."""
    base = str(CACHE / "trixie/base")
    loader = [base + "/lib64/ld-linux-x86-64.so.2", "--library-path", "%s/usr/lib/x86_64-linux-gnu:%s/usr/lib/dovecot" % (base, base)]
    done = subprocess.run([*loader, base + "/usr/bin/doveadm", "-O", "auth", "test", "-a", suite.path("/var/spool/postfix/private/auth"), "-A", mechanism,
                           *more, user, password], capture_output=True, text=True, timeout=60)
    assert done.returncode in (SUCCESS, FAILURE), done.stderr
    assert ("passdb: %s auth %s" % (user, "succeeded" if done.returncode == SUCCESS else "failed")) in done.stdout
    return done.returncode, dict(re.findall(r"(?m)^  (\w+)=(.*)", done.stdout))


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_mechanisms(suite, mechanism):
    since = suite.log_size()
    code, fields = ask(suite, "alice", "alice-pw", mechanism, "-x", "rip=192.0.2.1")
    if mechanism in ("PLAIN", "LOGIN") and not suite.allows:
        assert code == FAILURE and fields["reason"] == "Passwords in clear text are taken under TLS only"
        suite.wait_log(r"authd\[\d+\]: login failed: .*client=192\.0\.2\.1, method=%s, user=<alice>: a password in clear text without TLS" % mechanism, since=since)
        return
    assert code == SUCCESS and fields["user"] == "alice"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("user, password", [("alice", "wrong"), ("nobody", "x"), ("gone", "gone-pw")])
def test_failures(suite, mechanism, user, password):
    assert ask(suite, user, password, mechanism)[0] == FAILURE
