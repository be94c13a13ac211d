"""IMAP in a namespace with the prefix "INBOX.": what a client hears, the same of Dovecot and of ours."""
import pytest

from suite.golden import golden
from suite.mailboxes import Mailboxes
from test_imap import IN, fresh, say_all

pytestmark = pytest.mark.root

PREFIX = {
    "names": ("NAMESPACE", 'LIST "" ""', "CREATE INBOX.one", "CREATE INBOX.one.two", "CREATE one", "CREATE other.x", 'LIST "" *', 'LIST "" %', 'LIST "" INBOX.%', 'LIST INBOX. %', 'LIST "INBOX.one" *', "SELECT INBOX.one", "SELECT one", "STATUS INBOX.one.two (MESSAGES)",
              "RENAME INBOX.one INBOX.uno", 'LIST "" *', "DELETE INBOX.uno.two", "DELETE INBOX.none", "RENAME INBOX.uno uno"),
    "subscriptions": ("CREATE INBOX.a", "SUBSCRIBE INBOX.a", "SUBSCRIBE INBOX", 'LSUB "" *', 'LIST (SUBSCRIBED) "" *', "UNSUBSCRIBE INBOX.a", 'LSUB "" *'),
    "copies": (*IN, "CREATE INBOX.a", "COPY 1 INBOX.a", "COPY 1 a", "COPY 2 INBOX", "STATUS INBOX.a (MESSAGES)", "CREATE INBOX.INBOX", "CREATE INBOX.", 'LIST "" *'),
}
@pytest.fixture(scope="module")
def prefix_server():
    with Mailboxes(settings="namespace inbox {\n  prefix = INBOX.\n}", main_cf={"imapd_namespace_prefix": "INBOX."}) as server:
        yield server


@pytest.mark.parametrize("name", PREFIX)
def test_prefix(prefix_server, name):
    fresh(prefix_server)
    golden("imap_prefix_" + name, say_all(prefix_server, PREFIX[name]))
