"""Steering during some steps only."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

from steer_gym.errors import ActConfigError
from steer_gym.steering import Steering

from .base import Dose, Schedule, begun, require_schedule
from .moment import Moment


@dataclass(frozen=True)
class Window(Schedule):
    """Steers from ``start`` until before ``stop``; outside, the policy is as it is by itself."""

    start: int = 0
    """First step that is steered, counted from 0."""
    stop: int | None = None
    """First step that is not steered again; ``None``: the episode's end."""
    inner: Schedule | None = None
    """What happens inside; ``None``: the steering as it is. It is not asked outside."""

    def __post_init__(self) -> None:
        """Refuse what is no window."""
        require_schedule("inner", self.inner)
        steps = [step for step in (self.start, self.stop) if step is not None]
        if not all(map(_is_step, steps)) or steps != sorted(set(steps)):
            raise ActConfigError(
                f"A window goes from one step to a later one, 0 <= start < stop, but is "
                f"{self.start!r} to {self.stop!r}."
            )
        object.__setattr__(self, "start", int(self.start))
        object.__setattr__(self, "stop", None if self.stop is None else int(self.stop))

    def begin(self, steering: Steering) -> Dose:
        """See ``Schedule``."""
        inside = begun(self.inner, steering)

        def dose(moment: Moment) -> Steering | None:
            late = self.stop is not None and moment.step >= self.stop
            return None if late or moment.step < self.start else inside(moment)

        return dose


def _is_step(given: Any) -> bool:
    return isinstance(given, Integral) and not isinstance(given, bool) and int(given) >= 0
