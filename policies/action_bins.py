"""Actions as tokens: OpenVLA's bins at the end of a vocabulary, which Pocket shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ActionBins:
    """The last tokens of a vocabulary, one per bin of [-1, 1]; the id falls as the value rises.

    ``count`` edges cut [-1, 1] into ``count - 1`` intervals, whose centres are the values; the
    token of the value 1 itself stands for the last interval a second time.
    """

    end: int
    """One past the largest action token."""
    count: int = 256
    """Action tokens."""

    @property
    def ids(self) -> range:
        """Return the action tokens, that of the largest value first."""
        return range(self.end - self.count, self.end)

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Return the values, rising, (count - 1,)."""
        edges = np.linspace(-1, 1, self.count)
        centres: NDArray[np.float64] = (edges[:-1] + edges[1:]) / 2
        return centres

    @property
    def texts(self) -> dict[int, str]:
        """Return what is shown of each action token: its value, normalised."""
        values = self.decode(np.array(self.ids))[0]
        pairs = zip(self.ids, values.tolist(), strict=True)
        return {token: f"[action: {value:+.3f}]" for token, value in pairs}

    def encode(self, values: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Return the ids of values, any shape; those beyond [-1, 1] are clipped."""
        bins = np.digitize(np.clip(values, -1, 1), np.linspace(-1, 1, self.count))
        ids: NDArray[np.int64] = self.end - bins.astype(np.int64)
        return ids

    def decode(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return values and which ids were action tokens.

        An id that is none decodes as upstream's code does it, to the table's nearer end: words
        (smaller ids) to +0.996, which is full speed; ids beyond the end to -0.996.
        """
        bins = np.clip(self.end - ids - 1, 0, self.count - 2)
        valid = (ids >= self.ids.start) & (ids < self.end)
        return self.centres[bins], valid
