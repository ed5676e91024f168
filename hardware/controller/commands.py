"""The commands of ur_rtde's control script, by the id in integer register 0.

Left out, and answered by a runtime error that names them: direct torque, and the dynamics of the
arm (mass matrix, Coriolis torques, the Jacobian's derivative).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..kinematics import tool
from ..poses import Array, compose, pose_matrix
from .endings import ProtectiveStop
from .machine import Machine
from .moves import (
    brake,
    comply,
    move_joints,
    move_line,
    servo,
    servo_tool,
    solve,
    speed_joints,
    speed_tool,
    speed_until_contact,
)
from .safety import JOINT_LIMIT

MOVE_PATH, STOP_SCRIPT = 45, 255
SERVO_J, SERVO_L, SPEED_J, SPEED_L = 11, 24, 9, 10
REALTIME = (SERVO_J, SERVO_L, SPEED_J, SPEED_L, 6, 25, 26, 27, 38, 58, 69, 70)
"""Processed in every tick while they stay in the register."""

Call = Callable[[Machine], bool | None]
"""Carries out a command; true when the program waits for the motion to end."""


def _move(m: Machine, goal: Array, *, linear: bool) -> bool:
    speed, acceleration = m.registers.number(6), m.registers.number(7)
    asynchronous = m.registers.integer(1) == 1
    (move_line if linear else move_joints)(m, goal, speed, acceleration)
    if asynchronous:
        m.begin_async()
    return not asynchronous


def _circle(m: Machine) -> None:
    """``servoc``, without its blend: straight to the pose, and to the next one from there."""
    move_line(m, solve(m, m.registers.six(0)), m.registers.number(6), m.registers.number(7))


def _stop(m: Machine, deceleration: float) -> bool:
    asynchronous = m.registers.integer(1) == 1 and m.registers.command in (33, 34)
    brake(m, deceleration)
    if asynchronous:
        m.begin_async()
    return not asynchronous


def _stop_as_told(m: Machine) -> bool:
    return _stop(m, m.registers.number(0))


def _comply(m: Machine) -> None:
    selection = np.array([m.registers.integer(i) for i in range(2, 8)])
    six = m.registers.six
    comply(m, six(0), selection, six(6), np.abs(six(12)))


def _jog(m: Machine) -> None:
    frames = {1: m.tool_pose, 2: m.registers.six(8)}
    frame = frames.get(round(m.registers.number(6)))
    rotation = None if frame is None else pose_matrix(frame)[:3, :3]
    speed_tool(m, m.registers.six(0), m.registers.number(7), rotation)


def _until_contact(m: Machine) -> bool:
    speed_until_contact(m, m.registers.six(0), m.registers.number(12))
    return True


def _payload(m: Machine) -> None:
    if "payload" not in m.overruled:
        m.payload = m.registers.number(0)
    cog = m.registers.six(1)[:3]
    # As in ur_rtde's script: none given leaves the last one.
    if cog.any() and "payload_cog" not in m.overruled:
        m.payload_cog = tuple(float(v) for v in cog)


def _watchdog(m: Machine) -> None:
    frequency_hz = m.registers.number(0)
    m.watchdog.arm(frequency_hz, m.time_s)
    m.note("watchdog_armed", frequency_hz=frequency_hz)


def _protective_stop(_: Machine) -> None:
    raise ProtectiveStop("protective_stop() called by the program")


def _jacobian(m: Machine) -> None:
    columns = m.arm.jacobian(m.q, m.tcp)[0].T.ravel().tolist()
    places = [*range(24), *range(36, 48)]
    for place, value in zip(places, columns, strict=True):
        m.registers.output_double[place] = value


def _tell(answer: Callable[[Machine], Array]) -> Call:
    def call(m: Machine) -> None:
        m.registers.answer_six(answer(m))

    return call


def _say(answer: Callable[[Machine], int]) -> Call:
    def call(m: Machine) -> None:
        m.registers.answer(1, int(answer(m)))

    return call


def _step_time(m: Machine) -> None:
    m.registers.output_double[m.registers.offset] = m.dt_s


def _reaches(m: Machine, near: Array) -> bool:
    return m.arm.inverse(m.registers.six(0), m.tcp, near) is not None


def _accept(_: Machine) -> None:
    """Do nothing: what this sets is not simulated."""


COMMANDS: dict[int, Call] = {
    1: lambda m: _move(m, m.registers.six(0), linear=False),
    2: lambda m: _move(m, solve(m, m.registers.six(0)), linear=False),
    3: lambda m: _move(m, solve(m, m.registers.six(0)), linear=True),
    4: lambda m: _move(m, m.registers.six(0), linear=True),
    6: _comply,
    7: lambda m: _stop(m, 10.0),
    8: Machine.zero_force,
    SPEED_J: lambda m: speed_joints(m, m.registers.six(0), m.registers.number(6)),
    SPEED_L: lambda m: speed_tool(m, m.registers.six(0), m.registers.number(6)),
    SERVO_J: lambda m: servo(m, m.registers.six(0), m.registers.number(9)),
    12: _circle,
    15: _stop_as_told,
    16: _stop_as_told,
    17: _payload,
    18: _accept,
    19: _accept,
    20: _accept,
    21: _accept,
    SERVO_L: lambda m: servo_tool(m, m.registers.six(0), m.registers.number(9)),
    25: _say(lambda m: m.touching),
    26: _step_time,
    27: _tell(lambda m: m.plant.q),
    28: _tell(lambda m: m.pose),
    29: lambda m: m.set_tcp(m.registers.six(0)),
    30: _tell(lambda m: solve(m, m.registers.six(0), m.registers.six(6))),
    31: _protective_stop,
    33: _stop_as_told,
    34: _stop_as_told,
    35: _watchdog,
    36: _say(lambda m: _reaches(m, m.q)),
    37: _say(lambda m: bool(np.abs(m.registers.six(0)).max() <= JOINT_LIMIT)),
    38: _tell(lambda _: np.zeros(6)),
    39: _tell(lambda m: compose(m.registers.six(0), m.registers.six(6))),
    40: _tell(lambda m: m.tcp_pose),
    41: _jog,
    42: lambda m: _stop(m, 1.2),
    43: _tell(lambda m: m.pose),
    44: _tell(lambda m: m.arm.pose(m.registers.six(0), tool(m.registers.six(6).tolist()))),
    46: _tell(lambda m: solve(m, m.registers.six(0))),
    47: _say(lambda m: not m.qd.any()),
    51: _until_contact,
    52: _accept,
    53: _accept,
    54: _say(lambda _: 0),
    56: _accept,
    57: _accept,
    58: _tell(lambda m: m.arm.pose(m.q, np.eye(4))),
    59: _accept,
    60: _say(lambda m: _reaches(m, m.q)),
    61: _say(lambda m: _reaches(m, m.registers.six(6))),
    62: _accept,
    63: _say(lambda m: m.touching),
    64: _say(lambda m: m.touching),
    65: _payload,
    69: _tell(lambda m: m.qdd),
    70: _jacobian,
}
"""Command id -> what it does; ``MOVE_PATH`` and ``STOP_SCRIPT`` are the program's own."""

NUMBERS = {
    **dict.fromkeys((1, 2, 3, 4, SPEED_J, SPEED_L), 8),
    **dict.fromkeys((SERVO_J, SERVO_L), 11),
    **dict.fromkeys((25, 29, 36, 37, 46, 60), 6),
    **dict.fromkeys((15, 16, 20, 21, 33, 34, 35), 1),
    **dict.fromkeys((30, 41, 61), 14),
    **dict.fromkeys((39, 44), 12),
    6: 18,
    12: 9,
    17: 4,
    51: 13,
    65: 10,
}
"""How many double registers each command reads."""
