"""What the demo compares follows from the concepts of the policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import toy_world

from steer_gym import NeuronSet, NeuronSpace, Policy, Steering
from steer_gym.benchmark.presets import DRAWS, PROMPTS
from steer_gym.benchmark.report.expectation import EXPECTED
from steer_gym.demo.design import design, filmed
from steer_gym.errors import EvaluationError
from steer_gym.evaluation import Grid
from steer_gym.evaluation.conditions import UNSTEERED, steered

PLACES = Grid(
    env="toy_world:toy/Reach-v0", conditions=(UNSTEERED,), tasks=(0, 1), init_states=(0, 1)
)


class FourConcepts(toy_world.ReachPolicy):
    """A policy that knows every concept of the demo."""

    spec = replace(toy_world.ReachPolicy.spec, neurons=NeuronSpace(layers=2, width=20))

    @property
    def concepts(self) -> dict[str, NeuronSet]:
        names = ("fast", "slow", "high", "low")
        return {n: NeuronSet.from_pairs([(1, i)], name=n) for i, n in enumerate(names)}

    def recommended(self, concept: str) -> Steering:
        return Steering(self.concept(concept), alpha=4.0)


def test_four_concepts_are_steered_told_and_controlled() -> None:
    grid = design(FourConcepts(), PLACES)
    assert [condition.name for condition in grid.conditions] == [
        "unsteered", "fast", "slow", "high", "low", "random like fast", "random like high",
        "told fast", "told slow", "told high", "told low",
    ]  # fmt: skip
    assert grid.conditions[1].configs[0].steering == FourConcepts().recommended("fast")
    assert len(grid.conditions[5].configs) == DRAWS
    assert grid.rounds
    first = {cell.key for cell in grid.cells() if (cell.task, cell.init_state) == (0, 0)}
    assert filmed(grid) == first


def test_a_steering_of_ones_own_is_controlled_too(reach: Policy) -> None:
    grid = design(reach, PLACES, [steered("mine", Steering(reach.concept("fast"), 0.5))])
    names = [condition.name for condition in grid.conditions]
    assert names == ["unsteered", "mine", "random like mine"]


def test_what_cannot_be_steered_is_refused(reach: Policy, toy: Policy) -> None:
    with pytest.raises(EvaluationError, match=r"toy knows none of the concepts fast.*--steer"):
        design(toy, PLACES)
    without: Any = toy_world.ReachPolicy()
    without.spec = replace(reach.spec, neurons=None)
    with pytest.raises(EvaluationError, match="reach has no neurons, so there is nothing to steer"):
        design(without, PLACES)


def test_the_report_knows_what_every_concept_should_change() -> None:
    assert PROMPTS.keys() <= EXPECTED.keys()
