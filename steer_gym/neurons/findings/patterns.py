"""Which neurons have a meaningful pattern, by a criterion that is written down.

The paper's people said that a neuron has a pattern when at least 4 of its top 30 tokens share one.
Here the same is asked of traits that a program sees (``traits``): a word's stem, its beginning, its
ending, a script or other form, being an action. Since 4 of 30 tokens share a common form by chance,
a label counts only from the number on that lists drawn evenly from the vocabulary reach, over all
labels of all traits together, at most once in a hundred: ``CHANCE``. That number is 4 for every
rare label, and more for common ones.

The criterion knows no synonyms: " quick", " rapid", " haste", " swift" have no trait in common. It
finds fewer patterns than people do, and what it finds it finds alike in every model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import comb

import numpy as np
from numpy.typing import NDArray

from ..table import NeuronTable
from .traits import NONE

LEAST = 4
"""Tokens that must share a pattern."""
TOP = 30
"""Tokens of a neuron that are looked at."""
CHANCE = 0.01
"""Of a list of evenly drawn tokens to have a pattern, at most."""


Traits = Mapping[str, NDArray[np.int32]]


def patterned(
    table: NeuronTable, traits: Traits, *, top: int = TOP, seed: int | None = None
) -> NDArray[np.bool_]:
    """Return which neurons have a pattern, (neurons,).

    Args:
        table: What the neurons say.
        traits: The ``labels`` of its vocabulary.
        top: Tokens of a neuron that are looked at, as far as the table has them.
        seed: With one, tokens first change places at random among the neurons of a layer: a
            control that keeps how often each token is on top.
    """
    return either(patterns(table, traits, top=top, seed=seed))


def patterns(
    table: NeuronTable, traits: Traits, *, top: int = TOP, seed: int | None = None
) -> dict[str, NDArray[np.bool_]]:
    """Return, for each trait, which neurons have a pattern of it; see ``patterned``."""
    ids = table.promoted.ids[:, :top]
    if seed is not None:
        by_layer = ids.reshape(table.space.layers, -1)
        ids = np.random.default_rng(seed).permuted(by_layer, axis=1).reshape(ids.shape)
    chance = CHANCE / len(traits)
    return {
        name: _shares(of_token[ids], needed(of_token, ids.shape[1], chance))
        for name, of_token in traits.items()
    }


def either(
    found: Mapping[str, NDArray[np.bool_]], names: Iterable[str] | None = None
) -> NDArray[np.bool_]:
    """Return which neurons have a pattern of some of the traits ``names``, by default of any."""
    chosen = [found[name] for name in (found if names is None else names)]
    together: NDArray[np.bool_] = np.any(chosen, axis=0)
    return together


def needed(of_token: NDArray[np.int32], top: int, chance: float) -> NDArray[np.int64]:
    """Return for each label how many of ``top`` tokens must have it, (labels,).

    It is the least number, ``LEAST`` or more, whose probability under even draws is, times the
    number of labels, at most ``chance``; top + 1 where there is none.
    """
    counts = np.bincount(of_token[of_token != NONE])
    share = counts / len(of_token)
    numbers = np.arange(top + 1)
    choose = np.array([float(comb(top, int(n))) for n in numbers])
    exactly = choose * share[:, None] ** numbers * (1 - share[:, None]) ** (top - numbers)
    at_least = exactly[:, ::-1].cumsum(axis=1)[:, ::-1]
    fits = (at_least * len(counts) <= chance) & (numbers >= LEAST)
    return np.where(fits.any(axis=1), fits.argmax(axis=1), top + 1)


def _shares(found: NDArray[np.int32], need: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows hold some label as often as it needs, (rows,)."""
    if not len(need):
        return np.zeros(len(found), bool)
    ordered = np.sort(found, axis=1)
    # Equal labels stand side by side, so the n-th of a label is n - 1 places after the first.
    last = np.arange(ordered.shape[1]) + need[ordered] - 1
    inside = last < ordered.shape[1]
    there = np.take_along_axis(ordered, np.where(inside, last, 0), axis=1)
    enough: NDArray[np.bool_] = ((there == ordered) & inside & (ordered != NONE)).any(axis=1)
    return enough
