"""One interface to two mail systems: ours, and Debian's Postfix (the reference)."""
from .base import Suite, Timeout
from .make import make, selected

__all__ = ["Suite", "Timeout", "make", "selected"]
