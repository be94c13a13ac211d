"""What operators do wrong in main.cf, master.cf and around them, and what they are told.

Each case: what is done in /etc/postfix; when the reference says something of it ("check": `postfix check`, "reload": the
log after `postfix reload`, "mail": the log after a message, None: never in so many words); what it says; the exit status
of ours' `postfix check`; and what ours says at that check, before a message can suffer: the reference's text, where it
has one, with file and line and what to do."""
import re
import smtplib
import socket
from pathlib import Path

import pytest

from suite import make, selected

pytestmark = pytest.mark.root



def main_line(text):
    """Of a setting that the case adds: the number of its line depends on the suite's other settings."""
    return r"/etc/postfix/main\.cf, line \d+: " + re.escape(text)


def master_line(text):
    return r"/etc/postfix/master\.cf: line \d+: " + re.escape(text)


def plain(text):
    return re.escape(text)


CASES = {
    # -- names and syntax of main.cf --
    "typo_in_a_name": ("postconf -e mydestnation=x", "check", "unused parameter: mydestnation=x", 0,
                       [main_line("unused parameter: mydestnation=x: nothing reads it; did you mean mydestination?")]),
    "no_equals_sign": ("echo 'myorigin example.test' >>main.cf", "check", "missing '=' after attribute name: \"myorigin example.test\"", 1,
                       [main_line("missing '=' after attribute name: \"myorigin example.test\"")]),
    "no_name": ("echo '= example.test' >>main.cf", "check", "missing attribute name: \"= example.test\"", 1,
                [main_line("missing attribute name: \"= example.test\"")]),
    "continuation_at_the_start": ("sed -i '1i\\  foo = bar' main.cf", "check", "/etc/postfix/main.cf: logical line must not start with whitespace: \"  foo = bar\"", 0,
                                  [plain("/etc/postfix/main.cf: logical line must not start with whitespace: \"  foo = bar\"")]),
    "set_twice": ("printf 'mail_name=a\\nmail_name=b\\n' >>main.cf", "check", "overriding earlier entry: mail_name=a", 0,
                  [main_line("overriding earlier entry: mail_name=a")]),
    "comment_behind_a_value": ("postconf -e 'relayhost=[x.invalid] # my relay'", "check", "#comment after other text is not allowed: # my relay...", 0,
                               [main_line("relayhost: #comment after other text is not allowed: # my relay...: put it on a line of its own")]),
    "name_on_its_way_out": ("postconf -e disable_dns_lookups=no", "check",
                            "support for parameter \"disable_dns_lookups\" will be removed; instead, specify \"smtp_dns_support_level\"", 0,
                            [main_line("support for parameter \"disable_dns_lookups\" will be removed; instead, specify \"smtp_dns_support_level\"")]),
    "undefined_name": ("postconf -e 'mydestination=$mydomian'", "check", "undefined parameter: mydomian", 0,
                       [main_line("mydestination: undefined parameter: mydomian: $mydomian is empty; did you mean mydomain?")]),
    "undefined_name_empties": ("postconf -e 'myorigin=$mydomian'", "check", "bad string length 0 < 1: myorigin =", 1,
                               [main_line("myorigin: undefined parameter: mydomian: $mydomian is empty; did you mean mydomain?"),
                                main_line("bad string length 0 < 1: myorigin =")]),
    "recursion": ("postconf -e 'myhostname=$mydomain' 'mydomain=$myhostname'", "check", "unreasonable macro call nesting: \"myhostname\"", 1,
                  [main_line("mydomain: unreasonable macro call nesting: \"myhostname\": its value refers to itself: write it out")]),
    "recursion_on_itself": ("postconf -e 'mail_name=$mail_name'", "check", "unreasonable macro call nesting: \"mail_name\"", 1,
                            [main_line("mail_name: unreasonable macro call nesting: \"mail_name\": its value refers to itself: write it out")]),
    "unbalanced_brace": ("postconf -e 'myorigin=${mydomain'", "check", "truncated macro reference: \"${mydomain\"", 1,
                         [main_line("myorigin: truncated macro reference: \"${mydomain\": close the brace")]),
    "empty_value": ("postconf -e myhostname=", "check", "bad string length 0 < 1: myhostname =", 1, [main_line("bad string length 0 < 1: myhostname =")]),
    # -- values --
    "number": ("postconf -e smtpd_recipient_limit=many", "mail", "fatal: bad numerical configuration: smtpd_recipient_limit = many", 0,
               [main_line("bad numerical configuration: smtpd_recipient_limit = many: write a number")]),
    "number_too_small": ("postconf -e default_process_limit=0", "check", "invalid default_process_limit parameter value 0 < 1", 1,
                         [plain("invalid default_process_limit parameter value 0 < 1")]),
    "time": ("postconf -e queue_run_delay=5x", "reload", "fatal: parameter queue_run_delay: bad time value or unit: 5x", 0,
             [main_line("parameter queue_run_delay: bad time value or unit: 5x: write a number and one of s, m, h, d, w")]),
    "boolean": ("postconf -e soft_bounce=maybe", "check", "bad boolean configuration: soft_bounce = maybe", 1,
                [main_line("bad boolean configuration: soft_bounce = maybe: write yes or no")]),
    "compatibility_level": ("postconf -e compatibility_level=three", "check", "malformed compatibility level syntax: \"three\"", 1,
                            [plain("malformed compatibility level syntax: \"three\"")]),
    "syslog_facility": ("postconf -e syslog_facility=nosuch", "check", "file /etc/postfix/main.cf: parameter syslog_facility: unrecognized value: nosuch", 1,
                        [plain("file /etc/postfix/main.cf: parameter syslog_facility: unrecognized value: nosuch")]),
    "inet_protocols": ("postconf -e inet_protocols=ipv5", "check", "unknown inet_protocols value \"ipv5\" in \"ipv5\"", 1,
                       [main_line("unknown inet_protocols value \"ipv5\" in \"ipv5\": write all, ipv4 or ipv6")]),
    "inet_interfaces_host": ("postconf -e inet_interfaces=nosuch.invalid", "check", "config variable inet_interfaces: host not found: nosuch.invalid", 1,
                             [main_line("config variable inet_interfaces: host not found: nosuch.invalid: write addresses of this host, all, or loopback-only")]),
    "myorigin_file": ("postconf -e myorigin=/etc/nosuch", "check", "/etc/nosuch: cannot open file: No such file or directory", 1,
                      [main_line("/etc/nosuch: cannot open file: No such file or directory: write the file, or the name itself in its place")]),
    "log_file_prefix": ("postconf -e maillog_file=/tmp/mail.log", "check", "maillog_file value '/tmp/mail.log' does not match any prefix in maillog_file_prefixes", 1,
                        [plain("maillog_file value '/tmp/mail.log' does not match any prefix in maillog_file_prefixes")]),
    # -- accounts, owners, modes --
    "mail_owner": ("postconf -e mail_owner=nosuch", "check", "file /etc/postfix/main.cf: parameter mail_owner: unknown user name value: nosuch", 1,
                   [plain("file /etc/postfix/main.cf: parameter mail_owner: unknown user name value: nosuch")]),
    "mail_owner_root": ("postconf -e mail_owner=root", "check", "file /etc/postfix/main.cf: parameter mail_owner: user root has privileged user ID", 1,
                        [plain("parameter mail_owner: user root has privileged user ID")]),
    "setgid_group": ("postconf -e setgid_group=nosuch", "check", "file /etc/postfix/main.cf: parameter setgid_group: unknown group name: nosuch", 1,
                     [plain("parameter setgid_group: unknown group name: nosuch")]),
    "setgid_group_shared": ("postconf -e setgid_group=postfix", "check", "parameters mail_owner and setgid_group: user postfix and group postfix have the same group ID:", 1,
                            [plain("parameters mail_owner and setgid_group: user postfix and group postfix have the same group ID:")]),
    "default_privs": ("postconf -e default_privs=nosuch", "check", "parameter default_privs: unknown user name value: nosuch", 1,
                      [plain("parameter default_privs: unknown user name value: nosuch")]),
    "default_privs_root": ("postconf -e default_privs=root", "check", "parameter default_privs: user root has privileged user ID", 1,
                           [plain("parameter default_privs: user root has privileged user ID")]),
    "writable_main_cf": ("chmod 666 main.cf", "check", "group or other writable: /etc/postfix/./main.cf", 0, [plain("group or other writable: /etc/postfix/./main.cf")]),
    "main_cf_of_somebody": ("chown nobody main.cf", "check", "not owned by root: /etc/postfix/./main.cf", 0, [plain("not owned by root: /etc/postfix/./main.cf")]),
    "queue_owner": ("chown root /var/spool/postfix/deferred", "check", "scan_dir_push: open directory deferred: Permission denied", 1,
                    [plain("not owned by postfix: /var/spool/postfix/deferred"), plain("postfix cannot use /var/spool/postfix/deferred")]),
    "postdrop_mode": ("chmod 755 /usr/sbin/postdrop", "check", "not set-gid or not owner+group+world executable: /usr/sbin/postdrop", 0,
                      [plain("not set-gid or not owner+group+world executable: /usr/sbin/postdrop")]),
    "postqueue_group": ("chgrp root /usr/sbin/postqueue", "check", "not owned by group postdrop: /usr/sbin/postqueue", 0,
                        [plain("not owned by group postdrop: /usr/sbin/postqueue")]),
    # -- tables --
    "table_missing": ("postconf -e virtual_alias_maps=hash:/etc/postfix/nosuch", "mail", "open database /etc/postfix/nosuch.db: No such file or directory", 0,
                      [main_line("virtual_alias_maps: open database /etc/postfix/nosuch.db: No such file or directory: write /etc/postfix/nosuch, then run 'postmap hash:/etc/postfix/nosuch'")]),
    "table_not_built": ("echo 'a b' >vmap; postconf -e virtual_alias_maps=hash:/etc/postfix/vmap", "mail", "open database /etc/postfix/vmap.db: No such file or directory", 0,
                        [main_line("virtual_alias_maps: open database /etc/postfix/vmap.db: No such file or directory: run 'postmap hash:/etc/postfix/vmap'")]),
    "table_of_a_service": ("printf 'foo unix - - n - - smtp\\n -o smtp_generic_maps=hash:/etc/postfix/nosuch\\n' >>master.cf", None, None, 0,
                           [master_line("smtp_generic_maps: open database /etc/postfix/nosuch.db: No such file or directory")]),
    "aliases_not_built": ("postconf -e alias_maps=hash:/etc/postfix/aliases; echo 'x: y' >aliases", "mail", "open database /etc/postfix/aliases.db: No such file or directory", 0,
                          [main_line("alias_maps: open database /etc/postfix/aliases.db: No such file or directory: run 'postalias hash:/etc/postfix/aliases'")]),
    "table_older_than_its_source": ("echo 'a b' >vmap; postmap hash:vmap; touch -d '+1 hour' vmap; postconf -e virtual_alias_maps=hash:/etc/postfix/vmap", None, None, 0,
                                    [main_line("virtual_alias_maps: database /etc/postfix/vmap.db is older than source file /etc/postfix/vmap: run 'postmap hash:/etc/postfix/vmap'")]),
    "table_type": ("postconf -e transport_maps=hsah:/etc/postfix/x", "mail", "unsupported dictionary type: hsah", 0,
                   [main_line("transport_maps: unsupported dictionary type: hsah: 'postconf -m' lists those that there are"), plain("unsupported dictionary type: hsah. Is the postfix-hsah package installed?")]),
    "table_type_that_is_gone": ("postconf -e 'alias_maps=$alias_database, nsi:mail.aliases'", None, None, 0, [main_line("alias_maps: unsupported dictionary type: nsi: 'postconf -m' lists those that there are")]),
    "regular_expression": ("printf '/[/ x\\n' >re; postconf -e virtual_alias_maps=regexp:/etc/postfix/re", "mail", "regexp map /etc/postfix/re, line 1: Invalid regular expression", 0,
                           [plain("regexp map /etc/postfix/re, line 1: Invalid regular expression")]),
    "cidr_pattern": ("printf '1.2.3.4/33 x\\n' >ci; postconf -e smtpd_discard_ehlo_keyword_address_maps=cidr:/etc/postfix/ci", "mail",
                     "cidr map /etc/postfix/ci, line 1: bad mask length in \"1.2.3.4/33\"", 0, [plain("cidr map /etc/postfix/ci, line 1: bad mask length in \"1.2.3.4/33\"")]),
    "list_file": ("postconf -e mydestination=/etc/postfix/nosuch", "mail", "open file /etc/postfix/nosuch: No such file or directory", 0,
                  [main_line("mydestination: open file /etc/postfix/nosuch: No such file or directory: write the file, or take it from the list")]),
    "bounce_template": ("postconf -e bounce_template_file=/etc/postfix/nosuch", None, None, 0,
                        [main_line("bounce_template_file: open /etc/postfix/nosuch: No such file or directory: write the file, or remove the line")]),
    # -- master.cf --
    "no_master_cf": ("rm master.cf", "check", "no /etc/postfix/master.cf file found", 1, [plain("no /etc/postfix/master.cf file found")]),
    "master_continuation_at_the_start": ("sed -i '1i\\  -o x=y' master.cf", "check", "/etc/postfix/master.cf: logical line must not start with whitespace: \"  -o x=y\"", 1,
                                         [plain("/etc/postfix/master.cf: logical line must not start with whitespace: \"  -o x=y\"")]),
    "field_count": ("echo 'foo unix - n n - local' >>master.cf", "check", "bad field count", 1, [r"file /etc/postfix/master.cf: line \d+: bad field count"]),
    "service_type": ("echo 'foo inett n - n - - smtpd' >>master.cf", "check", "invalid type field \"inett\" in \"foo inett n - n - - smtpd\"", 1,
                     [master_line("invalid type field \"inett\" in \"foo inett n - n - - smtpd\"")]),
    "chroot_column": ("echo 'foo unix - n x - - local' >>master.cf", "check", "invalid chroot field \"x\" in", 1, [master_line("invalid chroot field \"x\" in")]),
    "wakeup_column": ("echo 'foo unix - n n 1m - local' >>master.cf", "check", "invalid wakeup field \"1m\" in", 1, [master_line("invalid wakeup field \"1m\" in")]),
    "limit_column": ("echo 'foo unix - n n - many local' >>master.cf", "check", "invalid process_limit field \"many\" in", 1,
                     [master_line("invalid process_limit field \"many\" in")]),
    "inet_private": ("echo '127.0.0.1:9 inet y - n - - smtpd' >>master.cf", None, None, 1, [master_line("inet service cannot be private")]),
    "service_twice": ("echo 'local unix - n n - - local' >>master.cf", "reload", "duplicate master.cf entry for service \"local\" (private/local) -- using the last entry", 0,
                      [master_line("duplicate master.cf entry for service \"local\" (private/local) -- using the last entry, not that of line ")]),
    "program_missing": ("echo 'foo unix - n n - - nosuchd' >>master.cf", None, None, 0, [master_line("service foo/unix: program nosuchd is not installed")]),
    "option_with_blanks": ("printf 'foo unix - n n - - local\\n  -o mail_name = x\\n' >>master.cf", None, None, 1,
                           [master_line("missing '=' after attribute name: \"mail_name\"")]),
    "option_without_value": ("printf 'foo unix - n n - - local -o\\n' >>master.cf", None, None, 1, [master_line("option -o requires a name=value argument")]),
    "option_nobody_knows": ("printf 'foo unix - n n - - local -o mail_nmae=x\\n' >>master.cf", "check", "unused parameter: mail_nmae=x", 0,
                            [r"/etc/postfix/master\.cf, line \d+: unused parameter: mail_nmae=x: nothing reads it; did you mean mail_name\?"]),
    "unknown_port": ("echo 'foosvc inet n - n - - smtpd' >>master.cf", None, None, 0, [master_line("unknown service: foosvc/tcp: write the number of the port")]),
    "log_without_postlog": ("postconf -MX postlog/unix-dgram", "check", "missing 'postlog' service in master.cf - run 'postfix upgrade-configuration'", 1,
                            [plain("missing 'postlog' service in master.cf - run 'postfix upgrade-configuration'")]),
    "cleanup_missing": ("postconf -MX cleanup/unix", "mail", "connect #1 to subsystem public/cleanup: Connection refused", 0,
                        [plain("/etc/postfix/master.cf: no service cleanup/unix: mail cannot move; take its line from master.cf.proto")]),
    "pipe_without_user": ("echo 'foo unix - n n - - pipe argv=/bin/cat' >>master.cf; postconf -e local_transport=foo", "mail", "fatal: missing user= command-line attribute", 0,
                          [master_line("missing user= command-line attribute: add user=NAME")]),
    "pipe_without_argv": ("echo 'foo unix - n n - - pipe user=nobody' >>master.cf; postconf -e local_transport=foo", "mail", "fatal: missing argv= command-line attribute", 0,
                          [master_line("missing argv= command-line attribute: add argv=COMMAND")]),
    # -- where mail goes, and from whom it is taken --
    "default_transport": ("postconf -e default_transport=smpt", "mail", "connect to transport private/smpt: No such file or directory", 0,
                          [main_line("default_transport = smpt: connect to transport private/smpt: No such file or directory: master.cf has no service smpt/unix")]),
    "local_transport": ("postconf -e local_transport=locla", "mail", "connect to transport private/locla: No such file or directory", 0,
                        [main_line("local_transport = locla: connect to transport private/locla: No such file or directory")]),
    "mailbox_transport": ("postconf -e mailbox_transport=lmpt:unix:private/x", "mail", "connect #1 to subsystem private/lmpt: No such file or directory", 0,
                          [main_line("mailbox_transport = lmpt:unix:private/x: connect to transport private/lmpt: No such file or directory")]),
    "mailbox_command": ("postconf -e 'mailbox_command=/usr/bin/nosuch -a x'", "mail", "execvp /usr/bin/nosuch: No such file or directory", 0,
                        [main_line("mailbox_command: execvp /usr/bin/nosuch: No such file or directory: write the path of a command that is there")]),
    "relayhost_is_ourselves": ("postconf -e 'relayhost=[$myhostname]'", None, None, 0,
                               [main_line("relayhost = [mail.example.test]: mail for [mail.example.test] loops back to myself: name the host where it is to go")]),
    "transport_loop": ("postconf -e 'transport_maps=inline:{example.net=smtp:[127.0.0.1]}'", None, None, 0,
                       [main_line("transport_maps: example.net smtp:[127.0.0.1]: mail for example.net loops back to myself: name the host where it is to go")]),
    "alias_loop": ("printf 'ann: ben\\nben: cat\\ncat: ann\\n' >aliases; postalias hash:aliases; postconf -e alias_maps=hash:/etc/postfix/aliases", None, None, 0,
                   [main_line("alias_maps: alias loop: ann -> ben -> cat -> ann: mail forwarding loop for ann: take one of them out")]),
    "local_and_virtual_alias": ("postconf -e 'virtual_alias_domains=$mydomain' 'mydestination=$mydomain'", "mail",
                                "do not list domain example.test in BOTH mydestination and virtual_alias_domains", 0,
                                [main_line("do not list domain example.test in BOTH mydestination and virtual_alias_domains")]),
    "local_and_virtual_mailbox": ("postconf -e 'virtual_mailbox_domains=$mydomain' 'mydestination=$mydomain'", "mail",
                                  "do not list domain example.test in BOTH mydestination and virtual_mailbox_domains", 0,
                                  [main_line("do not list domain example.test in BOTH mydestination and virtual_mailbox_domains")]),
    "mynetworks_host_bits": ("postconf -e mynetworks=127.0.0.1/8", "mail", "mynetworks: non-null host address bits in \"127.0.0.1/8\", perhaps you should use \"127.0.0.0/8\" instead", 0,
                             [main_line("mynetworks: non-null host address bits in \"127.0.0.1/8\", perhaps you should use \"127.0.0.0/8\" instead")]),
    "mynetworks_address": ("postconf -e mynetworks=300.1.2.3/8", "mail", "mynetworks: bad network value in \"300.1.2.3/8\"", 0,
                           [main_line("mynetworks: bad network value in \"300.1.2.3/8\": write ADDRESS/BITS")]),
    "mynetworks_everybody": ("postconf -e mynetworks=0.0.0.0/0", None, None, 0, [main_line("mynetworks: 0.0.0.0/0 lets everybody send mail to anywhere: name your own networks")]),
    "open_relay": ("postconf -e smtpd_relay_restrictions= smtpd_recipient_restrictions=permit", "mail",
                   "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: reject_unauth_destination", 0,
                   [main_line("in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: reject_unauth_destination")]),
    "restriction_name": ("postconf -e smtpd_client_restrictions=reject_unknow_client", "mail", "unknown smtpd restriction: \"reject_unknow_client\"", 0,
                         [main_line("smtpd_client_restrictions: unknown smtpd restriction: \"reject_unknow_client\": postconf(5) lists them")]),
    "restriction_table": ("postconf -e 'smtpd_client_restrictions=check_client_access /etc/postfix/access'", "mail",
                          "restriction check_client_access: bad argument \"/etc/postfix/access\": need maptype:mapname", 0,
                          [main_line("smtpd_client_restrictions: restriction check_client_access: bad argument \"/etc/postfix/access\": need maptype:mapname")]),
}


