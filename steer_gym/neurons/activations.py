"""How strongly each neuron fires by itself: its distribution over recorded observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = (0.0, 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1.0)
"""The quantiles that are kept: the least and the greatest value, the tails, the quartiles."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Activations:
    """The natural activations of every neuron, by flat id, over the tokens that were seen."""

    levels: tuple[float, ...]
    """Of the quantiles, rising, 0 to 1."""
    quantiles: NDArray[np.float32]
    """(neurons, levels), rising along the second axis."""
    mean: NDArray[np.float32]
    """(neurons,)."""
    spread: NDArray[np.float32]
    """(neurons,), standard deviation: what one step of alpha in unit "spread" is."""
    tokens: int
    """How many tokens of each layer were seen."""
    source: str = ""
    """What was looked at, in words."""
