"""A table of neurons comes back as it was written, and only to the model that it was made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steer_gym import NeuronSpace
from steer_gym.neurons import table as module
from steer_gym.neurons.activations import Activations
from steer_gym.neurons.projection import TopTokens
from steer_gym.neurons.table import NeuronTable, Recipe, TableError
from steer_gym.neurons.tokens import TokenKind, vocabulary

pytest.importorskip("safetensors", reason="needs the extra 'torch'")

SPACE = NeuronSpace(layers=2, width=3, fingerprint="abc")
WORDS = (" fast", "é", "", "\udc80", "[action: +0.996]")


@pytest.fixture
def table() -> NeuronTable:
    rng = np.random.default_rng(0)

    def tops() -> TopTokens:
        ids = rng.integers(0, 5, (6, 2)).astype(np.int32)
        return TopTokens(ids=ids, scores=rng.normal(size=(6, 2)).astype(np.float32))

    words = vocabulary(5, WORDS.__getitem__, special=[2], actions=[4], unused=[])
    return NeuronTable(
        space=SPACE,
        promoted=tops(),
        suppressed=tops(),
        texts=words.texts,
        kinds=words.kinds,
        recipe=Recipe(model="tiny", projection="raw", k=2, dtype="float32"),
    )


def fired() -> Activations:
    rng = np.random.default_rng(1)
    return Activations(
        levels=(0.0, 1.0),
        quantiles=np.sort(rng.normal(size=(6, 2)), axis=1).astype(np.float32),
        mean=np.zeros(6, np.float32),
        spread=np.ones(6, np.float32),
        tokens=9,
        source="nine tokens",
    )


@pytest.mark.parametrize("activations", [None, fired()])
def test_a_table_comes_back(
    table: NeuronTable, activations: Activations | None, tmp_path: Path
) -> None:
    norms = None if activations is None else np.arange(6, dtype=np.float32)
    written = replace(table, activations=activations, norms=norms)
    written.save(tmp_path / "t.safetensors")
    read = NeuronTable.load(tmp_path / "t.safetensors", SPACE)
    assert (read.space, read.recipe, read.texts) == (written.space, written.recipe, written.texts)
    assert np.array_equal(read.kinds, written.kinds)
    for end in ("promoted", "suppressed"):
        for part in ("ids", "scores"):
            ours, theirs = (getattr(getattr(t, end), part) for t in (read, written))
            assert ours.dtype == theirs.dtype
            assert np.array_equal(ours, theirs)
    assert (read.norms is None) == (norms is None)
    assert (read.activations is None) == (activations is None)
    if read.activations is not None and activations is not None:
        assert read.activations.levels == (0.0, 1.0)
        assert np.array_equal(read.activations.quantiles, activations.quantiles)


def test_a_table_of_other_weights_is_refused(table: NeuronTable, tmp_path: Path) -> None:
    table.save(tmp_path / "t.safetensors")
    with pytest.raises(TableError, match=r"2 x 3 neurons of abc, but the model is 2 x 3 .* of xyz"):
        NeuronTable.load(tmp_path / "t.safetensors", replace(SPACE, fingerprint="xyz"))


def test_a_table_of_another_format_is_refused(
    table: NeuronTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as former:
        former.setattr(module, "FORMAT", "0")
        table.save(tmp_path / "t.safetensors")
    with pytest.raises(TableError, match=r"has format 0; this steer_gym reads 1\. Make it anew"):
        NeuronTable.load(tmp_path / "t.safetensors")


def test_what_is_no_table_is_named(table: NeuronTable, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    with pytest.raises(TableError, match="There is no"):
        NeuronTable.load(tmp_path / "missing")
    save_file({"x": np.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(TableError, match="a safetensors file, but no table of neurons"):
        NeuronTable.load(tmp_path / "other.safetensors")
    table.save(tmp_path / "t.safetensors")
    cut = (tmp_path / "t.safetensors").read_bytes()[:-8]
    (tmp_path / "cut.safetensors").write_bytes(cut)
    with pytest.raises(TableError, match="is no table of neurons"):
        NeuronTable.load(tmp_path / "cut.safetensors")


def test_parts_that_do_not_fit_are_refused(table: NeuronTable) -> None:
    with pytest.raises(TableError, match=r"promoted must be \(6, 3\) \(neurons, k\)"):
        replace(table, recipe=replace(table.recipe, k=3))
    with pytest.raises(TableError, match="4 texts, but kinds of shape"):
        replace(table, texts=WORDS[:4])


def test_words_are_those_of_the_promoted_tokens(table: NeuronTable) -> None:
    tops = replace(table.promoted, ids=np.array([[4, 0]] * 6, np.int32))
    told = replace(table, promoted=tops)
    assert told.words(3) == ["[action: +0.996]", " fast"]
    assert told.words(3, 1) == ["[action: +0.996]"]
    assert told.kinds[2] == TokenKind.SPECIAL
