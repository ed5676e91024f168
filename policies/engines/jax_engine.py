"""The JAX engine: steerings as arrays that a jitted model takes, exactly and row by row.

    call = steered_call(steerings, kinds, space)     # kinds: (rows, prefill positions)
    ... jitted(parameters, inputs, call.edits) ...   # in each layer: steer(natural, edits, acts)
    reports = call.reports(decode_steps)

JAX has no hooks, so the model hands its activations to ``steer`` itself. Neurons, alpha and
positions are values of arrays whose shapes depend on rows, positions, and the number of groups a
row has: another alpha, another set or none at all never compiles again. More groups than ever
before compile once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

from steer_gym.affine import Rows, affine_rows, check_kinds, row_report
from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSpace
from steer_gym.policy import SteeringReport
from steer_gym.steering import Steering


class LayerEdits(NamedTuple):
    """What ``steer`` needs; ``Edits.layers`` holds it with the layers in front, for a scan."""

    touched: Array
    """(slots, rows, 1, width), bool."""
    scale: Array
    """(slots, rows, 1, width)."""
    shift: Array
    """(slots, rows, 1, width)."""


class Edits(NamedTuple):
    """The edits of one batch."""

    layers: LayerEdits
    """Each array with (layers,) in front."""
    prefill: Array
    """(slots, rows, positions, 1), bool: where in the prefill a slot acts."""
    decode: Array
    """(slots, rows, 1, 1), bool: whether it acts on generated tokens."""


def steer(natural: Array, edits: LayerEdits, acts: Array) -> Array:
    """Return steered activations; where nothing is to be steered, the natural ones to the bit.

    Args:
        natural: (rows, positions, width).
        edits: Of this layer.
        acts: ``Edits.prefill`` or ``Edits.decode``.
    """
    for slot in range(len(acts)):
        scale, shift = (x[slot].astype(natural.dtype) for x in (edits.scale, edits.shift))
        # A replaced activation must not come through 0 * f: it may be NaN.
        steered = jnp.where(scale == 0, shift, natural * scale + shift)
        natural = jnp.where(edits.touched[slot] & acts[slot], steered, natural)
    return natural


@dataclass(frozen=True, kw_only=True, eq=False)
class SteeredCall:
    """One batch's steerings, as arrays and as what they come to."""

    edits: Edits
    """For the jitted model."""
    steerings: tuple[Steering | None, ...]
    """As given."""
    groups: Rows
    """What they come to."""
    kinds: NDArray[np.int64]
    """(rows, positions) of the prefill."""

    def reports(self, decode_steps: int = 0) -> tuple[SteeringReport | None, ...]:
        """Return one report per row, ``None`` where there was no steering.

        Args:
            decode_steps: Forward passes over one generated token that followed the prefill.
        """
        rows = zip(self.steerings, self.groups, self.kinds, strict=True)
        return tuple(row_report(g, kinds, decode_steps) if s else None for s, g, kinds in rows)


def steered_call(
    steerings: Sequence[Steering | None],
    kinds: ArrayLike,
    space: NeuronSpace,
    *,
    spread: NDArray[np.float32] | None = None,
    dtype: np.dtype[np.generic] | None = None,
    slots: int = 1,
) -> SteeredCall:
    """Return the steerings of a batch as arrays.

    Args:
        steerings: One per row.
        kinds: Kind of each position of the prefill, (rows, positions): numbers of
            ``steer_gym.affine.KIND``, or ``PADDING``.
        space: The model's neurons.
        spread: Natural standard deviation of each neuron, for unit "spread".
        dtype: Of the activations; float32 by default.
        slots: Groups of edits to make room for in each row.

    Raises:
        SteeringError: A steering does not fit the model, or ``kinds`` is malformed.
    """
    numbers = check_kinds(kinds, len(steerings))
    groups = affine_rows(steerings, space, spread)
    most = max(map(len, groups), default=0)
    room = slots if most <= slots else 1 << (most - 1).bit_length()
    return SteeredCall(
        edits=_edits(groups, numbers, space, room, np.dtype(dtype or np.float32)),
        steerings=tuple(steerings),
        groups=groups,
        kinds=numbers,
    )


def _edits(
    groups: Rows,
    kinds: NDArray[np.int64],
    space: NeuronSpace,
    slots: int,
    dtype: np.dtype[np.generic],
) -> Edits:
    rows, positions = kinds.shape
    shape = (space.layers, slots, rows, 1, space.width)
    touched = np.zeros(shape, np.bool_)
    scale, shift = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    prefill = np.zeros((slots, rows, positions, 1), np.bool_)
    decode = np.zeros((slots, rows, 1, 1), np.bool_)
    largest = float(jnp.finfo(dtype).max)  # type: ignore[no-untyped-call]
    for row, members in enumerate(groups):
        for slot, group in enumerate(members):
            at = (group.pairs[:, 0], slot, row, 0, group.pairs[:, 1])
            _require_finite(group.scale, group.shift, largest, dtype)
            touched[at], scale[at], shift[at] = True, group.scale, group.shift
            prefill[slot, row, :, 0] = group.acts_on(kinds[row])
            decode[slot, row] = group.acts_in_decode
    arrays = jax.device_put((touched, scale, shift, prefill, decode))
    return Edits(layers=LayerEdits(*arrays[:3]), prefill=arrays[3], decode=arrays[4])


def _require_finite(
    scale: NDArray[np.float64],
    shift: NDArray[np.float64],
    largest: float,
    dtype: np.dtype[np.generic],
) -> None:
    alpha = max(float(np.abs(scale).max()), float(np.abs(shift).max()))
    if not alpha <= largest:
        raise SteeringError(
            f"alpha {alpha:g} is too large for activations in {dtype}, which end at {largest:g}."
        )
