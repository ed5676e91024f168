"""Intervals hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steer_gym.statistics import bootstrap_mean, wilson


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


def test_a_bootstrap_follows_shift_and_scale() -> None:
    values = np.random.default_rng(1).normal(size=30)
    one, moved = bootstrap_mean(values), bootstrap_mean(5 - 2 * values)
    assert moved.value == pytest.approx(5 - 2 * one.value)
    assert (moved.low, moved.high) == pytest.approx((5 - 2 * one.high, 5 - 2 * one.low), rel=1e-2)
    assert bootstrap_mean(values) == one


def test_a_bootstrap_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    estimates = [bootstrap_mean(rng.normal(size=25), seed=i) for i in range(150)]
    covered = np.mean([estimate.low <= 0 <= estimate.high for estimate in estimates])
    assert 0.88 <= covered <= 0.99
    assert np.mean([estimate.excludes_zero for estimate in estimates]) == pytest.approx(1 - covered)


def test_a_bootstrap_of_little_admits_it() -> None:
    assert bootstrap_mean([2.0, 2.0, 2.0]).low == 2.0
    one = bootstrap_mean([3.0])
    assert (one.value, one.low, one.high) == (3.0, -math.inf, math.inf)
    assert not one.excludes_zero
    assert math.isnan(bootstrap_mean([]).value)
