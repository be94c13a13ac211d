"""access(5) and the restriction language: every action, every stage, every search order, as replies, log lines and queue files.

The cases of a family are one golden file."""
import contextlib

import pytest

from suite import make
from suite.access_cases import STAGES, Case, Cases
from suite.golden import golden

ACTIONS = ["OK", "RELAY", "12345", "1x", "REJECT", "REJECT go away", "REJECT 5.7.9 go away", "REJECT 4.7.9 odd", "REJECT 2.1.1 x", "REJECT 5.7.9",
           "DEFER", "DEFER wait", "DEFER 4.7.5 wait", "DEFER_IF_REJECT", "DEFER_IF_REJECT later", "DEFER_IF_PERMIT", "DEFER_IF_PERMIT 4.2.2 later",
           "450", "450 text", "550", "550 text", "550 5.1.1 text", "550 4.1.1 text", "521 go", "421 go", "499 x", "500", "55 x", "5501 x", "650 x",
           "DUNNO", "dunno x", "HANGUP", "HANGUP now", "DELAY 5", "reject", "ok", "INFO", "INFO hi", "WARN", "WARN hi", "HOLD", "HOLD stay", "DISCARD",
           "DISCARD gone", "FILTER", "FILTER filter", "FILTER filter:", "FILTER filter:next", "REDIRECT", "REDIRECT bob", "REDIRECT bob@example.test",
           "BCC", "BCC bob", "BCC bob@example.test", "PREPEND", "PREPEND nonsense", "PREPEND X-A: b", "PREPEND X-A:", "PREPEND X A: b", "PREPEND : b",
           "permit", "reject_unauth_destination, reject", "defer", "nonsense", "hash:/etc/x", "check_client_access hash:/etc/x", "warn_if_reject reject",
           "sleep 1, reject", "permit, reject", "class_reject", "class_loop", "REJECT  two  blanks ", "Reject mixed case", "REJECT\ttab"]
OF_STAGES = ["OK", "REJECT no", "450 wait", "DEFER_IF_PERMIT", "DEFER_IF_REJECT", "HOLD", "DISCARD", "FILTER filter:next", "REDIRECT bob@example.test",
             "BCC bob@example.test", "PREPEND X-A: b", "INFO hi", "WARN hi", "HANGUP", "reject", "defer"]
CHECK = {"client": "check_client_access", "helo": "check_helo_access", "sender": "check_sender_access", "etrn": "check_etrn_access"}
ETRN = ("ETRN example.test",)
TWICE = ("MAIL FROM:<joe@example.net>", "RCPT TO:<alice@example.test>", "RCPT TO:<bob@example.test>", "DATA", "Subject: test\r\n\r\nHello.\r\n.\r\n")
AGAIN = ("MAIL FROM:<joe@example.net>", "RCPT TO:<alice@example.test>", "RSET", "MAIL FROM:<ann@example.net>", "RCPT TO:<bob@example.test>", "DATA",
         "Subject: test\r\n\r\nHello.\r\n.\r\n")


def stage_cases(service):
    for stage in STAGES:
        for action in OF_STAGES:
            check = CHECK.get(stage, "check_recipient_access")
            shown = stage != "etrn" and action.split()[0] in ("HOLD", "DISCARD", "FILTER", "REDIRECT", "BCC", "PREPEND")
            yield Case("%s static:{%s}" % (check, action), at=stage, service=service, steps=ETRN if stage == "etrn" else (), shown=shown)


def order(check, keys, **options):
    """Which key is asked first, second...: tables that have all keys, all but the first..."""
    def restrictions(i):
        return lambda case: "%s inline:{%s}" % (check, ", ".join("{%s=INFO %d: %s}" % (k, n, k) for n, k in enumerate(keyed(case)) if n >= i))

    def keyed(case):
        return keys(case) if callable(keys) else keys
    count = len(keys(Case("", address="127.60.0.1"))) if callable(keys) else len(keys)
    return [Case(restrictions(i), name="%s, keys from %d" % (check, i), **options) for i in range(count)]


