"""An argument parser whose complaints are one line, and the kinds of value it reads."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any, NoReturn

from steer_gym.errors import SteerGymError


class UsageError(SteerGymError, ValueError):
    """The command line says something that is not allowed."""


class Parser(argparse.ArgumentParser):
    """Raises ``UsageError`` where argparse would print its usage and leave."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong."""
        raise UsageError(f"{message}. `{self.prog} --help` shows the options.")


class Once(argparse.Action):
    """Stores a value, and refuses a second one, where argparse would forget the first."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Store ``values``."""
        given = vars(namespace).setdefault("given_once", {})
        if self.dest in given:
            parser.error(
                f"{option_string} is given twice, {given[self.dest]!r} and {values!r}, but takes "
                "one; a plan in a file can name several"
            )
        given[self.dest] = values
        setattr(namespace, self.dest, values)


def numbers(text: str) -> tuple[int, ...]:
    """Return the numbers that a text like ``0,3,5-7`` names."""
    parts = [part.partition("-") for part in text.split(",")]
    try:
        ranges = [range(int(first), int(last or first) + 1) for first, _, last in parts]
    except ValueError:
        ranges = []
    found = tuple(number for each in ranges for number in each)
    if not found or not all(ranges):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 0,3 or 0-9")
    return found


def count(text: str) -> int:
    """Return a whole number, 1 or more."""
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def whole(text: str) -> int:
    """Return a whole number, 0 or more."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, 0 or more")
    return int(text)


def positive(text: str) -> float:
    """Return a finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def amount(text: str) -> float:
    """Return a finite number, 0 or more."""
    return 0.0 if text.strip() in ("0", "0.0") else positive(text)


def setting(text: str) -> tuple[str, Any]:
    """Return key and value of ``KEY=VALUE``; the value is JSON, or else text."""
    key, equals, value = text.partition("=")
    if not (key.isidentifier() and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value
