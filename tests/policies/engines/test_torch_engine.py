"""The laws of steering, on random models and random steerings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from steer_gym import Edit, NeuronSet, NeuronSpace, Steering
from steer_gym.affine import KIND, PADDING
from steer_gym.errors import SteeringError
from steer_gym.policies.engines.anatomy import down_projections
from steer_gym.policies.engines.torch_engine import TorchEngine

DIM, SPACE = 12, NeuronSpace(layers=4, width=20)
POSITIONS = 9
TOKENS = ["start", "image", "image", "image", "text", "text", "text"]
KINDS = np.array([PADDING, PADDING, *(KIND[kind] for kind in TOKENS)])
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
Make = Callable[..., nn.Module]


@pytest.fixture
def spread() -> NDArray[np.float32]:
    shape = (SPACE.layers, SPACE.width)
    return np.random.default_rng(9).uniform(0.1, 2, shape).astype(np.float32)


def engine_on(model: nn.Module) -> TorchEngine:
    return TorchEngine(down_projections(model), SPACE)


def hidden(rows: int, positions: int = POSITIONS, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(rows * 100 + positions)
    return torch.randn(rows, positions, DIM, generator=generator, dtype=torch.float64).to(dtype)


def random_edit(rng: np.random.Generator) -> Edit:
    size = int(rng.integers(1, 30))
    flat = rng.choice(SPACE.size, size, replace=False)
    operation = rng.choice(["override", "add", "scale", "ablate"])
    start = int(rng.integers(0, 6))
    positions = ["all", "prefill", "decode", "text", "image", (start, start + 3)]
    layers = ["all", "early", "late", (0, 3)]
    return Edit(
        neurons=NeuronSet.from_flat(flat),
        alpha=float(rng.normal(0, 3)) if rng.random() < 0.5 else tuple(rng.normal(0, 3, size)),
        operation=operation,
        unit="raw" if operation == "scale" else rng.choice(["raw", "spread"]),
        positions=tuple(positions[i] for i in rng.choice(6, rng.integers(1, 3), replace=False)),
        layers=layers[rng.integers(4)],
    )


def random_steering(rng: np.random.Generator) -> Steering:
    return Steering(random_edit(rng) for _ in range(rng.integers(1, 5)))


def acts(edit: Edit, position: int | None) -> bool:
    """Tell whether an edit acts on a position of KINDS, or in decode (``None``)."""
    named = {p for p in edit.positions if isinstance(p, str)}
    if position is None:
        return bool(named & {"all", "decode"})
    kind = {number: name for name, number in KIND.items()}.get(int(KINDS[position]))
    token = position - 2  # two positions of padding come first
    spans = [p for p in edit.positions if not isinstance(p, str)]
    return kind is not None and (
        bool(named & {"all", "prefill", kind}) or any(a <= token < b for a, b in spans)
    )


def recompute(
    model: nn.Module,
    x: NDArray[np.float64],
    steering: Steering | None,
    spread: NDArray[np.float32],
    decode: bool = False,
) -> NDArray[np.float64]:
    """Return the model's output for one row, neuron by neuron, straight from the definitions."""
    weights = [
        [p.double().numpy() for p in (m.gate_proj.weight, m.up_proj.weight, m.down_proj.weight)]
        for m in (layer.mlp for layer in model.layers)
    ]
    rows = []
    for position, state in enumerate(x):
        for layer, (gate, up, down) in enumerate(weights):
            gated = gate @ state
            f = gated / (1 + np.exp(-gated)) * (up @ state)
            for edit in steering.edits if steering else ():
                if not acts(edit, None if decode else position):
                    continue
                for flat, alpha in zip(edit.neurons.flat_ids, edit.alphas, strict=True):
                    home, neuron = divmod(flat, SPACE.width)
                    wanted = {"all": range(4), "early": (0, 1), "late": (2, 3)}
                    if home != layer or home not in wanted.get(edit.layers, edit.layers):
                        continue
                    if edit.unit == "spread":
                        alpha *= float(spread[home, neuron])
                    f[neuron] = {
                        "override": alpha,
                        "ablate": 0.0,
                        "add": f[neuron] + alpha,
                        "scale": f[neuron] * alpha,
                    }[edit.operation]
            state = state + down @ f
        rows.append(state)
    return np.stack(rows)


