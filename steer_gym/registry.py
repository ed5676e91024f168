"""Policies by name: a table of strings, imported when one is asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from steer_gym.errors import SteerGymError, UnknownNameError
from steer_gym.extras import load
from steer_gym.policy import Policy

POLICIES: dict[str, str] = {
    "lerobot": "steer_gym.policies.lerobot.policy:LeRobotPolicy",
    "openvla": "steer_gym.policies.openvla.policy:OpenVlaPolicy",
    "openvla-oft": "steer_gym.policies.openvla.oft:OpenVlaOftPolicy",
    "pi0-fast": "steer_gym.policies.pi0_fast.policy:Pi0FastPolicy",
    "pocket": "steer_gym.policies.pocket.policy:PocketPolicy",
    "remote": "steer_gym.policies.remote.policy:RemotePolicy",
    "scripted": "steer_gym.policies.scripted.policy:ScriptedPolicy",
}
"""Name -> ``module:Class``; the class takes the keyword arguments of ``make_policy``."""


def register_policy(name: str, target: str) -> None:
    """Add a policy of your own under ``name``; ``target`` is ``"module:Class"``.

    Packages can do the same without code, by an entry point in the group ``steer_gym.policies``.
    """
    module, _, attribute = target.partition(":")
    if not (module and attribute):
        raise SteerGymError(f"A policy's target is 'module:Class', but is {target!r}.")
    if POLICIES.get(name, target) != target:
        raise SteerGymError(f"The name {name!r} is taken by {POLICIES[name]}.")
    POLICIES[name] = target


def policy_targets() -> dict[str, str]:
    """Return every known policy's name and target, those of other packages included."""
    plugins = {point.name: point.value for point in entry_points(group="steer_gym.policies")}
    return {**plugins, **POLICIES}


def make_policy(name: str, **options: Any) -> Policy:
    """Return a new policy.

    Args:
        name: One of ``policy_targets()``.
        **options: For the policy's class, for example ``checkpoint=``.

    Raises:
        UnknownNameError: There is no such policy or option; lists the known names.
        SteerGymError: An option is missing that the policy cannot do without.
        MissingPackageError: Says what to install.
    """
    maker = _maker(name)
    _require_options(name, maker, options)
    policy: Policy = maker(**options)
    return policy


def is_light(name: str) -> bool:
    """Return ``Policy.light``, without making one; imports what it needs.

    Raises:
        UnknownNameError: There is no such policy.
        MissingPackageError: Says what to install.
    """
    return bool(getattr(_maker(name), "light", False))


def _maker(name: str) -> Any:
    targets = policy_targets()
    if name not in targets:
        raise UnknownNameError("policy", name, targets)
    return load(targets[name])


def _require_options(name: str, maker: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse options that ``maker`` does not take, and too few."""
    try:
        known = inspect.signature(maker).parameters
    except ValueError:  # of some classes written in C
        return
    if not any(each.kind is each.VAR_KEYWORD for each in known.values()):
        for option in options:
            if option not in known:
                raise UnknownNameError(f"option of policy {name!r}", option, known)
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for option, each in known.items():
        if each.default is each.empty and each.kind not in variable and option not in options:
            raise SteerGymError(f"Policy {name!r} needs the option {option!r}, which is not given.")
