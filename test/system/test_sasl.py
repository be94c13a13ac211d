"""AUTH in the SMTP server: against the real Dovecot, as the reference does it."""
import re

import pytest

from suite import make
from suite.dovecot import IS_THERE, Dovecot
from suite.sasl import ALICE, DONE, FAILED, Dialogue, announced, b64, failure

pytestmark = pytest.mark.root


ON = {"smtpd_sasl_auth_enable": "yes"}
SERVICES = {
    "plain": {},
    "noplaintext": {"smtpd_sasl_security_options": "noplaintext, noanonymous"},
    "filter": {"smtpd_sasl_mechanism_filter": "!plain, !login, static:rest"},
    "broken": {"broken_sasl_auth_clients": "yes"},
    "exceptions": {"smtpd_sasl_exceptions_networks": "!192.0.2.0/24, 127.0.0.0/8"},
    "tls": {"smtpd_tls_auth_only": "yes", "smtpd_sasl_tls_security_options": "noanonymous"},
    "rate": {"smtpd_client_auth_rate_limit": "2", "smtpd_client_event_limit_exceptions": ""},
    "header": {"smtpd_sasl_authenticated_header": "yes"},
    "discard": {"smtpd_discard_ehlo_keywords": "auth"},
    "relay": {"mynetworks": "", "smtpd_relay_restrictions": "permit_sasl_authenticated, reject_unauth_destination"},
    "helo": {"smtpd_helo_required": "yes"},
    "short": {"smtpd_sasl_response_limit": "20000"},
    "service": {"smtpd_sasl_service": "submission", "smtpd_sasl_local_domain": "realm.test"},
    "rewrite": {"local_header_rewrite_clients": "permit_sasl_authenticated"},
    "denied": {"smtpd_delay_reject": "no", "smtpd_client_restrictions": "reject"},
    "off": {"smtpd_sasl_auth_enable": "no"},
}


def started(path, **more):
    main_cf = {**ON, "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": path, "relayhost": "[127.0.0.1]:1", **more}
    return make(main_cf=main_cf, services=SERVICES)


@pytest.fixture(scope="module")
def dovecot():
    if not IS_THERE:
        pytest.skip("needs the reference's base")
    with Dovecot() as d:
        yield d


@pytest.fixture(scope="module")
def suite(dovecot):
    with started(dovecot.path) as s:
        yield s


def test_mechanisms_are_announced_in_the_servers_order(suite):
    d = Dialogue(suite)
    lines = d.extensions.split("\n")
    assert lines[lines.index("250-ETRN") + 1:][:2] == ["250-AUTH PLAIN LOGIN CRAM-MD5", "250-ENHANCEDSTATUSCODES"]
    d.log()


def test_what_a_login_leaves_behind(suite):
    d = Dialogue(suite)
    assert d.all("AUTH PLAIN " + b64("", "alice", "wrong"), "AUTH PLAIN " + ALICE, "AUTH PLAIN " + ALICE, "RSET", "EHLO again", "AUTH FOO",
                 "MAIL FROM:<a@example.test> AUTH=x@y", "AUTH PLAIN =", "RCPT TO:<nobody-here@example.test>", "RCPT TO:<alice@example.test>")[:3] == [
        FAILED + "(reason unavailable)", DONE, "503 5.5.1 Error: already authenticated"]
    log = d.log()
    queue_id = re.match(r"\w+", log[2]).group()
    assert log[:3] == [
        failure("PLAIN", user="alice"),
        "NOQUEUE: reject: RCPT from CLIENT: 550 5.1.1 <nobody-here@example.test>: Recipient address rejected: User unknown in local recipient table; "
        "from=<a@example.test> to=<nobody-here@example.test> proto=ESMTP helo=<again> sasl_method=PLAIN sasl_username=alice sasl_sender=x@y",
        queue_id + ": client=CLIENT, sasl_method=PLAIN, sasl_username=alice, sasl_sender=x@y"]
    assert log[-1] == "disconnect from CLIENT ehlo=2 auth=1/5 mail=1 rcpt=1/2 rset=1 quit=1 commands=7/12"


def test_the_name_of_a_method_is_the_clients_in_capitals(suite):
    d = Dialogue(suite)
    assert d.all("auth plain " + b64("", "alice", "wrong"), "auth plain " + ALICE, "MAIL FROM:<> AUTH=<>", "RCPT TO:<alice@example.test>")[1] == DONE
    log = d.log()
    assert log[0] == failure("plain", user="alice")
    assert re.search(r": client=CLIENT, sasl_method=(.*), sasl_username=alice$", log[1]).group(1).upper() == "PLAIN"


