"""Shards are the parts of a benchmark, each once, each in a folder of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from steer_gym import Policy
from steer_gym.benchmark import Benchmark, PolicyChoice
from steer_gym.benchmark.shards import shard_conditions, shard_grid, shards
from steer_gym.benchmark.work import Job, filmed

OTHER = PolicyChoice(name="reach", label="../odd name")


def test_every_cell_is_in_one_shard(benchmark: Benchmark, reach: Policy) -> None:
    both = replace(benchmark, policies=(*benchmark.policies, OTHER))
    parts = shards(both)
    assert len({part.folder for part in parts}) == len(parts) == 4
    assert all(".." not in part.folder.parts for part in parts)
    cells = 0
    for part in parts:
        conditions = shard_conditions(both, reach, part.policy)
        grid = shard_grid(both, part, conditions)
        assert grid.tasks == (part.task,)
        assert grid.facts["baseline"] == "plain"
        cells += len(grid.cells())
    assert cells == both.episodes


def test_films_are_of_the_first_task_and_of_what_is_worth_one(
    benchmark: Benchmark, reach: Policy
) -> None:
    jobs = [Job(benchmark=benchmark, number=n, out=Path("out"), films=1) for n in (0, 1)]
    conditions = shard_conditions(benchmark, reach, benchmark.policies[0])
    cells = [filmed(shard_grid(benchmark, job.shard, conditions), job) for job in jobs]
    assert cells[0] == {
        "plain-task-0-init-0", "fast-a0.6-task-0-init-0", "told-quickly-task-0-init-0"
    }  # fmt: skip
    assert cells[1] == set()
