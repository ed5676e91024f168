"""A concept file comes back, says what changed, and is refused by other models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steer_gym import NeuronSet, NeuronSpace, Steering
from steer_gym.errors import SteeringError
from steer_gym.neurons.concept import Concept, ConceptError
from steer_gym.neurons.dictionaries import read_dictionary, save_dictionary
from steer_gym.neurons.finding import by_word, matched_by_norm, region_neurons
from steer_gym.neurons.projection import TopTokens
from steer_gym.neurons.scores import concept_of, scores
from steer_gym.neurons.table import NeuronTable, Recipe, TableError
from steer_gym.neurons.tokens import vocabulary
from steer_gym.neurons.words import THEMES, theme_of, variants

WORDS = (" fast", "Faster", " slow", "milk", "[action: +0.996]")
FAST = theme_of(["fast"], ["slow"])
SPACE = NeuronSpace(layers=4, width=30, fingerprint="abc")


@pytest.fixture
def table() -> NeuronTable:
    """Neuron 5 says fast, 6 fast and slow, 95 fast and an action, all others milk."""
    ids = np.full((SPACE.size, 2), 3, np.int32)
    ids[5], ids[6], ids[95] = (0, 1), (0, 2), (1, 4)
    tops = TopTokens(ids=ids, scores=np.ones(ids.shape, np.float32))
    words = vocabulary(5, WORDS.__getitem__, actions=[4])
    return NeuronTable(
        space=SPACE,
        promoted=tops,
        suppressed=tops,
        texts=words.texts,
        kinds=words.kinds,
        recipe=Recipe(model="tiny", projection="raw", k=2, dtype="float32"),
        norms=np.random.default_rng(0).uniform(1, 2, SPACE.size).astype(np.float32),
    )


def test_a_word_finds_its_neurons_and_the_opposite_counts_against(table: NeuronTable) -> None:
    assert by_word(table, FAST, count=10) == [(5, 1.0), (95, 0.5)]
    assert by_word(table, FAST, count=10, region="late") == [(95, 0.5)]
    assert by_word(table, theme_of(["fast"]), count=1) == [(5, 1.0)]


def test_regions_are_halves_that_make_up_the_whole() -> None:
    early, late, full = (region_neurons(SPACE, r) for r in ("early", "late", "full"))
    assert np.array_equal(np.concatenate([early, late]), full)
    assert len(early) == len(late) == 60


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("fast", {"fast", "faster", "fastest"}),
        ("slow", {"slowly", "slowed", "slowing"}),
        ("easy", {"easier", "easiest", "easily"}),
        ("grip", {"gripping", "gripped", "grips"}),
        ("move", {"moving", "moved", "mover"}),
    ],
)
def test_a_word_stands_for_its_forms(word: str, forms: set[str]) -> None:
    assert forms <= variants(word)


def test_a_form_of_both_sides_counts_for_neither() -> None:
    theme = theme_of(["light", "easy"], ["light", "heavy"])
    assert not {"light", "lighter"} & {*theme.words, *theme.opposites}
    assert "easier" in theme.words
    assert "heaviest" in theme.opposites


def test_scores_tell_purity_contamination_and_actions(table: NeuronTable) -> None:
    assert scores(table, [5], FAST) == {"purity": 1.0, "opposites": 0.0, "actions": 0.0}
    assert scores(table, [5, 6], FAST) == {"purity": 0.75, "opposites": 0.5, "actions": 0.0}
    assert scores(table, [95, 7], FAST) == {"purity": 0.25, "opposites": 0.0, "actions": 0.25}


def test_a_concept_comes_back(table: NeuronTable, tmp_path: Path) -> None:
    concept = concept_of(table, [95, 5], FAST, found_by={"method": "word", "count": 2})
    concept.save(tmp_path / "fast.json")
    assert Concept.load(tmp_path / "fast.json", SPACE) == concept
    assert concept.words == ("fast", "faster")
    assert concept.tokens["5"] == "fast, Faster"
    assert concept.steering(10.0) == Steering(concept.neurons, 10.0)


def test_alpha_may_count_in_each_neurons_own_spread(table: NeuronTable) -> None:
    concept = concept_of(table, [95, 5], FAST)
    spread = np.zeros(SPACE.size, np.float32)
    spread[[5, 95]] = 0.5, 2.0
    edits = concept.steering(3.0, spread).edits
    assert [(edit.neurons.flat_ids, edit.alpha) for edit in edits] == [((95,), 6.0), ((5,), 1.5)]
    assert {edit.neurons.fingerprint for edit in edits} == {"abc"}


def test_what_changes_is_said_a_neuron_a_line(table: NeuronTable) -> None:
    before, after = (concept_of(table, ids, FAST) for ids in ([5, 6], [95, 5]))
    assert before.diff(before) == []
    assert before.diff(after) == [
        "- 6 (layer 0, 6): fast, slow",
        "+ 95 (layer 3, 5): Faster, [action: +0.996]",
    ]
    assert before.diff(replace(before, note="clean")) == ["note: '' -> 'clean'"]


def test_a_concept_of_another_model_is_refused(table: NeuronTable, tmp_path: Path) -> None:
    concept_of(table, [5], FAST).save(tmp_path / "fast.json")
    with pytest.raises(ConceptError, match=r"4 x 30 neurons of abc \(tiny\), but the model has"):
        Concept.load(tmp_path / "fast.json", replace(SPACE, fingerprint="xyz"))
    with pytest.raises(SteeringError, match="out of range"):
        concept_of(table, [120], FAST)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "2"}, "its format is not 'steer_gym concept 1'"),
        ({"space": None}, "It is no concept"),
        ({"size": 3}, "unexpected keyword argument 'size'"),
        ({"neurons": {"flat_ids": [999]}}, "out of range"),
    ],
)
def test_what_is_no_concept_is_named(
    table: NeuronTable, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    data = concept_of(table, [5], FAST).to_json() | change
    (tmp_path / "x.json").write_text(json.dumps(data))
    with pytest.raises(ConceptError, match=message):
        Concept.load(tmp_path / "x.json")


def test_the_papers_dictionaries_go_in_and_out(table: NeuronTable, tmp_path: Path) -> None:
    (tmp_path / "released.yaml").write_text("fast_10: [5, 95]\nodd:\n  6: [fast, slow]\n")
    fast, odd = read_dictionary(tmp_path / "released.yaml", table)
    assert fast.neurons.flat(SPACE) == (5, 95)
    assert set(fast.words) == set(THEMES["fast"].words) & {"fast", "faster"}
    assert odd.words == ()
    save_dictionary(tmp_path / "again.yaml", [fast, odd])
    again = read_dictionary(tmp_path / "again.yaml", table)
    assert [c.neurons for c in again] == [fast.neurons, odd.neurons]
    with pytest.raises(ConceptError, match="two concepts share"):
        save_dictionary(tmp_path / "again.yaml", [fast, fast])


def test_a_match_has_the_layers_and_about_the_lengths_and_none_of_the_members(
    table: NeuronTable,
) -> None:
    neurons = NeuronSet.from_flat([5, 6, 95], name="fast")
    drawn = [matched_by_norm(neurons, table, seed=seed) for seed in range(5)]
    assert drawn[0] == matched_by_norm(neurons, table, seed=0)
    assert len({each.flat_ids for each in drawn}) > 1
    assert table.norms is not None
    for each in drawn:
        ids = np.array(each.flat(SPACE))
        assert len(set(ids.tolist()) | {5, 6, 95}) == 6
        assert (ids // 30).tolist() == [0, 0, 3]
        for one, other in zip((5, 6, 95), ids, strict=True):
            layer = table.norms.reshape(4, 30)[one // 30]
            nearer = np.abs(layer - table.norms[one]) < abs(table.norms[other] - table.norms[one])
            assert nearer.sum() <= 22  # the 20 nearest, the members of the layer not counted
    with pytest.raises(TableError, match="holds no lengths"):
        matched_by_norm(neurons, replace(table, norms=None), seed=0)
