"""Intervals for rates."""

from __future__ import annotations

import math
from statistics import NormalDist

from .estimate import CONFIDENCE, Estimate


def wilson(successes: int, count: int) -> Estimate:
    """Return a success rate with Wilson's score interval (JASA 22, 1927), good for small counts.

    With ``count`` 0 the rate is not a number and the interval is [0, 1].
    """
    if not 0 <= successes <= count:
        raise ValueError(f"successes must be from 0 to count ({count}), but are {successes}.")
    if count == 0:
        return Estimate(value=math.nan, low=0.0, high=1.0, count=0)
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    rate = successes / count
    centre = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * math.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    exact = {0: (0.0, high), count: (low, 1.0)}  # at the ends the formula only rounds to these
    low, high = exact.get(successes, (low, high))
    return Estimate(value=rate, low=low, high=high, count=count)
