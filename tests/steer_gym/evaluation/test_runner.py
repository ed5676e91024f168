"""An evaluation runs every cell once, keeps what it has, and never takes a crash for a failure."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_world

from steer_gym import ActConfig, Policy, Steering
from steer_gym.errors import EvaluationError, ResultsError, SteeringError
from steer_gym.evaluation import Condition, Grid, evaluate
from steer_gym.evaluation.rows import read_rows
from steer_gym.evaluation.steps import read_steps
from steer_gym.film import read_film

FAST = Condition(
    name="fast",
    configs=(ActConfig(steering=Steering(toy_world.ReachPolicy().concept("fast"), alpha=0.6)),),
)
GRID = Grid(
    env="toy_world:toy/Reach-v0",
    conditions=(Condition(name="plain"), FAST),
    tasks=(0, 1),
    init_states=(0, 1, 2),
)
TIMES = ("wall_s", "ended", "latency_s", "provenance")


def numbers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


class Interrupting(toy_world.ReachPolicy):
    """Ctrl-C in the middle of an episode."""

    calls = 40

    def plan(self, observation: Any, config: Any = None) -> Any:
        self.calls -= 1
        if self.calls == 0:
            raise KeyboardInterrupt
        return super().plan(observation, config)


def test_every_cell_has_a_row_with_its_steps(reach: Policy, tmp_path: Path) -> None:
    rows = evaluate(GRID, reach, tmp_path, policy_options={"checkpoint": "x"}, quiet=True)
    assert [row["key"] for row in rows] == [cell.key for cell in GRID.cells()]
    assert rows == read_rows(tmp_path / "episodes.jsonl")
    for row in rows:
        assert row["success"] is True
        assert row["error"] is None
        assert len(read_steps(tmp_path, row["key"])) == row["steps"]
        assert row["policy"] == {
            "name": "reach", "options": {"checkpoint": "x"}, "fingerprint": "reach"
        }  # fmt: skip
        known = {"toy": "1.0", "numpy": np.__version__, "envs": 1}
        assert row["provenance"].items() >= known.items()
        assert ActConfig.from_json(row["config"]) in (ActConfig(), FAST.configs[0])
    speed = {row["key"]: row["speed_m_s"] for row in rows}
    assert speed["fast-task-0-init-0"] > speed["plain-task-0-init-0"]


def test_two_environments_give_the_numbers_of_one(reach: Policy, tmp_path: Path) -> None:
    one = evaluate(GRID, reach, tmp_path / "one", quiet=True)
    two = evaluate(GRID, reach, tmp_path / "two", envs=2, quiet=True)
    assert numbers(one) == numbers(two)


def test_a_policy_that_thinks_while_time_passes_does_not_look_faster(
    reach: Policy, tmp_path: Path
) -> None:
    quick, slow = (
        evaluate(
            replace(GRID, env="toy_world:toy/Clocked-v0", env_options={"think_s": think_s}),
            reach,
            tmp_path / f"{think_s}",
            quiet=True,
        )
        for think_s in (0.0, 0.45)
    )
    for one, other in zip(quick, slow, strict=True):
        assert other["path_m"] == one["path_m"]
        assert other["speed_m_s"] == pytest.approx(one["speed_m_s"] / 10)
        assert other["acceleration_m_s2"] == pytest.approx(one["acceleration_m_s2"] / 100)
    assert {step.elapsed_s for step in read_steps(tmp_path / "0.0", quick[0]["key"])} != {None}


class Noting(toy_world.ReachPolicy):
    """Notes how every row of every batch was steered."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[ActConfig, ...]] = []

    def plan(self, observation: Any, config: Any = None) -> Any:
        self.batches.append(self.prepare(observation, config)[1])
        return super().plan(observation, config)


