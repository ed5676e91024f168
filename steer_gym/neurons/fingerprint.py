"""A short name for weights, the same whether they are loaded or still lie in their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from steer_gym.extras import require

if TYPE_CHECKING:
    from torch import Tensor

_SAMPLES = 4096


def tensors_fingerprint(named: Iterable[tuple[str, Tensor]]) -> str:
    """Return 16 hexadecimal digits that name tensors, in their order.

    The SHA-256 of every tensor's name, shape, and 4,096 values spread evenly over it, so that 15
    GB take as long as 15 MB. Values count as bfloat16: float32 weights and the same weights
    loaded in bfloat16 agree, on any device. What it does not see: a change that misses every
    sample, such as one edited neuron; a fine-tuning changes all.
    """
    digest = hashlib.sha256()
    for name, tensor in named:
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(_sample(tensor))
    return digest.hexdigest()[:16]


def _sample(tensor: Tensor) -> bytes:
    torch = require("torch", extra="torch")
    flat = tensor.detach().reshape(-1)
    count = min(_SAMPLES, len(flat))
    at = torch.from_numpy(np.linspace(0, len(flat) - 1, count).astype(np.int64))
    values = flat[at.to(flat.device)].cpu()
    rounded = values.to(torch.bfloat16) if values.is_floating_point() else values.to(torch.int16)
    sampled: bytes = rounded.view(torch.int16).numpy().tobytes()
    return sampled
