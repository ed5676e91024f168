"""``steer-gym envs``: list the environments, or the tasks of one."""

from __future__ import annotations

import argparse

from steer_gym.environments import ENVIRONMENTS, task_languages


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
    for index, instruction in enumerate(task_languages(options.id)):
        print(f"{index:>3}  {instruction}")
    return 0
