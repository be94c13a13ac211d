"""memcache tables and redis tables against real servers."""
import socket

import pytest

from suite import make
from suite.golden import golden
from suite.servers import Memcached, Redis
from suite.smtp import rcpt
from suite.table_says import lookups, skip_without, table_says


def memcached_says(server, text):
    """Sends a command, or several; the answers up to the end."""
    with socket.create_connection(("127.0.0.1", server.port)) as s, s.makefile("rwb") as f:
        f.write(text + b"quit\r\n")
        f.flush()
        return f.read()


def store(server, **entries):
    for key, value in entries.items():
        assert memcached_says(server, b"set %s 0 0 %d\r\n%s\r\n" % (key.encode(), len(value), value)) == b"STORED\r\n"


@pytest.fixture(scope="module")
def memcached():
    with Memcached() as s:
        yield s


@pytest.fixture(scope="module")
def suite(memcached):
    with make(tables=True, files={"/etc/postfix/backup": "alice\tfrom backup\nuser@example.com\tx\n"}, prepare=["postmap hash:/etc/postfix/backup"]) as s:
        skip_without(s, "memcache")
        yield s


def test_memcache_lookups(suite, memcached):
    store(memcached, alice=b"one", nl=b"a\nb", empty=b"", pre_alice=b"two", example=b"domain", nul=b"a\0b")
    store(memcached, **{"user@example.com": b"address", "big": b"x" * 10240, "bigger": b"x" * 10241, "com": b"top"})
    common = "memcache = inet:127.0.0.1:%d\n" % memcached.port
    cases = [("", ["alice", "ALICE", "none", "nl", "empty", "user@example.com", "nul", "x" * 250]),
             *(("key_format = %s\n" % f, ["alice", "user@example.com"]) for f in ["%s", "pre_%s", "%u", "%d", "%1", "%2", "%%", "%x"]),
             ("domain = example.com\n", ["alice", "user@example.com", "@example.com"]),
             *(("%s = %s\n" % (name, value), ["alice"]) for name in ("ttl", "flags", "timeout", "max_try", "retry_pause", "data_size_limit", "line_size_limit")
               for value in ("x", "0", "100")),
             ("memcache =\n", ["alice"]), ("memcache = x\n", ["alice"])]
    text = lookups(suite, "memcache", common, cases, server=memcached)
    suite.write("/etc/postfix/t.cf", common)
    for key in ("big", "bigger"):
        text += "%s -> %d\n" % (key, len(table_says(suite, "-q", key, "memcache:/etc/postfix/t.cf")))
    golden("memcache_lookups", text)


def test_what_the_backup_finds_is_kept(suite, memcached):
    memcached_says(memcached, b"flush_all\r\n")
    suite.write("/etc/postfix/t.cf", "memcache = inet:127.0.0.1:%d\nbackup = hash:/etc/postfix/backup\nkey_format = b:%%s\nttl = 1000\nflags = 7\n" % memcached.port)
    assert table_says(suite, "-q", "alice", "memcache:/etc/postfix/t.cf") == "0 from backup\n"
    assert memcached_says(memcached, b"get b:alice\r\n") == b"VALUE b:alice 7 11\r\nfrom backup\r\nEND\r\n"
    memcached_says(memcached, b"set b:alice 0 0 5\r\ncache\r\n")
    assert table_says(suite, "-q", "alice", "memcache:/etc/postfix/t.cf") == "0 cache\n"
    assert table_says(suite, "-q", "none", "memcache:/etc/postfix/t.cf") == "1 "
    assert sorted(table_says(suite, "-s", "memcache:/etc/postfix/t.cf").split("\n")) == ["", "0 alice\tfrom backup", "user@example.com\tx"]


def test_a_key_does_not_become_a_command(suite, memcached):
    store(memcached, x=b"kept")
    suite.write("/etc/postfix/t.cf", "memcache = inet:127.0.0.1:%d\n" % memcached.port)
    done = suite.run("postmap", "-q", "-", "memcache:/etc/postfix/t.cf", input=b"x 0 0\nx\r\nx\tdelete x\n")
    assert b"kept" not in done.stdout
    assert memcached_says(memcached, b"get x\r\n") == b"VALUE x 0 4\r\nkept\r\nEND\r\n"


