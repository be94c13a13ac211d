"""Tables that are made of others, and tables that a server answers: what postmap and the SMTP server say of each."""
import os
import re
import smtplib

import pytest

from suite import make
from suite.golden import golden
from suite.lookup_server import LookupServer, netstring

COMBINED = [
    "unionmap:{inline:{a=1},inline:{a=2}}", "unionmap:{inline:{a=1}}", "unionmap:{}", "unionmap:x", "unionmap:{x}",
    "unionmap:{inline:{a=1} x:y}", "unionmap:{inline:{a=b},fail:x}", "unionmap:{inline:{a=1},inline:{a=}}",
    "unionmap:{static:x,hash:/absent}", "unionmap:{ inline:{ a=1, {b = 2 3} } , static:{x y}}", "unionmap:{{inline:{a=1}}}",
    "pipemap:{inline:{a=b},inline:{b=c}}", "pipemap:{inline:{a=b},fail:x}", "pipemap:{}", "pipemap:{inline:{a=b}",
    "pipemap:{static:{a b}, regexp:{{/a b/ z}}}", "pipemap:{inline:{a=b}}x", "pipemap:{static:x:y}",
    "pipemap:{inline:{a=b}, inline:{x=y}}", "randmap:{x}", "randmap:{}", "randmap:x", "randmap:{{a b}}", "randmap:{a",
    "randmap:{ a }", "environ:x", "internal:x"]

TCP_ANSWERS = [
    b"200 value\n", b"200 a%20b%25%0Ac\n", b"200 a b  c \n", b"200 v\r\n", b"200 \n", b"200\n", b"500 none\n", b"500\n", b"400 later\n",
    b"400 \n", b"400\n", b"300 what\n", b"hello\n", b"200 a%2gb\n", b"200 a%\n", b"\n", b"200 %s\n" % (b"x" * 4091), b"200 a\n200 b\n",
    b" 200 a\n", b"200x a\n", b"2000 a\n", b"200\ta\n", b"200    a\n", b"200 a%00b\n", b"200 \xc3\xa4\n", b"200 %c3%A4\n",
    b"500 a%2zb\n", b"201 a\n"]

SOCKETMAP_ANSWERS = [
    *map(netstring, [b"OK value", b"OK  a b ", b"OK ", b"OK", b"NOTFOUND ", b"NOTFOUND", b"NOTFOUND x", b"TEMP later", b"TEMP ", b"TEMP",
                     b"TIMEOUT slow", b"PERM never", b"PERM", b"ok v", b"WHAT x", b"", b"OK a\0b", b"OK a\nb", b"OK\tv", b"OK \xc3\xa4"]),
    b"hello,", b"4:OK vX", b"05:OK vv,", b"-1:,", b" 4:OK v,", b"99999999999999999999:x", b"4x", b"4:OK v,4:OK w,",
    netstring(b"OK %s" % (b"x" * 99997)), netstring(b"OK %s" % (b"x" * 99998)), None]

ENDPOINTS = ["127.0.0.1", "127.0.0.1:", "inet:127.0.0.1:1"]
SOCKETMAPS = ["inet:127.0.0.1:1:n", "inet:127.0.0.1:1", "inet:n", "n", "inet:127.0.0.1::n", "unix:/absent:n", "unix:absent:n", "unix:n",
              "unix::n", "foo:1:2:n", "inet:1:n", "inet:[127.0.0.1]:1:n", "inet:127.0.0.1:1:n:m"]


@pytest.fixture(scope="module")
def suite():
    with make() as s:
        yield s


