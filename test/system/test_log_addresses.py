"""info_log_address_format: addresses in the log, in the form of SMTP or as the mail system has them inside."""
import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Client, Refused

pytestmark = pytest.mark.root


@pytest.mark.parametrize("form", ["external", "internal"])
def test_info_log_address_format(form):
    files = {"/etc/postfix/checks": "/^Subject: warn/ WARN look\n",
             "/etc/postfix/virtual": "/old one/ \"new one\"@away.example\n", "/etc/postfix/transport": "/away.example$/ error:gone\n/example.net$/ discard:\n"}
    with make(main_cf={"info_log_address_format": form, "notify_classes": "", "header_checks": "regexp:/etc/postfix/checks", "local_recipient_maps": "",
                       "virtual_alias_maps": "regexp:/etc/postfix/virtual", "transport_maps": "regexp:/etc/postfix/transport",
                       "mailbox_transport_maps": "inline:{alice=discard:passed}", "recipient_delimiter": "+",
                       "virtual_mailbox_domains": "hosted.example", "virtual_mailbox_maps": "inline:{a@hosted.example=a}"}, files=files) as suite:
        with Client(suite.smtp) as client:
            client.send('"from me"@example.net', ['"old one"@example.test', '"is here"@example.test'], "Subject: warn\nMessage-Id: <x@example.net>\n\nx\n")
            client.command('MAIL FROM:<"from me"@example.net>')
            with pytest.raises(Refused):
                client.command('RCPT TO:<"bad one"@hosted.example>')
        suite.wait_log("disconnect from")
        suite.wait_queue_empty()
        suite.sh("printf 'Subject: x\\nMessage-Id: <y@example.net>\\n\\nx\\n' | sendmail -f '\"from me\"@example.net' '\"alice+a b\"@example.test'")
        suite.wait_log(r"passing <.*> to transport=discard")
        suite.wait_queue_empty()
        log = suite.log()
        golden("log_address_" + form, masks.history(log[log.index("connect from"):].split("\n", 1)[1]))


def test_a_form_that_there_is_not():
    with make() as suite:
        suite.sh("postconf -e info_log_address_format=whatever; postfix reload >/dev/null 2>&1; echo test | sendmail alice@example.test")
        suite.wait_log(r'fatal: invalid parameter setting "info_log_address_format = whatever"$')
