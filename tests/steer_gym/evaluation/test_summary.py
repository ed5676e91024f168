"""Tables come from rows: crashes left out, differences within pairs alone."""

from __future__ import annotations

import math
from typing import Any

import pytest

from steer_gym.evaluation import compare, summarise
from steer_gym.evaluation.summary import MEASURES, paired
from steer_gym.evaluation.table import COLUMNS, report


def row(condition: str, init_state: int, speed: float | None, **changed: Any) -> dict[str, Any]:
    measures = dict.fromkeys(MEASURES, 1.0) | {"speed_m_s": speed}
    place = {"condition": condition, "task": 0, "init_state": init_state}
    return {**place, "success": True, "error": None, **measures, **changed}


ROWS = [
    *(row("plain", i, 0.1 + i) for i in range(4)),
    *(row("fast", i, 0.3 + i, success=i > 1) for i in range(3)),
    row("fast", 3, None, success=None, error="it broke"),
    row("fast", 9, 100.0),
]


def test_crashes_are_counted_and_left_out() -> None:
    plain, fast = summarise(ROWS)
    assert (plain.condition, plain.crashed, plain.success.value) == ("plain", 0, 1.0)
    assert (fast.condition, fast.crashed, fast.success.count) == ("fast", 1, 4)
    assert fast.success.value == 0.5
    assert plain.means["speed_m_s"].value == pytest.approx(1.6)


def test_a_difference_is_taken_within_pairs() -> None:
    """The places differ by metres a second, the conditions by 0.2 in every one of them."""
    comparison = compare(ROWS, "fast", "plain")
    speed = comparison.differences["speed_m_s"]
    assert speed.count == 3
    assert (speed.value, speed.low, speed.high) == pytest.approx((0.2, 0.2, 0.2))
    assert comparison.success.value == pytest.approx(-2 / 3)
    assert [a["init_state"] for a, _ in paired(ROWS, "fast", "plain")] == [0, 1, 2]


def test_a_comparison_with_itself_is_zero_and_its_mirror_negative() -> None:
    same = compare(ROWS, "plain", "plain").differences["speed_m_s"]
    assert (same.value, same.low, same.high) == (0, 0, 0)
    mirror = compare(ROWS, "plain", "fast").differences["speed_m_s"]
    assert mirror.value == pytest.approx(-0.2)


def test_what_nobody_has_measured_is_not_a_number() -> None:
    comparison = compare([row("a", 0, None), row("b", 0, 1.0)], "b", "a")
    assert math.isnan(comparison.differences["speed_m_s"].value)


def test_a_report_shows_means_intervals_and_paired_differences() -> None:
    text = report(ROWS)
    means, differences = text.split("\n\n")
    assert "4 + 1 crashed" in means
    assert "100 [51, 100]" in means
    assert "Difference to plain, paired over task and initial state" in differences
    assert "+0.200 [+0.200, +0.200]" in differences
    assert all(column.title in means for column in COLUMNS)


def test_a_report_of_nothing_and_of_one_episode() -> None:
    assert report([]) == "No episode has ended."
    alone = report([row("plain", 0, 0.25)])
    assert "0.250 " in alone
    assert "inf" not in alone
    assert "Difference" not in alone


def test_differences_are_to_what_the_rows_call_the_baseline() -> None:
    """A plan may list a steered condition first."""
    rows = [each | {"baseline": "plain"} for each in [*ROWS[4:], *ROWS[:4]]]
    text = report(rows)
    assert "Difference to plain, paired" in text
    (line,) = [line for line in text.partition("Difference")[2].splitlines() if "fast" in line]
    assert "+0.200" in line
    early = report([each for each in rows if each["condition"] == "fast"])
    assert "No episode of plain has been run, so there are no differences to it." in early
