"""An arm that meets the world: what pushes it back does not turn its joints beyond their limits."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.limits import Limits
from steer_gym.robot import FaultCode, RobotFault, Target

# Not imported here: MuJoCo chooses its OpenGL at its first import, which is the package's to make.
if not (find_spec("mujoco") and find_spec("robosuite")):
    pytest.skip("needs mujoco and robosuite", allow_module_level=True)

DOWN = np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0])
INTO_THE_BASKET = np.array([0.1, 1.0, 0.0, 0.0, 0.0, 0.0])
OVER_THE_TABLE = np.array([1.0, -1.0, -1.0, 0.0, 0.0, 0.0])
TILTED = np.array([0.0, 0.0, 0.0, 0.6, 0.0, 0.0])
TABLE_INSIDE = Limits(low=(0.25, -0.40, -0.05), floor=-0.2)
"""Limits of somebody who has forgotten the table."""


def press(bench: Any, *ways: tuple[np.ndarray, float, int]) -> None:
    """Chase ways with a gripper's opening, each for so many steps; ends at a fault."""
    bench.robot.arm()
    bench.controller.extremes.clear()
    for way, gripper, steps in ways:
        for _ in range(steps):
            try:
                pose = bench.robot.state().tcp_pose + way
                bench.robot.command(Target(pose=pose, gripper=gripper))
            except RobotFault:
                return
            bench.robot.wait(0.05)


@pytest.mark.parametrize(
    ("limits", "ways"),
    [
        (Limits(), [(DOWN, 0.0, 30), (INTO_THE_BASKET, 0.0, 50)]),
        (TABLE_INSIDE, [(TILTED, 0.0, 20), (OVER_THE_TABLE, 0.5, 60)]),
    ],
    ids=["basket", "table"],
)
def test_what_pushes_back_does_not_turn_a_joint_beyond_its_limit(
    make_bench: Any, limits: Limits, ways: list[tuple[np.ndarray, float, int]]
) -> None:
    bench = make_bench(plant="mujoco", limits=limits)
    bench.robot.scene.move_thing("basket", [0.5, 0.2, 0.0], 0.0)
    press(bench, *ways)
    seen = bench.controller.extremes
    print(f"\n{seen.joint_speed:.3f} rad/s, {seen.tool_speed:.3f} m/s, {seen.force:.0f} N")
    assert seen.force > limits.force  # it did meet something
    assert bench.robot.fault.code in (FaultCode.FORCE_LIMIT, FaultCode.PROTECTIVE_STOP)
    assert seen.joint_speed < limits.joint_speed * 1.05
    assert seen.tool_speed < limits.tool_speed * 1.05


@pytest.mark.parametrize("lean", [0.0, 1.0])
def test_fingers_that_close_at_the_floor_do_not_touch_the_table(
    make_bench: Any, lean: float
) -> None:
    bench = make_bench(plant="mujoco")
    down = DOWN + lean * TILTED
    press(bench, (down, 0.0, 40), (DOWN, 1.0, 40), (DOWN, 0.0, 20))
    assert bench.robot.fault is None
    assert bench.controller.extremes.force < 10.0
    assert bench.controller.extremes.lowest[2] < 0.06


@pytest.mark.parametrize(
    ("limits", "toy"),
    # On the table any faster, the controller's own limit of 150 N comes first.
    [(Limits(), [0.45, 0.03, 0.03]), (replace(TABLE_INSIDE, tool_speed=0.1), [0.6, 0.3, 0.03])],
    ids=["toy", "table"],
)
def test_an_arm_stopped_by_force_lets_go_of_what_it_pressed_on(
    make_bench: Any, limits: Limits, toy: list[float]
) -> None:
    bench = make_bench(plant="mujoco", limits=limits)
    bench.robot.scene.move_thing("toy", toy, 0.0)
    press(bench, (DOWN, 0.0, 100))
    assert bench.robot.fault.code is FaultCode.FORCE_LIMIT
    assert not bench.robot.armed
    assert np.linalg.norm(bench.controller.force[:3]) > Limits().force_warning
    bench.robot.wait(0.6)
    assert not bench.controller.program_runs
    assert np.linalg.norm(bench.controller.force[:3]) < Limits().force_warning
    bench.robot.recover(acknowledged_by="the test")
    bench.robot.arm()
    assert bench.robot.armed


def test_after_a_protective_stop_the_arm_does_not_press_again(make_bench: Any) -> None:
    bench = make_bench(plant="mujoco", limits=TABLE_INSIDE)
    press(bench, (DOWN, 0.0, 100))
    bench.robot.wait(6.0)
    bench.controller.protective_stop("a person")
    bench.robot.wait(6.0)
    pressing = np.linalg.norm(bench.controller.force[:3])
    assert pressing > 100.0
    assert bench.controller.unlock_protective_stop()
    bench.robot.wait(0.5)
    assert pressing > 1.5 * np.linalg.norm(bench.controller.force[:3])
