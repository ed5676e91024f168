"""Low-rank weights of openpi, merged: what is steered and read are the weights that act.

openpi adds ``x A B`` to ``x W`` in the feed-forward layer, without a factor, and ``x A B`` times
``alpha / rank`` in the attention, which is 1 in every published configuration. In the einsum of
the attention's output the first product already sums over heads, so each head's ``A`` meets the
sum of all heads' ``B``; the merged weights say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .sizes import CheckpointError, Parameters

_OUTPUT = "attn_vec_einsum/"


def merge_lora(parameters: Mapping[str, NDArray[Any]]) -> Parameters:
    """Return the parameters with every pair of low-rank weights added to its weight.

    Raises:
        CheckpointError: A low-rank weight has no partner, or no weight that it belongs to.
    """
    merged = {name: array for name, array in parameters.items() if "lora_" not in name}
    halves = [name for name in parameters if "lora_" in name]
    for name in halves:
        first, second = name.replace("lora_b", "lora_a"), name.replace("lora_a", "lora_b")
        base = _base(name)
        if not {first, second} <= parameters.keys() or base not in merged:
            raise CheckpointError(
                f"The low-rank weight {name!r} needs {first!r}, {second!r} and {base!r}; the "
                "checkpoint lacks one of them."
            )
        if name == first:
            weight = merged[base].astype(np.float32)
            merged[base] = weight + _product(base, parameters[first], parameters[second])
    return merged


def _base(name: str) -> str:
    """Return the weight's name: ``linear_lora_a`` -> ``linear``, ``lora_a`` -> ``w``."""
    folder, _, leaf = name.rpartition("/")
    stem = leaf.partition("lora_")[0].rstrip("_")
    return f"{folder}/{stem or 'w'}"


def _product(base: str, first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float32]:
    a, b = first.astype(np.float32), second.astype(np.float32)
    if _OUTPUT in base:
        b = b.sum(axis=-3, keepdims=True)
    product: NDArray[np.float32] = a @ b
    return product
