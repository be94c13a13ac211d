"""What the shells offer: the completion functions, called as a shell calls them."""
import re
import shlex
import shutil

import pytest

from suite import config, make
from suite.smtp import send

pytestmark = [pytest.mark.root, pytest.mark.extension("Debian's package has no completion")]

FILE = config.TREE / "completion/postfix.bash"
BASH = """
source /tmp/postfix.bash
COMP_WORDS=(%s)
COMP_CWORD=%d
_postfix_complete
printf '%%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
autoload -Uz compinit bashcompinit; compinit -u -d /tmp/zcompdump; bashcompinit
emulate ksh; setopt kshglob braceexpand
""" + BASH
SHELLS = ["bash"] + ["zsh"] * bool(shutil.which("zsh"))


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"relayhost": "[127.0.0.1]:1", "fast_flush_domains": "slow.example, other.example"}) as s:
        s.write("/tmp/postfix.bash", FILE.read_text())
        s.write("/tmp/there/file-one", "")
        s.write("/tmp/there/file-two", "")
        s.write("/tmp/there/sub/x", "")
        yield s


@pytest.fixture(params=SHELLS)
def complete(request, suite):
    def offered(line, user=None):
        """Of a line that is typed, the words that are offered for its end."""
        lexer = shlex.shlex(line, posix=False, punctuation_chars=":=")     # as COMP_WORDBREAKS
        lexer.whitespace_split = True
        words = list(lexer) + ([""] if line.endswith(" ") else [])
        script = (BASH if request.param == "bash" else ZSH) % (" ".join(shlex.quote(w) for w in words), len(words) - 1)
        shell = ["bash", "--norc", "--noprofile", "-c"] if request.param == "bash" else ["zsh", "-fc"]
        done = suite.run(*shell, script, user=user, cwd="/tmp/there")
        assert done.stderr == b"", done.stderr
        found = done.stdout.decode().split()
        if request.param == "zsh":         # which leaves out by itself what does not fit
            found = [word for word in found if word.startswith(words[-1].strip(":"))]
        return sorted(found)
    return offered


def test_parameters(complete):
    assert complete("postconf smtpd_recipient_l") == ["smtpd_recipient_limit"]
    assert complete("postconf relayh") == ["relayhost"]
    assert complete("postconf -e smtpd_recipient_l") == ["smtpd_recipient_limit="]
    assert complete("postconf -d smtpd_recipient_l") == ["smtpd_recipient_limit"]
    assert len(complete("postconf ")) > 500
    assert "smtp/unix" in complete("postconf -M smtp/") and "qmgr/unix" in complete("postconf -F ")
    assert complete("postconf -C b") == ["builtin"]
    assert {"-d", "-e", "-M", "-#"} <= set(complete("postconf -"))
    assert complete("postconf -c s") == ["sub"]


def test_subcommands(complete):
    assert complete("postfix st") == ["start", "start-fg", "status", "stop"]
    assert complete("postfix -") == ["-D", "-c", "-v"]
    assert complete("postmulti -e d") == ["deport", "destroy", "disable"]
    assert complete("postmulti -p st") == ["start", "start-fg", "status", "stop"]
    assert complete("postlog -p f") == ["fatal"]
    assert complete("postlock -l f") == ["fcntl", "flock"]
    assert complete("postlock fi") == ["file-one", "file-two"]
    assert "postconf" in complete("postlock file-one postcon")
    assert complete("authtest -s p") == ["pop3"] and "root" in complete("authtest roo")
    assert complete("postkick pu") == ["public"]
    assert complete("postkick public qm") == ["qmgr"] and "rewrite" in complete("postkick private ")
    assert complete("qshape def") == ["deferred"] and "-p" in complete("qshape -")
    assert complete("sendmail -N s") == ["success"] and "-bv" in complete("sendmail -b")
    assert complete("mailq -") == ["-C", "-v"]


def test_tables(complete):
    types = complete("postmap ")
    assert {"hash:", "texthash:", "regexp:", "file-one", "sub"} <= set(types)
    assert complete("postmap hash:fi") == ["file-one", "file-two"]
    assert complete("postmap hash:") == complete("postalias hash:") and "file-one" in complete("postmap hash:")
    assert complete("postmap -q ") == ["-"]
    assert "-F" in complete("postmap -") and "-F" not in complete("postalias -")
    assert complete("postalias sub/") == ["sub/x"]


def test_queue_ids(suite, complete):
    queue_id = send(suite, "alice@example.test", "x@slow.example")
    suite.wait_log(queue_id + ": to=.*status=deferred")
    try:
        assert complete("postqueue -i ") == [queue_id]
        assert complete("postqueue -i " + queue_id[:3]) == [queue_id]
        assert complete("postqueue -i ", user="alice") == [queue_id]
        assert complete("postsuper -d ") == sorted([queue_id, "ALL", "-"])
        assert complete("postcat -q ") == [queue_id] and complete("postcat fi") == ["file-one", "file-two"]
        assert complete("postqueue -s sl") == ["slow.example"]
    finally:
        suite.delete_all()


def test_every_command_is_completed():
    text = FILE.read_text()
    completed = set(re.search(r"(?s)\ncomplete -F _postfix_complete (.*)\n", text).group(1).replace("\\", "").split())
    fragment = (config.TREE / "completion/fragment.am").read_text()
    installed = set(re.search(r"completed_commands = ((?:.*\\\n)*.*)", fragment).group(1).replace("\\", "").split()) | {"postfix"}
    zsh = set((config.TREE / "completion/postfix.zsh").read_text().splitlines()[0].split()[1:])
    assert completed == installed == zsh
