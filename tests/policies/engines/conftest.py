"""Small real models: residual gated feed-forward layers, as in Llama, on vectors for words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

DIM, WIDTH, LAYERS = 12, 20, 4


class GatedFfn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(DIM, WIDTH, bias=False)
        self.up_proj = nn.Linear(DIM, WIDTH, bias=False)
        self.down_proj = nn.Linear(WIDTH, DIM, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mlp = GatedFfn()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mlp(x)


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, x: Tensor) -> Tensor:
        """Return hidden states, (rows, positions, DIM), after every layer."""
        for layer in self.layers:
            x = layer(x)
        return x


@pytest.fixture
def make_decoder() -> Callable[..., Decoder]:
    """Return a maker of random decoders of 4 layers of 20 neurons over 12 numbers a position."""

    def make(seed: int = 0, dtype: torch.dtype = torch.float64) -> Decoder:
        torch.manual_seed(seed)
        return Decoder().to(dtype).eval().requires_grad_(False)

    return make
