"""Programs that people send mail with, at the submission services of Debian's master.cf, with TLS and passwords."""
import re
import smtplib
import ssl
from email.message import EmailMessage

import pytest

from suite import clients, make, tls
from suite.tls import certificates

pytestmark = [pytest.mark.root, pytest.mark.extension("the passwords are in our authd")]

MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
SUBMISSION = {"smtpd_tls_security_level": "encrypt", "smtpd_sasl_auth_enable": "yes", "smtpd_tls_auth_only": "yes",
              "smtpd_relay_restrictions": "permit_sasl_authenticated, reject", "smtpd_client_restrictions": "", "mynetworks": ""}
SUBMISSIONS = {**SUBMISSION, "smtpd_tls_wrappermode": "yes"}


@pytest.fixture(scope="module")
def suite():
    options = "-o {auth_passdb = passwd-file:/etc/postfix/users} -o auth_failure_delay=0 -o auth_failure_delay_max=0 -o {auth_mechanisms = %s}" % " ".join(MECHANISMS)
    with make(main_cf={**tls.SETTINGS, "local_recipient_maps": "inline:{alice=x}"}, services={"submission": SUBMISSION, "submissions": SUBMISSIONS}, master=["auth unix - n n - 0 authd " + options],
              files={**certificates().files(), "/etc/postfix/users": "alice:{PLAIN}alice-pw\n"}) as s:
        yield s


def port(suite, name):
    return suite.address(name)[1]


def arrived(suite, since, method, count=1):
    """The log's last word and the mailbox's; what was sent came whole."""
    suite.wait_log(r"status=sent \(delivered to mailbox\)", since=since, count=count)
    log = suite.log(since)
    assert len(re.findall(r"client=localhost\[127.0.0.1\], sasl_method=%s, sasl_username=alice$" % method, log, re.M)) == count, log
    assert "warning" not in log and "fatal" not in log, log
    message = suite.messages("alice", 0)[-1]
    assert re.search(rb"\n>?From here on.\n\.\n\.\.\nThe end.\n", message), message
    assert b" with ESMTPSA id" in message


@pytest.mark.parametrize("how", ["STARTTLS", "wrapped"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"])
def test_swaks(suite, mechanism, how):
    since = suite.log_size()
    wrapped = how == "wrapped"
    code, said = clients.swaks(port(suite, "submissions" if wrapped else "submission"), "--tls-on-connect" if wrapped else "--tls", "--auth", mechanism, "--auth-user", "alice",
                               "--auth-password", "alice-pw")
    if "requires Authen::SASL" in said:
        pytest.skip("Authen::SASL is not there")
    assert code == 0, said
    arrived(suite, since, mechanism)


def test_swaks_is_refused(suite):
    since = suite.log_size()
    code, said = clients.swaks(port(suite, "submission"), "--tls", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "wrong")
    assert code == 28 and "535 5.7.8 Error: authentication failed" in said, said
    suite.wait_log(r"warning: localhost\[127.0.0.1\]: SASL PLAIN authentication failed: .*sasl_username=alice", since=since)
    code, said = clients.swaks(port(suite, "submission"))
    assert code == 23 and "530 5.7.0 Must issue a STARTTLS command first" in said, said
    code, said = clients.swaks(port(suite, "submission"), "--tls")
    assert code == 24 and "554 5.7.1 <alice@example.test>: Recipient address rejected: Access denied" in said, said


def test_swaks_pipelines_and_stops(suite):
    since = suite.log_size()
    code, said = clients.swaks(suite.smtp[1], "--pipeline", "--tls")
    assert code == 0, said
    suite.wait_log(r"status=sent \(delivered to mailbox\)", since=since)
    code, said = clients.swaks(suite.smtp[1], "--quit-after", "RCPT")
    assert code == 0 and "250 2.1.5 Ok" in said, said


@pytest.mark.parametrize("how", ["starttls", "wrapped"])
@pytest.mark.parametrize("mechanism", MECHANISMS[:4])   # Debian's curl has no SCRAM
def test_curl(suite, mechanism, how):
    since = suite.log_size()
    wrapped = how == "wrapped"
    options = ["--user", "alice:alice-pw", "--login-options", "AUTH=" + mechanism] + ([] if wrapped else ["--ssl-reqd"])
    code, said = clients.curl(port(suite, "submissions" if wrapped else "submission"), *options, scheme="smtps" if wrapped else "smtp")
    assert code == 0, said
    arrived(suite, since, mechanism)


def test_curl_is_refused(suite):
    code, said = clients.curl(port(suite, "submission"), "--user", "alice:wrong", "--ssl-reqd")
    assert code == 67 and "535 5.7.8" in said, said


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram-md5", "digest-md5", "scram-sha-1", "scram-sha-256"])
@pytest.mark.parametrize("wrapped", ["off", "on"])
def test_msmtp(suite, mechanism, wrapped):
    since = suite.log_size()
    code, said = clients.msmtp(port(suite, "submission" if wrapped == "off" else "submissions"), "--tls-starttls=" + ("on" if wrapped == "off" else "off"),
                               "--auth=" + mechanism, "--passwordeval=echo alice-pw")
    assert code == 0, said
    arrived(suite, since, mechanism.upper())


def test_msmtp_is_refused(suite):
    code, said = clients.msmtp(port(suite, "submission"), "--auth=plain", "--passwordeval=echo wrong")
    assert code == 77 and "535 5.7.8" in said, said


@pytest.mark.parametrize("how", ["starttls", "wrapped"])
def test_nodemailer(suite, how):
    since = suite.log_size()
    code, said = clients.nodemailer(port(suite, "submission" if how == "starttls" else "submissions"), how, "alice", "alice-pw")
    assert code == 0 and re.match(r"250 2.0.0 Ok: queued as \w+\n$", said), said
    arrived(suite, since, "PLAIN")


def test_nodemailer_keeps_its_connections(suite):
    since = suite.log_size()
    code, said = clients.nodemailer(port(suite, "submissions"), "wrapped", "alice", "alice-pw", count=20)
    assert code == 0 and len(re.findall(r"250 2.0.0 Ok: queued as", said)) == 20, said
    arrived(suite, since, "PLAIN", count=20)
    assert len(re.findall("smtpd.* connect from", suite.log(since))) == 2
    code, said = clients.nodemailer(port(suite, "submission"), "starttls", "alice", "wrong")
    assert code == 1 and said.startswith("535 535 5.7.8 Error: authentication failed"), said


def test_smtplib(suite):
    since = suite.log_size()
    context = ssl.create_default_context(cafile=certificates().path / "ca.pem")
    context.check_hostname = False
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "jö@example.net", "alice@example.test", "grüße"
    message.set_content("From here on.\n.\n..\nThe end.\n")
    with smtplib.SMTP("127.0.0.1", port(suite, "submission")) as s:
        s.starttls(context=context)
        s.login("alice", "alice-pw")
        assert s.send_message(message) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            s.sendmail("joe@example.net", ["nobody@example.test"], "x")
        assert refused.value.recipients["nobody@example.test"] == (
            550, b"5.1.1 <nobody@example.test>: Recipient address rejected: User unknown in local recipient table")
    with smtplib.SMTP_SSL("127.0.0.1", port(suite, "submissions"), context=context) as s:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            s.login("alice", "wrong")
    suite.wait_log(r"status=sent \(delivered to mailbox\)", since=since)
    assert b"UTF8SMTPSA" in suite.messages("alice", 0)[-1]
