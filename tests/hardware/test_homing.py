"""The way home: up before aside, also where something holds it up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.kinematics import UR5E, tool
from steer_gym.hardware.limits import Limits
from steer_gym.hardware.servo import Servo
from steer_gym.hardware.ur5 import HOME

DOWN = np.array([0.0, 0.0, -0.1, 0.0, 0.0, 0.0])
RETRACTED_M = 0.25 - 0.005


@pytest.fixture
def low(bench: Any) -> Any:
    """Return an armed robot whose tool is under the height that it retracts to."""
    bench.robot.arm()
    bench.go(1.2, DOWN)
    bench.robot.wait(0.5)
    assert bench.controller.tool_pose[2] < 0.15
    return bench


@pytest.mark.parametrize("held_up_at", [1, 3, 5])
def test_an_arm_that_dropped_its_target_on_the_way_up_goes_on_up(low: Any, held_up_at: int) -> None:
    arm = low.robot._guard.arm
    aim, wait, heights, waits = arm.aim, arm.wait, [], []

    def watched(target: Any, pace: float) -> None:
        if target.joints is not None:
            heights.append(low.controller.tool_pose[2])
        aim(target, pace)

    def held_up(seconds: float) -> None:
        waits.append(seconds)
        # Longer than the deadman waits, and the arm brakes.
        wait(0.6 if len(waits) == held_up_at else seconds)

    arm.aim, arm.wait = watched, held_up
    late = low.robot.state().late
    low.robot.home()
    assert low.robot.state().late == late + 1
    assert heights[0] > RETRACTED_M
    np.testing.assert_allclose(low.robot.state().joints, low.robot.home_joints, atol=5e-3)


def test_a_servo_without_a_target_has_reached_nothing() -> None:
    servo = Servo(UR5E, tool((0.0, 0.0, 0.145, 0.0, 0.0, 0.0)), Limits(), 0.008)
    servo.start(np.array(HOME))
    servo.step()
    assert not servo.reached
