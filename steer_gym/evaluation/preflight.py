"""What can be wrong with an evaluation is found before its first episode."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from steer_gym.convention import ActionConvention
from steer_gym.errors import EvaluationError, SteerGymError
from steer_gym.extras import load
from steer_gym.handshake import env_name, shake_hands
from steer_gym.policy import Policy, PolicySpec
from steer_gym.rollout import executed_actions

from .grid import Condition, Grid


def policy_identity(policy: Policy, options: dict[str, Any]) -> dict[str, Any]:
    """Return what identifies a policy in rows and digests: its name, options and weights."""
    neurons = policy.spec.neurons
    fingerprint = neurons.fingerprint if neurons else ""
    return {"name": policy.spec.name, "options": options, "fingerprint": fingerprint}


def environment_options(grid: Grid, spec: PolicySpec, *, film: bool) -> dict[str, Any]:
    """Return the options of ``gym.make`` but the task.

    An environment that lets its cameras, their size or privileged knowledge be chosen is made with
    what the policy needs, unless ``grid.env_options`` says otherwise.
    """
    sizes = list(spec.cameras.values())
    wanted: dict[str, Any] = {"cameras": tuple(spec.cameras), "privileged": spec.privileged}
    if sizes:
        wanted["image_size"] = tuple(max(side) for side in zip(*sizes, strict=True))
    if film:
        wanted["render_mode"] = "rgb_array"
    known = _parameters(grid.env)
    fitting = {name: value for name, value in wanted.items() if name in known}
    return {**fitting, **grid.env_options}


def preflight(
    grid: Grid, policy: Policy, options: dict[str, Any], *, tried: bool = False
) -> ActionConvention:
    """Try every condition and make every environment once; return their convention.

    Args:
        grid: What is to be run.
        policy: The policy.
        options: Of ``gym.make``.
        tried: Whether the conditions have been tried before.

    Raises:
        SteerGymError: Something given is not allowed, or does not fit together.
    """
    for condition in () if tried else grid.conditions:
        _check_condition(condition, policy)
    policy.reset()
    conventions = {_check_task(grid, task, policy, options) for task in grid.tasks}
    return conventions.pop()


def _check_condition(condition: Condition, policy: Policy) -> None:
    for config in condition.configs:
        if config.temperature > 0 and config.seed is None:
            raise EvaluationError(
                f"Condition {condition.name!r} samples (temperature {config.temperature:g}) "
                "without a seed, so nobody could repeat it. Give its ActConfig a seed."
            )
        executed_actions(policy.spec, config)
        policy.reset()
        policy.plan(policy.spec.example_observation(), replace(config, schedule=None))


def _check_task(
    grid: Grid, task: int | str | None, policy: Policy, options: dict[str, Any]
) -> ActionConvention:
    env = made(grid.env, **options, **({} if task is None else {"task": task}))
    try:
        require_init_states(env, grid.init_states)
        return shake_hands(env, policy)
    finally:
        env.close()


def init_state_count(env: gym.Env[Any, Any]) -> int | None:
    """Return the number of initial states that ``env`` offers; ``None``: it does not say."""
    states = getattr(env.unwrapped, "init_states", None)
    return None if states is None else len(states)


def require_init_states(env: gym.Env[Any, Any], wanted: Iterable[int | None]) -> None:
    """Refuse initial states that ``env`` does not have, where it says which it has."""
    count = init_state_count(env)
    outside = [i for i in wanted if i is not None and count is not None and not 0 <= i < count]
    if outside:
        raise EvaluationError(
            f"{env_name(env)} has {count} initial states, numbered from 0; {outside[0]} is none of "
            "them."
        )


def made(env_id: str, **options: Any) -> gym.Env[Any, Any]:
    """Return ``gym.make(env_id, **options)``.

    Raises:
        EvaluationError: There is no such environment, or it does not take such options.
    """
    try:
        return gym.make(env_id, disable_env_checker=True, **options)
    except (gym.error.Error, ImportError, TypeError, ValueError) as error:
        if isinstance(error, SteerGymError):
            raise
        raise EvaluationError(f"Cannot make {env_id}: {error}") from error


def environment_spec(env_id: str) -> EnvSpec:
    """Return what Gymnasium knows of an id, which may be ``"module:id"`` as in ``gym.make``."""
    module, _, name = env_id.rpartition(":")
    if module:
        importlib.import_module(module)
    return gym.spec(name)


def _parameters(env_id: str) -> set[str]:
    try:
        target: Any = environment_spec(env_id).entry_point
    except (gym.error.Error, ImportError) as error:
        raise EvaluationError(f"Unknown environment {env_id!r}: {error}") from error
    maker = load(target) if isinstance(target, str) else target
    return set(inspect.signature(maker).parameters)
