"""Effect sizes and frontiers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steer_gym.statistics import effect, frontier


def test_a_known_effect_is_measured() -> None:
    rng = np.random.default_rng(0)
    sizes = [effect(rng.normal(0.8, 1, 8)).standardised for _ in range(2000)]
    assert np.mean(sizes) == pytest.approx(0.8, abs=0.03), "Hedges' correction removes the bias"
    assert effect(rng.normal(0.8, 1, 4000)).greater == pytest.approx(0.788, abs=0.02)


def test_effects_know_no_unit_and_turn_with_the_sign() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 9)
    one, other = effect(values), effect(-100 * values)
    assert other.standardised == pytest.approx(-one.standardised)
    assert other.greater == pytest.approx(1 - one.greater)


def test_too_few_pairs_have_no_size() -> None:
    assert math.isnan(effect([1.0, 2.0]).standardised)
    assert math.isnan(effect([2.0, 2.0, 2.0]).standardised)
    assert effect([1.0, 0.0]).greater == 0.75
    assert math.isnan(effect([]).greater)


def test_a_frontier_holds_what_nothing_beats() -> None:
    points = [(0.0, 1.0), (1.0, 0.9), (0.5, 0.5), (2.0, 0.1), (2.0, 0.0), (1.0, 0.9)]
    assert frontier(points) == [0, 1, 5, 3]
    assert frontier([]) == []
