"""best_mx_transport: who gets mail for a domain that names this machine as its best mail exchanger, although main.cf does not list
it. A recipient alice@NAME.via goes by transport mx-NAME to own.example, whose MX we are."""
import contextlib

import pytest

from suite import make, masks
from suite.dns import Dns
from suite.golden import golden
from suite.smtp import Sink, send

pytestmark = pytest.mark.root

ZONE = {
    "own.example": {"MX": [(10, "me.example"), (20, "other.example")]},
    "me.example": {"A": ["127.0.0.1"]},
    "other.example": {"A": ["127.26.1.1"]},
    "a.example": {"A": ["127.0.0.1"]},
    "gone.example": {"MX": [(10, "nowhere.example")]},
}
# transport: (best_mx_transport, next hop, smtp_fallback_relay)
CASES = {
    "bounce": ("", "own.example"),
    "local": ("local", "own.example"),
    "address": ("local", "a.example"),
    "other-failure": ("local", "gone.example"),
    "bracketed": ("local", "[me.example]:{port}"),
    "other-port": ("local", "own.example:{port}"),
    "error": ("error:5.1.6 moved away", "own.example"),
    "error-without-text": ("error", "own.example"),
    "retry": ("retry:4.3.2 not now", "own.example"),
    "lmtp": ("lmtp:inet:127.0.0.1:{port}", "own.example"),
    "virtual": ("virtual", "own.example"),
    "fallback": ("local", "gone.example", "own.example"),
    "fallback-bounce": ("", "gone.example", "own.example"),
    "itself": ("mx-itself:there", "own.example"),
    "none": ("nothere:there", "own.example"),
    "list": ("local", "own.example, [127.0.0.1]:{relay}"),
    "list-bounce": ("", "own.example, [127.0.0.1]:{relay}"),
    "list-later": ("local", "gone.example, own.example"),
    "list-later-bounce": ("", "gone.example, own.example, [127.0.0.1]:{relay}"),
    "before-fallback": ("local", "own.example", "[127.0.0.1]:{relay}"),
    "before-fallback-bounce": ("", "own.example", "[127.0.0.1]:{relay}"),
}


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        dns = stack.enter_context(Dns(ZONE))
        sink = stack.enter_context(Sink(lmtp=True))
        relay = stack.enter_context(Sink())
        ports = {"port": sink.address[1], "relay": relay.address[1]}
        main_cf = {"smtp_host_lookup": "dns", "transport_maps": "texthash:/etc/postfix/transport", "notify_classes": "", "smtp_randomize_addresses": "no",
                   "virtual_mailbox_maps": "inline:{alice@virtual.via=alice}", "virtual_mailbox_base": "/srv", "virtual_uid_maps": "static:1001",
                   "virtual_gid_maps": "static:1001"}
        master = ["mx-%s unix - - n - - smtp\n  -o { best_mx_transport = %s }\n  -o smtp_fallback_relay=%s" % (name, *[value.format(**ports) for value in (case[0], (*case, "")[2])])
                  for name, case in CASES.items()]
        table = "".join("%s.via mx-%s:%s\n" % (name, name, case[1].format(**ports)) for name, case in CASES.items()) + "example.net discard:\n"
        with make(main_cf=main_cf, master=master, dns=dns.host, files={"/etc/postfix/transport": table, "/srv/.keep": ""}, prepare=["chown 1001 /srv"]) as s:
            s.sinks = ports
            yield s


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("itself", "none")])
def test_the_best_mail_exchanger_is_here(world, name):
    since = world.log_size()
    send(world, "joe@example.net", ["alice@%s.via" % name, "nobody.here@%s.via" % name], "Subject: test\nMessage-Id: <x@example.net>\n\nHello.\n")
    world.wait_status(since, count=2)
    world.wait_log("disconnect from", since=since)
    log = masks.history(world.log(since))
    for which, port in world.sinks.items():
        log = log.replace(":%d" % port, ":{%s}" % which)
    world.delete_all()
    golden("best_mx_" + name.replace("-", "_"), log)


@pytest.mark.extension("Postfix passes it on until there are no processes left")
def test_a_transport_that_is_to_help_itself(world):
    since = world.log_size()
    send(world, "joe@example.net", "alice@itself.via")
    world.wait_log(r"to=<alice@itself\.via>, .*, dsn=5\.4\.6, status=bounced \(mail for own\.example loops back to myself\)", since=since)
    world.wait_queue_empty()


@pytest.mark.extension("Postfix waits for the transport, for as long as it takes")
def test_a_transport_that_there_is_not(world):
    since = world.log_size()
    send(world, "joe@example.net", "alice@none.via")
    world.wait_log(r"to=<alice@none\.via>, .*, dsn=4\.3\.0, status=deferred \(mail transport unavailable\)", since=since)
    world.delete_all()
