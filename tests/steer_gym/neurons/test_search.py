"""A search finds what moves the arm; a control that searches as hard tells what that is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from steer_gym import NeuronSet, NeuronSpace, Plan, Policy, PolicySpec, Steering
from steer_gym.acting import ActConfigs
from steer_gym.affine import affine_rows
from steer_gym.convention import LIBERO_DELTA
from steer_gym.errors import SteeringError
from steer_gym.neurons.screening import Measure, Unsteered
from steer_gym.neurons.search import SearchConfig, halves, judged, search, tries
from steer_gym.observation import GRIPPER, Observation, batch_observations

SPACE = NeuronSpace(layers=1, width=12, fingerprint="abc")
LIFTS, HURTS = 3, 7
CONFIG = SearchConfig(probe=2.0, sizes=(1, 2), alphas=(1.0, 2.0))


class Linear(Policy):
    """Expects a motion that its neurons add to: each a little, one the rise, one says words."""

    spec = PolicySpec(name="linear", action=LIBERO_DELTA, cameras={}, neurons=SPACE)

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.values = np.random.default_rng(0).normal(size=(12, 7)) * 0.003
        self.values[:, 6] = 0
        self.values[LIFTS, 2] = 0.1

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        batch, configs = self.prepare(observation, config)
        self.asked += configs
        expected, sure = [], []
        for row, (config_row, groups) in enumerate(
            zip(configs, affine_rows([c.steering for c in configs], SPACE), strict=True)
        ):
            f = np.zeros(12)
            for group in groups:
                f[group.pairs[:, 1]] = group.shift
            own = np.array([0.5, 0.2, 0.1, 0, 0, 0, 1.0]) * (1 + batch[GRIPPER][row, 0])
            expected.append(own + f @ self.values)
            sure.append(np.full(7, 1.0 - 0.1 * f[HURTS]))
            del config_row
        return Plan(
            actions=np.array(expected, np.float32)[:, None],
            extra={"expected_actions": np.array(expected), "action_probability": np.array(sure)},
        )


@pytest.fixture
def world() -> tuple[Unsteered, Unsteered]:
    policy = Linear()
    batch = batch_observations([policy.spec.example_observation(seed) for seed in range(6)])
    return halves(policy, batch, seed=0)


RISE = Measure("rise", 1.0)


def test_the_neuron_that_does_it_comes_first_and_the_strongest_dose_is_taken(world: Any) -> None:
    counted: list[int] = []
    ids = [0, 1, LIFTS, 5]
    found = search(world[0], RISE, ids, CONFIG, name="up", on_try=counted.append)
    assert found.alone[0][0] == LIFTS
    assert found.neurons.flat_ids[0] == LIFTS
    assert found.steering.edits[0].alpha == 2.0
    assert counted == list(range(1, tries(len(ids), CONFIG) + 1))


def test_what_does_harm_is_left_aside(world: Any) -> None:
    policy = Linear()
    policy.values[HURTS, 2] = 0.5
    batch = batch_observations([policy.spec.example_observation(seed) for seed in range(4)])
    found = search(Unsteered(policy, batch), RISE, [HURTS, LIFTS], CONFIG)
    assert not any(CONFIG.harmless(effect) for _, effect in found.doses)
    gentle = replace(CONFIG, alphas=(0.1,), sizes=(1,))
    assert CONFIG.harmless(search(Unsteered(policy, batch), RISE, [LIFTS], gentle).effect)


def test_a_verdict_is_by_observations_that_no_search_saw_and_by_the_controls(world: Any) -> None:
    seen, unseen = world
    found = search(seen, RISE, [0, LIFTS], CONFIG)
    controls = [search(seen, RISE, ids, CONFIG) for ids in ([1, 2], [4, 5])]
    verdict = judged(unseen, RISE, found, controls, CONFIG)
    assert verdict.before == unseen.effect(Steering())
    assert verdict.effect == unseen.effect(found.steering)
    assert verdict.gain == pytest.approx(verdict.effect.rise - verdict.before.rise)
    assert verdict.gain == pytest.approx(0.2, abs=0.03)
    assert verdict.harmless_controls == (True, True)
    assert "harm" not in verdict.text()
    assert "The words beat 2 of 2." in verdict.text()
    turned = judged(unseen, RISE, controls[0], [found, controls[1]], CONFIG)
    assert "no merit of the words is shown" in turned.text()


def test_a_control_that_does_harm_is_named(world: Any) -> None:
    seen, unseen = world
    harmful, harmless = (search(seen, RISE, ids, CONFIG) for ids in ([HURTS], [1]))
    verdict = judged(unseen, RISE, harmless, [harmful, harmless], CONFIG)
    assert verdict.harmless_controls == (False, True)
    assert verdict.text().count("(does harm)") == 1


def test_no_set_is_tried_twice_and_the_policy_alone_is_asked_once(world: Any) -> None:
    asked = len(world[0]._policy.asked)
    found = search(world[0], RISE, [0, LIFTS], replace(CONFIG, sizes=(1, 2, 3, 5)))
    assert len({steering for steering, _ in found.doses}) == len(found.doses) == 2 * 2
    assert all(config.steering for config in world[0]._policy.asked[asked:])


def test_the_halves_share_no_observation() -> None:
    policy = Linear()
    batch = batch_observations([policy.spec.example_observation(seed) for seed in range(6)])
    rows = [half._observation[GRIPPER][:, 0].tolist() for half in halves(policy, batch, seed=1)]
    assert sorted(rows[0] + rows[1]) == sorted(batch[GRIPPER][:, 0].tolist())
    assert not set(rows[0]) & set(rows[1])


def test_a_policy_that_tells_no_expectation_is_refused(toy: Any) -> None:
    with pytest.raises(SteeringError, match="toy does not tell the expectation of its actions"):
        Unsteered(toy, toy.spec.example_observation())


def test_found_sets_are_bound_to_the_model(world: Any) -> None:
    found = search(world[0], RISE, [LIFTS], CONFIG, name="up", fingerprint="abc")
    assert found.neurons == NeuronSet.from_flat([LIFTS], name="up", fingerprint="abc")
    with pytest.raises(SteeringError, match="were found in model other"):
        search(world[0], RISE, [LIFTS], CONFIG, fingerprint="other")
