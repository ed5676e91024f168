"""The expert as a policy: what it refuses, and a few episodes that it must solve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from steer_gym import make_policy
from steer_gym.errors import ObservationError, SteerGymError, TaskError
from steer_gym.observation import TCP_POSE
from steer_gym.policies.scripted.policy import ScriptedPolicy
from steer_gym.privileged import GOAL, OBJECT, TABLE


@pytest.mark.parametrize(
    ("style", "message"),
    [
        ({"speed": 0.0}, "speed is a fraction above 0 and up to 1, not 0.0"),
        ({"speed": 1.1}, "speed is a fraction above 0 and up to 1, not 1.1"),
        ({"speed": True}, "speed is a fraction above 0 and up to 1, not True"),
        ({"height": float("nan")}, "height is 0 to 0.5 metres, not nan"),
        ({"height": -0.1}, "height is 0 to 0.5 metres, not -0.1"),
    ],
)
def test_a_style_that_no_arm_can_have_is_refused(style: dict[str, Any], message: str) -> None:
    with pytest.raises(SteerGymError, match=message):
        make_policy("scripted", **style)


def test_it_needs_the_privileged_keys_and_says_where_they_come_from() -> None:
    policy = ScriptedPolicy()
    observation = policy.spec.example_observation()
    del observation[OBJECT]
    with pytest.raises(ObservationError, match=r"privileged\.object.*privileged=True"):
        policy.act(observation)


def test_a_task_without_a_place_is_refused_in_words() -> None:
    policy = ScriptedPolicy()
    observation = policy.spec.example_observation() | {GOAL: np.zeros(6)}
    with pytest.raises(TaskError, match=r"cannot 'pick up the bowl .* does not open, close"):
        policy.act(observation)


@pytest.fixture(scope="module")
def soup() -> Iterator[gym.Env]:
    """An environment that draws nothing."""
    pytest.importorskip("robosuite", reason="needs the extra 'libero'")
    made = gym.make("steer_gym/LiberoObject-v0", cameras=(), privileged=True)
    yield made
    made.close()


def episode(env: gym.Env, **style: float) -> tuple[bool, np.ndarray]:
    """Return success, and the tool's positions above the table, (steps, 3)."""
    policy = make_policy("scripted", **style)
    observation, info = env.reset(seed=0, options={"init_state": 3})
    done, path = False, []
    while not done:
        path.append(observation[TCP_POSE][:3] - [0, 0, observation[TABLE][0]])
        observation, _, terminated, truncated, info = env.step(policy.act(observation))
        done = terminated or truncated
    return info["success"], np.array(path)


def test_it_solves_a_task_in_every_style_and_shows_the_style(soup: gym.Env) -> None:
    fast, slow = episode(soup), episode(soup, speed=0.5)
    low, high = episode(soup, height=0.15), episode(soup, height=0.4)
    assert all(success for success, _ in (fast, slow, low, high))
    assert len(slow[1]) > 1.4 * len(fast[1])
    assert high[1][:, 2].max() > low[1][:, 2].max() + 0.05


def test_rows_of_a_batch_are_episodes_of_their_own(soup: gym.Env) -> None:
    first, _ = soup.reset(seed=0)
    other, _ = soup.reset(seed=0, options={"init_state": 1})
    both = {
        key: (first[key], other[key]) if isinstance(value, str) else np.stack([value, other[key]])
        for key, value in first.items()
    }
    together = ScriptedPolicy().act(both)
    alone = [ScriptedPolicy().act(observation) for observation in (first, other)]
    assert np.array_equal(together, alone)


def test_it_solves_a_spatial_task() -> None:
    pytest.importorskip("robosuite", reason="needs the extra 'libero'")
    env = gym.make("steer_gym/LiberoSpatial-v0", task=5, cameras=(), privileged=True)
    success, _ = episode(env)
    env.close()
    assert success
