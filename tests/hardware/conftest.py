"""A robot over a controller in this process: its time passes only when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from steer_gym.hardware.arm_settings import ArmSettings
from steer_gym.hardware.controller.settings import SimulatorSettings
from steer_gym.hardware.guard import TakeOver
from steer_gym.hardware.inline_cell import InlineCell
from steer_gym.hardware.ur5 import UR5
from steer_gym.robot import FaultCode, RobotFault, Target, TargetError

from .chasing import Chaser


class Bench(Chaser):
    """The robot, and behind it the controller on which faults are caused and bounds are read."""

    def __init__(
        self,
        *,
        plant: Literal["kinematic", "mujoco"] = "kinematic",
        take_over: TakeOver | None = None,
        journal: Path | None = None,
        simulator: dict[str, Any] | None = None,
        **arm: Any,
    ) -> None:
        settings = ArmSettings(host="in this process", **arm)
        simulated = SimulatorSettings(plant=plant, clock="locked", **(simulator or {}))
        self.cell = InlineCell(settings, simulated, {})
        self.robot = UR5(self.cell, settings, take_over=take_over, journal=journal)
        self.controller = self.cell.controller

    def set_moving(self) -> float:
        """Arm, bring the tool to full speed, and return the controller's time."""
        self.robot.arm()
        self.go(0.6)
        assert np.linalg.norm(self.robot.state().tcp_speed[:3]) > 0.2
        return float(self.controller.time_s)

    def require_fault(self, code: FaultCode, since_s: float, within_s: float) -> None:
        assert self.robot.fault is not None
        assert self.robot.fault.code is code
        assert self.robot.fault.time_s - since_s <= within_s + 1e-9
        assert not self.robot.armed
        with pytest.raises(RobotFault, match="recover"):
            self.robot.command(Target(pose=self.robot.state().tcp_pose))

    def still_after(self, since_s: float) -> float:
        """Return how long after ``since_s`` the tool last moved by more than 1 mm/s."""
        moved = self.controller.extremes.moved_last_s
        return 0.0 if moved is None else moved - since_s

    def servo_commands(self) -> int:
        """Return how many setpoints have reached the controller."""
        return self.controller.events.commands.get("11", 0)


class Adversary:
    """Commands no policy should give: far, sudden, restless, out of the box, and not numbers."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.refused = 0
        self._left = 0
        self._way = np.zeros(6)
        self._kind = ""

    def attack(self, robot: Any) -> None:
        """Give one command; nonsense has to be refused. A way is kept for up to two seconds."""
        if self._left == 0:
            kinds = ["pose", "joints", "corner", "corner", "press", "jitter", "nonsense"]
            self._kind, self._left = self.rng.choice(kinds), int(self.rng.integers(1, 40))
            self._way = self.rng.choice([-1.0, 0.0, 1.0], 6)
        self._left -= 1
        if self._kind == "nonsense" or self.rng.random() < 0.1:
            self._talk_nonsense(robot)
        else:
            robot.command(getattr(self, f"_{self._kind}")(robot.state()))

    def _pose(self, state: Any) -> Target:
        return Target(pose=state.tcp_pose + self.rng.normal(0, 0.3, 6), gripper=self._gripper())

    def _joints(self, state: Any) -> Target:
        return Target(joints=state.joints + self._way, gripper=self._gripper())

    def _corner(self, state: Any) -> Target:
        return Target(pose=state.tcp_pose + self._way * (2.0, 2.0, 2.0, 0.2, 0.2, 2.0))

    def _press(self, state: Any) -> Target:
        way = np.where(np.arange(6) == 2, -1.0, 0.1 * self._way)
        return Target(pose=state.tcp_pose + way, gripper=self._gripper())

    def _jitter(self, state: Any) -> Target:
        self._way = -self._way
        return Target(pose=state.tcp_pose + self._way * self.rng.choice([0.03, 1e3]))

    def _gripper(self) -> float:
        return float(self.rng.random())

    def _talk_nonsense(self, robot: Any) -> None:
        values = robot.state().joints.copy()
        values[self.rng.integers(6)] = self.rng.choice([np.nan, np.inf, -np.inf])
        with pytest.raises(TargetError):
            robot.command(Target(joints=values))
        self.refused += 1


class Dice:
    """Commands like those of a policy that has learnt nothing: anything that an action can say."""

    refused = 0

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def attack(self, robot: Any) -> None:
        """Give one command: a step of up to 5 cm and half a radian on each axis, or of joints."""
        state, ways = robot.state(), self.rng.uniform(-1.0, 1.0, 6)
        gripper = float(self.rng.integers(2))
        if self.rng.random() < 0.2:
            robot.command(Target(joints=state.joints + 0.5 * ways, gripper=gripper))
        else:
            offset = ways * (0.05, 0.05, 0.05, 0.5, 0.5, 0.5)
            robot.command(Target(pose=state.tcp_pose + offset, gripper=gripper))


@pytest.fixture
def make_adversary() -> Callable[[int], Adversary]:
    """Return what makes one from a seed."""
    return Adversary


@pytest.fixture
def adversary() -> Adversary:
    return Adversary(seed=0)


@pytest.fixture
def dice() -> Dice:
    return Dice(seed=0)


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    """Return what makes benches; each is closed in the end."""
    benches: list[Bench] = []

    def make(**options: Any) -> Bench:
        benches.append(Bench(**options))
        return benches[-1]

    yield make
    for bench in benches:
        bench.robot.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()
