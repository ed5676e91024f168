from __future__ import annotations

import numpy as np

from steer_gym.neurons.projection import TopTokens
from steer_gym.neurons.words import THEMES, plain, word_share

TEXTS = (" fast", " Quickly", " slow", " milk", " table")


def share(ids: list[int], scores: list[float]) -> float:
    tops = TopTokens(ids=np.array([ids], np.int32), scores=np.array([scores], np.float32))
    return float(word_share(tops, list(map(plain, TEXTS)), THEMES["fast"])[0])


def test_a_neuron_that_says_only_the_theme_has_all_of_it() -> None:
    assert share([0, 1], [2.0, 1.0]) == 1.0


def test_a_token_counts_by_its_weight() -> None:
    assert share([0, 3], [3.0, 1.0]) == 0.75


def test_the_opposite_counts_against() -> None:
    assert share([0, 2], [1.0, 1.0]) == 0.0
    assert share([2, 3], [1.0, 1.0]) == -0.5


def test_every_theme_has_an_opposite_that_shares_no_word_with_it() -> None:
    for theme in THEMES.values():
        assert theme.opposites
        assert not set(theme.words) & set(theme.opposites)
