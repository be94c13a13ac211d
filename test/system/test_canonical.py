"""cleanup(8)'s rewriting: canonical maps, masquerading, automatic copies; in the envelope and in the header, in Postfix's order.
Each scenario: its settings, the envelope, and what else is special; then all that comes of the message is compared."""
import json
import re

import pytest

from suite import masks
from suite.golden import golden
from suite.scenario import World
from suite.smtp import send

pytestmark = pytest.mark.root


def table(**entries):
    return inline(entries)


def inline(entries):
    return "inline:{%s}" % ", ".join("{%s = %s}" % kv for kv in entries.items())


JOE, ALICE, BOB = "joe@example.test", "alice@example.test", "bob+x@example.test"
BOTH = inline({"joe@example.test": "joe.doe@new.example", "alice@example.test": "al@new.example", "bob@example.test": "robert@new.example"})
SENDER = inline({"joe@example.test": "by.sender@new.example", "alice@example.test": "sender.alice@new.example", "joe@sub.example.test": "subjoe@new.example"})
RECIPIENT = inline({"alice@example.test": "to.alice@new.example", "joe@example.test": "recipient.joe@new.example"})
MASK = {"masquerade_domains": "example.test"}
DEEP = "From: joe@a.example.test\nTo: alice@b.c.example.test, <root@b.example.test>, x@badexample.test, y@example.test\nReply-To: joe+x@A.Example.Test\nMessage-Id: <x@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
COPY = {"sender_bcc_maps": inline({"joe@example.test": "copy-out@elsewhere.example", "@away.example": "all-out"}),
        "recipient_bcc_maps": inline({"alice@example.test": "copy-in@elsewhere.example", "bob@example.test": "bobs@elsewhere.example"})}

