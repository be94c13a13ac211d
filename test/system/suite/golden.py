"""Whole texts that ours must equal: golden/NAME.txt, written by RECORD=1 SUITE=reference, compared otherwise.

golden/ours/NAME.txt stands in where ours differs on purpose; doc/differences.md says why."""
import difflib
import os
from pathlib import Path

from .make import selected

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def golden(name, text):
    path = GOLDEN / (name + ".txt")
    text = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text
    text = text.replace("\r\n", "\n")
    if not text.endswith("\n"):
        text += "\n"
    if os.environ.get("RECORD") and os.environ.get("SUITE") == "reference":
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
        return
    meant = path.parent / "ours" / path.name
    if selected() == "ours" and meant.exists():
        path = meant
    expected = path.read_bytes().decode() if path.exists() else ""   # a CR in it is one
    diff = "".join(difflib.unified_diff(expected.splitlines(True), text.splitlines(True), str(path.name), "got", n=4))
    assert not diff, "\n" + diff
