"""Natural spread of every neuron, gathered while a model runs, in whatever library it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSpace

if TYPE_CHECKING:
    from torch import Tensor


class RunningSpread:
    """Mean and standard deviation of each neuron's natural activation over all tokens seen.

    An observer for ``TorchEngine.observed``; a model without hooks calls ``take``. Sums are kept in
    float64 and merged by the pairwise update of Chan, Golub and LeVeque (1979), so that long runs
    lose no digits.
    """

    def __init__(self, space: NeuronSpace) -> None:
        self._count = np.zeros((space.layers, 1))
        self._mean = np.zeros((space.layers, space.width))
        self._squares = np.zeros((space.layers, space.width))

    def __call__(self, layer: int, natural: Tensor, real: Tensor) -> None:
        """Take in activations (rows, positions, width) where ``real``, (rows, positions)."""
        tokens = natural[real].double()
        if len(tokens):
            mean = tokens.mean(dim=0)
            squares = (tokens - mean).square().sum(dim=0)
            self.take(layer, len(tokens), mean.cpu().numpy(), squares.cpu().numpy())

    def take(
        self, layer: int, count: int, mean: NDArray[np.floating], squares: NDArray[np.floating]
    ) -> None:
        """Take in ``count`` tokens of one layer by their moments.

        Args:
            layer: The layer.
            count: How many tokens, at least one.
            mean: Their mean, (width,).
            squares: Sum of their squared deviations from it, (width,).
        """
        seen, step = self._count[layer, 0], mean - self._mean[layer]
        self._count[layer] += count
        self._mean[layer] += step * (count / (seen + count))
        self._squares[layer] += squares + step**2 * (seen * count / (seen + count))

    @property
    def tokens(self) -> int:
        """Return how many tokens every layer has seen."""
        return int(self._count.min())

    @property
    def mean(self) -> NDArray[np.float32]:
        """Return the means, (layers, width)."""
        self._require_tokens()
        return self._mean.astype(np.float32)

    @property
    def std(self) -> NDArray[np.float32]:
        """Return the standard deviations, (layers, width): what ``Policy.spread`` returns."""
        self._require_tokens()
        return np.sqrt(self._squares / self._count).astype(np.float32)

    def _require_tokens(self) -> None:
        if not self.tokens:
            raise SteeringError(
                "No activations were seen in some layer; run the model inside engine.observed()."
            )
