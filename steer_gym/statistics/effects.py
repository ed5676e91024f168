"""Sizes of paired effects, free of the measure's unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How large a paired difference is; not a number where pairs are too few to say."""

    standardised: float
    """Mean difference over the differences' standard deviation (Cohen's d of pairs), with Hedges'
    correction for few pairs; 0.2 is called small, 0.8 large."""
    greater: float
    """Share of pairs in which the first is greater, ties counted half."""


def effect(differences: Sequence[float]) -> Effect:
    """Return the sizes of an effect from the differences, one a pair."""
    data = np.asarray(differences, np.float64)
    if data.size == 0:
        return Effect(standardised=math.nan, greater=math.nan)
    greater = float((np.sign(data) + 1).mean() / 2)
    spread = float(data.std(ddof=1)) if data.size > 1 else 0.0
    if data.size < 3 or spread == 0:
        return Effect(standardised=math.nan, greater=greater)
    few = 1 - 3 / (4 * (data.size - 1) - 1)
    return Effect(standardised=few * float(data.mean()) / spread, greater=greater)
