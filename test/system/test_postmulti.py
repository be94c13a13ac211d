"""postmulti(1) and postfix(1) with several instances: each step of a long story, as the reference tells it."""
import json
import re
import smtplib
from pathlib import Path

import pytest

from suite import make
from suite.base import free_port
from suite.golden import golden

pytestmark = pytest.mark.root

PRIMARY = "-               -               y         /etc/postfix\n"


def line(name, group, enabled, directory):
    return "%-15s %-15s %-9s %s\n" % (name, group, enabled, directory)


THIRD = line("postfix-third", "-", "n", "/etc/postfix-third")
FOUR = line("postfix-four", "-", "n", "/etc/postfix-four")
OUT = line("postfix-out", "mta", "n", "/etc/postfix-out")
FIVE = line("postfix-five", "-", "n", "/etc/postfix-five")
IN = line("postfix-in", "mta", "n", "/etc/postfix-in")
ALL = PRIMARY + THIRD + FOUR + OUT + FIVE + IN
SHARED = ("daemon_directory", "mail_owner", "sendmail_path", "newaliases_path", "mailq_path", "setgid_group", "manpage_directory",
          "sample_directory", "readme_directory", "meta_directory", "shlib_directory")
NOT_RUNNING = "the Postfix mail system is not running"


def fatal(text):
    return "fatal: " + text


