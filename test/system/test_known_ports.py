"""known_tcp_ports: names of ports, for next hops and for services of master.cf."""
import pytest

from suite import make
from suite.base import free_port
from suite.smtp import Client, Sink

# What is said of a list that is none, and of its entry.
MISTAKES = {
    "own=": 'in "own=": missing port value after "="',
    "own": 'in "own" is not in "name = value" form',
    "=3": 'in "=3": missing service name before "="',
    "own=5,own=7": 'in "own=7": duplicate service name',
    "own=5 lmtp=24": 'in "own=5 lmtp=24": whitespace in service name',
    "25=5": 'in "25=5": numerical service name',
    "own=x": 'in "own=x": non-numerical service port',
}


@pytest.fixture(scope="module")
def world():
    with Sink() as sink, make(main_cf={"transport_maps": "inline:{own.via=smtp:[127.0.0.1]:own, submission.via=smtp:[127.0.0.1]:submission}", "notify_classes": ""}) as suite:
        yield suite, sink.address[1]


@pytest.mark.root
@pytest.mark.parametrize("value, name", [("own={}", "own"), ("a = own = {} , b=7", "own"), ("submission={}, own=1", "submission"), ("lmtp=24,b=submission={}", "submission")])
def test_known_tcp_ports(world, value, name):
    suite, port = world
    suite.settings(known_tcp_ports=value.format(port))
    since = suite.log_size()
    suite.sh("echo test | sendmail -f joe@example.test x@%s.via" % name)
    suite.wait_log(r"relay=127\.0\.0\.1\[127\.0\.0\.1\]:%d, .*status=sent" % port, since=since)
    suite.wait_queue_empty()


@pytest.mark.root
@pytest.mark.parametrize("value", MISTAKES)
def test_mistakes(world, value):
    suite, _ = world
    since = suite.log_size()
    suite.settings(known_tcp_ports=value)
    suite.sh("echo test | sendmail -f joe@example.test x@submission.via")
    suite.wait_log(r"warning: known_tcp_ports: ", since=since)
    assert "warning: known_tcp_ports: " + MISTAKES[value] + "\n" in suite.log(since)
    suite.delete_all()


@pytest.mark.root
def test_a_service_of_master_cf():
    port = free_port()
    with make(main_cf={"known_tcp_ports": "own=%d" % port}, master=["127.0.0.1:own inet n - n - - smtpd"]) as suite:
        with Client(("127.0.0.1", port)) as client:
            assert client.greeting.startswith("220 " + suite.hostname)
