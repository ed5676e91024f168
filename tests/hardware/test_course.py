"""Targets with a time: an even pace has no stops, a late one holds, a hasty one is drawn nearer."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym.hardware.kinematics import UR5E, tool
from steer_gym.hardware.limits import Limits
from steer_gym.hardware.poses import pose_error
from steer_gym.hardware.servo import Servo
from steer_gym.hardware.ur5 import HOME
from steer_gym.robot import LONGEST_S, Target, TargetError

TCP = tool((0.0, 0.0, 0.145, 0.0, 0.0, 0.0))
STEP_S, DT_S = 0.05, 0.008
LATE_S = 0.01
SLOWLY = np.array([0.0, 0.1, 0.0, 0.0, 0.0, 0.2])


class Track:
    """A servo that is given a target every step."""

    def __init__(self) -> None:
        self.servo = Servo(UR5E, TCP, Limits(), DT_S)
        self.servo.start(np.array(HOME))
        self.start = self.pose

    @property
    def pose(self) -> np.ndarray:
        return UR5E.pose(self.servo.q, TCP)

    def step(self, target: Target | None, seconds: float = STEP_S) -> list[float]:
        """Return the tool's speed along y after each period."""
        if target:
            self.servo.aim(target)
        speeds = []
        for _ in range(round(seconds / DT_S)):
            before = self.pose
            self.servo.step()
            speeds.append(float(pose_error(self.pose, before)[1]) / DT_S)
        return speeds


@pytest.mark.parametrize("joints", [False, True])
def test_targets_at_an_even_pace_are_passed_without_a_stop(joints: bool) -> None:
    track, speeds = Track(), []
    for count in range(1, 25):
        pose = track.start + SLOWLY * STEP_S * count
        q = UR5E.inverse(pose, TCP, track.servo.q) if joints else None
        target = Target(joints=q) if joints else Target(pose=pose)
        speeds += track.step(Target(pose=target.pose, joints=target.joints, in_s=STEP_S + LATE_S))
    assert speeds[40:] == pytest.approx([0.1] * len(speeds[40:]), rel=0.1)
    behind = pose_error(pose, track.pose)
    assert behind[1] == pytest.approx(0.1 * LATE_S, abs=0.001)


def test_where_no_target_follows_the_arm_brakes_and_holds_the_last() -> None:
    track = Track()
    goal = track.start + SLOWLY * 0.5
    track.step(Target(pose=goal, in_s=0.5))
    ways = [pose_error(track.pose, goal)[1]]
    for _ in range(20):
        track.step(None)
        ways.append(pose_error(track.pose, goal)[1])
    braking = 0.1**2 / (2 * Limits().tool_acceleration)
    assert braking < max(ways) + 1e-3 < 2 * braking
    assert np.abs(ways[-5:]).max() < 1e-3


@pytest.mark.parametrize("in_s", [0.0, -1.0, LONGEST_S + 0.1, float("nan")])
def test_a_time_that_is_none_is_refused(in_s: float) -> None:
    with pytest.raises(TargetError, match="in_s"):
        Target(pose=np.zeros(6), in_s=in_s)