# (command, exit status, standard output, what the log then has)
STORY = [
    # -- before it is told to --
    ("postmulti -l", 0, PRIMARY, None),
    ("postmulti -e create -I postfix-out", 1, "", "postmulti-script[%d]: fatal: multi_instance_wrapper is empty, run 'postmulti -e init' first."),
    ("postmulti -e init", 0, "", None),
    ("postmulti -e init", 0, "", None),
    ("postmulti -e init -i x", 0, "", None),
    ("grep ^multi /etc/postfix/main.cf", 0, "multi_instance_enable = yes\nmulti_instance_wrapper = ${command_directory}/postmulti -p --\n", None),
    # -- what goes together --
    ("postmulti", 1, "", fatal("Specify exactly one of '-e', '-l', '-p', '-x'")),
    ("postmulti -l -p", 1, "", fatal("Specify exactly one of '-e', '-l', '-p', '-x'")),
    ("postmulti -e create -e import", 1, "", fatal("Specify exactly one of '-e', '-l', '-p', '-x'")),
    ("postmulti -l -l", 0, PRIMARY, None),
    ("postmulti -x", 1, "", fatal("Command required with '-p' or '-x' option")),
    ("postmulti -p", 1, "", fatal("Command required with '-p' or '-x' option")),
    ("postmulti -l x", 1, "", fatal("Command not allowed with '-l'")),
    ("postmulti -R -p status", 1, "", fatal("The '-p' and '-e' options preclude the use of '-R'")),
    ("postmulti -e init x", 1, "", fatal("Parameter overrides not valid with '-e init'")),
    ("postmulti -e destroy", 1, "", fatal("Select an instance via '-i name'")),
    ("postmulti -a -e enable", 1, "", fatal("Select an instance via '-i name'")),
    ("postmulti -i - -e enable x=y", 1, "", fatal("Parameter overrides not valid with '-e enable'")),
    ("postmulti -i - -e enable -I postfix-r", 1, "", fatal("Cannot assign instance name or group with '-e enable'")),
    ("postmulti -i - -e enable -g x", 1, "", fatal("Specity no more than one of '-a', '-g', '-i'")),
    ("postmulti -a -g x -l", 1, "", fatal("Specity no more than one of '-a', '-g', '-i'")),
    ("postmulti -I postfix-q -l", 1, "", fatal("Cannot assign instance name or group without '-e assign'")),
    ("postmulti -i - -e assign", 1, "", fatal("Specify new instance name or group with '-e assign'")),
    ("postmulti -i - -e nosuch", 1, "", fatal("Invalid '-e' edit action 'nosuch'. Specify 'create', 'destroy', 'import', 'deport', 'enable', 'disable', 'assign' or 'init'")),
    # -- new instances, each at its place --
    ("postmulti -e create -I out", 1, "", fatal("New instance name must start with 'postfix-'")),
    ("postmulti -e create", 1, "", fatal("Missing config_directory parameter value")),
    ("postmulti -e create -I postfix-z myhostname=q", 1, "", fatal("Parameter 'myhostname' not valid with action create")),
    ("postmulti -e create -I postfix-z queue_directory=relative", 1, "", fatal("Parameter setting 'queue_directory' is not an absolute path")),
    ("postmulti -e create -I postfix-z foo", 1, "", fatal("Malformed parameter setting 'foo'")),
    ("postmulti -e create -I postfix-z queue_directory=/var/spool/postfix", 1, "",
     fatal("instance /etc/postfix-z, queue_directory=/var/spool/postfix conflicts with instance /etc/postfix, queue_directory=/var/spool/postfix")),
    ("postmulti -e create -I postfix-out -G mta", 0, "", None),
    ("postmulti -e create -I postfix-out -G mta", 1, "",
     fatal("new config_directory=/etc/postfix-out is already in use by instance /etc/postfix-out, config_directory=/etc/postfix-out")),
    ("postmulti -e create -I postfix-in -G mta queue_directory=/var/spool/in", 0, "", None),
    ("postmulti -e create -I postfix-third -a", 0, "", None),
    ("postmulti -e create -I postfix-four -g mta", 0, "", None),
    ("postmulti -e create -I postfix-five -i postfix-in", 0, "", None),
    ("postmulti -e create -I postfix-r -i nosuch", 1, "", fatal("No matching secondary instances")),
    ("postmulti -e create -I postfix-r -g nosuch", 1, "", fatal("No matching secondary instances")),
    ("postconf -h multi_instance_directories", 0, "/etc/postfix-third /etc/postfix-four /etc/postfix-out /etc/postfix-five /etc/postfix-in\n", None),
    ("tail -n 6 /etc/postfix-in/main.cf", 0, "authorized_submit_users = \ndata_directory = /var/lib/postfix-in\nmaster_service_disable = inet\n"
     "queue_directory = /var/spool/in\nmulti_instance_group = mta\nmulti_instance_name = postfix-in\n", None),
    ("cmp /etc/postfix/master.cf.proto /etc/postfix-in/master.cf", 0, "", None),
    ("stat -c '%n %a %U' /etc/postfix-in /etc/postfix-in/main.cf /var/spool/in /var/spool/in/active /var/spool/in/pid /var/lib/postfix-in", 0,
     "/etc/postfix-in 755 root\n/etc/postfix-in/main.cf 644 root\n/var/spool/in 755 root\n/var/spool/in/active 700 postfix\n"
     "/var/spool/in/pid 755 root\n/var/lib/postfix-in 700 postfix\n", None),
    # -- listing and iterating --
    ("postmulti -l", 0, ALL, None),
    ("postmulti -la", 0, ALL, None),
    ("postmulti -l -g mta", 0, OUT + IN, None),
    ("postmulti -l -g nosuch", 0, "", None),
    ("postmulti -l -i nosuch", 0, "", None),
    ("postmulti -l -i /etc/postfix-in", 0, IN, None),
    ("postmulti -l -i -", 0, PRIMARY, None),
    ("postmulti -Rl", 0, IN + FIVE + OUT + FOUR + THIRD + PRIMARY, None),
    ("postmulti -x printenv MAIL_CONFIG", 0, "/etc/postfix\n/etc/postfix-third\n/etc/postfix-four\n/etc/postfix-out\n/etc/postfix-five\n/etc/postfix-in\n", None),
    ("postmulti -R -g mta -x printenv config_directory", 0, "/etc/postfix-in\n/etc/postfix-out\n", None),
    ("postmulti -i postfix-in -x printenv multi_instance_name multi_instance_group multi_instance_enable queue_directory data_directory daemon_directory", 0,
     "postfix-in\nmta\nno\n/var/spool/in\n/var/lib/postfix-in\n/usr/lib/postfix/sbin\n", None),
    ("postmulti -x false", 1, "", None),
    ("postmulti -i - -x sh -c 'exit 3'", 1, "", None),
    ("postmulti -i - -x nosuchcommand", 1, "", fatal("execvp nosuchcommand: No such file or directory")),
    ("postmulti -x -i nosuch true", 1, "", fatal("No matching instances")),
    # -- postfix commands --
    ("postmulti -i postfix-in -p status 2>&1", 1, "postfix-in/postlog: %s\n" % NOT_RUNNING, None),
    ("postmulti -g mta -p status 2>&1", 1, "postfix-out/postlog: %s\npostfix-in/postlog: %s\n" % (NOT_RUNNING, NOT_RUNNING), None),
    ("postmulti -i postfix-in -p start", 0, "", None),
    ("postmulti -i postfix-in -p stop", 1, "", fatal("No matching instances")),
    ("postmulti -i postfix-in -p reload", 1, "", fatal("No matching instances")),
    ("postmulti -i postfix-in -e enable", 0, "", None),
    ("postmulti -i postfix-in -e enable", 0, "", None),
    ("postmulti -l -i postfix-in", 0, IN.replace(" n ", " y "), None),
    ("postmulti -i postfix-in -p start 2>&1", 0, "postfix-in/postlog: starting the Postfix mail system\n", None),
    ("postmulti -i postfix-in -p status >/dev/null 2>&1", 0, "", None),
    ("postfix status 2>&1 | sed 's/PID: .*/PID: n/'", 0, "postfix/postlog: the Postfix mail system is running: PID: n\n" +
     "".join("postfix-%s/postlog: %s\n" % (name, NOT_RUNNING) for name in ("third", "four", "out", "five")) +
     "postfix-in/postlog: the Postfix mail system is running: PID: n\n", None),
    ("postfix -c /etc/postfix status >/dev/null 2>&1", 0, "", None),
    ("MAIL_CONFIG=/etc/postfix postfix status >/dev/null 2>&1", 0, "", None),
    ("postfix -c /etc/postfix-out status 2>&1", 1, "postfix-out/postlog: %s\n" % NOT_RUNNING, None),
    ("postfix reload >/dev/null 2>&1", 0, "", None),
    ("postmulti -i postfix-in -e disable", 0, "", None),
    ("postmulti -i postfix-in -e destroy", 1, "", fatal("Instance '/etc/postfix-in' is not stopped")),
    ("postmulti -i postfix-in -p stop", 1, "", fatal("No matching instances")),
    ("postfix -c /etc/postfix-in stop 2>&1 | head -n 1", 0, "postfix-in/postlog: stopping the Postfix mail system\n", None),
    # -- names --
    ("postmulti -i postfix-in -e assign -I newname -G newgroup", 1, "", fatal("New instance name must start with 'postfix-'")),
    ("postmulti -i nosuch -e assign -G newgroup", 1, "", fatal("No instance named nosuch")),
    ("postmulti -i postfix-in -e assign -I postfix-new -G newgroup", 0, "", None),
    ("postmulti -l -g newgroup", 0, line("postfix-new", "newgroup", "n", "/etc/postfix-in"), None),
    ("postmulti -i postfix-new -e assign -G -", 0, "", None),
    ("postmulti -l -i postfix-new", 0, line("postfix-new", "-", "n", "/etc/postfix-in"), None),
    ("postmulti -i postfix-new -e assign -I postfix-out", 1, "",
     fatal("instance /etc/postfix-in, multi_instance_name=postfix-out conflicts with instance /etc/postfix-out, multi_instance_name=postfix-out")),
    ("postmulti -i - -e assign -I postfix-main -G g", 0, "", None),
    ("postmulti -l -g g", 0, line("postfix-main", "g", "y", "/etc/postfix"), None),
    ("postmulti -i - -e assign -I - -G -", 0, "", None),
    ("grep ^multi_instance_[gn] /etc/postfix/main.cf", 0, "multi_instance_group = \nmulti_instance_name = \n", None),
    # -- the end of some --
    ("postmulti -i - -e destroy", 1, "", fatal("Cannot remove the primary instance")),
    ("postmulti -i - -e deport", 1, "", fatal("Cannot remove the primary instance")),
    ("postmulti -i postfix-third -e destroy 2>&1 | grep -v '^rmdir\\|spool'", 1, "", None),
    ("ls -d /etc/postfix-third /var/lib/postfix-third /var/spool/postfix-third/active", 2, "", None),
    ("postmulti -i postfix-out -e enable", 0, "", None),
    ("postmulti -i postfix-out -e destroy", 1, "", fatal("Cannot remove enabled instances")),
    ("postmulti -i postfix-out -e deport", 1, "", fatal("Cannot remove enabled instances")),
    ("postmulti -i postfix-out -e disable", 0, "", None),
    ("postmulti -i postfix-out -e deport", 0, "", None),
    ("touch /etc/postfix-four/mine; postmulti -i postfix-four -e destroy 2>&1 | grep mine; postmulti -i postfix-four -e destroy 2>&1 | grep 'postfix-four:'; ls /etc/postfix-four", 0,
     "mine\n", None),
    ("postmulti -l", 0, PRIMARY + FIVE + line("postfix-new", "-", "n", "/etc/postfix-in"), None),
    ("ls /etc/postfix-out", 0, "main.cf\nmaster.cf\n", None),
    # -- taken in again --
    ("postmulti -e import", 1, "", fatal("Missing config_directory parameter value")),
    ("postmulti -e import config_directory=/nosuch", 1, "", fatal("Failed to obtain all required /nosuch/main.cf parameters")),
    ("postmulti -e import config_directory=/etc/postfix-out queue_directory=/x", 1, "", fatal("Parameter 'queue_directory' not valid with action import")),
    ("postmulti -e import -I postfix-out -G h", 0, "", None),
    ("postmulti -l -i postfix-out", 0, line("postfix-out", "h", "n", "/etc/postfix-out"), None),
    ("postmulti -e create -I - config_directory=/etc/pfr queue_directory=/var/spool/pfr data_directory=/var/lib/pfr", 0, "", None),
    ("postmulti -l -i /etc/pfr", 0, line("-", "-", "n", "/etc/pfr"), None),
    # -- other managers --
    ("postconf multi_instance_wrapper='/bin/echo hallo'; postfix status x", 0, "hallo status x\n", None),
    ("postfix", 0, "hallo\n", None),
    ("postconf multi_instance_directories=; postfix -c /etc/postfix status >/dev/null 2>&1; postfix status >/dev/null 2>&1", 0, "", None),
    ("postconf multi_instance_directories=/etc/postfix-out multi_instance_wrapper=; postfix status", 1, "",
     fatal("multi-instance support is requested, but multi_instance_wrapper is empty")),
    ("postmulti -e init; postmulti -i - -e disable; postmulti -p stop", 1, "", fatal("No matching instances")),
    ("postmulti -i - -e enable", 1, "", fatal("multi_instance_enable!=yes, run 'postmulti -e init' first.")),
    ("postmulti -e init; postmulti -p nosuch >/dev/null 2>&1", 1, "", None),
    ("rm -r /etc/postfix-out; postmulti -l", 1, "", fatal("Failed to obtain all required /etc/postfix-out/main.cf parameters")),
]


