"""Sets of neurons: two forms of one thing, bound to a model, in and out of files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from steer_gym import NeuronSet, NeuronSpace, load_dictionary, matched_random
from steer_gym.errors import SteeringError

OPENVLA = NeuronSpace(layers=32, width=11008, fingerprint="libero-10")
UP = NeuronSet.from_flat([237682, 302720, 205792], name="up")


@pytest.mark.parametrize("seed", range(5))
def test_flat_ids_and_pairs_name_the_same_neurons(seed: int) -> None:
    flat = NeuronSet.from_flat(np.random.default_rng(seed).choice(OPENVLA.size, 20, replace=False))
    pairs = NeuronSet.from_pairs([divmod(i, 11008) for i in flat.flat_ids])
    assert flat.resolve(OPENVLA).tolist() == pairs.resolve(OPENVLA).tolist()
    assert pairs.flat(OPENVLA) == flat.flat(OPENVLA) == flat.flat_ids


def test_a_flat_id_is_layer_times_width_plus_neuron() -> None:
    assert UP.resolve(OPENVLA).tolist() == [[21, 6514], [27, 5504], [18, 7648]]


def test_sets_are_values() -> None:
    same = NeuronSet.from_flat(np.array([237682, 302720, 205792]), name="up")
    assert same == UP
    assert hash(same) == hash(UP)
    assert len({UP, same, UP.unbound(), NeuronSet.from_flat([1])}) == 2
    assert (len(UP), bool(NeuronSet())) == (3, False)


@pytest.mark.parametrize(
    "neurons",
    [UP, NeuronSet.from_pairs([(3, 4), (0, 1)], name="low", fingerprint="f"), NeuronSet()],
)
def test_json_round_trip(neurons: NeuronSet) -> None:
    assert NeuronSet.from_json(json.loads(json.dumps(neurons.to_json()))) == neurons


@pytest.mark.parametrize("bad", [True, 1.0, "1", None, np.float64(1), np.bool_(True)])
def test_a_neuron_is_an_integer(bad: object) -> None:
    with pytest.raises(SteeringError, match="A neuron's number must be an integer, but is "):
        NeuronSet.from_flat([2, bad])
    with pytest.raises(SteeringError, match="A neuron's number must be an integer, but is "):
        NeuronSet.from_pairs([(bad, 0)])
    with pytest.raises(SteeringError, match="A neuron's number must be an integer, but is "):
        NeuronSet(flat_ids=(bad,))


@pytest.mark.parametrize("bad", [5, (1, 2, 3), (), "12"])
def test_a_pair_has_two_numbers(bad: object) -> None:
    with pytest.raises(SteeringError, match=r"A pair is \(layer, neuron\), but is "):
        NeuronSet.from_pairs([bad])


def test_refuses_neurons_twice_negative_or_in_both_forms() -> None:
    with pytest.raises(SteeringError, match=r"Neurons given twice: \[7\]\."):
        NeuronSet.from_flat([7, 3, 7])
    with pytest.raises(SteeringError, match=r"start at 0, but the set holds \[\(0, -2\)\]\."):
        NeuronSet.from_pairs([(1, 1), (0, -2)])
    with pytest.raises(SteeringError, match=r"as flat ids or as \(layer, neuron\) pairs, not both"):
        NeuronSet(flat_ids=(1,), pairs=((0, 1),))


def test_refuses_neurons_beyond_the_model() -> None:
    message = (
        r"Neurons \[\[32, 0\]\] \(layer, neuron\) are out of range: the model has layers 0 to 31 "
        r"of neurons 0 to 11007\."
    )
    with pytest.raises(SteeringError, match=message):
        NeuronSet.from_flat([0, OPENVLA.size]).resolve(OPENVLA)
    with pytest.raises(SteeringError, match=r"\[\[0, 11008\]\]"):
        NeuronSet.from_pairs([(0, 11008)]).resolve(OPENVLA)


def test_a_long_list_of_wrong_neurons_stays_short() -> None:
    with pytest.raises(SteeringError, match=r"\.\.\. 5000 in all") as error:
        NeuronSet.from_flat(range(OPENVLA.size, OPENVLA.size + 5000)).resolve(OPENVLA)
    assert len(str(error.value)) < 400


def test_refuses_another_models_neurons() -> None:
    bound = NeuronSet.from_flat([1], name="fast", fingerprint="base")
    message = (
        "The neurons fast were found in model base, but this model is libero-10. Neurons mean "
        r"nothing in other weights; use unbound\(\) if you know that they do\."
    )
    with pytest.raises(SteeringError, match=message):
        bound.resolve(OPENVLA)
    assert len(bound.unbound().resolve(OPENVLA)) == 1
    assert len(bound.resolve(NeuronSpace(layers=32, width=11008))) == 1


def test_json_of_something_else_is_refused() -> None:
    with pytest.raises(SteeringError, match=r"Not a set of neurons: .*'neurons'"):
        NeuronSet.from_json({"neurons": [1, 2]})


class TestMatchedRandom:
    def test_takes_as_many_of_each_layer_and_none_of_the_set(self) -> None:
        drawn = matched_random(UP, OPENVLA, seed=1)
        layers = sorted(UP.resolve(OPENVLA)[:, 0])
        assert sorted(drawn.resolve(OPENVLA)[:, 0]) == layers
        assert not set(drawn.flat(OPENVLA)) & set(UP.flat_ids)
        assert drawn.fingerprint == "libero-10"

    def test_depends_on_the_seed_alone(self) -> None:
        assert matched_random(UP, OPENVLA, seed=1) == matched_random(UP, OPENVLA, seed=1)
        assert matched_random(UP, OPENVLA, seed=1) != matched_random(UP, OPENVLA, seed=2)

    def test_excludes_further_sets_and_says_when_none_are_left(self) -> None:
        space = NeuronSpace(layers=1, width=5)
        one, others = NeuronSet.from_flat([0]), NeuronSet.from_flat([1, 2, 3])
        assert matched_random(one, space, seed=0, exclude=[others]).flat(space) == (4,)
        with pytest.raises(SteeringError, match="Layer 0 has 0 other neurons; 1 are needed"):
            matched_random(one, space, seed=0, exclude=[NeuronSet.from_flat([1, 2, 3, 4])])


class TestThePapersDictionaries:
    """In the two shapes of the released files: {flat id: labels} (OpenVLA), flat ids (pi0)."""

    def load(self, folder: Path, text: str, **options: str) -> dict[str, NeuronSet]:
        path = folder / "dictionaries.yaml"
        path.write_text(text, encoding="utf-8")
        return load_dictionary(path, **options)

    def test_mappings_from_id_to_labels(self, tmp_path: Path) -> None:
        text = """
