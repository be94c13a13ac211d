"""..._service_name: a site gives a service of master.cf another name, and says so in main.cf."""
import os
import re
import socket
import subprocess

import pytest

from suite import make
from suite.smtp import Sink, send

pytestmark = pytest.mark.root

MINE = "mine"


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"proxy_write_maps": "proxy:btree:/var/lib/postfix/cache", "transport_maps": "inline:{later.example=retry:}",
                       "relay_domains": "later.example"}) as s:
        yield s


@pytest.fixture
def serving(suite, settings):
    """serving("private", parameter): the parameter names a service that this test is; its socket."""
    made = []

    def serve(where, parameter):
        settings(**{parameter: MINE})
        path = os.path.join(suite.queue, where, MINE)
        service = socket.socket(socket.AF_UNIX)
        made.append((service, path))
        service.bind(path)
        os.chmod(path, 0o666)
        service.settimeout(20)
        service.listen()
        return service
    yield serve
    for service, path in made:
        service.close()
        os.unlink(path)
    settings()
    suite.delete_all()


def submit(suite, recipient, *options):
    suite.run("sendmail", *options, recipient, user="alice", input=b"Subject: x\n\nx\n")


@pytest.mark.parametrize("parameter, recipient, options", [
    ("bounce_service_name", "no-such-user@example.test", []), ("defer_service_name", "x@later.example", []),
    ("trace_service_name", "bob@example.test", ["-v"])])
def test_asked_by_daemons(suite, serving, parameter, recipient, options):
    service = serving("private", parameter)
    submit(suite, recipient, *options)
    service.accept()[0].close()


def test_queue_service_name(suite, serving):
    """Told by cleanup of a new message, and by postqueue -f of all."""
    service = serving("public", "queue_service_name")
    submit(suite, "bob@example.test")
    service.accept()[0].close()
    suite.sh("postqueue -f")
    with service.accept()[0] as trigger:
        trigger.settimeout(20)
        assert trigger.recv(100)


@pytest.mark.parametrize("where, parameter, argv", [
    ("public", "showq_service_name", ["mailq"]), ("private", "proxymap_service_name", ["postmap", "-q", "bob", "proxy:hash:/etc/aliases"]),
    ("private", "proxywrite_service_name", ["postmap", "-i", "proxy:btree:/var/lib/postfix/cache"])])
def test_asked_by_commands(suite, serving, where, parameter, argv):
    service = serving(where, parameter)
    with subprocess.Popen(**suite.started(argv), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as command:
        try:
            command.stdin.write(b"a b\n")
            command.stdin.close()
            service.accept()[0].close()
        finally:
            command.kill()


def test_rewrite_service_name(suite, serving):
    """Comes late: a cleanup that is not answered asks again and again, and holds up pickup."""
    service = serving("private", "rewrite_service_name")
    submit(suite, "bob@example.test")
    service.accept()[0].close()


def test_postlog_service_name(suite):
    """Of who begins to log: a reload would leave this test without the log that it waits for."""
    path = os.path.join(suite.queue, "public", MINE)
    suite.configure(reload=False, postlog_service_name=MINE)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        service.bind(path)
        service.settimeout(20)
        suite.sh("postlog hello there")
        while b"postlog[" not in (line := service.recv(65536)):
            pass
    assert line.rstrip(b"\n").endswith(b": hello there")


RENAMED = ["cleanup", "flush", "pickup", "qmgr", "rewrite", "showq"]
PARAMETERS = {"qmgr": "queue_service_name"}


def renamed(services, **main_cf):
    """A mail system whose services are there under other names only."""
    main_cf.update((PARAMETERS.get(name, name + "_service_name"), "my-" + name) for name in services)
    return make(main_cf=main_cf, prepare=["postconf -Fe %s/unix/service=my-%s" % (name, name) for name in services])


def test_renamed_services():
    with renamed(RENAMED, fast_flush_domains="relayed.example") as suite:
        submit(suite, "bob@example.test")
        assert suite.messages("bob", 1)
        assert suite.run("mailq", user="alice").stdout == b"Mail queue is empty\n"
        suite.sh("postqueue -f; postqueue -s relayed.example")


@pytest.mark.extension(reason="programs of Postfix refuse to be bounce, defer, trace, error or proxymap under another name")
def test_more_renamed_services():
    with Sink(answers={"MAIL": "450 4.2.0 later"}) as sink, \
            renamed([*RENAMED, "bounce", "defer", "trace", "error", "proxymap", "proxywrite"], virtual_alias_maps="proxy:hash:/etc/aliases",
                    proxy_write_maps="proxy:btree:/var/lib/postfix/cache", relocated_maps="inline:{heidi@example.test=elsewhere}",
                    transport_maps="inline:{{next.example=smtp:[127.0.0.1]:%d} {away.example=my-error:}}" % sink.address[1]) as suite:
        since = suite.log_size()
        submit(suite, "bob@example.test", "-v")
        suite.wait_log(r"sender delivery status notification", since=since)
        for recipient, reason in (("no-such-user@example.test", "unknown user"), ("heidi@example.test", "User has moved to elsewhere"),
                                  ("x@away.example", "Address is undeliverable")):
            submit(suite, recipient)
            suite.wait_log(r"status=bounced \(.*%s" % reason, since=since)
        suite.wait_log(r"sender non-delivery notification", count=3, since=since)
        with pytest.raises(Exception, match="550 5.1.1 .*Address is undeliverable"):
            send(suite, "alice@example.test", "x@away.example")
        submit(suite, "x@next.example")
        suite.wait_log(r"to=<x@next.example>.*status=deferred", since=since)
        suite.wait_until(lambda: re.search(r"450 4\.2\.0 later", suite.run("mailq", user="alice").stdout.decode()), suite.queue)
        assert suite.run("postmap", "-q", "postmaster", "proxy:hash:/etc/aliases").stdout == b"root\n"
        assert suite.run("postmap", "-i", "proxy:btree:/var/lib/postfix/cache", input=b"a b\n").returncode == 0
        assert "error_service_name" in suite.sh("postconf -n")
