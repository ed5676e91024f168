"""How late a UR5's arm, gripper and cameras are: what the driver compensates, and its users set.

    python benchmarks/ur5_latency.py [--host 10.0.0.2 --source /dev/video0] [--camera base]

The tool swings 5 cm to either side while a camera watches, then the gripper closes and opens; an
arm at ``--host`` moves, so empty its table and keep a hand at the stop.

- arm: shift between where it should have been and where it was. ``ArmSettings.lag_s`` compensates
  the lag of ``servoJ``; what is left should be near the 10 ms that targets are late on purpose.
- gripper: from the command to where its even motion began, between readings 30 ms apart, and to
  its end. The first is ``RobotiqSettings.latency_s``; then it begins to move when the arm is there.
- camera: shift between the tool's speed and the change of the picture, which is as fast. It is
  ``CameraSettings.latency_s``; then observations are of the moment that the picture shows.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from typing import Any

import numpy as np

from steer_gym.robot import Target, make_robot

STEP_S, LATE_S = 0.05, 0.01
SWING_M = 0.05
SECONDS = 12.0
GRID_S = 0.002
SIZE = (120, 160)

Series = tuple[list[float], list[float]]
"""Times [s] and values."""


def way(seconds: float) -> float:
    """Return how far aside the tool should be [m]; never twice the same, so shifts are clear."""
    slow, fast = math.sin(2 * math.pi * 0.31 * seconds), math.sin(2 * math.pi * 0.83 * seconds)
    return SWING_M * (0.7 * slow + 0.3 * fast)


def shift_s(first: Series, second: Series, longest_s: float = 0.5) -> float:
    """Return by how much ``second`` comes after ``first``, from their best correlation."""
    grid = np.arange(max(first[0][0], second[0][0]) + longest_s, first[0][-1], GRID_S)
    shifts = np.arange(-0.1, longest_s, GRID_S)
    wanted = np.interp(grid, *first)
    fits = [np.corrcoef(wanted, np.interp(grid + shift, *second))[0, 1] for shift in shifts]
    return float(shifts[int(np.argmax(fits))])


def swing(robot: Any, camera: str) -> tuple[float, float]:
    """Swing, and return how late arm and camera are [s]."""
    start = robot.state()
    asked: Series = ([], [])
    moved: Series = ([], [])
    speeds: Series = ([], [])
    changes: Series = ([], [])
    last: np.ndarray | None = None
    began = time.monotonic()
    while (due_s := time.monotonic() + STEP_S) < began + SECONDS:
        pose = start.tcp_pose.copy()
        pose[1] += way(due_s - began)
        robot.command(Target(pose=pose, in_s=STEP_S + LATE_S))
        asked[0].append(due_s)
        asked[1].append(way(due_s - began))
        for _ in range(5):
            robot.wait(STEP_S / 5)
            state, now = robot.state(), time.monotonic()
            moved[0].append(now - state.age_s)
            moved[1].append(state.tcp_pose[1] - start.tcp_pose[1])
            speeds[0].append(now - state.age_s)
            speeds[1].append(abs(state.tcp_speed[1]))
            sight = robot.observe()
            picture = sight.images[camera].astype(np.float64)
            if last is not None and not np.array_equal(picture, last):
                changes[0].append(time.monotonic() - sight.state.age_s)
                changes[1].append(float(np.abs(picture - last).mean()))
            last = picture
    rates = np.array(changes[1])[1:] / np.maximum(np.diff(changes[0]), 1e-3)
    middles = (np.array(changes[0])[1:] + np.array(changes[0])[:-1]) / 2
    return shift_s(asked, moved), shift_s(speeds, (middles.tolist(), rates.tolist()))


def grip(robot: Any) -> tuple[float, float]:
    """Close and return when the fingers have begun and ended to move [s]."""
    state = robot.state()
    began, before = time.monotonic(), state.gripper
    robot.command(Target(joints=state.joints, gripper=1.0))
    times, openings = [0.0], [before]
    while time.monotonic() - began < 2.0:
        time.sleep(0.005)
        now, state = time.monotonic(), robot.state()
        if abs(state.gripper - openings[-1]) > 0.005:
            times.append(now - state.gripper_age_s - began)
            openings.append(state.gripper)
    robot.command(Target(joints=state.joints, gripper=0.0))
    robot.wait(1.5)
    ways = np.array(openings[1:]) - before
    even = (ways > 0.05) & (ways < 0.8 * ways[-1])
    pace, start = np.polyfit(np.array(times[1:])[even], ways[even], 1)
    return -start / pace, times[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", help="of a controller; its arm will move")
    parser.add_argument("--source", help="of the camera, with --host")
    parser.add_argument("--camera", default="base")
    options = parser.parse_args()
    if options.host:
        cameras: Any = {options.camera: options.source}
        robot = make_robot("ur5", host=options.host, cameras=cameras)
    else:
        robot = make_robot("ur5-sim", clock="real", cameras={options.camera: SIZE})
    try:
        robot.arm()
        arm_s, camera_s = swing(robot, options.camera)
        first_s, last_s = grip(robot)
    finally:
        robot.close()
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"load average {loads}, {os.cpu_count()} cores")
    print(f"arm: {1e3 * arm_s:.0f} ms after it was due {1e3 * LATE_S:.0f} ms ago")
    print(f"camera {options.camera!r}: {1e3 * camera_s:.0f} ms")
    print(f"gripper: begins after {1e3 * first_s:.0f} ms, ends after {1e3 * last_s:.0f} ms")


if __name__ == "__main__":
    main()