class Fresh:
    """An instance whose configuration is put back before each case."""

    def __init__(self, suite):
        self.suite = suite
        suite.sh("cp -a /etc/postfix /tmp/saved; cp -a /usr/sbin/postdrop /usr/sbin/postqueue /tmp")

    def run(self, setup):
        self.suite.sh("rm -rf /etc/postfix/*; cp -a /tmp/saved/. /etc/postfix/; chown postfix /var/spool/postfix/deferred;"
                      "cp -a /tmp/postdrop /tmp/postqueue /usr/sbin/; rm -f /var/spool/postfix/deferred/[A-Z]*")
        self.suite.sh("cd /etc/postfix; %s" % setup)
        return self.suite


@pytest.fixture(scope="module")
def fresh():
    with make() as suite:
        yield Fresh(suite)


def said_by_reference(suite, when, text):
    """Waits until it is in the log."""
    before = suite.log_size()
    suite.run("postfix", "reload")
    if when == "mail":
        suite.run("sendmail", "alice@example.test", "bob@example.net", input=b"Subject: x\n\nx\n")
        try:
            with smtplib.SMTP(*suite.smtp, timeout=5) as client:
                client.ehlo("client.example")
                client.mail("joe@example.net")
                client.rcpt("alice@example.test")
        except (OSError, smtplib.SMTPException):
            pass                                        # it says why in the log
    suite.wait_until(lambda: text in suite.log(before), Path(suite.mail_log).parent, timeout=20, what=text)


