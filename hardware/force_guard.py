"""What the tool feels: when to slow down, when to stop, and when not to begin."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from steer_gym.robot import FaultCode

from .limits import Limits
from .poses import Array
from .supervision import Finding


class ForceGuard:
    """The force and torque at the tool, less what they were at rest.

    A force counts as soon as it has lasted for 8 ms, or is beyond twice the limit: one reading may
    be noise, but smoothing is late. At 0.1 m/s an arm that meets a table presses by some 8 N more
    in every millisecond.
    """

    _LASTING_S = 0.008
    _SMOOTHING_S = 0.05
    """Of ``force``, which is told."""

    def __init__(self, limits: Limits, dt_s: float) -> None:
        self._limits = limits
        self._share = dt_s / (self._SMOOTHING_S + dt_s)
        self._sizes: deque[tuple[float, float]] = deque(
            maxlen=1 + math.ceil(round(self._LASTING_S / dt_s, 6))
        )
        self.zero(np.zeros(6))

    def zero(self, force: Array) -> None:
        """Take ``force`` (6,) as nothing."""
        self._bias = force.copy()
        self.force = np.zeros(6)
        """Force [N] and torque [Nm] (6,), smoothed."""
        self._sizes.extend([(0.0, 0.0)] * (self._sizes.maxlen or 0))

    def see(self, force: Array) -> Finding | None:
        """Take a measurement (6,); return a fault above the limits."""
        felt = force - self._bias
        self.force = self.force + self._share * (felt - self.force)
        sizes = float(np.linalg.norm(felt[:3])), float(np.linalg.norm(felt[3:]))
        self._sizes.append(sizes)
        push, twist = self._lasting
        if sizes[0] > 2.0 * self._limits.force or sizes[1] > 2.0 * self._limits.torque:
            push, twist = sizes
        if push > self._limits.force:
            return FaultCode.FORCE_LIMIT, f"{push:.1f} N, limit {self._limits.force:.1f} N"
        if twist > self._limits.torque:
            return FaultCode.FORCE_LIMIT, f"{twist:.1f} Nm, limit {self._limits.torque:.1f} Nm"
        return None

    @property
    def pace(self) -> float:
        """Return the share of the speed to use: 1 without force, down to 0.1 at the limit."""
        push, _ = self._lasting
        warning, limit = self._limits.force_warning, self._limits.force
        return float(np.clip(1.0 - 0.9 * (push - warning) / (limit - warning), 0.1, 1.0))

    @property
    def _lasting(self) -> tuple[float, float]:
        """Return the least push [N] and the least twist [Nm] of the last 8 ms."""
        push, twist = np.min(self._sizes, axis=0)
        return float(push), float(twist)