@pytest.mark.parametrize("seed", range(15))
def test_steering_is_exact(make_decoder: Make, spread: NDArray[np.float32], seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = make_decoder(seed)
    steerings = [random_steering(rng) if rng.random() < 0.8 else None for _ in range(3)]
    prompt, token = hidden(3), hidden(3, 1)
    engine = engine_on(model)
    with engine.steered(steerings, np.tile(KINDS, (3, 1)), spread=spread):
        prefilled, decoded = model(prompt).numpy(), model(token).numpy()
    for row, steering in enumerate(steerings):
        real = KINDS != PADDING
        expected = recompute(model, prompt[row].numpy(), steering, spread)
        np.testing.assert_allclose(prefilled[row][real], expected[real], rtol=1e-10, atol=1e-12)
        expected = recompute(model, token[row].numpy(), steering, spread, decode=True)
        np.testing.assert_allclose(decoded[row], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_each_row_equals_its_own_call(
    make_decoder: Make, spread: NDArray[np.float32], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    model = make_decoder(seed)
    steerings = [random_steering(rng), None, random_steering(rng)]
    x, kinds = hidden(3), np.tile(KINDS, (3, 1))
    engine = engine_on(model)
    with engine.steered(steerings, kinds, spread=spread):
        together = model(x)
    for row in range(3):
        with engine.steered([steerings[row]], kinds[:1], spread=spread):
            alone = model(x[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "steering",
    [
        None,
        Steering(),
        Steering(NeuronSet(), 5.0),
        Steering(NeuronSet.from_flat(range(80)), 0.0, operation="add"),
        Steering(NeuronSet.from_flat(range(80)), 1.0, operation="scale"),
        Steering(NeuronSet.from_flat(range(20)), 5.0, layers="late"),
        Steering(NeuronSet.from_flat(range(80)), 5.0, positions=("state",)),
    ],
)
def test_nothing_to_steer_is_bit_identical(
    make_decoder: Make, dtype: torch.dtype, steering: Steering | None
) -> None:
    model, x = make_decoder(dtype=dtype), hidden(2, dtype=dtype)
    plain = model(x)
    engine = engine_on(model)
    assert torch.equal(model(x), plain)
    with engine.steered([steering] * 2, np.tile(KINDS, (2, 1))):
        assert torch.equal(model(x), plain)


@pytest.mark.parametrize("operation", ["override", "add", "scale", "ablate"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_neighbours_of_an_edited_neuron_keep_their_bits(dtype: torch.dtype, operation: str) -> None:
    """Signed zeros, infinities and NaN included; also in the edited neuron where it is replaced."""
    linear = nn.Linear(6, 6, bias=False, dtype=dtype)
    engine = TorchEngine([linear], NeuronSpace(layers=1, width=6))
    reader = TorchEngine([linear], NeuronSpace(layers=1, width=6))
    f = torch.tensor([-0.0, 0.0, torch.inf, torch.nan, -1.5, torch.nan], dtype=dtype)
    f = f.expand(1, 2, 6).clone()
    before = f.clone()
    kinds = [[KIND["image"], KIND["text"]]]
    steering = Steering(NeuronSet.from_flat([4, 5]), 2.5, operation=operation, positions=("text",))
    with engine.steered([steering], kinds), reader.capture() as captured:
        linear(f)
    [[steered]] = captured
    as_bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[dtype.itemsize]
    assert torch.equal(f.view(as_bits), before.view(as_bits)), "the activations were edited"
    assert torch.equal(steered[0, 0].view(as_bits), f[0, 0].view(as_bits))
    assert torch.equal(steered[0, 1, :4].view(as_bits), f[0, 1, :4].view(as_bits))
    expected = {"override": 2.5, "add": 1.0, "scale": -3.75, "ablate": 0.0}[operation]
    assert steered[0, 1, 4] == expected
    assert bool(steered[0, 1, 5].isnan()) == (operation in ("add", "scale"))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_low_precision_rounds_once(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(0)
    linear = nn.Linear(50, 3, bias=False, dtype=dtype)
    engine = TorchEngine([linear], NeuronSpace(layers=1, width=50))
    reader = TorchEngine([linear], NeuronSpace(layers=1, width=50))
    f = torch.from_numpy(rng.normal(size=(1, 2, 50))).to(dtype)
    alphas = torch.from_numpy(rng.normal(size=50)).to(dtype)  # numbers the type can hold
    neurons = NeuronSet.from_flat(range(50))
    for operation, exact in {"add": f.double() + alphas, "scale": f.double() * alphas}.items():
        steering = Steering(neurons, alphas.double().tolist(), operation=operation)
        with engine.steered([steering], [[KIND["text"]] * 2]), reader.capture() as captured:
            linear(f)
        assert torch.equal(captured[0][0], exact.to(dtype)), operation


def test_a_later_edit_sees_the_earlier_one(make_decoder: Make) -> None:
    model, x = make_decoder(), hidden(1)
    engine, kinds = engine_on(model), KINDS[None]
    one = NeuronSet.from_pairs([(2, 7)])

    def run(steering: Steering) -> Tensor:
        with engine.steered([steering], kinds):
            return model(x)[:, 2:]

    override, add = Steering(one, 2.0), Steering(one, 3.0, operation="add", positions=("prefill",))
    torch.testing.assert_close(run(override + add), run(Steering(one, 5.0)))
    torch.testing.assert_close(run(add + override), run(Steering(one, 2.0)))


def test_an_exception_leaves_nothing_behind(make_decoder: Make) -> None:
    model, x = make_decoder(), hidden(1)
    plain = model(x)
    engine = engine_on(model)

    def interrupted() -> None:
        with engine.steered([Steering(NeuronSet.from_flat(range(80)), 5.0)], KINDS[None]):
            assert not torch.equal(model(x), plain)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert torch.equal(model(x), plain)
    with engine.steered([None], KINDS[None]):
        assert torch.equal(model(x), plain)


def test_an_alpha_beyond_the_type_is_refused(make_decoder: Make) -> None:
    model, x = make_decoder(dtype=torch.float16), hidden(1, dtype=torch.float16)
    plain = model(x)
    engine = engine_on(model)
    with (
        pytest.raises(SteeringError, match=r"alpha 70000 is too large .* torch\.float16, .* 65504"),
        engine.steered([Steering(NeuronSet.from_flat([1]), 7e4)], KINDS[None]),
    ):
        pytest.fail("the block must not run")
    assert torch.equal(model(x), plain)


def test_capture_sees_natural_values_while_steering(make_decoder: Make) -> None:
    model, x = make_decoder(), hidden(1)
    engine = engine_on(model)
    with engine.capture() as natural:
        model(x)
    first = NeuronSet.from_pairs([(0, neuron) for neuron in range(20)])
    with engine.steered([Steering(first, 9.0)], KINDS[None]), engine.capture() as captured:
        model(x)
        model(x[:, :1])
    assert [len(layer) for layer in captured] == [2] * 4
    assert captured[0][0].shape == (1, POSITIONS, 20)
    assert torch.equal(captured[0][0], natural[0][0])
    assert not torch.equal(captured[1][0], natural[1][0])
    with engine.capture() as after:
        model(x)
    assert torch.equal(after[1][0], natural[1][0])


def test_observers_learn_which_positions_are_real(make_decoder: Make) -> None:
    model, engine_seen = make_decoder(), []
    engine = engine_on(model)
    with (
        engine.observed(lambda layer, natural, real: engine_seen.append((layer, real))),
        engine.steered([None], KINDS[None]),
    ):
        model(hidden(1))
        model(hidden(1, 1))
    assert [layer for layer, _ in engine_seen] == [0, 1, 2, 3] * 2
    assert engine_seen[0][1].tolist() == [(KINDS != PADDING).tolist()]
    assert engine_seen[4][1].tolist() == [[True]]


def test_two_engines_do_not_interfere(make_decoder: Make) -> None:
    one, other, x = make_decoder(1), make_decoder(2), hidden(1)
    plain = other(x)
    engines = engine_on(one), engine_on(other)
    steering = Steering(NeuronSet.from_flat(range(80)), 5.0)
    with engines[0].steered([steering], KINDS[None]):
        strong = one(x)
        with engines[1].steered([None], KINDS[None]):
            assert torch.equal(other(x), plain)
        assert torch.equal(one(x), strong)


def test_two_engines_on_one_model_apply_in_turn(make_decoder: Make) -> None:
    model, x = make_decoder(), hidden(1)
    plain = model(x)
    first, second = engine_on(model), engine_on(model)
    one = NeuronSet.from_pairs([(2, 7)])
    with (
        first.steered([Steering(one, 2.0)], KINDS[None]),
        second.steered([Steering(one, 3.0, operation="add")], KINDS[None]),
    ):
        both = model(x)
    second.remove()
    assert torch.equal(model(x), plain)
    with first.steered([Steering(one, 5.0)], KINDS[None]):
        torch.testing.assert_close(model(x), both)


def test_remove_takes_every_hook_off(make_decoder: Make) -> None:
    model, x = make_decoder(), hidden(1)
    plain, keys = model(x), list(model.state_dict())
    engine = engine_on(model)
    assert list(model.state_dict()) == keys
    engine.remove()
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert torch.equal(model(x), plain)
    with (
        pytest.raises(SteeringError, match="removed from its model"),
        engine.steered([None], KINDS[None]),
    ):
        pass


def test_works_in_inference_mode_and_out_of_it(make_decoder: Make) -> None:
    model = make_decoder()
    steering = Steering(NeuronSet.from_flat([5]), 5.0)
    with torch.inference_mode():
        engine = engine_on(model)
        with engine.steered([steering] * 3, np.tile(KINDS, (3, 1))):
            inside = model(hidden(3))
    with engine.steered([steering] * 3, np.tile(KINDS, (3, 1))):
        assert torch.equal(model(hidden(3)), inside)


def test_follows_a_model_that_changes_its_type(make_decoder: Make) -> None:
    model = make_decoder()
    engine = engine_on(model)
    steering = Steering(NeuronSet.from_pairs([(3, 1)]), 0.1)
    model.to(torch.bfloat16)
    with engine.steered([steering], KINDS[None]):
        steered = model(hidden(1, dtype=torch.bfloat16))
    fresh = make_decoder(dtype=torch.bfloat16)
    with engine_on(fresh).steered([steering], KINDS[None]):
        assert torch.equal(steered, fresh(hidden(1, dtype=torch.bfloat16)))


def test_gradients_pass_through_natural_activations_only() -> None:
    linear = nn.Linear(3, 1, bias=False)
    f = torch.randn(1, 2, 3, requires_grad=True)
    steering = Steering(NeuronSet.from_flat([0]), 2.0)
    with TorchEngine([linear], NeuronSpace(layers=1, width=3)).steered([steering], [[4, 4]]):
        linear(f).sum().backward()
    assert f.grad is not None
    assert f.grad[..., 0].tolist() == [[0, 0]]
    assert torch.equal(f.grad[0, :, 1:], linear.weight[:, 1:].expand(2, 2))


def test_reports_say_what_changed(make_decoder: Make) -> None:
    engine = engine_on(make_decoder())
    late = Steering(NeuronSet.from_flat([3, 70, 71]), 1.0, layers="late", positions=("text",))
    zero = Steering(NeuronSet.from_flat([3]), 0.0, operation="add")
    with engine.steered([None, late, zero], np.tile(KINDS, (3, 1))) as call:
        reports = call.reports(decode_steps=6)
    assert reports[0] is None
    assert (reports[1].neurons, reports[1].positions) == (2, 3)
    assert (reports[2].neurons, reports[2].positions) == (0, 0)


class TestErrors:
    def test_a_forward_pass_nobody_announced(self, make_decoder: Make) -> None:
        model = make_decoder()
        engine = engine_on(model)
        steering = Steering(NeuronSet.from_flat([5]), 5.0)
        for x in (hidden(2), hidden(1, POSITIONS + 1), hidden(2, 1)):
            with (
                pytest.raises(SteeringError, match=r"told of \(1, 9\) \(rows, positions\)"),
                engine.steered([steering], KINDS[None]),
            ):
                model(x)

    def test_a_prefill_that_looks_like_a_decode_step(self, make_decoder: Make) -> None:
        engine = engine_on(make_decoder())
        with (
            pytest.raises(SteeringError, match="at least two positions"),
            engine.steered([None], [[KIND["text"]]]),
        ):
            pass

    def test_a_block_in_a_block(self, make_decoder: Make) -> None:
        engine = engine_on(make_decoder())
        with (
            engine.steered([None], KINDS[None]),
            pytest.raises(SteeringError, match="steering already"),
            engine.steered([None], KINDS[None]),
        ):
            pass

    def test_modules_that_do_not_fit_the_space(self, make_decoder: Make) -> None:
        modules = down_projections(make_decoder())
        with pytest.raises(SteeringError, match="3 modules for a model of 4 layers"):
            TorchEngine(modules[:3], SPACE)
        with pytest.raises(SteeringError, match="takes 20 activations, but the model has 21"):
            TorchEngine(modules, NeuronSpace(layers=4, width=21))
        assert not any(module._forward_pre_hooks for module in modules)

    def test_modules_on_several_devices(self) -> None:
        modules = [nn.Linear(20, 3), nn.Linear(20, 3, device="meta")]
        with pytest.raises(SteeringError, match="lie on cpu, meta"):
            TorchEngine(modules, NeuronSpace(layers=2, width=20))

    def test_a_steering_that_does_not_fit_changes_nothing(self, make_decoder: Make) -> None:
        model, x = make_decoder(), hidden(1)
        plain = model(x)
        engine = engine_on(model)
        for steering, message in {
            Steering(NeuronSet.from_flat([80]), 1.0): "out of range",
            Steering(NeuronSet.from_flat([0]), 1.0, layers=(4,)): "beyond the model's, 0 to 3",
            Steering(NeuronSet.from_flat([0]), 1.0, unit="spread"): "this policy knows none",
        }.items():
            with (
                pytest.raises(SteeringError, match=message),
                engine.steered([steering], KINDS[None]),
            ):
                pytest.fail("the block must not run")
        assert torch.equal(model(x), plain)
