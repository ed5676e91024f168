"""Ten minutes of random or adversarial commands with random faults: no limit is ever broken."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.controller.events import Extremes
from steer_gym.hardware.controller.plant import HOME
from steer_gym.hardware.limits import Limits
from steer_gym.hardware.modes import RobotMode, SafetyMode
from steer_gym.robot import RobotFault

STEP_S = 0.05
FAULTS_A_STEP = 0.01
OUTSIDE_M, SHARE = 1e-3, 1.05
"""What is borne: outside the box, and of a speed limit."""
SHARE_OF_A_BLOW = 1.25
"""The same where things are thrown in the way: what stands fast throws an arm back."""

FAULTS: tuple[Callable[[Any], object], ...] = (
    lambda c: c.protective_stop("random"),
    lambda c: c.enter_safety(SafetyMode.SAFEGUARD_STOP, "random"),
    lambda c: c.enter_safety(SafetyMode.ROBOT_EMERGENCY_STOP, "random"),
    lambda c: c.enter_safety(SafetyMode.REDUCED, "random"),
    lambda c: c.end_program("random"),
    lambda c: c.pause(),
    lambda c: c.upload("def other():\n  sleep(1)\nend\n"),
    lambda c: setattr(c, "speed_slider", c.ticks % 11 / 10),
    lambda c: setattr(c, "teach_button", True),
    lambda c: c.plant.push.__setitem__(slice(None), (0.0, 0.0, 60.0)),
)


def attend(bench: Any) -> None:
    """Do what a person does at the robot: end the cause, power it, recover, arm."""
    c = bench.controller
    c.plant.push[:] = 0.0
    c.teach_button, c.speed_slider = False, 1.0
    if c.safety.mode is not SafetyMode.PROTECTIVE_STOP:
        c.enter_safety(SafetyMode.NORMAL, "released")
    bench.robot.wait(1.0)
    c.end_program("at the pendant")
    if np.linalg.norm(c.force[:3]) > 15.0:  # by hand, away from what it presses on
        c.plant.place(np.array(HOME))
        c.settle()
    if c.mode is RobotMode.POWER_OFF:
        c.power_on()
        bench.robot.wait(1.5)
        c.release_brakes()
        bench.robot.wait(1.0)
    bench.robot.recover(acknowledged_by="the test")
    bench.robot.arm()


def litter(bench: Any, rng: Any) -> None:
    """Put the things of the world somewhere else, in the way; only while the tool is above them."""
    if bench.robot.scene is None or bench.controller.tool_pose[2] < 0.15:
        return
    for name in ("toy", "basket", "plate"):
        position = [*rng.uniform((0.3, -0.35), (0.65, 0.35)), 0.03 if name == "toy" else 0.0]
        bench.robot.scene.move_thing(name, position, float(rng.uniform(-3.0, 3.0)))


def soak(
    bench: Any, policy: Any, seconds: float, causes: tuple[Any, ...], *, thrown: bool
) -> tuple[Counter[str], float]:
    """Let ``policy`` command for so long, while things are ``thrown`` in the arm's way, or not.

    Returns:
        How often each fault came, and the share of the steps in which the tool touched something.
    """
    faults: Counter[str] = Counter()
    touched, steps = 0, round(seconds / STEP_S)
    bench.robot.arm()
    bench.controller.extremes.clear()
    for step in range(steps):
        if thrown and step % 100 == 0:
            litter(bench, policy.rng)
        if bench.robot.fault:
            faults[bench.robot.fault.code] += 1
            attend(bench)
        if policy.rng.random() < FAULTS_A_STEP:
            causes[policy.rng.integers(len(causes))](bench.controller)
        try:
            policy.attack(bench.robot)
        except RobotFault:
            continue
        # Now and then the policy stalls.
        bench.robot.wait(STEP_S if policy.rng.random() > 0.02 else 0.5)
        touched += bench.controller.touching
    return faults, touched / steps


def excess(seen: Extremes, limits: Limits) -> tuple[float, float]:
    """Return how far the tool was outside its box [m], and the largest share of a speed limit."""
    outside = max((limits.low - seen.lowest).max(), (seen.highest - limits.high).max())
    shares = seen.joint_speed / limits.joint_speed, seen.tool_speed / limits.tool_speed
    return float(outside), max(shares)


@pytest.mark.parametrize(
    ("plant", "seconds", "policy", "thrown"),
    [
        ("kinematic", 20.0, "adversary", False),
        ("kinematic", 20.0, "dice", False),
        ("mujoco", 20.0, "adversary", False),
        pytest.param("kinematic", 600.0, "adversary", False, marks=pytest.mark.hardware),
        pytest.param("kinematic", 600.0, "dice", False, marks=pytest.mark.hardware),
        pytest.param("mujoco", 600.0, "adversary", False, marks=pytest.mark.hardware),
        pytest.param("mujoco", 600.0, "dice", False, marks=pytest.mark.hardware),
        pytest.param("mujoco", 600.0, "adversary", True, marks=pytest.mark.hardware),
        pytest.param("mujoco", 600.0, "dice", True, marks=pytest.mark.hardware),
    ],
)
def test_28_nonsense_and_random_faults_never_break_a_limit(
    make_bench: Any, request: Any, plant: str, seconds: float, policy: str, thrown: bool
) -> None:
    if plant == "mujoco":
        pytest.importorskip("robosuite", reason="needs the models of robosuite")
    bench = make_bench(plant=plant)
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    # A hand of 60 N moves an arm that has mass by itself.
    causes = FAULTS[:-1] if plant == "mujoco" else FAULTS
    wild = request.getfixturevalue(policy)
    faults, touched = soak(bench, wild, seconds, causes, thrown=thrown)
    seen, limits = bench.controller.extremes, bench.robot.settings.limits
    print(f"\n{seconds:.0f} s, {plant}, {policy}: {dict(faults)}, {wild.refused} refused")
    speeds = f"{seen.joint_speed:.3f} rad/s, {seen.tool_speed:.3f} m/s"
    print(f"box {seen.lowest} {seen.highest}, {speeds}, {seen.force:.0f} N")
    print(f"touching in {100 * touched:.2f} % of the steps")
    outside_m, share = excess(seen, limits)
    assert outside_m < OUTSIDE_M
    assert share < (SHARE_OF_A_BLOW if thrown else SHARE)
    assert touched > 0.0 or not thrown or policy == "dice"
    assert wild.refused > seconds or policy == "dice"
    assert len(faults) > 3 or seconds < 60
    assert not [e for e in bench.controller.events.since(0.0) if e["kind"] == "runtime_error"]
    bench.robot.close()
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    assert threading.active_count() <= threads
