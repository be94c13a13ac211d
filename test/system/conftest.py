"""What all tests of the whole system share."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from suite import selected  # noqa: E402
from suite.ours import private_root_possible  # noqa: E402


def pytest_report_header(config):
    return "suite: %s%s" % (selected(), "" if os.getuid() == 0 else " (ordinary user: one uid stands for all)")


def pytest_configure(config):
    config.addinivalue_line("markers", "root: needs users, identities or low ports: skipped for an ordinary user")
    config.addinivalue_line("markers", "extension: what ours does beyond the reference, with the reason")
    config.addinivalue_line("markers", "expensive: takes long, or is about time and memory; left out with -m 'not expensive', and with sanitizers")


def open_differences():
    """open.txt: {test: what is still different from the reference}. Such a test may fail; the list is to become empty."""
    lines = (Path(__file__).parent / "open.txt").read_text().splitlines()
    return dict(line.split("  ", 1) for line in lines if line.strip() and not line.startswith("#"))


def pytest_collection_modifyitems(config, items):
    still_open = open_differences() if selected() == "ours" else {}
    ordinary = selected() == "ours" and not private_root_possible()
    for item in items:
        if ordinary and item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root and namespaces"))
        reason = still_open.get("%s::%s" % (item.path.name, item.name))
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=False))
        if selected() == "reference" and item.get_closest_marker("extension"):
            item.add_marker(pytest.mark.skip(reason="an extension of ours"))


@pytest.fixture
def settings(suite):
    """suite.settings() of the module's own instance: a test changes what it is about, and the next one takes it back."""
    return suite.settings
