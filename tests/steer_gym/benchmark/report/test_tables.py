"""Tables show what the episodes have, and compare what the baseline has too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steer_gym.benchmark.report.study import Study
from steer_gym.benchmark.report.table import Table
from steer_gym.benchmark.report.tables import differences, means

MakeStudy = Callable[..., Study]
SIZES = {"steering_size": 0.62, "greatest_steering_size": 1.86}


def low(**further: Any) -> dict[str, Any]:
    return {"condition": "low", "kind": "steered", "concept": "low", **further}


def titles(table: Table) -> list[str]:
    return [title for title, _ in table.head]


def test_the_size_of_a_steering_stands_beside_saturation_and_has_no_difference(
    make_study: MakeStudy,
) -> None:
    study = make_study([low(sizes=SIZES)])
    table = means(study)
    at = titles(table).index("saturated")
    assert titles(table)[at : at + 3] == ["saturated", "size of steering", "greatest size"]
    cells = {line.name: line.cells[at + 1 : at + 3] for line in table.lines}
    assert cells["unsteered"] == ("-", "-")
    assert [cell.partition(" ")[0] for cell in cells["low"]] == ["0.62", "1.86"]
    assert "saturated" in titles(differences(study))
    assert "size of steering" not in titles(differences(study))


def test_rows_from_before_sizes_were_measured_have_no_such_column(make_study: MakeStudy) -> None:
    study = make_study([low()])
    for row in study.rows:
        for name in SIZES:
            del row[name]
    assert "size of steering" not in titles(means(study))
    assert titles(means(study))[-1] == "length"
