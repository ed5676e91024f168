"""A benchmark gives the same rows wherever and however often it was started."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy_work
import toy_world

from steer_gym.benchmark import Benchmark, Suite
from steer_gym.benchmark.columns import COLUMNS, EQUAL, IDENTITY
from steer_gym.benchmark.continuing import kept_plan
from steer_gym.benchmark.report.study import read_studies
from steer_gym.benchmark.results import PLAN, Results
from steer_gym.benchmark.run import Manner, run_benchmark
from steer_gym.errors import EvaluationError, ResultsError
from steer_gym.evaluation import Condition, Grid, evaluate
from steer_gym.observation import INSTRUCTION

GRID = Grid(
    env="toy_world:toy/Reach-v0",
    conditions=(Condition(name="plain"),),
    tasks=(0,),
    init_states=(0,),
)
QUIET = Manner(quiet=True, films=0)
TIMES = ("wall_s", "ended", "latency_s", "provenance", "attempt")


def numbers(results: Results) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in TIMES} for row in results.rows]


def rows_on_disk(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("episodes.jsonl"))


def test_every_cell_has_a_row_with_every_column(benchmark: Benchmark, tmp_path: Path) -> None:
    results = run_benchmark(benchmark, tmp_path, QUIET)
    assert results.whole
    assert len(results.rows) == benchmark.episodes == 30
    for row in results.rows:
        assert set(row) == set(COLUMNS)
        assert len(results.steps(row)) == row["steps"]
    kinds = {row["condition"]: (row["kind"], row["alpha"]) for row in results.rows}
    assert kinds == {
        "plain": ("baseline", None),
        "fast a0.6": ("steered", 0.6),
        "random like fast a0.6": ("random", 0.6),
        "zero like fast a0.6": ("zero", 0.0),
        "told quickly": ("prompt", None),
    }
    assert {row["draw"] for row in results.rows if row["kind"] == "random"} == {0, 1}
    assert Results.read(tmp_path) == results


def test_a_zero_dose_changes_nothing(benchmark: Benchmark, tmp_path: Path) -> None:
    results = run_benchmark(benchmark, tmp_path, QUIET)
    steps: dict[str, list[Any]] = {"baseline": [], "zero": [], "steered": []}
    for row in results.rows:
        if row["kind"] in steps:
            steps[row["kind"]].append([step.tcp_pose for step in results.steps(row)])
    assert steps["zero"] == steps["baseline"] != steps["steered"]


def test_how_large_steering_is_stands_in_rows_and_steps_where_it_is_asked_for(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    plain = run_benchmark(benchmark, tmp_path / "plain", QUIET)
    asked = run_benchmark(replace(benchmark, measure_steering=True), tmp_path / "asked", QUIET)
    assert {row["steering_size"] for row in plain.rows} == {None}
    sizes = {
        kind: {row["steering_size"] for row in asked.rows if row["kind"] == kind}
        for kind in ("baseline", "prompt", "zero", "steered", "random")
    }
    assert sizes["baseline"] == sizes["prompt"] == {None}
    assert sizes["zero"] == {0.0}
    assert [pytest.approx(1.0)] == list(sizes["steered"])  # a gain of 0.6 in place of 0.3
    assert None not in sizes["random"]
    for row in asked.rows:
        if row["kind"] == "steered":
            assert row["greatest_steering_size"] == pytest.approx(2.0)
            told = [step.steering_size is None for step in asked.steps(row)]
            assert told == [step.tokens == 0 for step in asked.steps(row)]
    assert [row["path_m"] for row in plain.rows] == [row["path_m"] for row in asked.rows]


def test_a_plan_from_before_sizes_were_measured_goes_on(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    run_benchmark(benchmark, tmp_path, QUIET)
    plan = json.loads((tmp_path / PLAN).read_text())
    del plan["measure_steering"]
    (tmp_path / PLAN).write_text(json.dumps(plan))
    before = rows_on_disk(tmp_path)
    assert run_benchmark(benchmark, tmp_path, QUIET).whole
    assert rows_on_disk(tmp_path) == before


def test_pairs_are_cut_to_the_steps_that_both_have(benchmark: Benchmark, tmp_path: Path) -> None:
    results = run_benchmark(benchmark, tmp_path, QUIET)
    pairs = results.pairs()
    assert len(pairs) == 24
    measured = {*EQUAL, *(f"baseline_{name}" for name in EQUAL)}
    assert set(pairs[0]) == {*IDENTITY, "baseline_key", "equal_steps", *measured}
    by_key = {(row["task"], row["key"]): row for row in results.rows}
    for pair in pairs:
        mine = by_key[pair["task"], pair["key"]]
        theirs = by_key[pair["task"], pair["baseline_key"]]
        assert pair["equal_steps"] == min(mine["steps"], theirs["steps"])
        assert theirs["condition"] == "plain"
        same = pair["kind"] == "zero"
        assert all((pair[name] == pair[f"baseline_{name}"]) >= same for name in EQUAL)
    fast = next(pair for pair in pairs if pair["kind"] == "steered")
    assert fast["path_m"] > fast["baseline_path_m"]


def test_the_baseline_of_a_place_is_read_once(
    benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, read = run_benchmark(benchmark, tmp_path, QUIET), []
    steps = Results.steps
    monkeypatch.setattr(
        Results, "steps", lambda self, row: read.append(row["condition"]) or steps(self, row)
    )
    results.pairs()
    assert len(read) == len(results.rows) == 30
    assert read.count("plain") == 6


def test_conditions_are_resolved_and_tried_once_a_policy(
    benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, resolved, tried = toy_world.ReachPolicy, [], []
    plan, recommended = kind.plan, kind.recommended

    def seen_plan(self: Any, observation: Any, config: Any = None) -> Any:
        if isinstance(observation[INSTRUCTION], str):  # no batch, as in no episode
            tried.append(config)
        return plan(self, observation, config)

    def seen_recommended(self: Any, concept: str) -> Any:
        resolved.append(concept)
        return recommended(self, concept)

    monkeypatch.setattr(kind, "plan", seen_plan)
    monkeypatch.setattr(kind, "recommended", seen_recommended)
    assert run_benchmark(benchmark, tmp_path, QUIET).whole  # of two shards
    assert len(resolved) == 3
    assert len(tried) == 6


def test_tables_are_written(benchmark: Benchmark, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'bench'")
    run_benchmark(benchmark, tmp_path, QUIET)
    assert parquet.read_table(tmp_path / "episodes.parquet").num_rows == 30
    assert parquet.read_table(tmp_path / "pairs.parquet").num_rows == 24


def test_two_processes_give_the_rows_of_one(benchmark: Benchmark, tmp_path: Path) -> None:
    one = run_benchmark(benchmark, tmp_path / "one", QUIET)
    two = run_benchmark(benchmark, tmp_path / "two", replace(QUIET, workers=2), work=toy_work.work)
    assert numbers(one) == numbers(two)


def test_a_process_that_dies_is_started_again(benchmark: Benchmark, tmp_path: Path) -> None:
    manner = replace(QUIET, workers=2, retries=1)
    assert run_benchmark(benchmark, tmp_path, manner, work=toy_work.die_once).whole
    with pytest.raises(EvaluationError, match=r"task-\d died; its exit code is 7 \(2 tries"):
        run_benchmark(benchmark, tmp_path / "other", manner, work=toy_work.always_die)


def test_a_process_that_cannot_be_started_is_not_stopped(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        run_benchmark(benchmark, tmp_path, replace(QUIET, workers=2), work=lambda job: None)


def test_a_run_that_is_killed_ten_times_gives_the_rows_of_one_that_was_not(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    slow = replace(benchmark, suites=(replace(benchmark.suites[0], init_states=tuple(range(6))),))
    whole = run_benchmark(slow, tmp_path / "whole", QUIET)
    folder, dice = tmp_path / "killed", random.Random(0)
    for _ in range(10):
        before = rows_on_disk(folder)
        run = multiprocessing.get_context("fork").Process(
            target=run_benchmark, args=(slow, folder, QUIET)
        )
        run.start()
        wanted = before + dice.randint(0, 5)
        while rows_on_disk(folder) < wanted:
            time.sleep(0.001)
        time.sleep(dice.uniform(0, 0.03))
        run.kill()
        run.join()
        assert run.exitcode == -signal.SIGKILL
    assert 0 < rows_on_disk(folder) < slow.episodes
    assert numbers(run_benchmark(slow, folder, QUIET)) == numbers(whole)
    assert rows_on_disk(folder) == slow.episodes  # nothing was run twice


def test_what_cannot_be_done_is_refused_with_its_value() -> None:
    with pytest.raises(EvaluationError, match="0 or more, but are -1 and 0"):
        replace(QUIET, retries=-1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_ends_early_leaves_no_process_and_loses_no_row(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, toy_work.__file__, str(tmp_path)]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ, start_new_session=True
    )
    while rows_on_disk(tmp_path) < 2:
        assert run.poll() is None
        time.sleep(0.01)
    if number == signal.SIGINT:
        os.killpg(run.pid, number)  # Ctrl-C reaches every process of the terminal
    else:
        run.kill()
    text, _ = run.communicate(timeout=60)  # ends only when every process has let go of the pipe
    assert run.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    kept = rows_on_disk(tmp_path)
    assert 2 <= kept < 30
    assert number == signal.SIGKILL or f"{kept} of 30 episodes are kept in" in text


def test_a_wider_plan_goes_on_from_a_smaller_one(benchmark: Benchmark, tmp_path: Path) -> None:
    run_benchmark(benchmark, tmp_path, QUIET)
    paths = sorted(tmp_path.rglob("episodes.jsonl"))
    before = [path.read_bytes() for path in paths]
    wider = replace(benchmark, suites=(replace(benchmark.suites[0], init_states=(0, 1, 2, 3)),))
    assert len(run_benchmark(wider, tmp_path, QUIET).rows) == 40
    for path, content in zip(paths, before, strict=True):
        assert path.read_bytes().startswith(content)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("", {"envs": 2}, "was begun with envs 1 in the plan, not 2;"),
        ("", {"seed": 7}, "was begun with seed 0 in the plan, not 7;"),
        ("", {"measure_steering": True}, "was begun with measure_steering false in the plan, not"),
        (
            "policies",
            {"options": {"checkpoint": "other"}},
            "with options {} in policy 'reach'",
        ),
        (
            "policies",
            {"dictionary": "other.yaml"},
            "dictionary null in policy 'reach', not",
        ),
        ("suites", {"env_options": {"pause_s": 0.1}}, "with env_options {} in suite 'Reach', not"),
        ("conditions", {"prompt": "{instruction} now"}, "in condition 'told quickly', not .* now"),
    ],
)
def test_a_plan_that_means_something_else_by_the_same_names_is_refused(
    benchmark: Benchmark, tmp_path: Path, part: str, change: dict[str, Any], message: str
) -> None:
    run_benchmark(benchmark, tmp_path, QUIET)
    plan = (tmp_path / PLAN).read_bytes()
    if part:
        *others, last = getattr(benchmark, part)
        change = {part: (*others, replace(last, **change))}
    with pytest.raises(ResultsError, match=rf"{message}.* Choose another --out"):
        run_benchmark(replace(benchmark, **change), tmp_path, QUIET)
    assert (tmp_path / PLAN).read_bytes() == plan


def test_a_name_keeps_its_meaning_though_a_plan_between_left_it_out(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    plain, fast, *_ = benchmark.conditions
    run_benchmark(replace(benchmark, conditions=(plain, fast)), tmp_path, QUIET)
    run_benchmark(replace(benchmark, conditions=(plain,)), tmp_path, QUIET)
    stronger = replace(benchmark, conditions=(plain, replace(fast, alpha=0.9)))
    with pytest.raises(ResultsError, match=r"begun with alpha 0.6 in condition 'fast a0.6', not"):
        run_benchmark(stronger, tmp_path, QUIET)


def test_a_plan_is_not_changed_under_a_run(benchmark: Benchmark, tmp_path: Path) -> None:
    narrow = replace(benchmark, conditions=benchmark.conditions[:2])
    with kept_plan(benchmark, tmp_path):
        plan = (tmp_path / PLAN).read_bytes()
        with pytest.raises(ResultsError, match="Another run is writing to"):
            run_benchmark(narrow, tmp_path, QUIET)
        assert (tmp_path / PLAN).read_bytes() == plan
    assert len(run_benchmark(narrow, tmp_path, QUIET).rows) == 12


def test_episodes_whose_plan_is_lost_are_not_taken_for_those_of_another(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    run_benchmark(benchmark, tmp_path, QUIET)
    (tmp_path / PLAN).unlink()
    with pytest.raises(ResultsError, match=r"holds episodes \(.*jsonl\) but no benchmark.json"):
        run_benchmark(replace(benchmark, seed=7), tmp_path, QUIET)
    assert not (tmp_path / PLAN).exists()


def test_a_narrower_plan_is_allowed(benchmark: Benchmark, tmp_path: Path) -> None:
    run_benchmark(benchmark, tmp_path, QUIET)
    narrow = replace(benchmark, conditions=benchmark.conditions[:2])
    assert len(run_benchmark(narrow, tmp_path, QUIET).rows) == 12
    (study,) = read_studies(tmp_path)  # the rest is kept, but no part of the report
    assert list(study.roles) == ["plain", "fast a0.6"]
    assert len(study.rows) == 12


def test_plans_below_a_folder_are_read_each_as_its_own(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    """They have the same policy and suite, and the same names of rows for other scenes."""
    for name, seed in (("one", 0), ("two", 1)):
        run_benchmark(replace(benchmark, seed=seed), tmp_path / "deep" / name, QUIET)
    narrow = replace(benchmark, conditions=benchmark.conditions[:2])
    run_benchmark(narrow, tmp_path / "deep" / "one", QUIET)
    evaluate(GRID, toy_world.ReachPolicy(), tmp_path / "loose", quiet=True)
    one, two, loose = read_studies(tmp_path)
    assert [study.suite for study in (one, two, loose)] == [
        "Reach (deep/one)", "Reach (deep/two)", "Reach",
    ]  # fmt: skip
    assert list(one.roles) == ["plain", "fast a0.6"]
    assert len(one.rows) == 12
    assert {row["seed"] for row in two.rows} == {1}
    assert len(two.rows) == 30
    assert set(two.kept_pairs) < {row["key"] for row in two.rows}
    assert len(two.equal) == 24
    assert [row["condition"] for row in loose.rows] == ["plain"]
    assert all(one.steps(row) for row in one.rows)


def test_several_policies_and_suites_are_one_benchmark(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    both = replace(
        benchmark,
        policies=(benchmark.policies[0], replace(benchmark.policies[0], label="again")),
        suites=(benchmark.suites[0], Suite(env="toy_world:toy/Reach-v0", name="one")),
    )
    results = run_benchmark(both, tmp_path, QUIET)
    assert results.whole
    assert len(results.rows) == both.episodes == 2 * (6 + 1) * 5
    assert len(results.pairs()) == 2 * (6 + 1) * 4
