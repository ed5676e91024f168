"""From a model's neurons to their table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from steer_gym.extras import require

from .projection import Projector, TopTokens
from .source import NeuronSource, SourceError
from .table import NeuronTable, Recipe, TableError

Projection = Literal["raw", "norm"]
Dtype = Literal["auto", "float32", "bfloat16"]


def read_table(
    source: NeuronSource,
    *,
    k: int = 30,
    projection: Projection = "raw",
    dtype: Dtype = "auto",
    device: str = "cpu",
    on_neurons: Callable[[int], None] = lambda done: None,
) -> NeuronTable:
    """Return what every neuron of a model says.

    Args:
        source: The model; its layers are read one after another.
        k: Tokens at either end.
        projection: ``raw``, the paper's, or ``norm``: through the final norm's gain.
        dtype: Of the factors: ``float32``, or ``bfloat16``, which weights stored so lose nothing by
            and is faster; ``auto`` chooses by how they are stored.
        device: A torch device.
        on_neurons: Called with the number of neurons done.

    Raises:
        SourceError: The model has no k tokens, or cannot be read.
    """
    torch = require("torch", extra="torch")
    vocabulary = source.vocabulary()
    if not 0 < k <= len(vocabulary):
        raise SourceError(f"{source.name} has {len(vocabulary):,} tokens; k must not be {k}.")
    rows = source.rows(through_norm=projection == "norm")
    if dtype == "auto":
        dtype = "bfloat16" if rows.dtype == torch.bfloat16 else "float32"
    projector = Projector(rows.to(device).float(), k=k, narrow=dtype == "bfloat16")
    promoted, suppressed, norms, done = [], [], [], 0
    for values in source.values():
        norms.append(values.float().norm(dim=1).cpu().numpy())
        for block in torch.split(values, projector.block):
            both = projector(block.to(device).float())
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
        norms=np.concatenate(norms),
        recipe=Recipe(model=source.name, projection=projection, k=k, dtype=dtype),
    )


def kept_table(
    path: Path,
    source: NeuronSource,
    *,
    k: int = 30,
    projection: Projection = "raw",
    dtype: Dtype = "auto",
) -> NeuronTable | None:
    """Return the table in a file if it is what ``read_table`` would return, or longer.

    ``None`` where it is missing, damaged, of other weights, or made otherwise.
    """
    try:
        table = NeuronTable.load(path, source.space)
    except TableError:
        return None
    dtypes = ("float32", "bfloat16") if dtype == "auto" else (dtype,)
    length = max(k, table.recipe.k)
    made = [
        Recipe(model=source.name, projection=projection, k=length, dtype=each) for each in dtypes
    ]
    return table if table.recipe in made else None
