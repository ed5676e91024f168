"""Steering while something measured is above or below a bound."""

from __future__ import annotations

from dataclasses import dataclass

from steer_gym.errors import ActConfigError
from steer_gym.steering import Steering

from .base import Dose, Schedule, begun, finite, require_schedule
from .moment import Moment, require_quantity


@dataclass(frozen=True)
class When(Schedule):
    """Steers while a quantity is within bounds; a quantity that is not known yet is not.

    >>> When("height_m", below=0.1)                              # only near the table
    >>> When("height_m", above=0.1, inner=When("gripper", below=0.03))    # and
    """

    quantity: str
    """One of ``QUANTITIES``."""
    above: float | None = None
    """The least value that is steered; ``None``: no such bound."""
    below: float | None = None
    """The value from which on nothing is steered; ``None``: no such bound."""
    inner: Schedule | None = None
    """What happens within; ``None``: the steering as it is. It is not asked elsewhere."""

    def __post_init__(self) -> None:
        """Refuse what nothing can meet, and what everything meets."""
        require_quantity(self.quantity)
        require_schedule("inner", self.inner)
        for field in ("above", "below"):
            if getattr(self, field) is not None:
                object.__setattr__(self, field, finite(field, getattr(self, field)))
        bounds = [bound for bound in (self.above, self.below) if bound is not None]
        if not bounds or bounds != sorted(set(bounds)):
            raise ActConfigError(
                f"When needs above, below, or above < below, but has above={self.above!r} and "
                f"below={self.below!r}."
            )

    def begin(self, steering: Steering) -> Dose:
        """See ``Schedule``."""
        inside = begun(self.inner, steering)

        def dose(moment: Moment) -> Steering | None:
            return inside(moment) if self.holds(moment.measure(self.quantity)) else None

        return dose

    def holds(self, value: float | None) -> bool:
        """Tell whether ``value`` is within the bounds."""
        if value is None or (self.above is not None and value < self.above):
            return False
        return self.below is None or value < self.below
