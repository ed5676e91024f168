"""From plain data to the parts of a plan; what is missing, misspelt or no number is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from numbers import Integral
from typing import Any

from steer_gym.errors import EvaluationError, UnknownNameError


def made(kind: type[Any], what: str, data: Any) -> Any:
    """Return ``kind(**data)``.

    Args:
        kind: A dataclass.
        what: Names it in errors.
        data: Its fields, by name.

    Raises:
        UnknownNameError: There is no such field.
        EvaluationError: The data is something else, or a field is missing.
    """
    known = {field.name: field for field in fields(kind)}
    if not isinstance(data, Mapping):
        raise EvaluationError(
            f"A {what} is given by its fields ({', '.join(known)}), not {data!r}."
        )
    for name in data:
        if name not in known:
            raise UnknownNameError(f"field of a {what}", name, known)
    needed = [n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in needed if name not in data]
    if missing:
        raise EvaluationError(
            f"A {what} needs {' and '.join(missing)}, but has {', '.join(data) or 'nothing'}."
        )
    return kind(**data)


def listed(field: str, given: Any) -> tuple[Any, ...]:
    """Return the members of a list; a text or a single thing is none."""
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise EvaluationError(f"{field} is a list, not {given!r}.")
    return tuple(given)


def require_whole(field: str, given: Any, *, least: int) -> None:
    """Refuse what is no whole number, ``least`` or more."""
    if not isinstance(given, Integral) or isinstance(given, bool) or given < least:
        raise EvaluationError(f"{field} must be a whole number, {least} or more, but is {given!r}.")
