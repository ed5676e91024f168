"""What a benchmark will cost, before anything runs: episodes, steps, hours."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gymnasium as gym

from steer_gym.acting import ActConfig
from steer_gym.evaluation.preflight import made
from steer_gym.evaluation.rows import Row
from steer_gym.observation import batch_observations
from steer_gym.policy import Policy
from steer_gym.rollout import executed_actions

from .plan import Benchmark, Suite
from .results import PLAN, Results
from .shards import shard_conditions
from .work import chosen

STEP_S = 0.03
"""Processor time of a step with its pictures, where nothing is known yet: LIBERO with
``rendering="fast"`` on one core. Reference pictures take several times as long on a CPU."""
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
        SteerGymError: A policy or an environment cannot be made.
    """
    rows = Results.read(out).rows if (Path(out) / PLAN).is_file() else ()
    known = [row for row in rows if row["error"] is None]
    left = benchmark.episodes - len(known)
    steps, seconds = 0.0, 0.0
    for choice in benchmark.policies:
        policy = chosen(choice)
        shard_conditions(benchmark, policy, choice)  # refuses what the policy cannot do
        plan_s = _plan_s(policy, benchmark.envs)
        for suite in benchmark.suites:
            length = step_limit(suite, policy)
            cells = len(suite.tasks) * len(suite.init_states) * len(benchmark.conditions)
            steps += cells * length
            seconds += cells * length * (plan_s + STEP_S / min(benchmark.envs, 2))
    share = left / benchmark.episodes
    measured = _measured(known, benchmark.envs)
    return Cost(
        episodes=benchmark.episodes,
        done=len(known),
        steps_at_most=round(steps * share),
        seconds_at_most=steps * share * measured if measured else seconds * share,
        source=f"the {len(known)} episodes that are there"
        if measured
        else f"the policy's plans, timed now, and {1000 * STEP_S:.0f} ms for a step of LIBERO",
    )


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
    rows = max(1, envs // 2)
    batch = batch_observations([policy.spec.example_observation()] * rows)
    times = []
    for _ in range(TRIES):
        policy.reset()
        started = time.perf_counter()
        policy.plan(batch)
        times.append(time.perf_counter() - started)
    policy.reset()
    return min(times) / rows / executed_actions(policy.spec, ActConfig())


def _measured(rows: Sequence[Row], envs: int) -> float | None:
    """Return the wall time of a step of the episodes that are there."""
    steps = sum(row["steps"] for row in rows)
    return sum(row["wall_s"] for row in rows) / envs / steps if steps else None
