"""``steer-gym envs``: list the environments, or the tasks of one."""

from __future__ import annotations

import argparse
from typing import Any

import gymnasium as gym

from steer_gym.environments import ENVIRONMENTS
from steer_gym.errors import UnknownNameError
from steer_gym.extras import load


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("id", nargs="?", help="list the tasks of this environment")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table, or the tasks of one environment."""
    if options.id is None:
        width = max(map(len, ENVIRONMENTS))
        for name, (_, fixed) in ENVIRONMENTS.items():
            words = " ".join(str(value) for value in fixed.values())
            print(f"{name:<{width}}  {words}".rstrip())
        return 0
    for index, instruction in enumerate(tasks(options.id)):
        print(f"{index:>3}  {instruction}")
    return 0


def tasks(env_id: str) -> list[str]:
    """Return the instructions of an environment's tasks, in their order.

    Raises:
        UnknownNameError: There is no such environment.
    """
    if env_id not in ENVIRONMENTS:
        raise UnknownNameError("environment", env_id, ENVIRONMENTS)
    spec: Any = gym.spec(env_id)
    listed: list[str] = load(spec.entry_point).tasks(**spec.kwargs)
    return listed
