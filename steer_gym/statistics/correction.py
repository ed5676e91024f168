"""Correction of p values for the number of tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return p values corrected by Holm's steps (Scand. J. Statist. 6, 1979).

    The chance of any false finding stays below the level, whatever ties the tests together. What
    is not a number stays so, and is not counted as a test.
    """
    given = np.asarray(p, np.float64)
    corrected = np.full(given.shape, np.nan)
    known = np.flatnonzero(np.isfinite(given))
    order = known[np.argsort(given[known], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return corrected
