"""Every file of commands/ is run beside the mail system; see suite/commands.py for the format."""
from pathlib import Path

import pytest

from suite import commands

SCRIPTS = [commands.parse(p) for p in sorted((Path(__file__).parent / "commands").glob("*.txt"))]

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def shared():
    with commands.start() as s:
        yield s


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.path.stem)
def test_commands(request, script):
    if script.own_instance:
        with commands.start(script) as suite:
            got = commands.play(script, suite)
    else:
        got = commands.play(script, request.getfixturevalue("shared"))
    assert got == script.text, "\n" + commands.difference(script.text, got)


def record(names):
    """Writes down what comes; of all named, or of those where nothing but commands is there yet."""
    todo = [s for s in SCRIPTS if (s.path.stem in names if names else not plain_text(s))]
    if not todo:
        return
    with commands.start() as shared:
        for script in todo:
            if script.own_instance:
                with commands.start(script) as suite:
                    commands.write(script, commands.play(script, suite))
            else:
                commands.write(script, commands.play(script, shared))
            print("recorded", script.path.stem)


def plain_text(script):
    return [line for line in script.text.splitlines() if not commands.COMMAND.match(line) and not line.startswith("> ")]
