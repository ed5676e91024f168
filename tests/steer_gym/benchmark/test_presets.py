"""The benchmarks that have names: the paper's grid is whole, and every control is there."""

from __future__ import annotations

from collections import Counter

import pytest

from steer_gym.benchmark import Benchmark, PolicyChoice
from steer_gym.benchmark.presets import ALPHAS, PRESETS, SUITES, preset
from steer_gym.errors import EvaluationError, UnknownNameError

POCKET = PolicyChoice(name="pocket")
CONCEPTS = ("fast", "slow", "high", "low", "random-fast")


@pytest.mark.parametrize("name", sorted(PRESETS.keys() - {"libero-official"}))  # it steers nothing
def test_every_preset_has_a_baseline_controls_and_words(name: str) -> None:
    plan = preset(name, POCKET, CONCEPTS)
    kinds = Counter(condition.kind for condition in plan.conditions)
    assert plan.name == name
    assert kinds["baseline"] == 1
    assert min(kinds[kind] for kind in ("steered", "random", "prompt")) >= 1
    assert Benchmark.from_json(plan.to_json()) == plan
    names = {condition.name for condition in plan.conditions}
    assert {c.control_of for c in plan.conditions if c.control_of} <= names
    assert all(c.control_of for c in plan.conditions if c.kind in ("random", "zero"))


def test_the_papers_grid_on_libero_has_its_78_conditions() -> None:
    plan = preset("paper-libero-long", PolicyChoice(name="openvla"), ())
    steered = [condition for condition in plan.conditions if condition.kind == "steered"]
    assert len(steered) == 78
    assert Counter(condition.concept for condition in steered) == {"fast": 12, "slow": 12, "up": 54}
    assert Counter(c.depth for c in steered if c.concept == "up") == {
        "early": 18, "late": 18, "full": 18
    }  # fmt: skip
    assert {condition.alpha for condition in steered} == set(ALPHAS)
    assert {(c.operation, c.positions) for c in steered} == {("override", ("all",))}
    assert plan.suites[0].env == "steer_gym/Libero10-v0"
    assert len(plan.suites[0].tasks) * len(plan.suites[0].init_states) == 100


def test_pocket_runs_it_where_it_is_at_home() -> None:
    plan = preset("paper-libero-long", POCKET, CONCEPTS)
    assert plan.suites == (SUITES["pocket"],)


def test_quick_takes_the_concepts_that_the_policy_has() -> None:
    plan = preset("quick", POCKET, ("low", "random-low"))
    steered = [c.concept for c in plan.conditions if c.kind == "steered"]
    assert steered == ["low"]
    plan = preset("quick", POCKET, CONCEPTS)
    controls = [c.control_of for c in plan.conditions if c.kind == "random"]
    assert controls == ["fast", "high"]  # one for speed, one for height
    with pytest.raises(EvaluationError, match="pocket knows none of the concepts fast, slow"):
        preset("quick", POCKET, ("random-low",))


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UnknownNameError, match="quick"):
        preset("quik", POCKET, CONCEPTS)


@pytest.mark.parametrize(
    ("checkpoint", "env"),
    [
        ("openvla/openvla-7b-finetuned-libero-spatial", "steer_gym/LiberoSpatial-v0"),
        ("openvla/openvla-7b-finetuned-libero-10", "steer_gym/Libero10-v0"),
        ("/data/my_libero_goal", "steer_gym/LiberoGoal-v0"),
    ],
)
def test_the_official_evaluation_is_500_episodes_in_the_checkpoints_suite(
    checkpoint: str, env: str
) -> None:
    choice = PolicyChoice(name="openvla", options={"checkpoint": checkpoint})
    plan = preset("libero-official", choice, ())
    (suite,) = plan.suites
    assert (plan.episodes, plan.envs, suite.env) == (500, 1, env)
    assert suite.init_states == tuple(range(50))
    assert suite.env_options == {"seeding": "reference-openvla"}
    assert Benchmark.from_json(plan.to_json()) == plan


def test_the_official_evaluation_needs_a_suite() -> None:
    choice = PolicyChoice(name="openvla", options={"checkpoint": "openvla/openvla-7b"})
    with pytest.raises(EvaluationError, match=r"does not end in the name of a suite \(libero_sp"):
        preset("libero-official", choice, ())
