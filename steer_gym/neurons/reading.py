"""From a model's neurons to their table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from steer_gym.extras import require

from .projection import Projector, TopTokens
from .source import NeuronSource, SourceError
from .table import NeuronTable, Recipe

Projection = Literal["raw", "norm"]


def read_table(
    source: NeuronSource,
    *,
    k: int = 30,
    projection: Projection = "raw",
    dtype: str = "float32",
    device: str = "cpu",
    on_neurons: Callable[[int], None] = lambda done: None,
) -> NeuronTable:
    """Return what every neuron of a model says.

    Args:
        source: The model; its layers are read one after another.
        k: Tokens at either end.
        projection: ``raw``, the paper's, or ``norm``: through the final norm's gain.
        dtype: Of the product: ``float32``, or ``bfloat16``, which only chooses candidates.
        device: A torch device.
        on_neurons: Called with the number of neurons done.

    Raises:
        SourceError: The model has no k tokens, or cannot be read.
    """
    torch = require("torch", extra="torch")
    vocabulary = source.vocabulary()
    if not 0 < k <= len(vocabulary):
        raise SourceError(f"{source.name} has {len(vocabulary):,} tokens; k must not be {k}.")
    rows = source.rows(through_norm=projection == "norm").to(device)
    rows = rows if rows.dtype == torch.bfloat16 and dtype == "bfloat16" else rows.float()
    projector = Projector(rows, k=k, dtype=getattr(torch, dtype))
    promoted, suppressed, done = [], [], 0
    for values in source.values():
        for block in torch.split(values, projector.block):
            both = projector(block.to(device))
            promoted.append(both[0])
            suppressed.append(both[1])
            done += len(block)
            on_neurons(done)
    return NeuronTable(
        space=source.space,
        promoted=TopTokens.joined(promoted),
        suppressed=TopTokens.joined(suppressed),
        texts=vocabulary.texts,
        kinds=vocabulary.kinds,
        recipe=Recipe(model=source.name, projection=projection, k=k, dtype=dtype),
    )
