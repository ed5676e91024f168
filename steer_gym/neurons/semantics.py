"""What a neuron says as a point among the tokens, and which neurons lie near it.

The semantic embedding is the paper's: the mean of the vectors of a neuron's five most promoted
tokens, weighted by the softmax of their scores; near is what has the greatest cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steer_gym.neuron_set import NeuronSet

from .finding import Region, region_neurons
from .source import SourceError
from .table import NeuronTable
from .words import Theme, theme_signs

if TYPE_CHECKING:
    from torch import Tensor

TOKENS = 5
"""Tokens of a neuron that its embedding is the mean of."""
_BLOCK = 2048


class SemanticSpace:
    """The neurons of a table among the tokens of their model."""

    def __init__(self, table: NeuronTable, rows: Tensor) -> None:
        """Take in the tokens' vectors.

        Args:
            table: Of the model.
            rows: The unembedding, (vocabulary, d).

        Raises:
            SourceError: The rows are of another vocabulary.
        """
        if len(rows) != len(table.texts):
            raise SourceError(
                f"The table has {len(table.texts)} tokens, but the unembedding {len(rows)} rows; "
                "give the model that the table was made of."
            )
        self._table, self._rows = table, rows.float()
        scores = table.promoted.scores[:, :TOKENS]
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        self._weights = weights / weights.sum(axis=1, keepdims=True)

    def embed(self, neurons: NDArray[np.int64], rows: Tensor | None = None) -> NDArray[np.float32]:
        """Return the embeddings of neurons, (n, d), of length 1.

        Args:
            neurons: Flat ids.
            rows: Other vectors of the tokens, such as fewer components of them.
        """
        import torch

        vectors = self._rows if rows is None else rows
        ids = torch.from_numpy(self._table.promoted.ids[neurons, :TOKENS].astype(np.int64))
        weights = torch.from_numpy(self._weights[neurons]).float()
        mean = (vectors[ids] * weights[:, :, None]).sum(1)
        unit: NDArray[np.float32] = torch.nn.functional.normalize(mean).numpy()
        return unit

    def of_neurons(self, neurons: Sequence[int]) -> NDArray[np.float32]:
        """Return the middle of seed neurons, (d,).

        Raises:
            SteeringError: The model has no such neurons.
        """
        NeuronSet.from_flat(neurons).resolve(self._table.space)
        mean: NDArray[np.float32] = self.embed(np.array(neurons, np.int64)).mean(axis=0)
        return mean

    def of_theme(self, theme: Theme) -> NDArray[np.float32]:
        """Return the middle of a theme's words, (d,), each spelling a token of its own.

        Raises:
            SourceError: No token is one of the words.
        """
        import torch

        tokens = np.flatnonzero(theme_signs(self._table.plain_texts, theme) > 0)
        if not len(tokens):
            raise SourceError(f"No token of the model is one of {', '.join(theme.words)}.")
        units = torch.nn.functional.normalize(self._rows[torch.from_numpy(tokens)])
        mean: NDArray[np.float32] = units.mean(0).numpy()
        return mean

    def nearest(
        self, direction: NDArray[np.float32], k: int, region: Region = "full"
    ) -> list[tuple[int, float]]:
        """Return flat ids of the k neurons nearest to a direction, with cosines, nearest first."""
        within = region_neurons(self._table.space, region)
        unit = direction / max(float(np.linalg.norm(direction)), 1e-9)
        blocks = np.array_split(within, max(1, len(within) // _BLOCK))
        cosines = np.concatenate([self.embed(block) @ unit for block in blocks])
        best = np.argsort(-cosines, kind="stable")[:k]
        return [(int(within[i]), float(cosines[i])) for i in best]

    def reduced(self, dimensions: int) -> NDArray[np.float32]:
        """Return every neuron's embedding in the tokens' first principal components.

        Of centred tokens, so that what all tokens share does not make all neurons alike; each of
        length 1, (neurons, dimensions).
        """
        import torch

        centred = self._rows - self._rows.mean(0)
        _, directions = torch.linalg.eigh(centred.T @ centred)  # eigenvalues rise
        tokens = centred @ directions[:, -dimensions:]
        every = np.arange(self._table.space.size)
        blocks = np.array_split(every, max(1, len(every) // _BLOCK))
        return np.concatenate([self.embed(block, tokens) for block in blocks])