@pytest.mark.parametrize("prefix", ["", "proxy:"])
def test_recipients_of_memcached(prefix):
    """Without a backup a server that is down puts clients off; with one it is done without."""
    with Memcached() as server, make(main_cf={"local_recipient_maps": prefix + "memcache:/etc/postfix/users.cf"},
                                     files={"/etc/postfix/users.cf": "memcache = inet:127.0.0.1:%d\ndomain = example.test\n" % server.port}) as suite:
        store(server, **{"alice@example.test": b"x", "bob@example.test": b"x"})
        assert rcpt(suite, "alice@example.test")[0] == 250
        assert rcpt(suite, "none@example.test")[0] == 550
        server.stop()
        try:
            assert rcpt(suite, "none@example.test") == (451, b"4.3.0 <none@example.test>: Temporary lookup failure")
        finally:
            server.start()
        assert rcpt(suite, "none@example.test")[0] == 550
        store(server, **{"bob@example.test": b"x"})
        assert rcpt(suite, "bob@example.test")[0] == 250


# --- redis: the reference has no such table ---

def redis_says(server, *commands):
    with socket.create_connection(("127.0.0.1", server.port)) as s, s.makefile("rwb") as f:
        answers = []
        for words in (("AUTH", server.password), *commands):
            parts = [w if isinstance(w, bytes) else w.encode() for w in words]
            f.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
            f.flush()
            answers.append(f.readline())
        return answers


@pytest.fixture(scope="module")
def redis():
    with Redis() as s:
        assert b"-" not in b"".join(answer[:1] for answer in redis_says(s, ("SET", "alice", "one"), ("SET", "nl", "a\nb"), ("SET", "nul", b"a\0b"),
            ("SET", "empty", ""), ("HSET", "aliases", "bob", "two"), ("SADD", "set:x@example.com", "a"), ("RPUSH", "list", "a", "b", "c"), ("SET", "n", "5"),
            ("SET", "long", b"x" * 10000000), ("SET", "a b", "blank"), ("SELECT", "3"), ("SET", "alice", "third")))
        yield s


@pytest.fixture(scope="module")
def redis_suite(redis):
    with make() as s:
        if s.kind == "reference":
            pytest.skip("Postfix has no redis tables")
        skip_without(s, "redis")
        yield s


@pytest.mark.extension("redis tables are ours")
def test_redis_lookups(redis_suite, redis):
    common = "hosts = inet:127.0.0.1:%d\npassword = %s\n" % (redis.port, redis.password)

    def says(settings, key):
        redis_suite.write("/etc/postfix/t.cf", common + settings)
        return table_says(redis_suite, "-q", key, "redis:/etc/postfix/t.cf")

    for key, value in {"alice": "one", "none": None, "nl": "a\nb", "nul": "a", "empty": None, "a b": "blank", "alice\tDEL": None, "it's": None}.items():
        assert says("", key) == ("1 " if value is None else "0 %s\n" % value)
    assert says("query = HGET aliases %s\n", "bob") == "0 two\n"
    assert says("query = HGET aliases %s\n", "bob nothing") == "1 "
    assert says("query = SMEMBERS set:%u@%d\n", "x@example.com") == "0 a\n"
    assert says("query = SMEMBERS set:%u@%d\n", "x") == "1 "
    assert says("query = LRANGE list 0 -1\nresult_format = <%s>\n", "x") == "0 <a>,<b>,<c>\n"
    assert says("query = LRANGE list 0 -1\nexpansion_limit = 2\n", "x").startswith("1 ")
    assert says("query = STRLEN %s\n", "alice") == "0 3\n"
    assert says("dbname = 3\n", "alice") == "0 third\n"
    assert says("query = HGET alice %s\n", "x") == "1 postmap: fatal: (query)\n"            # the wrong kind of value
    assert says("", "long") == "1 postmap: fatal: (query)\n"
    assert says("", "alice") == "0 one\n"
    assert says("password = wrong\n", "alice").startswith("1 ")
    assert "Invalid query template" in says("query = GET %x\n", "alice")


@pytest.mark.extension("redis tables are ours")
@pytest.mark.parametrize("prefix", ["", "proxy:"])
def test_recipients_of_redis(redis, redis_suite, prefix):
    config = "hosts = 127.0.0.1:1 127.0.0.1:%d\npassword = %s\nquery = GET %%u\ndomain = example.test\nretry_interval = 1\n" % (redis.port, redis.password)
    redis_says(redis, ("SET", "alice", "one"))
    with make(main_cf={"local_recipient_maps": prefix + "redis:/etc/postfix/users.cf"}, files={"/etc/postfix/users.cf": config}) as suite:
        assert rcpt(suite, "alice@example.test")[0] == 250
        assert rcpt(suite, "none@example.test")[0] == 550
        redis.stop()
        try:
            assert rcpt(suite, "none@example.test")[0] == 451
        finally:
            redis.start()
        while rcpt(suite, "none@example.test")[0] == 451:        # two servers: each is left alone for a second
            pass
        assert rcpt(suite, "none@example.test")[0] == 550
