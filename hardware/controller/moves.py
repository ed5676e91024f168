"""Motions that programs start: URScript's ``movej``, ``servoj``, ``speedl`` and their like."""

from __future__ import annotations

import numpy as np

from ..poses import Array, pose_error, pose_matrix, rotation_matrix, rotation_vector
from .endings import ProtectiveStop, ScriptError
from .machine import Machine
from .motion import Brake, Compliance, JointSpeed, Motion, Path, Servo, ToolSpeed, Until, joint_path
from .safety import SERVO_JUMP_LIMIT


def solve(m: Machine, pose: Array, near: Array | None = None) -> Array:
    """Return the joints that reach ``pose``, by ``get_inverse_kin``.

    Raises:
        ScriptError: There are none.
    """
    found = m.arm.inverse(pose, m.tcp, m.q if near is None else near)
    if found is None:
        raise ScriptError("get_inverse_kin: no solution")
    return found


def start(m: Machine, motion: Motion, *instead_of: type) -> None:
    """Let ``motion`` move the reference.

    Raises:
        ScriptError: A motion runs that is none of ``instead_of``, and that only a stop ends.
    """
    if m.motion is not None and not isinstance(m.motion, (Brake, *instead_of)):
        raise ScriptError("another thread is already controlling the robot")
    m.motion = motion


def move_joints(m: Machine, goal: Array, speed: float, acceleration: float) -> None:
    """``movej``; a move that runs asynchronously is replaced."""
    start(m, joint_path(m.q.copy(), goal, speed, acceleration), Path)


def move_line(m: Machine, goal: Array, speed: float, acceleration: float) -> None:
    """``movel`` to the pose of the joints ``goal``."""
    begin, twist = m.pose, pose_error(m.arm.pose(goal, m.tcp), m.pose)
    length = max(float(np.linalg.norm(twist[:3])), float(np.linalg.norm(twist[3:])), 1e-9)

    def at(s: float) -> Array | None:
        matrix = pose_matrix(begin)
        turned = rotation_matrix(twist[3:] * (s / length)) @ matrix[:3, :3]
        pose = np.concatenate([begin[:3] + twist[:3] * (s / length), rotation_vector(turned)])
        return m.arm.inverse(pose, m.tcp, m.q)

    start(m, Path(at, length, speed, acceleration), Path)


def servo(m: Machine, target: Array, lookahead_s: float) -> None:
    """``servoj``.

    Raises:
        ProtectiveStop: The target jumps.
    """
    running = m.motion if isinstance(m.motion, Servo) else None
    jump = float(np.abs(target - (running.target if running else m.q)).max())
    if jump > SERVO_JUMP_LIMIT:
        raise ProtectiveStop(f"C204A1 sudden change in target position: {jump:.2f} rad")
    if running:
        running.target, running.lookahead_s = target, lookahead_s
    else:
        start(m, Servo(target, lookahead_s))


def servo_tool(m: Machine, pose: Array, lookahead_s: float) -> None:
    """``servoj`` to a pose, solved once for each."""
    if m.solved is None or not np.array_equal(m.solved[0], pose):
        m.solved = (pose, solve(m, pose))
    assert m.solved[1] is not None
    servo(m, m.solved[1], lookahead_s)


def speed_joints(m: Machine, speeds: Array, acceleration: float) -> None:
    """``speedj``."""
    start(m, JointSpeed(speeds, acceleration), JointSpeed, ToolSpeed)


def speed_tool(m: Machine, twist: Array, acceleration: float, frame: Array | None = None) -> None:
    """``speedl`` in the frame of the base, or in that of the rotation ``frame`` (3, 3)."""
    if frame is not None:
        twist = np.concatenate([frame @ twist[:3], frame @ twist[3:]])
    start(m, _tool_speed(m, twist, acceleration), JointSpeed, ToolSpeed)


def speed_until_contact(m: Machine, twist: Array, acceleration: float) -> None:
    """``speedl`` until the tool touches something, then a stop."""
    start(m, Until(_tool_speed(m, twist, acceleration), lambda: m.touching, 3.0))


def _tool_speed(m: Machine, twist: Array, acceleration: float) -> ToolSpeed:
    return ToolSpeed(twist, acceleration, lambda q: m.arm.jacobian(q, m.tcp)[0])


def comply(m: Machine, task: Array, selection: Array, wrench: Array, limits: Array) -> None:
    """``force_mode``: give way along the selected axes of the frame ``task``."""
    frame = pose_matrix(task)[:3, :3]
    if isinstance(m.motion, Compliance):
        m.motion.set(frame, selection, wrench, limits)
        return
    motion = Compliance(lambda q: m.arm.jacobian(q, m.tcp)[0], lambda: m.force)
    motion.set(frame, selection, wrench, limits)
    start(m, motion)


def brake(m: Machine, deceleration: float) -> None:
    """``stopj`` and ``stopl``: end whatever moves."""
    m.motion = Brake(max(deceleration, 0.1))
