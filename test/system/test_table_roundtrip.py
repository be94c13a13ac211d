"""Indexes go between ours and Debian 12's Postfix in both directions: what one makes, the other lists, asks and changes."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
REFERENCE = TOP / "test/reference/reference"
BUILD = Path(os.environ.get("BUILD_DIRECTORY", TOP / "build"))
SOURCES = TOP / "postmap/testdata/db"
NAME = "table-roundtrip"

pytestmark = [pytest.mark.root, pytest.mark.expensive]


@pytest.fixture(scope="module")
def reference():
    """The root folder of a running reference, as seen from here."""
    cache = Path(os.environ.get("MAIL_REFERENCE_DIR", Path.home() / ".cache/mail-reference"))
    if not (cache / "base.ok").exists():
        pytest.skip("no reference: run `test/reference/reference build` first")
    if not (BUILD / "postmap/postmap").exists():
        pytest.skip("not built")
    out = subprocess.run([REFERENCE, "up", NAME, "--suite", "bookworm"], check=True, capture_output=True, text=True).stdout
    root = next(line[5:] for line in out.splitlines() if line.startswith("root="))
    folder = Path(root) / "tmp/roundtrip"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield folder
    subprocess.run([REFERENCE, "down", NAME], check=False, capture_output=True)


def theirs(*command, stdin=""):
    return subprocess.run([REFERENCE, "exec", NAME, "bash", "-c", 'cd /tmp/roundtrip && exec "$@"', "-", *command],
                          input=stdin, capture_output=True, text=True, check=False)


def ours(folder, *command):
    conf = folder / "conf"
    conf.mkdir(exist_ok=True)
    (conf / "main.cf").write_text("compatibility_level = 3.6\n")
    return subprocess.run(command, executable=BUILD / command[0] / command[0], cwd=folder, capture_output=True, text=True,
                          env=dict(os.environ, MAIL_CONFIG=str(conf)), check=False)


def entries(text):
    return sorted(line for line in text.splitlines() if not line.startswith("YP_"))


@pytest.mark.parametrize("kind", ["hash", "btree"])
@pytest.mark.parametrize("program, source", [("postmap", "access"), ("postmap", "many"), ("postalias", "simple-aliases")])
def test_roundtrip(reference, program, source, kind):
    text = {
        "access": (SOURCES / "access").read_text(),
        "many": "".join(f"key{i}@example.com value {i}\n" for i in range(20000)),
        "simple-aliases": "postmaster: root\nlist: :include:/etc/list, |\"/usr/bin/prog arg\"\n",
    }[source]
    mine, other = f"ours-{source}-{kind}", f"theirs-{source}-{kind}"
    for name in (mine, other):
        (reference / name).write_text(text)
    assert ours(reference, program, f"{kind}:{mine}").returncode == 0
    assert theirs(program, f"{kind}:{other}").returncode == 0
    by_both = [entries(run.stdout) for run in (
        theirs(program, "-s", f"{kind}:{mine}"), ours(reference, program, "-s", f"{kind}:{mine}"),
        theirs(program, "-s", f"{kind}:{other}"), ours(reference, program, "-s", f"{kind}:{other}"))]
    assert by_both[0] and all(listing == by_both[0] for listing in by_both)
    if program == "postmap":
        # They change what we made, and we see the change.
        assert theirs(program, "-i", f"{kind}:{mine}", stdin="added@example.com yes\n").returncode == 0
        assert ours(reference, program, "-q", "added@example.com", f"{kind}:{mine}").stdout == "yes\n"
        assert ours(reference, program, "-d", "added@example.com", f"{kind}:{mine}").returncode == 0
        assert theirs(program, "-q", "added@example.com", f"{kind}:{mine}").returncode == 1
