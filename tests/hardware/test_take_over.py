"""A person may take the robot at any time, and only a person's word gives it back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.modes import RobotMode, SafetyMode
from steer_gym.robot import FaultCode, RobotError


def give_back(bench: Any) -> None:
    bench.robot.recover(acknowledged_by="the test")
    bench.robot.arm()
    bench.go(0.3)
    assert bench.robot.fault is None


def test_the_hook_stops_and_disarms_until_a_person_gives_the_robot_back(make_bench: Any) -> None:
    taken = False
    bench = make_bench(take_over=lambda: taken)
    taken_s = bench.set_moving()
    taken = True
    bench.go(0.3)
    bench.require_fault(FaultCode.TAKEN_OVER, taken_s, within_s=0.06)
    bench.robot.wait(0.5)
    assert bench.still_after(taken_s) < 0.3
    # Not a stop of the controller: its program has ended, and a person may guide the arm.
    assert bench.controller.safety.mode is SafetyMode.NORMAL
    assert not bench.controller.program_runs
    taken = False
    bench.robot.wait(0.1)
    assert bench.robot.fault is not None
    give_back(bench)


def test_a_robot_that_is_still_taken_is_not_armed(make_bench: Any) -> None:
    bench = make_bench(take_over=lambda: True)
    with pytest.raises(RobotError, match="a person has taken over"):
        bench.robot.arm()


@pytest.mark.parametrize("how", ["hook", "teach_button", "local"])
def test_no_finger_moves_while_somebody_has_the_robot(make_bench: Any, how: str) -> None:
    bench = make_bench(take_over=lambda: how == "hook")
    bench.controller.teach_button = how == "teach_button"
    bench.controller.remote = how != "local"
    bench.robot.wait(0.1)
    with pytest.raises(RobotError, match="cannot be armed"):
        bench.robot.arm()
    assert bench.cell.gripper.status == 0


def test_who_takes_the_robot_while_the_fingers_move_is_heard(make_bench: Any) -> None:
    bench = make_bench(take_over=lambda: bench.cell.gripper.status != 0)
    with pytest.raises(RobotError, match="a person has taken over"):
        bench.robot.arm()
    assert not bench.robot.armed


def test_a_hook_that_fails_counts_as_taken(make_bench: Any) -> None:
    def broken() -> bool:
        raise OSError("the pedal is unplugged")

    bench = make_bench(take_over=broken)
    with pytest.raises(RobotError, match="the pedal is unplugged"):
        bench.robot.arm()


@pytest.mark.parametrize("how", ["teach_button", "backdrive"])
def test_free_drive_at_the_pendant_takes_over(bench: Any, how: str) -> None:
    taken_s = bench.set_moving()
    if how == "teach_button":
        bench.controller.teach_button = True
    else:
        bench.controller.mode = RobotMode.BACKDRIVE
    bench.go(0.3)
    bench.require_fault(FaultCode.TAKEN_OVER, taken_s, within_s=3 * 0.008)
    with pytest.raises(RobotError):
        bench.robot.arm()
    bench.controller.teach_button, bench.controller.mode = False, RobotMode.RUNNING
    give_back(bench)


def test_where_a_person_left_the_arm_it_stays(bench: Any) -> None:
    bench.set_moving()
    bench.controller.teach_button = True
    bench.go(0.3)
    moved = bench.controller.q + np.array([0.1, 0, 0, 0, 0, 0.2])
    bench.controller.plant.place(moved)
    bench.controller.q = moved.copy()
    bench.controller.teach_button = False
    bench.robot.recover(acknowledged_by="the test")
    bench.robot.arm()
    bench.robot.wait(1.0)
    np.testing.assert_allclose(bench.robot.state().joints, moved, atol=1e-4)