def client_keys(case):
    a, b, c, d = case.address.split(".")
    return ["unknown", case.address, ".".join((a, b, c)), ".".join((a, b)), a, "127.60.", "[%s]" % case.address, "static"]


MAIL_KEYS = ["Joe+Ext@Sub.Example.Net", "joe+ext@sub.example.net", "joe@sub.example.net", "sub.example.net", ".sub.example.net", "example.net", ".example.net",
             "net", ".net", "joe+ext@", "joe@", "joe+ext", "joe", "@sub.example.net"]
HOST_KEYS = ["host.sub.example.net", ".host.sub.example.net", "sub.example.net", ".sub.example.net", "example.net", ".example.net", "net", ".net"]

GENERIC = ["permit", "reject", "defer", "defer_if_permit", "defer_if_reject", "defer_if_reject, reject", "defer_if_permit, reject", "defer_if_permit, defer_if_reject, reject",
           "defer_if_permit, permit",
           "defer_if_reject, defer_if_permit, reject", "defer_if_reject, defer_if_permit", "defer_if_reject, defer", "defer_if_permit, defer", "defer_if_reject, class_reject",
           "class_doubt, reject", "check_sender_access static:DEFER_IF_REJECT, reject", "check_sender_access static:{DEFER_IF_REJECT 5.1.1 first}, defer_if_reject, reject", "warn_if_reject reject", "warn_if_reject reject, reject", "warn_if_reject defer", "warn_if_reject defer_if_permit",
           "warn_if_reject defer_if_reject, reject", "warn_if_reject", "warn_if_reject warn_if_reject reject, reject", "warn_if_reject permit",
           "warn_if_reject class_reject", "warn_if_reject class_two, reject", "class_reject", "class_permit, reject", "class_loop",
           "permit, reject", "permit reject defer", "reject_unauth_destination, permit, reject", "sleep 1", "sleep x, reject", "sleep",
           "sleep 0, reject", "nonsense", "nonsense, permit", "warn_if_reject nonsense", "check_recipient_access", "check_sender_access nonsense", "check_sender_access nosuch:/x",
           "check_sender_access hash:/nonexistent", "check_sender_access fail:now", "warn_if_reject check_sender_access fail:now, reject", "check_recipient_access fail:now",
           "check_client_access fail:now", "check_helo_access fail:now", "check_policy_service", "reject_rbl_client", "REJECT", "Permit",
           "static:REJECT", "static:{REJECT bare}", "inline:{alice@example.test=REJECT}", "permit_auth_destination, reject", "permit_mynetworks, reject", "permit_sasl_authenticated, reject",
           "permit_inet_interfaces, reject", "permit_tls_clientcerts, reject", "permit_tls_all_clientcerts, reject", "reject_plaintext_session", "reject_unauth_pipelining",
           "reject_multi_recipient_bounce", "reject_unlisted_recipient, permit", "reject_unlisted_sender, permit", "sleep 0, warn_if_reject reject_unlisted_sender", "check_recipient_maps, reject", "reject_unauth_destination, reject", "defer_unauth_destination, reject",
           "check_sasl_access static:REJECT, reject", "check_ccert_access static:REJECT, reject", "reject_sender_login_mismatch, reject", "permit_naked_ip_address, reject", "reject_maps_rbl, reject",
           "check_relay_domains, reject", "reject_non_fqdn_hostname, reject_invalid_hostname, reject", "check_sender_access, permit", "check_recipient_access { }", "permit, warn_if_reject reject", "check_recipient_access static:DISCARD, reject"]
