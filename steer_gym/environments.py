"""The Gymnasium ids of this package: a table of strings, imported when an env is made."""

from __future__ import annotations


def register_environments() -> None:
    """Register every id with Gymnasium."""
