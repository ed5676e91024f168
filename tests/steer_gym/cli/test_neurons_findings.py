from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from steer_gym.cli.neurons_findings import configure
from steer_gym.cli.parser import Parser
from steer_gym.errors import SteerGymError
from steer_gym.neuron_set import NeuronSpace
from steer_gym.neurons.findings.stage import FindingsError
from steer_gym.neurons.projection import TopTokens
from steer_gym.neurons.table import NeuronTable, Recipe

pytest.importorskip("matplotlib")


def save(path: Path, seed: int, actions: int) -> Path:
    ids = np.random.default_rng(seed).integers(0, 50, (20, 8)).astype(np.int32)
    scores = np.ones(ids.shape, np.float32)
    kinds = np.zeros(50, np.uint8)
    kinds[50 - actions :] = 1
    NeuronTable(
        space=NeuronSpace(layers=2, width=10, fingerprint=path.stem),
        promoted=TopTokens(ids=ids, scores=scores),
        suppressed=TopTokens(ids=ids, scores=-scores),
        texts=tuple(f" word{number}" for number in range(50)),
        kinds=kinds,
        recipe=Recipe(model=path.stem, projection="raw", k=8, dtype="float32"),
    ).save(path)
    return path


@pytest.fixture
def tables(tmp_path: Path) -> list[Path]:
    return [save(tmp_path / f"{n}.safetensors", i, 10 * i) for i, n in enumerate(("base", "vla"))]


def findings(*arguments: str | Path) -> int:
    parser = Parser(prog="steer-gym neurons findings")
    configure(parser)
    options = parser.parse_args([str(argument) for argument in arguments])
    code: int = options.run(options)
    return code


def test_two_tables_give_four_pictures_and_their_numbers(
    tables: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert findings(*tables, "--names", "Base, Acting", "--out", out) == 0
    assert len(list(out.glob("*.png"))) == 4
    assert json.loads((out / "findings.json").read_text())["models"] == ["Base", "Acting"]
    said = capsys.readouterr().out
    assert "Base → Acting: 50 tokens matched by ids" in said
    assert all(str(path) in said for path in out.glob("*.png"))


def test_a_sheet_goes_out_and_comes_back(
    tables: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings(*tables, "--out", tmp_path, "--sheet", "2")
    with (tmp_path / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 2
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "pattern": "no"} for row in rows)
    findings(*tables, "--out", tmp_path, "--labels", tmp_path / "labels.csv")
    assert "People labelled 8 neurons" in capsys.readouterr().out
    numbers = json.loads((tmp_path / "findings.json").read_text())
    assert numbers["people"]["by_layer"] == [[0, 0], [0, 0]]


def test_the_vla_must_come_last(tables: list[Path], tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match="base has no action tokens; give the VLA last"):
        findings(*reversed(tables), "--out", tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.png"))


def test_a_model_that_is_nowhere_is_named(tables: list[Path], tmp_path: Path) -> None:
    with pytest.raises(SteerGymError, match="There is no 'nowhere'"):
        findings(tables[0], "nowhere", "--out", tmp_path)