# name: (settings, sender, recipients, what else deliver() is told)
CANONICAL = {
    "maps": ({"canonical_maps": BOTH}, JOE, [ALICE, BOB], {}),
    "none": ({}, JOE, [ALICE, BOB], {}),
    "envelope_sender": ({"canonical_maps": BOTH, "canonical_classes": "envelope_sender"}, JOE, [ALICE, BOB], {}),
    "envelope_recipient": ({"canonical_maps": BOTH, "canonical_classes": "envelope_recipient"}, JOE, [ALICE, BOB], {}),
    "header_sender": ({"canonical_maps": BOTH, "canonical_classes": "header_sender"}, JOE, [ALICE, BOB], {}),
    "header_recipient": ({"canonical_maps": BOTH, "canonical_classes": "header_recipient"}, JOE, [ALICE, BOB], {}),
    "sender_maps": ({"sender_canonical_maps": SENDER}, JOE, [ALICE, BOB], {}),
    "sender_maps_all": ({"sender_canonical_maps": SENDER, "sender_canonical_classes": "envelope_sender"}, JOE, [ALICE, JOE], {}),
    "recipient_maps": ({"recipient_canonical_maps": RECIPIENT}, JOE, [ALICE, JOE], {}),
    "recipient_header": ({"recipient_canonical_maps": RECIPIENT, "recipient_canonical_classes": "header_recipient"}, JOE, [ALICE, JOE], {}),
    "order": ({"sender_canonical_maps": SENDER, "recipient_canonical_maps": RECIPIENT,
               "canonical_maps": inline({"joe@example.test": "canonical.joe@c.example", "by.sender@new.example": "after.sender@c.example",
                                         "to.alice@new.example": "after.alice@c.example", "alice@example.test": "canonical.alice@c.example"})}, JOE, [ALICE], {}),
    "chain": ({"canonical_maps": table(joe="a", a="b", b="c", alice="alice2", alice2="alice3")}, JOE, [ALICE], {}),
    "loop": ({"canonical_maps": table(joe="a", a="b", b="joe")}, JOE, [ALICE], {}),
    "loop_recipient": ({"canonical_maps": table(alice="a", a="b", b="alice")}, "x@away.example", [ALICE], {}),
    "self": ({"canonical_maps": table(joe="joe", alice="ALICE@example.test")}, JOE, [ALICE], {}),
    "short_forms": ({"canonical_maps": inline({"joe": "short.joe", "alice": "al@elsewhere.example", "carol": "not-carol"})}, JOE, [ALICE], {}),
    "at_domain": ({"canonical_maps": inline({"@example.test": "@new.example", "@elsewhere.example": "one@new.example"})}, JOE, [ALICE, BOB, "carol@elsewhere.example"], {}),
    "at_domain_extension": ({"canonical_maps": inline({"@sub.example.test": "all@new.example"}), "virtual_alias_maps": inline({"@third.example": "third@new.example"}),
                             "recipient_bcc_maps": inline({"@third.example": "copy@new.example"})}, "joe+x@sub.example.test", ["bob+y@third.example", "bob+z@sub.example.test"], {}),
    "extension_first": ({"canonical_maps": inline({"bob+x@example.test": "bobx@new.example", "bob@example.test": "other@new.example"})}, JOE, [BOB, "bob+y@example.test"], {}),
    "no_propagation": ({"canonical_maps": BOTH, "propagate_unmatched_extensions": "virtual"}, "joe+a@example.test", [BOB], {}),
    "propagation": ({"canonical_maps": BOTH, "propagate_unmatched_extensions": "canonical"}, "joe+a@example.test", [BOB], {}),
    "null_sender": ({"canonical_maps": inline({"MAILER-DAEMON@example.test": "daemon@new.example", "@example.test": "@new.example"})}, "", [ALICE], {}),
    "two_addresses": ({"canonical_maps": table(joe="a@x.example, b@x.example", alice="c@x.example d@x.example")}, JOE, [ALICE], {}),
    "two_recipients": ({"canonical_maps": table(alice="c@x.example, d@x.example")}, JOE, [ALICE], {"header": DEEP}),
    "no_address": ({"canonical_maps": inline({"alice@example.test": "(nothing)"})}, JOE, [ALICE], {}),
    "quoted": ({"canonical_maps": "texthash:/etc/postfix/canonical.quoted"}, '"joe doe"@example.test', ['"a b"@example.test', '"a b+c"@example.test'],
               {"header": 'From: "joe doe"@example.test\nTo: "Al B" <"a b"@example.test>, "x y"@example.test\nMessage-Id: <x@x>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n'}),
    "regexp": ({"canonical_maps": "regexp:/etc/postfix/canonical.re"}, JOE, [ALICE, BOB], {}),
    "broken": ({"canonical_maps": "hash:/etc/postfix/missing"}, JOE, [ALICE], {}),
    "broken_sender": ({"sender_canonical_maps": "fail:all"}, JOE, [ALICE], {}),
    "broken_header": ({"sender_canonical_maps": "fail:all", "sender_canonical_classes": "header_sender"}, JOE, [ALICE], {}),
    "broken_recipient": ({"recipient_canonical_maps": "fail:all"}, JOE, [ALICE], {}),
    "stranger": ({"canonical_maps": BOTH, **MASK}, "joe@example.test", [ALICE, BOB], {"service": "stranger"}),
    "stranger_domain": ({"canonical_maps": BOTH, "remote_header_rewrite_domain": "domain.invalid"}, JOE, [ALICE, BOB], {"service": "stranger"}),
    "added_from": ({"canonical_maps": BOTH, "canonical_classes": "header_sender"}, "joe", ["alice"], {"sendmail": True, "header": "Subject: x\n"}),
    "bounced": ({"canonical_maps": inline({"joe@example.test": "joe.doe@new.example", "MAILER-DAEMON@mail.example.test": "daemon@new.example",
                                           "MAILER-DAEMON@example.test": "daemon2@new.example", "MAILER-DAEMON": "daemon3@new.example"}),
                 "canonical_classes": "envelope_recipient, header_recipient, header_sender", "transport_maps": inline({"bad.example": "error:5.1.1 nobody here"}),
                 "virtual_alias_maps": inline({"joe.doe@new.example": "joe.alias@new.example"}), **COPY}, JOE, ["nobody@bad.example"], {"sendmail": True}),
    "forwarded": ({"canonical_maps": inline({"target@elsewhere.example": "mapped@elsewhere.example", "joe@example.test": "joe.doe@new.example"}),
                   "virtual_alias_maps": inline({"mapped@elsewhere.example": "alias@elsewhere.example"}), "local_transport": "local",
                   "recipient_bcc_maps": inline({"mapped@elsewhere.example": "copy@elsewhere.example", "alice@example.test": "copy2@elsewhere.example"})}, JOE, ["fwd@example.test"], {}),
    "sendmail": ({"canonical_maps": BOTH}, "joe", ["alice", "bob+x"], {"sendmail": True, "header": "Subject: x\nTo: alice, bob+x\n"}),
    "before_virtual": ({"canonical_maps": BOTH, "virtual_alias_maps": inline({"al@new.example": "alias@elsewhere.example", "alice@example.test": "wrong@elsewhere.example",
                                                                            "robert@new.example": "alice@example.test"})}, JOE, [ALICE, BOB], {}),
}
MASQUERADE = {
    "domains": (MASK, "joe@a.example.test", ["alice@b.c.example.test"], {"header": DEEP}),
    "envelope_recipient": ({**MASK, "masquerade_classes": "envelope_recipient"}, "joe@a.example.test", ["alice@b.c.example.test", "root@b.example.test"], {"header": DEEP}),
    "header_sender": ({**MASK, "masquerade_classes": "header_sender"}, "joe@a.example.test", ["alice@b.c.example.test"], {"header": DEEP}),
    "header_recipient": ({**MASK, "masquerade_classes": "header_recipient"}, "joe@a.example.test", ["alice@b.c.example.test"], {"header": DEEP}),
    "exceptions": ({**MASK, "masquerade_exceptions": "Root, joe"}, "joe@a.example.test", ["alice@b.c.example.test"], {"header": DEEP}),
    "exceptions_table": ({**MASK, "masquerade_exceptions": "inline:{root=x}, !joe", "masquerade_classes": "envelope_sender envelope_recipient header_recipient"},
                         "joe@a.example.test", ["root@b.example.test", "root+x@b.example.test"], {"header": DEEP}),
    "deepest": ({"masquerade_domains": "c.example.test, example.test"}, "joe@a.example.test", ["alice@b.c.example.test"], {"header": DEEP}),
    "shallow_first": ({"masquerade_domains": "example.test c.example.test"}, "joe@a.example.test", ["alice@b.c.example.test"], {"header": DEEP}),
    "but_not": ({"masquerade_domains": "!c.example.test, !!a.example.test, Example.TEST"}, "joe@x.a.example.test", ["alice@b.c.example.test"], {"header": DEEP}),
    "after_canonical": ({**MASK, "canonical_maps": inline({"joe@a.example.test": "doe@z.example.test", "joe@example.test": "wrong@x.example"})},
                        "joe@a.example.test", [ALICE], {"header": DEEP}),
    "exceptions_broken": ({**MASK, "masquerade_exceptions": "fail:x"}, "joe@a.example.test", [ALICE], {"header": DEEP}),
}
BCC = {
    "maps": (COPY, JOE, [ALICE, BOB], {}),
    "extension": (COPY, "joe+y@example.test", ["bob+x@example.test", "alice+z@example.test"], {}),
    "domain": (COPY, "any@away.example", ["dave@example.test"], {}),
    "null_sender": ({"sender_bcc_maps": inline({"@example.test": "wrong@elsewhere.example", "<>": "null@elsewhere.example"}), "recipient_bcc_maps": COPY["recipient_bcc_maps"]}, "", [ALICE], {}),
    "canonical_first": ({**COPY, "canonical_maps": inline({"joe2@example.test": "joe@example.test", "copy-out@elsewhere.example": "canonical.copy@new.example",
                                                          "al@example.test": "alice@example.test"})}, "joe2@example.test", ["al@example.test"], {}),
    "virtual_after": ({**COPY, "virtual_alias_maps": inline({"alice@example.test": "dave@elsewhere.example", "copy-in@elsewhere.example": "v1@elsewhere.example, v2@elsewhere.example",
                                                            "copy-out@elsewhere.example": "alice@example.test"})}, JOE, [ALICE], {}),
    "with_always": ({**COPY, "always_bcc": "always@elsewhere.example"}, JOE, [ALICE], {}),
    "masked": ({"recipient_bcc_maps": inline({"alice@example.test": "x@h.example.test"}), **MASK, "masquerade_classes": "envelope_recipient, envelope_sender"}, JOE, [ALICE], {}),
    "two_addresses": ({"sender_bcc_maps": table(joe="a@x.example, b@x.example"), "recipient_bcc_maps": table(alice="c@x.example d@x.example")}, JOE, [ALICE], {}),
    "same_as_recipient": ({"sender_bcc_maps": table(joe="alice"), "recipient_bcc_maps": table(alice="alice")}, JOE, [ALICE], {}),
    "not_of_copies": ({"recipient_bcc_maps": inline({"alice@example.test": "c1@elsewhere.example", "c1@elsewhere.example": "c2@elsewhere.example"})}, JOE, [ALICE], {}),
    "broken_sender": ({"sender_bcc_maps": "fail:all"}, JOE, [ALICE], {}),
    "broken_recipient": ({"recipient_bcc_maps": "fail:all"}, JOE, [ALICE], {}),
    "bounced": ({"recipient_bcc_maps": table(alice="nobody@bad.example"), "transport_maps": inline({"bad.example": "error:5.1.1 nobody here"})}, JOE, [ALICE], {}),
}


