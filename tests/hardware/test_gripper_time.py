"""The gripper acts when the arm is where it is to act: told sooner or later than the arm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steer_gym.errors import SteerGymError
from steer_gym.hardware.orders import Orders
from steer_gym.hardware.robotiq import RobotiqSettings
from steer_gym.robot import Target

PACE_M, STEP_S, IN_S = 0.01, 0.05, 0.06


def test_the_fingers_begin_where_the_arm_was_told_to_close_them(make_bench: Any) -> None:
    pytest.importorskip("robosuite")
    bench = make_bench(plant="mujoco")
    robot, controller = bench.robot, bench.controller
    robot.arm()
    pose = robot.state().tcp_pose
    seen: list[tuple[float, float, float]] = []
    for step in range(16):
        pose = pose + np.array([0.0, PACE_M, 0.0, 0.0, 0.0, 0.0])
        robot.command(Target(pose=pose, gripper=float(step >= 8), in_s=IN_S))
        there = pose[1] if step == 8 else np.inf
        if step == 8:
            wanted_y, told_s = there, controller.time_s
        for _ in range(round(STEP_S / controller.dt_s)):
            robot.wait(controller.dt_s)
            seen.append((controller.time_s, controller.tool_pose[1], controller.plant.opening))
    arrived_s = next(time_s for time_s, y, _ in seen if y >= wanted_y)
    open_at_first = seen[0][2]
    begun_s = next(time_s for time_s, _, opening in seen if opening > open_at_first + 0.01)
    assert arrived_s - told_s == pytest.approx(IN_S, abs=0.015)
    assert begun_s == pytest.approx(arrived_s, abs=0.015)


def held(bench: Any) -> None:
    """Tell the gripper to close in half a second."""
    bench.robot.arm()
    state = bench.robot.state()
    bench.robot.command(Target(joints=state.joints, gripper=1.0, in_s=0.5))
    bench.robot.wait(0.1)
    assert bench.cell.gripper.registers["POS"] == 0


def stop(bench: Any) -> None:
    bench.robot.stop()


def fail(bench: Any) -> None:
    bench.controller.protective_stop("test")
    bench.robot.wait(0.05)
    assert bench.robot.fault is not None


def fail_unseen(bench: Any) -> None:
    bench.controller.protective_stop("test")


@pytest.mark.parametrize("end", [stop, fail, fail_unseen])
def test_an_order_that_is_not_due_yet_is_taken_back_by_whatever_stops_the_arm(
    bench: Any, end: Callable[[Any], None]
) -> None:
    held(bench)
    end(bench)
    bench.robot.wait(1.0)
    assert bench.cell.gripper.registers["POS"] == 0


def test_an_order_without_a_time_goes_out_at_once(bench: Any) -> None:
    held(bench)
    state = bench.robot.state()
    bench.robot.command(Target(joints=state.joints, gripper=0.5))
    assert bench.cell.gripper.registers["POS"] == 128
    bench.robot.wait(1.0)
    assert bench.cell.gripper.registers["POS"] == 128


def test_an_order_is_held_back_equally_long_whenever_it_is_given(bench: Any) -> None:
    bench.robot.arm()
    joints = bench.robot.state().joints
    registers, held_for = bench.cell.gripper.registers, set()
    for count in range(60):
        bench.robot.command(Target(joints=joints, gripper=float(count % 2 == 0), in_s=IN_S))
        before, ticks = registers["POS"], 0
        while registers["POS"] == before:
            bench.robot.wait(bench.controller.dt_s)
            ticks += 1
        held_for.add(ticks)
    assert held_for == {15}


def test_orders_that_follow_sooner_than_they_are_due_are_all_taken() -> None:
    orders = Orders()
    taken = []
    for step in range(10):
        now_s = step * STEP_S
        orders.add(step / 10, now_s + IN_S)
        taken.append(orders.take(now_s))
    assert taken == [None, None, *[step / 10 for step in range(8)]]


def test_a_gripper_that_cannot_be_driven_so_is_refused() -> None:
    for wrong in ({"latency_s": -0.1}, {"speed": 256}, {"force": -1}):
        with pytest.raises(SteerGymError, match=next(iter(wrong))):
            RobotiqSettings(**wrong)  # type: ignore[arg-type]
