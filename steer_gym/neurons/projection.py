"""What a neuron says: the tokens whose unembedding rows its value vector points to, or away from.

The projection is the paper's: plain dot products of a value vector with every unembedding row,
no final norm, no softmax (arXiv 2509.00328); the final norm's gain can be put between. All logits
never stand in memory at once: neurons go in blocks, and of each block only the top k stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require

if TYPE_CHECKING:
    import torch

BLOCK = 1024
"""Neurons at once: 1,024 x 49,152 float32 logits are 200 MB, and larger blocks are no faster."""


@dataclass(frozen=True, kw_only=True)
class TopTokens:
    """The tokens at one end of each neuron's projection, best first."""

    ids: NDArray[np.int32]
    """(neurons, k)."""
    scores: NDArray[np.float32]
    """(neurons, k), dot products."""


def project(
    values: torch.Tensor,
    unembedding: torch.Tensor,
    *,
    k: int = 10,
    on_block: Callable[[int], None] | None = None,
) -> tuple[TopTokens, TopTokens]:
    """Return the k most promoted and the k most suppressed tokens of every neuron.

    Args:
        values: Value vectors, (neurons, d), any float dtype and device.
        unembedding: (vocabulary, d), the same dtype and device; multiply its columns by the final
            norm's gain to project through the norm.
        k: Tokens to keep at either end.
        on_block: Called with the number of neurons done after each block.

    Raises:
        ValueError: k exceeds the vocabulary.
    """
    torch = require("torch", extra="torch")
    if not 0 < k <= len(unembedding):
        raise ValueError(f"k must be 1 to {len(unembedding)} (the vocabulary), but is {k}.")
    promoted, suppressed, done = [], [], 0
    with torch.inference_mode():
        for start in range(0, len(values), BLOCK):
            logits = values[start : start + BLOCK] @ unembedding.T
            promoted.append(torch.topk(logits, k))
            suppressed.append(torch.topk(logits, k, largest=False))
            done += len(logits)
            if on_block:
                on_block(done)
    return _joined(promoted), _joined(suppressed)


def _joined(blocks: list[Any]) -> TopTokens:
    ids = [block.indices.int().cpu().numpy() for block in blocks]
    scores = [block.values.float().cpu().numpy() for block in blocks]
    return TopTokens(ids=np.concatenate(ids), scores=np.concatenate(scores))