BARE = [Case("static:{REJECT bare}", at=stage, service=service, steps=ETRN if stage == "etrn" else ()) for stage in STAGES for service in ("smtp", "atonce")]
DELAYED = [Case(restrictions, at=stage, service="atonce", steps=ETRN if stage == "etrn" else ()) for stage in STAGES
           for restrictions in ("defer_if_permit", "defer_if_reject", "reject", "warn_if_reject reject", "check_sender_access static:{REJECT s}", "check_recipient_access static:{REJECT r}",
                                "check_helo_access static:{REJECT h}", "check_client_access static:{REJECT c}", "check_sender_access fail:now", "nonsense", "permit")]
LOGIN = [Case("%s, permit" % name, at=at, sender=sender, service="login") for at in ("sender", "recipient")
         for sender in ("owned@example.test", "free@example.test", "", "broken@example.test")
         for name in ("reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch", "reject_known_sender_login_mismatch", "reject_unauthenticated_sender_login_mismatch")]
SYNTAX = [Case("%s, permit" % name, **{end: value}) for name, end, values in (
    ("reject_non_fqdn_sender", "sender", ("joe", "joe@host", "joe@example.net", "", "joe@[127.0.0.1]", "joe@example.", "joe@.net", "joe@example..net", "\"a b\"@host", "joe@127.0.0.1", "joe@-x.net", "joe@x_y.net")),
    ("reject_non_fqdn_recipient", "recipient", ("alice", "alice@host", "alice@example.test", "postmaster", "alice@[127.0.0.1]", "a%b@host", "alice@example.test.")),
    ("reject_non_fqdn_helo_hostname", "helo", ("host", "host.example.net", "[127.0.0.1]", "127.0.0.1", "-", "a..b", "[1.2.3", "[IPv6:::1]", "host.", "x_y.net", "[IPv6:x]", "1.2", "1234")),
    ("reject_invalid_helo_hostname", "helo", ("host", "host.example.net", "[127.0.0.1]", "127.0.0.1", "-", "a..b", "[1.2.3", "[IPv6:::1]", "host.", "x_y.net", "[IPv6:x]", "-x.net", "!$%.x", "1.2", "1234", "1.2.3.999", "a" * 64 + ".net", "[]")))
    for value in values]
CODES = [Case(restrictions, service="codes", **options) for restrictions, options in (
    ("reject", {}), ("defer", {}), ("check_sender_access static:REJECT", {}), ("check_sender_access static:{DEFER x}", {}), ("reject_non_fqdn_sender", {"sender": "joe"}),
    ("reject_invalid_helo_hostname", {"helo": "-"}), ("reject_plaintext_session", {}), ("check_sender_access static:DEFER_IF_PERMIT", {}))]
BOUNCE = [Case("reject_multi_recipient_bounce", at=at, steps=("MAIL FROM:<%s>" % sender, *steps)) for at in ("recipient", "data", "end_of_data")
          for sender in ("", "joe@example.net") for steps in (TWICE[1:2] + TWICE[3:], TWICE[1:])]
BOUNCE += [Case("reject_multi_recipient_bounce", at="data", service="codes", steps=("MAIL FROM:<>", *TWICE[1:]))]
PIPELINING = [Case("reject_unauth_pipelining", at=at, service=service, steps=steps) for at in STAGES[:-1] for service in ("pipelining", "pipelining-atonce") for steps in (
    ("MAIL FROM:<joe@example.net>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT", "NOOP"), TWICE)]
MESSAGES = [Case(restrictions, shown=True, steps=steps) for steps in (TWICE, AGAIN) for restrictions in (
    "check_recipient_access inline:{{alice@example.test=HOLD}}", "check_recipient_access inline:{{alice@example.test=DISCARD}}", "check_recipient_access inline:{{alice@example.test=FILTER filter:a}, {bob@example.test=FILTER filter:b}}",
    "check_recipient_access inline:{{alice@example.test=REDIRECT carol@example.test}, {bob@example.test=REDIRECT dave@example.test}}",
    "check_recipient_access inline:{{alice@example.test=BCC carol@example.test}, {bob@example.test=BCC dave@example.test}}",
    "check_recipient_access inline:{{alice@example.test=PREPEND X-A: a}, {bob@example.test=PREPEND X-B: b}}",
    "check_sender_access inline:{{joe@example.net=HOLD s}}, check_sender_access inline:{{joe@example.net=PREPEND X-S: s}}, check_sender_access inline:{{joe@example.net=FILTER filter:s}}, "
    "check_sender_access inline:{{joe@example.net=REDIRECT erin@example.test}}",
    "check_recipient_access inline:{{alice@example.test=REJECT}, {bob@example.test=HOLD}}", "check_recipient_access inline:{{alice@example.test=PREPEND X-A: a}}, reject")]