blank: {}

up_10:
  237682: ['up', 'Up', '[action: -0.227]', 'дар', '构']
  302720: ['raised', 'raise', 'larger', 'High', 'Low']
  205792: ['above', 'exceed', 'below', '[action: 0.525]']
"""
        sets = self.load(tmp_path, text, fingerprint="libero-10")
        assert list(sets) == ["blank", "up_10"]
        assert sets["up_10"] == NeuronSet.from_flat(
            [237682, 302720, 205792], name="up_10", fingerprint="libero-10"
        )
        assert not sets["blank"]

    def test_lists_of_ids(self, tmp_path: Path) -> None:
        text = "high_cluster:\n  - 256459\n  - 260217\n  - 40857\n\nempty:\n"
        sets = self.load(tmp_path, text)
        assert sets["high_cluster"].flat_ids == (256459, 260217, 40857)
        assert not sets["empty"]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("- 1\n- 2\n", "holds list, not a dictionary of clusters"),
            ("up: 12\n", "cluster 'up' must be a list of flat ids or a mapping .* but is 12"),
            ("up: [1, fast]\n", "must be an integer, but is 'fast'"),
            ("up: [1.5]\n", "must be an integer, but is 1.5"),
            ("up: [1, 2\n", "is not YAML"),
        ],
    )
    def test_anything_else_is_refused(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(SteeringError, match=message):
            self.load(tmp_path, text)