def test_errors_of_syntax_and_order(suite):
    d = Dialogue(suite)
    assert d.all("AUTH", "AUTH PLAIN x y", "MAIL FROM:<>", "AUTH", "AUTH PLAIN " + ALICE, "RSET", "AUTH PLAIN " + ALICE, "AUTH", "AUTH x y z") == [
        "501 5.5.4 Syntax: AUTH mechanism", "501 5.5.4 Syntax: AUTH mechanism", "250 2.1.0 Ok", "503 5.5.1 Error: MAIL transaction in progress",
        "503 5.5.1 Error: MAIL transaction in progress", "250 2.0.0 Ok", DONE, "503 5.5.1 Error: already authenticated",
        "503 5.5.1 Error: already authenticated"]
    d.log()


def test_what_is_no_mechanism(suite):
    d = Dialogue(suite)
    for name in ("FOO", "EXTERNAL", "ANONYMOUS", "X" * 60):
        assert d.say("AUTH " + name) == FAILED + "Invalid authentication mechanism: '%s'" % name
    assert d.say(b"AUTH PLA\x01IN") == FAILED + "Invalid authentication mechanism: 'PLA?IN'"
    assert d.log()[:5] == [failure(name, "Invalid authentication mechanism: '%s'" % name) for name in ("FOO", "EXTERNAL", "ANONYMOUS", "X" * 60, "PLA?IN")]


def test_base64_that_is_none(suite):
    for service in ("plain", "noplaintext"):
        method = "PLAIN" if service == "plain" else "CRAM-MD5"
        for bad in ("!!!!", "x", "AA", "AA=A", "====", "=="):
            d = Dialogue(suite, service)
            assert d.say("AUTH %s %s" % (method, bad)) == FAILED + "Invalid base64 data in initial response", bad
            assert d.say("AUTH " + method).startswith("334 ")
            assert d.say(bad) == FAILED + "Invalid base64 data in continued response", bad
            log = d.log()
            assert log[0] == failure(method, "Invalid base64 data in initial response")
            assert log[1] == failure(method, "Invalid base64 data in continued response")


def test_an_empty_response(suite):
    d = Dialogue(suite)
    assert d.say("AUTH PLAIN =") == FAILED + "(reason unavailable)"
    assert d.all("AUTH PLAIN", "") == ["334 ", FAILED + "(reason unavailable)"]
    assert d.all("AUTH PLAIN", "=") == ["334 ", FAILED + "Invalid base64 data in continued response"]
    assert d.all("AUTH PLAIN " + b64("nonul")) == [FAILED + "(reason unavailable)"]
    d.log()


def test_a_star_ends_it_at_each_step(suite):
    d = Dialogue(suite)
    aborted = "501 5.7.0 Authentication aborted"
    assert d.all("AUTH PLAIN", "*") == ["334 ", aborted]
    assert d.all("AUTH LOGIN", "*") == ["334 VXNlcm5hbWU6", aborted]
    assert d.all("AUTH LOGIN", b64("alice"), "*") == ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", aborted]
    assert d.say("AUTH CRAM-MD5").startswith("334 ")
    assert d.say("*") == aborted
    assert d.all("AUTH LOGIN", b64("alice"), b64("alice-pw")) == ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", DONE]
    assert d.log() == ["warning: CLIENT: SASL %s authentication aborted" % m for m in ("PLAIN", "LOGIN", "LOGIN", "CRAM-MD5")] + [
        "disconnect from CLIENT ehlo=1 auth=1/5 quit=1 commands=3/7"]


def test_cram_md5(suite):
    d = Dialogue(suite)
    assert d.cram("alice", "bad") == FAILED + "(reason unavailable)"
    assert d.cram("alice", "alice-pw") == DONE
    assert d.log()[0] == failure("CRAM-MD5", user="alice")


def test_login_with_the_name_at_once(suite):
    d = Dialogue(suite)
    assert d.all("AUTH LOGIN " + b64("alice"), b64("alice-pw")) == ["334 UGFzc3dvcmQ6", DONE]
    d.log()


def test_helo_will_do(suite):
    d = Dialogue(suite, helo="HELO c.example.net")
    assert d.say("AUTH PLAIN " + ALICE) == DONE
    d.log()
    d = Dialogue(suite, helo=None)
    assert d.say("AUTH PLAIN " + ALICE) == DONE
    d.log()
    d = Dialogue(suite, "helo", helo=None)
    assert d.say("AUTH PLAIN " + ALICE) == "503 5.5.1 Error: send HELO/EHLO first"
    d.log()


