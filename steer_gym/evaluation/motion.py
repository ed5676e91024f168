"""Sequences of vectors: their changes, where they stand still, when a gripper closes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.convention import ActionConvention

Array = NDArray[Any]

STILL_M_S = 0.01
"""A tool slower than this stands still; the slowest demonstrations move at about 0.05 m/s."""
STALL_S = 0.5
"""Standing still for so long is a stall; closing a gripper takes less."""

ROUNDING_S = 1e-5
"""Of sums of times, which are told to the microsecond."""


def rates(vectors: Array, rate_hz: float) -> tuple[Array, Array]:
    """Return the first and the second change of vectors (n, d) a second: (n-1, d), (n-2, d)."""
    first = np.diff(vectors, axis=0) * rate_hz
    return first, np.diff(first, axis=0) * rate_hz


def rates_at(vectors: Array, time_s: Array) -> tuple[Array, Array]:
    """Return the same as ``rates`` of vectors (n, d) that are of moments (n,) [s], which rise.

    A change is taken to be of the middle between its moments.
    """
    middles_s = (time_s[1:] + time_s[:-1]) / 2
    first = np.diff(vectors, axis=0) / np.diff(time_s)[:, None]
    return first, np.diff(first, axis=0) / np.diff(middles_s)[:, None]


def mean_norm(vectors: Array) -> float | None:
    """Return the mean length of vectors (n, d); ``None`` of none."""
    return float(np.linalg.norm(vectors, axis=1).mean()) if len(vectors) else None


def share(true: Any) -> float:
    """Return the share of true values."""
    return float(np.mean(true))


def stalls(speeds: Array, elapsed_s: Array) -> tuple[int, NDArray[np.bool_]]:
    """Return how often a tool stalls, and for each step whether it is within a stall.

    Args:
        speeds: Of each step [m/s].
        elapsed_s: How long each step took [s].
    """
    still = np.concatenate([[False], speeds < STILL_M_S, [False]]).astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(still) == 1), np.flatnonzero(np.diff(still) == -1)
    within, count = np.zeros(len(speeds), np.bool_), 0
    for start, end in zip(starts, ends, strict=True):
        if elapsed_s[start:end].sum() >= STALL_S - ROUNDING_S:
            within[start:end] = True
            count += 1
    return count, within


def closes(gripper: Array, convention: ActionConvention) -> NDArray[np.bool_]:
    """Return for each of the gripper's commands whether it is nearer to closed than to open."""
    to_closed = np.abs(gripper - convention.gripper_closed)
    nearer: NDArray[np.bool_] = to_closed < np.abs(gripper - convention.gripper_open)
    return nearer