SESSION = [Case(restrictions, steps=steps, at=at) for at in ("recipient", "data", "end_of_data") for restrictions, steps in (
    ("check_recipient_access inline:{{alice@example.test=REJECT}}", TWICE), ("check_sender_access inline:{{joe@example.net=REJECT}}", AGAIN),
    ("check_recipient_access inline:{{alice@example.test=DEFER_IF_PERMIT}}", TWICE), ("reject", ("VRFY alice@example.test",)), ("check_recipient_access static:HOLD", ("VRFY alice@example.test",)),
    ("check_sender_access static:{REJECT s}", ("VRFY alice@example.test",)))]
NULL = [Case("check_sender_access inline:{{%s=REJECT %s}}, permit" % (key, label), sender="", service=service, name="null sender: " + label)
        for service in ("smtp", "null-key", "null-key-empty") for key, label in (("<>", "brackets"), ("nobody", "nobody"), ("@", "at"), ("@nowhere", "other"))]

UNLISTED = [Case(restrictions, recipient="absent@example.test", at=at) for at in ("sender", "relay", "recipient") for restrictions in
            ("check_sender_access static:DISCARD", "defer_if_permit", "defer_if_reject", "check_sender_access static:OK", "check_sender_access static:HOLD", "warn_if_reject reject_unlisted_recipient")]
TWO_STAGES = [Case(restrictions, at=at, also={"recipient": "reject_unlisted_recipient, reject"}) for at in ("client", "helo", "sender", "relay")
              for restrictions in ("defer_if_reject", "defer_if_permit", "check_client_access static:DISCARD", "permit", "warn_if_reject reject", "warn_if_reject")]
TWO_STAGES += [Case("defer_if_permit", at=at, also={"recipient": "OK"}, service=service) for at in ("client", "helo", "sender", "relay") for service in ("smtp", "atonce")]
TWO_STAGES += [Case("defer_if_permit", at=at, also={"data": "OK"}, service=service, steps=TWICE) for at in ("client", "helo", "sender", "relay") for service in ("smtp", "atonce")]
UNLISTED += [Case("reject_unlisted_sender", sender=sender, at=at) for at in ("sender", "recipient") for sender in ("absent@example.test", "alice@example.test", "")]
DISCARDED = [Case("check_recipient_access inline:{{alice@example.test=DISCARD}}, check_recipient_access inline:{{bob@example.test=REJECT}}", steps=TWICE, shown=True),
             Case("check_recipient_access inline:{{alice@example.test=DISCARD}}, check_recipient_access inline:{{bob@example.test=REJECT}}", at="sender", steps=TWICE, shown=True),
             Case("check_recipient_access inline:{{alice@example.test=DISCARD}}", also={"data": "REJECT", "end_of_data": "REJECT"}, steps=TWICE, shown=True)]

