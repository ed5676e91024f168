"""A price is that of the plan that is asked for, whatever its folder holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from steer_gym.benchmark import Benchmark
from steer_gym.benchmark.cost import estimate
from steer_gym.benchmark.run import Manner, run_benchmark
from steer_gym.errors import ResultsError


def test_only_rows_of_the_plan_are_done(benchmark: Benchmark, tmp_path: Path) -> None:
    run_benchmark(benchmark, tmp_path, Manner(quiet=True, films=0))
    for states, done, left in [((0,), 10, 0), ((0, 1, 2), 30, 0), ((1, 7), 10, 10), ((7,), 0, 10)]:
        plan = replace(benchmark, suites=(replace(benchmark.suites[0], init_states=states),))
        cost = estimate(plan, tmp_path)
        assert (cost.done, cost.episodes - cost.done) == (done, left)
        assert cost.steps_at_most == left * 60


def test_a_folder_of_another_plan_is_refused_before_it_is_priced(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    run_benchmark(benchmark, tmp_path, Manner(quiet=True, films=0))
    with pytest.raises(ResultsError, match="was begun with seed 0"):
        estimate(replace(benchmark, seed=1), tmp_path)
