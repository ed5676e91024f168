"""How the expert carries a task out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from steer_gym.errors import SteerGymError

MAX_HEIGHT_M = 0.5


@dataclass(frozen=True, kw_only=True)
class Style:
    """How fast and how high."""

    speed: float = 1.0
    """Fraction of full speed, above 0 and at most 1: the largest component of a motion command."""
    height: float = 0.30
    """Height of the tool above the table during transport [m], 0 to 0.5. Where something stands in
    the way, the object is carried over it instead."""

    def __post_init__(self) -> None:
        """Refuse what the arm cannot do."""
        if not (_is_number(self.speed) and 0 < self.speed <= 1):
            raise SteerGymError(f"speed is a fraction above 0 and up to 1, not {self.speed!r}.")
        if not (_is_number(self.height) and 0 <= self.height <= MAX_HEIGHT_M):
            raise SteerGymError(f"height is 0 to {MAX_HEIGHT_M} metres, not {self.height!r}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