FAMILIES = {
    "unlisted": UNLISTED,
    "two_stages": TWO_STAGES,
    "discarded": DISCARDED,
    "actions": [Case("check_recipient_access texthash:/etc/postfix/act/%d" % i, name=action, shown=True) for i, action in enumerate(ACTIONS)],
    "stages": list(stage_cases("smtp")),
    "stages_at_once": list(stage_cases("atonce")),
    "generic": [Case(restrictions) for restrictions in GENERIC],
    "bare_tables": BARE,
    "delayed": DELAYED,
    "order_client": order("check_client_access", client_keys),
    "order_reverse": order("check_reverse_client_hostname_access", ["unknown", ".unknown", "127"]),
    "order_sender": order("check_sender_access", MAIL_KEYS, sender="Joe+Ext@Sub.Example.Net") + order("check_sender_access", MAIL_KEYS, sender="joe+ext@sub.example.net", service="dotted"),
    "order_recipient": order("check_recipient_access", ["alice+ext@example.test", "alice@example.test", "example.test", "test", "alice+ext@", "alice@", "alice"], recipient="Alice+ext@example.test") +
    order("check_recipient_access", ["alice@example.test", "alice@mail.example.test", "alice@", "alice"], recipient="alice") +
    order("check_recipient_access", ["user%elsewhere.net@example.test", "user@elsewhere.net", "elsewhere.net", "example.test", "user%elsewhere.net@", "user@"], recipient="user%elsewhere.net@example.test"),
    "order_helo": order("check_helo_access", HOST_KEYS, helo="Host.Sub.Example.Net") + order("check_helo_access", HOST_KEYS, helo="host.sub.example.net", service="dotted") +
    order("check_helo_access", ["[127.0.0.1]", "127.0.0.1", "127.0.0", "127"], helo="[127.0.0.1]") + order("check_helo_access", ["127.0.0.1", "127.0.0", ".0.0.1", "0.0.1", "1", "127"], helo="127.0.0.1"),
    "order_etrn": order("check_etrn_access", HOST_KEYS, at="etrn", steps=("ETRN Host.Sub.Example.Net",)) + order("check_etrn_access", HOST_KEYS, at="etrn", steps=("ETRN @Host.Sub.Example.Net",)),
    "null_sender": NULL,
    "login": LOGIN + [Case("check_sasl_access static:REJECT, permit_sasl_authenticated, reject", service="login")],
    "syntax": SYNTAX,
    "codes": CODES,
    "bounce": BOUNCE,
    "pipelining": PIPELINING,
    "messages": MESSAGES,
    "session": SESSION,
}
CASES = Cases(FAMILIES)
SERVICES = {
    "atonce": {"smtpd_delay_reject": "no"},
    "dotted": {"parent_domain_matches_subdomains": ""},
    "login": {"smtpd_sasl_auth_enable": "yes", "smtpd_sender_login_maps": "inline:{{owned@example.test=alice, bob}}, texthash:/etc/postfix/logins"},
    "codes": {"access_map_reject_code": "571", "access_map_defer_code": "471", "non_fqdn_reject_code": "572", "invalid_hostname_reject_code": "573", "plaintext_reject_code": "574",
              "reject_code": "575", "defer_code": "476", "multi_recipient_bounce_reject_code": "577"},
    "pipelining": {"smtpd_forbid_unauth_pipelining": "no"},
    "pipelining-atonce": {"smtpd_forbid_unauth_pipelining": "no", "smtpd_delay_reject": "no"},
    "null-key": {"smtpd_null_access_lookup_key": "nobody"},
    "null-key-empty": {"smtpd_null_access_lookup_key": "@nowhere"},
}
CLASSES = {"class_reject": "reject", "class_doubt": "defer_if_reject", "class_permit": "permit", "class_two": "reject_unlisted_recipient, reject",
           "class_loop": "check_recipient_access static:class_loop"}


@pytest.fixture(scope="module")
def suite():
    main_cf = CASES.main_cf()
    main_cf["smtpd_restriction_classes"] += " " + " ".join(CLASSES)
    files = {**CASES.files(), "/etc/postfix/logins": "broken@example.test\n"}
    files.update({"/etc/postfix/act/%d" % i: "alice@example.test %s\n" % action for i, action in enumerate(ACTIONS)})
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(make(main_cf={**main_cf, **CLASSES}, services=SERVICES, files=files))


@pytest.mark.parametrize("family", FAMILIES)
def test_family(suite, family):
    golden("access_" + family, CASES.play(suite, family))
    suite.delete_all()
