"""Stops of every kind, in the controller's time: latched in three cycles, and told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.modes import RobotMode, SafetyMode
from steer_gym.robot import FaultCode, RobotError, RobotFault

from .chasing import AWAY

THREE_CYCLES_S = 3 * 0.008


def test_6_a_protective_stop_is_latched_in_three_cycles(bench: Any) -> None:
    stopped_s = bench.set_moving()
    bench.controller.protective_stop("C153")
    bench.go(0.3)
    bench.require_fault(FaultCode.PROTECTIVE_STOP, stopped_s, THREE_CYCLES_S)
    assert bench.still_after(stopped_s) < 0.15


def test_7_after_recovery_nothing_moves_by_itself(bench: Any) -> None:
    bench.set_moving()
    bench.controller.protective_stop("C153")
    bench.robot.wait(0.5)
    with pytest.raises(RobotError, match="name"):
        bench.robot.recover(acknowledged_by=" ")
    stopped_s = bench.controller.safety.since_s
    bench.robot.recover(acknowledged_by="the test")
    assert bench.controller.time_s - stopped_s >= 5.0
    assert bench.robot.fault is None
    assert not bench.robot.armed
    before = bench.robot.state().tcp_pose
    bench.robot.wait(1.0)
    bench.robot.arm()
    bench.robot.wait(1.0)
    assert np.abs(bench.robot.state().tcp_pose[:3] - before[:3]).max() < 1e-4


def test_8_a_protective_stop_on_the_way_home_raises_and_nothing_is_tried_again(bench: Any) -> None:
    bench.set_moving()
    bench.controller.after(0.3, lambda: bench.controller.protective_stop("C153"))
    with pytest.raises(RobotFault, match="PROTECTIVE_STOP"):
        bench.robot.home()
    sent = bench.servo_commands()
    bench.robot.wait(1.0)
    assert bench.servo_commands() == sent


def test_9_an_emergency_stop_needs_a_person_at_the_robot(bench: Any) -> None:
    stopped_s = bench.set_moving()
    bench.controller.enter_safety(SafetyMode.ROBOT_EMERGENCY_STOP, "button")
    bench.go(0.3)
    bench.require_fault(FaultCode.EMERGENCY_STOP, stopped_s, THREE_CYCLES_S)
    with pytest.raises(RobotError, match="person"):
        bench.robot.recover(acknowledged_by="the test")


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (SafetyMode.SAFEGUARD_STOP, FaultCode.SAFEGUARD_STOP),
        (SafetyMode.AUTOMATIC_MODE_SAFEGUARD_STOP, FaultCode.SAFEGUARD_STOP),
        (SafetyMode.SYSTEM_EMERGENCY_STOP, FaultCode.EMERGENCY_STOP),
        (SafetyMode.VIOLATION, FaultCode.SAFETY_VIOLATION),
        (SafetyMode.FAULT, FaultCode.SAFETY_FAULT),
        (SafetyMode.RECOVERY, FaultCode.RECOVERY_MODE),
        (SafetyMode.SYSTEM_THREE_POSITION_ENABLING_STOP, FaultCode.THREE_POSITION_STOP),
    ],
)
def test_10_every_stop_is_told_apart(bench: Any, mode: SafetyMode, code: FaultCode) -> None:
    stopped_s = bench.set_moving()
    bench.controller.enter_safety(mode, "test")
    bench.go(0.3)
    bench.require_fault(code, stopped_s, THREE_CYCLES_S)
    assert bench.still_after(stopped_s) < 0.25


def test_10_reduced_mode_goes_on(bench: Any) -> None:
    bench.set_moving()
    bench.controller.enter_safety(SafetyMode.REDUCED, "test")
    bench.go(0.3, -AWAY)
    assert bench.robot.fault is None


def test_a_switch_to_local_control_is_latched_in_three_cycles_and_stops_in_order(
    bench: Any,
) -> None:
    lost_s = bench.set_moving()
    bench.controller.remote = False
    bench.go(0.3)
    bench.require_fault(FaultCode.REMOTE_CONTROL_LOST, lost_s, THREE_CYCLES_S)
    assert bench.still_after(lost_s) < 0.15
    assert bench.controller.safety.mode is SafetyMode.NORMAL
    assert not bench.controller.program_runs
    bench.robot.recover(acknowledged_by="the test")
    with pytest.raises(RobotError, match="local control"):
        bench.robot.arm()


@pytest.mark.parametrize("action", ["stop", "pause", "replace"])
def test_19_a_program_that_is_stopped_paused_or_replaced_is_a_fault(
    bench: Any, action: str
) -> None:
    stopped_s = bench.set_moving()
    controller = bench.controller
    {
        "stop": lambda: controller.end_program("pendant"),
        "pause": controller.pause,
        "replace": lambda: controller.upload("def other():\n  sleep(1)\nend\n"),
    }[action]()
    bench.go(0.3)
    bench.require_fault(FaultCode.PROGRAM_STOPPED, stopped_s, THREE_CYCLES_S)
    assert bench.still_after(stopped_s) < 0.15


def test_19_a_speed_slider_at_nothing_is_no_fault(bench: Any) -> None:
    bench.set_moving()
    bench.controller.speed_slider = 0.0
    bench.go(0.5)
    assert bench.robot.fault is None
    assert bench.robot.state().speed_scaling == 0.0


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5])
def test_19_a_speed_slider_that_is_let_go_is_not_caught_up_with(
    bench: Any, fraction: float
) -> None:
    bench.set_moving()
    bench.go(0.5, -AWAY)
    for speed in (fraction, 1.0, fraction, 1.0):
        bench.controller.speed_slider = speed
        bench.go(0.6, np.array([0.0, -0.25, 0.1, 0.0, 0.0, 0.4]))
    assert bench.robot.fault is None
    assert bench.controller.extremes.tool_speed < 0.26
    assert bench.controller.extremes.joint_speed < 1.05


def test_20_without_remote_control_or_power_it_is_not_armed(bench: Any) -> None:
    bench.controller.remote = False
    with pytest.raises(RobotError, match="local control"):
        bench.robot.arm()
    bench.controller.remote = True
    bench.controller.mode = RobotMode.IDLE
    with pytest.raises(RobotError, match="IDLE"):
        bench.robot.arm()


def test_25_a_growing_force_slows_the_arm_and_stops_it(bench: Any) -> None:
    bench.set_moving()
    for newton in np.linspace(0.0, 60.0, 60):
        bench.controller.plant.push[:] = (0.0, 0.0, newton)
        bench.go(0.05, np.array([0.0, -0.1, 0.0, 0.0, 0.0, 0.0]))
        if bench.robot.fault:
            break
    assert bench.robot.fault.code is FaultCode.FORCE_LIMIT
    assert newton < 45.0
    bench.robot.wait(0.3)
    assert np.linalg.norm(bench.robot.state().tcp_speed[:3]) < 1e-3


def test_26_closing_twice_stops_the_arm_once(bench: Any) -> None:
    closed_s = bench.set_moving()
    bench.robot.close()
    bench.robot.close()
    for _ in range(250):
        bench.controller.tick()
    assert bench.still_after(closed_s) < 0.15
    assert bench.controller.safety.mode is SafetyMode.NORMAL
    assert not bench.controller.program_runs


def test_a_setpoint_that_is_refused_before_the_reason_shows_gets_the_reason(bench: Any) -> None:
    stopped_s = bench.set_moving()
    port = bench.robot._guard.arm._port
    reading = port.read()
    bench.controller.enter_safety(SafetyMode.ROBOT_EMERGENCY_STOP, "button")
    port.read = lambda: reading
    bench.robot.wait(0.008)
    assert bench.robot.fault is None
    sent = bench.servo_commands()
    del port.read
    bench.robot.wait(0.05)
    bench.require_fault(FaultCode.EMERGENCY_STOP, stopped_s, within_s=4 * 0.008)
    assert bench.servo_commands() == sent
