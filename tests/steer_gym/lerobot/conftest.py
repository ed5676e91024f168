"""A recorded evaluation of the toy world, and LeRobot itself where it is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1]))  # so that worker processes find toy_world

import toy_world

from steer_gym import ActConfig, Ramp, Steering
from steer_gym.evaluation import Condition, Grid, evaluate


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an evaluation of two conditions from two initial states."""
    policy = toy_world.ReachPolicy()
    fast = Steering(policy.concept("fast"), alpha=0.6)
    faster = ActConfig(steering=fast, schedule=Ramp([(0, 0.3), (9, 0.6)]))
    words = "{instruction}, quickly"
    grid = Grid(
        env="toy_world:toy/Reach-v0",
        conditions=(
            Condition(name="plain"),
            Condition(name="faster", configs=(faster,), prompt=words),
        ),
        init_states=(0, 1),
    )
    folder = tmp_path_factory.mktemp("run")
    evaluate(grid, policy, folder, quiet=True)
    return folder


@pytest.fixture
def toy_reach() -> toy_world.ReachPolicy:
    return toy_world.ReachPolicy()


@pytest.fixture(scope="session")
def lerobot_dataset() -> Any:
    """Return LeRobot's own class of datasets."""
    pytest.importorskip(
        "lerobot.datasets", reason="needs LeRobot itself: see the docstring of test_lerobot"
    )
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    return LeRobotDataset
