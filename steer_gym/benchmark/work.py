"""What one process does: run shards, one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from steer_gym.evaluation.grid import Condition, Grid
from steer_gym.evaluation.progress import Progress
from steer_gym.evaluation.runner import EPISODES, evaluate_on, new_stages
from steer_gym.evaluation.running import Running
from steer_gym.evaluation.stage import Stage
from steer_gym.policy import Policy
from steer_gym.registry import make_policy

from .plan import Benchmark, PolicyChoice
from .shards import Shard, shard_conditions, shard_grid, shards
from .threads import suitable_threads

FILMED = ("baseline", "steered", "prompt")
"""Kinds of condition that are worth a film."""
Tried = dict[str, tuple[Condition, ...]]
"""Label of a policy -> its conditions, under which it has planned in a shard before."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One shard to be run; plain data that can be sent to a process."""

    benchmark: Benchmark
    number: int
    """Of the shard."""
    out: Path
    """Folder of the benchmark; every process must see the same one."""
    films: int = 0
    """How many initial states of each suite's first task are filmed."""
    retries: int = 1
    """How often what crashed is tried again: a cell within its process, a shard whose process died
    in a new one."""

    @property
    def shard(self) -> Shard:
        """Return the shard."""
        return shards(self.benchmark)[self.number]

    @property
    def rows_file(self) -> Path:
        """Return the file that its rows are in."""
        return self.out / self.shard.folder / EPISODES


def run_jobs(jobs: Iterable[Job], progress: Progress | None = None) -> None:
    """Run shards in this process; ``progress`` is told of every episode."""
    quiet = progress or Progress(done=0, total=0, quiet=True)
    stages: list[Stage] = []
    tried: Tried = {}
    try:
        for job in jobs:
            stages = stages or new_stages(job.benchmark.envs)
            run_shard(job, stages, quiet, tried)
    finally:
        for stage in stages:
            stage.close()


def run_shard(job: Job, stages: Sequence[Stage], progress: Progress, tried: Tried) -> None:
    """Run the cells of a shard that have no row yet; ``tried`` is added to."""
    shard, label = job.shard, job.shard.policy.label
    policy = chosen(shard.policy)
    conditions = tried.get(label) or shard_conditions(job.benchmark, policy, shard.policy)
    grid = shard_grid(job.benchmark, shard, conditions)
    running = Running(
        envs=job.benchmark.envs,
        films=filmed(grid, job),
        retries=job.retries,
        policy_options=shard.policy.options,
        tried=label in tried,
    )
    with suitable_threads(policy):
        evaluate_on(stages, grid, policy, job.rows_file.parent, running, progress)
    tried[label] = conditions


def chosen(choice: PolicyChoice) -> Policy:
    """Return the policy; the last one is kept, since loading takes seconds."""
    return _made(choice.name, json.dumps(dict(choice.options), sort_keys=True))


def filmed(grid: Grid, job: Job) -> set[str]:
    """Return the keys of the cells to film."""
    if job.shard.task != job.shard.suite.tasks[0]:
        return set()
    first = grid.init_states[: job.films]
    return {
        cell.key
        for cell in grid.cells()
        if cell.init_state in first and cell.condition.facts["kind"] in FILMED
    }


@lru_cache(maxsize=1)
def _made(name: str, options: str) -> Policy:
    return make_policy(name, **json.loads(options))
