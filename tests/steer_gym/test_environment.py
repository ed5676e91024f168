"""Loops leave out the actions of a plan that are late, where the environment can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import toy_world  # noqa: F401, registers its environments

from steer_gym import PolicySpec
from steer_gym.convention import LIBERO_DELTA
from steer_gym.environment import Drawn, RealTime, due, look
from steer_gym.evaluation import Condition, Grid, evaluate
from steer_gym.evaluation.steps import read_steps
from steer_gym.neurons.recordings import record
from steer_gym.observation import IMAGE_BASE, Observation
from steer_gym.policy import Plan, Policy
from steer_gym.rollout import run_episode

HORIZON, EXECUTE = 6, 2


class Counting(Policy):
    """The n-th action of a plan has n hundredths in its last number; the tool stays."""

    spec = PolicySpec(
        name="counting",
        action=LIBERO_DELTA,
        cameras={IMAGE_BASE: (8, 8)},
        horizon=HORIZON,
        execute=EXECUTE,
        joints=1,
        gripper=1,
    )

    def plan(self, observation: Observation, config: Any = None) -> Plan:
        batch, _ = self.prepare(observation, config)
        actions = np.zeros((len(batch[IMAGE_BASE]), HORIZON, 7), np.float32)
        actions[:, :, 6] = np.arange(HORIZON) / 100
        return Plan(actions=actions, latency_s=1.0)


WANTED = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
"""Two of each plan, from the first that is not late; the last one is never left out."""


def numbers(steps: Any) -> list[int]:
    return [round(100 * step.command[6]) for step in steps]


def test_an_episode_leaves_late_actions_out() -> None:
    episode = run_episode(gym.make("toy/Late-v0"), Counting())
    assert episode.error is None
    assert numbers(episode.steps) == WANTED
    begins = [step.latency_s > 0 for step in episode.steps]
    assert begins == [True, False] * 5 + [True]


def test_an_evaluation_does_the_same_in_one_process_and_in_several(tmp_path: Path) -> None:
    grid = Grid(env="toy_world:toy/Late-v0", conditions=(Condition(name="plain"),))
    for envs in (1, 2):
        rows = evaluate(grid, Counting(), tmp_path / str(envs), envs=envs, quiet=True)
        assert [row["error"] for row in rows] == [None]
        assert numbers(read_steps(tmp_path / str(envs), rows[0]["key"])) == WANTED


def test_recording_does_the_same() -> None:
    env = gym.make("toy/Late-v0")
    record(env, Counting())
    assert env.unwrapped.plans == 6


def test_an_environment_that_offers_nothing_gets_the_whole_plan() -> None:
    env = gym.make("toy/Reach-v0")
    chunk = np.zeros((HORIZON, 7), np.float32)
    assert not isinstance(env.unwrapped, RealTime)
    assert len(due(env, chunk, 4)) == 4


def test_only_what_can_be_paused_is_paused() -> None:
    env = gym.make("toy/Reach-v0")
    assert isinstance(env.unwrapped, Drawn)
    look(env, False)
    assert env.unwrapped.rendering_paused
    look(gym.make("CartPole-v1"), False)
