"""What a neuron says: the tokens whose unembedding rows its value vector points to, or away from.

The projection is the paper's: plain dot products of a value vector with every unembedding row,
no final norm, no softmax (arXiv 2509.00328); the final norm's gain can be put between. All logits
never stand in memory at once: neurons go in blocks, and of each block only the top k stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require

if TYPE_CHECKING:
    import torch

LOGITS = 1 << 25
"""Logits at once; 134 MB in float32. Larger blocks are little faster."""
GROUP = 64
"""Tokens that are looked at as one when the best are sought; see ``_best``."""


@dataclass(frozen=True, kw_only=True)
class TopTokens:
    """The tokens at one end of each neuron's projection, best first."""

    ids: NDArray[np.int32]
    """(neurons, k)."""
    scores: NDArray[np.float32]
    """(neurons, k), dot products."""

    @classmethod
    def joined(cls, parts: list[TopTokens]) -> TopTokens:
        """Return the neurons of all parts, one part after another."""
        return cls(
            ids=np.concatenate([part.ids for part in parts]),
            scores=np.concatenate([part.scores for part in parts]),
        )


class Projector:
    """Projects value vectors onto one unembedding."""

    def __init__(
        self, unembedding: torch.Tensor, *, k: int, dtype: torch.dtype | None = None
    ) -> None:
        """Make room for a block.

        Args:
            unembedding: (vocabulary, d), any float dtype and device; multiply its columns by the
                final norm's gain to project through the norm.
            k: Tokens to keep at either end.
            dtype: Of the product; by default the unembedding's. Products narrower than float32
                only choose candidates, which are then scored in float32.

        Raises:
            ValueError: k exceeds the vocabulary.
        """
        if not 0 < k <= len(unembedding):
            raise ValueError(f"k must be 1 to {len(unembedding)} (the vocabulary), but is {k}.")
        self._k, self._rows = k, unembedding
        self._columns = unembedding.to(dtype or unembedding.dtype).T
        self._exact = self._columns.dtype.itemsize >= 4
        spare = 0 if self._exact else max(k // 2, 8)
        self._candidates = min(k + spare, len(unembedding))
        self.block = max(LOGITS // len(unembedding), 64)
        self._logits = self._columns.new_empty((self.block, len(unembedding)))

    def __call__(self, values: torch.Tensor) -> tuple[TopTokens, TopTokens]:
        """Return the k most promoted and most suppressed tokens of at most ``block`` neurons.

        Args:
            values: (neurons, d), on the unembedding's device.
        """
        torch = require("torch", extra="torch")
        with torch.inference_mode():
            logits = self._logits[: len(values)]
            torch.mm(values.to(logits.dtype), self._columns, out=logits)
            promoted, suppressed = (self._end(values, logits, largest) for largest in (True, False))
        return promoted, suppressed

    def _end(self, values: torch.Tensor, logits: torch.Tensor, largest: bool) -> TopTokens:
        scores, ids = _best(logits, self._candidates, largest)
        if not self._exact:
            rows = self._rows[ids].float()  # (neurons, candidates, d)
            exact = (rows @ values.float()[:, :, None])[..., 0]
            scores, order = exact.topk(self._k, largest=largest)
            ids = ids.gather(1, order)
        return TopTokens(ids=ids.int().cpu().numpy(), scores=scores.float().cpu().numpy())


def project(
    values: torch.Tensor,
    unembedding: torch.Tensor,
    *,
    k: int = 10,
    dtype: torch.dtype | None = None,
    on_block: Callable[[int], None] | None = None,
) -> tuple[TopTokens, TopTokens]:
    """Return the k most promoted and the k most suppressed tokens of every neuron.

    Args:
        values: Value vectors, (neurons, d), any float dtype, on the unembedding's device.
        unembedding: See ``Projector``.
        k: Tokens to keep at either end.
        dtype: See ``Projector``.
        on_block: Called with the number of neurons done after each block.

    Raises:
        ValueError: k exceeds the vocabulary.
    """
    projector = Projector(unembedding, k=k, dtype=dtype)
    promoted, suppressed = [], []
    for start in range(0, len(values), projector.block):
        both = projector(values[start : start + projector.block])
        promoted.append(both[0])
        suppressed.append(both[1])
        if on_block:
            on_block(min(start + projector.block, len(values)))
    return TopTokens.joined(promoted), TopTokens.joined(suppressed)


def _best(logits: torch.Tensor, k: int, largest: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the k best logits of each row and their columns, as ``torch.topk`` does.

    The best k lie within the k groups of the best extremes, so that the costly selection is over
    groups, then over k of them, instead of over the whole vocabulary.
    """
    torch = require("torch", extra="torch")
    rows, size = logits.shape
    groups = size // GROUP
    if groups < 16 * k:
        return _topk(logits, k, largest)
    grouped = logits[:, : groups * GROUP].view(rows, GROUP, groups)
    extremes = grouped.amax(1) if largest else grouped.amin(1)
    best = extremes.topk(k, largest=largest, sorted=False).indices  # (rows, k)
    steps = torch.arange(GROUP, device=logits.device) * groups
    rest = torch.arange(groups * GROUP, size, device=logits.device).expand(rows, -1)
    columns = torch.cat([(best[:, :, None] + steps).flatten(1), rest], dim=1)
    scores, order = _topk(logits.gather(1, columns), k, largest)
    return scores, columns.gather(1, order)


def _topk(scores: torch.Tensor, k: int, largest: bool) -> tuple[torch.Tensor, torch.Tensor]:
    best, columns = scores.topk(k, largest=largest)
    return best, columns