@pytest.mark.parametrize("name", CASES)
def test_mistake(request, name):
    setup, when, text, status, ours = CASES[name]
    if selected() == "reference":
        if when is None:
            pytest.skip("the reference says nothing before a message suffers, or nothing at all")
        if when == "check":
            suite = request.getfixturevalue("fresh").run(setup)
            done = suite.run("postfix", "check")
            assert text in (done.stdout + done.stderr).decode()
            return
        with make() as suite:
            suite.sh("cd /etc/postfix; %s" % setup)
            said_by_reference(suite, when, text)
        return
    done = request.getfixturevalue("fresh").run(setup).run("postfix", "check")
    output = (done.stdout + done.stderr).decode()
    assert [pattern for pattern in ours if not re.search(pattern, output)] == [], output
    if when == "check" and name != "queue_owner":       # ours names the directory, not the function
        assert text in output
    assert done.returncode == status, output


def test_nothing_is_said_of_a_good_configuration(fresh):
    if selected() != "reference":
        done = fresh.run("true").run("postfix", "check")
        told = [line for line in (done.stdout + done.stderr).decode().splitlines() if "is not installed" not in line]
        assert (told, done.returncode) == ([], 0)


@pytest.mark.extension("what the check says beyond the reference")
def test_a_cache_is_no_table_that_somebody_builds(fresh):
    suite = fresh.run("postconf -e 'smtp_tls_session_cache_database=btree:$data_directory/smtp_scache' address_verify_map=btree:/var/lib/postfix/verify")
    assert "open database" not in suite.run("postfix", "check").stderr.decode()


@pytest.mark.extension("the reference's master says it to its own log socket, which nobody reads any more")
def test_a_port_that_is_taken():
    """Said at the start, in the log file too, although the log daemon does not run then."""
    with make() as suite:
        suite.run("postfix", "stop")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            suite.sh("echo '127.0.0.1:%d inet n - n - - smtpd' >>/etc/postfix/master.cf" % port)
            before = suite.log_size()
            suite.run("postfix", "start")
            suite.wait_log(r"master\[\d+\]: (fatal|error): .*bind 127\.0\.0\.1(:| port )%d: Address already in use" % port, since=before, timeout=20)
