"""At load time: does the network look at its images?

On newer versions of transformers the released code runs and never calls its vision towers: every
picture gives the same action (openvla issues 346 and 348).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .inputs import PixelInputs
from .model import OpenVlaModel, Prompts
from .tensors import CheckpointError


def check_sees_images(model: OpenVlaModel, pixels: PixelInputs, prompts: Prompts) -> None:
    """Raise unless a black and a white picture give different logits, and finite ones.

    Args:
        model: The network.
        pixels: How pictures are normalised.
        prompts: One prompt.

    Raises:
        CheckpointError: They do not.
    """
    black, white = (_logits(model, pixels, prompts, level) for level in (0, 255))
    if not bool(torch.isfinite(black).all() and torch.isfinite(white).all()):
        raise CheckpointError(
            f"The network's logits are not finite in {model.dtype}; the weights are broken, or too "
            "large for that type."
        )
    if torch.equal(black, white):
        raise CheckpointError(
            "A black and a white picture give the same logits: the network does not look at its "
            "images. Its weights are broken, or this version of transformers is one that steer_gym "
            "does not know."
        )


def _logits(model: OpenVlaModel, pixels: PixelInputs, prompts: Prompts, level: int) -> Tensor:
    view = np.full((1, pixels.size, pixels.size, 3), level, np.uint8)
    seen: list[Tensor] = []

    def choose(logits: Tensor) -> Tensor:
        seen.append(logits)
        return logits.argmax(-1)

    device = model.llama.lm_head.weight.device
    with torch.inference_mode():
        inputs = pixels.normalised(view).to(device, model.dtype)
        model.generate(inputs, prompts, choose, tokens=1, competing=slice(0, None))
    return seen[0]
