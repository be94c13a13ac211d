"""sendmail(1) and postdrop(1) while the mail system is stopped: exit code, words, and the file in maildrop/, record by
record. submissions.json was recorded from Debian 13's Postfix."""
import json
import re
from pathlib import Path

import pytest

from suite import make

pytestmark = pytest.mark.root
SUBMISSIONS = json.loads((Path(__file__).parent / "submissions.json").read_text())


@pytest.fixture(scope="module")
def suite():
    with make() as s:
        s.sh("postfix stop")
        yield s


def records(data):
    """A file's records, each the letter of its type and its data; the time record without its time."""
    found, at = [], 0
    while at < len(data):
        kind, length, shift = chr(data[at]), 0, 0
        while True:
            at += 1
            length |= (data[at] & 0x7F) << shift
            shift += 7
            if data[at] < 0x80:
                break
        at += 1
        found.append(kind if kind == "T" else kind + data[at:at + length].decode("latin1"))
        at += length
    return found


def wish(bits):
    """The record of what sendmail -O asks for: 1 SMTPUTF8, 32 REQUIRETLS."""
    return "C" + "%15d " * 5 % ((-1,) * 5) + "%15d" % bits


def words(text):
    """Without what only says that the mail system is stopped, and what Postfix tells of its own insides."""
    for pattern in (r"postdrop: warning: unable to look up public/pickup: .*\n", r"sendmail: warning: mail_stream_cleanup: .*\n",
                    r"sendmail: name_mask: .*\n"):
        text = re.sub(pattern, "", text)
    return text


@pytest.mark.parametrize("known", SUBMISSIONS, ids=lambda s: " ".join(s["argv"][1:])[:40])
def test_submission(suite, known):
    done = suite.run(*known["argv"], user="alice", input=known["stdin"].encode("latin1"))
    assert (done.returncode, done.stdout.decode(), words(done.stderr.decode())) == (known["status"], known["stdout"], known["stderr"])
    maildrop = Path(suite.queue) / "maildrop"
    files = [f for f in maildrop.iterdir() if f.is_file()]
    found = [records(f.read_bytes()) for f in files]
    modes = {f.stat().st_mode & 0o7777 for f in files}
    for f in files:
        f.unlink()
    assert found == ([known["message"]] if known["message"] else [])
    assert modes <= {0o744}


BAD = "sendmail: warning: bad -O option: '%s' -- ignored\n"
NO_TLS = "sendmail: warning: Ignoring option '-O requiretls=yes', because the configuration is 'requiretls_enable = no'\n"
NO_UTF8 = "sendmail: warning: '-O smtputf8=yes' was requested, but the configuration is 'smtputf8_enable = no'\n"
# Arguments, settings, the bits of the record (0: there is none), and what is said.
WISHES = {
    "requiretls": (["-O", "requiretls=yes"], {}, 32, ""),
    "together": (["-Orequiretls=yes"], {}, 32, ""),
    "letters": (["-O", "RequireTLS=YES"], {}, 32, ""),
    "smtputf8": (["-O", "smtputf8=yes"], {}, 1, ""),
    "both": (["-O", "requiretls=yes", "-O", "smtputf8=yes"], {}, 33, ""),
    "no": (["-O", "requiretls=no", "-O", "smtputf8=no"], {}, 0, ""),
    "the last": (["-O", "requiretls=yes", "-O", "requiretls=no"], {}, 0, ""),
    "no value": (["-O", "requiretls", "-O", "smtputf8"], {}, 0, BAD % "requiretls" + BAD % "smtputf8"),
    "empty": (["-O", "requiretls="], {}, 0, BAD % "requiretls="),
    "two in one": (["-O", "requiretls=yes,smtputf8=yes"], {}, 0, BAD % "requiretls=yes,smtputf8=yes"),
    "blanks": (["-O", "requiretls = yes"], {}, 0, ""),
    "others": (["-O", "foo"], {}, 0, ""),
    "requiretls off": (["-O", "requiretls=yes"], {"requiretls_enable": "no"}, 0, NO_TLS),
    "smtputf8 off": (["-O", "smtputf8=yes"], {"smtputf8_enable": "no"}, 0, NO_UTF8),
}


@pytest.mark.extension   # recorded with Postfix 3.11.7
@pytest.mark.parametrize("name", WISHES)
def test_wish(suite, name):
    """sendmail -O requiretls=yes, -O smtputf8=yes."""
    arguments, settings, bits, said = WISHES[name]
    changes = {"requiretls_enable": "yes", "smtputf8_enable": "yes", **settings}
    suite.sh("postconf -e %s" % " ".join("%s=%s" % change for change in changes.items()))
    done = suite.run("sendmail", *arguments, "alice", user="alice", input=b"Subject: x\n\nbody\n")
    assert (done.returncode, done.stdout.decode(), words(done.stderr.decode())) == (0, "", said)
    (file,) = [f for f in (Path(suite.queue) / "maildrop").iterdir() if f.is_file()]
    found = records(file.read_bytes())
    file.unlink()
    assert found == ["T", *([wish(bits)] if bits else []), "Arewrite_context=local", "FAlice Test", "Salice", "Ralice", "M", "NSubject: x", "N", "Nbody", "X", "E"]


@pytest.mark.extension   # Postfix 3.11
@pytest.mark.parametrize("record", [wish(16), wish(-1), wish(32).replace("-1", "12", 1), "Cx", "C"])
def test_forged_wish(suite, record):
    """Nobody tells postdrop(1) more of a message than sendmail -O would."""
    data = record[1:].encode()
    made = b"C" + bytes([len(data)]) + data + b"S\x05aliceR\x05aliceM\x00N\x01xX\x00E\x00"
    done = suite.run("postdrop", user="alice", input=made)
    assert done.returncode != 0 or b"unexpected record type: 67" in done.stderr + done.stdout
    assert not [f for f in (Path(suite.queue) / "maildrop").iterdir() if f.is_file()]
