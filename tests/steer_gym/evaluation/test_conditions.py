"""The usual conditions: what is steered, what controls it."""

from __future__ import annotations

import pytest

from steer_gym import NeuronSet, Policy, Steering
from steer_gym.edit import Edit
from steer_gym.errors import EvaluationError, SteeringError
from steer_gym.evaluation.conditions import UNSTEERED, random_like, steered, told


def test_random_neurons_match_layers_counts_and_all_else(toy: Policy) -> None:
    neurons = NeuronSet.from_pairs([(1, 0), (0, 2), (1, 3)], name="fast")
    edit = Edit(neurons=neurons, alpha=(1.0, 2.0, 3.0), positions=("text",))
    control = random_like(steered("fast", Steering([edit])), toy, draws=3)
    assert control.name == "random like fast"
    drawn = [config.steering.edits[0] for config in control.configs]
    assert len({each.neurons.pairs for each in drawn}) > 1
    for each in drawn:
        assert sorted(layer for layer, _ in each.neurons.pairs) == [0, 1, 1]
        assert not set(each.neurons.pairs) & set(neurons.pairs)
        assert each.positions == ("text",)
        layers = [layer for layer, _ in each.neurons.pairs]
        assert {(la, a) for la, a in zip(layers, each.alpha, strict=True)} == {
            (0, 2.0), (1, 1.0), (1, 3.0)
        }  # fmt: skip


def test_concepts_are_never_drawn(reach: Policy) -> None:
    other = NeuronSet.from_pairs([(0, 1), (0, 2), (0, 3), (0, 4)])
    with pytest.raises(SteeringError, match="Layer 0 has 1 other neurons; 4 are needed"):
        random_like(steered("other", Steering(other, 1.0)), reach, draws=1)


def test_what_does_not_steer_has_no_control(reach: Policy) -> None:
    with pytest.raises(EvaluationError, match="'unsteered' steers no neurons"):
        random_like(UNSTEERED, reach, draws=1)


def test_words_need_the_place_of_the_task() -> None:
    assert told("{instruction}, quickly").name == "told quickly"
    assert told("Quickly {instruction}.", "told fast").name == "told fast"
    with pytest.raises(EvaluationError, match="A prompt must hold"):
        told("quickly")


def test_a_policy_recommends_the_papers_override_unless_it_knows_better(reach: Policy) -> None:
    assert reach.recommended("fast") == Steering(reach.concept("fast"), alpha=10.0)
