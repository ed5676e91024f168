"""Observations: single or with rows first, as Gymnasium's vector environments give them."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from steer_gym.errors import ObservationError
from steer_gym.observation import (
    GRIPPER,
    IMAGE_BASE,
    IMAGE_WRIST,
    INSTRUCTION,
    JOINTS,
    TCP_POSE,
    as_batch,
    batch_observations,
    images,
    is_batched,
    observation_row,
    observation_space,
    row_count,
)

SPACE = observation_space(
    cameras={IMAGE_BASE: (6, 4)}, joints=7, gripper=spaces.Box(0, 0.04, (2,), np.float64)
)


@pytest.fixture
def observation() -> dict:
    SPACE.seed(0)
    return SPACE.sample()


class Still(gym.Env):
    """Shows samples of the space."""

    observation_space, action_space = SPACE, spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return SPACE.sample(), {}

    def step(self, action):
        return SPACE.sample(), 0.0, False, False, {}


def test_the_space_holds_what_the_keys_say(observation: dict) -> None:
    assert set(SPACE) == {IMAGE_BASE, TCP_POSE, JOINTS, GRIPPER, INSTRUCTION}
    assert SPACE.contains(observation)
    assert observation[IMAGE_BASE].shape == (6, 4, 3)
    assert SPACE.contains({**observation, INSTRUCTION: "put the red mug on the left plate (v2)!"})


def test_rows_survive_batching(observation: dict) -> None:
    batch = batch_observations([observation, SPACE.sample()])
    assert is_batched(batch)
    assert not is_batched(observation)
    assert row_count(batch) == 2
    for key, value in observation_row(batch, 0).items():
        assert np.array_equal(value, observation[key]), key


def test_a_batch_comes_back_as_it_is_and_a_single_one_as_one_row(observation: dict) -> None:
    batch = as_batch(observation)
    assert row_count(batch) == 1
    assert as_batch(batch) is batch


def test_takes_what_a_vector_environment_gives() -> None:
    env = gym.vector.SyncVectorEnv([Still, Still, Still])
    batch, _ = env.reset(seed=0)
    assert is_batched(batch)
    assert row_count(batch) == 3
    assert images(batch, IMAGE_BASE).shape == (3, 6, 4, 3)
    assert SPACE.contains(observation_row(batch, 2))


def test_rows_that_disagree_are_refused(observation: dict) -> None:
    batch = {**batch_observations([observation] * 2), INSTRUCTION: ("one",)}
    with pytest.raises(ObservationError, match=r"rows of a batch must agree.*'instruction': 1"):
        row_count(batch)
    with pytest.raises(ObservationError, match="'joints': 0"):
        row_count({**batch, JOINTS: 3.0})


def test_says_which_key_is_missing(observation: dict) -> None:
    with pytest.raises(ObservationError, match=r"needs 'image\.wrist', but the observation holds"):
        images(as_batch(observation), IMAGE_WRIST)
    del observation[INSTRUCTION]
    with pytest.raises(ObservationError, match="has no 'instruction'; it holds"):
        is_batched(observation)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1, 6, 4, 3), np.float32),
        np.zeros((1, 3, 6, 4), np.uint8),
        np.zeros((6, 4, 3), np.uint8),
        "picture",
    ],
)
def test_refuses_what_is_no_picture(observation: dict, picture: object) -> None:
    message = r"must be uint8 with shape \(rows, height, width, 3\), but has dtype"
    with pytest.raises(ObservationError, match=message):
        images({**as_batch(observation), IMAGE_BASE: picture}, IMAGE_BASE)
