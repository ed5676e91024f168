"""How evenly the UR5's servo runs, and how closely the arm follows it.

    python benchmarks/ur5_servo.py [--seconds 30] [--host 10.0.0.2] [--rate 125]

The tool swings 3 cm to either side, renewed at 20 Hz, in the simulator or at ``--host``. An arm
moves: empty its table, and keep a hand at the stop. Printed beside are the machine's load and
cores, without which the figures say little: the aim is that 99 % of the periods are within 4 ms
of 8 ms on an idle machine.
"""

from __future__ import annotations

import argparse
import math
import os
from typing import Any

import numpy as np

from steer_gym.robot import Target, make_robot

STEP_S, LATE_S = 0.05, 0.01
SWING_M, SWING_HZ = 0.03, 0.5


def swing(robot: Any, seconds: float) -> np.ndarray:
    """Swing and return how far the tool was from where it should have been (steps,) [m]."""
    robot.arm()
    start = robot.state()
    apart = []
    for count in range(1, round(seconds / STEP_S) + 1):
        pose = start.tcp_pose.copy()
        pose[1] += SWING_M * math.sin(2 * math.pi * SWING_HZ * count * STEP_S)
        robot.command(Target(pose=pose, in_s=STEP_S + LATE_S))
        robot.wait(STEP_S)
        state = robot.state()
        due_s = count * STEP_S - LATE_S
        expected = start.tcp_pose[1] + SWING_M * math.sin(2 * math.pi * SWING_HZ * due_s)
        apart.append(abs(state.tcp_pose[1] - expected))
    return np.array(apart)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=125.0, help="of the servo [Hz]")
    parser.add_argument("--host", help="of a controller; its arm will move")
    options = parser.parse_args()
    if options.host:
        robot = make_robot("ur5", host=options.host, rate_hz=options.rate)
    else:
        robot = make_robot("ur5-sim", clock="real", rate_hz=options.rate)
    try:
        apart = swing(robot, options.seconds)
        periods = 1e3 * np.array(robot._guard.arm.periods())
        late = robot.state().late
    finally:
        robot.close()
    wanted = 1e3 / options.rate
    even = float((np.abs(periods - wanted) <= 4.0).mean())
    low, middle, high = np.percentile(periods, (1, 50, 99))
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(
        f"{len(periods)} periods of {wanted:.1f} ms, load average {loads}, {os.cpu_count()} cores"
    )
    print(f"within 4 ms: {100 * even:.2f} %; 1 % {low:.2f}, median {middle:.2f}, 99 % {high:.2f}")
    print(f"longest {periods.max():.2f} ms; held for want of a target or a reading: {late}")
    print(f"tool beside its way: median {1e3 * np.median(apart):.2f} mm, ", end="")
    print(f"99 % {1e3 * np.percentile(apart, 99):.2f} mm")


if __name__ == "__main__":
    main()
