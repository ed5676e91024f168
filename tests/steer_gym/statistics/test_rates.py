"""Intervals for rates hold what they promise."""

from __future__ import annotations

import math

import pytest

from steer_gym.statistics import wilson


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_wilson_gives_published_numbers(
    successes: int, count: int, low: float, high: float
) -> None:
    """The last row is Newcombe's example (Statistics in Medicine 17, 1998)."""
    estimate = wilson(successes, count)
    assert estimate.value == successes / count
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_symmetric_and_holds_the_rate() -> None:
    for successes in range(8):
        one, other = wilson(successes, 7), wilson(7 - successes, 7)
        assert one.low == pytest.approx(1 - other.high)
        assert 0 <= one.low <= one.value <= one.high <= 1


def test_nothing_tried_says_nothing() -> None:
    nothing = wilson(0, 0)
    assert math.isnan(nothing.value)
    assert (nothing.low, nothing.high, nothing.count) == (0.0, 1.0, 0)
    with pytest.raises(ValueError, match=r"from 0 to count \(3\), but are 4"):
        wilson(4, 3)
