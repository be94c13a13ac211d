"""Debian's real Postfix asks our authd, as it asks Dovecot's service."""
import pytest

from suite import make, selected
from suite.base import free_port
from suite.dovecot import IS_THERE
from suite.reference import Reference
from suite.sasl import ALICE, DONE, FAILED, Dialogue, announced, b64

pytestmark = [pytest.mark.root, pytest.mark.expensive,
              pytest.mark.skipif(selected() != "ours", reason="it is Postfix that judges"),
              pytest.mark.skipif(not IS_THERE, reason="needs the reference's base")]


def test_postfix_asks_authd():
    port = free_port()
    master = ["127.0.0.1:%d inet n n n - 0 authd -o auth_failure_delay=0 -o auth_failure_delay_max=0 -o auth_passdb=passwd-file:/etc/postfix/users "
              "-o {auth_mechanisms=plain login cram-md5}" % port]
    main_cf = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "inet:127.0.0.1:%d" % port}
    with make(master=master, files={"/etc/postfix/users": "alice:{PLAIN}alice-pw\nheidi:{NOSUCH}x\n"}), Reference(main_cf=main_cf) as postfix:
        lines, d = announced(postfix, "smtp")
        assert lines == ["AUTH PLAIN LOGIN CRAM-MD5"]
        assert d.say("AUTH PLAIN " + b64("", "alice", "wrong")) == FAILED + "(reason unavailable)"
        assert d.all("AUTH LOGIN", "*", "AUTH LOGIN", b64("alice"), b64("wrong"))[-1] == FAILED + "(reason unavailable)"
        assert d.say("AUTH PLAIN " + b64("", "heidi", "x"))[:4] in ("454 ", "535 ")
        assert d.say("AUTH PLAIN =") == FAILED + "(reason unavailable)"
        assert d.cram("alice", "alice-pw") == DONE
        assert d.all("MAIL FROM:<>", "RCPT TO:<alice@example.test>")[-1] == "250 2.1.5 Ok"
        assert [line for line in d.log() if line.endswith("client=CLIENT, sasl_method=CRAM-MD5, sasl_username=alice")]
        for command in (["AUTH PLAIN " + ALICE], ["AUTH PLAIN", ALICE], ["AUTH LOGIN " + b64("alice"), b64("alice-pw")]):
            assert Dialogue(postfix, "smtp").all(*command)[-1] == DONE
