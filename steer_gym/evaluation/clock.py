"""When the steps of an episode were: by the environment's clock, else by the control rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steer_gym.episode import Step

from .motion import Array, rates, rates_at


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """The time of every step.

    A policy that thinks while time passes makes steps of unequal length; to take them for equal
    would make the arm look faster the slower its policy is.
    """

    rate_hz: float
    """Control rate."""
    elapsed_s: Array
    """How long each step took, (steps,)."""
    told: bool
    """Whether the environment told any; those that it did not are periods of the control rate."""

    @classmethod
    def of(cls, steps: Sequence[Step], rate_hz: float) -> Clock:
        """Return the clock of an episode's steps."""
        told = any(step.elapsed_s is not None for step in steps)
        elapsed_s = np.array([step.elapsed_s or 1 / rate_hz for step in steps])
        return cls(rate_hz=rate_hz, elapsed_s=elapsed_s, told=told)

    @property
    def ends_s(self) -> Array:
        """Return when each step was over, (steps,) [s] since the reset."""
        if self.told:
            return np.cumsum(self.elapsed_s)
        return np.arange(1, len(self.elapsed_s) + 1) / self.rate_hz

    def mean(self, values: Array) -> float:
        """Return the mean over time of what each step has, (steps,)."""
        return float(np.average(values, weights=self.elapsed_s) if self.told else np.mean(values))

    def rates(self, vectors: Array) -> tuple[Array, Array]:
        """Return the first and second change a second of what each step has, (steps, d)."""
        if not self.told:
            return rates(vectors, self.rate_hz)
        return rates_at(vectors, self.ends_s)

    def changes(self, positions: Array) -> tuple[Array, Array]:
        """Return acceleration and jerk of the positions after each step, (steps, 3)."""
        if not self.told:
            return rates(np.diff(positions, axis=0) * self.rate_hz, self.rate_hz)
        time_s = self.ends_s
        velocities, _ = rates_at(positions, time_s)
        return rates_at(velocities, (time_s[1:] + time_s[:-1]) / 2)
