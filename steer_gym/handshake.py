"""Before the first step: environment and policy must mean the same by an action."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from steer_gym.convention import ActionConvention
from steer_gym.errors import ConventionError
from steer_gym.policy import Policy


def convention_of(env: gym.Env[Any, Any]) -> ActionConvention:
    """Return the convention that ``env`` declares, its wrappers looked through.

    Raises:
        ConventionError: It declares none.
    """
    convention = getattr(env.unwrapped, "action_convention", None)
    if not isinstance(convention, ActionConvention):
        raise ConventionError(
            f"{env_name(env)} does not say what its actions mean. Give its class an attribute "
            "action_convention of type steer_gym.ActionConvention."
        )
    return convention


def shake_hands(env: gym.Env[Any, Any], policy: Policy) -> ActionConvention:
    """Return the convention of ``env`` and ``policy``.

    Raises:
        ConventionError: They disagree; names each field that differs.
    """
    convention = convention_of(env)
    convention.require_same(
        policy.spec.action, self_name=env_name(env), other_name=f"policy {policy.spec.name}"
    )
    return convention


def env_name(env: gym.Env[Any, Any]) -> str:
    """Return the id of ``env``, or its class where it has none."""
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__
