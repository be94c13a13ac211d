"""Every file of dialogues/ is held with the server; see suite/dialogue.py for the format."""
import difflib
from pathlib import Path

import pytest

from suite import dialogue, make, selected

HERE = Path(__file__).parent / "dialogues"
DIALOGUES = [dialogue.parse(HERE / "ours" / p.name if selected() == "ours" and (HERE / "ours" / p.name).exists() else p)
             for p in sorted(HERE.glob("*.txt"))]

# Nothing needs to arrive: what the server says is what is looked at.
MAIN_CF = {
    "local_transport": "discard:local",
    "default_transport": "discard:default",
    "relay_transport": "discard:relay",
    "virtual_transport": "discard:virtual",
    "relay_domains": "relayed.example",
    "virtual_mailbox_domains": "hosted.example",
    "virtual_mailbox_maps": "inline:{box@hosted.example=box/}",
    "virtual_alias_domains": "alias.example",
    "virtual_alias_maps": "inline:{joe@alias.example=alice@example.test, alias@example.test=bob@example.test}",
}


def instance():
    return make(main_cf=MAIN_CF, services={d.service: d.settings for d in DIALOGUES})


@pytest.fixture(scope="module")
def suite():
    with instance() as s:
        yield s


@pytest.mark.parametrize("which", DIALOGUES, ids=lambda d: d.path.stem)
def test_dialogue(suite, which):
    _, log = dialogue.play(which, suite)
    assert log == which.log, "\n" + "\n".join(difflib.unified_diff(which.log, log, "expected", "got", lineterm=""))
