"""``steer-gym eval``: run a policy on tasks and initial states under conditions, resumably."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from steer_gym.environments import ENVIRONMENTS, task_languages
from steer_gym.evaluation.conditions import UNSTEERED, random_like, told
from steer_gym.evaluation.grid import Condition, Grid
from steer_gym.evaluation.preflight import init_state_count, made, require_init_states
from steer_gym.evaluation.preview import preview
from steer_gym.evaluation.runner import EPISODES, evaluate
from steer_gym.evaluation.table import report
from steer_gym.policy import Policy
from steer_gym.results import writable_folder
from steer_gym.schedules.base import Schedule

from .choices import (
    add_policy,
    add_schedule,
    add_steer,
    check_steer,
    chosen_policy,
    given_schedule,
    policy_options,
    scheduled,
    steer_condition,
)
from .parser import UsageError, count, numbers, positive, setting, whole

INIT_STATES = tuple(range(10))


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_policy(parser)
    where = parser.add_argument_group("where")
    where.add_argument("--env", required=True, metavar="ID", help="see `steer-gym envs`")
    where.add_argument(
        "--env-option", dest="env_options", action="append", default=[], type=setting,
        metavar="KEY=VALUE", help="for gym.make; may be repeated",
    )  # fmt: skip
    where.add_argument("--tasks", type=numbers, help="such as 0,3 or 0-9 (default: all)")
    where.add_argument("--init-states", type=numbers, help="such as 0-49 (default: 0-9)")
    where.add_argument("--seed", type=whole, default=0, help="of the scenes (default: 0)")
    how = parser.add_argument_group("how: the policy as it is, and further conditions")
    add_steer(how)  # type: ignore[arg-type]
    add_schedule(how)
    how.add_argument(
        "--random", type=count, metavar="N",
        help="for each --steer, a condition with random neurons of the same layers; N draws take "
        "turns over the initial states",
    )  # fmt: skip
    how.add_argument(
        "--prompt", action="append", default=[], metavar="TEXT",
        help='a condition in words, such as "{instruction}, quickly"; may be repeated',
    )  # fmt: skip
    how.add_argument("--no-baseline", action="store_true", help="leave unsteered episodes out")
    run_options = parser.add_argument_group("the run")
    run_options.add_argument("--out", type=Path, metavar="FOLDER", help="(default: runs/eval/...)")
    run_options.add_argument("--envs", type=count, default=1, help="side by side (default: 1)")
    run_options.add_argument(
        "--films", type=whole, default=0, metavar="N", help="film the first N initial states"
    )
    run_options.add_argument("--minutes", type=positive, help="start nothing that ends later")
    run_options.add_argument("--dry-run", action="store_true", help="check all, print the plan")
    run_options.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run what is left to run, and print the table."""
    identity = policy_options(options)
    check_steer(options.steer)
    schedule = given_schedule(options.schedule) if options.schedule else None
    tasks, init_states = places(options)
    out = options.out or Path("runs/eval") / f"{options.policy}-{options.env.rpartition('/')[2]}"
    if not options.dry_run:
        writable_folder(out)
    policy = chosen_policy(options)
    grid = Grid(
        env=options.env,
        conditions=tuple(conditions(options, policy, schedule)),
        tasks=tasks,
        init_states=init_states,
        seed=options.seed,
        env_options=dict(options.env_options),
    )
    if options.dry_run:
        print(preview(grid, policy, out, policy_options=identity, envs=options.envs))
        return 0
    filmed = set(init_states[: options.films])
    rows = evaluate(
        grid,
        policy,
        out,
        policy_options=identity,
        envs=options.envs,
        films={cell.key for cell in grid.cells() if cell.init_state in filmed},
        minutes=options.minutes,
        quiet=options.quiet,
    )
    print(f"{report(rows)}\n\n{len(rows)} of {len(grid.cells())} episodes in {out / EPISODES}")
    return 0


def places(options: argparse.Namespace) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the tasks and initial states, checked by making each task's environment once."""
    given = dict(options.env_options)
    named = options.env in ENVIRONMENTS and "suite" not in given
    tasks: Sequence[Any] = options.tasks or (
        range(len(task_languages(options.env))) if named else (None,)
    )
    states = [_init_states(options, {} if task is None else {"task": task}) for task in tasks]
    return tuple(tasks), min(states, key=len)


def conditions(
    options: argparse.Namespace, policy: Policy, schedule: Schedule | None
) -> list[Condition]:
    """Return what is compared.

    Raises:
        UsageError: Nothing is left to run, or nothing that the schedule could change.
    """
    steers = [steer_condition(text, policy) for text in options.steer]
    if schedule is not None:
        if not steers:
            raise UsageError("--schedule changes what a --steer does; give one.")
        steers = [scheduled(each, schedule) for each in steers]
    controlled = steers if options.random else []
    found = [
        *([] if options.no_baseline else [UNSTEERED]),
        *steers,
        *(random_like(each, policy, draws=options.random) for each in controlled),
        *map(told, options.prompt),
    ]
    if not found:
        raise UsageError("--no-baseline needs a --steer or a --prompt.")
    return found


def _init_states(options: argparse.Namespace, task: dict[str, Any]) -> tuple[int | None, ...]:
    """Return the initial states to run in one task's environment."""
    env = made(options.env, **dict(options.env_options), **task)
    try:
        require_init_states(env, options.init_states or ())
        offered = init_state_count(env) or 0
    finally:
        env.close()
    return options.init_states or INIT_STATES[:offered] or (None,)
