"""Down projections that are no plain linear layers: adapters and quantised weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from steer_gym import NeuronSet, NeuronSpace, Steering
from steer_gym.affine import KIND
from steer_gym.policies.engines.torch_engine import TorchEngine

WIDTH, DIM = 8, 5
KINDS = np.full((1, 3), KIND["text"])


class LoraLinear(nn.Module):
    """A frozen linear layer and a low-rank update beside it; both see the same activations."""

    def __init__(self) -> None:
        super().__init__()
        self.base_layer = nn.Linear(WIDTH, DIM, bias=False)
        self.lora_a = nn.Linear(WIDTH, 2, bias=False)
        self.lora_b = nn.Linear(2, DIM, bias=False)
        self.in_features = WIDTH

    def forward(self, f: Tensor) -> Tensor:
        return self.base_layer(f) + self.lora_b(self.lora_a(f))


class Int8Linear(nn.Module):
    """Weights as int8 with a scale per output; there is no float weight to multiply by."""

    def __init__(self) -> None:
        super().__init__()
        weight = torch.randn(DIM, WIDTH)
        scale = weight.abs().amax(dim=1) / 127
        self.register_buffer("weight", (weight / scale[:, None]).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, f: Tensor) -> Tensor:
        return (f @ self.weight.to(f.dtype).T) * self.scale.to(f.dtype)


def dynamic_int8() -> nn.Module:
    quantization = pytest.importorskip("torch.ao.quantization")
    return quantization.quantize_dynamic(nn.Sequential(nn.Linear(WIDTH, DIM)), {nn.Linear})[0]


@pytest.mark.filterwarnings("ignore:.*quantiz.*deprecated")
@pytest.mark.parametrize("make", [LoraLinear, Int8Linear, dynamic_int8])
def test_steers_the_input_whatever_the_module_does_with_it(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    module = make()
    f = torch.randn(1, 3, WIDTH)
    edited = f.clone()
    edited[..., [1, 6]] = torch.tensor([2.0, -3.0])
    plain, expected = module(f), module(edited)
    engine = TorchEngine([module], NeuronSpace(layers=1, width=WIDTH))
    assert torch.equal(module(f), plain)
    with engine.steered([Steering(NeuronSet.from_flat([1, 6]), (2.0, -3.0))], KINDS):
        assert torch.equal(module(f), expected)
    assert not torch.equal(expected, plain)
