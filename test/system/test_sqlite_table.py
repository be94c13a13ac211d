"""sqlite tables: which keys are asked for, what the answer becomes, what a setting that is wrong says."""
import contextlib
import re
import smtplib
import sqlite3
import tempfile
from pathlib import Path

import pytest

from suite import make
from suite.golden import golden
from suite.smtp import rcpt

ROWS = [("alice@example.com", "bob@example.org", "x"), ("multi", "one", "two"), ("multi", "three", None), ("empty", "", ""), ("nl", "a\nb", "c"),
        ("nul", "a\0b", "z"), ("it's", "quote", "q"), ("atd", "@dom", "x"), ("nodom", "plain", "x"), ("num", 5, 7.5), ("blob", b"ab", "x"),
        ("null", None, "x"), ('dq"', "double", "x"), ("$(id)", "command", "x"), ("';--", "comment", "x"), ("%s", "percent", "x")]
BY_KEY = "query = SELECT v FROM a WHERE k = '%s'\n"

# settings without dbpath, keys
LOOKUPS = [
    (BY_KEY, ["alice@example.com", "ALICE@example.com", "multi", "empty", "nl", "nul", "it's", "none", "num", "blob", "null", 'dq"', "$(id)", "';--",
              "%s", "x' or '1'='1"]),
    ("query = SELECT v, w FROM a WHERE k = '%s'\n", ["multi", "empty", "nl", "null"]),
    ("select_field = v\ntable = a\nwhere_field = k\nadditional_conditions = and w = 'x'\n", ["alice@example.com", "multi"]),
    ("query = select '%u|%d|%s|%U|%D|%S|%%'\n", ["a@b.c", "a", "@b.c", "a@", "a@b@c.d", '"a b"@c.d']),
    ("query = select '%1 %2 %3'\n", ["u@a.b.c", "u@b.c", "x", "u@a..b", "u@x.a.b.c"]),
    *((BY_KEY + "result_format = %s\n" % f, ["alice@example.com", "multi", "empty", "atd", "nodom"])
      for f in ["%s", "<%u|%d>", "%U %D %S %s", "%1.%2", "%%", "x", "", "%x"]),
    ("", ["x"]), ("query = select '%x'\n", ["x"]), ("query = select '%'\n", ["x"]),
    ("query =\n", ["x"]), ("table = a\n", ["x"]), ("table = a\nselect_field = v\n", ["x"]),
    *((BY_KEY + "expansion_limit = %s\n" % n, ["multi", "alice@example.com"]) for n in ["0", "1", "2", "x", "-1", ""]),
    *((BY_KEY + "domain = %s\n" % d, ["alice@example.com", "multi", "x@other.org", "@example.com"])
      for d in ["example.com", "Example.COM", ".com", "static:x", "!example.com static:all", ""]),
    ("query = selec\n", ["x"]), ("query = select * from absent\n", ["x"]), ("query = create table z(a)\n", ["x"]),
    ("query = insert into a values('x','y','z')\n", ["x"]), ("query = select 1; select 2\n", ["x"]),
    ("foo = bar\nquery = select '$foo ${foo} $$'\n", ["x"]), ("query = select 1\nquery = select 2\n", ["x"]),
    ("query = select 1\ngarbage\n", ["x"]), ("query = select 1 -- '%s'\n", ["x"]), ("dbpath = /absent\n" + BY_KEY, ["x"]), ("dbpath =\n", ["x"]),
]


