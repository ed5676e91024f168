"""Alpha by the number of the step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from steer_gym.errors import ActConfigError
from steer_gym.steering import Steering

from .base import Dose, Schedule, finite
from .moment import Moment


@dataclass(frozen=True)
class Ramp(Schedule):
    """Straight lines from point to point, level before the first and after the last.

    >>> Ramp([(0, 0.0), (40, 4.0)])    # rises for two seconds, then stays
    >>> Ramp([(0, 4.0)])               # constant
    """

    points: tuple[tuple[float, float], ...]
    """(step, alpha) of each, steps rising; alpha is that of every edit of the steering."""

    def __post_init__(self) -> None:
        """Refuse what is no line."""
        object.__setattr__(self, "points", tuple(_point(point) for point in _members(self.points)))
        steps = [step for step, _ in self.points]
        if not steps or steps != sorted(set(steps)):
            raise ActConfigError(f"A ramp needs points with rising steps, but has {self.points}.")

    def begin(self, steering: Steering) -> Dose:
        """See ``Schedule``."""
        steps, alphas = zip(*self.points, strict=True)

        def dose(moment: Moment) -> Steering:
            return steering.replace(alpha=float(np.interp(moment.step, steps, alphas)))

        return dose


def _members(given: Any) -> tuple[Any, ...]:
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise ActConfigError(f"A ramp is made of points (step, alpha), not of {given!r}.")
    return tuple(given)


def _point(given: Any) -> tuple[float, float]:
    numbers = _members(given)
    if len(numbers) != 2:
        raise ActConfigError(f"A point of a ramp is (step, alpha), not {given!r}.")
    return finite("A ramp's step", numbers[0], least=0), finite("A ramp's alpha", numbers[1])
