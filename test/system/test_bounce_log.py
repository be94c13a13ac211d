"""What the logs beside a message look like, for those who read them: Postfix before 2.0 knew only lines of one kind."""
import re
from pathlib import Path

import pytest

from suite import make


@pytest.mark.root
@pytest.mark.parametrize("setting", ["yes", "no"])
def test_backwards_bounce_logfile_compatibility(setting):
    with make(main_cf={"backwards_bounce_logfile_compatibility": setting, "transport_maps": "static:retry:later",
                       "virtual_alias_maps": "inline:{old@example.test=x@away.example}"}) as suite:
        suite.sh("echo test | sendmail -f joe@example.net old@example.test y@away.example")
        name = suite.wait_log(r" (\w+): to=.*status=deferred", count=2)[0].group(1)
        suite.wait_until(lambda: not any(where == "active" for where, _ in suite.queue_files()), suite.queue, what="rest")
        log = next(Path(suite.queue, "defer").rglob(name)).read_text()
        paragraphs = sorted(p.strip().split("\n") for p in re.sub(r"(?m)^offset=\d+$", "offset=N", log).split("\n\n") if p.strip())
        old = [["<x@away.example>: later"], ["<y@away.example>: later"]] if setting == "yes" else [[], []]
        assert [sorted(line for line in p if line.startswith("<")) for p in paragraphs] == old
        assert [[line for line in p if line.startswith("recipient=")] for p in paragraphs] == [["recipient=x@away.example"], ["recipient=y@away.example"]]
        assert "(later)" in suite.sh("mailq")
