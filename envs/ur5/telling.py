"""What ``info`` tells of a step."""

from __future__ import annotations

import math
from typing import Any

from steer_gym.robot import Accepted, Fault, Robot, RobotState

from .options import UR5Options

Info = dict[str, Any]


def told_state(state: RobotState, fault: Fault | None, *, since: RobotState) -> Info:
    """Return what is told of the robot, ``since`` the beginning of the episode."""
    return {
        "fault": fault.code.value if fault else None,
        "time_s": round(state.time_s - since.time_s, 6),
        "late": state.late - since.late,
        "force": state.force.tolist(),
        "speed_scaling": state.speed_scaling,
    }


def told_action(accepted: Accepted | None, *, clipped: bool) -> Info:
    """Return what became of an action; ``accepted`` ``None``: a fault came before it was sent."""
    if accepted is None:
        return {"clipped": clipped, "clamps": [], "target": None}
    target = accepted.target
    values = target.joints if target.pose is None else target.pose
    assert values is not None
    return {"clipped": clipped, "clamps": list(accepted.clamps), "target": values.tolist()}


def provenance(robot: Robot, options: UR5Options) -> Info:
    """Return what results depend on besides the seed."""
    identity, allowed = robot.identity, options.allowance
    return {
        "host": identity.host,
        "model": identity.model,
        "serial": identity.serial,
        "software": identity.software,
        "simulated": identity.simulated,
        "actions": options.actions,
        "image_size": list(options.image_size),
        "max_steps": options.max_steps,
        "max_clamped": allowed.max_clamped,
        "clamp_window": allowed.clamp_window,
        "max_seconds": allowed.max_seconds if math.isfinite(allowed.max_seconds) else None,
        "shadow": options.shadow,
    }
