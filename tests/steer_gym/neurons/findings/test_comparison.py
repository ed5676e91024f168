from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from steer_gym.neurons.findings.comparison import compare
from steer_gym.neurons.findings.figures import count_order, draw_figures
from steer_gym.neurons.findings.measures import action_share, near_zero, token_change
from steer_gym.neurons.findings.stage import FindingsError, Stage, correspondence, token_counts


def test_a_model_compared_with_itself_has_not_changed(stages: list[Stage]) -> None:
    change = token_change(stages[1], stages[1], top=30)
    assert not change.z.any()


def test_every_top_token_is_counted_once(stages: list[Stage]) -> None:
    assert token_counts(stages[0].table, 30).sum() == 60 * 30
    assert token_counts(stages[0].table, 7).sum() == 60 * 7


def test_fine_tuning_keeps_ids_also_of_tokens_that_become_actions(stages: list[Stage]) -> None:
    tokens = correspondence(stages[0], stages[1])
    assert tokens.by == "ids"
    assert (tokens.ids[:, 0] == tokens.ids[:, 1]).all()
    assert tokens.actions.sum() == 40


def test_another_vocabulary_is_matched_by_texts_that_occur_once(make_stage) -> None:
    one = make_stage("one", [[0, 1]], (" up", " down", "x", "x"))
    other = make_stage("two", [[0, 1]], ("x", "[action: +1]", " down", "new"), actions=[1])
    tokens = correspondence(one, other)
    assert tokens.by == "texts"
    assert tokens.ids.tolist() == [[1, 2], [-1, 1]]
    assert tokens.actions.tolist() == [False, True]


def test_vocabularies_with_nothing_in_common_are_refused(make_stage) -> None:
    one = make_stage("one", [[0, 1]], ("a", "b"))
    other = make_stage("two", [[0, 1]], ("c", "d"), actions=[1])
    with pytest.raises(FindingsError, match="one and two have no token in common"):
        correspondence(one, other)


def test_action_tokens_raised_by_tuning_are_the_extremes(stages: list[Stage]) -> None:
    change = token_change(stages[0], stages[2], top=30)
    raised = np.argsort(-change.z)[:20]
    assert sorted(change.tokens.ids[raised, 1]) == list(range(160, 180))
    assert change.raised > 0.9
    assert change.lowered == 0
    assert abs(change.z.mean()) < 1e-9
    assert change.z.std() == pytest.approx(1)


def test_a_base_is_asked_for_the_ids_that_become_actions(stages: list[Stage]) -> None:
    found = compare(stages)
    by_hand = [(stage.table.promoted.ids >= 160).reshape(3, -1).mean(axis=1) for stage in stages]
    for share, expected in zip(found.actions, by_hand, strict=True):
        np.testing.assert_allclose(share.by_layer, expected)
    base, vla, tuned = (share.by_layer.mean() for share in found.actions)
    assert base < vla < tuned


def test_the_band_near_zero_is_seen(stages: list[Stage]) -> None:
    base, _, tuned = compare(stages).counts
    assert near_zero(base.counts) == 0
    assert near_zero(tuned.counts) == 0  # half of the bins fall, yet not to a tenth of the mean
    assert near_zero(np.where(np.arange(40) < 20, tuned.counts, 0)) == 0.5


def test_random_directions_are_measured_beside_neurons(make_stage, stages: list[Stage]) -> None:
    last = stages[2]
    control = Stage(name="vla", table=last.table, random=stages[1].table)
    found = compare([stages[0], control])
    assert found.actions[1].random == pytest.approx(action_share(
        stages[1], stages[1].actions, top=30).by_layer.mean())  # fmt: skip
    assert found.counts[1].random is not None
    np.testing.assert_allclose(
        found.counts[1].random, token_counts(stages[1].table, 30)[stages[1].actions]
    )
    assert "random directions" in found.lines()[1]


def test_fewer_tokens_are_looked_at_where_a_table_is_shorter(make_stage, stages) -> None:
    short = make_stage(
        "short", stages[1].table.promoted.ids[:, :9], stages[1].table.texts,
        layers=3, actions=range(160, 200),
    )  # fmt: skip
    assert compare([stages[0], short]).top == 9


@pytest.mark.parametrize("order", [[0], [0, 0], [2, 1, 0], [0, 1, 2, 1]])
def test_what_is_no_way_from_language_to_action_is_refused(
    stages: list[Stage], order: list[int]
) -> None:
    with pytest.raises(FindingsError):
        compare([stages[i] for i in order])


def test_the_numbers_are_plain_json(stages: list[Stage]) -> None:
    found = compare(stages)
    numbers = json.loads(json.dumps(found.to_json()))
    assert numbers["models"] == ["base", "vla", "tuned"]
    assert len(numbers["token_change"]) == 2
    assert len(found.lines()) == 3 + 3 + 2


def test_the_fourth_figure_is_sorted_by_the_base_where_it_can_be(make_stage, stages) -> None:
    order, label = count_order(compare(stages))
    counts = compare(stages).counts[0].counts[order]
    assert (np.diff(counts) <= 0).all()
    assert "base" in label
    alone = make_stage("base", [[0, 1]], (*stages[1].table.texts[:50], "x", "y"))
    order, label = count_order(compare([alone, stages[1]]))
    assert order.tolist() == list(range(40))
    assert label == "action tokens, by id"


def test_models_of_unequal_depth_share_an_axis(make_stage, stages: list[Stage]) -> None:
    flat = make_stage("flat", stages[0].table.promoted.ids, stages[0].table.texts, layers=6)
    found = compare([flat, stages[1]])
    assert found.depth(np.zeros(3)).tolist() == [0, 0.5, 1]
    assert found.depth_label.startswith("depth")
    assert compare(stages).depth_label == "layer"


def test_four_pictures_are_drawn(stages: list[Stage], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    drawn = draw_figures(tmp_path, compare(stages))
    names = ["action_counts", "action_share", "meaningful_share", "token_change"]
    assert sorted(drawn) == names
    assert sorted(path.stem for path in tmp_path.iterdir()) == names
    for path in drawn.values():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < 120_000
