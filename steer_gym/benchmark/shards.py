"""The parts of a benchmark: one policy in one task of one suite, under every condition.

A shard is run by one process from end to end, in a folder of its own, with batches that follow
from the benchmark alone. So one process, several, and a cluster give the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steer_gym.evaluation.grid import Condition, Grid
from steer_gym.policy import Policy

from .folders import shard_folder
from .plan import Benchmark, PolicyChoice, Suite
from .resolving import resolved


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One policy in one task."""

    policy: PolicyChoice
    suite: Suite
    task: int | str | None

    @property
    def folder(self) -> Path:
        """Return where its results go, from the benchmark's folder."""
        return shard_folder(self.policy.label, self.suite.name, self.task)


def shards(benchmark: Benchmark) -> list[Shard]:
    """Return the shards, policy by policy."""
    return [
        Shard(policy=policy, suite=suite, task=task)
        for policy in benchmark.policies
        for suite in benchmark.suites
        for task in suite.tasks
    ]


def shard_conditions(
    benchmark: Benchmark, policy: Policy, choice: PolicyChoice
) -> tuple[Condition, ...]:
    """Return the benchmark's conditions for one policy."""
    measured = benchmark.measure_steering
    return tuple(
        resolved(treatment, policy, choice, measured=measured) for treatment in benchmark.conditions
    )


def shard_grid(benchmark: Benchmark, shard: Shard, conditions: Sequence[Condition]) -> Grid:
    """Return what is to be run in a shard."""
    return Grid(
        env=shard.suite.env,
        conditions=tuple(conditions),
        tasks=(shard.task,),
        init_states=shard.suite.init_states,
        seed=benchmark.seed,
        env_options=shard.suite.env_options,
        facts={
            "policy_label": shard.policy.label,
            "suite": shard.suite.name,
            "baseline": benchmark.baseline,
        },
    )
