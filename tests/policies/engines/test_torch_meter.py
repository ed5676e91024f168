"""The size of a steering is what it changes in the residual stream, beside that stream."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import linear, silu

from steer_gym import NeuronSet, NeuronSpace, Steering
from steer_gym.affine import KIND
from steer_gym.errors import SteeringError
from steer_gym.policies.engines.anatomy import down_projections, feed_forward_norms, neuron_space
from steer_gym.policies.engines.torch_engine import SteeredCall, TorchEngine
from steer_gym.policy import SteeringSize

from .test_torch_engine import KINDS, SPACE, hidden, random_steering
from .test_wrapped_modules import Int8Linear, LoraLinear

Make = Callable[..., nn.Module]


@pytest.fixture
def spread() -> NDArray[np.float32]:
    shape = (SPACE.layers, SPACE.width)
    return np.random.default_rng(9).uniform(0.1, 2, shape).astype(np.float32)


def measuring_engine(model: nn.Module) -> TorchEngine:
    """Return an engine on a decoder without norms, whose gates read the stream itself."""
    norms = [layer.mlp.gate_proj for layer in model.layers]
    return TorchEngine(down_projections(model), SPACE, norms=norms)


def sizes(call: SteeredCall) -> list[SteeringSize | None]:
    return [report.size if report else None for report in call.reports(2)]


def changes(model: nn.Module) -> list[list[NDArray[np.float64]]]:
    """Return lists that fill, by layer and forward pass, with relative changes (rows, positions).

    The layer's natural output comes from its own input, by plain products of its weights.
    """
    found: list[list[NDArray[np.float64]]] = [[] for _ in model.layers]

    def hook(number: int) -> Callable[..., None]:
        def see(layer: nn.Module, args: tuple[Tensor], output: Tensor) -> None:
            (x,), mlp = args, layer.mlp
            f = silu(linear(x, mlp.gate_proj.weight)) * linear(x, mlp.up_proj.weight)
            natural = x + linear(f, mlp.down_proj.weight)
            ratio = (output - natural).norm(dim=-1) / natural.norm(dim=-1)
            found[number].append(ratio.numpy())

        return see

    for number, each in enumerate(model.layers):
        each.register_forward_hook(hook(number))
    return found


@pytest.mark.parametrize("seed", range(15))
def test_it_is_what_two_outputs_of_the_layer_differ_by(
    make_decoder: Make, spread: NDArray[np.float32], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    model = make_decoder(seed)
    steerings = [random_steering(rng) if rng.random() < 0.8 else None for _ in range(3)]
    found = changes(model)
    kinds, measured = np.tile(KINDS, (3, 1)), [True] * 3
    engine = measuring_engine(model)
    with engine.steered(steerings, kinds, spread=spread, measured=measured) as call:
        model(hidden(3))
        model(hidden(3, 1))
        model(hidden(3, 1) + 1)
    for row, (steering, size) in enumerate(zip(steerings, sizes(call), strict=True)):
        if steering is None:
            assert size is None
            continue
        by_layer = [np.concatenate([ratio[row] for ratio in passes]) for passes in found]
        edited = {layer: r[r > 1e-12] for layer, r in enumerate(by_layer) if (r > 1e-12).any()}
        everywhere = np.concatenate([*edited.values(), np.zeros(0)])
        assert size is not None
        assert size.mean == pytest.approx(everywhere.mean() if everywhere.size else 0, rel=1e-9)
        assert size.greatest == pytest.approx(max(everywhere, default=0), rel=1e-9)
        assert [layer for layer, _, _ in size.layers] == list(edited)
        for layer, mean, greatest in size.layers:
            assert mean == pytest.approx(edited[layer].mean(), rel=1e-9)
            assert greatest == pytest.approx(edited[layer].max(), rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_measuring_changes_no_bit_of_the_output(make_decoder: Make, dtype: torch.dtype) -> None:
    model, x = make_decoder(dtype=dtype), hidden(1, dtype=dtype)
    engine, steering = measuring_engine(model), Steering(NeuronSet.from_flat([1, 25, 70]), 2.0)
    with engine.steered([steering], KINDS[None]):
        expected = model(x)
    with engine.steered([steering], KINDS[None], measured=[True]) as call:
        assert torch.equal(model(x), expected)
    exact = make_decoder(dtype=dtype).double()
    with measuring_engine(exact).steered([steering], KINDS[None], measured=[True]) as reference:
        exact(x.double())
    assert sizes(call)[0].mean == pytest.approx(sizes(reference)[0].mean, rel=0.02)


def test_a_zero_dose_is_exactly_zero(make_decoder: Make) -> None:
    model = make_decoder()
    zero = Steering(NeuronSet.from_flat(range(80)), 0.0, operation="add")
    elsewhere = Steering(NeuronSet.from_flat([3]), 9.0, positions=("state",))
    real = Steering(NeuronSet.from_flat([3]), 9.0)
    for steerings in ([zero, elsewhere], [zero, real], [elsewhere, real]):
        engine = measuring_engine(model)
        kinds = np.tile(KINDS, (2, 1))
        with engine.steered(steerings, kinds, measured=[True, True]) as call:
            model(hidden(2))
        for steering, size in zip(steerings, sizes(call), strict=True):
            if steering is real:
                assert size.mean > 0
            else:
                assert size == SteeringSize(mean=0.0, greatest=0.0)


def test_a_neuron_that_is_already_at_alpha_counts_as_a_place_without_change() -> None:
    down = nn.Linear(2, 3, bias=False).requires_grad_(False)
    norm = nn.Identity()
    engine = TorchEngine([down], NeuronSpace(layers=1, width=2), norms=[norm])
    stream, f = torch.ones(1, 2, 3), torch.tensor([[[2.0, 1.0], [5.0, 1.0]]])
    steering = Steering(NeuronSet.from_flat([0]), 2.0)
    with engine.steered([steering], [[KIND["text"]] * 2], measured=[True]) as call:
        norm(stream)
        down(f)
    [size] = sizes(call)
    natural = stream[0, 1] + down(f)[0, 1]
    there = float((-3 * down.weight[:, 0]).norm() / natural.norm())
    assert size.greatest == pytest.approx(there, rel=1e-5)
    assert size.mean == pytest.approx(there / 2, rel=1e-5)


def test_only_rows_that_ask_are_measured_and_nothing_stays(make_decoder: Make) -> None:
    model = make_decoder()
    engine, steering = measuring_engine(model), Steering(NeuronSet.from_flat([3]), 9.0)
    hooks = [
        (len(module._forward_pre_hooks), len(module._forward_hooks)) for module in model.modules()
    ]
    kinds = np.tile(KINDS, (2, 1))
    with engine.steered([steering] * 2, kinds, measured=[False, True]) as call:
        model(hidden(2))
    one, other = sizes(call)
    assert one is None
    assert other is not None
    assert hooks == [
        (len(module._forward_pre_hooks), len(module._forward_hooks)) for module in model.modules()
    ]
    with engine.steered([steering] * 2, kinds) as call:
        model(hidden(2))
    assert sizes(call) == [None, None]


def test_a_call_without_a_forward_pass_has_measured_nothing(make_decoder: Make) -> None:
    steering = Steering(NeuronSet.from_flat([3]), 9.0)
    with measuring_engine(make_decoder()).steered([steering], KINDS[None], measured=[True]) as call:
        pass
    assert sizes(call) == [SteeringSize(mean=0.0, greatest=0.0)]


def test_what_is_not_finite_is_no_size(make_decoder: Make) -> None:
    model = make_decoder()
    steering = Steering(NeuronSet.from_flat([3]), 9.0)
    x = hidden(2)
    x[0] = torch.nan
    engine = measuring_engine(model)
    with engine.steered([steering] * 2, np.tile(KINDS, (2, 1)), measured=[True] * 2) as call:
        model(x)
    broken, whole = sizes(call)
    assert broken is None
    assert whole is not None


def test_an_engine_without_norms_says_what_it_needs(make_decoder: Make) -> None:
    model = make_decoder()
    engine = TorchEngine(down_projections(model), SPACE)
    with (
        pytest.raises(SteeringError, match=r"norms=feed_forward_norms\(model\)"),
        engine.steered([None], KINDS[None], measured=[True]),
    ):
        pytest.fail("the block must not run")
    with engine.steered([None], KINDS[None]):
        model(hidden(1))


@pytest.mark.parametrize("make", [LoraLinear, Int8Linear])
def test_wrapped_and_quantised_projections_are_asked_for_their_values(
    make: Callable[[], nn.Module],
) -> None:
    torch.manual_seed(0)
    module, norm = make().requires_grad_(False), nn.Identity()
    f, stream = torch.randn(1, 3, 8), torch.randn(1, 3, 5)
    engine = TorchEngine([module], NeuronSpace(layers=1, width=8), norms=[norm])
    steering = Steering(NeuronSet.from_flat([2, 5]), 3.0)
    with engine.steered([steering], [[KIND["text"]] * 3], measured=[True]) as call:
        norm(stream)
        module(f)
    edited = f.clone()
    edited[..., [2, 5]] = 3.0
    natural = stream + module(f)
    expected = (module(edited) - module(f)).norm(dim=-1) / natural.norm(dim=-1)
    assert sizes(call)[0].mean == pytest.approx(float(expected.mean()), rel=1e-5)


@pytest.mark.parametrize("family", ["Llama", "Gemma", "Mistral", "GPT2"])
def test_real_layers_differ_by_it(family: str) -> None:
    from .test_anatomy import tiny

    model = tiny(family).double().eval().requires_grad_(False)
    engine = TorchEngine(
        down_projections(model), neuron_space(model), norms=feed_forward_norms(model)
    )
    tokens = torch.randint(0, 32, (1, 6), generator=torch.Generator().manual_seed(1))
    layer = (model.transformer.h if family == "GPT2" else model.model.layers)[1]
    seen: list[Tensor] = []
    layer.register_forward_hook(
        lambda _module, _args, output: seen.append(
            output if isinstance(output, Tensor) else output[0]
        )
    )
    steering = Steering(NeuronSet.from_pairs([(1, 3), (1, 7)]), 3.0, positions=((2, 5),))
    model(tokens)
    kinds = [[KIND["text"]] * 6]
    with engine.steered([steering], kinds, measured=[True]) as call:
        model(tokens)
    natural, steered = seen
    ratio = ((steered - natural).norm(dim=-1) / natural.norm(dim=-1))[0]
    assert ratio.count_nonzero() == 3
    [size] = sizes(call)
    assert size.mean == pytest.approx(float(ratio[2:5].mean()), rel=1e-9)
    assert size.greatest == pytest.approx(float(ratio.max()), rel=1e-9)


def test_layers_that_norm_what_the_block_gives_cannot_be_measured() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.Gemma2Config(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, vocab_size=32,
    )  # fmt: skip
    with pytest.raises(SteeringError, match="or have post_feedforward_layernorm"):
        feed_forward_norms(transformers.Gemma2ForCausalLM(config))