def database(before=None, rows=ROWS):
    """A database file, or what becomes of one when rows are added to it."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(before or b"")
        file.flush()
        with contextlib.closing(sqlite3.connect(file.name)) as db, db:
            db.execute("create table if not exists a(k text, v text, w text)")
            db.executemany("insert into a values(?, ?, ?)", rows)
        return Path(file.name).read_bytes()


@pytest.fixture(scope="module")
def suite():
    with make(tables=True, files={"/etc/postfix/t.db": database()},
              main_cf={"inmain_dbpath": "/etc/postfix/t.db", "inmain_query": "SELECT v FROM $inmain_table WHERE k = '%s'", "inmain_table": "a"}) as s:
        if "sqlite" not in s.sh("postconf -m").split():
            pytest.skip("not built with sqlite")
        yield s


def said(suite, *argv, input=None):
    """The exit status and what postmap prints. The reference ends at a query that fails, with words of its own."""
    done = suite.run("postmap", *argv, input=input)
    errors = done.stderr.decode("utf-8", "replace")
    errors = re.sub(r"(?m)^postmap: fatal: (table \S+: query error|dict_sqlite_lookup: ).*\n", "postmap: fatal: (query)\n", errors)
    errors = re.sub(r"(?m)^postmap: warning: (?:sqlite:\S+: SQL|dict_sqlite_lookup: \S+: SQL|table \S+: key |table \S+ should|table \"|sqlite:\S+: ).*\n", "", errors)
    errors = "".join(dict.fromkeys(errors.splitlines(True)))     # the reference says one thing once for each setting
    return "%d %s%s" % (done.returncode, done.stdout.decode("utf-8", "replace"), errors)


def test_lookups(suite):
    text = ""
    for settings, keys in LOOKUPS:
        suite.write("/etc/postfix/t.cf", "dbpath = /etc/postfix/t.db\n" + settings)
        text += "== %s" % settings + "".join("%s -> %s\n" % (key, said(suite, "-q", key, "sqlite:/etc/postfix/t.cf").rstrip()) for key in keys)
    golden("sqlite_lookups", text)


def test_names_and_operations(suite):
    suite.write("/etc/postfix/t.cf", "dbpath = /etc/postfix/t.db\n" + BY_KEY)
    table = "sqlite:/etc/postfix/t.cf"
    golden("sqlite_operations", "".join("%s -> %s\n" % (argv, said(suite, *argv, input=b"multi\nx\n").rstrip()) for argv in [
        ["-q", "x", "sqlite:/absent"], ["-q", "x", "sqlite:t.cf"], ["-q", "multi", "sqlite:inmain"], ["-q", "x", "sqlite:absent"],
        ["-s", table], ["-d", "x", table], [table], ["-i", table], ["-q", "-", table], ["-q", "", table]]))


def test_a_key_does_not_end_double_quotes(suite):
    """An address could name a column, or end the quotes; the reference does what it says (3.11 warns of such a query)."""
    if suite.kind == "reference":
        pytest.skip("ours only: the reference lets the key out of the quotes")
    suite.write("/etc/postfix/t.cf", 'dbpath = /etc/postfix/t.db\nquery = select v from a where k = "%s"\n')
    for key in ["k", 'x" or "1"="1', "x' or '1'='1"]:
        assert said(suite, "-q", key, "sqlite:/etc/postfix/t.cf") == "1 "
    assert said(suite, "-q", 'dq"', "sqlite:/etc/postfix/t.cf") == "0 double\n"
    assert said(suite, "-q", "it's", "sqlite:/etc/postfix/t.cf") == "0 quote\n"


@pytest.mark.parametrize("prefix", ["", "proxy:"])
def test_recipients_and_aliases(prefix):
    """smtpd, cleanup, and both behind proxymap; the database is in use when it changes."""
    db = database()
    files = {"/etc/postfix/t.db": db, "/etc/postfix/users.cf": "dbpath = /etc/postfix/t.db\nquery = SELECT v FROM a WHERE k = '%u'\ndomain = example.test\n",
             "/etc/postfix/aliases.cf": "dbpath = /etc/postfix/t.db\ndomain = example.test\n" + BY_KEY}
    with make(tables=True, files=files, main_cf={"local_recipient_maps": prefix + "sqlite:/etc/postfix/users.cf",
                                                 "virtual_alias_maps": prefix + "sqlite:/etc/postfix/aliases.cf"}) as suite:
        if "sqlite" not in suite.sh("postconf -m").split():
            pytest.skip("not built with sqlite")
        assert rcpt(suite, "num@example.test")[0] == 250
        assert rcpt(suite, "list@example.test")[0] == 550
        more = [("list", "x"), ("list@example.test", "bob@example.test"), ("list@example.test", "carol@example.test"), ("bob", "x"), ("carol", "x")]
        suite.write("/etc/postfix/t.db", database(db, [(*row, "") for row in more]))
        with smtplib.SMTP(*suite.smtp) as smtp:
            smtp.sendmail("a@example.net", ["list@example.test"], "Subject: x\n\nx\n")
        for name in ("bob", "carol"):
            suite.wait_log(r"to=<%s@example.test>, orig_to=<list@example.test>.*status=sent" % name)


def test_a_database_that_is_missing():
    """Clients are put off until it is there."""
    with make(tables=True, files={"/etc/postfix/users.cf": "dbpath = /etc/postfix/t.db\nquery = SELECT v FROM a WHERE k = '%u'\n"},
              main_cf={"local_recipient_maps": "proxy:sqlite:/etc/postfix/users.cf"}) as suite:
        if "sqlite" not in suite.sh("postconf -m").split():
            pytest.skip("not built with sqlite")
        assert rcpt(suite, "num@example.test") == (451, b"4.3.0 <num@example.test>: Temporary lookup failure")
