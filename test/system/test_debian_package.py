"""debian/ is sound, without a build of the package: test/package does the whole thing."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from suite import selected

TREE = Path(__file__).resolve().parents[2]
DEBIAN = TREE / "debian"
BUILD = Path(os.environ.get("VALIJA_BUILD", TREE / "build"))
pytestmark = pytest.mark.skipif(selected() != "ours" or not (BUILD / "Makefile").exists(), reason="it is our package")

# Names, types and defaults by which hosts are preseeded.
QUESTIONS = {"main_mailer_type": ("select", "Internet Site"), "mailname": ("string", "/etc/mailname"), "rfc1035_violation": ("boolean", "false"),
             "relayhost": ("string", None), "root_address": ("string", ""), "destinations": ("string", None), "chattr": ("boolean", "false"),
             "mynetworks": ("string", "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128"), "procmail": ("boolean", None), "mailbox_limit": ("string", "0"),
             "recipient_delim": ("string", "+"), "bad_recipient_delimiter": ("error", None), "protocols": ("select", None),
             "not_configured": ("error", None), "newaliases": ("boolean", "false"), "purge_queue": ("boolean", "false")}
KINDS = "No configuration, Internet Site, Internet with smarthost, Satellite system, Local only"

COMMANDS = {"postalias", "postcat", "postconf", "postdrop", "postfix", "postfix-add-filter", "postfix-add-policy", "postfix-collate", "postkick",
            "postlock", "postlog", "postmap", "postmulti", "postqueue", "postsuper", "posttls-finger", "qmqp-sink", "qmqp-source", "qshape",
            "rmail", "sendmail", "smtp-sink", "smtp-source"}
DAEMONS = {"anvil", "bounce", "cleanup", "discard", "dnsblog", "error", "flush", "lmtp", "local", "master", "pickup", "pipe", "postlogd",
           "postscreen", "proxymap", "qmgr", "qmqpd", "scache", "showq", "smtp", "smtpd", "spawn", "tlsmgr", "tlsproxy", "trivial-rewrite",
           "verify", "virtual"}
# Debian's package has these, ours not yet: to become shorter, and then empty.
MISSING = {"postfix-add-filter", "postfix-add-policy", "posttls-finger", "dnsblog", "postscreen", "verify"}

SCRIPTS = sorted(p.relative_to(TREE) for p in [*DEBIAN.glob("postfix.*"), *(DEBIAN / "lib").iterdir(), *(DEBIAN / "tests").iterdir()]
                 if p.read_text().startswith("#!/bin/sh") or p.suffix in (".sh", ".functions"))


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_script(script):
    done = subprocess.run(["sh", "-n", TREE / script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def stanzas(path):
    """Of each paragraph its fields; what goes on in the next line belongs to the field."""
    for paragraph in re.split(r"\n\s*\n", path.read_text().strip()):
        yield dict(re.findall(r"(?m)^([A-Za-z_-]+):[ \t]*((?:.*)(?:\n[ \t].*)*)", paragraph))


def test_questions():
    found = {s["Template"]: s for s in stanzas(DEBIAN / "postfix.templates")}
    assert {name: (s["Type"], s.get("Default")) for name, s in found.items()} == {"postfix/" + name: facts for name, facts in QUESTIONS.items()}
    assert found["postfix/main_mailer_type"]["__Choices"] == KINDS
    assert found["postfix/protocols"]["__Choices"] == "all, ipv6, ipv4"
    assert all("_Description" in s for s in found.values())
    asked = set()
    for script in ("config", "postinst", "postrm"):
        text = (DEBIAN / ("postfix." + script)).read_text()
        asked |= set(re.findall(r"postfix/(\w+)", text)) | set(re.findall(r"(?:answer|ask \w+|is_seen|is_set) (\w+)", text))
    assert set(QUESTIONS) - asked == {"newaliases"}        # of older releases, kept for their preseeding


def test_all_scripts_hold_and_end_the_mail_system():
    """What does it is put in by the build, where this line is."""
    for script in ("preinst", "postinst", "prerm", "postrm"):
        assert (DEBIAN / ("postfix." + script)).read_text().count("\n#STOP_FUNCTIONS#\n") == 1


def test_build_depends():
    """What ./check installs for a build, a build of the package asks for."""
    wanted = set(re.findall(r"(?m)^build (\S+)$", (TREE / "build-aux/packages").read_text())) - {"g++", "make", "netbase"}
    control = next(stanzas(DEBIAN / "control"))
    assert wanted - {re.split(r"[ (<]", entry.strip())[0] for entry in control["Build-Depends"].split(",")} == set()


def test_installed_files(tmp_path):
    subprocess.run(["make", "-s", "-C", BUILD, "install", "DESTDIR=%s" % tmp_path], check=True, capture_output=True)
    names = {inside: {p.name for p in (tmp_path / inside).iterdir()} for inside in ("usr/sbin", "usr/lib/postfix/sbin", "usr/bin")}
    assert (COMMANDS - names["usr/sbin"]) | (DAEMONS - names["usr/lib/postfix/sbin"]) <= MISSING
    assert {"mailq", "newaliases"} <= names["usr/bin"]
    assert {p.name for p in (tmp_path / "etc/postfix").iterdir()} == {"main.cf", "master.cf", "main.cf.proto",
                                                                     "master.cf.proto", "postfix-files"}
    # What the package takes over from there: moved names, links, and the list of files.
    subprocess.run([DEBIAN / "lib/arrange", tmp_path], check=True)
    assert not list((tmp_path / "etc/postfix").iterdir())
    pages = {p.name for p in (tmp_path / "usr/share/man/man8").iterdir()}
    assert {"smtpd.8postfix", "lmtp.8postfix", "trace.8postfix"} <= pages
    assert re.search(r"(?m)^\.TH \S+ 8postfix\b", (tmp_path / "usr/share/man/man8/smtpd.8postfix").read_text())
    listed = subprocess.run([DEBIAN / "lib/make-postfix-files", tmp_path, BUILD / "conf/postfix-files"], check=True, capture_output=True, text=True).stdout.splitlines()
    for line in listed:
        assert line.startswith("#") or re.match(r"\$[\w/.-]+:(d:(root|\$mail_owner):(-|\$setgid_group):\d+(:[uc]*r?)?|f:root:(-|\$setgid_group):\d+(:[up])?|l:\$\w+)$", line), line
    assert len(listed) == len(set(listed))
    assert "$manpage_directory/man8/smtpd.8postfix.gz:f:root:-:644" in listed
    assert "$daemon_directory/smtpd:f:root:-:755" in listed and "$command_directory/postdrop:f:root:$setgid_group:2755:u" in listed


def test_master_cf_has_debians_services():
    text = (TREE / "conf/master.cf").read_text() + (DEBIAN / "lib/master.cf.pipes").read_text()
    services = re.findall(r"(?m)^([\w-]+) +(\w[\w-]*) +\S+ +\S+ +(\S+)", text)
    pipes = {"maildrop", "uucp", "ifmail", "bsmtp", "scalemail-backend", "mailman"}
    assert pipes <= {name for name, _, _ in services}
    assert {name for name, _, chroot in services if chroot == "n"} == pipes | {"qmgr", "proxymap", "proxywrite", "local", "virtual", "postlog",
                                                                          "auth", "oauth", "quota-status"}   # the last three are ours