def test_conditions_fill_the_batch_each_row_steered_its_own_way(tmp_path: Path) -> None:
    steering = FAST.configs[0].steering
    assert steering is not None
    doses = tuple(
        Condition(name=f"{alpha}", configs=(ActConfig(steering=steering.replace(alpha=alpha)),))
        for alpha in (0.2, 0.3, 0.4, 0.5)
    )
    policy = Noting()
    evaluate(replace(GRID, conditions=doses, tasks=(0,)), policy, tmp_path, envs=4, quiet=True)
    played = [set(batch) for batch in policy.batches if len(batch) == 4]
    assert len(played) > 20
    assert sum(len(configs) == 4 for configs in played) > len(played) / 3


def test_an_interrupted_run_goes_on_where_it_stopped(reach: Policy, tmp_path: Path) -> None:
    whole = evaluate(GRID, reach, tmp_path / "whole", quiet=True)
    path = tmp_path / "cut" / "episodes.jsonl"
    with pytest.raises(KeyboardInterrupt, match=r"(\d+) of 12 episodes are kept in .*episodes"):
        evaluate(GRID, Interrupting(), path.parent, quiet=True)
    kept = path.read_bytes()
    assert 0 < len(read_rows(path)) < 12
    rows = evaluate(GRID, reach, path.parent, quiet=True)
    assert path.read_bytes().startswith(kept)
    assert numbers(rows) == numbers(whole)
    after = path.read_bytes()
    assert evaluate(GRID, reach, path.parent, quiet=True) == rows
    assert path.read_bytes() == after


def test_rows_of_another_configuration_are_refused(reach: Policy, tmp_path: Path) -> None:
    evaluate(GRID, reach, tmp_path, quiet=True)
    before = (tmp_path / "episodes.jsonl").read_bytes()
    for grid, options in ((replace(GRID, seed=1), {}), (GRID, {"checkpoint": "other"})):
        with pytest.raises(ResultsError, match="already holds 'plain-task-0-init-0' of another"):
            evaluate(grid, reach, tmp_path, policy_options=options, quiet=True)
    assert (tmp_path / "episodes.jsonl").read_bytes() == before
    wider = replace(GRID, init_states=(0, 1, 2, 3))
    assert len(evaluate(wider, reach, tmp_path, quiet=True)) == 16


@pytest.mark.parametrize(
    ("changed", "options", "message"),
    [
        ({"seed": 1}, {}, r"holds 'plain-task-0-init-0' with seed 0, but 1 was given"),
        ({}, {"checkpoint": "b"}, r'with policy \{.*"checkpoint": "a".*"b".* was given'),
        (
            {"env_options": {"max_steps": 9}},
            {},
            r'with env_options \{\}, but \{"max_steps": 9\} was',
        ),
    ],
)
def test_rows_that_a_report_would_pair_with_those_of_other_settings_are_refused(
    reach: Policy,
    tmp_path: Path,
    changed: dict[str, Any],
    options: dict[str, Any],
    message: str,
) -> None:
    """Another condition has cells of its own, so that no row is taken for another."""
    plain, fast = (replace(GRID, tasks=(0,), conditions=(each,)) for each in GRID.conditions)
    evaluate(plain, reach, tmp_path, policy_options={"checkpoint": "a"}, quiet=True)
    before = (tmp_path / "episodes.jsonl").read_bytes()
    options = {"checkpoint": "a"} | options
    with pytest.raises(ResultsError, match=f"{message}.*Choose another --out"):
        evaluate(replace(fast, **changed), reach, tmp_path, policy_options=options, quiet=True)
    assert (tmp_path / "episodes.jsonl").read_bytes() == before
    assert evaluate(fast, reach, tmp_path, policy_options={"checkpoint": "a"}, quiet=True)


