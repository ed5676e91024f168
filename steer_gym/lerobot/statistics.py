"""The statistics that LeRobot keeps of every feature, exact where its own are estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)
Summary = dict[str, Any]
"""``min``, ``max``, ``mean``, ``std``, ``count`` and ``q01`` to ``q99``, as nested lists."""


def summarize(values: ArrayLike) -> Summary:
    """Return the statistics of numbers, (frames, size), each of shape (size,)."""
    array = np.asarray(values, np.float64)
    array = array.reshape(len(array), -1)
    return {
        "min": array.min(axis=0).tolist(),
        "max": array.max(axis=0).tolist(),
        "mean": array.mean(axis=0).tolist(),
        "std": array.std(axis=0).tolist(),
        "count": [len(array)],
        **{
            _name(q): row.tolist()
            for q, row in zip(QUANTILES, np.quantile(array, QUANTILES, axis=0), strict=True)
        },
    }


class PictureSummary:
    """Counts how often each channel has each of its 256 values."""

    def __init__(self) -> None:
        self.frames = 0
        self.counts = np.zeros((3, 256), np.int64)

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Count one picture, (height, width, 3)."""
        self.frames += 1
        for channel in range(3):
            self.counts[channel] += np.bincount(frame[..., channel].ravel(), minlength=256)

    def merge(self, other: PictureSummary) -> None:
        """Count another's pictures too."""
        self.frames += other.frames
        self.counts += other.counts

    def summary(self) -> Summary:
        """Return the statistics in [0, 1], each of shape (3, 1, 1)."""
        values = np.arange(256) / 255.0
        shares = self.counts / self.counts.sum(axis=1, keepdims=True)
        mean = shares @ values
        std = np.sqrt(np.maximum(shares @ values**2 - mean**2, 0))
        reached = np.cumsum(shares, axis=1)
        seen = [values[row > 0] for row in self.counts]
        return {
            "min": _channels([row.min() for row in seen]),
            "max": _channels([row.max() for row in seen]),
            "mean": _channels(mean),
            "std": _channels(std),
            "count": [self.frames],
            **{
                _name(q): _channels([values[np.searchsorted(row, q)] for row in reached])
                for q in QUANTILES
            },
        }


def _channels(numbers: Sequence[float] | NDArray[np.float64]) -> list[list[list[float]]]:
    return [[[float(number)]] for number in numbers]


def _name(quantile: float) -> str:
    return f"q{int(quantile * 100):02d}"
