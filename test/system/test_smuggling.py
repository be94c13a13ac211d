"""SMTP smuggling: no way to end a message but CRLF.CRLF, under every smtpd_forbid_bare_newline (CVE-2023-51764).

Each of 121 sequences that look like an end of data stands in a message, followed by the commands of a second one. The
second must never come into being, however the octets are cut into segments."""
import itertools
import re

import pytest

from suite import make, selected
from suite.dialogue import Peer

pytestmark = pytest.mark.root

ENDS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\0", b"\r\0\n", b"\v", b"\f", b"\x85", b"\xe2\x80\xa8"]
SEQUENCES = [a + b"." + b for a, b in itertools.product(ENDS, ENDS)]
SMUGGLED = b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<bob+%s@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"
MODES = ["normalize", "yes", "reject", "note", "no"]


@pytest.fixture(scope="module")
def suite():
    services = {m: {"smtpd_forbid_bare_newline": m, "smtpd_forbid_bare_newline_exclusions": "", "smtpd_client_connection_rate_limit": "0"} for m in MODES}
    with make(services=services, main_cf={"smtpd_error_sleep_time": "0", "default_process_limit": "20"}) as s:
        yield s


def try_sequence(suite, mode, sequence, number, bytewise):
    """The replies after a message in which the sequence stands, as codes; and the tag by which what was stored is found."""
    tag = "%s-%d-%d" % (mode, number, bytewise)
    peer = Peer(suite.address(mode))
    peer.line()
    peer.send(b"EHLO client.example.net\r\n")
    while peer.line()[3] != " ":
        pass
    for command in (b"MAIL FROM:<joe@example.net>\r\n", b"RCPT TO:<alice+%s@example.test>\r\n" % tag.encode(), b"DATA\r\n"):
        peer.send(command)
        peer.line()
    data = b"Subject: outer\r\n\r\nbegin" + sequence + SMUGGLED % tag.encode() + b"\r\n.\r\n"
    if bytewise:
        for i in range(len(data)):
            peer.send(data[i:i + 1])
    else:
        peer.send(data)
    replies = [peer.line()[:3]]
    peer.send(b"QUIT\r\n")
    while replies[-1] != "<cl":
        replies.append((peer.line() or "non")[:3])
    peer.socket.close()
    return tag, tuple(replies[:-1])


def verdict(sequence, mode):
    """The replies that the model wants."""
    bare = b"\n" in sequence.replace(b"\r\n", b"")
    if b"\r\n.\r\n" in sequence:
        return "ends"
    if mode == "reject" and bare:
        return "refused"
    return "one"


@pytest.mark.parametrize("bytewise", [0, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize("mode", ["normalize", "yes", "reject"])
def test_only_crlf_dot_crlf_ends(suite, mode, bytewise):
    wrong, stored = [], {}
    sequences = list(enumerate(SEQUENCES))[::1 if not bytewise else 7]
    for number, sequence in sequences:
        tag, replies = try_sequence(suite, mode, sequence, number, bytewise)
        wanted = verdict(sequence, mode)
        if wanted == "ends":
            good = replies[0] == "250"
        elif wanted == "refused":
            good = replies[0] in ("550", "521")
        else:
            good = replies == ("250", "221")
            stored[tag] = sequence
        if not good:
            wrong.append((sequence, wanted, replies))
    assert not wrong
    suite.wait_queue_empty(timeout=60)
    def by_tag(user):
        texts = {}
        for m in suite.messages(user, count=0):
            texts.setdefault(re.search(rb"\nDelivered-To: \w+\+([\w-]+)@", m).group(1).decode(), []).append(m)
        return texts
    texts = by_tag("alice")
    for tag, sequence in stored.items():
        assert len(texts.get(tag, [])) == 1, (tag, sequence)
        assert b"Subject: smuggled" in texts[tag][0], (tag, sequence)
    assert not set(by_tag("bob")) & set(stored)


@pytest.mark.skipif(selected() == "ours", reason="ours never does so; doc/differences.md")
@pytest.mark.parametrize("mode", ["no", "note"])
def test_the_old_behaviour_can_be_had(suite, mode):
    """With "no" a dot line that ends with LF alone ends the message, as sendmail does; with "note" it is logged."""
    _, replies = try_sequence(suite, mode, b"\n.\n", 0, 0)
    assert replies[0] == "250"
    _, replies = try_sequence(suite, mode, b"\r.\r", 1, 0)
    assert replies == ("250", "221")


@pytest.mark.extension
@pytest.mark.parametrize("mode", ["no", "note"])
def test_no_setting_opens_the_hole(suite, mode):
    """Ours takes LF alone where Postfix does, but never as part of an end of data: nobody needs that any more."""
    for number, sequence in enumerate(SEQUENCES):
        if b"\r\n.\r\n" not in sequence:
            _, replies = try_sequence(suite, mode, sequence, number, 0)
            assert replies == ("250", "221"), sequence
