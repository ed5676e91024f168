"""Pocket ships with the package, so its table is made here for real."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steer_gym.neurons.findings.presets import PRESETS
from steer_gym.neurons.findings.stage import FindingsError, Stage
from steer_gym.neurons.findings.tables import RANDOM, in_words, open_stages, random_source
from steer_gym.neurons.reading import read_table
from steer_gym.neurons.table import NeuronTable, TableError
from steer_gym.neurons.tokens import vocabulary

pytest.importorskip("torch")

from steer_gym.neurons.sources import open_source

POCKET = PRESETS["pocket"][1]


def pocket(folder: Path, k: int) -> Stage:
    (stage,) = open_stages([POCKET], folder, k=k)
    return stage


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with Pocket's tables, five tokens long."""
    folder = tmp_path_factory.mktemp("tables")
    pocket(folder, k=5)
    return folder


def test_a_checkpoint_comes_with_a_control_of_random_directions(made: Path) -> None:
    stage = pocket(made, k=5)
    assert stage.random is not None
    assert stage.random.space.size == RANDOM
    assert stage.random.texts == stage.table.texts
    np.testing.assert_array_equal(stage.random.kinds, stage.table.kinds)


def test_tables_are_kept_and_made_anew_only_when_too_short(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made, folder)
    kept = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    pocket(folder, k=4)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == kept
    assert pocket(folder, k=6).table.recipe.k == 6


def test_a_table_of_other_weights_is_made_anew(made: Path, tmp_path: Path) -> None:
    table = NeuronTable.load(made / "Pocket.safetensors")
    other = replace(table, space=replace(table.space, fingerprint="other"))
    other.save(tmp_path / "Pocket.safetensors")
    assert pocket(tmp_path, k=5).table.space == table.space


def test_a_table_made_otherwise_is_made_anew(made: Path, tmp_path: Path) -> None:
    table = NeuronTable.load(made / "Pocket.safetensors")
    normed = replace(table, recipe=replace(table.recipe, projection="norm"))
    normed.save(tmp_path / "Pocket.safetensors")
    assert pocket(tmp_path, k=5).table.recipe.projection == "raw"


def test_a_tables_file_is_taken_as_it_is(made: Path, tmp_path: Path) -> None:
    given = replace(POCKET, checkpoint=str(made / "Pocket.safetensors"))
    stage = open_stages([given], tmp_path, k=5)[0]
    assert stage.random is None
    assert not list(tmp_path.iterdir())


def test_a_damaged_table_is_no_checkpoint_of_another_kind(made: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "table.safetensors"
    damaged.write_bytes((made / "Pocket.safetensors").read_bytes()[:5000])
    with pytest.raises(TableError, match=r"table\.safetensors is no table of neurons \("):
        open_stages([replace(POCKET, checkpoint=str(damaged), kind=None)], tmp_path, k=5)


def test_random_directions_follow_from_their_seed_alone() -> None:
    source = open_source("pocket")
    one, again, other = (
        read_table(random_source(source, 8, seed), k=3).promoted.ids for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_in_fewer_words_a_neuron_says_its_best_of_those_left(made: Path) -> None:
    whole = NeuronTable.load(made / "Pocket.safetensors")
    left = [text for token, text in enumerate(whole.texts) if token % 3 == 0 or token > 3000]
    words = vocabulary(len(left), left.__getitem__)
    fewer = read_table(in_words(open_source("pocket"), words), k=5)
    assert set(fewer.texts) == set(left)
    assert fewer.space.fingerprint != whole.space.fingerprint
    known, agreeing = set(left), 0
    for neuron in range(0, whole.space.size, 500):
        best = [text for text in whole.words(neuron) if text in known]
        assert fewer.words(neuron, len(best)) == best
        agreeing += len(best)
    assert agreeing > 10


def test_a_table_cannot_be_read_in_other_words_any_more(made: Path, tmp_path: Path) -> None:
    given = replace(POCKET, checkpoint=str(made / "Pocket.safetensors"))
    with pytest.raises(FindingsError, match="is a table, made with all words of Pocket"):
        open_stages([given, POCKET], made, same_words=True, k=5)


def test_words_that_a_model_has_not_are_refused() -> None:
    words = vocabulary(1, lambda token: "no such token")
    with pytest.raises(FindingsError, match="pocket shares no token"):
        in_words(open_source("pocket"), words)
