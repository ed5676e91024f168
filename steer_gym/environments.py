"""The Gymnasium ids of this package: a table of strings, imported when an env is made."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from steer_gym.errors import UnknownNameError
from steer_gym.extras import load

LIBERO = "steer_gym.envs.libero.env:LiberoEnv"
UR5 = "steer_gym.envs.ur5.env:UR5Env"

_LIBERO_NAMES = {
    "LiberoSpatial": "libero_spatial",
    "LiberoObject": "libero_object",
    "LiberoGoal": "libero_goal",
    "Libero10": "libero_10",
    "Libero90": "libero_90",
}
_LIBERO_PRO = {"Lan": "lan", "Object": "object", "Swap": "swap", "Task": "task"}


def _libero_suites() -> dict[str, str]:
    varied = {
        f"{name}{ending}": f"{suite}_{variant}"
        for name, suite in _LIBERO_NAMES.items()
        for ending, variant in _LIBERO_PRO.items()
        if name != "Libero90"
    }
    return _LIBERO_NAMES | varied


ENVIRONMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"steer_gym/{n}-v0": (LIBERO, {"suite": s}) for n, s in _libero_suites().items()},
    "steer_gym/Libero-v0": (LIBERO, {}),
    "steer_gym/UR5-v0": (UR5, {"robot": "ur5"}),
    "steer_gym/UR5Sim-v0": (UR5, {"robot": "ur5-sim"}),
}
"""Id -> entry point and its keyword arguments. ``Libero-v0`` takes any ``suite=``; ``UR5-v0`` needs
``host=``."""


def register_environments() -> None:
    """Register every id with Gymnasium; a second call changes nothing."""
    for name, (entry_point, options) in ENVIRONMENTS.items():
        if name not in gym.registry:
            gym.register(id=name, entry_point=entry_point, kwargs=options)


def task_languages(env_id: str) -> list[str]:
    """Return the instructions of an environment's tasks, in their order.

    Raises:
        UnknownNameError: There is no such environment.
        MissingPackageError: What it needs is not installed.
    """
    if env_id not in ENVIRONMENTS:
        raise UnknownNameError("environment", env_id, ENVIRONMENTS)
    entry_point, options = ENVIRONMENTS[env_id]
    languages: list[str] = load(entry_point).task_languages(**options)
    return languages
