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
    config.addinivalue_line("markers", "expensive: takes long; left out with -m 'not expensive'")


def pytest_collection_modifyitems(config, items):
    ordinary = selected() == "ours" and not private_root_possible()
    for item in items:
        if ordinary and item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root and namespaces"))
        if selected() == "reference" and item.get_closest_marker("extension"):
            item.add_marker(pytest.mark.skip(reason="an extension of ours"))
