"""Steering a compiled model: it takes effect, and it never compiles again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend

from steer_gym import NeuronSet, NeuronSpace, Steering
from steer_gym.affine import KIND
from steer_gym.policies.engines.anatomy import down_projections
from steer_gym.policies.engines.torch_engine import TorchEngine

SPACE = NeuronSpace(layers=4, width=20)
KINDS = np.full((2, 5), KIND["text"])
Make = Callable[..., nn.Module]


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def hidden(rows: int = 2, positions: int = 5) -> Tensor:
    return torch.randn(
        rows, positions, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )


STEERINGS = [
    Steering(NeuronSet.from_flat([3, 25]), 4.0),
    Steering(NeuronSet.from_flat([3, 25]), -8.5),
    Steering(NeuronSet.from_flat([70]), 4.0, operation="add"),
    Steering(NeuronSet.from_flat(range(80)), 0.5, operation="scale"),
    Steering(NeuronSet.from_flat(range(40)), operation="ablate", positions=((1, 3),)),
    Steering(NeuronSet.from_flat([7]), 2.0, positions=("decode",)),
    Steering(),
    None,
]


def test_steering_takes_effect_and_never_compiles_again(make_decoder: Make) -> None:
    model = make_decoder()
    engine = TorchEngine(down_projections(model), SPACE)
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(model, backend=counter, fullgraph=True)
    prompt, token = hidden(), hidden(positions=1)
    with engine.steered([None] * 2, KINDS):
        plain = compiled(prompt), compiled(token)
    before = counter.frame_count
    for steering in STEERINGS:
        with engine.steered([None, steering], KINDS):
            seen = compiled(prompt), compiled(token)
            with torch.compiler.set_stance("force_eager"):
                expected = model(prompt), model(token)
        for one, other, unsteered in zip(seen, expected, plain, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)
            assert torch.equal(one[0], unsteered[0])
        changed = any(
            not torch.equal(one[1], other[1]) for one, other in zip(seen, plain, strict=True)
        )
        assert changed == bool(steering), steering
    assert counter.frame_count == before == 2, "one graph for the prefill, one for decode steps"
    assert torch.equal(compiled(prompt), plain[0])


def test_another_batch_size_compiles_once_more(make_decoder: Make) -> None:
    model = make_decoder()
    engine = TorchEngine(down_projections(model), SPACE)
    counter = CompileCounterWithBackend("eager")
    compiled = torch.compile(model, backend=counter, fullgraph=True, dynamic=False)
    frames = []
    for rows in (1, 3, 1, 3, 1, 3):
        x = hidden(rows)
        with engine.steered([STEERINGS[0]] * rows, np.tile(KINDS[:1], (rows, 1))):
            seen = compiled(x)
        frames.append(counter.frame_count)
        with engine.steered([STEERINGS[0]] * rows, np.tile(KINDS[:1], (rows, 1))):
            torch.testing.assert_close(model(x), seen)
    assert frames[3:] == [frames[2]] * 3
    assert frames[2] <= 3


def test_an_exception_in_a_compiled_model_leaves_nothing_behind(make_decoder: Make) -> None:
    model = make_decoder()
    engine = TorchEngine(down_projections(model), SPACE)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    plain = compiled(hidden())

    def interrupted() -> None:
        with engine.steered(STEERINGS[:2], KINDS):
            assert not torch.equal(compiled(hidden()), plain)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert torch.equal(compiled(hidden()), plain)


def test_measuring_a_compiled_model_works_and_never_compiles_again(make_decoder: Make) -> None:
    model = make_decoder()
    norms = [layer.mlp.gate_proj for layer in model.layers]
    engine = TorchEngine(down_projections(model), SPACE, norms=norms)
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(model, backend=counter, fullgraph=True)
    steerings = [None, STEERINGS[0]]
    with engine.steered(steerings, KINDS):
        expected = compiled(hidden()), compiled(hidden(positions=1))
    before = counter.frame_count
    seen = []
    for forward in (compiled, model, compiled):
        with engine.steered(steerings, KINDS, measured=[True, True]) as call:
            outputs = forward(hidden()), forward(hidden(positions=1))
        seen.append(call.reports(1)[1].size)
        for one, other in zip(outputs, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)
        with engine.steered(steerings, KINDS):
            assert torch.equal(compiled(hidden()), expected[0])
    assert seen[0] == seen[1] == seen[2]
    assert seen[0].mean > 0
    assert counter.frame_count == before


def test_capture_works_on_a_compiled_model(make_decoder: Make) -> None:
    model = make_decoder()
    engine = TorchEngine(down_projections(model), SPACE)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    compiled(hidden())
    with engine.capture() as captured:
        compiled(hidden())
    with engine.capture() as expected:
        model(hidden())
    assert torch.equal(captured[3][0], expected[3][0])


def test_inductor_steers_as_eager_does(make_decoder: Make) -> None:
    layer = make_decoder(dtype=torch.float32).layers[0]
    engine = TorchEngine([layer.mlp.down_proj], NeuronSpace(layers=1, width=20))
    compiled = torch.compile(layer, fullgraph=True)
    x = hidden().float()
    with engine.steered([None, None], KINDS):
        torch.testing.assert_close(compiled(x), layer(x))
    for alpha in (4.0, -2.0):
        with engine.steered([None, Steering(NeuronSet.from_flat([3, 8]), alpha)], KINDS):
            torch.testing.assert_close(compiled(x), layer(x))