def postmap(suite, *argv, server=None, input=None):
    """What postmap says, as text; the reason after "query error" is not compared: the reference tells an errno of before."""
    done = suite.run("postmap", *argv, input=input)
    text = "%d %s%s" % (done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
    if server:
        text = text.replace(str(server.port), "PORT")
    text = re.sub(r"x{100,}", lambda m: "x*%d" % len(m[0]), text)
    return re.sub(r"(?m)(query error|unexpected EOF).*$", r"\1", text)


def test_tables_made_of_others(suite):
    said = "".join("%s\n%s" % (argv, postmap(suite, *argv)) for table in COMBINED
                   for argv in (["-q", "a", table], ["-s", table], ["-d", "a", table]))
    golden("tables_combined", said)


def ask_each(suite, framing, name, answers):
    said = ""
    with LookupServer(framing, None) as server:
        for answer in answers:
            server.answer = lambda request, answer=answer: answer
            server.close_after_answer = True
            said += "%s\n%s" % (answer if not answer or len(answer) < 200 else len(answer), postmap(suite, "-q", "key", name % server.port, server=server))
        assert set(server.requests) == {b"get key\n" if framing == "lines" else b"n key"}
    return said


def test_answers_of_a_tcp_server(suite):
    golden("tables_tcp", ask_each(suite, "lines", "tcp:127.0.0.1:%d", TCP_ANSWERS))


def test_answers_of_a_socketmap_server(suite):
    golden("tables_socketmap", ask_each(suite, "netstrings", "socketmap:inet:127.0.0.1:%d:n", SOCKETMAP_ANSWERS))


def test_the_longest_answer_of_a_socketmap_server(suite):
    with LookupServer("netstrings", lambda request: netstring(b"OK 1234567")) as server:
        table = "socketmap:inet:127.0.0.1:%d:n" % server.port
        suite.sh("mkdir -p /tmp/short && (cat /etc/postfix/main.cf; echo socketmap_max_reply_size = 10) >/tmp/short/main.cf"
                 " && cp /etc/postfix/master.cf /tmp/short")
        assert postmap(suite, "-c", "/tmp/short", "-q", "k", table) == "0 1234567\n"
        server.answer = lambda request: netstring(b"OK 12345678")
        assert "lookup error: input exceeds size limit" in postmap(suite, "-c", "/tmp/short", "-q", "k", table)


@pytest.mark.extension("new in Postfix 3.12, which is later than the reference")
def test_socketmap_max_query_size(suite):
    with LookupServer("netstrings", lambda request: netstring(b"OK " + request)) as server:
        table = "socketmap:inet:127.0.0.1:%d:n" % server.port
        suite.sh("mkdir -p /tmp/query && (cat /etc/postfix/main.cf; echo socketmap_max_query_size = 10) >/tmp/query/main.cf"
                 " && cp /etc/postfix/master.cf /tmp/query")
        assert postmap(suite, "-c", "/tmp/query", "-q", "12345678", table) == "0 n 12345678\n"
        assert "lookup error: query exceeds size limit" in postmap(suite, "-c", "/tmp/query", "-q", "123456789", table)


@pytest.mark.parametrize("kind", ["lmdb", "cdb"])
def test_an_index_of_an_optional_type(suite, kind):
    if kind not in suite.sh("postconf -m").split():
        pytest.skip("not built with %s, or its package is not installed" % kind)
    suite.sh("mkdir -p /tmp/%s && cd /tmp/%s && (cat /etc/postfix/main.cf; echo lmdb_map_size = 65536) >main.cf && cp /etc/postfix/master.cf . &&"
             " (seq 1 20000 | sed 's/$/ value/'; echo Upper Case; echo 7 again) >t && printf 'root: alice\\n' >a" % (kind, kind))

    def run(*argv, **options):
        return postmap(suite, "-c", "/tmp/" + kind, *argv, "%s:/tmp/%s/t" % (kind, kind), **options)

    name = "lmdb:/tmp/lmdb/t" if kind == "lmdb" else "/tmp/cdb/t"
    assert run() == '0 postmap: warning: %s: duplicate entry: "7"\n' % name
    assert run("-q", "20000") == run("-q", "7") == "0 value\n"
    assert run("-q", "upper") == "0 Case\n"
    assert run("-q", "k" * 1000) == run("-q", "none") == "1 "
    assert len(run("-s").splitlines()) == 20001
    if kind == "lmdb":
        assert run("-d", "7") == run("-i", input=b"new one\n") == "0 "
        assert run("-q", "7") == "1 "
        assert run("-q", "new") == "0 one\n"
    else:
        assert "inappropriate open flags for cdb" in run("-d", "7")
    assert suite.sh("cd /tmp/%s && postalias %s:a && postalias -q root %s:a" % (kind, kind, kind)) == "alice\n"


KEYS = "A b\nc%d\n\u00e4\n\tx\n@y\nUPPER\n\na\x7fb\n".encode()


def test_requests_to_a_tcp_server(suite):
    with LookupServer("lines", lambda request: b"200 v%20w\n") as server:
        table = "tcp:localhost:%d" % server.port
        golden("tables_tcp_keys", postmap(suite, "-q", "-", table, input=KEYS, server=server)
               + "".join(postmap(suite, *argv, table, server=server) for argv in (["-s"], ["-d", "x"], ["-q", ""]))
               + "".join(postmap(suite, *argv, "tcp:" + name) for name in ENDPOINTS for argv in (["-q", "x"], ["-d", "x"])))
        assert server.requests == [b"get A%20b\n", b"get c%25d\n", b"get %C3%A4\n", b"get %09x\n", b"get @y\n", b"get UPPER\n", b"get \n",
                                   b"get a%7Fb\n", b"get \n"]
        assert server.connections == 2


def test_requests_to_a_socketmap_server(suite):
    with LookupServer("netstrings", lambda request: netstring(b"OK v w")) as server:
        table = "socketmap:inet:localhost:%d:n" % server.port
        golden("tables_socketmap_keys", postmap(suite, "-q", "-", table, input=KEYS, server=server)
               + "".join(postmap(suite, *argv, table, server=server) for argv in (["-s"], ["-d", "x"], ["-q", ""]))
               + "".join(postmap(suite, *argv, "socketmap:" + name) for name in SOCKETMAPS for argv in (["-q", "x"], ["-d", "x"])))
        assert server.requests == [b"n A b", b"n c%d", "n \u00e4".encode(), b"n \tx", b"n @y", b"n UPPER", b"n ", b"n a\x7fb", b"n "]
        assert server.connections == 2


@pytest.mark.parametrize("framing, name, answer", [("lines", "tcp:127.0.0.1:%d", b"200 again\n"),
                                                   ("netstrings", "socketmap:inet:127.0.0.1:%d:n", netstring(b"OK again"))])
def test_a_server_that_hangs_up_is_asked_again(suite, framing, name, answer):
    answers = [None, answer]
    with LookupServer(framing, lambda request: answers.pop(0)) as server:
        said = postmap(suite, "-q", "k", name % server.port, server=server)
        assert said.startswith("0 again\n")
        assert ("unexpected EOF" in said) == (framing == "lines")
        assert server.connections == 2


def test_a_tcp_server_that_is_down(suite):
    said = postmap(suite, "-q", "k", "tcp:127.0.0.1:1")
    assert said == "1 " + 10 * "postmap: warning: connect to TCP map 127.0.0.1:1: Connection refused\n" + "postmap: fatal: table tcp:127.0.0.1:1: query error\n"


def test_recipients_of_a_server_that_is_down():
    """A client is put off while a table's server is down, and served when it is back."""
    def answer(request):
        return netstring(b"OK x" if request == b"users alice@example.test" else b"NOTFOUND ")

    with LookupServer("netstrings", answer) as server:
        with make(main_cf={"mydestination": "example.test", "local_recipient_maps": "socketmap:inet:127.0.0.1:%d:users" % server.port}) as suite:
            def says(recipient):
                with smtplib.SMTP(*suite.smtp) as smtp:
                    smtp.ehlo("client.example")
                    smtp.mail("a@example.net")
                    return smtp.rcpt(recipient)

            assert says("alice@example.test")[0] == 250
            assert says("none@example.test") == (550, b"5.1.1 <none@example.test>: Recipient address rejected: User unknown in local recipient table")
            server.stop()
            assert says("none@example.test") == (451, b"4.3.0 <none@example.test>: Temporary lookup failure")
            with LookupServer("netstrings", answer, port=server.port):
                assert says("alice@example.test")[0] == 250


def test_an_alias_server():
    """cleanup and trivial-rewrite reach the network too."""
    with LookupServer("lines", lambda request: b"200 bob@example.test\n" if request == b"get list@example.test\n" else b"500 none\n") as server:
        with make(main_cf={"virtual_alias_maps": "tcp:127.0.0.1:%d" % server.port, "mydestination": "example.test",
                           "local_recipient_maps": ""}) as suite:
            with smtplib.SMTP(*suite.smtp) as smtp:
                smtp.sendmail("a@example.net", ["list@example.test"], "Subject: x\n\nx\n")
            suite.wait_log(r"to=<bob@example.test>, orig_to=<list@example.test>.*status=sent")


@pytest.mark.root
def test_a_socketmap_server_at_a_unix_socket(suite):
    path = os.path.join(suite.queue, "private", "table")
    with LookupServer("netstrings", lambda request: netstring(b"OK " + request), path=path):
        assert postmap(suite, "-q", "k", "socketmap:unix:%s/private/table:name" % suite.queue_directory) == "0 name k\n"


@pytest.mark.parametrize("option", ["-i", "-d a"])
def test_a_change_of_what_is_no_index(suite, option):
    """The message names the index, whatever it is that is written to."""
    suite.write("/etc/postfix/t.lmdb", "This is not an index.\n" * 1000)
    try:
        said = postmap(suite, *option.split(), "lmdb:/etc/postfix/t", input=b"q w\n")
        assert said == "1 postmap: fatal: open database /etc/postfix/t.lmdb: MDB_INVALID: File is not an LMDB file\n"
    finally:
        suite.sh("rm -f /etc/postfix/t.*")


@pytest.mark.parametrize("directory", ["/var/lib/postfix", "/var/spool/postfix/private", "/var/cache-of-tables"])
def test_entries_added_through_proxywrite(directory):
    """Only what proxy_write_maps has, wherever mail_owner may write; the index grows in the process that holds its lock."""
    index = "btree:%s/cache" % directory
    with make(main_cf={"proxy_write_maps": "proxy:" + index}, prepare=["install -d -o postfix /var/cache-of-tables"]) as suite:
        table = "proxy:" + index
        assert postmap(suite, "-i", table, input=b"A b\nc d\n") == "0 "
        assert postmap(suite, "-i", table, input=b"a x\n") == "0 "        # replaces, without -r too
        assert postmap(suite, "-r", "-i", table, input=b"c e\n") == "0 "
        denied = postmap(suite, "-i", "proxy:btree:%s/other" % directory, input=b"a b\n")
        suite.sh("postfix stop")            # the process that changes the table has it to itself
        assert sorted(suite.sh("postmap -s " + index).splitlines()) == ["a\tx", "c\te"]
        assert denied.startswith("1 ")
