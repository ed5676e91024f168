"""Find neurons by word: those that promote a theme's words and not its opposite's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .projection import TopTokens


@dataclass(frozen=True, kw_only=True)
class Theme:
    """A concept in words."""

    name: str
    words: tuple[str, ...]
    """Synonyms and forms, in lower case."""
    opposites: tuple[str, ...]
    """Words that say the contrary; a neuron that promotes both says neither."""


_WORDS = {
    "fast": "fast faster fastest quick quickly rapid rapidly swift swiftly hurry speed haste full",
    "slow": "slow slowly slower slowed slowing gentle gently careful carefully care pace rush",
    "high": "high higher highest up above lift lifted raise raised raising tall great air upwards",
    "low": "low lower lowest lowered down below ground floor bottom near close barely",
}
_OPPOSITES = {"fast": "slow", "slow": "fast", "high": "low", "low": "high"}

THEMES = {
    name: Theme(
        name=name,
        words=tuple(words.split()),
        opposites=tuple(_WORDS[_OPPOSITES[name]].split()),
    )
    for name, words in _WORDS.items()
}
"""The paper's concepts of motion."""


def word_share(tops: TopTokens, texts: Sequence[str], theme: Theme) -> NDArray[np.float32]:
    """Return for each neuron how much of its top tokens is about the theme, (neurons,).

    The weight of a token is its dot product; the share is that of the theme's words minus that of
    its opposite's, in [-1, 1].

    Args:
        tops: The most promoted tokens of every neuron.
        texts: The text of every token of the vocabulary.
        theme: What to look for.
    """
    plain = np.array([text.strip().lower() for text in texts])
    sign = np.isin(plain, theme.words).astype(np.float32) - np.isin(plain, theme.opposites)
    weights = np.maximum(tops.scores, 0)
    total = np.maximum(weights.sum(axis=1), 1e-9)
    share: NDArray[np.float32] = ((weights * sign[tops.ids]).sum(axis=1) / total).astype(np.float32)
    return share
