"""`postfix upgrade-configuration` where Postfix needs ed(1), which prints as it edits; commands/postfix-upgrade.txt has the rest."""
import pytest

from suite import make

pytestmark = pytest.mark.root


@pytest.mark.extension  # the reference has no ed(1); with it, it makes the same of these entries
def test_entries_that_change():
    with make() as suite:
        suite.write("/etc/postfix/master.cf", "cleanup unix - - y - 0 cleanup\nflush unix - - n 1000? 0 flush\ntlsmgr fifo - - n 300 1 tlsmgr\n")
        said = suite.sh("postfix upgrade-configuration")
        for what in ("making the cleanup service public", "making the flush service public", "updating the tlsmgr from fifo to unix service"):
            assert "Editing /etc/postfix/master.cf, %s\n" % what in said
        assert suite.sh("cat /etc/postfix/master.cf").startswith(
            "cleanup unix n - y - 0 cleanup\nflush unix n - n 1000? 0 flush\ntlsmgr unix - - n 300? 1 tlsmgr\n")
        assert suite.sh("postfix upgrade-configuration") == ""
