"""What a program, or the motion that it started, raises to be ended."""

from __future__ import annotations


class ScriptError(Exception):
    """What ends a program with a runtime error."""


class ProtectiveStop(Exception):  # noqa: N818, it is no error of the program
    """What makes the controller stop the arm."""