def test_a_world_that_crashes_is_no_failure(reach: Policy, tmp_path: Path) -> None:
    grid = replace(GRID, env_options={"crash_at": 4})
    rows = evaluate(grid, reach, tmp_path, quiet=True)
    assert len(rows) == 12
    assert all("the toy world fell apart" in row["error"] for row in rows)
    assert {row["success"] for row in rows} == {None}
    assert {row["steps"] for row in rows} == {3}
    again = evaluate(grid, reach, tmp_path, quiet=True)
    assert len(read_rows(tmp_path / "episodes.jsonl")) == 24  # tried again
    assert len(again) == 12


@pytest.mark.parametrize("lost_at", [0, 4])
def test_a_pose_that_is_no_number_ends_its_episode_and_not_the_run(
    reach: Policy, tmp_path: Path, lost_at: int
) -> None:
    grid = replace(GRID, env_options={"lost_at": lost_at})
    rows = evaluate(grid, reach, tmp_path, quiet=True)
    assert len(rows) == 12
    assert all("tcp_pose must be finite, but is (nan" in row["error"] for row in rows)
    assert {row["success"] for row in rows} == {None}
    assert {row["steps"] for row in rows} == {max(lost_at - 1, 0)}


class Senseless(toy_world.ReachPolicy):
    """Plans numbers that are none."""

    def plan(self, observation: Any, config: Any = None) -> Any:
        plan = super().plan(observation, config)
        return replace(plan, actions=plan.actions * np.float32("nan"))


def test_an_action_that_is_no_number_is_an_error_row(tmp_path: Path) -> None:
    rows = evaluate(replace(GRID, tasks=(0,)), Senseless(), tmp_path, quiet=True)
    assert len(rows) == 6
    assert all("must be finite, but is (nan" in row["error"] for row in rows)


def test_a_crash_is_tried_again_a_bounded_number_of_times(reach: Policy, tmp_path: Path) -> None:
    grid = replace(GRID, tasks=(0,), init_states=(0,), env_options={"crash_at": 4})
    rows = evaluate(grid, reach, tmp_path, retries=2, quiet=True)
    tries = [(row["condition"], row["attempt"]) for row in read_rows(tmp_path / "episodes.jsonl")]
    assert tries == [(name, attempt) for name in ("plain", "fast") for attempt in (1, 2, 3)]
    assert [row["attempt"] for row in rows] == [3, 3]


def test_a_cell_that_crashed_once_gives_what_it_gives_without_the_crash(
    reach: Policy, tmp_path: Path
) -> None:
    flag = tmp_path / "crashed"
    grid = replace(GRID, env_options={"crash_once": str(flag)})
    rows = evaluate(grid, reach, tmp_path / "one", retries=1, quiet=True)
    assert flag.exists()
    assert [row["attempt"] for row in rows] == [2] + [1] * 11
    calm = evaluate(GRID, reach, tmp_path / "two", quiet=True)
    left_out = {"attempt", "digest", "env_options"}
    assert [{k: v for k, v in row.items() if k not in left_out} for row in numbers(rows)] == [
        {k: v for k, v in row.items() if k not in left_out} for row in numbers(calm)
    ]


def test_a_process_that_dies_ends_its_episode_alone(reach: Policy, tmp_path: Path) -> None:
    grid = replace(GRID, tasks=(0,), init_states=(0,), env_options={"die_at": 9})
    rows = evaluate(grid, reach, tmp_path, envs=2, quiet=True)
    slow, fast = rows
    assert slow["error"] == "The environment's process died; its exit code is 9."
    assert fast["success"]
    assert fast["steps"] < 9


def test_a_policy_that_crashes_ends_only_the_rows_it_crashes_for(tmp_path: Path) -> None:
    places = [np.random.default_rng((0, 0, init)).uniform(0.2, 0.5, 3)[0] for init in range(3)]
    policy = toy_world.ReachPolicy(crash_near=round(places[1] * 255) / 255)
    grid = replace(GRID, tasks=(0,))
    rows = evaluate(grid, policy, tmp_path, envs=2, quiet=True)
    crashed = {row["init_state"] for row in rows if row["error"]}
    assert crashed == {1}
    assert all("the toy policy fell apart" in row["error"] for row in rows if row["error"])
    healthy = evaluate(grid, toy_world.ReachPolicy(), tmp_path / "healthy", quiet=True)
    ended = [row for row in rows if not row["error"]]
    assert numbers(ended) == numbers([row for row in healthy if row["init_state"] != 1])


