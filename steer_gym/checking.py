"""``check_policy``: the laws of the ``Policy`` contract, for every policy and yours."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.acting import ActConfig, ActConfigs
from steer_gym.errors import PolicyCheckError, SteerGymError, SteeringError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.observation import Observation, batch_observations
from steer_gym.policy import Plan, Policy
from steer_gym.steering import Steering

ROW_TOLERANCE = 1e-4
"""Largest difference between a row of a batch and a single call: matrix products of other shapes
round otherwise. All other comparisons are exact, those of tokens too."""


def check_policy(policy: Policy, observation: Observation | None = None) -> None:
    """Hold ``policy`` to the contract; takes about thirty calls of ``act``.

    Args:
        policy: The policy; it is reset before every call and at the end.
        observation: A single observation; by default a random one made from ``policy.spec``.

    Raises:
        PolicyCheckError: Says which law is broken, with the numbers seen.
    """
    first = observation or policy.spec.example_observation(seed=0)
    flipped = {camera: np.flip(first[camera], axis=0).copy() for camera in policy.spec.cameras}
    second = {**first, **flipped}
    _check_action(policy, first)
    _check_rows(policy, first, second)
    _check_sampling(policy, first)
    _check_errors(policy, first)
    if policy.spec.neurons is not None:
        _check_steering(policy, policy.spec.neurons, first, second)
    policy.reset()


def _check_action(policy: Policy, observation: Observation) -> None:
    spec = policy.spec
    before = copy.deepcopy(dict(observation))
    plan = _plan(policy, observation)
    action = _act(policy, observation)
    _require(
        plan.actions.shape == (1, spec.horizon, spec.action.size),
        f"plan.actions has shape {plan.actions.shape}, "
        f"but the spec says (1, {spec.horizon}, {spec.action.size})",
    )
    _require(action.shape == (spec.action.size,), f"act returned shape {action.shape}")
    _require(action.dtype == np.float32, f"act returned {action.dtype}, not float32")
    _require(bool(np.isfinite(action).all()), f"act returned {action}")
    _same("act twice after reset", action, _act(policy, observation))
    _same("act and plan", action, plan.actions[0, 0])
    changed = [key for key in before if not np.array_equal(before[key], observation[key])]
    _require(not changed, f"act changed {changed} of the observation")


def _check_rows(policy: Policy, first: Observation, second: Observation) -> None:
    together = _plan(policy, batch_observations([first, second]))
    for row, single in enumerate((first, second)):
        what = f"row {row} of a batch and a single call"
        _same_row(what, together, row, _plan(policy, single))


def _check_sampling(policy: Policy, observation: Observation) -> None:
    sampled = ActConfig(temperature=1.0, seed=3)
    one, other = (_act(policy, observation, sampled) for _ in range(2))
    _same("two samples with one seed", one, other)


def _check_errors(policy: Policy, observation: Observation) -> None:
    before = _act(policy, observation)
    for camera in policy.spec.cameras:
        broken = {**observation, camera: np.zeros((4, 4), np.float32)}
        _raises(policy, SteerGymError, "a float image of shape (4, 4)", broken, None)
    _same("act before and after an error", before, _act(policy, observation))


def _check_steering(
    policy: Policy, space: NeuronSpace, first: Observation, second: Observation
) -> None:
    unsteered = _plan(policy, first)
    plain = _act(policy, first)
    some = NeuronSet.from_pairs([(layer, 0) for layer in range(space.layers)])
    everything = NeuronSet.from_flat(range(space.size))
    nothing, strong, opposite, outside = (
        ActConfig(steering=steering)
        for steering in (
            Steering(some, 0.0, operation="add"),
            Steering(everything, 3.0),
            Steering(everything, -3.0),
            Steering(NeuronSet.from_pairs([(space.layers, 0)]), 1.0),
        )
    )
    _same("adding zero and no steering", _act(policy, first, nothing), plain)
    before = _outcome(policy, first, None)
    _require(
        any(_outcome(policy, first, config) != before for config in (strong, opposite)),
        f"overriding every neuron with 3 or -3 changes nothing: the action stays {plain}",
    )
    batch, configs = batch_observations([first, second, first]), [None, strong, strong]
    rows = _plan(policy, batch, configs)
    _same_row("the unsteered row of a steered batch", rows, 0, unsteered)
    alone = _plan(policy, second, strong)
    _same_row("a steered row and a single steered call", rows, 1, alone)
    _same_row("an equal row elsewhere in the batch", rows, 2, _plan(policy, first, strong))
    _check_reports(policy, batch, configs)
    _check_sizes(policy, first, nothing, strong)
    _raises(policy, SteeringError, f"a neuron of layer {space.layers}", first, outside)
    _same("act before and after steering", _act(policy, first), plain)


def _check_reports(policy: Policy, batch: Observation, configs: Sequence[ActConfig | None]) -> None:
    reports = policy.plan(batch, configs).steering
    told = [report is not None and report.neurons > 0 for report in reports]
    expected = [config is not None for config in configs]
    _require(
        told == expected,
        f"plan.steering must report changed neurons for the rows {expected}, but is {reports}",
    )


def _check_sizes(
    policy: Policy, observation: Observation, nothing: ActConfig, strong: ActConfig
) -> None:
    """Check the sizes of two steerings, where the policy measures any."""
    for config in (nothing, strong):
        measured = replace(config, measure_steering=True)
        _require(
            _outcome(policy, observation, measured) == _outcome(policy, observation, config),
            "measuring the size of a steering changes what the policy does",
        )
        report = _plan(policy, observation, measured).steering[0]
        size = report.size if report else None
        _require(
            size is None or (size.greatest > 0) == (config is strong),
            f"the size of {'an override' if config is strong else 'adding zero'} is {size}",
        )


def _raises(
    policy: Policy,
    kind: type[SteerGymError],
    what: str,
    observation: Observation,
    config: ActConfigs,
) -> None:
    try:
        _act(policy, observation, config)
    except kind:
        return
    except Exception as error:
        raise PolicyCheckError(
            f"Policy check failed: {what} raises {error!r}, not {kind.__name__}."
        ) from error
    raise PolicyCheckError(f"Policy check failed: {policy.spec.name} accepts {what}.")


def _act(policy: Policy, observation: Observation, config: ActConfigs = None) -> NDArray[Any]:
    policy.reset()
    return policy.act(observation, config)


def _plan(policy: Policy, observation: Observation, config: ActConfigs = None) -> Plan:
    policy.reset()
    return policy.plan(observation, config)


def _same_row(what: str, together: Plan, row: int, alone: Plan) -> None:
    """Compare the next action, and tokens: many of them may come to one and the same action."""
    _same(what, together.actions[row, 0], alone.actions[0, 0], ROW_TOLERANCE)
    if together.tokens is not None and alone.tokens is not None:
        _same(f"the tokens of {what}", together.tokens[row], alone.tokens[0])


def _outcome(policy: Policy, observation: Observation, config: ActConfigs) -> tuple[bytes, bytes]:
    """Return actions and tokens: on noise, tokens that are no actions may hide a change."""
    plan = _plan(policy, observation, config)
    return plan.actions.tobytes(), b"" if plan.tokens is None else plan.tokens.tobytes()


def _equal(one: NDArray[Any], other: NDArray[Any], tolerance: float = 0.0) -> bool:
    return one.shape == other.shape and bool(np.all(np.abs(one - other) <= tolerance))


def _same(what: str, one: NDArray[Any], other: NDArray[Any], tolerance: float = 0.0) -> None:
    _require(_equal(one, other, tolerance), f"{what} differ: {one} and {other}")


def _require(true: bool, message: str) -> None:
    if not true:
        raise PolicyCheckError(f"Policy check failed: {message}.")
