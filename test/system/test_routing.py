"""Where mail goes: transport_maps, what depends on the sender, relocated users, generic addresses, names in UTF-8. Each scenario: its
settings, the envelope, and what else is special; then all that comes of the message is compared."""
import re

import pytest

from suite import make, masks
from suite.golden import golden
from suite.scenario import HEADER, World
from suite.smtp import Client, send

pytestmark = pytest.mark.root


def inline(entries):
    return "inline:{%s}" % ", ".join("{%s = %s}" % kv for kv in entries.items())


JOE = "joe@example.test"
TRANSPORT = {
    "user@t.example": "discard:by user", "user+ext@t.example": "discard:by extension", "t.example": "discard:by domain", ".t.example": "discard:by parent",
    "sub.t.example": "smtp:{sink2}", "nexthop.example": ":{sink2}", "null.example": ":", "only.example": "discard:", "bare.example": "discard",
    "no-colon.example": "[127.0.0.1]", "err.example": "error:5.7.1 not to this domain", "err0.example": "error:no code here", "err4.example": "error:4.7.1 later",
    "ret.example": "retry:4.3.0 later", "retry5.example": "retry:5.3.0 later", "error.example": "error:", "retry0.example": "retry:", "spaced.example": "error:  5.7.2  spaced out", "alice@example.test": "discard:by local user", "[192.0.2.1]": "discard:literal",
    "space.example": "discard: a text", "bob": "discard:by bare name", "bob@example.test": ":{sink2}", "relay.example": ":", "unknown.example": "nosuch:",
}
RELAYHOST = {"sender_dependent_relayhost_maps": inline({"joe@example.test": "{sink2}", "@away.example": "{sink2}", "dunno@away.example": "DUNNO", "<>": "{sink2}",
                                                       "empty@away.example": "", "carol": "{sink2}"})}
DEFAULT = {"sender_dependent_default_transport_maps": inline({"joe@example.test": "smtp:{sink2}", "@away.example": "discard:away", "dunno@away.example": "DUNNO",
                                                            "<>": "discard:null", "nexthopless@away.example": "smtp:", "error@away.example": "error:5.7.9 no mail from you",
                                                            "bare@away.example": "discard"})}
MOVED = {"relocated_maps": inline({"gone@example.test": "gone@new.example", "left": "left@new.example, +1 555 0100", "@moved.example": "new.example", "ext+a@example.test": "ext-a@new.example",
                                   "ext@example.test": "ext@new.example", "all@away.example": "nowhere"})}
GENERIC = {"smtp_generic_maps": inline({"joe@example.test": "joe@isp.example", "alice@elsewhere.example": "al@generic.example", "@sub.example.test": "us@isp.example",
                                        "root@example.test": "root@isp.example", "bob": "robert@isp.example"})}
ELSEWHERE = "x@elsewhere.example"

