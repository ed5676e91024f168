"""The whole search, small, on made-up episodes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym import ActConfig, NeuronSet, Steering
from steer_gym.errors import SteeringError
from steer_gym.neurons.screening import Measure, Unsteered, ranked
from steer_gym.observation import TCP_POSE, batch_observations


@pytest.fixture(scope="module")
def found(checkpoint: Path, demonstrations: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from steer_gym.policies.pocket.concepts import ConceptConfig, find_concepts
    from steer_gym.policies.pocket.policy import PocketPolicy

    folder = tmp_path_factory.mktemp("found") / "checkpoint"
    shutil.copytree(checkpoint, folder)
    config = ConceptConfig(
        checkpoint=folder,
        demonstrations=demonstrations,
        observations=4,
        candidates=3,
        sizes=(1, 2),
        alphas=(2.0, 4.0),
    )
    find_concepts(config)
    return PocketPolicy(folder)


def test_every_theme_has_a_set_and_a_control_bound_to_the_weights(found: Any) -> None:
    themes = {"fast", "slow", "high", "low"}
    assert set(found.concepts) == themes | {f"random-{theme}" for theme in themes}
    assert {s.fingerprint for s in found.concepts.values()} == {found.spec.neurons.fingerprint}


def test_what_is_recommended_can_be_acted_under(found: Any) -> None:
    observation = found.spec.example_observation()
    plan = found.plan(observation, ActConfig(steering=found.recommended("fast")))
    assert plan.steering[0].neurons == len(found.concept("fast"))


def test_a_set_of_other_weights_is_refused(found: Any) -> None:
    foreign = NeuronSet.from_flat([1], fingerprint="another")
    with pytest.raises(SteeringError, match="were found in model another"):
        found.act(found.spec.example_observation(), ActConfig(steering=Steering(foreign, 1.0)))


def test_the_spread_is_that_of_every_neuron(found: Any) -> None:
    spread = found.spread()
    assert spread.shape == (found.spec.neurons.layers, found.spec.neurons.width)
    assert (spread > 0).any()


def test_unsteered_is_like_itself(found: Any) -> None:
    batch = batch_observations([found.spec.example_observation(seed) for seed in range(3)])
    effect = Unsteered(found, batch).before
    assert effect.heading == pytest.approx(1.0, abs=1e-4)
    assert effect.grip == 1.0


def test_screening_ranks_by_what_each_neuron_does_alone(found: Any) -> None:
    batch = batch_observations([found.spec.example_observation(seed) for seed in range(2)])
    unsteered, measure = Unsteered(found, batch), Measure("rise", -1.0)

    def steer(neurons: NeuronSet) -> Steering:
        return Steering(neurons, 30.0)

    order = ranked(unsteered, measure, range(6), steer)
    gains = [gain for _, gain in order]
    assert gains == sorted(gains, reverse=True)
    neuron, gain = order[0]
    after = unsteered.effect(Steering(NeuronSet.from_flat([neuron]), 30.0))
    assert gain == pytest.approx(unsteered.before.rise - after.rise, abs=1e-6)


def test_recorded_steps_are_sorted_by_what_the_arm_does(demonstrations: Path) -> None:
    from steer_gym.policies.pocket.recorded import carrying, recorded_steps

    rng = np.random.default_rng(0)
    steps = recorded_steps(demonstrations, rng)
    assert len(steps) == 12 + 13 + 14
    assert carrying(steps, 5, rng)[TCP_POSE].shape == (5, 6)