def test_strange_names_are_shown_safely(suite):
    d = Dialogue(suite)
    names = {"al\tice": "al?tice", "": "", "u" * 300: "u" * 100, "%{user}": "%{user}", "a'; DROP x": "a'; DROP x", "../../x": "../../x", "*)(uid=*": "*)(uid=*"}
    for name in names:
        assert d.say("AUTH PLAIN " + b64("", name, "x")) == FAILED + "(reason unavailable)"
    shown = [line.rpartition("sasl_username=")[2] for line in d.log() if "SASL" in line]
    assert [s.replace("?t", "?") for s in shown] == [s.replace("?t", "?") if s else shown[1] for s in names.values()]
    assert shown[1] in ("", "(unavailable)")


def test_a_response_that_is_too_long(suite):
    too_long = "500 5.5.6 SASL response limit exceeded"
    d = Dialogue(suite)
    assert d.all("AUTH PLAIN", "A" * 12287) == ["334 ", FAILED + "Invalid base64 data in continued response"]
    for size in (12288, 12289, 20000):
        assert d.all("AUTH PLAIN", "A" * size) == ["334 ", too_long]
    assert d.say("NOOP") == "250 2.0.0 Ok"
    d.log()
    d = Dialogue(suite, "short")
    assert d.all("AUTH PLAIN", "A" * 12800) == ["334 ", FAILED + "(reason unavailable)"]
    assert d.all("AUTH PLAIN", "A" * 20000) == ["334 ", too_long]
    d.log()


def test_pipelined(suite):
    d = Dialogue(suite)
    d.socket.sendall(b"AUTH LOGIN\r\n%s\r\n%s\r\nNOOP\r\n" % (b64("alice").encode(), b64("alice-pw").encode()))
    assert [d.reply() for _ in range(4)] == ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", DONE, "250 2.0.0 Ok"]
    d.log()


def test_who_hangs_up_in_the_middle(suite):
    d = Dialogue(suite)
    d.say("AUTH LOGIN")
    d.file.close()
    d.socket.close()
    suite.wait_log(r"lost connection after AUTH from localhost\[127.0.0.1\]\n.*disconnect from .* ehlo=1 auth=0/1 commands=1/2", since=d.since)
    d = Dialogue(suite)
    assert d.say("AUTH PLAIN " + ALICE) == DONE
    d.log()


def test_which_mechanisms_are_for_whom(suite):
    lines, d = announced(suite, "noplaintext")
    assert lines == ["AUTH CRAM-MD5"]
    assert d.all("AUTH PLAIN " + ALICE, "AUTH LOGIN") == [FAILED + "Invalid authentication mechanism: '%s'" % m for m in ("PLAIN", "LOGIN")]
    assert d.cram("alice", "alice-pw") == DONE
    lines, d = announced(suite, "filter")
    assert lines == ["AUTH CRAM-MD5"]
    assert d.say("AUTH PLAIN " + ALICE) == DONE       # not announced, and not refused
    assert announced(suite, "broken")[0] == ["AUTH PLAIN LOGIN CRAM-MD5", "AUTH=PLAIN LOGIN CRAM-MD5"]
    lines, d = announced(suite, "exceptions")
    assert lines == [] and d.say("AUTH PLAIN " + ALICE) == DONE
    assert announced(suite, "service")[0] == ["AUTH PLAIN LOGIN CRAM-MD5"]


@pytest.mark.parametrize("service", ["tls", "discard", "off"])
def test_where_nobody_may_log_in(suite, service):
    lines, d = announced(suite, service)
    assert lines == []
    assert d.all("AUTH PLAIN " + ALICE, "AUTH", "MAIL FROM:<> AUTH=<>", "AUTH PLAIN") == ["503 5.5.1 Error: authentication not enabled"] * 2 + [
        "250 2.1.0 Ok", "503 5.5.1 Error: authentication not enabled"]
    d.log()


def test_a_client_that_was_greeted_with_a_refusal(suite):
    d = Dialogue(suite, "denied", helo=None)
    assert d.say("AUTH PLAIN " + ALICE) == "503 5.7.0 Error: access denied for localhost[127.0.0.1]"


def test_how_often_a_client_may_try(suite):
    too_many = "450 4.7.1 Error: too many AUTH commands from 127.0.0.1"
    d = Dialogue(suite, "rate")
    assert d.all("AUTH", "AUTH PLAIN " + ALICE, "MAIL FROM:<>", "AUTH PLAIN", "RSET", "AUTH")[1:] == [DONE, "250 2.1.0 Ok", too_many, "250 2.0.0 Ok", too_many]
    assert [line for line in d.log() if "warning" in line] == [
        "warning: AUTH command rate limit exceeded: %d from CLIENT for service %s" % (n, name) for n in (3, 4)
        for name in [re.search(r"for service (\S+)", suite.log(d.since)).group(1)]]


