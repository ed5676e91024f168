"""What a neuron says: the tokens whose unembedding rows its value vector points to, or away from.

The projection is the paper's: plain dot products of a value vector with every unembedding row,
no final norm, no softmax (arXiv 2509.00328); the final norm's gain can be put between. All logits
never stand in memory at once: neurons go in blocks, and of each block only the top k stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

    def __init__(self, unembedding: torch.Tensor, *, k: int, narrow: bool = False) -> None:
        """Make room for a block.

        Args:
            unembedding: (vocabulary, d), at least float32, any device; multiply its columns by the
                final norm's gain to project through the norm.
            k: Tokens to keep at either end.
            narrow: Round the factors to bfloat16 (TF32 on CUDA), two to three times as fast;
                products are summed in float32, so that weights stored in bfloat16 lose nothing.

        Raises:
            ValueError: k exceeds the vocabulary.
        """
        if not 0 < k <= len(unembedding):
            raise ValueError(f"k must be 1 to {len(unembedding)} (the vocabulary), but is {k}.")
        self._k, self._columns, self._narrow = k, unembedding.T, narrow
        self.block = max(LOGITS // len(unembedding), 64)
        self._logits = unembedding.new_empty((self.block, len(unembedding)))

    def __call__(self, values: torch.Tensor) -> tuple[TopTokens, TopTokens]:
        """Return the k most promoted and most suppressed tokens of at most ``block`` neurons.

        Args:
            values: (neurons, d), of the unembedding's type and device.
        """
        torch = require("torch", extra="torch")
        logits = self._logits[: len(values)]
        with torch.inference_mode(), _precision("medium" if self._narrow else "highest"):
            torch.mm(values, self._columns, out=logits)
            return self._end(logits, largest=True), self._end(logits, largest=False)

    def _end(self, logits: torch.Tensor, *, largest: bool) -> TopTokens:
        scores, ids = _best(logits, self._k, largest)
        return TopTokens(ids=ids.int().cpu().numpy(), scores=scores.float().cpu().numpy())


@contextmanager
def _precision(name: str) -> Iterator[None]:
    """Multiply float32 matrices with that precision in the block."""
    torch = require("torch", extra="torch")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def project(
    values: torch.Tensor,
    unembedding: torch.Tensor,
    *,
    k: int = 10,
    on_block: Callable[[int], None] | None = None,
) -> tuple[TopTokens, TopTokens]:
    """Return the k most promoted and the k most suppressed tokens of every neuron.

    Args:
        values: Value vectors, (neurons, d), of the unembedding's type and device.
        unembedding: See ``Projector``.
        k: Tokens to keep at either end.
        on_block: Called with the number of neurons done after each block.

    Raises:
        ValueError: k exceeds the vocabulary.
    """
    projector = Projector(unembedding, k=k)
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
