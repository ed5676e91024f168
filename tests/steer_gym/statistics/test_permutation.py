"""Flipping signs finds what is there, as often as it should and no oftener."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym.statistics import holm, sign_flips


def test_few_pairs_give_the_exact_p_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs the extra 'bench'")
    values = np.random.default_rng(0).normal(0.5, 1, 9)
    theirs = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flips(values[:, None]).p[0] == pytest.approx(theirs.pvalue)


def test_success_gives_the_p_of_mcnemar() -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs the extra 'bench'")
    values = np.array([-1] * 7 + [1] * 1 + [0] * 4)
    assert sign_flips(values[:, None]).p[0] == pytest.approx(stats.binomtest(1, 8).pvalue)


def test_many_pairs_are_drawn_and_agree_with_the_t_test() -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs the extra 'bench'")
    values = np.random.default_rng(1).normal(0.25, 1, (60, 1))
    flips = sign_flips(values)
    assert flips.p[0] == pytest.approx(stats.ttest_1samp(values[:, 0], 0).pvalue, abs=0.01)
    assert flips.p[0] == sign_flips(values).p[0]
    assert sign_flips(values + 5).p[0] == pytest.approx(1 / 20_001)


def test_p_knows_neither_sign_nor_scale() -> None:
    values = np.random.default_rng(2).normal(0.4, 1, (8, 3))
    one, other = sign_flips(values), sign_flips(-7 * values)
    assert one.p == pytest.approx(other.p)
    assert one.p_max_t == pytest.approx(other.p_max_t)
    assert (one.p_max_t >= one.p).all()


def test_what_has_no_pairs_has_no_p_and_changes_no_other() -> None:
    values = np.random.default_rng(3).normal(1, 1, (6, 1))
    wide = np.hstack([values, np.full((6, 1), np.nan), np.zeros((6, 1))])
    wide = np.vstack([wide, [np.nan] * 3])
    flips = sign_flips(wide)
    assert flips.p[0] == sign_flips(values).p[0]
    assert np.isnan([flips.p[1], flips.p_max_t[1]]).all()
    assert flips.p[2] == 1
    assert flips.smallest[0] == 2 / 2**6
    assert sign_flips(np.ones((6, 1))).p[0] == 2 / 2**6
    assert np.isnan(sign_flips(np.empty((0, 2))).p).all()


def test_nothing_is_found_as_rarely_as_promised() -> None:
    """Ten conditions share a baseline and have no effect; one row a study."""
    rng = np.random.default_rng(4)
    raw, corrected, stepwise = [], [], []
    for _ in range(300):
        baseline = rng.normal(size=(10, 1))
        flips = sign_flips(rng.normal(size=(10, 10)) - baseline)
        raw.append(flips.p <= 0.05)
        corrected.append((flips.p_max_t <= 0.05).any())
        stepwise.append((holm(flips.p) <= 0.05).any())
    assert np.mean(raw) == pytest.approx(0.05, abs=0.02)
    assert np.mean(np.any(raw, axis=1)) > 0.15
    assert np.mean(corrected) <= 0.08
    assert np.mean(stepwise) <= 0.08


def test_an_effect_of_one_deviation_is_found_among_ten_conditions() -> None:
    rng, found = np.random.default_rng(5), []
    for seed in range(30):
        effects = np.zeros(10)
        effects[0] = 1.4
        differences = rng.normal(effects, 1, (30, 10))
        found.append(sign_flips(differences, seed=seed).p_max_t <= 0.05)
    power = np.mean(found, axis=0)
    assert power[0] > 0.9
    assert power[1:].mean() < 0.05


def test_holm_is_that_of_statsmodels() -> None:
    multiple = pytest.importorskip("statsmodels.stats.multitest", reason="a test's own package")
    p = np.random.default_rng(6).uniform(0, 0.1, 12)
    assert holm(p) == pytest.approx(multiple.multipletests(p, method="holm")[1])
    with_gap = holm([0.01, np.nan, 0.04])
    assert with_gap[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(with_gap[1])
    assert holm([]).size == 0
