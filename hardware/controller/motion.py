"""How a controller moves its joint reference: trapezoids, servoing, speeds, braking.

Stand-ins for UR's own generators, which are not public: right in kind and in end points, and
first-order in the transients. ``servoj`` is a low-pass of time constant ``lookahead``; the lag
that this gives was compared with nothing but other people's figures (about 0.1 s).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from ..poses import Array

SERVO_ACCELERATION = 40.0
"""Most that servoing accelerates a joint [rad/s^2]."""
EMERGENCY_BRAKE = 12.0
"""Deceleration of a protective or emergency stop [rad/s^2]."""


class Motion(Protocol):
    """Moves the joint reference, one tick at a time."""

    def step(self, q: Array, qd: Array, dt_s: float) -> Array | None:
        """Return the next joint speeds (6,) [rad/s]; ``None`` when the motion has ended."""


def towards(qd: Array, wanted: Array, most: float) -> Array:
    """Return ``qd`` moved towards ``wanted`` by at most ``most`` in any joint."""
    change = wanted - qd
    largest = float(np.abs(change).max())
    return np.asarray(wanted if largest <= most else qd + change * (most / largest))


class Brake:
    """Stop along the present direction (``stopj``); also what ends every other motion."""

    def __init__(self, deceleration: float) -> None:
        self.deceleration = deceleration

    def step(self, q: Array, qd: Array, dt_s: float) -> Array | None:
        """See ``Motion.step``."""
        del q
        if not qd.any():
            return None
        return towards(qd, np.zeros(6), self.deceleration * dt_s)


class Servo:
    """``servoj``: follow a target that the program renews; hold it when it does not."""

    def __init__(self, target: Array, lookahead_s: float) -> None:
        self.target = target
        self.lookahead_s = lookahead_s

    def step(self, q: Array, qd: Array, dt_s: float) -> Array | None:
        """See ``Motion.step``; never ends."""
        wanted = (self.target - q) / max(self.lookahead_s, dt_s)
        return towards(qd, wanted, SERVO_ACCELERATION * dt_s)


class JointSpeed:
    """``speedj``: accelerate to a speed and keep it; it never ends by itself."""

    def __init__(self, speed: Array, acceleration: float) -> None:
        self.speed = speed
        self.acceleration = acceleration

    def step(self, q: Array, qd: Array, dt_s: float) -> Array | None:
        """See ``Motion.step``; never ends."""
        del q
        return towards(qd, self.speed, self.acceleration * dt_s)


class ToolSpeed:
    """``speedl``: the same for a twist of the tool, by the Jacobian."""

    def __init__(
        self, twist: Array, acceleration: float, jacobian: Callable[[Array], Array]
    ) -> None:
        self.twist = twist
        self.acceleration = acceleration
        self._jacobian = jacobian

    def step(self, q: Array, qd: Array, dt_s: float) -> Array | None:
        """See ``Motion.step``; never ends."""
        jacobian = self._jacobian(q)
        twist = jacobian @ qd
        change = self.twist - twist
        most = self.acceleration * dt_s
        share = min(1.0, most / max(float(np.linalg.norm(change[:3])), 1e-12))
        damped = jacobian @ jacobian.T + 1e-6 * np.eye(6)
        return np.asarray(jacobian.T @ np.linalg.solve(damped, twist + change * share))


class Until:
    """Another motion until something happens, then a stop."""

    def __init__(self, motion: Motion, happens: Callable[[], bool], deceleration: float) -> None:
        self._motion = motion
        self._happens = happens
        self._stop = Brake(deceleration)

    def step(self, q: Array, qd: Array, dt_s: float) -> Array | None:
        """See ``Motion.step``."""
        if self._happens():
            self._motion = self._stop
        return self._motion.step(q, qd, dt_s)


class Compliance:
    """``force_mode``: along each selected axis the tool yields to the force that is missing.

    An admittance without inertia, capped by the limits: right in kind, not in its figures.
    """

    _DAMPING = np.array([400.0, 400.0, 400.0, 20.0, 20.0, 20.0])
    """[N s/m], [Nm s/rad]."""
    _ACCELERATION = 2.0

    def __init__(self, jacobian: Callable[[Array], Array], force: Callable[[], Array]) -> None:
        """Create a motion that stays; ``set`` says where it yields.

        Args:
            jacobian: Of the tool at given joints, base frame (6, 6).
            force: That the world exerts at the tool, base frame (6,).
        """
        self._jacobian = jacobian
        self._force = force

    def set(self, frame: Array, selection: Array, wrench: Array, limits: Array) -> None:
        """Yield anew.

        Args:
            frame: Rotation (3, 3) of the task's frame to the base.
            selection: 1 for each axis (6,) that yields.
            wrench: Force and torque (6,) to exert along them.
            limits: Their largest speeds (6,) [m/s], [rad/s].
        """
        self._frame, self._selection = frame, selection
        self._wrench, self._limits = wrench, limits

    def step(self, q: Array, qd: Array, dt_s: float) -> Array | None:
        """See ``Motion.step``; never ends."""
        frame, force = self._frame, self._force()
        felt = np.concatenate([frame.T @ force[:3], frame.T @ force[3:]])
        twist = np.clip((self._wrench + felt) / self._DAMPING, -self._limits, self._limits)
        twist = np.where(self._selection > 0, twist, 0.0)
        based = np.concatenate([frame @ twist[:3], frame @ twist[3:]])
        jacobian = self._jacobian(q)
        damped = jacobian @ jacobian.T + 1e-6 * np.eye(6)
        wanted = jacobian.T @ np.linalg.solve(damped, based)
        return towards(qd, wanted, self._ACCELERATION * dt_s)


class Path:
    """``movej`` and ``movel``: a trapezoid along a path ``s`` in [0, length]."""

    def __init__(
        self, at: Callable[[float], Array | None], length: float, speed: float, acceleration: float
    ) -> None:
        """Create a motion from rest to rest.

        Args:
            at: Joints (6,) at ``s``; ``None`` where there is no solution, which ends the motion.
            length: Length of the path, in rad or m.
            speed: In its unit per second.
            acceleration: In its unit per second squared.
        """
        self.failed = False
        self.progress = 0.0
        self._at = at
        self._length = length
        self._speed = speed
        self._acceleration = acceleration
        self._rate = 0.0

    def step(self, q: Array, qd: Array, dt_s: float) -> Array | None:
        """See ``Motion.step``."""
        del qd
        left = self._length - self.progress
        if left <= 1e-9:
            return None
        braking = math.sqrt(2.0 * self._acceleration * left)
        faster = self._rate + self._acceleration * dt_s
        self._rate = min(self._speed, faster, max(braking, 1e-6), left / dt_s)
        self.progress = min(self._length, self.progress + self._rate * dt_s)
        target = self._at(self.progress)
        if target is None:
            self.failed = True
            return None
        return (target - q) / dt_s


def joint_path(start: Array, goal: Array, speed: float, acceleration: float) -> Path:
    """Return a ``movej``: all joints arrive together; speeds are the leading joint's."""
    length = float(np.abs(goal - start).max())
    direction = (goal - start) / max(length, 1e-12)
    return Path(lambda s: start + direction * s, length, speed, acceleration)
