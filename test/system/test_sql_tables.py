"""mysql and pgsql tables against real servers: questions, answers, hostile keys and values, servers that are down."""
import os
import re
import smtplib
import socket
import threading
import time

import pytest

from suite import make
from suite.golden import golden
from suite.servers import Mariadb, Postgresql
from suite.smtp import rcpt
from suite.table_says import lookups, skip_without, table_says

HOSTILE = ["it's", 'dq"', "back\\slash", "$(id)", "';--", "' or '1'='1", "\\' or 1=1 -- ", "a%b", "_", "\u00e4", "a\tb", "{x}", "`id`", "%s", "x;y"]
BY_KEY = "query = SELECT v FROM a WHERE k = '%s'\n"


def quoted(text, kind):
    return "'%s'" % (text.replace("\\", "\\\\") if kind == "mysql" else text).replace("'", "''")


def script(kind):
    """The same rows for both."""
    rows = [("alice@example.com", "bob@example.org", "x"), ("multi", "one", "two"), ("multi", "three", None), ("empty", "", ""), ("nl", "a\nb", "c"),
            ("atd", "@dom", "x"), ("num", "5", "x"), ("null", None, None), *((key, "found %d" % i, "x") for i, key in enumerate(HOSTILE))]
    values = [tuple("null" if v is None else quoted(v, kind) for v in row) for row in rows]
    lines = ["create table a(k varchar(100) %s, v text, w text);" % ("collate utf8mb4_bin" if kind == "mysql" else "")]
    lines += ["insert into a values(%s, %s, %s);" % row for row in values]
    text = "\n".join(line.replace("\n", "\\n") if kind == "mysql" else line for line in lines) + "\n"
    long = {"mysql": "insert into a values('long', repeat('x', 10000000), null);", "pgsql": "insert into a values('long', repeat('x', 10000000), null);"}[kind]
    text = text.replace("v text", "v longtext") if kind == "mysql" else text
    if kind == "mysql":
        return (text + long + "\ninsert into a values('nul', concat('a', char(0), 'b'), null);\n"
                "create definer=mail@'%' procedure p(x varchar(100)) select v from a where k = x;\n"
                "create definer=mail@'%' procedure none(x varchar(100)) set @a = 1;\n")
    return text + long + "\ncreate function f(x text) returns setof text as 'select v from a where k = x' language sql;\n"


SERVERS = {"mysql": Mariadb, "pgsql": Postgresql}


@pytest.fixture(scope="module", params=["mysql", "pgsql"])
def server(request):
    with SERVERS[request.param](script(request.param)) as s:
        s.kind = request.param
        yield s


@pytest.fixture(scope="module")
def suite(server):
    settings = settings_of(server, "127.0.0.1:%d" % server.port)
    in_main = {"inmain_" + name: value for name, value in (line.split(" = ", 1) for line in (settings + BY_KEY).splitlines())}
    with make(tables=True, main_cf=in_main) as s:
        skip_without(s, server.kind)
        yield s


def settings_of(server, hosts):
    return "hosts = %s\nuser = mail\npassword = %s\ndbname = mail\n" % (hosts, server.password)


CASES = [
    (BY_KEY, ["alice@example.com", "multi", "empty", "nl", "none", "num", "null", *HOSTILE]),
    ("query = SELECT v, w FROM a WHERE k = '%s'\n", ["alice@example.com", "null"]),
    ("select_field = v\ntable = a\nwhere_field = k\nadditional_conditions = and w = 'x'\n", ["alice@example.com", "multi"]),
    ("query = select '%u|%d|%s|%U|%D|%S|%%'\n", ["a@b.c", "a", "@b.c", "a@", "a@b@c.d", "o'x@it's.d"]),
    ("query = select '%1 %2 %3'\n", ["u@a.b.c", "u@b.c", "x"]),
    *((BY_KEY + "result_format = %s\n" % f, ["alice@example.com", "multi", "atd"]) for f in ["<%u|%d>", "%U %D %S %s", "%1.%2", "%x"]),
    ("", ["x"]), ("query = select '%x'\n", ["x"]),
    *((BY_KEY + "expansion_limit = %s\n" % n, ["multi", "alice@example.com"]) for n in ["1", "2", "x"]),
    (BY_KEY + "domain = example.com\n", ["alice@example.com", "multi", "x@other.org", "@example.com"]),
    *((BY_KEY + "%s = %s\n" % (name, value), ["multi"]) for name in ("idle_interval", "retry_interval") for value in ("0", "x", "5")),
    ("query = selec\n", ["x"]), ("query = select * from absent\n", ["x"]), ("dbname =\nquery = select 1\n", ["x"]),
    ("dbname = absent\nquery = select 1\n", ["x"]), ("password = wrong\nquery = select 1\n", ["x"]),
]
MYSQL = [("query = call p('%s')\n", ["multi", "none"]), ("query = call none('%s')\n", ["x"]), ("require_result_set = no\nquery = call none('%s')\n", ["x"]),
         ("require_result_set = no\nquery = update a set v = v where k = '%s'\n", ["x"]), ("require_result_set = foo\nquery = select 1\n", ["x"]),
         ("query = select v from a where k = \"%s\"\n", ["it's", 'dq"', "back\\slash"]), (BY_KEY, ["nul"]), ("charset = latin1\n" + BY_KEY, ["\u00e4"]),
         ("option_group =\n" + BY_KEY, ["multi"]), ("tls_verify_cert = x\n" + BY_KEY, ["multi"])]
