"""Steerings are values: they compare, add, travel as JSON, and refuse nonsense."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from steer_gym import Edit, NeuronSet, NeuronSpace, Steering, paper_steering
from steer_gym.errors import SteeringError, UnknownNameError

SPACE = NeuronSpace(layers=4, width=10)
FAST = NeuronSet.from_flat([12, 8], name="fast")
LOW = NeuronSet.from_pairs([(3, 1)], name="low", fingerprint="f")
STEERINGS = [
    Steering(),
    Steering(FAST, 10.0),
    Steering(FAST, (1.5, -2.0), operation="add", unit="spread", positions=("text", (0, 3))),
    Steering(FAST, 0.5, operation="scale", layers="late") + Steering(LOW, operation="ablate"),
    Steering(LOW, -1e-3, layers=(0, 3), positions=("prefill",)),
]


@pytest.mark.parametrize("steering", STEERINGS)
def test_round_trips(steering: Steering, tmp_path: Path) -> None:
    again = Steering.from_json(json.loads(json.dumps(steering.to_json())))
    assert again == steering
    assert hash(again) == hash(steering)
    steering.save(tmp_path / "steering.json")
    assert Steering.load(tmp_path / "steering.json") == steering


def test_equal_numbers_make_equal_steerings() -> None:
    given = [10, 10.0, np.float32(10), np.array(10.0)]
    assert len({Steering(FAST, alpha) for alpha in given}) == 1
    several = [[1, 2], (1.0, 2.0), np.array([1, 2]), iter([1, 2])]
    assert len({Steering(FAST, alpha) for alpha in several}) == 1
    assert len(set(STEERINGS)) == len(STEERINGS)


def test_lists_and_iterators_become_tuples() -> None:
    edit = Edit(neurons=FAST, positions=[[0, 3], "text"], layers=iter([1, np.int64(2)]))
    assert edit.positions == ((0, 3), "text")
    assert edit.layers == (1, 2)
    assert Edit(neurons=FAST, positions="decode").positions == ("decode",)


def test_addition_keeps_order_and_has_a_zero() -> None:
    one, other = Steering(FAST, 1.0), Steering(LOW, 2.0)
    assert (one + other).edits == one.edits + other.edits
    assert one + Steering() == one == Steering() + one
    with pytest.raises(TypeError):
        one + 1.0


def test_replace_changes_every_edit() -> None:
    both = Steering(FAST, 1.0) + Steering(LOW, 2.0)
    assert both.replace(alpha=3.0) == Steering(FAST, 3.0) + Steering(LOW, 3.0)


def test_truth_tells_whether_there_is_anything_to_steer() -> None:
    assert not Steering()
    assert not Steering(NeuronSet(), 1.0)
    assert Steering(FAST, 1.0)


@pytest.mark.parametrize(
    ("positions", "kinds", "spans"),
    [
        (("all",), {"start", "image", "text", "state", "decode"}, ()),
        (("prefill",), {"start", "image", "text", "state"}, ()),
        (("decode", "image"), {"decode", "image"}, ()),
        (((2, 5), "text", (0, 1)), {"text"}, ((2, 5), (0, 1))),
    ],
)
def test_positions_are_kinds_and_spans(positions: tuple, kinds: set, spans: tuple) -> None:
    edit = Edit(neurons=FAST, positions=positions)
    assert edit.kinds == kinds
    assert edit.spans == spans


@pytest.mark.parametrize(
    ("layers", "kept"),
    [("all", [0, 1, 2, 3, 4]), ("early", [0, 1]), ("late", [2, 3, 4]), ((1, 4), [1, 4])],
)
def test_early_and_late_are_the_halves_of_the_model(layers: object, kept: list[int]) -> None:
    space = NeuronSpace(layers=5, width=3)
    edit = Edit(neurons=FAST, layers=layers)
    assert [layer for layer in range(5) if edit.keeps_layer(layer, space)] == kept


def test_the_papers_presets() -> None:
    assert paper_steering("paper-openvla", FAST, 10.0) == Steering(FAST, 10.0)
    prefill = Steering(FAST, 10.0, positions=("prefill",))
    assert paper_steering("paper-pi0-fast", FAST, 10.0) == prefill
    with pytest.raises(
        UnknownNameError, match=r"Unknown preset 'paper-openvl'\. Did you mean 'paper-o"
    ):
        paper_steering("paper-openvl", FAST, 10.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": float("nan")}, "alpha must be a finite number, or one per neuron, not nan"),
        ({"alpha": (1.0, float("inf"))}, r"must be a finite number, or one per neuron, not \(1"),
        ({"alpha": "10"}, "must be a finite number, or one per neuron, not '10'"),
        ({"alpha": True}, "must be a finite number, or one per neuron, not True"),
        ({"alpha": ((1,), (2,))}, "must be a finite number, or one per neuron"),
        ({"alpha": (1.0, 2.0, 3.0)}, "alpha has 3 numbers for 2 neurons; give one number, or one"),
        ({"operation": "set"}, "operation must be one of override, add, scale, ablate, but is 's"),
        ({"unit": "sigma"}, "unit must be one of raw, spread, but is 'sigma'"),
        ({"operation": "scale", "unit": "spread"}, "'scale' takes a factor; unit must be 'raw'"),
        ({"layers": "middle"}, "layers must be one of all, early, late, but is 'middle'"),
        ({"layers": (1.5,)}, r"layers must be one of all, early, late, or integers, not \(1.5,\)"),
        ({"positions": "words"}, "positions must be one of all, prefill, start, .* but is 'words'"),
        ({"positions": ()}, "positions must name at least one position"),
        ({"positions": (0, 3)}, r"A span is \(start, stop\) with 0 <= start < stop, not 0"),
        ({"positions": ((3, 3),)}, r"with 0 <= start < stop, not \(3, 3\)"),
        ({"positions": ((0.5, 3),)}, r"with 0 <= start < stop, not \(0.5, 3\)"),
        ({"positions": ((-1, 3),)}, r"with 0 <= start < stop, not \(-1, 3\)"),
        ({"neurons": [1, 2]}, r"neurons must be a NeuronSet, but is \[1, 2\]"),
    ],
)
def test_an_edit_refuses_nonsense(options: dict, message: str) -> None:
    with pytest.raises(SteeringError, match=message):
        Edit(**{"neurons": FAST, **options})


def test_a_steering_refuses_nonsense() -> None:
    with pytest.raises(SteeringError, match="Steering needs alpha"):
        Steering(FAST)
    with pytest.raises(SteeringError, match="alpha and options belong to a NeuronSet"):
        Steering([Edit(neurons=FAST)], alpha=3.0)
    with pytest.raises(SteeringError, match="made of a NeuronSet or of Edits, not 12"):
        Steering([12, 8])


def test_check_names_what_does_not_fit_the_model() -> None:
    Steering(FAST, 1.0, layers=(0, 3)).check(SPACE)
    with pytest.raises(SteeringError, match=r"layers \(0, 4\) go beyond the model's, 0 to 3"):
        Steering(FAST, 1.0, layers=(0, 4)).check(SPACE)
    with pytest.raises(SteeringError, match=r"layers \(-1,\) go beyond"):
        Steering(FAST, 1.0, layers=(-1,)).check(SPACE)
    with pytest.raises(SteeringError, match="out of range"):
        Steering(NeuronSet.from_flat([40]), 1.0).check(SPACE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "Not a steering: TypeError"),
        ("{}", "Not a steering: KeyError 'edits'"),
        ('{"edits": [{"neurons": {}, "strength": 1}]}', "Not a steering: TypeError.*'strength'"),
        ('{"edits": [{"neurons": {"flat_ids": [1]}, "alpha": NaN}]}', "must be a finite number"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "steering.json").write_text(text)
    with pytest.raises(SteeringError, match=message):
        Steering.load(tmp_path / "steering.json")
