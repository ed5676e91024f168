"""The straight way from one target to the next, at the pace that brings there in time."""

from __future__ import annotations

import numpy as np

from steer_gym.robot import Target

from .poses import Array, moved, pose_error


class Course:
    """A point that goes to a target and waits there; the setpoints follow it."""

    def __init__(self, target: Target, start: Array) -> None:
        """Begin at ``start`` (6,), a pose or joints as ``target`` is; now, if it has no time."""
        self.target = target
        self._left_s = target.in_s or 0.0
        self._way = self._difference(start) / max(self._left_s, 1e-9)

    @property
    def timed(self) -> bool:
        """Tell whether its target has a time."""
        return self.target.in_s is not None

    @property
    def point(self) -> Array:
        """Return where it is, a pose or joints (6,)."""
        goal = self.target.pose if self.target.joints is None else self.target.joints
        assert goal is not None
        if self._left_s <= 0.0:
            return goal
        back = -self._way * self._left_s
        return goal + back if self.target.joints is not None else moved(goal, back)

    @property
    def speed(self) -> Array:
        """Return how fast it goes (6,), in [m/s] and [rad/s]."""
        return self._way if self._left_s > 0.0 else np.zeros(6)

    def advance(self, dt_s: float) -> None:
        """Let time pass."""
        self._left_s -= dt_s

    def _difference(self, start: Array) -> Array:
        if self.target.joints is not None:
            return self.target.joints - start
        assert self.target.pose is not None
        return pose_error(self.target.pose, start)
