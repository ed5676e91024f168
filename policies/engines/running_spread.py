"""Natural spread of every neuron, gathered while a model runs."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSpace


class RunningSpread:
    """Mean and standard deviation of each neuron's natural activation over all tokens seen.

    An observer for ``TorchEngine.observed``; sums are kept in float64 and merged by the pairwise
    update of Chan, Golub and LeVeque (1979), so that long runs lose no digits.
    """

    def __init__(self, space: NeuronSpace) -> None:
        self._count = [0] * space.layers
        self._mean: list[Tensor] = [torch.zeros(space.width, dtype=torch.float64)] * space.layers
        self._squares = list(self._mean)  # sum of squared deviations from the mean

    def __call__(self, layer: int, natural: Tensor, real: Tensor) -> None:
        """Take in activations (rows, positions, width) where ``real``, (rows, positions)."""
        tokens = natural[real].double()
        seen, new = self._count[layer], len(tokens)
        if not new:
            return
        mean, squares = self._mean[layer].to(tokens), self._squares[layer].to(tokens)
        fresh = tokens.mean(dim=0)
        step = fresh - mean
        self._mean[layer] = mean + step * (new / (seen + new))
        self._squares[layer] = (
            squares
            + (tokens - fresh).square().sum(dim=0)
            + step.square() * (seen * new / (seen + new))
        )
        self._count[layer] = seen + new

    @property
    def tokens(self) -> int:
        """Return how many tokens every layer has seen."""
        return min(self._count)

    @property
    def mean(self) -> NDArray[np.float32]:
        """Return the means, (layers, width)."""
        self._require_tokens()
        return np.stack([mean.cpu().numpy() for mean in self._mean]).astype(np.float32)

    @property
    def std(self) -> NDArray[np.float32]:
        """Return the standard deviations, (layers, width): what ``Policy.spread`` returns."""
        self._require_tokens()
        pairs = zip(self._squares, self._count, strict=True)
        variance = np.stack([squares.cpu().numpy() / count for squares, count in pairs])
        return np.sqrt(variance).astype(np.float32)

    def _require_tokens(self) -> None:
        if not self.tokens:
            raise SteeringError(
                "No activations were seen in some layer; run the model inside engine.observed()."
            )
