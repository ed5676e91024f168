"""From where the tool should be to a command: over what stands in the way, at a chosen speed."""

from __future__ import annotations

import numpy as np

from .rotation import matrix, vector
from .scene import Scene, Vector

STEP_M, STEP_RAD = 0.05, 0.5
"""What 1 means in a command of LIBERO's controller."""
GAIN = 2.0
"""Translation commanded in a step over what is left, until the speed limit. With 4 the hand swings
around a place, more the later an arm is; the UR5 then presses into the table with 40 N."""
TURN_GAIN = 1.0
"""The same for rotation."""
UPRIGHT_RAD = 0.08
"""A tilt that is left as it is; the arm's home position has one of 0.06."""
FINE = 0.012
"""Within this distance a place counts as reached [m]."""
FUNNEL = 5.0
"""Slope of the funnel in which the tool comes down."""
CLIMBED_M = 0.03
"""This far below its height for travelling, the tool begins to travel."""
OVER_M = 0.03
"""Room between what is passed over and what passes."""
HAND_RADIUS_M = 0.06
"""How far the fingers and what they hold reach around the tool."""


def command(scene: Scene, target: Vector, gripper: float, *, speed: float, quarter: bool) -> Vector:
    """Return the action, (7,), that brings the tool closer to ``target``, pointing down.

    Args:
        scene: The present moment.
        target: (3,) for the tool's point [m].
        gripper: The gripper's number, as it is.
        speed: Limit of every component of the translation, 0 to 1.
        quarter: Whether the fingers close along x instead of y.
    """
    move = GAIN * (target - scene.tool) / STEP_M
    move *= min(1.0, speed / max(float(np.abs(move).max()), 1e-9))
    turn = TURN_GAIN * _turn_left(scene, quarter) / STEP_RAD
    turn *= min(1.0, speed / max(float(np.abs(turn).max()), 1e-9))
    return np.array([*move, *turn, gripper])


def way_to(place: Vector, tool: Vector, *, top: float) -> Vector:
    """Return where to go now to end at ``place``: up, across at ``top``, down in a funnel."""
    away = float(np.linalg.norm((place - tool)[:2]))
    height = float(np.clip(place[2] + FUNNEL * (away - FINE), place[2], max(top, place[2])))
    across = place if tool[2] > height - CLIMBED_M else tool
    return np.array([across[0], across[1], height])


def clearance(scene: Scene, place: Vector, *, hangs: float) -> float:
    """Return the tool height at which it passes over all that is between it and ``place``.

    Args:
        scene: The present moment.
        place: (3,), the end of the way.
        hangs: How far what must not touch is below the tool [m].
    """
    centre, half = scene.obstacles[:, :3], np.abs(scene.obstacles[:, 3:])
    start, way = scene.tool[:2], (place - scene.tool)[:2]
    along = ((centre[:, :2] - start) @ way) / max(float(way @ way), 1e-9)
    nearest = start + np.clip(along, 0.0, 1.0)[:, None] * way
    gap = (np.abs(centre[:, :2] - nearest) - half[:, :2]).max(axis=1)
    tops = (centre[:, 2] + half[:, 2])[gap < HAND_RADIUS_M]
    return float(tops.max(initial=scene.table)) + hangs + OVER_M


def _turn_left(scene: Scene, quarter: bool) -> Vector:
    """Return the rotation, (3,) [rad] in the world frame, to an upright hand; small ones are none.

    A gripper looks the same after half a turn, so the shorter way is taken.
    """
    now = matrix(scene.turn)
    closing = np.array([1.0, 0.0, 0.0]) if quarter else np.array([0.0, 1.0, 0.0])
    closing *= 1.0 if closing @ now[:, 1] >= 0 else -1.0
    down = np.array([0.0, 0.0, -1.0])
    wanted = np.stack([np.cross(closing, down), closing, down], axis=1)
    turn = vector(wanted @ now.T)
    angle = float(np.linalg.norm(turn))
    return turn * max(0.0, 1.0 - UPRIGHT_RAD / max(angle, 1e-9))
