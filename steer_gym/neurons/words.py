"""Find neurons by word: those that promote a theme's words and not its opposite's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import UnknownNameError

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
    "up": "up ups upward upwards upper rise rises rising rose ascend ascending above",
    "down": "down downs downward downwards fall falls falling fell descend descending below",
    "left": "left lefts leftmost leftward",
    "right": "right rights rightmost rightward",
    "careful": "careful carefully cautious cautiously caution gentle gently delicate delicately",
    "careless": "careless carelessly reckless recklessly rough roughly sloppy hasty hastily",
    "open": "open opens opened opening release releases released releasing",
    "closed": "closed close closes closing shut grip grips grasp grasps grasped grasping",
    "forward": "forward forwards ahead onward front toward towards",
    "backward": "backward backwards back rear behind backside",
}
_PAIRS = (
    ("fast", "slow"), ("high", "low"), ("up", "down"), ("left", "right"),
    ("careful", "careless"), ("open", "closed"), ("forward", "backward"),
)  # fmt: skip
_OPPOSITES = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}

THEMES = {
    name: Theme(
        name=name,
        words=tuple(words.split()),
        opposites=tuple(_WORDS[_OPPOSITES[name]].split()),
    )
    for name, words in _WORDS.items()
}
"""Concepts of motion, the paper's among them."""

_ENDINGS = ("s", "es", "ed", "d", "ing", "er", "r", "est", "st", "ly")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


def named_theme(name: str) -> Theme:
    """Return one of ``THEMES``.

    Raises:
        UnknownNameError: Lists the known names.
    """
    if name not in THEMES:
        raise UnknownNameError("theme", name, THEMES)
    return THEMES[name]


def theme_of(words: Iterable[str], opposites: Iterable[str] = (), *, name: str = "") -> Theme:
    """Return a theme of your own words, the spelling variants of each included.

    A form that both sides share counts for neither.
    """
    given = [plain(word) for word in words]
    ours = {form for word in given for form in variants(word)}
    theirs = {form for word in opposites for form in variants(plain(word))}
    both = ours & theirs
    return Theme(
        name=name or given[0],
        words=tuple(sorted(ours - both)),
        opposites=tuple(sorted(theirs - both)),
    )


def variants(word: str) -> set[str]:
    """Return a word with its English endings, its last letter doubled or dropped where they are.

    Forms that no one writes are among them and do no harm: no token is spelt so.
    """
    stems = {word, word[:-1] + "i" if word.endswith("y") else word}
    if word.endswith("e"):
        stems.add(word[:-1])
    elif len(word) > 2 and word[-1] not in "aeiouwxy" and word[-2] in "aeiou":
        stems.add(word + word[-1])
    return {word} | {stem + ending for stem in stems for ending in _ENDINGS}


def plain(text: str) -> str:
    """Return a token's text in lower case, without blanks and punctuation at its edges."""
    return _EDGES.sub("", text.lower())


def theme_signs(plain_texts: Sequence[str], theme: Theme) -> NDArray[np.float32]:
    """Return for each ``plain`` text 1 if it is of the theme, -1 if of its opposite, else 0."""
    ours, theirs = frozenset(theme.words), frozenset(theme.opposites)
    return np.array([(text in ours) - (text in theirs) for text in plain_texts], np.float32)


def word_share(tops: TopTokens, plain_texts: Sequence[str], theme: Theme) -> NDArray[np.float32]:
    """Return for each neuron how much of its top tokens is about the theme, (neurons,).

    The weight of a token is its dot product; the share is that of the theme's words minus that of
    its opposite's, in [-1, 1].

    Args:
        tops: The most promoted tokens of every neuron.
        plain_texts: The ``plain`` text of every token of the vocabulary.
        theme: What to look for.
    """
    signs = theme_signs(plain_texts, theme)
    weights = np.maximum(tops.scores, 0)
    total = np.maximum(weights.sum(axis=1), 1e-9)
    share: NDArray[np.float32] = ((weights * signs[tops.ids]).sum(axis=1) / total).astype(
        np.float32
    )
    return share
