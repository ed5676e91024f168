"""Pocket's neurons are the same, loaded or read from the files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from steer_gym.neurons.reading import read_table
from steer_gym.neurons.sources import open_source
from steer_gym.neurons.tokens import TokenKind


def test_the_files_alone_say_what_the_loaded_policy_says(pocket: Any, checkpoint: Path) -> None:
    loaded = read_table(pocket.neuron_source(), k=5)
    files = read_table(open_source(str(checkpoint)), k=5)
    assert loaded.space == files.space == pocket.spec.neurons
    assert loaded.texts == files.texts
    assert np.array_equal(loaded.kinds, files.kinds)
    assert np.array_equal(loaded.promoted.ids, files.promoted.ids)
    assert np.allclose(loaded.suppressed.scores, files.suppressed.scores, atol=1e-6)


def test_through_the_norm_each_dimension_counts_by_its_gain(pocket: Any) -> None:
    source = pocket.neuron_source()
    table = read_table(source, k=3, projection="norm")
    gain = pocket.model.llama.model.norm.weight
    rows = source.rows() * gain
    best = (next(iter(source.values()))[0] @ rows.T).topk(3).indices
    assert table.promoted.ids[0].tolist() == best.tolist()


def test_the_shipped_pocket_tells_values_of_its_action_tokens() -> None:
    vocabulary = open_source("pocket").vocabulary()
    assert (vocabulary.kinds == TokenKind.ACTION).sum() == 256
    assert vocabulary.texts[-1] == "[action: -0.996]"
    assert vocabulary.texts[-256] == "[action: +0.996]"
