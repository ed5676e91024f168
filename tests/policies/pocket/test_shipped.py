"""What the model card claims of the shipped weights, on the first moment of unseen episodes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from steer_gym import ActConfig, Policy, make_policy
from steer_gym.observation import INSTRUCTION, batch_observations

pytest.importorskip("torch", reason="needs the extra 'torch'")
pytest.importorskip("robosuite", reason="needs the extra 'libero'")
STATES = range(4)


@pytest.fixture(scope="module")
def pocket() -> Policy:
    return make_policy("pocket")


@pytest.fixture(scope="module")
def beginnings() -> list[dict[str, Any]]:
    env = gym.make("steer_gym/LiberoObject-v0", task=2, image_size=128, rendering="fast")
    seen = [env.reset(seed=0, options={"init_state": state})[0] for state in STATES]
    env.close()
    return seen


def speed(policy: Policy, observations: Any, words: str = "", concept: str = "") -> float:
    told = [{**each, INSTRUCTION: each[INSTRUCTION] + words} for each in observations]
    config = ActConfig(steering=policy.recommended(concept) if concept else None)
    plan = policy.plan(batch_observations(told), config)
    return float(np.linalg.norm(plan.extra["expected_actions"][:, :3], axis=1).mean())


def test_words_set_the_speed(pocket: Policy, beginnings: Any) -> None:
    fast, slow = (speed(pocket, beginnings, words) for words in (", quickly", ", slowly"))
    assert fast > 1.5 * slow


def test_neurons_move_the_speed(pocket: Policy, beginnings: Any) -> None:
    fast, slow = (speed(pocket, beginnings, concept=name) for name in ("fast", "slow"))
    assert fast > 1.1 * slow


def test_it_solves_a_task_from_an_unseen_state(pocket: Policy) -> None:
    from steer_gym.rollout import run_episode

    env = gym.make("steer_gym/LiberoObject-v0", task=9, image_size=128, rendering="fast")
    episode = run_episode(env, pocket, seed=0, options={"init_state": 0})
    env.close()
    assert episode.success