def test_what_a_login_is_good_for(suite):
    d = Dialogue(suite, "relay")
    assert d.all("MAIL FROM:<a@b.test>", "RCPT TO:<x@far.example>", "RSET", "AUTH PLAIN " + ALICE, "MAIL FROM:<a@b.test>", "RCPT TO:<x@far.example>") == [
        "250 2.1.0 Ok", "554 5.7.1 <x@far.example>: Relay access denied", "250 2.0.0 Ok", DONE, "250 2.1.0 Ok", "250 2.1.5 Ok"]
    d.log()


def sent_through(suite, service, helo, mail=""):
    d = Dialogue(suite, service, helo)
    replies = d.all("AUTH PLAIN " + ALICE, "MAIL FROM:<a@example.test> " + mail, "RCPT TO:<bob@example.test>", "DATA", "Subject: x\r\n\r\nx\r\n.")
    assert replies[0] == DONE
    queue_id = re.search(r"queued as (\w+)", replies[-1]).group(1)
    d.log()
    suite.wait_removed(queue_id)
    message = next(m for m in suite.messages("bob") if queue_id.encode() in m).decode()
    return re.search(r"(?s)Received: (.*?)\n\tfor <bob", message).group(1).replace(queue_id, "QID")


def test_the_received_header(suite):
    who = "from c.example.net (localhost [127.0.0.1])\n\t"
    by = "by mail.example.test (Postfix) with %s id QID"
    assert sent_through(suite, "plain", "EHLO c.example.net") == who + by % "ESMTPA"
    assert sent_through(suite, "plain", "EHLO c.example.net", "SMTPUTF8") == who + by % "UTF8SMTPA"
    assert sent_through(suite, "header", "EHLO c.example.net") == who + "(Authenticated sender: alice)\n\t" + by % "ESMTPA"
    assert sent_through(suite, "header", "HELO c.example.net") == who + "(Authenticated sender: alice)\n\t" + by % "SMTP"


def test_what_is_in_the_queue_file(suite):
    d = Dialogue(suite)
    replies = d.all("AUTH PLAIN " + ALICE, "MAIL FROM:<a@example.test> AUTH=q@w", "RCPT TO:<bob@deferred.example>", "DATA", "Subject: x\r\n\r\nx\r\n.")
    d.log()
    queue_id = re.search(r"queued as (\w+)", replies[-1]).group(1)
    suite.wait_log(queue_id + ": to=.* status=deferred", since=d.since)
    lines = suite.sh("postcat -e -q " + queue_id).split("\n")
    at = lines.index("named_attribute: sasl_method=PLAIN")
    assert lines[at - 1:at + 4] == ["named_attribute: rewrite_context=local", "named_attribute: sasl_method=PLAIN",
                                    "named_attribute: sasl_username=alice", "named_attribute: sasl_sender=q@w", "sender: a@example.test"]
    suite.delete_all()


def test_whose_headers_are_completed(suite):
    contexts = []
    for login in ([], ["AUTH PLAIN " + ALICE]):
        d = Dialogue(suite, "rewrite")
        reply = d.all(*login, "MAIL FROM:<a@example.test>", "RCPT TO:<bob@deferred.example>", "DATA", "Subject: x\r\n\r\nx\r\n.")[-1]
        d.log()
        queue_id = re.search(r"queued as (\w+)", reply).group(1)
        suite.wait_log(queue_id + ": to=.* status=deferred", since=d.since)
        contexts += re.findall("rewrite_context=(.*)", suite.sh("postcat -e -q " + queue_id))
    assert contexts == ["remote", "local"]
    suite.delete_all()


def test_no_password_is_in_a_log_or_a_notice(suite):
    secret = "xyzzy-secret"
    before = suite.log_size()
    d = Dialogue(suite)
    d.all("AUTH PLAIN " + b64("", "alice", secret), "AUTH LOGIN " + b64("alice"), b64(secret), "AUTH LOGIN", b64("alice"), b64(secret))
    d.log()
    text = suite.log(before)
    for form in (secret, b64(secret), b64("", "alice", secret)):
        assert form not in text


@pytest.mark.extension("the reference logs all of it")
def test_no_password_is_in_the_log_of_a_dialogue(suite):
    before = suite.log_size()
    suite.settings(debug_peer_list="127.0.0.0/8")
    try:
        test_no_password_is_in_a_log_or_a_notice(suite)
        assert "< localhost[127.0.0.1]: AUTH PLAIN" in suite.log(before)
    finally:
        suite.settings()
