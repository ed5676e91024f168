"""The way home: up first, then straight to the home posture, slowly and supervised."""

from __future__ import annotations

import numpy as np

from steer_gym.robot import FaultCode, Target

from .guard import Guard
from .limits import Limits
from .poses import Array

_RETRACT_HEIGHT_M = 0.25
_PACE = 0.6
_STEP_S = 0.05
_LIMIT_S = 30.0


def go_home(guard: Guard, home: Array, limits: Limits) -> None:
    """Retract upwards, then go to the joints ``home``.

    Raises:
        RobotFault: A fault on the way, or it was not finished in 30 s.
    """
    up = guard.require_armed().sample.tcp_pose.copy()
    up[2] = max(up[2], _RETRACT_HEIGHT_M)
    travel(guard, Target(pose=limits.project(up)), pace=_PACE)
    travel(guard, Target(joints=home), pace=_PACE)


def travel(guard: Guard, target: Target, *, pace: float) -> None:
    """Go to ``target`` on a straight way with a share of the speed, and wait until it is there.

    It is given again at every look, so that an arm that has dropped it, because this computer was
    held up, takes it up again.

    Raises:
        RobotFault: A fault on the way, or it was not finished in 30 s.
    """
    waited_s = 0.0
    while True:
        guard.arm.aim(target, pace)
        guard.arm.wait(_STEP_S)
        waited_s += _STEP_S
        status = guard.require_armed()
        still = float(np.abs(status.sample.qd).max()) < 0.01
        if status.reached and still and waited_s > 2 * _STEP_S:
            return
        if waited_s > _LIMIT_S:
            detail = f"not there after {_LIMIT_S:.0f} s"
            guard.fail(FaultCode.HOMING_FAILED, detail, time_s=status.sample.time_s)
