"""What postmap says of a table, comparable between the suites."""
import re


def table_says(suite, *argv, input=None, server=None):
    """The exit status and what postmap prints; of a lookup that fails only that it does: the reasons are worded differently.
    The reference says some things once for each setting, or for each attempt."""
    done = suite.run("postmap", *argv, input=input)
    errors = done.stderr.decode("utf-8", "replace")
    errors = re.sub(r"(?m)^postmap: fatal: (table \S+: query error|dict_sqlite_lookup: ).*\n", "postmap: fatal: (query)\n", errors)
    errors = re.sub(r"(?m)^postmap: (?:warning|error): (?!\S+, line|dict_ldap_open|dict_\w+: \S+: (?:Expansion|Recursion)|\S+ has).*\n", "", errors)
    errors = re.sub(r"(?m)^postmap: warning: dict_ldap_lookup: \S+: Expansion.*\n", "", errors).replace("for key: '", "for key '")
    errors = "".join(dict.fromkeys(errors.splitlines(True)))
    text = "%d %s%s" % (done.returncode, done.stdout.decode("utf-8", "replace"), errors)
    return text.replace(str(server.port), "PORT") if server else text


def lookups(suite, table, common, cases, server=None):
    """The lookups of `cases`, (settings, keys), as one text for a golden file."""
    text = ""
    for settings, keys in cases:
        suite.write("/etc/postfix/t.cf", common + settings)
        text += "== %s" % settings
        text += "".join("%s -> %s\n" % (key, table_says(suite, "-q", key, table + ":/etc/postfix/t.cf", server=server).rstrip()) for key in keys)
    return text


def skip_without(suite, kind):
    import pytest
    if kind not in suite.sh("postconf -m").split():
        pytest.skip("not built with " + kind)
