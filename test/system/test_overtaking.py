"""qmgr(8): which delivery is next when a transport may run one at a time, and in which order an agent is given recipients."""
import re

import pytest

from suite import make
from suite.smtp import Client, Sink, send
from test_qmgr_parameters import Site

pytestmark = pytest.mark.root

# By what is after TRANSPORT_; "no_credit" of those below.
COST, LOAN, DISCOUNT, MINIMUM = "_delivery_slot_cost", "_delivery_slot_loan", "_delivery_slot_discount", "_minimum_delivery_slots"
NO_CREDIT = {COST: "2", LOAN: "0", DISCOUNT: "0", MINIMUM: "1"}
# What is set, how many recipients the messages have, and the messages in the order of their deliveries.
LINES = {
    "never": ({COST: "0"}, [4, 1, 1, 1, 1], "11112345"),
    "one-each": (NO_CREDIT, [4, 1, 1, 1, 1], "11211345"),
    "two-each": (NO_CREDIT, [10, 2, 2], "11112211113311"),
    "discount": ({**NO_CREDIT, DISCOUNT: "50"}, [10, 2, 2], "11221111331111"),
    "loan": ({**NO_CREDIT, LOAN: "3"}, [10, 2, 2], "12211113311111"),
    "defaults": ({}, [30, 2, 2, 1, 1, 4, 3], "1411111511111221111111111331111111116666777"),
    "enough": ({**NO_CREDIT, MINIMUM: "5"}, [10, 1, 1], "112113111111"),
    "too-few": ({**NO_CREDIT, MINIMUM: "6"}, [10, 1, 1], "111111111123"),
    "saved": (NO_CREDIT, [40, 8, 1, 1, 3], "113114111111555" + "1" * 16 + "2" * 8 + "1" * 14),
}
GENERAL = {"default_delivery_slot_cost": "2", "default_delivery_slot_loan": "1", "default_delivery_slot_discount": "0",
           "default_minimum_delivery_slots": "1"}


@pytest.fixture(scope="module")
def sites():
    found = {name: Site() for name in (*LINES, "general")}
    yield found
    for site in found.values():
        site.server.close()


@pytest.fixture(scope="module")
def sink():
    with Sink() as s:
        yield s


@pytest.fixture(scope="module")
def suite(sites, sink):
    table = " ".join("{%s.example = %s:%s}" % (name, name, site.nexthop) for name, site in sites.items())
    main_cf = {"transport_maps": "inline:{{discarded.example = discard:} %s}" % table, "relayhost": sink.nexthop, "notify_classes": "",
               "smtp_connection_cache_on_demand": "no"}
    for name in sites:
        main_cf[name + "_destination_recipient_limit"] = "1"
        main_cf.update((name + what, value) for what, value in LINES.get(name, ({},))[0].items())
    with make(main_cf=main_cf, master=["%s unix - - y - 1 smtp" % name for name in sites]) as s:
        yield s


def order(suite, site, name, recipients):
    """Sends messages with so many recipients while a delivery keeps the transport busy; of which they are, in their order."""
    since = suite.log_size()
    send(suite, "joe@example.net", "first@%s.example" % name)
    site.take()
    for number, count in enumerate(recipients, 1):
        send(suite, "joe@example.net", ["%d-%d@%s.example" % (number, n, name) for n in range(count)])
    suite.wait_log(r"\(queue active\)$", count=1 + len(recipients), since=since)
    site.serve()
    seen = ""
    for _ in range(sum(recipients)):
        site.take()
        seen += site.serve()[0][0].split("-")[0]
    return seen


@pytest.mark.parametrize("name", LINES)
def test_messages_with_few_recipients_overtake(suite, sites, name):
    assert order(suite, sites[name], name, LINES[name][1]) == LINES[name][2]


def test_settings_of_all_transports(suite, settings, sites):
    settings(**GENERAL)
    assert order(suite, sites["general"], "general", [10, 2, 2]) == "11221111331111"


@pytest.mark.parametrize("recipients, given", [
    (["c@x.example", "a@x.example", "b@x.example"], ["a@x.example", "b@x.example", "c@x.example"]),
    (["c@x.example", "a@Y.example", "B@x.example", "b@a.example", "Z@y.example", "a@x.example", "b@sub.x.example"],
     ["b@a.example", "b@sub.x.example", "B@x.example", "a@x.example", "c@x.example", "Z@y.example", "a@Y.example"]),
    (["bb@x.example", "b@x.example", "a-1@x.example", "a_1@x.example", "aa@x.example", "a.1@x.example", "A.2@x.example", "10@x.example", "9@x.example"],
     ["10@x.example", "9@x.example", "A.2@x.example", "a-1@x.example", "a.1@x.example", "a_1@x.example", "aa@x.example", "b@x.example", "bb@x.example"]),
    (["c@discarded.example", "a@discarded.example", "b@discarded.example"], ["a@discarded.example", "b@discarded.example", "c@discarded.example"]),
])
def test_recipients_are_sorted(suite, sink, recipients, given):
    sink.messages.clear()
    qid = send(suite, "joe@example.net", recipients)
    suite.wait_removed(qid)
    assert re.findall(r": %s: to=<(.*?)>" % qid, suite.log()) == given
    if "discarded" not in recipients[0]:
        assert [re.search("<(.*)>", r).group(1) for m in sink.messages for r in m["rcpt"]] == given


def test_recipients_of_several_deliveries_are_sorted(suite, settings, sink):
    settings(smtp_destination_recipient_limit="3", smtp_destination_concurrency_limit="1")
    sink.messages.clear()
    with Client(suite.smtp) as client:
        qid = client.send("joe@example.net", ["%s@x.example" % c for c in "hbgcfdea"], "Subject: x\n\n.\n")
    suite.wait_removed(qid)
    assert [[r[9] for r in m["rcpt"]] for m in sink.messages] == [list("abc"), list("def"), list("gh")]
