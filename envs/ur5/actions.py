"""What the numbers of an action ask the arm to do."""

from __future__ import annotations

import math
from typing import Literal, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from steer_gym.convention import LIBERO_DELTA, UR5_JOINTS, ActionConvention
from steer_gym.errors import ActionError
from steer_gym.robot import Accepted, Envelope, RobotState, Target

from .rotation import Array, turned

Actions = Literal["libero_delta", "joints"]

_UNIT = np.array([0.05] * 3 + [0.5] * 3)
"""What 1 means to LIBERO's controller [m], [rad]."""
_STIFFNESS = 150.0
"""Of LIBERO's controller, critically damped, for a unit mass [1/s^2]."""
_LAG_S = 0.01
"""By which the arm is asked to follow late, so that it does not stop where the next target of a
loop comes a little late."""


class Steersman(Protocol):
    """Turns actions into targets of the arm."""

    convention: ActionConvention
    space: spaces.Box

    def start(self, state: RobotState, envelope: Envelope) -> None:
        """Begin at rest where the arm is; it can follow what ``envelope`` allows."""

    def target(self, action: Array) -> Target:
        """Return where ``action`` leads in one step."""

    def accept(self, accepted: Accepted) -> None:
        """Take note of what the limits made of the last target."""


class LiberoDelta:
    """LIBERO's operational-space controller, as the motion that it gives a hand without load.

    An action pulls the hand towards a point ``0.05 m`` times the action ahead, by a critically
    damped spring, and the next step begins from where that has led, as in robosuite. So an action
    moves the arm as far as it moves LIBERO's: a full one 0.26 m/s, not the 1 m/s that adding up
    the numbers would give, and no faster than the arm can follow. The arm's target is that point,
    not the measured one plus the change: an arm that lags a little would be called back at every
    step, and would not do the same every time.
    """

    convention = LIBERO_DELTA
    space = spaces.Box(-1.0, 1.0, (7,), np.float32)

    def start(self, state: RobotState, envelope: Envelope) -> None:
        """See ``Steersman.start``."""
        self._pose, self._speed = state.tcp_pose.copy(), np.zeros(6)
        self._envelope = envelope

    def target(self, action: Array) -> Target:
        """See ``Steersman.target``."""
        step_s = 1.0 / self.convention.rate_hz
        way, speed = _spring(action[:6] * _UNIT, self._speed, step_s)
        self._way, self._speed = _followed(way, self._speed, speed, step_s, self._envelope)
        pose = np.concatenate(
            [self._pose[:3] + self._way[:3], turned(self._pose[3:], self._way[3:])]
        )
        gripper = None if action[6] == 0 else float(action[6] > 0)
        return Target(pose=pose, gripper=gripper, in_s=step_s + _LAG_S)

    def accept(self, accepted: Accepted) -> None:
        """See ``Steersman.accept``; the hand is no faster than the limits let it be."""
        pose = accepted.target.pose
        assert pose is not None
        if accepted.clamps:
            way = np.concatenate([pose[:3] - self._pose[:3], turned(-self._pose[3:], pose[3:])])
            asked = np.where(self._way == 0.0, 1.0, self._way)
            self._speed *= np.clip(way / asked, 0.0, 1.0)
        self._pose = pose


class JointPositions:
    """Absolute joint targets, as openpi's UR5 policies give them."""

    convention = UR5_JOINTS
    space = spaces.Box(
        np.array([-2 * math.pi] * 6 + [0.0], np.float32),
        np.array([2 * math.pi] * 6 + [1.0], np.float32),
    )

    def start(self, state: RobotState, envelope: Envelope) -> None:
        """See ``Steersman.start``; nothing is remembered."""

    def target(self, action: Array) -> Target:
        """See ``Steersman.target``."""
        in_s = 1.0 / self.convention.rate_hz + _LAG_S
        return Target(joints=action[:6], gripper=float(action[6]), in_s=in_s)

    def accept(self, accepted: Accepted) -> None:
        """See ``Steersman.accept``; nothing is remembered."""


STEERSMEN: dict[Actions, type[LiberoDelta] | type[JointPositions]] = {
    "libero_delta": LiberoDelta,
    "joints": JointPositions,
}
"""By the option ``actions``."""


def checked_action(action: object, space: spaces.Box) -> tuple[Array, bool]:
    """Return ``action`` as float64 within ``space``, and whether it had to be clipped.

    Raises:
        ActionError: Not seven finite numbers.
    """
    try:
        given = np.asarray(action)
    except ValueError:
        raise ActionError(f"An action is seven numbers, not {action!r}.") from None
    if given.shape != space.shape or given.dtype.kind not in "fiu":
        raise ActionError(
            f"An action has shape {space.shape} and a numeric dtype, but this has "
            f"{given.shape} and {given.dtype}."
        )
    values = given.astype(np.float64)
    if not np.isfinite(values).all():
        raise ActionError(f"An action must be finite, but is {values.tolist()}.")
    clipped = np.clip(values, space.low, space.high)
    return clipped, bool((np.abs(clipped - values) > 1e-6).any())


def _spring(pull: Array, speed: Array, dt_s: float) -> tuple[Array, Array]:
    """Return way and speed (6,) after ``dt_s`` of a critically damped pull to ``pull`` away."""
    w = math.sqrt(_STIFFNESS)
    slope = speed - w * pull
    left = (slope * dt_s - pull) * math.exp(-w * dt_s)
    return pull + left, slope * math.exp(-w * dt_s) - w * left


def _followed(
    way: Array, before: Array, after: Array, dt_s: float, envelope: Envelope
) -> tuple[Array, Array]:
    """Return way and speed (6,) as an arm can follow them that has the speed ``before``."""
    way, after = way.copy(), after.copy()
    for part, fastest, acceleration in (
        (slice(0, 3), envelope.tool_speed, envelope.tool_acceleration),
        (slice(3, 6), envelope.turn_speed, envelope.turn_acceleration),
    ):
        mean = _at_most(way[part] / dt_s, fastest)
        change = _at_most(mean - before[part], acceleration * dt_s / 2)
        way[part] = (before[part] + change) * dt_s
        speed = _at_most(after[part], fastest)
        after[part] = before[part] + _at_most(speed - before[part], acceleration * dt_s)
    return way, after


def _at_most(vector: Array, size: float) -> Array:
    return np.asarray(vector * min(1.0, size / max(float(np.linalg.norm(vector)), 1e-12)))


Action = NDArray[np.float32]
"""Seven numbers."""
