"""The fault matrix, in the controller's time; the numbers are those of the protocol notes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.limits import Limits
from steer_gym.hardware.modes import RobotMode, SafetyMode
from steer_gym.robot import FaultCode, RobotError, RobotFault, Target, TargetError

THREE_CYCLES_S = 3 * 0.008
AWAY = np.array([0.0, 0.25, 0.0, 0.0, 0.0, 0.0])


def go(bench: Any, seconds: float, offset: np.ndarray = AWAY) -> None:
    """Chase a target ahead of the tool, renewed every 50 ms, until a fault or the time is over."""
    for _ in range(round(seconds / 0.05)):
        if bench.robot.fault:
            return
        pose = bench.robot.state().tcp_pose + offset
        bench.robot.command(Target(pose=pose))
        bench.robot.wait(0.05)


def moving(bench: Any) -> float:
    bench.robot.arm()
    go(bench, 0.6)
    assert np.linalg.norm(bench.robot.state().tcp_speed[:3]) > 0.2
    return float(bench.controller.time_s)


def require_fault(bench: Any, code: FaultCode, since_s: float, within_s: float) -> None:
    assert bench.robot.fault is not None
    assert bench.robot.fault.code is code
    assert bench.robot.fault.time_s - since_s <= within_s + 1e-9
    assert not bench.robot.armed
    with pytest.raises(RobotFault, match="recover"):
        bench.robot.command(Target(pose=bench.robot.state().tcp_pose))


class CutPort:
    """An arm's port whose answers stop: lost (``None``) or frozen; setpoints go nowhere."""

    def __init__(self, port: Any, *, frozen: bool) -> None:
        self.tick, self.start, self.stop = port.tick, port.start, lambda deceleration: None
        self._last = port.read() if frozen else None

    def read(self) -> Any:
        return self._last

    def servo(self, q: Any) -> bool:
        return True


@pytest.mark.parametrize(
    ("frozen", "code", "within_s"),
    [(False, FaultCode.CONNECTION_LOST, 0.008), (True, FaultCode.STALE_STATE, 0.112)],
)
def test_1_3_a_link_that_breaks_or_freezes_is_noticed_and_the_watchdog_stops_the_arm(
    bench: Any, frozen: bool, code: FaultCode, within_s: float
) -> None:
    cut_s = moving(bench)
    arm = bench.robot._guard.arm
    arm._port = arm._driver._port = CutPort(arm._port, frozen=frozen)
    bench.robot.wait(0.5)
    require_fault(bench, code, cut_s, within_s)
    assert bench.controller.safety.reason == "RTDE watchdog"
    assert bench.still_after(cut_s) < 0.1 + 0.1


def test_6_a_protective_stop_is_latched_in_three_cycles(bench: Any) -> None:
    stopped_s = moving(bench)
    bench.controller.protective_stop("C153")
    go(bench, 0.3)
    require_fault(bench, FaultCode.PROTECTIVE_STOP, stopped_s, THREE_CYCLES_S)
    assert bench.still_after(stopped_s) < 0.15


def test_7_after_recovery_nothing_moves_by_itself(bench: Any) -> None:
    moving(bench)
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
    moving(bench)
    bench.controller._after(0.3, lambda: bench.controller.protective_stop("C153"))
    with pytest.raises(RobotFault, match="PROTECTIVE_STOP"):
        bench.robot.home()
    sent = bench.servo_commands()
    bench.robot.wait(1.0)
    assert bench.servo_commands() == sent


def test_9_an_emergency_stop_needs_a_person_at_the_robot(bench: Any) -> None:
    stopped_s = moving(bench)
    bench.controller.enter_safety(SafetyMode.ROBOT_EMERGENCY_STOP, "button")
    go(bench, 0.3)
    require_fault(bench, FaultCode.EMERGENCY_STOP, stopped_s, THREE_CYCLES_S)
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
    stopped_s = moving(bench)
    bench.controller.enter_safety(mode, "test")
    go(bench, 0.3)
    require_fault(bench, code, stopped_s, THREE_CYCLES_S)
    assert bench.still_after(stopped_s) < 0.25


def test_10_reduced_mode_goes_on(bench: Any) -> None:
    moving(bench)
    bench.controller.enter_safety(SafetyMode.REDUCED, "test")
    go(bench, 0.3, -AWAY)
    assert bench.robot.fault is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"pose": np.full(6, np.nan)},
        {"pose": np.array([0.4, 0.0, np.inf, 0.0, 0.0, 0.0])},
        {"joints": np.zeros(5)},
        {"joints": np.zeros(6, dtype=int)},
        {"pose": np.zeros(6), "joints": np.zeros(6)},
        {"joints": np.zeros(6), "gripper": 1.5},
    ],
)
def test_11_nonsense_is_refused_before_anything_is_sent(bench: Any, wrong: Any) -> None:
    bench.robot.arm()
    sent = bench.servo_commands()
    with pytest.raises(TargetError):
        bench.robot.command(Target(**wrong))
    assert bench.servo_commands() == sent


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_12_the_tool_stays_in_its_box(bench: Any, axis: int, sign: float) -> None:
    bench.robot.arm()
    offset = np.zeros(6)
    offset[axis] = sign * 0.4
    for _ in range(50):
        accepted = bench.robot.command(Target(pose=bench.robot.state().tcp_pose + offset))
        bench.robot.wait(0.05)
    assert accepted.clamps
    limits = bench.robot.settings.limits
    assert (bench.controller.extremes.lowest > np.array(limits.low) - 1e-3).all()
    assert (bench.controller.extremes.highest < np.array(limits.high) + 1e-3).all()


