"""Policy services that sites run: Debian's, installed or unpacked, each on a free port of 127.0.0.1."""
import grp
import os
import pwd
import subprocess

from .listening import Listening
from .servers import Quiet, find, unpacked


def perl():
    """The programs ask for taint checks, which heed no PERL5LIB."""
    return ["/usr/bin/perl", "-T", *("-I%s" % place for place in [unpacked() / "usr/share/perl5", *unpacked().glob("usr/lib/*-linux-gnu/perl5/*")])]


class Postgrey(Quiet):
    """`delay` in seconds."""
    delay = 1

    @property
    def restriction(self):
        return "check_policy_service inet:127.0.0.1:%d" % self.port

    def prepare(self):
        self.program = find("postgrey", "/usr/sbin")
        for name in ("clients", "recipients"):
            self.write(name, "")

    def argv(self):
        root = os.getuid() == 0
        user, group = pwd.getpwuid(65534 if root else os.getuid()).pw_name, grp.getgrgid(65534 if root else os.getgid()).gr_name
        return [*perl(), self.program, "--inet=127.0.0.1:%d" % self.port, "--dbdir=%s" % self.dir, "--delay=%d" % self.delay, "--user=" + user, "--group=" + group,
                "--whitelist-clients=%s/clients" % self.dir, "--whitelist-recipients=%s/recipients" % self.dir, "--pidfile=%s/pid" % self.dir]


class Spawned(Listening):
    """A program that speaks over its standard input and output, one for each connection, as master.cf's spawn(8) runs it."""

    def __init__(self, argv, **environment):
        self.argv, self.environment = argv, environment
        super().__init__()

    @property
    def restriction(self):
        return "check_policy_service inet:127.0.0.1:%d" % self.port

    def serve(self, connection, stream, number):
        with subprocess.Popen(self.argv, stdin=connection, stdout=connection, env={"PATH": "/usr/bin:/bin", **self.environment}):
            pass


def policyd_spf(settings):
    return Spawned(["/usr/bin/python3", find("policyd-spf", "/usr/bin"), settings], PYTHONPATH="%s/usr/lib/python3/dist-packages" % unpacked())


def postfwd(rules):
    return Spawned([*perl(), find("postfwd1", "/usr/sbin"), "--file=" + rules])
