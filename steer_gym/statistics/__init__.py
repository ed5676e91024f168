"""Intervals, permutation tests, effect sizes and frontiers; numpy alone."""

from .correction import holm
from .effects import Effect, effect
from .estimate import NOTHING, Estimate
from .frontier import frontier
from .intervals import bootstrap_mean, student_mean
from .permutation import Flips, sign_flips
from .rates import wilson

__all__ = [
    "NOTHING",
    "Effect",
    "Estimate",
    "Flips",
    "bootstrap_mean",
    "effect",
    "frontier",
    "holm",
    "sign_flips",
    "student_mean",
    "wilson",
]