# name: (settings, sender, recipients, what else deliver() is told)
ROUTES = {
    **{"transport_" + name: ({"transport_maps": inline(TRANSPORT)}, JOE, [recipient], {"sendmail": True}) for name, recipient in {
        "user": "user@t.example", "extension": "User+Ext@t.example", "other_extension": "user+more@t.example", "domain": "any@T.Example", "parent": "any@deep.x.t.example",
        "own_parent": "any@sub.t.example", "nexthop": "any@nexthop.example", "null": "any@null.example", "only": "any@only.example", "bare": "any@bare.example",
        "no_colon": "any@no-colon.example", "error": "any@err.example", "error_without_code": "any@err0.example", "error_4": "any@err4.example",
        "error_empty": "any@error.example", "retry_empty": "any@retry0.example", "error_spaced": "any@spaced.example", "retry": "any@ret.example", "retry_5": "any@retry5.example", "local_user": "alice@example.test", "literal": "x@[192.0.2.1]", "space": "x@space.example",
        "bare_name": "bob@example.test", "unlisted": "dave@example.test",
    }.items()},
    "transport_refused": ({"transport_maps": inline(TRANSPORT)}, JOE, ["any@err.example", "any@err0.example", "any@err4.example", "any@ret.example", "any@only.example"], {}),
    "transport_any": ({"transport_maps": inline({"*": "discard:all", "example.test": ":", ".sub.example": ":{sink2}"})}, JOE, [ELSEWHERE, "alice@example.test", "x@a.sub.example", "x@sub.example"], {}),
    "transport_parents": ({"transport_maps": inline({"t.example": "discard:parent"}), "parent_domain_matches_subdomains": "transport_maps"}, JOE, ["x@t.example", "x@a.b.t.example"], {}),
    "transport_regexp": ({"transport_maps": "regexp:/etc/postfix/transport.re"}, JOE, ["one@elsewhere.example", "two+x@elsewhere.example", "three@elsewhere.example"], {}),
    "transport_broken": ({"transport_maps": "fail:all"}, JOE, [ELSEWHERE], {}),
    "transport_virtual": ({"transport_maps": inline({"va.example": "discard:wrong", "vm.example": "discard:right"}), "virtual_alias_domains": "va.example", "virtual_mailbox_domains": "vm.example",
                           "virtual_mailbox_maps": "static:x"}, JOE, ["x@va.example", "x@vm.example"], {}),
    "relayhost_sender": (RELAYHOST, JOE, [ELSEWHERE, "alice@example.test"], {}),
    "relayhost_extension": (RELAYHOST, "joe+x@example.test", [ELSEWHERE], {}),
    "relayhost_domain": (RELAYHOST, "any@away.example", [ELSEWHERE], {}),
    "relayhost_dunno": (RELAYHOST, "dunno@away.example", [ELSEWHERE], {}),
    "relayhost_other": (RELAYHOST, "other@third.example", [ELSEWHERE], {}),
    "relayhost_bare": (RELAYHOST, "carol@example.test", [ELSEWHERE], {}),
    "relayhost_null": (RELAYHOST, "", [ELSEWHERE], {}),
    "relayhost_null_key": ({"sender_dependent_relayhost_maps": inline({"null-sender": "{sink2}"}), "empty_address_relayhost_maps_lookup_key": "null-sender"}, "", [ELSEWHERE], {}),
    "relayhost_mixed": ({**RELAYHOST, "relay_domains": "relayed.example"}, JOE, ["x@relayed.example"], {}),
    "relayhost_then_transport": ({**RELAYHOST, "transport_maps": inline({"elsewhere.example": "discard:wins"})}, JOE, [ELSEWHERE, "x@third.example"], {}),
    "relayhost_broken": ({"sender_dependent_relayhost_maps": "fail:all"}, JOE, [ELSEWHERE], {}),
    "relayhost_default_nexthop": ({**RELAYHOST, "default_transport": "smtp:{sink1}"}, JOE, [ELSEWHERE], {}),
    **{"default_" + name: (DEFAULT, sender, [ELSEWHERE], {"sendmail": True}) for name, sender in {
        "sender": JOE, "extension": "joe+x@example.test", "domain": "any@away.example", "dunno": "dunno@away.example", "other": "other@third.example", "null": "<>",
        "nexthopless": "nexthopless@away.example", "error": "error@away.example", "bare": "bare@away.example"}.items()},
    "default_not_relay": ({**DEFAULT, "relay_domains": "relayed.example"}, JOE, ["x@relayed.example", "alice@example.test"], {}),
    "default_with_relayhost": ({"sender_dependent_default_transport_maps": inline({"joe@example.test": "smtp:"}), **RELAYHOST}, JOE, [ELSEWHERE], {}),
    "default_null_key": ({"sender_dependent_default_transport_maps": inline({"null-sender": "discard:null key"}), "empty_address_default_transport_maps_lookup_key": "null-sender"}, "", [ELSEWHERE], {}),
    "default_broken": ({"sender_dependent_default_transport_maps": "fail:all"}, JOE, [ELSEWHERE], {}),
    "relocated_refused": (MOVED, JOE, ["gone@example.test", "left@example.test", "gone+x@example.test", "any@moved.example", "ext+a@example.test", "ext+b@example.test", "stays@example.test"], {}),
    "relocated_bounced": (MOVED, JOE, ["gone@example.test"], {"sendmail": True}),
    "relocated_remote": (MOVED, JOE, ["all@away.example"], {"sendmail": True}),
    "relocated_virtual": ({**MOVED, "virtual_alias_maps": inline({"gone@example.test": "x@elsewhere.example"})}, JOE, ["gone@example.test"], {}),
    "relocated_alias_target": ({**MOVED, "virtual_alias_maps": inline({"to-gone@example.test": "gone@example.test"})}, JOE, ["to-gone@example.test"], {}),
    "relocated_transport": ({**MOVED, "transport_maps": inline({"example.test": "discard:"})}, JOE, ["gone@example.test"], {}),
    "relocated_virtual_domain": ({**MOVED, "virtual_alias_domains": "moved.example"}, JOE, ["x@moved.example"], {}),
    "relocated_broken": ({"relocated_maps": "fail:all"}, JOE, ["alice@example.test"], {}),
    "generic_all": (GENERIC, JOE, [ELSEWHERE, "alice@elsewhere.example"], {"header": HEADER + "Resent-From: bob@example.test\n"}),
    "generic_extension": (GENERIC, "joe+x@example.test", [ELSEWHERE], {}),
    "generic_propagated": ({**GENERIC, "propagate_unmatched_extensions": "generic"}, "joe+x@example.test", [ELSEWHERE], {}),
    "generic_null": (GENERIC, "", [ELSEWHERE], {}),
    "generic_stranger": (GENERIC, JOE, ["alice@example.test"], {"service": "stranger"}),
    "generic_chain": ({"smtp_generic_maps": inline({"joe@example.test": "b@example.test", "b@example.test": "c@example.test", "bob+x@example.test": "one@x.example, two@x.example"})}, JOE, [ELSEWHERE], {}),
    "generic_bounce": ({**GENERIC, "transport_maps": inline({"bad.example": "error:5.1.1 nobody here"})}, JOE, ["nobody@bad.example"], {"sendmail": True}),
    "generic_mime": (GENERIC, JOE, [ELSEWHERE], {"header": HEADER + "MIME-Version: 1.0\nContent-Type: message/rfc822\n\nFrom: joe@example.test\nTo: alice@elsewhere.example\n"}),
}
UTF8 = "SMTPUTF8"
NAMES = {
    "transport": ({"transport_maps": inline({"bücher.example": "discard:by u-label", "xn--strae-oqa.example": "discard:by a-label"})}, JOE, ["x@bücher.example", "x@BÜCHER.example", "x@straße.example"], {"mail": UTF8}),
    "a_label": ({"transport_maps": inline({"bücher.example": "discard:by u-label"})}, JOE, ["x@xn--bcher-kva.example"], {}),
    "canonical": ({"canonical_maps": inline({"jürgen@example.test": "juergen@new.example", "alice@example.test": "ålice@new.example"})}, "jürgen@example.test", ["Jürgen@example.test", "alice@example.test"], {"mail": UTF8}),
    "virtual": ({"virtual_alias_domains": "bücher.example", "virtual_alias_maps": inline({"jürgen@bücher.example": "alice@example.test"})}, JOE, ["jürgen@bücher.example", "wer@bücher.example"], {"mail": UTF8}),
    "local_domain": ({"mydestination": "example.test, bücher.example"}, JOE, ["alice@bücher.example"], {"mail": UTF8}),
    "relay_domain": ({"relay_domains": "bücher.example"}, JOE, ["x@bücher.example", "x@sub.bücher.example"], {"mail": UTF8}),
    "masquerade": ({"masquerade_domains": "bücher.example"}, "joe@a.bücher.example", ["x@elsewhere.example"], {"mail": UTF8}),
    "sender_relayhost": ({"sender_dependent_relayhost_maps": inline({"@bücher.example": "{sink2}"})}, "joe@bücher.example", ["x@elsewhere.example"], {"mail": UTF8}),
    "unwanted_local": ({}, "jürgen@example.test", ["bärbel@elsewhere.example"], {}),
    "unwanted_recipient": ({"virtual_alias_maps": inline({"jürgen@bücher.example": "alice@example.test"})}, JOE, ["x@bücher.example", "jürgen@bücher.example", "x@elsewhere.example"], {}),
    "unwanted": ({}, "joe@bücher.example", ["x@elsewhere.example"], {}),
}
LOCAL = {"local_recipient_maps": inline({"alice": "x", "bob@example.test": "x", "@sub.example.test": "x", "erin+list": "x"})}
UNKNOWN = ["carol@example.test", "postmaster@example.test", "MAILER-DAEMON@example.test"]
LISTED = {
    "local": (LOCAL, JOE, ["alice@example.test", "ALICE+x@Example.Test", "bob+y@example.test", "any@sub.example.test", "erin@example.test", "erin+list@example.test", *UNKNOWN], {}),
    "local_broken": ({"local_recipient_maps": "fail:all"}, JOE, UNKNOWN, {}),
    "local_changed": ({**LOCAL, "canonical_maps": inline({"carol": "alice"}), "recipient_canonical_maps": inline({"dave@example.test": "alice"}), "sender_canonical_maps": inline({"frank": "alice"}),
                       "virtual_alias_maps": inline({"heidi@example.test": "alice"})}, JOE, ["carol+x@example.test", "dave@example.test", "frank@example.test", "heidi@example.test"], {}),
    "sender": ({**LOCAL, "smtpd_reject_unlisted_sender": "yes", "sender_canonical_maps": inline({"frank": "alice"})}, "frank@example.test", ["alice@example.test"], {}),
    "sender_unknown": ({**LOCAL, "smtpd_reject_unlisted_sender": "yes", "recipient_canonical_maps": inline({"frank": "alice"})}, "frank@example.test", ["alice@example.test"], {}),
    "sender_moved": ({**MOVED, "smtpd_reject_unlisted_sender": "yes"}, "gone@example.test", ["alice@example.test"], {}),
    "relay": ({"relay_domains": "r.example, all.example, none.example", "relay_recipient_maps": inline({"a@r.example": "x", "@all.example": "x", "b": "x"})}, JOE,
              ["a@r.example", "A+ext@R.example", "b@r.example", "any@all.example", "any@none.example", "any@sub.r.example", "postmaster@r.example"], {}),
    "mailbox": ({"virtual_mailbox_domains": "v.example", "virtual_mailbox_maps": inline({"a@v.example": "x", "b+x@v.example": "x"})}, JOE,
                ["a@v.example", "a+x@v.example", "b@v.example", "b+x@v.example", "c@v.example", "postmaster@v.example"], {}),
    "alias": ({"virtual_alias_domains": "va.example", "virtual_alias_maps": inline({"a@va.example": "alice@example.test"})}, JOE, ["a+x@va.example", "b@va.example", "postmaster@va.example"], {}),
    "utf8": ({"virtual_mailbox_domains": "bücher.example", "virtual_mailbox_maps": inline({"jürgen@bücher.example": "x"})}, JOE, ["JÜRGEN@bücher.example", "wer@bücher.example"], {"mail": UTF8}),
    "proxied": ({"recipient_canonical_maps": "proxy:" + inline({"carol": "alice"}), "sender_dependent_relayhost_maps": "proxy:" + inline({JOE: "{sink2}"}), "relocated_maps": "proxy:" + inline({"left": "home"}),
                 "sender_dependent_default_transport_maps": "proxy:" + inline({JOE: "smtp"}), "smtp_generic_maps": "proxy:" + inline({JOE: "joe@isp.example"}),
                 "sender_bcc_maps": "proxy:" + inline({JOE: "copy@elsewhere.example"})}, JOE, ["carol@example.test", "left@example.test", ELSEWHERE], {}),
}


