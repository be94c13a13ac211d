"""local_login_sender_maps: which envelope senders a local user may give."""
import pytest

from suite import make

pytestmark = pytest.mark.root

TABLE = ("alice alice@example.test, <>, @sub.example\nbob *\nuid:1003 carol@example.test\nfrank frank+list@example.test\n"
         "erin erin\nheidi none\n")


@pytest.fixture(scope="module")
def suite():
    with make(files={"/etc/postfix/senders": TABLE}, prepare=["postmap hash:/etc/postfix/senders"]) as s:
        yield s


def submit(suite, user, sender):
    """What sendmail says at the end, or None when the message was taken."""
    done = suite.run("sendmail", "-f", sender, "dave@example.test", user=user, input=b"Subject: x\n\nx\n")
    assert done.returncode in (0, 75)
    return None if done.returncode == 0 else done.stderr.decode().splitlines()[-1]


def refusal(sender, uid):
    return "sendmail: fatal: %s(%d): not authorized to use sender='%s'" % (sender, uid, sender)


@pytest.mark.parametrize("user, uid, allowed, refused", [
    ("alice", 1001, ["alice@example.test", "Alice@Example.TEST", "alice+ext@example.test", "<>", "x@sub.example", "X@SUB.example"],
     ["alice", "bob@example.test", "x@sub.sub.example", "alice@example.test.example"]),
    ("bob", 1002, ["anybody@example.net", "<>", "bob"], []),
    ("carol", 1003, [], ["carol@example.test"]),                    # by name, as he has one
    ("dave", 1004, [], ["dave", "dave@example.test"]),              # whom the table does not know
    ("erin", 1005, ["erin", "erin+x"], ["erin@example.test"]),
    ("frank", 1006, [], ["frank+list@example.test", "frank@example.test"])])
def test_local_login_sender_maps(suite, user, uid, allowed, refused):
    suite.configure(reload=False, local_login_sender_maps="hash:/etc/postfix/senders")
    assert {sender: submit(suite, user, sender) for sender in allowed} == dict.fromkeys(allowed)
    assert {sender: submit(suite, user, sender) for sender in refused} == {sender: refusal(sender, uid) for sender in refused}
    if user == "alice":
        assert submit(suite, "dave", "<>") == refusal("", 1004)


def test_local_login_sender_maps_of_root(suite):
    """Whoever he is, he is asked for."""
    suite.configure(reload=False, local_login_sender_maps="hash:/etc/postfix/senders")
    assert submit(suite, None, "root@example.test") == refusal("root@example.test", 0)


def test_empty_address_local_login_sender_maps_lookup_key(suite):
    suite.configure(reload=False, local_login_sender_maps="hash:/etc/postfix/senders", empty_address_local_login_sender_maps_lookup_key="none")
    try:
        assert submit(suite, "heidi", "<>") is None
        assert submit(suite, "heidi", "none") == refusal("none", 1007)
        assert submit(suite, "alice", "<>") == refusal("", 1001)
    finally:
        suite.configure(reload=False, empty_address_local_login_sender_maps_lookup_key=None)


@pytest.mark.parametrize("table", ["fail:broken", "hash:/etc/postfix/none"])
def test_a_table_that_does_not_answer(suite, table):
    suite.configure(reload=False, local_login_sender_maps=table)
    said = submit(suite, "bob", "bob@example.test")
    assert said == "sendmail: fatal: bob@example.test(1002): local_login_sender_maps table lookup error for '%s'" % table or \
        table.startswith("hash") and said == "sendmail: fatal: bob@example.test(1002): queue file write error"


def test_everybody(suite):
    suite.configure(reload=False, local_login_sender_maps="static:*")
    assert submit(suite, "dave", "anybody@example.net") is None


def test_smtp_on_standard_input(suite):
    """sendmail -bs goes the same way."""
    suite.configure(reload=False, local_login_sender_maps="hash:/etc/postfix/senders")
    dialogue = "HELO x\r\nMAIL FROM:<%s>\r\nRCPT TO:<dave@example.test>\r\nDATA\r\n.\r\nQUIT\r\n"
    for sender, code in (("alice@example.test", b"250 2.0.0 Ok: queued"), ("bob@example.test", b"451 4.3.0 Error")):
        done = suite.run("sendmail", "-bs", user="alice", input=(dialogue % sender).encode())
        assert code in done.stdout, done