@pytest.fixture(scope="module")
def suite():
    with make() as s:
        yield s


@pytest.fixture(scope="module")
def begun(suite):
    """How far the story has come: a step that fails must not make the others look wrong."""
    return {"lines": 0}


@pytest.mark.parametrize("command,status,output,logged", STORY, ids=["%03d" % i for i in range(len(STORY))])
def test_story(suite, begun, command, status, output, logged):
    before = suite.log().count("\n") if logged else 0
    done = suite.run("sh", "-c", command)
    # Debian's tells of copies for chroots that it makes on the way.
    lines = [text + "\n" for text in done.stdout.decode().splitlines() if not text.startswith("updating ")]
    assert ("".join(lines), done.returncode) == (output, status), done.stderr.decode()
    if logged:
        pattern = re.escape(logged).replace("%d", r"\d+") if "%d" in logged else re.escape(logged)
        suite.wait_until(lambda: re.search(pattern, "\n".join(suite.log().splitlines()[before:])),
                         Path(suite.mail_log).parent, timeout=10, what=logged)


SECOND = "/etc/postfix-two"


def make_second(suite, port):
    """A second instance that takes mail on a port of its own and logs to a file of its own."""
    suite.sh("postmulti -e init; postmulti -e create -I postfix-two >/dev/null")
    suite.sh("postconf -c %s maillog_file=/var/log/two.log myhostname=two.example.test mydestination=two.example.test alias_maps= "
             "alias_database= master_service_disable='!127.0.0.1:%d/inet, inet' inet_protocols=ipv4" % (SECOND, port))
    suite.sh("postconf -c %s -Me '127.0.0.1:%d/inet=127.0.0.1:%d inet n - n - - smtpd'; postconf -c %s -Fe '*/*/chroot=n'" % (SECOND, port, port, SECOND))
    suite.sh("postmulti -i postfix-two -e enable; postmulti -i postfix-two -p start")


