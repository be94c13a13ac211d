"""Which suite the tests drive: SUITE=ours (the default) or SUITE=reference."""
import os

from .ours import Ours
from .reference import Reference

KINDS = {"ours": Ours, "reference": Reference}


def selected():
    return os.environ.get("SUITE") or "ours"


def make(**options):
    """A suite of the selected kind, not yet started; the options are those of base.Suite."""
    return KINDS[selected()](**options)
