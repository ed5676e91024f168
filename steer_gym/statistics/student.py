"""Student's t distribution, for whole degrees of freedom."""

from __future__ import annotations

import math
from functools import cache


def t_probability(t: float, freedom: int) -> float:
    """Return the chance that Student's t lies in [-t, t] (Abramowitz and Stegun, 26.7.3 and 4)."""
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    term = cosine if freedom % 2 else 1.0
    total = 0.0
    for power in range(2 + freedom % 2, freedom + 1, 2):
        total += term
        term *= cosine**2 * (power - 1) / power
    if freedom % 2:
        return 2 / math.pi * (angle + sine * total)
    return sine * total


@cache
def t_quantile(confidence: float, freedom: int) -> float:
    """Return the t for which [-t, t] holds ``confidence``."""
    low, high = 0.0, 1.0
    while t_probability(high, freedom) < confidence:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        below = t_probability(middle, freedom) < confidence
        low, high = (middle, high) if below else (low, middle)
    return high