@pytest.fixture(scope="module")
def world():
    files = {"/etc/postfix/canonical.re": "/^(.*)@example\\.test$/ ${1}.re@new.example\n",
             "/etc/postfix/canonical.quoted": '"joe doe"@example.test "joe d"@new.example\n"a b"@example.test ab@new.example\n"x y" "y x"\n',
             "/etc/aliases.text": "fwd target@elsewhere.example\n"}
    services = {"stranger": {"mynetworks": "10.0.0.0/8", "local_header_rewrite_clients": ""}}
    with World(files=files, services=services, main_cf={"mydestination": "example.test, sub.example.test", "alias_maps": "texthash:/etc/aliases.text"}) as w:
        yield w


@pytest.mark.parametrize("name", CANONICAL)
def test_canonical(world, name):
    golden("canonical_" + name, world.tell(*CANONICAL[name]))


@pytest.mark.parametrize("name", MASQUERADE)
def test_masquerade(world, name):
    golden("masquerade_" + name, world.tell(*MASQUERADE[name]))


@pytest.mark.parametrize("name", BCC)
def test_bcc(world, name):
    golden("bcc_" + name, world.tell(*BCC[name]))


def test_copies_in_the_queue(world):
    """Where the records of copies stand in the queue file."""
    world.configure({**COPY, "canonical_maps": inline({"bob@example.test": "robert@new.example"}), "always_bcc": "always@elsewhere.example",
                     "local_transport": "nosuch:later", "default_transport": "nosuch:later", "maximal_queue_lifetime": "1d"})
    since = world.suite.log_size()
    qid = send(world.suite, JOE, [ALICE, BOB, "carol@example.test"], "Subject: x\n\nx\n")
    world.suite.wait_status(since, count=6)
    records = re.findall(r"(?m)^(?:sender|recipient|original_recipient|message_content|named_attribute: (?:notify|dsn)|\*\*\*).*", world.suite.sh("postcat -evq " + qid))
    world.suite.delete_all()
    golden("bcc_queue_file", masks.mask(re.sub(r"deferred/\w/", "deferred/", "\n".join(records))))