def log_of_second(suite):
    path = Path(suite.path("/var/log/two.log"))
    return path.read_text() if path.exists() else ""


def test_two_instances_carry_mail():
    port = free_port()
    with make() as suite:
        make_second(suite, port)
        log = Path(suite.path("/var/log"))
        suite.wait_until(lambda: "daemon started" in log_of_second(suite), log, timeout=20, what="start of the second instance")
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.sendmail("joe@example.net", ["alice@two.example.test"], "Subject: x\r\n\r\nTo the second.\r\n")
        suite.wait_until(lambda: "status=sent" in log_of_second(suite), log, timeout=20, what="delivery by the second instance")
        assert "postfix-two/smtpd[" in log_of_second(suite) and "postfix-two/local[" in log_of_second(suite)
        # The stock smtp port stays shut by master_service_disable, and the first instance has not seen the message.
        assert "alice@two.example.test" not in suite.log()
        assert suite.run("postfix", "stop").returncode == 0
        assert suite.run("postfix", "status").stderr.count(b"not running") == 2


@pytest.mark.extension("Debian's leaves sockets and pid file, and gives up an instance whose queue holds mail")
def test_an_instance_with_mail_is_not_destroyed():
    with make() as suite:
        suite.sh("postmulti -e init; postmulti -e create -I postfix-two")
        suite.sh("postconf -c %s default_transport=error relayhost=" % SECOND)
        suite.sh("postfix -c %s start; postfix -c %s stop" % (SECOND, SECOND))
        suite.sh("mkdir -p /var/spool/postfix-two/hold; touch /var/spool/postfix-two/hold/ABCDEF01")
        done = suite.run("postmulti", "-i", "postfix-two", "-e", "destroy")
        assert done.returncode == 1
        assert b"Instance '/etc/postfix-two' mail queue is not empty: /var/spool/postfix-two/hold/ABCDEF01" in done.stderr
        suite.sh("rm /var/spool/postfix-two/hold/ABCDEF01; postmulti -i postfix-two -e destroy")
        assert suite.run("sh", "-c", "ls -d %s /var/spool/postfix-two /var/lib/postfix-two" % SECOND).stdout == b""
        assert json.loads(suite.sh("postmulti -jl")) == {"name": "", "group": "", "enabled": "yes", "config_directory": "/etc/postfix"}


