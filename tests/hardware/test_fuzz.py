"""Robots drawn from a seed, with other limits, rates and versions, in other postures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.arm_settings import ArmSettings
from steer_gym.hardware.controller.controller import Controller
from steer_gym.hardware.controller.plant import home_for
from steer_gym.hardware.kinematics import ArmModel, arm_model, tool
from steer_gym.hardware.limits import Limits
from steer_gym.robot import RobotFault, Target

from .test_soak import FAULTS, attend

SECONDS = 4.0
TIMES_S = (0.01, 0.06, 0.5, 1.0)


def drawn_limits(rng: Any) -> Limits:
    """Return limits of which each is the default, or anything that is allowed."""
    ranges = {
        "tool_speed": (0.05, 1.0),
        "turn_speed": (0.1, 3.0),
        "joint_speed": (0.1, 2.0),
        "tool_acceleration": (0.3, 5.0),
        "turn_acceleration": (1.0, 20.0),
        "joint_acceleration": (2.0, 20.0),
        "tilt": (0.05, 3.1),
        "elbow": (-1.0, 0.2),
        "manipulability": (0.0, 0.02),
    }
    drawn = {name: float(rng.uniform(*ends)) for name, ends in ranges.items()}
    return Limits(**{name: value for name, value in drawn.items() if rng.random() < 0.5})


def drawn_posture(rng: Any, model: ArmModel, tcp: np.ndarray, limits: Limits) -> np.ndarray:
    """Return joints inside the limits: anywhere, singular postures among them."""
    home = home_for(model)
    for _ in range(1000):
        q = home + rng.normal(0.0, rng.choice([0.05, 0.5, 1.5]), 6)
        if not limits.trouble(model, q, tcp):
            return np.asarray(q)
    raise AssertionError("no posture is inside the limits")


def drawn_bench(make_bench: Any, rng: Any) -> Any:
    """Return a robot that stands somewhere inside its limits, often in a tight box."""
    arm, polyscope = str(rng.choice(["UR5e", "UR5"])), str(rng.choice(["3.15.8", "5.4", "5.23"]))
    rate_hz = float(rng.choice([125.0, 200.0, 333.0, 500.0]))
    if polyscope.startswith("3."):
        rate_hz = 125.0  # the most that a CB3 has
    lookahead_s = float(rng.choice([0.1, 0.2]))
    lag_s = lookahead_s * float(rng.choice([0.0, 0.5, 1.0]))
    limits, model = drawn_limits(rng), arm_model(arm)
    tcp = tool(ArmSettings(host="").tcp)
    if rng.random() < 0.5:
        limits = replace(limits, low=(-0.9, -0.9, 0.0), high=(0.95, 0.9, 1.0))
    q = drawn_posture(rng, model, tcp, limits)
    if rng.random() < 0.5:
        position, around = model.pose(q, tcp)[:3], rng.uniform(0.002, 0.03, 3)
        low, high = (position - around).tolist(), (position + around).tolist()
        limits = replace(limits, low=tuple(low), high=tuple(high))
    bench = make_bench(
        simulator={"arm": arm, "polyscope": polyscope},
        **{"arm": arm, "limits": limits, "rate_hz": rate_hz},
        **{"lookahead_s": lookahead_s, "lag_s": lag_s},
    )
    bench.controller.plant.place(q)
    bench.controller.settle()
    bench.controller.tick()
    return bench


class Watch:
    """The greatest share of turning speed and tilt, and the depth of a finger below the floor."""

    def __init__(self, controller: Controller, limits: Limits) -> None:
        self.turn = self.tilt = self.depth = 0.0
        self._controller, self._limits = controller, limits

    def see(self) -> None:
        c, limits = self._controller, self._limits
        matrix = c.arm.forward(c.plant.q, c.tcp)
        corners = np.array(limits.tool_corners) @ matrix[:3, :3].T + matrix[:3, 3]
        self.turn = max(self.turn, float(np.linalg.norm(c.tool_twist[3:])) / limits.turn_speed)
        self.tilt = max(self.tilt, math.acos(np.clip(-matrix[2, 2], -1.0, 1.0)) - limits.tilt)
        self.depth = max(self.depth, limits.floor - float(corners[:, 2].min()))


def command(bench: Any, adversary: Any, rng: Any) -> None:
    """Give one command: an attack, one with a time, or the way home with a fault on it."""
    kind, state = rng.random(), bench.robot.state()
    cause = FAULTS[rng.integers(len(FAULTS))]
    if kind < 0.02:
        bench.controller.after(float(rng.uniform(0.0, 1.5)), lambda: cause(bench.controller))
        bench.robot.home()
    elif kind < 0.15:
        pose = state.tcp_pose + rng.normal(0.0, 0.05, 6)
        bench.robot.command(Target(pose=pose, in_s=float(rng.choice(TIMES_S))))
    elif kind < 0.25:
        joints = state.joints + rng.normal(0.0, 0.1, 6)
        bench.robot.command(Target(joints=joints, in_s=float(rng.choice(TIMES_S))))
    else:
        adversary.attack(bench.robot)


FEW = [0, 1]


@pytest.mark.parametrize(
    "seed", [*FEW, *(pytest.param(seed, marks=pytest.mark.hardware) for seed in range(2, 40))]
)
def test_28_no_limit_is_broken_whatever_the_limits_the_rate_and_the_posture(
    make_bench: Any, make_adversary: Any, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    bench, adversary = drawn_bench(make_bench, rng), make_adversary(seed)
    limits, c = bench.robot.settings.limits, bench.controller
    watch = Watch(c, limits)
    bench.robot.arm()
    c.extremes.clear()
    while c.time_s < SECONDS:
        if bench.robot.fault:
            attend(bench)
        try:
            command(bench, adversary, rng)
        except RobotFault:
            continue
        wait_s = 0.05 if rng.random() < 0.9 else rng.choice([0.01, 0.25, 0.5])
        for _ in range(round(wait_s / c.dt_s)):
            bench.robot.wait(c.dt_s)
            watch.see()
    seen = c.extremes
    assert (seen.lowest > np.array(limits.low) - 1e-3).all()
    assert (seen.highest < np.array(limits.high) + 1e-3).all()
    assert seen.joint_speed < limits.joint_speed * 1.05
    assert seen.tool_speed < limits.tool_speed * 1.05
    assert watch.turn < 1.05
    assert watch.tilt < 0.02
    assert watch.depth < 1e-3
    assert not [e for e in c.events.since(0.0) if e["kind"] == "runtime_error"]
