"""``check_policy``: the laws of the ``Policy`` contract, for every policy and yours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steer_gym.acting import ActConfig
from steer_gym.errors import PolicyCheckError, SteeringError, SteerGymError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.observation import Observation, batch_observations
from steer_gym.policy import Policy
from steer_gym.steering import Steering


def check_policy(policy: Policy, observation: Observation | None = None) -> None:
    """Hold ``policy`` to the contract; takes a dozen calls of ``act``.

    Args:
        policy: The policy; it is reset before and after.
        observation: A single observation; by default a random one made from ``policy.spec``.

    Raises:
        PolicyCheckError: Says which law is broken, with the numbers seen.
    """
    first = observation or policy.spec.example_observation(seed=0)
    second = {**policy.spec.example_observation(seed=1), **(observation or {})}
    _check_action(policy, first)
    _check_rows(policy, first, second)
    _check_errors(policy, first)
    if policy.spec.neurons is not None:
        _check_steering(policy, policy.spec.neurons, first, second)
    policy.reset()


def _check_action(policy: Policy, observation: Observation) -> None:
    spec = policy.spec
    plan = _fresh(policy).plan(observation)
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


def _check_rows(policy: Policy, first: Observation, second: Observation) -> None:
    batch = batch_observations([first, second])
    together = _act(policy, batch)
    _same("row 0 of a batch and a single call", together[0], _act(policy, first))
    _same("row 1 of a batch and a single call", together[1], _act(policy, second))


def _check_errors(policy: Policy, observation: Observation) -> None:
    before = _act(policy, observation)
    for camera in policy.spec.cameras:
        broken = {**observation, camera: np.zeros((4, 4), np.float32)}
        try:
            _act(policy, broken)
        except SteerGymError:
            continue
        raise PolicyCheckError(f"{policy.spec.name} accepted a float image of shape (4, 4)")
    _same("act before and after an error", before, _act(policy, observation))


def _check_steering(
    policy: Policy, space: NeuronSpace, first: Observation, second: Observation
) -> None:
    plain = _act(policy, first)
    some = NeuronSet.from_pairs([(layer, 0) for layer in range(space.layers)])
    nothing = ActConfig(steering=Steering(some, 0.0, operation="add"))
    everything = NeuronSet.from_flat(range(space.size))
    strong = ActConfig(steering=Steering(everything, 3.0))
    _same("adding zero and no steering", _act(policy, first, nothing), plain)
    batch = batch_observations([first, second, first])
    rows = policy_rows(policy, batch, [None, strong, strong])
    _same("the unsteered row of a steered batch", rows[0], plain)
    _same("a steered row and a single steered call", rows[1], _act(policy, second, strong))
    _same("an equal row elsewhere in the batch", rows[2], _act(policy, first, strong))
    _same("act before and after steering", _act(policy, first), plain)
    outside = ActConfig(steering=Steering(NeuronSet.from_pairs([(space.layers, 0)]), 1.0))
    try:
        _act(policy, first, outside)
    except SteeringError:
        return
    raise PolicyCheckError(f"{policy.spec.name} accepted a neuron of layer {space.layers}")


def policy_rows(
    policy: Policy, batch: Observation, configs: list[ActConfig | None]
) -> NDArray[np.float32]:
    """Return the actions of a fresh policy for a batch with one config per row."""
    return _fresh(policy).act(batch, configs)


def _act(
    policy: Policy, observation: Observation, config: ActConfig | None = None
) -> NDArray[np.float32]:
    return _fresh(policy).act(observation, config)


def _fresh(policy: Policy) -> Policy:
    policy.reset()
    return policy


def _same(what: str, one: NDArray[np.float32], other: NDArray[np.float32]) -> None:
    _require(np.array_equal(one, other), f"{what} differ: {one} and {other}")


def _require(true: bool, message: str) -> None:
    if not true:
        raise PolicyCheckError(f"Policy check failed: {message}.")