@pytest.mark.parametrize("door", ["smtp", "sendmail"])
def test_original_recipients_in_the_queue(world, door):
    """ORCPT where the client gave none: smtpd takes the address as it came, mail of this machine has what canonical maps made of it."""
    world.configure({"canonical_maps": inline({"bob@example.test": "robert@new.example"}), "local_transport": "nosuch:later", "default_transport": "nosuch:later",
                     "maximal_queue_lifetime": "1d"})
    since, recipients = world.suite.log_size(), [BOB, "bob", "alice%example.test@example.test", "postmaster"]
    if door == "smtp":
        recipients.append('"a b"@example.test')   # Postfix forgets the quotes in the other
        send(world.suite, JOE, recipients, "Subject: x\n\nx\n")
    else:
        world.suite.run("sendmail", "-f", JOE, *recipients, input=b"Subject: x\n\nx\n")
    world.suite.wait_status(since, count=len(recipients))
    queue_id = json.loads(world.suite.sh("postqueue -j"))["queue_id"]
    shown = world.suite.sh("postcat -eq " + queue_id)
    world.suite.delete_all()
    golden("orcpt_" + door, "".join(line + "\n" for line in shown.splitlines() if re.search("dsn_orig_rcpt|recipient: ", line)))


def test_unknown_class(world):
    """Mail waits, and the log says which word is unknown: they are written in lower case."""
    suite, since = world.suite, world.suite.log_size()
    world.configure({"canonical_classes": "envelope_sender, Header_Recipient, nonsense", "canonical_maps": BOTH})
    suite.run("sendmail", "-f", JOE, ALICE, input=b"Subject: x\n\nx\n")
    said = suite.wait_log(r"/cleanup\[\d+\]: (.*nonsense.*)$", since=since)[0].group(1)
    world.configure({})
    suite.sh("postqueue -f")
    suite.wait_queue_empty(timeout=100)
    golden("canonical_unknown_canonical_classes", said)
