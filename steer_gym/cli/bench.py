"""``steer-gym bench``: run a benchmark, and report what steering does and what it costs."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from steer_gym.benchmark.cost import estimate
from steer_gym.benchmark.plan import Benchmark, PolicyChoice
from steer_gym.benchmark.plan_file import load_benchmark, save_benchmark
from steer_gym.benchmark.presets import PRESETS, preset
from steer_gym.benchmark.preview import described, priced, staffed
from steer_gym.benchmark.report.writing import write_report
from steer_gym.benchmark.results import Results
from steer_gym.benchmark.run import Manner, run_benchmark
from steer_gym.benchmark.work import chosen
from steer_gym.errors import UnknownNameError
from steer_gym.evaluation.rows import Row
from steer_gym.evaluation.table import report
from steer_gym.extras import require
from steer_gym.registry import is_light

from .choices import add_policy, policy_options
from .parser import Once, UsageError, amount, count, numbers, whole

INCOMPLETE = 1
"""Exit code where episodes crashed for good; the same command tries them again."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "plan", metavar="PLAN", help=f"{', '.join(PRESETS)}, or a file (JSON or YAML)"
    )
    what = parser.add_argument_group("what: in place of what the plan says")
    add_policy(what, required=False, action=Once)
    what.add_argument("--dictionary", metavar="FILE", help="clusters in the paper's YAML format")
    what.add_argument("--tasks", type=numbers, help="such as 0,3 or 0-9")
    what.add_argument("--init-states", type=numbers, help="such as 0-49")
    what.add_argument("--seed", type=whole, help="of the scenes")
    what.add_argument("--envs", type=count, help="environments side by side for one policy")
    what.add_argument(
        "--measure-steering", action=argparse.BooleanOptionalAction, default=None,
        help="measure how large what steering adds to the residual stream is",
    )  # fmt: skip
    what.add_argument("--save-plan", type=Path, metavar="FILE", help="write the plan, run nothing")
    how = parser.add_argument_group("the run")
    how.add_argument("--out", type=Path, metavar="FOLDER", help="(default: runs/bench/...)")
    how.add_argument(
        "--workers",
        type=count,
        help="processes with a policy each (default: 1; of a light policy, such as pocket, 2)",
    )
    how.add_argument(
        "--ray", nargs="?", const="", metavar="ADDRESS",
        help="run on a Ray cluster; without an address, on a new one on this machine",
    )  # fmt: skip
    how.add_argument("--gpus", type=amount, help="of Ray, for each worker (default: 0)")
    how.add_argument("--cpus", type=amount, help="of Ray, for each worker (default: 1)")
    how.add_argument(
        "--films", type=whole, default=1, metavar="N",
        help="film the first N initial states of each suite's first task (default: 1)",
    )  # fmt: skip
    how.add_argument("--retries", type=whole, default=2, help="of what crashes (default: 2)")
    how.add_argument("--dry-run", action="store_true", help="print plan and cost, run nothing")
    how.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run what is left of the plan, and report."""
    manner, benchmark = _manner(options), planned(options)
    if options.save_plan:
        save_benchmark(benchmark, options.save_plan)
        print(f"The plan is in {options.save_plan}.")
        return 0
    labels = "-".join(policy.label for policy in benchmark.policies)
    out = options.out or Path("runs/bench") / f"{benchmark.name}-{labels}"
    print(described(benchmark), flush=True)
    light = not manner.ray and all(is_light(each.name) for each in benchmark.policies)
    if light and options.workers is None:
        manner = replace(manner, workers=min(2, os.cpu_count() or 1))
    if not manner.ray:
        print(staffed(benchmark, manner.workers), flush=True)
    if options.dry_run or (not manner.ray and (light or manner.workers == 1)):
        # Otherwise nothing is loaded here: the policies' memory is the workers'.
        print(priced(estimate(benchmark, out)), flush=True)
    if options.dry_run:
        return 0
    for package in ("pyarrow", "matplotlib"):
        require(package, extra="bench")
    results = run_benchmark(benchmark, out, manner)
    _report(results)
    return 0 if results.whole else INCOMPLETE


def planned(options: argparse.Namespace) -> Benchmark:
    """Return the benchmark that the command line says.

    Raises:
        UsageError: It says too little.
    """
    if options.plan in PRESETS:
        choice = _policy(options)
        if choice is None:
            raise UsageError(f"{options.plan} needs a --policy.")
        return _changed(preset(options.plan, choice, chosen(choice).concepts), options)
    if not Path(options.plan).suffix and not Path(options.plan).exists():
        raise UnknownNameError("benchmark", options.plan, PRESETS)
    benchmark, given = load_benchmark(options.plan), _policy(options)
    return _changed(replace(benchmark, policies=(given,)) if given else benchmark, options)


def _manner(options: argparse.Namespace) -> Manner:
    of_ray = {"gpus": options.gpus, "cpus": options.cpus}
    given = {name: value for name, value in of_ray.items() if value is not None}
    if given and options.ray is None:
        raise UsageError(f"--{next(iter(given))} goes with --ray; without it, it does nothing.")
    return Manner(
        workers=options.workers or 1,
        ray=options.ray is not None,
        ray_address=options.ray or None,
        films=options.films,
        retries=options.retries,
        quiet=options.quiet,
        **given,
    )


def _policy(options: argparse.Namespace) -> PolicyChoice | None:
    if options.policy is None:
        _refuse_without_policy(options)
        return None
    given = policy_options(options)
    return PolicyChoice(name=options.policy, options=given, dictionary=options.dictionary)


def _refuse_without_policy(options: argparse.Namespace) -> None:
    for option, given in (
        ("--checkpoint", options.checkpoint),
        ("--policy-option", options.policy_options),
        ("--dictionary", options.dictionary),
    ):
        if given:
            raise UsageError(f"{option} goes with a --policy; name the one that it is for.")


def _changed(benchmark: Benchmark, options: argparse.Namespace) -> Benchmark:
    suites = tuple(
        replace(
            suite,
            tasks=options.tasks or suite.tasks,
            init_states=options.init_states or suite.init_states,
        )
        for suite in benchmark.suites
    )
    return replace(
        benchmark,
        suites=suites,
        seed=benchmark.seed if options.seed is None else options.seed,
        envs=options.envs or benchmark.envs,
        measure_steering=(
            benchmark.measure_steering
            if options.measure_steering is None
            else options.measure_steering
        ),
    )


def _report(results: Results) -> None:
    """Print a table a study, and the verdict; write the page."""
    studies: dict[tuple[str, str], list[Row]] = {}
    for row in results.rows:
        studies.setdefault((row["policy_label"], row["suite"]), []).append(row)
    for (policy, suite), rows in studies.items():
        print(f"\n{policy} in {suite}\n{report(rows)}")
    written = write_report(results.folder)
    ended = sum(row["error"] is None for row in results.rows)
    print(f"\n{written.words}")
    print(f"\n{ended} of {results.benchmark.episodes} episodes in {results.folder}")
    print(f"Open {written.page}.")