def test_13_an_arm_that_stands_outside_is_not_armed(bench: Any) -> None:
    q = bench.controller.q.copy()
    q[0] += 1.5
    bench.controller.plant.place(q)
    bench.controller.q = q
    bench.controller.tick()
    with pytest.raises(RobotError, match="outside its limits"):
        bench.robot.arm()
    assert bench.servo_commands() == 0


def test_14_a_target_that_stays_out_of_reach_is_a_fault_and_no_runtime_error(bench: Any) -> None:
    bench.robot.close()
    bench = type(bench)(limits=Limits(high=(0.95, 0.4, 0.5)))
    bench.robot.arm()
    go(bench, 8.0, np.array([0.3, 0.0, 0.0, 0.0, 0.0, 0.0]))
    assert bench.robot.fault is not None
    assert bench.robot.fault.code is FaultCode.IK_FAILED
    assert not [e for e in bench.controller.events.since(0.0) if e["kind"] == "runtime_error"]
    assert bench.controller.extremes.joint_speed < 1.05
    bench.robot.close()


def test_15_a_jump_of_two_radians_is_a_slow_motion(bench: Any) -> None:
    bench.robot.arm()
    joints = bench.robot.state().joints.copy()
    joints[0] += 2.0
    accepted = bench.robot.command(Target(joints=joints))
    assert "leash" in accepted.clamps
    bench.robot.wait(0.5)
    assert bench.robot.fault is None
    assert bench.controller.extremes.joint_speed < 1.05
    assert bench.controller.extremes.tool_speed < 0.26


def test_16_a_policy_that_stalls_holds_the_arm_and_goes_on_smoothly(bench: Any) -> None:
    moving(bench)
    bench.robot.wait(1.0)
    held = bench.robot.state()
    assert held.late >= 1
    assert np.linalg.norm(held.tcp_speed[:3]) < 1e-3
    bench.controller.extremes.clear()
    go(bench, 0.3, -AWAY)
    assert bench.robot.fault is None
    assert bench.controller.extremes.tool_speed < 0.26


def test_17_a_client_that_dies_is_stopped_by_the_watchdog(bench: Any) -> None:
    died_s = moving(bench)
    for _ in range(500):
        bench.controller.tick()
    assert bench.controller.safety.mode is SafetyMode.PROTECTIVE_STOP
    assert bench.still_after(died_s) < 0.1 + 0.1


@pytest.mark.parametrize("action", ["stop", "pause", "replace"])
def test_19_a_program_that_is_stopped_paused_or_replaced_is_a_fault(
    bench: Any, action: str
) -> None:
    stopped_s = moving(bench)
    controller = bench.controller
    {
        "stop": lambda: controller.end_program("pendant"),
        "pause": controller.pause,
        "replace": lambda: controller.upload("def other():\n  sleep(1)\nend\n"),
    }[action]()
    go(bench, 0.3)
    require_fault(bench, FaultCode.PROGRAM_STOPPED, stopped_s, THREE_CYCLES_S)
    assert bench.still_after(stopped_s) < 0.15


def test_19_a_speed_slider_at_nothing_is_no_fault(bench: Any) -> None:
    moving(bench)
    bench.controller.speed_slider = 0.0
    go(bench, 0.5)
    assert bench.robot.fault is None
    assert bench.robot.state().speed_scaling == 0.0


def test_20_without_remote_control_or_power_it_is_not_armed(bench: Any) -> None:
    bench.controller.remote = False
    with pytest.raises(RobotError, match="local control"):
        bench.robot.arm()
    bench.controller.remote = True
    bench.controller.mode = RobotMode.IDLE
    with pytest.raises(RobotError, match="IDLE"):
        bench.robot.arm()


def test_25_a_growing_force_slows_the_arm_and_stops_it(bench: Any) -> None:
    moving(bench)
    for newton in np.linspace(0.0, 60.0, 60):
        bench.controller.plant.push[:] = (0.0, 0.0, newton)
        go(bench, 0.05, np.array([0.0, -0.1, 0.0, 0.0, 0.0, 0.0]))
        if bench.robot.fault:
            break
    assert bench.robot.fault.code is FaultCode.FORCE_LIMIT
    assert newton < 45.0
    bench.robot.wait(0.3)
    assert np.linalg.norm(bench.robot.state().tcp_speed[:3]) < 1e-3


def test_26_closing_twice_stops_the_arm_once(bench: Any) -> None:
    closed_s = moving(bench)
    bench.robot.close()
    bench.robot.close()
    for _ in range(250):
        bench.controller.tick()
    assert bench.still_after(closed_s) < 0.15
    assert bench.controller.safety.mode is SafetyMode.NORMAL
    assert not bench.controller.program_runs


@pytest.mark.parametrize(
    "seconds", [20.0, pytest.param(600.0, marks=pytest.mark.hardware)], ids=["short", "long"]
)
def test_28_random_targets_and_stops_never_break_a_limit(bench: Any, seconds: float) -> None:
    rng = np.random.default_rng(0)
    bench.robot.arm()
    bench.controller.extremes.clear()
    for _ in range(round(seconds / 0.05)):
        if bench.robot.fault:
            bench.robot.recover(acknowledged_by="the test")
            bench.robot.arm()
        state = bench.robot.state()
        if rng.random() < 0.5:
            target = Target(pose=state.tcp_pose + rng.normal(0, 0.3, 6))
        else:
            target = Target(joints=state.joints + rng.normal(0, 1.0, 6))
        bench.robot.command(target)
        if rng.random() < 0.005:
            bench.controller.protective_stop("random")
        bench.robot.wait(0.05)
    seen, limits = bench.controller.extremes, bench.robot.settings.limits
    assert (seen.lowest > np.array(limits.low) - 1e-3).all()
    assert (seen.highest < np.array(limits.high) + 1e-3).all()
    assert seen.joint_speed < limits.joint_speed * 1.05
