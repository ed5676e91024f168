"""Both backends against upstream's outputs, and against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("jax")
pytest.importorskip("tensorstore")

from steer_gym import NeuronSet, Steering
from steer_gym.affine import PADDING
from steer_gym.errors import SteeringError
from steer_gym.policies.engines.running_spread import RunningSpread
from steer_gym.policies.pi0_fast.generation import Backend, Decoding, Sampling
from steer_gym.policies.pi0_fast.jax_model import JaxModel, _generate
from steer_gym.policies.pi0_fast.parameters import load_parameters
from steer_gym.policies.pi0_fast.torch_model import TorchModel
from steer_gym.steering import paper_steering

from .conftest import GOLDEN, random_inputs, random_parameters, random_sizes, tiny_sizes

BACKENDS = {"torch": TorchModel, "jax": JaxModel}
TOLERANCE = 1e-4
SHORT = Decoding(steps=5)


@pytest.fixture(scope="module", params=["torch-npz", "torch-orbax", "jax-npz", "jax-orbax"])
def upstream_model(request: pytest.FixtureRequest) -> Backend:
    backend, kind = request.param.split("-")
    return BACKENDS[backend](load_parameters(GOLDEN / {"npz": "params.npz"}.get(kind, "params")))


@pytest.mark.parametrize("case", range(5))
def test_tokens_and_logits_are_upstreams(
    upstream_model: Backend, golden: dict[str, Any], golden_inputs: Any, case: int
) -> None:
    told = golden["cases"][case]
    steering = None
    if told["cluster"] is not None:
        neurons = NeuronSet.from_flat(golden["clusters"][told["cluster"]])
        steering = paper_steering("paper-pi0-fast", neurons, told["alpha"])
    generated = upstream_model.generate(
        golden_inputs, decoding=Decoding(steps=12), steerings=[steering, steering]
    )
    assert np.array_equal(generated.tokens, golden[f"tokens_{case}"])
    assert np.abs(generated.prefill_logits - golden[f"prefill_logits_{case}"]).max() < TOLERANCE


def test_the_offset_of_positions_and_the_window_change_tokens_not_logits(
    upstream_model: Backend, golden_inputs: Any
) -> None:
    runs = [
        upstream_model.generate(golden_inputs, decoding=decoding)
        for decoding in (
            Decoding(steps=4),
            Decoding(steps=4, position_offset=0),
            Decoding(steps=4, window="seen"),
        )
    ]
    assert len({run.prefill_logits.tobytes() for run in runs}) == 1
    assert len({run.tokens.tobytes() for run in runs}) == 3


def random_steering(rng: np.random.Generator, sizes: Any) -> Steering | None:
    """Return any steering at all."""
    edits = Steering()
    for _ in range(rng.integers(0, 4)):
        count = int(rng.integers(1, 6))
        flat = rng.choice(sizes.depth * sizes.neurons, count, replace=False)
        operation = str(rng.choice(["override", "add", "scale", "ablate"]))
        named = ("all", "prefill", "decode", "image", "text", "state")
        kinds: tuple[Any, ...] = tuple(rng.choice(named, rng.integers(1, 3)).tolist())
        edits += Steering(
            NeuronSet.from_flat(flat.tolist()),
            rng.normal(size=count) * 2,
            operation=operation,
            positions=(*kinds, (2, 5)) if rng.random() < 0.3 else kinds,
            layers=str(rng.choice(["all", "early", "late"])),
        )
    return edits or None


@pytest.mark.parametrize("seed", range(20))
def test_both_backends_agree_on_random_models_under_random_steering(seed: int) -> None:
    rng, sizes = np.random.default_rng(seed), random_sizes(seed)
    parameters, inputs = random_parameters(sizes, seed), random_inputs(sizes, seed)
    steerings = [random_steering(rng, sizes) for _ in range(2)]
    one, other = (
        model.generate(inputs, decoding=SHORT, steerings=steerings)
        for model in (TorchModel(parameters), JaxModel(parameters, slots=4))
    )
    assert np.abs(one.prefill_logits - other.prefill_logits).max() < TOLERANCE
    assert np.array_equal(one.tokens, other.tokens)
    assert one.reports == other.reports


def test_both_backends_agree_at_positions_where_angles_are_large() -> None:
    sizes = tiny_sizes(depth=6, heads=8, kv_heads=1, head_dim=32, width=96)
    parameters, inputs = random_parameters(sizes, 0), random_inputs(sizes, 0, length=900)
    # Sharp enough that an angle's last bit counts: by reciprocals they differ by 2e-4.
    parameters |= {
        name: 1.6 * x for name, x in parameters.items() if "attn" in name or "mlp" in name
    }
    one, other = (
        model.generate(inputs, decoding=SHORT)
        for model in (TorchModel(parameters), JaxModel(parameters))
    )
    assert np.abs(one.prefill_logits - other.prefill_logits).max() < TOLERANCE
    assert np.array_equal(one.tokens, other.tokens)


def test_jax_never_compiles_again_for_another_steering() -> None:
    sizes = tiny_sizes()
    model, inputs = JaxModel(random_parameters(sizes, 0)), random_inputs(sizes, 0)
    rng = np.random.default_rng(0)
    flat = [rng.choice(sizes.depth * sizes.neurons, n + 1, replace=False) for n in range(50)]
    model.generate(inputs, decoding=SHORT)
    before = _generate._cache_size()
    seen = set()
    for number, neurons in enumerate(flat):
        steering = Steering(NeuronSet.from_flat(neurons.tolist()), alpha=number - 25.0)
        sampling = Sampling(
            temperature=np.array([0, number], np.float32), seeds=np.array([0, number], np.uint32)
        )
        generated = model.generate(
            inputs, decoding=SHORT, steerings=[steering, None], sampling=sampling
        )
        seen.add(generated.prefill_logits[0].tobytes())
    assert _generate._cache_size() == before
    assert len(seen) == 50


@pytest.fixture(scope="module", params=sorted(BACKENDS))
def make(request: pytest.FixtureRequest) -> Callable[..., Backend]:
    return BACKENDS[request.param]


def test_nothing_to_steer_changes_no_bit(make: Callable[..., Backend]) -> None:
    sizes = tiny_sizes()
    model, inputs = make(random_parameters(sizes, 1)), random_inputs(sizes, 1)
    nothing = Steering(NeuronSet.from_flat([3, 50]), 0.0, operation="add")
    plain = model.generate(inputs, decoding=SHORT)
    steered = model.generate(inputs, decoding=SHORT, steerings=[nothing, nothing])
    assert np.array_equal(plain.prefill_logits, steered.prefill_logits)
    assert np.array_equal(plain.tokens, steered.tokens)


def test_a_row_is_steered_alone(make: Callable[..., Backend]) -> None:
    sizes = tiny_sizes()
    model, inputs = make(random_parameters(sizes, 2)), random_inputs(sizes, 2)
    steering = Steering(NeuronSet.from_flat(range(40)), 5.0)
    plain = model.generate(inputs, decoding=SHORT).prefill_logits
    steered = model.generate(inputs, decoding=SHORT, steerings=[None, steering]).prefill_logits
    assert np.array_equal(plain[0], steered[0])
    assert np.abs(plain[1] - steered[1]).max() > 0.1


def test_steering_in_decode_leaves_the_first_token_alone(make: Callable[..., Backend]) -> None:
    sizes = tiny_sizes()
    model, inputs = make(random_parameters(sizes, 3)), random_inputs(sizes, 3)
    steering = Steering(NeuronSet.from_flat(range(120)), 9.0, positions=("decode",))
    plain = model.generate(inputs, decoding=SHORT)
    steered = model.generate(inputs, decoding=SHORT, steerings=[steering, steering])
    assert np.array_equal(plain.prefill_logits, steered.prefill_logits)
    assert not np.array_equal(plain.tokens[:, 1:], steered.tokens[:, 1:])
    report = steered.reports[0]
    assert report is not None
    assert (report.neurons, report.positions) == (120, 4)


def test_the_size_of_a_steering_is_what_the_stream_differs_by(
    golden: dict[str, Any], golden_inputs: Any, changed_stream: Any
) -> None:
    model = TorchModel(load_parameters(GOLDEN / "params.npz"))
    clusters = [NeuronSet.from_flat(ids) for ids in golden["clusters"].values()]
    layer = int(clusters[0].resolve(model.space)[:, 0].min())
    steerings = [
        paper_steering("paper-pi0-fast", clusters[0], 6.0).replace(layers=(layer,)),
        Steering(NeuronSet.from_pairs([(layer, 1)]), 2.0, operation="add", positions=("text",)),
    ]
    found: list[Any] = []

    def run(steered: list[Steering] | None) -> Callable[[], None]:
        measured = () if steered is None else (True, True)
        return lambda: found.append(
            model.generate(
                golden_inputs, decoding=SHORT, steerings=steered, measured=measured
            ).reports
        )

    ratio = changed_stream(model.network.language_model.layers[layer], run(None), run(steerings))
    for row, report in enumerate(found[-1]):
        edited = ratio[row][ratio[row] > 0]
        assert len(edited) == report.positions
        assert report.size.mean == pytest.approx(edited.mean(), rel=1e-4)
        assert report.size.greatest == pytest.approx(edited.max(), rel=1e-4)


def test_jax_measures_no_size() -> None:
    sizes = tiny_sizes()
    model, inputs = JaxModel(random_parameters(sizes, 2)), random_inputs(sizes, 2)
    steering = Steering(NeuronSet.from_flat(range(40)), 5.0)
    (report, _) = model.generate(
        inputs, decoding=SHORT, steerings=[steering, None], measured=[True, True]
    ).reports
    assert report is not None
    assert report.size is None


def test_a_neuron_beyond_the_model_is_refused(make: Callable[..., Backend]) -> None:
    sizes = tiny_sizes()
    model, inputs = make(random_parameters(sizes, 4)), random_inputs(sizes, 4)
    steering = Steering(NeuronSet.from_pairs([(3, 0)]), 1.0)
    with pytest.raises(SteeringError, match="out of range"):
        model.generate(inputs, decoding=SHORT, steerings=[steering, None])


def test_rows_stop_alone_when_asked_to(make: Callable[..., Backend]) -> None:
    sizes = tiny_sizes()
    model, inputs = make(random_parameters(sizes, 5)), random_inputs(sizes, 5)
    free = model.generate(inputs, decoding=Decoding(steps=8, end_tokens=())).tokens
    end = int(free[0, 2])
    stop = Decoding(steps=8, end_tokens=(end,), stop="rows")
    tokens = model.generate(inputs, decoding=stop).tokens
    first = int(np.flatnonzero(free[0] == end)[0])
    assert np.array_equal(tokens[0, : first + 1], free[0, : first + 1])
    assert not tokens[0, first + 1 :].any()
    if end not in free[1]:
        assert np.array_equal(tokens[1], free[1])


def test_sampling_follows_its_seed(make: Callable[..., Backend]) -> None:
    sizes = tiny_sizes()
    model, inputs = make(random_parameters(sizes, 8)), random_inputs(sizes, 8)

    def sample(seed: int) -> bytes:
        sampling = Sampling(
            temperature=np.array([0, 5], np.float32), seeds=np.array([0, seed], np.uint32)
        )
        return model.generate(inputs, decoding=SHORT, sampling=sampling).tokens.tobytes()

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(4)}) > 1


def test_a_masked_camera_is_not_seen(make: Callable[..., Backend]) -> None:
    sizes = tiny_sizes()
    model, inputs = make(random_parameters(sizes, 9)), random_inputs(sizes, 9)
    inputs = replace(inputs, camera_mask=np.array([[True, False], [True, True]]))
    images = inputs.images.copy()
    images[:, 1] = 1.0
    other = replace(inputs, images=images)
    decoding = Decoding(steps=5, window="seen")
    one, two = (model.generate(batch, decoding=decoding) for batch in (inputs, other))
    assert np.array_equal(one.prefill_logits[0], two.prefill_logits[0])
    assert np.array_equal(one.tokens[0], two.tokens[0])
    assert not np.array_equal(one.prefill_logits[1], two.prefill_logits[1])


def test_three_rows_equal_three_single_calls(make: Callable[..., Backend]) -> None:
    sizes = tiny_sizes()
    model, inputs = make(random_parameters(sizes, 10)), random_inputs(sizes, 10, rows=3)
    together = model.generate(inputs, decoding=Decoding(steps=5, stop="rows"))
    for row in range(3):
        cut = {f.name: getattr(inputs, f.name)[row : row + 1] for f in fields(inputs)}
        single = model.generate(replace(inputs, **cut), decoding=Decoding(steps=5, stop="rows"))
        assert np.abs(single.prefill_logits[0] - together.prefill_logits[row]).max() < TOLERANCE
        assert np.array_equal(single.tokens[0], together.tokens[row])


def test_both_backends_measure_the_same_spread_and_steer_by_it() -> None:
    sizes = tiny_sizes()
    parameters, inputs = random_parameters(sizes, 11), random_inputs(sizes, 11, rows=3)
    found = []
    for model in (TorchModel(parameters), JaxModel(parameters)):
        spread = RunningSpread(model.space)
        for _ in range(2):
            model.observe(inputs, SHORT, spread)
        positions = 4 * inputs.camera_mask.sum() + (inputs.prompt_kinds != PADDING).sum()
        assert spread.tokens == 2 * positions
        found.append(spread)
    one, other = found
    assert np.allclose(one.mean, other.mean, atol=1e-5)
    assert np.allclose(one.std, other.std, atol=1e-5)
    assert one.std.min() > 0
    edit = Steering(NeuronSet.from_flat([3, 50]), 2.0, operation="add", unit="spread")
    raw = Steering(
        NeuronSet.from_pairs([(0, 3), (1, 10)]), (2 * one.std)[[0, 1], [3, 10]], operation="add"
    )
    by_unit, by_number = (
        [
            make(parameters).generate(inputs, decoding=SHORT, steerings=[s] * 3, spread=one.std)
            for make in (TorchModel, JaxModel)
        ]
        for s in (edit, raw)
    )
    for spread_run, raw_run in zip(by_unit, by_number, strict=True):
        assert np.abs(spread_run.prefill_logits - raw_run.prefill_logits).max() < 1e-5
