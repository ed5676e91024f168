"""A benchmark as text, for people who decide whether to run it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from steer_gym.evaluation.progress import duration

from .cost import Cost
from .plan import Benchmark, Suite
from .treatment import PLAIN, Treatment


def described(benchmark: Benchmark) -> str:
    """Return the plan."""
    kinds = Counter(condition.kind for condition in benchmark.conditions)
    lines = [
        f"benchmark       {benchmark.name}",
        *([f"                {benchmark.note}"] if benchmark.note else []),
        *(f"policy          {each.label} {_options(each.options)}" for each in benchmark.policies),
        *(f"suite           {_suite(each)}" for each in benchmark.suites),
        f"seed            {benchmark.seed}",
        f"side by side    {benchmark.envs}",
        *(["also measured   how large steering is"] if benchmark.measure_steering else []),
        f"conditions      {len(benchmark.conditions)}: "
        + ", ".join(f"{count} {kind}" for kind, count in kinds.items()),
        *(f"  {each.name:<32}{_what(each)}".rstrip() for each in benchmark.conditions),
    ]
    return "\n".join(line.rstrip() for line in lines)


def staffed(benchmark: Benchmark, workers: int) -> str:
    """Return what runs side by side, which is what takes memory: LIBERO 1.7 GB an environment."""
    envs = "an environment" if benchmark.envs == 1 else f"{benchmark.envs} environments"
    return f"processes       {workers}, each with a policy and {envs}"


def priced(cost: Cost) -> str:
    """Return the estimate."""
    left = cost.episodes - cost.done
    return (
        f"episodes        {cost.episodes}, of which {cost.done} are there and {left} would run\n"
        f"steps           {cost.steps_at_most} at most\n"
        f"time            {_time(cost.seconds_at_most)} at most with one worker, by "
        f"{cost.source}"
    )


def _time(seconds: float) -> str:
    return duration(seconds) if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"


def _suite(suite: Suite) -> str:
    return (
        f"{suite.name}: {suite.env} {_options(suite.env_options)}, tasks {_listed(suite.tasks)}, "
        f"initial states {_listed(suite.init_states)}"
    )


def _options(options: Any) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in options.items())


def _listed(members: tuple[Any, ...]) -> str:
    shown = ["its own" if member is None else str(member) for member in members]
    return ", ".join(shown) if len(shown) <= 12 else f"{', '.join(shown[:11])}, ... {shown[-1]}"


def _what(treatment: Treatment) -> str:
    alpha = "" if treatment.alpha is None else f"alpha {treatment.alpha:g}"
    where = "" if treatment.positions is None else f"at {_listed(treatment.positions)}"
    parts = [
        treatment.kind,
        treatment.concept or "",
        "" if treatment.size is None else f"{treatment.size} neurons",
        treatment.depth or "",
        " ".join(part for part in (treatment.operation or "", alpha, where) if part),
        f"{treatment.draws} draws in turn" if treatment.draws > 1 else "",
        "" if treatment.prompt == PLAIN else f'told "{treatment.prompt}"',
        "" if treatment.schedule is None else "with a schedule",
    ]
    return ", ".join(part for part in parts if part)
