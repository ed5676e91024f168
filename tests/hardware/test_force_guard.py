"""What the tool feels: noise is borne, a push slows and stops the arm, a load keeps it disarmed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.force_guard import ForceGuard
from steer_gym.hardware.limits import Limits
from steer_gym.robot import FaultCode, RobotError


def pushed(newton: float) -> np.ndarray:
    return np.array([0.0, 0.0, newton, 0.0, 0.0, 0.0])


@pytest.mark.parametrize("rate_hz", [125.0, 200.0, 500.0])
def test_a_force_above_the_limit_counts_once_it_has_lasted_for_8_ms(rate_hz: float) -> None:
    guard = ForceGuard(Limits(), 1.0 / rate_hz)
    needed = 1 + int(np.ceil(0.008 * rate_hz))
    findings = [guard.see(pushed(41.0)) for _ in range(needed)]
    assert findings[:-1] == [None] * (needed - 1)
    assert findings[-1] == (FaultCode.FORCE_LIMIT, "41.0 N, limit 40.0 N")


def test_a_force_beyond_twice_the_limit_counts_at_once() -> None:
    guard = ForceGuard(Limits(), 0.008)
    assert guard.see(pushed(81.0)) == (FaultCode.FORCE_LIMIT, "81.0 N, limit 40.0 N")


def test_one_reading_below_that_neither_stops_nor_slows_the_arm() -> None:
    guard = ForceGuard(Limits(), 0.008)
    for reading in (0.0, 79.0, 0.0, 79.0, 0.0):
        assert guard.see(pushed(reading)) is None
        assert guard.pace == 1.0


def test_a_torque_stops_as_a_force_does() -> None:
    guard = ForceGuard(Limits(), 0.008)
    twist = np.array([0.0, 0.0, 0.0, 0.0, 5.5, 0.0])
    guard.see(twist)
    assert guard.see(twist) == (FaultCode.FORCE_LIMIT, "5.5 Nm, limit 5.0 Nm")


@pytest.mark.parametrize(("newton", "pace"), [(20.0, 1.0), (30.0, 0.55), (40.0, 0.1)])
def test_the_pace_falls_from_the_warning_to_the_limit(newton: float, pace: float) -> None:
    guard = ForceGuard(Limits(), 0.008)
    for _ in range(2):
        guard.see(pushed(newton))
    assert guard.pace == pytest.approx(pace)


def test_forces_count_from_what_the_tool_felt_at_rest() -> None:
    guard = ForceGuard(Limits(), 0.008)
    guard.zero(pushed(15.0))
    assert [guard.see(pushed(54.0)) for _ in range(5)] == [None] * 5
    assert guard.see(pushed(56.0)) is None
    assert guard.see(pushed(56.0)) == (FaultCode.FORCE_LIMIT, "41.0 N, limit 40.0 N")


def test_an_arm_that_presses_on_something_is_not_armed(bench: Any) -> None:
    bench.controller.plant.push[:] = (0.0, 0.0, 25.0)
    bench.robot.wait(0.1)
    with pytest.raises(RobotError, match=r"feels 25 N at rest, more than force_warning = 20 N"):
        bench.robot.arm()
    assert not bench.robot.armed
    assert not bench.controller.program_runs
    assert bench.servo_commands() == 0
    bench.controller.plant.push[:] = 0.0
    bench.robot.wait(0.1)
    bench.robot.arm()
    assert bench.robot.armed


def test_a_stop_while_the_arm_lets_go_is_the_end_of_it(bench: Any) -> None:
    bench.set_moving()
    bench.controller.plant.push[:] = (0.0, 0.0, 60.0)
    bench.robot.wait(0.1)
    assert bench.robot.fault.code is FaultCode.FORCE_LIMIT
    assert bench.controller.program_runs
    bench.robot.stop()
    assert not bench.controller.program_runs
    sent = bench.servo_commands()
    bench.robot.wait(1.0)
    assert bench.servo_commands() == sent


def test_a_safety_stop_while_the_arm_lets_go_ends_that_too(bench: Any) -> None:
    bench.set_moving()
    bench.controller.plant.push[:] = (0.0, 0.0, 60.0)
    bench.robot.wait(0.1)
    bench.controller.protective_stop("a person")
    bench.robot.wait(0.016)
    sent = bench.servo_commands()
    bench.robot.wait(1.0)
    assert bench.servo_commands() == sent
    assert not bench.controller.plays
