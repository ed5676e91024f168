"""Linear layers in 8 or 4 bits, by bitsandbytes, for GPUs that cannot hold the whole.

Written against bitsandbytes' documented classes; never run, for want of a GPU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from steer_gym.errors import SteerGymError
from steer_gym.extras import require

QUANTIZATIONS = ("int8", "nf4")


def check_quantization(kind: str, device: torch.device) -> None:
    """Raise unless layers can be quantised in this way on this device.

    Raises:
        SteerGymError: The way is not known, or there is no CUDA.
        MissingPackageError: bitsandbytes is not installed.
    """
    if kind not in QUANTIZATIONS:
        raise SteerGymError(
            f"quantization must be one of {', '.join(QUANTIZATIONS)}, or None, but is {kind!r}."
        )
    if device.type != "cuda":
        raise SteerGymError(
            f"quantization={kind!r} needs CUDA, but the device is {device}. On a CPU leave "
            "quantization out; dtype=torch.bfloat16 halves the memory of float32."
        )
    require("bitsandbytes", extra="quantization")


def quantized_linear(
    weight: Tensor, kind: str, *, device: torch.device, dtype: torch.dtype
) -> nn.Module:
    """Return a linear layer without bias whose weight is quantised on its way to ``device``.

    Args:
        weight: (outputs, inputs), on the CPU.
        kind: One of ``QUANTIZATIONS``.
        device: A CUDA device.
        dtype: Of the activations and of the arithmetic.
    """
    layers: Any = require("bitsandbytes", extra="quantization").nn
    outputs, inputs = weight.shape
    if kind == "int8":
        # The threshold keeps columns with outlying activations in dtype, as LLM.int8() does.
        layer = layers.Linear8bitLt(
            inputs, outputs, bias=False, has_fp16_weights=False, threshold=6.0, device="meta"
        )
        half = weight.to(torch.float16)
        layer.weight = layers.Int8Params(half, requires_grad=False, has_fp16_weights=False)
    else:
        layer = layers.Linear4bit(
            inputs, outputs, bias=False, compute_dtype=dtype, quant_type="nf4", device="meta"
        )
        layer.weight = layers.Params4bit(
            weight.to(dtype).contiguous(), requires_grad=False, quant_type="nf4"
        )
    moved: nn.Module = layer.to(device)
    return moved