PGSQL = [("select_function = f\n", ["multi", "it's"]), ("select_function = f\nquery = select 5\n", ["multi"]), ("encoding = SQL_ASCII\nquery = select '%s'\n", ["x"]),
         ("encoding = FOO\nquery = select '%s'\n", ["x"]), ("query = create temporary table z(a text)\n", ["x"])]


def test_lookups(suite, server):
    """The golden files are Postfix's: nothing of a key becomes SQL."""
    cases = CASES + (MYSQL if server.kind == "mysql" else PGSQL)
    golden("%s_lookups" % server.kind, lookups(suite, server.kind, settings_of(server, "127.0.0.1:%d" % server.port), cases, server=server))


def test_names_and_operations(suite, server):
    suite.write("/etc/postfix/t.cf", settings_of(server, "inet:127.0.0.1:%d" % server.port) + BY_KEY)
    table = server.kind + ":/etc/postfix/t.cf"
    golden("%s_operations" % server.kind, "".join("%s -> %s\n" % (argv, table_says(suite, *argv, input=b"multi\nx\n").rstrip()) for argv in [
        ["-q", "x", server.kind + ":/absent"], ["-q", "multi", server.kind + ":inmain"], ["-q", "x", server.kind + ":absent"],
        ["-s", table], ["-d", "x", table], [table], ["-q", "-", table]]))


@pytest.mark.root
def test_a_unix_socket(suite, server):
    inside = "%s/public/%s" % (suite.queue_directory, ".s.PGSQL.5432" if server.kind == "pgsql" else "mysql")
    relay = Relay(server.port, path=suite.path(inside))
    for name in [inside, inside.removesuffix("/.s.PGSQL.5432")][:2 if server.kind == "pgsql" else 1]:
        suite.write("/etc/postfix/t.cf", settings_of(server, "unix:" + name) + BY_KEY)
        said = table_says(suite, "-q", "multi", server.kind + ":/etc/postfix/t.cf")
        assert said == "0 one,three\n" or (suite.kind == "reference" and name.endswith("5432"))
    relay.listener.close()


def test_a_long_answer(suite, server):
    """10 MB: the reference takes it; ours has a limit, and the next lookup goes on."""
    suite.write("/etc/postfix/t.cf", settings_of(server, "127.0.0.1:%d" % server.port) + BY_KEY)
    done = suite.run("postmap", "-q", "-", server.kind + ":/etc/postfix/t.cf", input=b"multi\n")
    assert done.stdout == b"multi\tone,three\n"
    done = suite.run("postmap", "-q", "long", server.kind + ":/etc/postfix/t.cf")
    if suite.kind == "ours":
        assert done.returncode == 1 and b"longer than 4194304 bytes" in done.stderr
    else:
        assert len(done.stdout) == 10000001


def test_fail_over_and_random_choice(suite, server):
    """A server that is down is passed over; of several any may be the first."""
    suite.write("/etc/postfix/t.cf", settings_of(server, "127.0.0.1:1 127.0.0.1:%d, 127.0.0.1:2" % server.port) + BY_KEY)
    first = set()
    for _ in range(40):
        done = suite.run("postmap", "-q", "multi", server.kind + ":/etc/postfix/t.cf")
        assert done.stdout == b"one,three\n"
        first |= set(re.findall(rb"connect to \w+ server 127.0.0.1:(\d)", done.stderr)[:1] or [b"0"])
        if len(first) == 3:
            break
    assert first == {b"0", b"1", b"2"}


