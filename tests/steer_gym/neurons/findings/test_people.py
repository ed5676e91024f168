from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from steer_gym.neurons.findings.people import kappa, read_people
from steer_gym.neurons.findings.sheet import CSV, HEAD, KEY, PAGE, write_sheet
from steer_gym.neurons.findings.stage import FindingsError, Stage


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def fill(folder: Path, answers: dict[str, str]) -> Path:
    written = rows(folder / CSV)
    with (folder / CSV).open("w", newline="") as file:
        writer = csv.DictWriter(file, HEAD)
        writer.writeheader()
        writer.writerows({**row, "pattern": answers.get(row["id"], "")} for row in written)
    return folder / CSV


@pytest.fixture
def sheet(stages: list[Stage], tmp_path: Path) -> Path:
    write_sheet(tmp_path, stages, per_layer=4)
    return tmp_path


def test_the_sheet_draws_alike_from_every_layer_of_every_model(
    stages: list[Stage], sheet: Path
) -> None:
    key = json.loads((sheet / KEY).read_text())["neurons"]
    assert len(rows(sheet / CSV)) == len(key) == 3 * 3 * 4
    for stage in stages:
        layers = [e["neuron"] // 20 for e in key.values() if e["model"] == stage.name]
        assert np.bincount(layers).tolist() == [4, 4, 4]


def test_the_sheet_names_no_model_and_no_layer(stages: list[Stage], sheet: Path) -> None:
    for file in (CSV, PAGE):
        text = (sheet / file).read_text()
        assert not any(f'"{stage.name}"' in text for stage in stages)
    assert {len(row["tokens"].split(" | ")) for row in rows(sheet / CSV)} == {30}


def test_models_are_mixed_on_the_sheet(sheet: Path) -> None:
    key = json.loads((sheet / KEY).read_text())["neurons"]
    models = [key[row["id"]]["model"] for row in rows(sheet / CSV)]
    changes = sum(a != b for a, b in pairwise(models))
    assert changes > 10


def test_answers_come_back_by_layer(stages: list[Stage], sheet: Path) -> None:
    key = json.loads((sheet / KEY).read_text())["neurons"]
    said = {
        name: "Yes" if entry["neuron"] // 20 == 2 else "no"
        for name, entry in key.items()
        if entry["model"] != "base" and entry["neuron"] // 20 > 0
    }
    people = read_people(fill(sheet, said), stages)
    assert people.labelled == 2 * 2 * 4
    assert np.isnan(people.by_layer[0]).all()
    for share in people.by_layer[1:]:
        np.testing.assert_array_equal(share, [np.nan, 0, 1])
    assert json.loads(json.dumps(people.to_json()))["by_layer"][1] == [None, 0.0, 1.0]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, "labels no neuron; write yes or no"),
        ({"n0001": "perhaps"}, "the pattern of n0001 is 'perhaps', not yes, no or empty"),
    ],
)
def test_a_sheet_without_clear_answers_is_refused(
    stages: list[Stage], sheet: Path, answers: dict[str, str], message: str
) -> None:
    with pytest.raises(FindingsError, match=message):
        read_people(fill(sheet, answers), stages)


def test_a_key_of_other_weights_is_refused(make_stage, stages: list[Stage], sheet: Path) -> None:
    path = fill(sheet, {"n0001": "yes"})
    key = json.loads((sheet / KEY).read_text())
    key["weights"]["vla"] = "older"
    (sheet / KEY).write_text(json.dumps(key))
    with pytest.raises(FindingsError, match="vla has weights older"):
        read_people(path, stages)


def test_a_sheet_that_people_may_have_filled_in_is_never_written_over(
    stages: list[Stage], sheet: Path
) -> None:
    filled = fill(sheet, {"n0001": "yes"}).read_bytes()
    with pytest.raises(FindingsError, match="maybe filled in; choose another --out"):
        write_sheet(sheet, stages, per_layer=1)
    assert (sheet / CSV).read_bytes() == filled
    (sheet / CSV).rename(sheet / "taken.csv")
    with pytest.raises(FindingsError, match=KEY):
        write_sheet(sheet, stages, per_layer=1)


def test_a_sheet_among_the_downloads_finds_its_key_where_it_was_written(
    stages: list[Stage], sheet: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    saved = tmp_path_factory.mktemp("downloads") / "labels (1).csv"
    fill(sheet, {"n0001": "yes"}).rename(saved)
    assert read_people(saved, stages, sheet).labelled == 1
    with pytest.raises(FindingsError, match="Give as --out the folder that --sheet wrote to"):
        read_people(saved, stages)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n"])
def test_another_file_is_no_sheet(stages: list[Stage], sheet: Path, content: str) -> None:
    (sheet / CSV).write_text(content)
    with pytest.raises(FindingsError):
        read_people(sheet / CSV, stages)


def test_kappa_is_one_in_agreement_and_nought_by_chance() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random(20000) < 0.3, rng.random(20000) < 0.6
    assert kappa(one, one) == 1
    assert abs(kappa(one, other)) < 0.02
    assert kappa(one, ~one) < 0
    assert np.isnan(kappa(np.ones(3, bool), np.ones(3, bool)))
