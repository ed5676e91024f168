"""Linear layers in 8 or 4 bits, by bitsandbytes, for GPUs that cannot hold the whole.

bitsandbytes has kernels for the CPU too, which tests run; never run on a GPU, for want of one.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from steer_gym.errors import SteerGymError
from steer_gym.extras import require

QUANTIZATIONS = ("int8", "nf4")
DEVICES = ("cuda", "cpu")
"""Where bitsandbytes' kernels are known to run."""


def check_quantization(kind: str, device: torch.device) -> None:
    """Raise unless layers can be quantised in this way on this device.

    Raises:
        SteerGymError: The way is not known, or the device is another.
        MissingPackageError: bitsandbytes is not installed.
    """
    if kind not in QUANTIZATIONS:
        raise SteerGymError(
            f"quantization must be one of {', '.join(QUANTIZATIONS)}, or None, but is {kind!r}."
        )
    if device.type not in DEVICES:
        raise SteerGymError(
            f"quantization={kind!r} runs on {' or '.join(DEVICES)}, but the device is {device}. "
            "Leave quantization out; dtype=torch.bfloat16 halves the memory of float32."
        )
    require("bitsandbytes", extra="quantization")
    # int8 computes in float16, and says so with every product: thousands of lines an action.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)


def quantized_linear(
    weight: Tensor, kind: str, *, device: torch.device, dtype: torch.dtype
) -> nn.Module:
    """Return a linear layer without bias whose weight is quantised on its way to ``device``.

    Args:
        weight: (outputs, inputs), on the CPU.
        kind: One of ``QUANTIZATIONS``.
        device: One of ``DEVICES``.
        dtype: Of the activations and of the arithmetic.
    """
    layers: Any = require("bitsandbytes", extra="quantization").nn
    outputs, inputs = weight.shape
    if kind == "int8":
        # The threshold keeps columns with outlying activations in dtype, as LLM.int8() does. A
        # steered neuron outlies: without it, its position would have no bits left for the others.
        layer = layers.Linear8bitLt(
            inputs, outputs, bias=False, has_fp16_weights=False, threshold=6.0, device="meta"
        )
        layer.forward = row_by_row(layer.forward)
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


def return_freed_memory() -> None:
    """Give freed memory back to the system, where C's library keeps it.

    glibc keeps what is freed in pieces of up to 32 MB. Each layer frees its half-precision copies
    between pieces that stay, and after all layers that was as much as the quantised ones take.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not in musl
        if trim:
            trim(0)


def row_by_row(product: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return ``product`` of each row, (1, positions, inputs), alone.

    bitsandbytes looks for outlying columns in all rows together, so that a steered row would
    change how its unsteered neighbour is rounded. A row's own padding still counts. States of
    no rows, (positions, inputs), are those of one.
    """

    def apart(states: Tensor) -> Tensor:
        rows = states.chunk(len(states)) if states.ndim > 2 else [states]
        return torch.cat([product(row) for row in rows])

    return apart
