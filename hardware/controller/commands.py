"""The commands of ur_rtde's control script, by the id in integer register 0.

Left out, and answered by a runtime error that names them: force mode, free drive, teach mode,
jogging, tool contact, ``servoC``, paths of several waypoints and the dynamics queries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..kinematics import tool
from ..poses import Array, compose, pose_error, pose_matrix, rotation_matrix, rotation_vector
from .motion import Brake, JointSpeed, Path, Servo, ToolSpeed, joint_path
from .safety import JOINT_LIMIT, SERVO_JUMP_LIMIT

if TYPE_CHECKING:
    from .controller import Controller

STOP_SCRIPT = 255
SERVO_J, SERVO_L, SPEED_J, SPEED_L = 11, 24, 9, 10
REALTIME = (SERVO_J, SERVO_L, SPEED_J, SPEED_L, 26, 27, 38, 58)
"""Processed in every tick while they stay in the register."""

Call = Callable[["Controller"], bool]
"""Carries out a command; true when the program waits for the motion to end."""


class ScriptError(Exception):
    """What ends a program with a runtime error."""


def _move(c: Controller, goal: Array | None, *, linear: bool) -> bool:
    if c.motion is not None and not isinstance(c.motion, Brake):
        raise ScriptError("another thread is already controlling the robot")
    if goal is None:
        raise ScriptError("get_inverse_kin: no solution")
    speed, acceleration = c.registers.number(6), c.registers.number(7)
    asynchronous = c.registers.integer(1) == 1
    c.motion = (_line if linear else _joints)(c, goal, speed, acceleration)
    if asynchronous:
        c.begin_async()
    return not asynchronous


def _joints(c: Controller, goal: Array, speed: float, acceleration: float) -> Path:
    return joint_path(c.q.copy(), goal, speed, acceleration)


def _line(c: Controller, goal: Array, speed: float, acceleration: float) -> Path:
    """Return a ``movel`` from here to the pose of the joints ``goal``."""
    start, twist = c.arm.pose(c.q, c.tcp), pose_error(c.arm.pose(goal, c.tcp), c.pose)
    length = max(float(np.linalg.norm(twist[:3])), float(np.linalg.norm(twist[3:])), 1e-9)

    def at(s: float) -> Array | None:
        matrix = pose_matrix(start)
        turned = rotation_matrix(twist[3:] * (s / length)) @ matrix[:3, :3]
        pose = np.concatenate([start[:3] + twist[:3] * (s / length), rotation_vector(turned)])
        return c.arm.inverse(pose, c.tcp, c.q)

    return Path(at, length, speed, acceleration)


def _solve(c: Controller, pose: Array) -> Array | None:
    return c.arm.inverse(pose, c.tcp, c.q)


def _servo(c: Controller, target: Array | None) -> bool:
    if target is None:
        raise ScriptError("get_inverse_kin: no solution")
    previous = c.motion.target if isinstance(c.motion, Servo) else c.q
    jump = float(np.abs(target - previous).max())
    if jump > SERVO_JUMP_LIMIT:
        c.protective_stop(f"C204A1 sudden change in target position: {jump:.2f} rad")
        return False
    lookahead = c.registers.number(9)
    if isinstance(c.motion, Servo):
        c.motion.target, c.motion.lookahead_s = target, lookahead
    else:
        c.motion = Servo(target, lookahead)
    return False


def _servo_tool(c: Controller) -> bool:
    pose = c.registers.six(0)
    if c.solved is None or not np.array_equal(c.solved[0], pose):
        c.solved = (pose, _solve(c, pose))
    return _servo(c, c.solved[1])


def _speed(c: Controller, *, linear: bool) -> bool:
    values, acceleration = c.registers.six(0), c.registers.number(6)
    if linear:
        c.motion = ToolSpeed(values, acceleration, lambda q: c.arm.jacobian(q, c.tcp)[0])
    else:
        c.motion = JointSpeed(values, acceleration)
    return False


def _stop(c: Controller) -> bool:
    c.motion = Brake(max(c.registers.number(0), 0.1))
    return True


def _payload(c: Controller) -> bool:
    c.payload = c.registers.number(0)
    cog = c.registers.six(1)[:3]
    if cog.any():
        c.payload_cog = tuple(float(v) for v in cog)
    return False


def _set_tcp(c: Controller) -> bool:
    c.set_tcp(c.registers.six(0))
    return False


def _watchdog(c: Controller) -> bool:
    c.arm_watchdog(c.registers.number(0))
    return False


def _protective_stop(c: Controller) -> bool:
    c.protective_stop("protective_stop() called by the program")
    return False


def _say(c: Controller, value: bool | Array) -> bool:
    if isinstance(value, np.ndarray):
        c.registers.answer_six(value)
    else:
        c.registers.answer(1, int(value))
    return False


def _inverse(c: Controller, near: Array) -> bool:
    found = c.arm.inverse(c.registers.six(0), c.tcp, near)
    if found is None:
        raise ScriptError("get_inverse_kin: no solution")
    return _say(c, found)


def _number_answer(c: Controller, value: float) -> bool:
    c.registers.output_double[c.registers.offset] = value
    return False


COMMANDS: dict[int, Call] = {
    1: lambda c: _move(c, c.registers.six(0), linear=False),
    2: lambda c: _move(c, _solve(c, c.registers.six(0)), linear=False),
    3: lambda c: _move(c, _solve(c, c.registers.six(0)), linear=True),
    4: lambda c: _move(c, c.registers.six(0), linear=True),
    8: lambda c: c.zero_force(),
    SPEED_J: lambda c: _speed(c, linear=False),
    SPEED_L: lambda c: _speed(c, linear=True),
    SERVO_J: lambda c: _servo(c, c.registers.six(0)),
    15: _stop,
    16: _stop,
    17: _payload,
    SERVO_L: _servo_tool,
    26: lambda c: _number_answer(c, c.dt_s),
    27: lambda c: _say(c, c.plant.q),
    29: _set_tcp,
    30: lambda c: _inverse(c, c.registers.six(6)),
    31: _protective_stop,
    33: _stop,
    34: _stop,
    35: _watchdog,
    36: lambda c: _say(c, _solve(c, c.registers.six(0)) is not None),
    37: lambda c: _say(c, bool(np.abs(c.registers.six(0)).max() <= JOINT_LIMIT)),
    38: lambda c: _say(c, np.zeros(6)),
    39: lambda c: _say(c, compose(c.registers.six(0), c.registers.six(6))),
    40: lambda c: _say(c, c.tcp_pose),
    43: lambda c: _say(c, c.pose),
    44: lambda c: _say(c, c.arm.pose(c.registers.six(0), tool(c.registers.six(6).tolist()))),
    46: lambda c: _inverse(c, c.q),
    47: lambda c: _say(c, not c.qd.any()),
    58: lambda c: _say(c, c.arm.pose(c.q, np.eye(4))),
    60: lambda c: _say(c, _solve(c, c.registers.six(0)) is not None),
    61: lambda c: _say(c, c.arm.inverse(c.registers.six(0), c.tcp, c.registers.six(6)) is not None),
    65: _payload,
}
"""Command id -> what it does."""

NUMBERS = {
    **dict.fromkeys((1, 2, 3, 4, SPEED_J, SPEED_L), 8),
    **dict.fromkeys((SERVO_J, SERVO_L), 11),
    **dict.fromkeys((29, 36, 37, 46, 60), 6),
    **dict.fromkeys((15, 16, 33, 34, 35), 1),
    **dict.fromkeys((30, 61), 14),
    **dict.fromkeys((39, 44), 12),
    17: 4,
    65: 10,
}
"""How many double registers each command reads."""
