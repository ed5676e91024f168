"""The command line: one table of commands, each imported only when it runs."""

from .dispatch import main

__all__ = ["main"]