LATER = (451, b"4.3.0 <none@example.test>: Temporary lookup failure")
UNKNOWN = (550, b"5.1.1 <none@example.test>: Recipient address rejected: User unknown in local recipient table")


@pytest.mark.parametrize("prefix", ["", "proxy:"])
def test_recipients_while_a_server_is_down(server, prefix):
    """Clients are put off while it is down, and served when it is back, without a restart."""
    config = settings_of(server, "127.0.0.1:%d" % server.port) + "query = SELECT 'x' FROM a WHERE k = '%u'\ndomain = example.test\n"
    config += "retry_interval = 2\n" if os.environ.get("SUITE") == "reference" else ""
    with make(tables=True, files={"/etc/postfix/users.cf": config}, main_cf={"local_recipient_maps": "%s%s:/etc/postfix/users.cf" % (prefix, server.kind)}) as suite:
        skip_without(suite, server.kind)
        assert rcpt(suite, "num@example.test")[0] == 250
        assert rcpt(suite, "none@example.test") == UNKNOWN
        server.stop()
        try:
            assert rcpt(suite, "none@example.test") == LATER
            assert rcpt(suite, "atd@example.test")[0] == 451
        finally:
            server.start()
        deadline = time.monotonic() + 30     # the reference leaves a server alone for retry_interval, also its only one
        while rcpt(suite, "atd@example.test")[0] == 451 and suite.kind == "reference" and time.monotonic() < deadline:
            pass
        assert rcpt(suite, "atd@example.test")[0] == 250
        assert rcpt(suite, "none@example.test") == UNKNOWN


def test_a_value_in_a_reply(server):
    """A line break of a value does not become one of the dialogue."""
    config = settings_of(server, "127.0.0.1:%d" % server.port) + "query = SELECT v FROM a WHERE k = '%u'\ndomain = example.test\n"
    with make(tables=True, files={"/etc/postfix/t.cf": config},
              main_cf={"relocated_maps": server.kind + ":/etc/postfix/t.cf", "local_recipient_maps": "", "smtpd_delay_reject": "no"}) as suite:
        skip_without(suite, server.kind)
        with smtplib.SMTP(*suite.smtp, timeout=60) as smtp:
            smtp.helo("client.example")
            smtp.mail("a@example.net")
            moved = b"5.1.6 <%s@example.test>: Recipient address rejected: User has moved to %s"
            for name, value in (b"nl", b"a"), (b"it's", b"found 0"), (b"num", b"5"):
                code, text = smtp.docmd("RCPT TO:<%s@example.test>" % name.decode())
                assert code == 550 and text.startswith(moved % (name, value))
            assert smtp.docmd("NOOP") == (250, b"2.0.0 Ok")


class Relay:
    """Passes connections on to a server, and knows how many there are."""

    def __init__(self, port, path=None):
        self.to, self.changed = port, threading.Condition()
        self.made = self.open = 0
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            self.listener.listen()
            os.chmod(path, 0o666)
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.changed:
                self.made, self.open = self.made + 1, self.open + 1
            there = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=self.copy, args=(client, there, True), daemon=True).start()
            threading.Thread(target=self.copy, args=(there, client, False), daemon=True).start()

    def copy(self, here, there, counts):
        try:
            while data := here.recv(65536):
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if counts:
            with self.changed:
                self.open -= 1
                self.changed.notify_all()


def test_a_connection_is_kept_and_closed_when_idle(server):
    relay = Relay(server.port)
    config = settings_of(server, "127.0.0.1:%d" % relay.port) + BY_KEY + "idle_interval = 2\n"
    with make(tables=True, files={"/etc/postfix/users.cf": config}, main_cf={"local_recipient_maps": "proxy:%s:/etc/postfix/users.cf" % server.kind}) as suite:
        skip_without(suite, server.kind)
        for _ in range(5):
            assert rcpt(suite, "alice@example.test")[0] == 550
        assert relay.made <= (1 if suite.kind == "ours" else 2)
        with relay.changed:
            assert relay.changed.wait_for(lambda: relay.open == 0, 30)
        assert rcpt(suite, "num@example.test")[0] == 250
        assert relay.made == 2 or suite.kind == "reference"
    relay.listener.close()
