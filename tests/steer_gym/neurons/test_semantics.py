"""Neurons lie where their tokens lie, and neighbours and clusters follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from steer_gym import NeuronSpace  # noqa: E402
from steer_gym.neurons.clusters import cluster, described  # noqa: E402
from steer_gym.neurons.projection import TopTokens  # noqa: E402
from steer_gym.neurons.semantics import SemanticSpace  # noqa: E402
from steer_gym.neurons.source import SourceError  # noqa: E402
from steer_gym.neurons.table import NeuronTable, Recipe  # noqa: E402
from steer_gym.neurons.tokens import vocabulary  # noqa: E402
from steer_gym.neurons.words import theme_of  # noqa: E402

THEMES, EACH = ("fast", "milk", "up", "red"), 15
"""Each theme has five tokens near each other; neurons say the tokens of one theme."""


@pytest.fixture
def world() -> tuple[NeuronTable, Any]:
    rng = np.random.default_rng(0)
    rows = torch.tensor(np.repeat(np.eye(12)[:4], 5, axis=0) + rng.normal(size=(20, 12)) * 0.05)
    ids = np.concatenate([rng.permuted(np.tile(np.arange(5), (EACH, 1)), axis=1) + 5 * t
                          for t in range(4)]).astype(np.int32)  # fmt: skip
    scores = -np.sort(-rng.uniform(0, 2, ids.shape), axis=1).astype(np.float32)
    tops = TopTokens(ids=ids, scores=scores)
    words = vocabulary(20, lambda token: f" {THEMES[token // 5]}", actions=range(15, 20))
    table = NeuronTable(
        space=NeuronSpace(layers=4, width=EACH, fingerprint="abc"),
        promoted=tops,
        suppressed=tops,
        texts=words.texts,
        kinds=words.kinds,
        recipe=Recipe(model="tiny", projection="raw", k=5, dtype="float32"),
    )
    return table, rows


def test_a_neuron_is_the_softmax_weighted_mean_of_its_tokens(world: Any) -> None:
    table, rows = world
    weights = torch.softmax(torch.tensor(table.promoted.scores[7]), 0).double()
    mean = (rows[table.promoted.ids[7]] * weights[:, None]).sum(0)
    expected = (mean / mean.norm()).numpy()
    ours = SemanticSpace(table, rows).embed(np.array([7]))[0]
    assert np.allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize("k", [10, 15])
def test_nearest_are_those_of_like_meaning_the_seed_first(world: Any, k: int) -> None:
    table, rows = world
    space = SemanticSpace(table, rows)
    seed = 20
    near = space.nearest(space.of_neurons([seed]), k)
    assert near[0][0] == seed
    assert near[0][1] == pytest.approx(1.0, abs=1e-6)
    assert all(15 <= neuron < 30 for neuron, _ in near)
    cosines = [cosine for _, cosine in near]
    assert cosines == sorted(cosines, reverse=True)


def test_a_word_finds_its_neurons_in_the_region_alone(world: Any) -> None:
    table, rows = world
    space = SemanticSpace(table, rows)
    up = space.of_theme(theme_of(["up"]))
    assert all(30 <= neuron < 45 for neuron, _ in space.nearest(up, 10, "late"))
    assert all(neuron < 30 for neuron, _ in space.nearest(up, 10, "early"))
    with pytest.raises(SourceError, match="No token of the model is one of"):
        space.of_theme(theme_of(["blue"]))


@pytest.mark.parametrize("method", ["kmeans", "density"])
def test_clusters_are_the_themes(world: Any, method: Any) -> None:
    pytest.importorskip("sklearn", reason="needs the extra 'bench'")
    table, rows = world
    labels = cluster(SemanticSpace(table, rows), method, count=4, least=5)
    found = described(table, labels)
    for each in found:
        assert each.purity == 1.0
        assert each.word in THEMES
        assert each.actions == float(each.word == "red")
        assert len({neuron // EACH for neuron in each.neurons}) == 1
    assert {each.word for each in found} == set(THEMES)


def test_vectors_of_another_vocabulary_are_refused(world: Any) -> None:
    table, rows = world
    with pytest.raises(SourceError, match="The table has 20 tokens, but the unembedding 19 rows"):
        SemanticSpace(replace(table), rows[:19])
