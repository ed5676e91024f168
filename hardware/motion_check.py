"""Checks that move a UR5 by 2 cm, at a tenth of the speed: only after a person has typed so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from steer_gym.errors import SteerGymError
from steer_gym.robot import RobotError, RobotState, Target

from .arm_settings import ArmSettings
from .check import Check, check, watch
from .dashboard import Dashboard
from .network_cell import NetworkCell
from .poses import Array
from .ur5 import UR5

STROKE_M = 0.02
SPEED = 0.1
"""Share of the limits."""
_HOLD_S, _HOLD_M = 1.0, 2e-4
_GO_S, _THERE_M = 10.0, 0.005
_STILL_M_S = 1e-3
_STOP_S = 0.3
_MAY_BE_ARMED = ("NORMAL", "REDUCED")


def require_typed(host: str, serial: str, ask: Callable[[str], str]) -> None:
    """Ask a person to type the robot's serial number (its address, if it has none).

    Raises:
        SteerGymError: They typed something else; nothing has moved.
    """
    word = serial or host
    typed = ask(
        f"The arm will move {STROKE_M * 100:.0f} cm up and back at {SPEED:.0%} of its speed, and "
        "stop. Is the space around it free, and a hand at the emergency stop?\n"
        f"Type {word} to go on: "
    )
    if typed.strip() != word:
        raise SteerGymError(f"{typed.strip()!r} is not {word!r}; nothing has moved.")


def motion_checks(settings: ArmSettings, *, ask: Callable[[str], str]) -> Iterator[Check]:
    """Check that the arm holds, goes where it is told, and stops.

    Raises:
        SteerGymError: A person did not confirm.
    """
    slow = replace(settings, limits=settings.limits.scaled(SPEED))
    robot = UR5(NetworkCell(slow, cameras={}, gripper=None, simulated=False), slow)
    try:
        room = _room(robot)
        if room.verdict == "fail":
            yield room
            return
        require_typed(robot.identity.host, robot.identity.serial, ask)
        yield from _moves(robot)
    except RobotError as error:
        yield Check(name="motion", verdict="fail", detail=str(error))
    finally:
        robot.close()


def _moves(robot: UR5) -> Iterator[Check]:
    began_s = time.monotonic()
    robot.arm()
    took = f"the control program runs after {time.monotonic() - began_s:.2f} s, watchdog armed"
    yield Check(name="arming", verdict="ok", detail=took)
    yield _hold(robot)
    start = robot.state().tcp_pose
    there = start + np.array([0, 0, STROKE_M, 0, 0, 0])
    yield _go("there", robot, there)
    yield _go("back", robot, start)
    yield _stop(robot, there)


def _room(robot: UR5) -> Check:
    """Look for room above: a person consents to a motion upwards, and to no other."""
    room_m = float(robot.settings.limits.high[2] - robot.state().tcp_pose[2])
    detail = (
        f"the tool is {room_m * 1e3:.0f} mm below the ceiling of the limits, and needs "
        f"{2 * STROKE_M * 1e3:.0f} mm; lower it by hand, with free drive, and begin again"
    )
    return check("room above", room_m > 2 * STROKE_M, detail)


def _hold(robot: UR5) -> Check:
    before = robot.state().tcp_pose
    robot.wait(_HOLD_S)
    moved_m = float(np.abs(robot.state().tcp_pose - before)[:3].max())
    return check("holding", moved_m < _HOLD_M, f"{moved_m * 1e3:.2f} mm in {_HOLD_S:.0f} s")


def _go(name: str, robot: UR5, pose: Array) -> Check:
    limit = robot.settings.limits.tool_speed
    begun_s, states = robot.state().time_s, [robot.state()]
    while states[-1].time_s - begun_s < _GO_S:
        robot.command(Target(pose=pose))
        states += watch(robot.state, 0.05)
        if _off(states[-1], pose) < _THERE_M and _speed(states[-1]) < _STILL_M_S:
            break
    first = next((s.time_s - begun_s for s in states if _speed(s) > _STILL_M_S), float("nan"))
    fastest, off_m = max(map(_speed, states)), _off(states[-1], pose)
    detail = (
        f"moves after {first * 1e3:.0f} ms, at most {fastest * 1e3:.1f} mm/s of "
        f"{limit * 1e3:.0f}, in the end {off_m * 1e3:.2f} mm off"
    )
    if off_m < _THERE_M and 1.1 * limit < fastest < 1.5 * limit:
        detail += "; this computer paces the setpoints unevenly"
        return Check(name=name, verdict="warn", detail=detail)
    return check(name, off_m < _THERE_M and fastest < 1.5 * limit, detail)


def _stop(robot: UR5, pose: Array) -> Check:
    for _ in range(8):
        robot.command(Target(pose=pose))
        robot.wait(0.05)
    stopped_s = robot.state().time_s
    robot.stop()
    states = watch(robot.state, 2.0, until=lambda state: _speed(state) < _STILL_M_S)
    rest_s = states[-1].time_s - stopped_s
    with Dashboard(robot.identity.host) as dashboard:
        safety = dashboard.report().safety_status
    detail = f"at rest {rest_s * 1e3:.0f} ms after the word, safety status {safety}"
    return check("stopping", rest_s < _STOP_S and safety in _MAY_BE_ARMED, detail)


def _speed(state: RobotState) -> float:
    return float(np.linalg.norm(state.tcp_speed[:3]))


def _off(state: RobotState, pose: Array) -> float:
    return float(np.linalg.norm((state.tcp_pose - pose)[:3]))