def test_films_are_kept_of_the_cells_asked_for(reach: Policy, tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg", reason="needs the extra 'bench'")
    rows = evaluate(GRID, reach, tmp_path, films={"fast-task-1-init-2"}, quiet=True)
    assert [path.name for path in (tmp_path / "films").iterdir()] == ["fast-task-1-init-2.mp4"]
    assert len(read_film(tmp_path / "films" / "fast-task-1-init-2.mp4")) == rows[-1]["steps"]


def test_pictures_are_drawn_only_when_the_policy_looks(reach: Policy, tmp_path: Path) -> None:
    world = sys.modules["toy_world"].ReachEnv
    chunked = Condition(name="chunked", configs=(ActConfig(execute=3),))
    grid = replace(GRID, conditions=(chunked,))
    before = world.drawings
    rows = evaluate(grid, reach, tmp_path, quiet=True)
    looks = [sum(step.tokens > 0 for step in read_steps(tmp_path, row["key"])) for row in rows]
    ends_on_a_look = [row["steps"] % 3 == 0 for row in rows]
    assert world.drawings - before == sum(looks) + sum(ends_on_a_look)
    assert sum(looks) < sum(row["steps"] for row in rows) / 2


def test_a_budget_leaves_whole_initial_states_for_another_run(
    reach: Policy, tmp_path: Path
) -> None:
    rows = evaluate(GRID, reach, tmp_path, minutes=1e-9, quiet=True)
    assert rows == []
    assert len(evaluate(GRID, reach, tmp_path, minutes=5, quiet=True)) == 12


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"env": "toy/Nowhere-v0"}, EvaluationError, "Unknown environment 'toy/Nowhere-v0'"),
        ({"env": "no_module:toy/X-v0"}, EvaluationError, "Unknown environment .*no_module"),
        ({"tasks": (7,)}, EvaluationError, "Cannot make toy_world:toy/Reach-v0: no task 7"),
        ({"init_states": (3, 10)}, EvaluationError, "has 10 initial states.*; 10 is none of"),
        (
            {"conditions": (Condition(name="warm", configs=(ActConfig(temperature=1.0),)),)},
            EvaluationError,
            "'warm' samples .temperature 1. without a seed",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(
    reach: Policy, tmp_path: Path, change: dict[str, Any], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        evaluate(replace(GRID, **change), reach, tmp_path, quiet=True)
    assert read_rows(tmp_path / "episodes.jsonl") == []


def test_a_steering_of_another_model_is_refused(toy: Policy, tmp_path: Path) -> None:
    with pytest.raises(SteeringError, match="were found in model reach, but this model is toy"):
        evaluate(GRID, toy, tmp_path, quiet=True)


@pytest.mark.parametrize("bad", [{"envs": 0}, {"minutes": 0}, {"minutes": float("nan")}])
def test_numbers_that_mean_nothing_are_refused(
    reach: Policy, tmp_path: Path, bad: dict[str, Any]
) -> None:
    with pytest.raises(EvaluationError, match=f"{next(iter(bad))} must be"):
        evaluate(GRID, reach, tmp_path, quiet=True, **bad)


def test_a_row_is_one_line_of_json(reach: Policy, tmp_path: Path) -> None:
    evaluate(replace(GRID, tasks=(0,)), reach, tmp_path, quiet=True)
    lines = (tmp_path / "episodes.jsonl").read_text().splitlines()
    assert len(lines) == 6
    assert all(json.loads(line)["env"] == GRID.env for line in lines)
