"""From observations to the network's inputs: pixels normalised for each tower, token ids, state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from .conventions import ACTION_CUE, Convention
from .sizes import TowerSizes
from .tensors import CheckpointError, read_json

PREPROCESSOR = "preprocessor_config.json"
BEGIN = 1
"""Llama's begin-of-sequence."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelInputs:
    """Pictures to pixels: the convention's view, then each tower's mean and deviation."""

    convention: Convention
    size: int
    """Pixels of a side."""
    mean: Tensor
    """(3 per tower, 1, 1), of pixels in [0, 1]."""
    deviation: Tensor
    """(3 per tower, 1, 1)."""

    @classmethod
    def of(cls, folder: Path, towers: Sequence[TowerSizes], convention: Convention) -> PixelInputs:
        """Return what the folder's preprocessor says for these towers.

        Raises:
            CheckpointError: It says something for other towers.
        """
        config = read_json(folder / PREPROCESSOR, "how pixels are normalised")
        size = towers[0].image_size
        wanted = [[3, size, size]] * len(towers)
        sizes, mean, deviation = (config.get(key, ()) for key in ("input_sizes", "means", "stds"))
        if sizes != wanted or not np.shape(mean) == np.shape(deviation) == (len(towers), 3):
            raise CheckpointError(
                f"{folder / PREPROCESSOR} has input_sizes {sizes}, means {mean} and stds "
                f"{deviation}; the tensors are those of {len(towers)} towers for {wanted}."
            )
        return cls(
            convention=convention,
            size=size,
            mean=torch.tensor(mean, dtype=torch.float32).reshape(-1, 1, 1),
            deviation=torch.tensor(deviation, dtype=torch.float32).reshape(-1, 1, 1),
        )

    def __call__(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Return (rows, 3 per tower, size, size) from pictures (rows, height, width, 3)."""
        return self.normalised(np.stack([self.convention.view(p, self.size) for p in pictures]))

    def normalised(self, views: NDArray[np.uint8]) -> Tensor:
        """Return the same from views, (rows, size, size, 3)."""
        scaled = torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255
        return (scaled.repeat(1, len(self.mean) // 3, 1, 1) - self.mean) / self.deviation


def prompt_ids(template: str, instruction: str, tokenizer: Tokenizer) -> list[int]:
    """Return the ids of an instruction's prompt: begin first, the cue for an action last."""
    ids = list(tokenizer.encode(template.format(instruction.lower())).ids)
    begun = ids if ids[:1] == [BEGIN] else [BEGIN, *ids]
    return begun if begun[-1] == ACTION_CUE else [*begun, ACTION_CUE]
