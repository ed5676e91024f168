"""``steer-gym neurons record``: keep observations of unsteered rollouts in a file."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from steer_gym.evaluation.preflight import made, require_init_states
from steer_gym.neurons.recordings import record, save_observations
from steer_gym.observation import Observation
from steer_gym.results import writable_folder

from .choices import add_policy, chosen_policy
from .parser import count, numbers, setting, whole


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_policy(parser)
    parser.add_argument("--env", required=True, metavar="ID", help="see `steer-gym envs`")
    parser.add_argument(
        "--env-option", dest="env_options", action="append", default=[], type=setting,
        metavar="KEY=VALUE", help="for gym.make; may be repeated",
    )  # fmt: skip
    parser.add_argument("--tasks", type=numbers, default=(None,), help="such as 0,3 or 0-9")
    parser.add_argument("--init-states", type=numbers, default=(None,), help="such as 0-4")
    parser.add_argument("--seed", type=whole, default=0, help="of the scenes (default: 0)")
    parser.add_argument(
        "--every", type=count, default=10, metavar="N", help="keep every N-th (default: 10)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="an .npz")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the episodes one after another, and write what was seen."""
    writable_folder(options.out.parent)
    policy, kept = chosen_policy(options), list[Observation]()
    for task in options.tasks:
        place: dict[str, Any] = {} if task is None else {"task": task}
        with closing(made(options.env, **dict(options.env_options), **place)) as env:
            require_init_states(env, options.init_states)
            for state in options.init_states:
                start = None if state is None else {"init_state": state}
                kept += record(env, policy, every=options.every, options=start, seed=options.seed)
    save_observations(options.out, kept)
    print(f"{len(kept)} observations of {policy.spec.name} in {options.env} -> {options.out}")
    return 0
