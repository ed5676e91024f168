"""Intervals for means hold what they promise, also where tasks differ."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steer_gym.statistics import bootstrap_mean, student_mean
from steer_gym.statistics.student import t_probability, t_quantile


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


def tasks(rng: np.random.Generator, count: int, each: int, spread: float) -> np.ndarray:
    """Return differences around 0 that have something in common within a task."""
    return (rng.normal(0, spread, (count, 1)) + rng.normal(size=(count, each))).ravel()


def test_student_has_his_table() -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs the extra 'bench'")
    for freedom in (1, 2, 3, 4, 9, 10, 29, 129):
        for confidence in (0.5, 0.9, 0.95, 0.999):
            quantile = t_quantile(confidence, freedom)
            assert quantile == pytest.approx(stats.t.ppf(0.5 + confidence / 2, freedom), rel=1e-9)
            assert t_probability(quantile, freedom) == pytest.approx(confidence)
    assert t_quantile(0.95, 1) == pytest.approx(12.7062, abs=1e-4)


def test_pairs_that_stand_alone_give_the_paired_t_interval() -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs the extra 'bench'")
    values = np.random.default_rng(3).normal(0.3, 1, 12)
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    one = student_mean(values)
    assert (one.low, one.high) == pytest.approx((interval.low, interval.high))
    assert student_mean(values, ["one task"] * 12) == one
    assert student_mean(values, range(12)) == one


def test_several_tasks_give_the_interval_of_statsmodels() -> None:
    """As many pairs a task is a t test over tasks; else an OLS with errors clustered by task."""
    api = pytest.importorskip("statsmodels.api", reason="a test's own package")
    stats = pytest.importorskip("scipy.stats", reason="needs the extra 'bench'")
    rng = np.random.default_rng(4)
    values, names = tasks(rng, 5, 4, 1.0), np.repeat(np.arange(5), 4)
    balanced = student_mean(values, list(names))
    over_tasks = stats.ttest_1samp(values.reshape(5, 4).mean(1), 0).confidence_interval(0.95)
    assert (balanced.low, balanced.high) == pytest.approx((over_tasks.low, over_tasks.high))
    values, names = values[3:], names[3:]
    fit = api.OLS(values, np.ones(17)).fit(
        cov_type="cluster", cov_kwds={"groups": names}, use_t=True
    )
    unbalanced = student_mean(values, list(names))
    assert (unbalanced.low, unbalanced.high) == pytest.approx(tuple(fit.conf_int()[0]))
    assert unbalanced.value == pytest.approx(fit.params[0])


def test_several_tasks_give_the_error_of_a_mixed_model() -> None:
    mixed = pytest.importorskip("statsmodels.regression.mixed_linear_model", reason="tests only")
    values, names = tasks(np.random.default_rng(5), 8, 6, 1.0), np.repeat(np.arange(8), 6)
    fit = mixed.MixedLM(values, np.ones((48, 1)), names).fit()
    ours = student_mean(values, list(names))
    assert (ours.high - ours.value) / t_quantile(0.95, 7) == pytest.approx(fit.bse_fe[0], rel=1e-3)


@pytest.mark.parametrize(("count", "each"), [(2, 5), (4, 3), (10, 10)])
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_student_covers_the_mean_of_tasks_as_often_as_he_says(
    count: int, each: int, spread: float
) -> None:
    rng, names = np.random.default_rng(6), np.repeat(np.arange(count), each).tolist()
    estimates = [student_mean(tasks(rng, count, each, spread), names) for _ in range(400)]
    covered = np.mean([estimate.low <= 0 <= estimate.high for estimate in estimates])
    assert 0.92 <= covered <= 0.98


def test_pairs_taken_for_independent_would_claim_too_much_of_tasks() -> None:
    """It is why clusters are asked for; a bootstrap knows them too, but needs more of them."""
    rng, names = np.random.default_rng(7), np.repeat(np.arange(10), 10).tolist()
    samples = [tasks(rng, 10, 10, 1.0) for _ in range(120)]

    def covers(estimates: list) -> float:
        return float(np.mean([e.low <= 0 <= e.high for e in estimates]))

    assert covers([student_mean(values) for values in samples]) < 0.75
    assert covers([bootstrap_mean(values, names) for values in samples]) > 0.85


def test_clusters_belong_to_values() -> None:
    with pytest.raises(ValueError, match="3 values need as many clusters, but 2 came"):
        student_mean([1.0, 2.0, 3.0], ["a", "b"])
    assert math.isnan(student_mean([]).value)
    assert student_mean([2.0]).high == math.inf
    assert student_mean([2.0, 2.0]).low == 2.0
