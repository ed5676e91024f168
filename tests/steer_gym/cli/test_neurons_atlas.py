from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from steer_gym.cli.neurons_atlas import configure
from steer_gym.cli.parser import Parser, UsageError
from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.neurons.projection import TopTokens
from steer_gym.neurons.table import NeuronTable, Recipe


@pytest.fixture
def table(tmp_path: Path) -> Path:
    ids = np.array([[0, 1], [1, 0]], np.int32)
    scores = np.array([[2, 1], [3, 1]], np.float32)
    NeuronTable(
        space=NeuronSpace(layers=1, width=2, fingerprint="tiny"),
        promoted=TopTokens(ids=ids, scores=scores),
        suppressed=TopTokens(ids=ids[::-1], scores=-scores),
        texts=(" up", " down"),
        kinds=np.zeros(2, np.uint8),
        recipe=Recipe(model="tiny model", projection="raw", k=2, dtype="float32"),
    ).save(tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def atlas(*arguments: str | Path) -> int:
    parser = Parser(prog="steer-gym neurons atlas")
    configure(parser)
    options = parser.parse_args([str(argument) for argument in arguments])
    code: int = options.run(options)
    return code


def test_the_page_lands_beside_the_table_under_the_models_name(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert atlas(table) == 0
    page = table.with_suffix(".html")
    assert "<h1>tiny model</h1>" in page.read_text()
    assert str(page) in capsys.readouterr().out


@pytest.mark.parametrize("bare", [True, False])
def test_a_set_is_offered_by_its_name_or_its_files(table: Path, tmp_path: Path, bare: bool) -> None:
    neurons = NeuronSet.from_flat([1]).to_json()
    (tmp_path / "rising.json").write_text(json.dumps(neurons if bare else {"neurons": neurons}))
    atlas(table, "--set", tmp_path / "rising.json", "--out", tmp_path / "page.html")
    assert "rising (neurons)" in (tmp_path / "page.html").read_text()


def test_a_set_of_another_model_is_refused(table: Path, tmp_path: Path) -> None:
    foreign = NeuronSet.from_flat([1], fingerprint="other")
    (tmp_path / "foreign.json").write_text(json.dumps(foreign.to_json()))
    with pytest.raises(SteeringError, match="found in model other"):
        atlas(table, "--set", tmp_path / "foreign.json")
    assert not table.with_suffix(".html").exists()


@pytest.mark.parametrize("content", ["no JSON", "[1]", '{"surprise": 1}'])
def test_a_file_that_holds_no_set_is_named(table: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(UsageError, match=r"Cannot read the neurons in .*odd\.json"):
        atlas(table, "--set", tmp_path / "odd.json")