def test_command_classes_of_main_cf():
    """postmulti_start_commands, postmulti_stop_commands and postmulti_control_commands say what is done for whom."""
    with make() as suite:
        suite.sh("postmulti -e init; postmulti -e create -I postfix-two >/dev/null")
        suite.sh("postconf postmulti_stop_commands=status")
        assert suite.run("postmulti", "-p", "status").stderr.count(b"PID") == 1
        assert b"postfix-two" not in suite.run("postmulti", "-p", "status").stderr
        suite.sh("postconf postmulti_stop_commands=stop postmulti_control_commands=status")
        assert b"postfix-two" not in suite.run("postmulti", "-p", "status").stderr
        suite.sh("postconf postmulti_control_commands=reload postmulti_start_commands=status")
        assert suite.run("postmulti", "-i", "postfix-two", "-p", "status").returncode == 0      # checked instead


SHOWS = "#!/bin/sh\necho \"$*\"\npwd\nenv | sort\n"
# What the programs of one of the two add for themselves.
OWN = ("ASAN_OPTIONS=", "UBSAN_OPTIONS=", "MAIL_LOGTAG=", "POSTLOG_", "PATH=", "html_directory=")


def test_what_a_manager_of_instances_is_given():
    """Its place and its environment (postfix-wrapper(5))."""
    with make(files={"/etc/postfix/shows": SHOWS}) as s:
        s.sh("chmod 755 /etc/postfix/shows; postconf multi_instance_wrapper='/etc/postfix/shows a' multi_instance_directories=/etc/postfix-out")
        told = s.sh("env -i PATH=/usr/sbin:/bin:/usr/bin FOO=bar LANG=C TZ=UTC postfix -D status x").splitlines(True)
        s.sh("postconf -X multi_instance_directories")
        golden("postfix_wrapper_environment", "".join(line for line in told if not line.startswith(OWN)))


