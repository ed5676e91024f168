"""Pocket ships with the package, so its table is made here for real."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steer_gym.neurons.findings.presets import PRESETS
from steer_gym.neurons.findings.tables import RANDOM, open_stage, random_source
from steer_gym.neurons.reading import read_table
from steer_gym.neurons.table import NeuronTable

pytest.importorskip("torch")

from steer_gym.neurons.sources import open_source

POCKET = PRESETS["pocket"][1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with Pocket's tables, five tokens long."""
    folder = tmp_path_factory.mktemp("tables")
    open_stage(POCKET, folder, k=5)
    return folder


def test_a_checkpoint_comes_with_a_control_of_random_directions(made: Path) -> None:
    stage = open_stage(POCKET, made, k=5)
    assert stage.random is not None
    assert stage.random.space.size == RANDOM
    assert stage.random.texts == stage.table.texts
    np.testing.assert_array_equal(stage.random.kinds, stage.table.kinds)


def test_tables_are_kept_and_made_anew_only_when_too_short(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made, folder)
    kept = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    open_stage(POCKET, folder, k=4)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == kept
    assert open_stage(POCKET, folder, k=6).table.recipe.k == 6


def test_a_table_of_other_weights_is_made_anew(made: Path, tmp_path: Path) -> None:
    table = NeuronTable.load(made / "Pocket.safetensors")
    other = replace(table, space=replace(table.space, fingerprint="other"))
    other.save(tmp_path / "Pocket.safetensors")
    assert open_stage(POCKET, tmp_path, k=5).table.space == table.space


def test_a_tables_file_is_taken_as_it_is(made: Path, tmp_path: Path) -> None:
    given = replace(POCKET, checkpoint=str(made / "Pocket.safetensors"))
    stage = open_stage(given, tmp_path, k=5)
    assert stage.random is None
    assert not list(tmp_path.iterdir())


def test_random_directions_follow_from_their_seed_alone() -> None:
    source = open_source("pocket")
    one, again, other = (
        read_table(random_source(source, 8, seed), k=3).promoted.ids for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
