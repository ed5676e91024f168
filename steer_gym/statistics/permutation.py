"""Tests of paired differences by flipping their signs: exact for few pairs, sampled for many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

EXACT = 14
"""Up to so many pairs, all ways to flip signs are tried."""
DRAWS = 20_000
"""Ways that are drawn otherwise; the smallest p is then 1 in 20,001."""
CHUNK = 2_000
TOLERANCE = 1e-9
"""Sums that differ by less, relatively, are the same: two ways to flip that differ by rounding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Flips:
    """What flipping the signs of the differences says, one number a comparison."""

    p: NDArray[np.float64]
    """(comparisons,): share of all ways to flip that give a mean at least as far from zero; not a
    number where a comparison has no pair."""
    p_max_t: NDArray[np.float64]
    """The same, corrected for that many comparisons were made: the share whose greatest statistic
    over all comparisons is at least as great (max-T; Westfall and Young, 1993)."""
    smallest: NDArray[np.float64]
    """(comparisons,): the least p that so many pairs can give."""


def sign_flips(differences: ArrayLike, *, seed: int = 0) -> Flips:
    """Test whether paired differences are symmetric around zero, for many comparisons at once.

    If steering changes nothing, either of a pair may as well have come first. So the observed mean
    is compared with those of all signs. A pair's sign flips in every comparison alike, which keeps
    what comparisons share: the baseline and the place. On differences of success this is
    McNemar's exact test.

    Args:
        differences: (pairs, comparisons); not a number where a comparison lacks the pair.
        seed: Of the draws, for more than ``EXACT`` pairs.
    """
    data = np.atleast_2d(np.asarray(differences, np.float64))
    known = np.isfinite(data)
    counts = known.sum(axis=0)
    data = np.where(known, data, 0.0)
    scale = np.sqrt((data**2).sum(axis=0))
    data = data / np.where(scale > 0, scale, 1.0)  # the sum is then Student's t but for monotony
    observed = np.abs(data.sum(axis=0)) - TOLERANCE
    exact = len(data) <= EXACT
    reached, exceeded, drawn = np.zeros(len(counts)), np.zeros(len(counts)), 0
    for signs in _all_signs(len(data)) if exact else _drawn_signs(len(data), seed):
        found = np.abs(signs @ data)
        reached += (found >= observed).sum(axis=0)
        exceeded += (found.max(axis=1, initial=0.0)[:, None] >= observed).sum(axis=0)
        drawn += len(signs)
    own = 0 if exact else 1  # what was observed is one of the ways (Phipson and Smyth, 2010)
    nothing = np.where(counts > 0, 0.0, np.nan)
    least = np.maximum(2.0 ** (1.0 - np.maximum(counts, 1)), 0 if exact else 1 / (drawn + 1))
    return Flips(
        p=(reached + own) / (drawn + own) + nothing,
        p_max_t=(exceeded + own) / (drawn + own) + nothing,
        smallest=least + nothing,
    )


def _all_signs(pairs: int) -> list[NDArray[np.float64]]:
    """Return every way to flip, in one part; (ways, pairs)."""
    return [_signs(np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1)]


def _drawn_signs(pairs: int, seed: int) -> list[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return [_signs(rng.integers(0, 2, (CHUNK, pairs))) for _ in range(DRAWS // CHUNK)]


def _signs(bits: NDArray[np.int64]) -> NDArray[np.float64]:
    return 1.0 - 2.0 * bits.astype(np.float64)
