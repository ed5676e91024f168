"""Wild targets: refused, projected or slowed down, whatever the policy wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.limits import Limits
from steer_gym.hardware.modes import SafetyMode
from steer_gym.robot import FaultCode, RobotError, Target, TargetError

from .chasing import AWAY


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
def test_11_nonsense_is_refused_before_anything_is_sent(make_bench: Any, wrong: Any) -> None:
    bench, undisturbed = make_bench(), make_bench()
    for each in (bench, undisturbed):
        each.set_moving()
    with pytest.raises(TargetError):
        bench.robot.command(Target(**wrong))
    # In step-locked time nothing goes out before time passes.
    for each in (bench, undisturbed):
        each.robot.wait(0.1)
    assert bench.servo_commands() == undisturbed.servo_commands() > 0
    assert bench.cell.gripper.registers == undisturbed.cell.gripper.registers
    np.testing.assert_array_equal(bench.controller.tool_pose, undisturbed.controller.tool_pose)


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


@pytest.mark.parametrize(("outside_m", "armed"), [(0.0002, True), (0.0008, True), (0.0012, False)])
def test_13_an_arm_that_was_pushed_out_a_little_is_armed_and_goes_no_further_but_back(
    make_bench: Any, outside_m: float, armed: bool
) -> None:
    edge = 0.45 + outside_m
    bench = make_bench(limits=Limits(low=(edge, -0.4, 0.015)))
    if not armed:
        with pytest.raises(RobotError, match="outside its limits"):
            bench.robot.arm()
        return
    bench.robot.arm()
    bench.controller.extremes.clear()
    bench.go(0.8, np.array([-0.1, 0.1, 0.0, 0.0, 0.0, 0.0]))
    assert bench.controller.extremes.lowest[0] > 0.45 - 2.5e-4
    bench.go(0.5, np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0]))
    assert bench.robot.fault is None
    assert bench.robot.state().tcp_pose[0] > edge + 0.02


def test_13_an_arm_that_stands_out_a_little_when_the_speed_slider_is_turned_goes_back(
    make_bench: Any,
) -> None:
    edge = 0.45 + 0.0002
    bench = make_bench(limits=Limits(low=(edge, -0.4, 0.015)))
    bench.robot.arm()
    c = bench.controller
    pose = c.tool_pose.copy()
    pose[0] = edge - 0.0008
    c.q = c.arm.inverse(pose, c.tcp, c.q)
    c.plant.place(c.q)
    c.speed_slider = 0.5
    bench.go(2.0, np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0]))
    assert bench.robot.fault is None
    assert bench.robot.state().tcp_pose[0] > edge + 0.02


def test_14_a_target_that_stays_out_of_reach_is_a_fault_and_no_runtime_error(
    make_bench: Any,
) -> None:
    bench = make_bench(limits=Limits(high=(0.95, 0.4, 0.5)))
    bench.robot.arm()
    bench.go(8.0, np.array([0.3, 0.0, 0.0, 0.0, 0.0, 0.0]))
    assert bench.robot.fault is not None
    assert bench.robot.fault.code is FaultCode.IK_FAILED
    assert not [e for e in bench.controller.events.since(0.0) if e["kind"] == "runtime_error"]
    assert bench.controller.extremes.joint_speed < 1.05


@pytest.mark.parametrize(
    "joint", [2, *(pytest.param(joint, marks=pytest.mark.hardware) for joint in (0, 1, 3, 4, 5))]
)
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_14_a_joint_that_is_driven_to_its_end_stays_slow_and_within_the_limits(
    bench: Any, joint: int, sign: float
) -> None:
    bench.robot.arm()
    for _ in range(100):
        joints = bench.robot.state().joints.copy()
        joints[joint] += sign * 0.3
        bench.robot.command(Target(joints=joints))
        bench.robot.wait(0.05)
        if bench.robot.fault:
            break
    assert bench.robot.fault is None or bench.robot.fault.code is FaultCode.IK_FAILED
    assert bench.controller.safety.mode is SafetyMode.NORMAL
    assert bench.controller.extremes.joint_speed < 1.05
    assert np.abs(bench.robot.state().joints).max() < 2 * np.pi - np.radians(5.0) + 1e-3


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


@pytest.mark.parametrize("rate_hz", [150.0, 200.0, 333.0])
def test_15_a_rate_between_the_controllers_ticks_is_kept_on_average_and_no_faster(
    make_bench: Any, rate_hz: float
) -> None:
    bench = make_bench(rate_hz=rate_hz)
    bench.robot.arm()
    sent, began_s = bench.servo_commands(), bench.controller.time_s
    bench.go(1.0)
    passed_s = bench.controller.time_s - began_s
    assert bench.servo_commands() - sent == pytest.approx(rate_hz * passed_s, abs=2)
    assert bench.controller.extremes.tool_speed < 0.26


def test_a_rate_above_the_controllers_is_refused(make_bench: Any) -> None:
    with pytest.raises(RobotError, match=r"rate_hz = 200 is above the 125 of .* 3\.15\.8; ask for"):
        make_bench(simulator={"polyscope": "3.15.8"}, rate_hz=200.0)


@pytest.mark.parametrize(("journal", "readings"), [(False, 1), (True, 2)])
def test_without_a_journal_a_command_reads_the_arm_once(
    make_bench: Any, tmp_path: Path, journal: bool, readings: int
) -> None:
    bench = make_bench(journal=tmp_path / "journal.jsonl" if journal else None)
    bench.robot.arm()
    target = Target(pose=bench.robot.state().tcp_pose)
    arm = bench.robot._guard.arm
    read, seen = arm.status, []
    arm.status = lambda: seen.append(read()) or seen[-1]
    bench.robot.command(target)
    assert len(seen) == readings


def test_16_a_policy_that_stalls_holds_the_arm_and_goes_on_smoothly(bench: Any) -> None:
    bench.set_moving()
    bench.robot.wait(1.0)
    held = bench.robot.state()
    assert held.late >= 1
    assert np.linalg.norm(held.tcp_speed[:3]) < 1e-3
    bench.controller.extremes.clear()
    bench.go(0.3, -AWAY)
    assert bench.robot.fault is None
    assert bench.controller.extremes.tool_speed < 0.26


def test_16_a_target_that_was_too_old_when_it_came_moves_nothing(bench: Any) -> None:
    bench.robot.arm()
    before = bench.robot.state()
    driver = bench.robot._guard.arm._driver
    driver.aim(Target(pose=before.tcp_pose + AWAY), 1.0, bench.controller.time_s - 0.3)
    bench.robot.wait(1.0)
    after = bench.robot.state()
    np.testing.assert_allclose(after.joints, before.joints, atol=1e-4)
    assert after.late == before.late + 1
    bench.go(0.3)
    assert bench.robot.fault is None
