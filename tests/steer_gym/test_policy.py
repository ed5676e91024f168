"""What every policy inherits."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym import ActConfig, NeuronSet, Policy, Steering
from steer_gym.errors import (
    ActConfigError,
    ObservationError,
    SteerGymError,
    SteeringError,
    UnknownNameError,
)
from steer_gym.observation import INSTRUCTION, batch_observations

EVERY = Steering(NeuronSet.from_flat(range(12)), 3.0)


def test_a_single_observation_gives_an_action_and_a_batch_gives_rows(toy: Policy) -> None:
    observation = toy.spec.example_observation()
    assert toy.act(observation).shape == (7,)
    batch = batch_observations([observation] * 3)
    assert toy.act(batch).shape == (3, 7)
    assert toy.plan(batch).actions.shape == (3, 2, 7)


def test_each_row_has_its_config(toy: Policy) -> None:
    batch = batch_observations([toy.spec.example_observation()] * 2)
    steered = ActConfig(steering=EVERY)
    plan = toy.plan(batch, [None, steered])
    assert not np.allclose(plan.actions[0], plan.actions[1])
    assert plan.steering[0] is None
    assert plan.steering[1].neurons == 12


def test_example_observations_follow_the_seed(toy: Policy) -> None:
    one, again, other = (toy.spec.example_observation(seed) for seed in (0, 0, 1))
    assert all(np.array_equal(one[key], again[key]) for key in one)
    assert not np.array_equal(one["image.base"], other["image.base"])


def test_a_config_that_does_not_fit_is_refused(toy: Policy) -> None:
    observation = toy.spec.example_observation()
    with pytest.raises(ActConfigError, match="toy treats invalid tokens by hold, not by 'zeros'"):
        toy.act(observation, ActConfig(invalid_tokens="zeros"))
    outside = Steering(NeuronSet.from_flat([12]), 1.0)
    with pytest.raises(SteeringError, match="out of range"):
        toy.act(observation, ActConfig(steering=outside))
    foreign = Steering(NeuronSet.from_flat([1], fingerprint="other"), 1.0)
    with pytest.raises(SteeringError, match="were found in model other, but this model is toy"):
        toy.act(observation, ActConfig(steering=foreign))
    with pytest.raises(ActConfigError, match="2 configs for 1 rows"):
        toy.act(observation, [None, None])


def test_a_batch_that_disagrees_is_refused(toy: Policy) -> None:
    batch = batch_observations([toy.spec.example_observation()] * 2)
    with pytest.raises(ObservationError, match="rows of a batch must agree"):
        toy.act({**batch, INSTRUCTION: ("one", "two", "three")})


def test_an_unknown_concept_lists_the_known_ones(toy_class: type[Policy]) -> None:
    class Named(toy_class):
        @property
        def concepts(self) -> dict[str, NeuronSet]:
            return {"fast": NeuronSet.from_flat([1]), "low": NeuronSet.from_flat([2])}

    assert Named().concept("fast").flat_ids == (1,)
    with pytest.raises(UnknownNameError) as error:
        Named().concept("fats")
    assert str(error.value) == (
        "Unknown concept of toy 'fats'. Did you mean 'fast'? Known: fast, low."
    )
    assert isinstance(error.value, SteerGymError)
