"""dont_remove: messages and logs that are done with stay in saved/."""
import os

import pytest

from suite import make
from suite.smtp import send

pytestmark = pytest.mark.root


def test_dont_remove():
    with make(main_cf={"dont_remove": "1"}) as suite:
        suite.sh("printf 'Subject: kept\\n\\nx\\n' | sendmail -f carol@example.test bob no-such-user", user="alice")
        suite.messages("bob", 1)
        suite.messages("carol", 1)
        suite.wait_queue_empty()
        saved = os.path.join(suite.queue, "saved")
        qid = suite.wait_log(r"pickup\[\d+\]: (\w+): uid=")[0].group(1)
        notice = suite.wait_log(r"sender non-delivery notification: (\w+)")[0].group(1)
        names = set(os.listdir(saved))
        assert {qid, qid + "+", notice} < names and len(names) == 4, names
        shown = {name: suite.sh("cd %s/saved; postcat %s" % (suite.queue_directory, name)) for name in (qid + "+", notice, *(names - {qid, qid + "+", notice}))}
        assert all("Subject: kept" in text for text in shown.values())
        assert "reason=unknown user" in open(os.path.join(saved, qid)).read()
        suite.wait_removed(send(suite, "alice@example.test", "bob@example.test"))
        assert len(os.listdir(saved)) == 5
