"""What a benchmark will cost, before anything runs: episodes, steps, hours."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gymnasium as gym

from steer_gym.acting import ActConfig
from steer_gym.evaluation.preflight import made
from steer_gym.evaluation.rows import Row
from steer_gym.observation import batch_observations
from steer_gym.policy import Policy
from steer_gym.rollout import executed_actions

from .continuing import require_same_meaning
from .plan import Benchmark, PolicyChoice, Suite
from .results import PLAN, Results
from .shards import shard_conditions
from .threads import suitable_threads
from .work import chosen

FAST_STEP_S, STEP_S = 0.015, 0.11
"""Processor time of a step of LIBERO with both its pictures, on one core: ``rendering="fast"``, and
any other; from ``benchmarks/bench_throughput.py looks``."""
CORES = os.cpu_count() or 1
STEPS = 300
"""Taken for the length of an episode that the environment does not limit."""
TRIES = 3
"""Plans that are timed; the best counts."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimate."""

    episodes: int
    done: int
    """Episodes that are there from before."""
    steps_at_most: int
    """Of the episodes that are left, all at full length."""
    seconds_at_most: float
    """For these steps, with one worker."""
    source: str
    """What the seconds rest on."""


def estimate(benchmark: Benchmark, out: str | Path) -> Cost:
    """Return what is left to pay; loads every policy, makes environments, and runs none.

    Raises:
        SteerGymError: A policy or an environment cannot be made, or ``out`` holds another plan's
            results.
    """
    require_same_meaning(benchmark, Path(out))
    rows = Results.read(out, benchmark).rows if (Path(out) / PLAN).is_file() else ()
    known = [row for row in rows if row["error"] is None]
    parts = [part for choice in benchmark.policies for part in _parts(benchmark, choice)]
    share = 1 - len(known) / benchmark.episodes
    steps, seconds = (share * sum(numbers) for numbers in zip(*parts, strict=True))
    source = "the policy's plans, timed now, and what steps of LIBERO took once"
    if measured := _measured(known, benchmark.envs):
        seconds, source = steps * measured, f"the {len(known)} episodes that are there"
    return Cost(
        episodes=benchmark.episodes,
        done=len(known),
        steps_at_most=round(steps),
        seconds_at_most=seconds,
        source=source,
    )


def _parts(benchmark: Benchmark, choice: PolicyChoice) -> Iterator[tuple[int, float]]:
    """Yield steps and seconds, at most, of one policy in every suite."""
    policy = chosen(choice)
    shard_conditions(benchmark, policy, choice)  # refuses what the policy cannot do
    plan_s, together = _plan_s(policy, benchmark.envs), min(benchmark.envs, CORES)
    for suite in benchmark.suites:
        places = len(suite.tasks) * len(suite.init_states)
        steps = places * len(benchmark.conditions) * step_limit(suite, policy)
        fast = suite.env_options.get("rendering") == "fast"
        yield steps, steps * (plan_s + (FAST_STEP_S if fast else STEP_S) / together)


def step_limit(suite: Suite, policy: Policy) -> int:
    """Return how many steps an episode of a suite has at most."""
    task = {} if suite.tasks[0] is None else {"task": suite.tasks[0]}
    env = made(suite.env, **{**dict(suite.env_options), **task})
    try:
        return _limit(env)
    finally:
        env.close()


def _limit(env: gym.Env[object, object]) -> int:
    own = getattr(getattr(env.unwrapped, "options", env.unwrapped), "max_steps", None)
    given = env.spec.max_episode_steps if env.spec else None
    return int(min((limit for limit in (own, given) if limit), default=STEPS))


def _plan_s(policy: Policy, envs: int) -> float:
    """Return the wall time of a plan for one row and one step, in the batch that will be used."""
    batch = batch_observations([policy.spec.example_observation()] * envs)
    times = []
    with suitable_threads(policy):
        for _ in range(TRIES):
            policy.reset()
            started = time.perf_counter()
            policy.plan(batch)
            times.append(time.perf_counter() - started)
    policy.reset()
    return min(times) / envs / executed_actions(policy.spec, ActConfig())


def _measured(rows: Sequence[Row], envs: int) -> float | None:
    """Return the wall time of a step of the episodes that are there."""
    steps = sum(row["steps"] for row in rows)
    return sum(row["wall_s"] for row in rows) / envs / steps if steps else None