@pytest.fixture(scope="module")
def world():
    files = {"/etc/postfix/transport.re": "/^one@/ discard:one\n/^two@/ discard:wrong\n/^two\\+/ discard:two\n/./ discard:rest\n"}
    services = {"stranger": {"mynetworks": "10.0.0.0/8", "local_header_rewrite_clients": ""}}
    with World(files=files, services=services, main_cf={"mydestination": "example.test, sub.example.test"}) as w:
        yield w


@pytest.mark.parametrize("name", ROUTES)
def test_route(world, name):
    golden("route_" + name, world.tell(*ROUTES[name]))


@pytest.mark.parametrize("name", NAMES)
def test_utf8_name(world, name):
    golden("utf8_" + name, world.tell(*NAMES[name]))


@pytest.mark.parametrize("name", LISTED)
def test_recipient(world, name):
    golden("recipient_" + name, world.tell(*LISTED[name]))


def test_status_of_a_refused_address(world):
    """A route's status may be about a recipient; said of a sender it is another one, and the other way round."""
    codes = ["5.1.%d" % n for n in range(10)] + ["5.2.1", "5.7.1", "4.1.1", "4.1.8", "5.1.10"]
    world.configure({"transport_maps": inline({"%s.example" % c: "error:%s no" % c for c in codes}), "smtpd_reject_unlisted_sender": "yes", "smtpd_error_sleep_time": "0",
                     "smtpd_hard_error_limit": "100"})
    since, told = world.suite.log_size(), []
    with Client(world.suite.smtp) as client:
        for code in codes:
            for sender, recipient in (("x@%s.example" % code, "alice@example.test"), (JOE, "x@%s.example" % code)):
                client.command("MAIL FROM:<%s>" % sender)
                told.append(client.command("RCPT TO:<%s>" % recipient, want="45"))
                client.command("RSET")
    world.suite.wait_log("disconnect from", since=since)
    golden("recipient_status", "\n".join(told) + "\n" + masks.history(world.suite.log(since)))


