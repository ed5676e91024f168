"""A robot over a controller in this process: its time passes only when it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from steer_gym.hardware.arm_driver import ArmSettings
from steer_gym.hardware.controller.simulator import SimulatorSettings
from steer_gym.hardware.inline_cell import InlineCell
from steer_gym.hardware.ur5 import UR5


class Bench:
    """The robot, and behind it the controller on which faults are caused and bounds are read."""

    def __init__(self, **arm: Any) -> None:
        settings = ArmSettings(host="in this process", **arm)
        self.cell = InlineCell(settings, SimulatorSettings(plant="kinematic", clock="locked"), {})
        self.robot = UR5(self.cell, settings)
        self.controller = self.cell.controller

    def still_after(self, since_s: float) -> float:
        """Return how long after ``since_s`` the tool last moved by more than 1 mm/s."""
        moved = self.controller.extremes.moved_last_s
        return 0.0 if moved is None else moved - since_s

    def servo_commands(self) -> int:
        """Return how many setpoints have reached the controller."""
        return self.controller.events.commands.get("11", 0)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.robot.close()
