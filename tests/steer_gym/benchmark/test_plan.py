"""A benchmark is a value: it goes to a file and comes back equal, and refuses what is no plan."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from steer_gym import NeuronSet, Steering
from steer_gym.benchmark import (
    Benchmark,
    PolicyChoice,
    Suite,
    Treatment,
    load_benchmark,
    save_benchmark,
)
from steer_gym.errors import EvaluationError, UnknownNameError

FAST = Treatment(concept="fast", size=10, depth="late", alpha=6.0, operation="override")
BENCHMARK = Benchmark(
    name="small",
    note="what is asked",
    policies=(
        PolicyChoice(name="pocket", options={"device": "cpu"}),
        PolicyChoice(name="pocket", label="other", dictionary="clusters.yaml"),
    ),
    suites=(
        Suite(env="steer_gym/LiberoObject-v0", tasks=(2, 3), init_states=(0, 7)),
        Suite(env="steer_gym/UR5Sim-v0", env_options={"image_size": [64, 64]}, name="arm"),
    ),
    conditions=(
        Treatment(kind="baseline", name="unsteered"),
        FAST,
        FAST.control("random", draws=4),
        FAST.control("zero"),
        Treatment(kind="sham", name="unsteered again"),
        Treatment(kind="prompt", prompt="{instruction}, quickly"),
        replace(FAST, name="ramped", positions=("text", (3, 5)), schedule={"kind": "ramp"}),
        Treatment(name="mine", steering=Steering(NeuronSet.from_flat([1, 2]), alpha=(1.0, 2.0))),
    ),
    seed=3,
    envs=2,
)


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_a_file_gives_back_an_equal_benchmark(tmp_path: Path, ending: str) -> None:
    if ending == "yaml":
        pytest.importorskip("yaml", reason="needs the extra 'bench'")
    save_benchmark(BENCHMARK, tmp_path / f"plan.{ending}")
    assert load_benchmark(tmp_path / f"plan.{ending}") == BENCHMARK


def test_its_json_is_plain_and_leaves_out_what_is_not_said() -> None:
    data = BENCHMARK.to_json()
    assert Benchmark.from_json(json.loads(json.dumps(data))) == BENCHMARK
    assert data["conditions"][0] == {"kind": "baseline", "name": "unsteered"}


def test_conditions_are_named_after_what_they_do() -> None:
    names = [condition.name for condition in BENCHMARK.conditions]
    assert names[1:4] == [
        "fast 10 late a6", "random like fast 10 late a6", "zero like fast 10 late a6"
    ]  # fmt: skip
    assert names[5] == "told quickly"


def test_episodes_are_counted_over_every_dimension() -> None:
    assert BENCHMARK.episodes == 2 * (2 * 2 + 1) * 8
    assert BENCHMARK.baseline == "unsteered"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policies": ()}, "needs policies, each under a name of its own; there are none"),
        ({"suites": BENCHMARK.suites[:1] * 2}, "'LiberoObject' is there twice"),
        ({"conditions": (FAST,)}, "needs a condition of kind 'baseline'"),
        ({"envs": 0}, "envs must be a whole number, 1 or more, but is 0"),
        ({"envs": "3"}, "envs must be a whole number, 1 or more, but is '3'"),
        ({"measure_steering": "no"}, "measure_steering must be true or false, but is 'no'"),
        ({"seed": -1}, "seed must be a whole number, 0 or more, but is -1"),
        (
            {"conditions": (BENCHMARK.conditions[0], FAST, replace(FAST, name=f"{FAST.name} "))},
            "names differ in files too; 'fast-10-late-a6' is there twice",
        ),
    ],
)
def test_a_benchmark_that_compares_nothing_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        replace(BENCHMARK, **change)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tasks": ()}, "A suite needs tasks, each once; there are none"),
        ({"tasks": (2, 3, 2)}, "A suite needs tasks, each once; 2 is there twice"),
        ({"init_states": ()}, "A suite needs init_states, each once; there are none"),
        ({"init_states": [0, 0]}, "A suite needs init_states, each once; 0 is there twice"),
        ({"tasks": "reach"}, "tasks of a suite is a list, not 'reach'"),
        ({"init_states": 3}, "init_states of a suite is a list, not 3"),
        ({"init_states": [-1]}, "init_states of a suite must be a whole number, 0 or more, .* -1"),
        ({"init_states": [0.5]}, "must be a whole number, 0 or more, but is 0.5"),
    ],
)
def test_a_suite_without_places_of_its_own_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        Suite(env="steer_gym/UR5Sim-v0", **fields)


def test_parts_that_would_share_a_folder_are_refused() -> None:
    labels = [PolicyChoice(name="pocket", label=label) for label in ("a b", "a/b")]
    tasks = replace(BENCHMARK.suites[0], tasks=(1, "1"))
    for change in ({"policies": labels}, {"suites": [tasks]}):
        with pytest.raises(
            EvaluationError, match=r"a folder of its own; 'a-b/Lib.* twice|task-1' is there twice"
        ):
            replace(BENCHMARK, **change)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "wild"}, "kind is one of baseline, .*, not 'wild'"),
        ({"concept": "fast", "depth": "deep"}, "depth is one of None, early, late, full"),
        ({"kind": "steered"}, "takes a concept or a steering, but has none"),
        (
            {"concept": "fast", "steering": Steering(NeuronSet.from_flat([1]), alpha=1.0)},
            "A steered condition .* a steering, but has the concept 'fast' and a steering\\.",
        ),
        (
            {"kind": "sham", "concept": "fast"},
            "neither concept nor steering, but has the concept 'fast'",
        ),
        ({"kind": "prompt"}, "it says more in a condition of kind prompt"),
        ({"concept": "fast", "prompt": "go"}, "prompt of a condition holds {instruction}"),
        ({"concept": "fast", "draws": 0}, "draws must be a whole number, 1 or more, but is 0"),
        ({"concept": "fast", "draws": 2}, "draws are of random neurons, but a steered condition"),
        ({"concept": "fast", "size": 0}, "size must be a whole number, 1 or more, but is 0"),
        ({"concept": "fast", "size": "ten"}, "size must be a whole number.* but is 'ten'"),
        ({"concept": "fast", "alpha": float("nan")}, "alpha of a condition is a finite number"),
        ({"concept": "fast", "alpha": "strong"}, "is a finite number, not 'strong'"),
        ({"kind": "baseline", "alpha": 4.0}, "baseline condition steers nothing, .* no alpha"),
    ],
)
def test_a_condition_that_says_nothing_clear_is_refused(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        Treatment(**fields)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.json", None, "There is no file .*none.json. `steer-gym bench quick"),
        ("torn.json", "{", "is not JSON"),
        ("list.json", "[]", "holds no benchmark but list"),
        ("other.json", "{}", "other.json: A benchmark needs name and policies and suites"),
    ],
)
def test_a_file_that_is_no_benchmark_is_refused(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(EvaluationError, match=message):
        load_benchmark(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sead": 3}, "field of a benchmark 'sead'. Did you mean 'seed'"),
        ({"policies": "pocket"}, "policies of a benchmark is a list, not 'pocket'"),
        ({"policies": [{"name": "pocket", "option": {}}]}, "of a policy 'option'. Did you mean"),
        ({"policies": [{}]}, "A policy needs name, but has nothing"),
        ({"suites": [{"env": "x", "task": [1]}]}, "of a suite 'task'. Did you mean 'tasks'"),
        ({"conditions": {"kind": "baseline"}}, "conditions of a benchmark is a list, not"),
        ({"conditions": ["fast"]}, "A condition is given by its fields .*, not 'fast'"),
        ({"conditions": [{"alfa": 3.0}]}, "field of a condition 'alfa'. Did you mean 'alpha'"),
    ],
)
def test_a_slip_in_a_file_is_named_with_what_was_meant(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({**BENCHMARK.to_json(), **change}))
    with pytest.raises(EvaluationError, match=rf"plan\.json: .*{message}"):
        load_benchmark(tmp_path / "plan.json")


def test_a_control_of_what_is_not_there_is_refused() -> None:
    stray = replace(FAST.control("random"), control_of="fast 10 late")
    with pytest.raises(UnknownNameError, match=r"condition that 'random like .*Did you mean 'fast"):
        replace(BENCHMARK, conditions=(BENCHMARK.conditions[0], FAST, stray))


def test_a_single_position_needs_no_list() -> None:
    assert Treatment(concept="fast", positions="prefill").positions == ("prefill",)  # type: ignore[arg-type]