@pytest.mark.extension(reason="Postfix has it since 3.11")
def test_relocated_prefix_enable(world):
    world.configure({"relocated_prefix_enable": "no", "relocated_maps": inline({"left@example.test": "5.2.1 has left the house", "gone@example.test": "is gone"})})
    story = world.deliver(JOE, ["left@example.test", "gone@example.test"])
    assert "550 5.2.1 <left@example.test>: Recipient address rejected: has left the house" in story
    assert "550 5.1.1 <gone@example.test>: Recipient address rejected: is gone" in story


@pytest.mark.extension(reason="Postfix's smtp ends, and its transport is throttled")
def test_broken_generic_maps(world):
    world.configure({"smtp_generic_maps": "fail:all"})
    assert "dsn=4.3.0, status=deferred (address mapping lookup error)" in world.deliver(JOE, [ELSEWHERE])


def test_a_route_that_is_a_code_alone():
    """error and retry without a text: the log shows none, notices and mailq say so; a code of another class does not count."""
    routes = "inline:{{a.example=error:5.1.1} {b.example=retry:4.1.1} {c.example=error:4.1.1 text} {d.example=discard:5.1.1 text}}"
    with make(main_cf={"transport_maps": routes, "smtpd_reject_unlisted_recipient": "no"}) as suite:
        since = suite.log_size()
        send(suite, "alice@example.test", ["x@%s.example" % domain for domain in "abcd"])
        suite.wait_status(since, count=4)
        log = suite.log(since)
        for line in (r"x@a.example>.*dsn=5\.1\.1, status=bounced \(\)", r"x@b.example>.*dsn=4\.1\.1, status=deferred \(\)",
                     r"x@c.example>.*dsn=5\.0\.0, status=bounced \(text\)", r"x@d.example>.*dsn=2\.0\.0, status=sent \(text\)",
                     r'warning: bounce_append: ignoring dsn code "4\.1\.1"', r'warning: sent: ignoring dsn code "5\.1\.1"'):
            assert re.search(line, log), line
        notice = suite.messages("alice", 1)[0]
        assert b"\n<x@a.example>: (description unavailable)\n" in notice and b"\nDiagnostic-Code: X-Postfix; (description unavailable)\n" in notice
        assert b"  ((description unavailable))\n" in suite.run("mailq").stdout
        suite.delete_all()