WRAPPED = [
    # (multi_instance_enable of the second instance, command, exit status)
    ("no", "status", 1),
    ("no", "start", 1),
    ("no", "nosuch", 1),
    ("yes", "flush", 69),
    ("yes", "reload", 1),
    ("no", "reload", 0),
]


@pytest.fixture(scope="module")
def wrapped():
    main_cf = {"multi_instance_wrapper": "$daemon_directory/postfix-wrapper", "multi_instance_enable": "yes"}
    with make(main_cf=main_cf) as s:
        s.sh("cp -a /etc/postfix /etc/postfix-out; postconf -c /etc/postfix-out queue_directory=/var/spool/postfix-out data_directory=/var/lib/postfix-out "
             "syslog_name=postfix-out multi_instance_name=postfix-out master_service_disable=inet; mkdir -p /var/spool/postfix-out /var/lib/postfix-out; chown postfix /var/lib/postfix-out; "
             "postconf multi_instance_directories=/etc/postfix-out; postfix -c /etc/postfix-out check 2>/dev/null || :")
        yield s
        s.sh("postconf -X multi_instance_directories")


@pytest.mark.parametrize("enabled, action, status", WRAPPED)
def test_the_plain_manager(wrapped, enabled, action, status):
    """postfix-wrapper leaves out what is not enabled, and checks it where it should start."""
    wrapped.sh("postconf -c /etc/postfix-out multi_instance_enable=" + enabled)
    done = wrapped.run("postfix", action)
    assert done.returncode == status


def test_what_main_cf_proto_has_of_shared_parameters():
    """Debian 12's has many of them, empty. The primary instance has the say; where it has not, the default holds."""
    with make(files={"/etc/postfix/main.cf.proto": "html_directory = /proto\n" + "".join(name + " =\n" for name in SHARED)}) as suite:
        suite.sh("postconf -X %s; postconf -e html_directory=/primary" % " ".join(SHARED))
        suite.sh("postmulti -e init; postmulti -I postfix-second -e create")
        text = Path(suite.path("/etc/postfix-second/main.cf")).read_text()
        assert text.startswith("html_directory = /primary\n" + "".join("#%s =\n" % name for name in SHARED)), text
