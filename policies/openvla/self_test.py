"""At load time: does the network look at its images?

On newer versions of transformers the released code runs and never calls its vision towers: every
picture gives the same action (openvla issues 346 and 348).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .tensors import CheckpointError


def check_sees_images(
    respond: Callable[[NDArray[np.uint8]], Tensor], size: int, dtype: torch.dtype
) -> None:
    """Raise unless a black and a white picture give different numbers, and finite ones.

    Args:
        respond: From views, (rows, size, size, 3), to what the network makes of them, rows first.
        size: Of the views.
        dtype: Of the network, for the error.

    Raises:
        CheckpointError: They do not.
    """
    views = np.zeros((2, size, size, 3), np.uint8)
    views[1] = 255
    with torch.inference_mode():
        black, white = respond(views)
    if not bool(torch.isfinite(black).all() and torch.isfinite(white).all()):
        raise CheckpointError(
            f"What the network puts out is not finite in {dtype}; the weights are broken, or too "
            "large for that type."
        )
    if torch.equal(black, white):
        raise CheckpointError(
            "A black and a white picture give the same logits: the network does not look at its "
            "images. Its weights are broken, or this version of transformers is one that steer_gym "
            "does not know."
        )
