from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("jax")

import jax

from steer_gym import NeuronSet, NeuronSpace, Steering
from steer_gym.affine import KIND, PADDING
from steer_gym.errors import SteeringError
from steer_gym.policies.engines.jax_engine import LayerEdits, SteeredCall, steer, steered_call

SPACE = NeuronSpace(layers=2, width=5)
KINDS = np.array(
    [
        [PADDING, KIND["start"], KIND["image"], KIND["text"]],
        [KIND["start"], KIND["image"], KIND["image"], KIND["state"]],
    ]
)


def prefill(call: SteeredCall, layer: int, natural: NDArray[Any]) -> NDArray[Any]:
    edits = LayerEdits(*(array[layer] for array in call.edits.layers))
    return np.asarray(jax.jit(steer)(natural, edits, call.edits.prefill))


def decode(call: SteeredCall, layer: int, natural: NDArray[Any]) -> NDArray[Any]:
    edits = LayerEdits(*(array[layer] for array in call.edits.layers))
    return np.asarray(jax.jit(steer)(natural, edits, call.edits.decode))


@pytest.fixture
def natural() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(2, 4, 5)).astype(np.float32)


def test_nothing_to_steer_changes_no_bit(natural: NDArray[np.float32]) -> None:
    call = steered_call([None, Steering()], KINDS, SPACE)
    assert np.array_equal(prefill(call, 0, natural), natural)
    assert call.reports(3) == (None, None)


def test_edits_act_on_their_row_layer_neuron_and_position_alone(
    natural: NDArray[np.float32],
) -> None:
    steering = Steering(NeuronSet.from_pairs([(1, 3)]), 9.0, positions=("image",))
    call = steered_call([None, steering], KINDS, SPACE)
    expected = natural.copy()
    expected[1, 1:3, 3] = 9.0
    assert np.array_equal(prefill(call, 1, natural), expected)
    assert np.array_equal(prefill(call, 0, natural), natural)
    assert np.array_equal(decode(call, 1, natural[:, :1]), natural[:, :1])


def test_padding_is_never_steered(natural: NDArray[np.float32]) -> None:
    everything = Steering(NeuronSet.from_flat(range(10)), 9.0)
    call = steered_call([everything, everything], KINDS, SPACE)
    steered = prefill(call, 0, natural)
    assert np.array_equal(steered[0, 0], natural[0, 0])
    assert (steered[0, 1:] == 9).all()
    assert (steered[1] == 9).all()


def test_edits_on_other_positions_apply_one_after_the_other(natural: NDArray[np.float32]) -> None:
    neuron = NeuronSet.from_pairs([(0, 2)])
    steering = (
        Steering(neuron, 2.0, operation="scale", positions=("prefill",))
        + Steering(neuron, 1.0, operation="add", positions=((0, 2),))
        + Steering(neuron, -4.0, positions=("decode",))
    )
    call = steered_call([steering, None], KINDS, SPACE)
    expected = natural.copy()
    expected[0, 1:, 2] *= 2
    expected[0, 1:3, 2] += 1
    assert np.allclose(prefill(call, 0, natural), expected, atol=1e-6)
    one = natural[:, :1].copy()
    one[0, 0, 2] = -4
    assert np.array_equal(decode(call, 0, natural[:, :1]), one)
    assert call.edits.prefill.shape == (4, 2, 4, 1)


def test_a_replaced_activation_may_be_nan() -> None:
    natural = np.full((2, 4, 5), np.nan, np.float32)
    everything = Steering(NeuronSet.from_flat(range(10)), 1.5)
    call = steered_call([everything, everything], KINDS, SPACE)
    assert (prefill(call, 0, natural)[1] == 1.5).all()


def test_alpha_beyond_the_activations_range_is_refused() -> None:
    steering = Steering(NeuronSet.from_flat([0]), 1e5)
    with pytest.raises(SteeringError, match="alpha 100000 is too large for activations in float16"):
        steered_call([steering, None], KINDS, SPACE, dtype=np.dtype(np.float16))


def test_spread_scales_alpha(natural: NDArray[np.float32]) -> None:
    steering = Steering(NeuronSet.from_flat([1]), 2.0, operation="add", unit="spread")
    spread = np.full((2, 5), 0.5, np.float32)
    call = steered_call([None, steering], KINDS, SPACE, spread=spread)
    assert np.allclose(prefill(call, 0, natural)[1, :, 1], natural[1, :, 1] + 1, atol=1e-6)
    with pytest.raises(SteeringError, match="knows none"):
        steered_call([None, steering], KINDS, SPACE)
