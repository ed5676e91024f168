"""``steer-gym demo``: steer a policy in LIBERO, measure, film and plot the difference."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from steer_gym.benchmark.report.writing import write_report
from steer_gym.demo.design import PLACES, design, filmed
from steer_gym.evaluation.grid import Grid
from steer_gym.evaluation.runner import EPISODES, evaluate
from steer_gym.evaluation.table import report
from steer_gym.extras import require
from steer_gym.results import writable_folder

from .choices import (
    add_policy,
    add_steer,
    check_steer,
    chosen_policy,
    policy_options,
    steer_condition,
)
from .parser import count, positive


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_policy(parser, default="pocket")
    add_steer(parser)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), metavar="FOLDER")
    parser.add_argument(
        "--envs", type=count, default=3, help="side by side, 2 GB of memory each (default: 3)"
    )
    parser.add_argument(
        "--minutes", type=positive, default=5.0,
        help="time for the episodes (default: 5); run again with the same --out to go on",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, places: Grid = PLACES) -> int:
    """Run the demo; ``places`` says where."""
    started = time.monotonic()
    identity = policy_options(options)
    check_steer(options.steer)
    writable_folder(options.out)
    for package in ("matplotlib", "imageio_ffmpeg"):
        require(package, extra="bench")
    policy = chosen_policy(options)
    grid = design(policy, places, [steer_condition(text, policy) for text in options.steer])
    rows = evaluate(
        grid,
        policy,
        options.out,
        policy_options=identity,
        envs=options.envs,
        films=filmed(grid),
        minutes=max(options.minutes - (time.monotonic() - started) / 60, 0.01),
        quiet=options.quiet,
    )
    written = write_report(options.out, options.out)
    print(f"{report(rows)}\n\n{written.words}")
    print(f"\n{len(rows)} of {len(grid.cells())} episodes in {options.out / EPISODES}")
    print(f"Open {written.page}. The same command adds further episodes.")
    return 0
