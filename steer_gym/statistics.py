"""Intervals for rates, means and paired differences; numpy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

DRAWS = 4000
"""Resamples of a bootstrap; its own noise is then about 2 % of the interval's width."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval."""

    value: float
    """Not a number when there is nothing to estimate it from."""
    low: float
    high: float
    count: int
    """How many observations it rests on."""

    @property
    def excludes_zero(self) -> bool:
        """Tell whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def wilson(successes: int, count: int, *, confidence: float = 0.95) -> Estimate:
    """Return a success rate with Wilson's score interval (JASA 22, 1927), good for small counts.

    With ``count`` 0 the rate is not a number and the interval is [0, 1].
    """
    if not 0 <= successes <= count:
        raise ValueError(f"successes must be from 0 to count ({count}), but are {successes}.")
    if count == 0:
        return Estimate(value=math.nan, low=0.0, high=1.0, count=0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / count
    centre = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * math.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    exact = {0: (0.0, high), count: (low, 1.0)}  # at the ends the formula only rounds to these
    low, high = exact.get(successes, (low, high))
    return Estimate(value=rate, low=low, high=high, count=count)


def bootstrap_mean(values: Sequence[float], *, confidence: float = 0.95, seed: int = 0) -> Estimate:
    """Return the mean with a percentile bootstrap interval (Efron, 1979).

    It resamples ``values`` as whole, so each must stand for one independent unit: for a paired
    comparison, the difference within one (task, initial state). Below about ten values such an
    interval is too narrow. With one value it is infinite, with none everything is not a number.
    """
    data = np.asarray(values, np.float64)
    if data.size == 0:
        return Estimate(value=math.nan, low=math.nan, high=math.nan, count=0)
    if data.size == 1:
        return Estimate(value=float(data[0]), low=-math.inf, high=math.inf, count=1)
    rng = np.random.default_rng(seed)
    means = data[rng.integers(0, data.size, (DRAWS, data.size))].mean(axis=1)
    tail = 50 * (1 - confidence)
    low, high = np.percentile(means, [tail, 100 - tail])
    return Estimate(value=float(data.mean()), low=float(low), high=float(high), count=data.size)
