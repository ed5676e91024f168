"""What the model reads before it writes: images and prompt, and the order they stand in.

The bookkeeping of positions, masks and kinds is done once, in numpy, for both backends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steer_gym.affine import KIND, PADDING

DecodeWindow = Literal["last", "seen"]
"""Which positions of the prefix a decode step attends to. ``last``: the last n, n being the number
of unmasked ones; this is openpi's, and with a masked camera it reaches into the masked image and
leaves out as many of the first. ``seen``: the unmasked ones."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelInputs:
    """The inputs of one batch."""

    images: NDArray[np.float32]
    """(rows, cameras, size, size, 3), in [-1, 1]."""
    camera_mask: NDArray[np.bool_]
    """(rows, cameras), false for a camera that the model must not see."""
    prompt: NDArray[np.int64]
    """(rows, length), token ids, padded on the right."""
    prompt_kinds: NDArray[np.int64]
    """(rows, length), numbers of ``steer_gym.affine.KIND``, ``PADDING`` for padding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prefix:
    """The prefix moved to the right, so that every row ends at the last position."""

    order: NDArray[np.int64]
    """(rows, positions): which of the embedded tokens, images first, stands here."""
    mask: NDArray[np.bool_]
    """(rows, positions), true where there is something to see."""
    positions: NDArray[np.int64]
    """(rows, positions), for the rotary embedding."""
    lengths: NDArray[np.int64]
    """(rows,), number of positions that can be seen."""
    decode_mask: NDArray[np.bool_]
    """(rows, positions), what decode steps attend to."""
    kinds: NDArray[np.int64]
    """(rows, positions), for the steering."""

    @classmethod
    def of(cls, inputs: ModelInputs, image_tokens: int, window: DecodeWindow) -> Prefix:
        """Lay out the prefix of a batch.

        Args:
            inputs: The batch.
            image_tokens: Tokens of one image.
            window: What decode steps attend to.
        """
        seen = np.repeat(inputs.camera_mask, image_tokens, axis=1)
        mask = np.concatenate([seen, inputs.prompt_kinds != PADDING], axis=1)
        # openpi steers and, in its decode window, attends to the tokens of masked cameras too.
        hidden = PADDING if window == "seen" else KIND["image"]
        image_kinds = np.where(seen, KIND["image"], hidden)
        kinds = np.concatenate([image_kinds, inputs.prompt_kinds], axis=1)
        width = mask.shape[1]
        end = np.max(mask * np.arange(1, width + 1), axis=1)  # one past the last that is seen
        order = (np.arange(width)[None] + end[:, None]) % width
        mask, kinds = (np.take_along_axis(array, order, axis=1) for array in (mask, kinds))
        lengths = mask.sum(axis=1)
        last = np.arange(width)[None] >= (width - lengths)[:, None]
        return cls(
            order=order,
            mask=mask,
            positions=np.cumsum(mask, axis=1) - 1,
            lengths=lengths,
            decode_mask=last if window == "last" else mask,
            kinds=kinds,
        )
