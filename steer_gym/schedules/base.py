"""What every schedule is: a value that can begin any number of episodes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

from steer_gym.errors import ActConfigError, UnknownNameError
from steer_gym.extras import load
from steer_gym.steering import Steering

from .moment import Moment

Dose = Callable[[Moment], Steering | None]
"""Tells the steering of one moment; ``None``: leave the policy alone. Asked once a look, in order,
it may remember what it saw."""

KINDS = {
    "pid": "steer_gym.schedules.pid:Pid",
    "ramp": "steer_gym.schedules.ramp:Ramp",
    "when": "steer_gym.schedules.when:When",
    "window": "steer_gym.schedules.window:Window",
}
"""Name in JSON -> ``module:Class``; a schedule of your own joins by adding its line."""


@dataclass(frozen=True)
class Schedule(ABC):
    """Changes a steering over an episode. A value: ``==``, ``hash``, JSON; it keeps no state."""

    @abstractmethod
    def begin(self, steering: Steering) -> Dose:
        """Return the doses of one new episode, made from ``steering``."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data that ``from_json`` reads back to an equal value."""
        kinds = {target: kind for kind, target in KINDS.items()}
        own = type(self)
        target = f"{own.__module__}:{own.__qualname__}"
        if target not in kinds:
            raise ActConfigError(
                f"{own.__name__} has no name for JSON; add it to steer_gym.schedules.base.KINDS."
            )
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {k: v.to_json() if isinstance(v, Schedule) else v for k, v in values.items()}
        return {"kind": kinds[target], **plain}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Schedule:
        """Return the schedule that ``to_json`` wrote.

        Raises:
            ActConfigError: The data is something else.
        """
        if not isinstance(data, dict) or "kind" not in data:
            raise ActConfigError(f"Not a schedule: {data!r}. It needs a 'kind' and its fields.")
        values = {
            key: Schedule.from_json(value) if isinstance(value, dict) else value
            for key, value in data.items()
            if key != "kind"
        }
        if data["kind"] not in KINDS:
            raise UnknownNameError("schedule", data["kind"], KINDS)
        try:
            schedule: Schedule = load(KINDS[data["kind"]])(**values)
        except TypeError as error:
            raise ActConfigError(f"Not a schedule of kind {data['kind']!r}: {error}.") from error
        return schedule


def begun(inner: Schedule | None, steering: Steering) -> Dose:
    """Return the doses of ``inner``; without one, the steering as it is."""
    return (lambda _: steering) if inner is None else inner.begin(steering)


def require_schedule(field: str, given: Any) -> None:
    """Refuse what is neither a schedule nor ``None``."""
    if given is not None and not isinstance(given, Schedule):
        raise ActConfigError(f"{field} must be a schedule or None, but is {given!r}.")


def finite(field: str, given: Any, *, least: float = -math.inf) -> float:
    """Return ``given`` as a float, refused unless it is a finite number from ``least`` on."""
    if not isinstance(given, Real) or isinstance(given, bool) or not math.isfinite(given):
        raise ActConfigError(f"{field} must be a finite number, but is {given!r}.")
    if given < least:
        raise ActConfigError(f"{field} must be {least:g} or more, but is {given!r}.")
    return float(given)
