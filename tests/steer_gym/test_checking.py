"""``check_policy`` lets a lawful policy pass and catches each broken law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from steer_gym import NeuronSet, Policy, Steering, check_policy
from steer_gym.acting import ActConfig, config_rows
from steer_gym.errors import PolicyCheckError, SteeringError
from steer_gym.observation import IMAGE_BASE, as_batch, batch_observations, observation_row

Breakage = Callable[[Policy], None]


def test_a_lawful_policy_passes(toy: Policy) -> None:
    check_policy(toy)
    check_policy(toy, toy.spec.example_observation(seed=5))


def test_a_policy_without_neurons_passes(toy: Policy) -> None:
    toy.spec = replace(toy.spec, neurons=None)
    check_policy(toy)


def after(change: Callable[..., object]) -> Breakage:
    """Return a breakage that lets ``change(plan, rows of configs)`` replace every plan."""

    def breakage(policy: Policy) -> None:
        lawful = policy.plan

        def plan(observation, config=None):
            configs = config_rows(config, len(as_batch(observation)["instruction"]))
            return change(lawful(observation, config), configs)

        policy.plan = plan

    return breakage


def before(change: Callable[..., tuple]) -> Breakage:
    """Return a breakage that lets ``change`` replace every observation and config."""

    def breakage(policy: Policy) -> None:
        lawful = policy.plan
        policy.plan = lambda observation, config=None: lawful(*change(observation, config))

    return breakage


def one_action_too_few(plan, configs):
    return replace(plan, actions=plan.actions[:, :1])


def another_float(plan, configs):
    return replace(plan, actions=plan.actions.astype(np.float64))


def not_a_number(plan, configs):
    return replace(plan, actions=plan.actions * np.nan)


def tokens_that_count_rows(plan, configs):
    return replace(plan, tokens=np.arange(len(configs))[:, None])


def tokens_of_the_opposite_row(plan, configs):
    steered = [config.steering is not None for config in reversed(configs)]
    return replace(plan, tokens=np.array(steered, np.int64)[:, None])


def nothing_reported(plan, configs):
    return replace(plan, steering=())


def first_row_for_all(observation, config):
    batch = as_batch(observation)
    rows = len(batch["instruction"])
    return batch_observations([observation_row(batch, 0)] * rows), config


def first_config_for_all(observation, config):
    first = config[0] if isinstance(config, list) else config
    return observation, first


def steering_ignored(observation, config):
    return observation, None


def pictures_painted_over(observation, config):
    observation[IMAGE_BASE][...] = 0
    return observation, config


def anything_taken_for_a_picture(observation, config):
    if np.asarray(observation[IMAGE_BASE]).dtype != np.uint8:
        observation = {**observation, IMAGE_BASE: np.zeros((8, 8, 3), np.uint8)}
    return observation, config


def drifting(policy: Policy) -> None:
    calls = iter(range(1000))
    after(lambda plan, _: replace(plan, actions=plan.actions + np.float32(next(calls))))(policy)


def seed_ignored(observation, config):
    warm = isinstance(config, ActConfig) and config.temperature > 0
    return observation, replace(config, seed=None) if warm else config


def steering_left_behind(policy: Policy) -> None:
    last: list[ActConfig] = []
    strongest = Steering(NeuronSet.from_flat(range(12)), 3.0)

    def remember(observation, config):
        if isinstance(config, ActConfig) and config.steering == strongest:
            last.append(config)
        return observation, config if config or not last else last[-1]

    before(remember)(policy)


def range_unchecked(policy: Policy) -> None:
    lawful = policy.plan

    def plan(observation, config=None):
        try:
            return lawful(observation, config)
        except SteeringError:
            return lawful(observation)

    policy.plan = plan


@pytest.mark.parametrize(
    ("breakage", "message"),
    [
        (after(one_action_too_few), r"shape \(1, 1, 7\), but the spec says \(1, 2, 7\)"),
        (after(another_float), "act returned float64, not float32"),
        (after(not_a_number), r"act returned \[nan"),
        (after(nothing_reported), r"must report changed neurons for the rows \[False, True, True"),
        (before(first_row_for_all), "row 1 of a batch and a single call differ"),
        (after(tokens_that_count_rows), "the tokens of row 1 of a batch and a single call differ"),
        (after(tokens_of_the_opposite_row), "the tokens of the unsteered row of a steered batch"),
        (before(first_config_for_all), "a steered row and a single steered call differ"),
        (before(steering_ignored), "overriding every neuron with 3 or -3 changes nothing"),
        (before(pictures_painted_over), "act changed .'image.base'. of the observation"),
        (before(anything_taken_for_a_picture), "accepts a float image of shape"),
        (before(seed_ignored), "two samples with one seed differ"),
        (drifting, "act twice after reset differ"),
        (steering_left_behind, "act before and after steering differ"),
        (range_unchecked, "toy accepts a neuron of layer 2"),
    ],
)
def test_each_broken_law_is_caught(toy: Policy, breakage: Breakage, message: str) -> None:
    breakage(toy)
    with pytest.raises(PolicyCheckError, match=message):
        check_policy(toy)


def test_a_bare_error_is_caught(toy: Policy) -> None:
    def picky(observation, config):
        if observation[IMAGE_BASE].ndim == 2:
            raise IndexError("too many indices")
        return observation, config

    before(picky)(toy)
    with pytest.raises(PolicyCheckError, match=r"raises IndexError.* not SteerGymError"):
        check_policy(toy)
