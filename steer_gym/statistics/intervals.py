"""Intervals for means, also where values come in clusters such as tasks."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from .estimate import CONFIDENCE, NOTHING, Estimate
from .student import t_quantile

DRAWS = 4000
"""Resamples of a bootstrap; its own noise is then about 2 % of the interval's width."""


def student_mean(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Estimate:
    """Return the mean with Student's interval, over clusters where there are several.

    The standard error comes from the clusters' sums and t has one degree of freedom less than there
    are clusters (CR1; Cameron and Miller, JHR 50, 2015). For as many values in every cluster that
    is the paired t test over tasks, and the fixed effect of a mixed model with a random intercept.
    Where tasks differ as much as episodes do, with 4 tasks of 3 pairs, it covers the mean in 95 of
    100 cases; a bootstrap of pairs does in 76, of tasks in 81, of both in 88.

    Args:
        values: For a paired comparison: the differences, one a pair.
        clusters: What each value belongs to, such as its task; ``None``, or one cluster alone:
            every value stands for itself. With one value the interval is infinite.
    """
    data = np.asarray(values, np.float64)
    if data.size == 0:
        return NOTHING
    groups = _groups(data, clusters)
    units, mean = len(groups), float(data.mean())
    half = math.inf
    if units > 1:
        sums = np.array([(group - mean).sum() for group in groups])
        error = math.sqrt(units / (units - 1) * float((sums**2).sum())) / data.size
        half = t_quantile(CONFIDENCE, units - 1) * error
    return Estimate(value=mean, low=mean - half, high=mean + half, count=data.size)


def bootstrap_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
) -> Estimate:
    """Return the mean with a percentile bootstrap interval (Efron, 1979).

    It resamples clusters where there are several, and values within each; it is free of any form
    of distribution, but below about ten clusters or values too narrow: see ``student_mean``. With
    one value the interval is infinite, with none everything is not a number.
    """
    data = np.asarray(values, np.float64)
    if data.size == 0:
        return NOTHING
    if data.size == 1:
        return Estimate(value=float(data[0]), low=-math.inf, high=math.inf, count=1)
    rng = np.random.default_rng(seed)
    groups = _groups(data, clusters)
    if len(groups) == data.size:
        means = data[rng.integers(0, data.size, (DRAWS, data.size))].mean(axis=1)
    else:
        means = _two_stages(groups, rng)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(means, [tail, 100 - tail])
    return Estimate(value=float(data.mean()), low=float(low), high=float(high), count=data.size)


def _groups(
    data: NDArray[np.float64], clusters: Sequence[Hashable] | None
) -> list[NDArray[np.float64]]:
    """Return the values of each cluster; with fewer than two clusters each value alone."""
    names = list(dict.fromkeys(clusters or ()))
    if clusters is not None and len(clusters) != data.size:
        raise ValueError(f"{data.size} values need as many clusters, but {len(clusters)} came.")
    if len(names) < 2:
        return list(data[:, None])
    place = {name: index for index, name in enumerate(names)}
    index = np.array([place[name] for name in clusters or ()])
    return [data[index == each] for each in range(len(names))]


def _two_stages(
    groups: Sequence[NDArray[np.float64]], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return means of resampled clusters, each made of resampled values of its own."""
    sizes = np.array([group.size for group in groups])
    sums = np.empty((DRAWS, len(groups)))
    chosen = rng.integers(0, len(groups), (DRAWS, len(groups)))
    for index, group in enumerate(groups):
        here = chosen == index
        sums[here] = group[rng.integers(0, group.size, (int(here.sum()), group.size))].sum(axis=1)
    means: NDArray[np.float64] = sums.sum(axis=1) / sizes[chosen].sum(axis=1)
    return means
