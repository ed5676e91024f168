"""SmolLM2, a real language model: its folder, and the table of its neurons, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steer_gym.errors import MissingPackageError


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """Return SmolLM2's folder."""
    pytest.importorskip("transformers", reason="needs the extra 'torch'")
    from steer_gym.smollm2 import smollm2_folder

    try:
        return smollm2_folder()
    except MissingPackageError as error:
        pytest.skip(str(error))


LATE = 26
"""First of the layers of SmolLM2 that ``late_table`` reads; its clean neurons are from there on."""


@pytest.fixture(scope="session")
def late_table(smollm2: Path) -> Any:
    """Return the table of SmolLM2, of whose layers only the last four are projected."""
    import numpy as np
    import torch

    from steer_gym.neurons.decoder_files import folder_source
    from steer_gym.neurons.projection import TopTokens, project
    from steer_gym.neurons.table import NeuronTable, Recipe

    source, k = folder_source(smollm2), 10
    values = torch.cat([source.layer(layer) for layer in range(LATE, source.space.layers)])
    both = project(values, source.rows(), k=k)
    before = source.space.size - len(values)

    def whole(tops: TopTokens) -> TopTokens:
        blank = np.zeros((before, k))
        return TopTokens(
            ids=np.concatenate([blank, tops.ids]).astype(np.int32),
            scores=np.concatenate([blank, tops.scores]).astype(np.float32),
        )

    words = source.vocabulary()
    return NeuronTable(
        space=source.space,
        promoted=whole(both[0]),
        suppressed=whole(both[1]),
        texts=words.texts,
        kinds=words.kinds,
        recipe=Recipe(model="smollm2, late", projection="raw", k=k, dtype="float32"),
    )
