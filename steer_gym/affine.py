"""Steerings as affine maps on activations, in plain numpy: what every engine carries out.

Each operation is ``f' = scale * f + shift``: override (0, alpha), ablate (0, 0), add (1, alpha),
scale (alpha, 0). Edits that follow each other on the same positions compose into one group, so
a row usually has one; edits on other positions form further groups, applied in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steer_gym.edit import POSITION_KINDS, Edit
from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSpace
from steer_gym.policy import SteeringReport, SteeringSize
from steer_gym.steering import Steering

PADDING = -1
"""Kind of a position that holds no token; it is never steered and never counted."""
KIND = {kind: number for number, kind in enumerate(POSITION_KINDS)}
"""Number of each kind of position, for the ``kinds`` that a policy gives its engine."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AffineGroup:
    """Neurons of one row that change together: ``f' = scale * f + shift`` on these positions."""

    kinds: frozenset[str]
    """Kinds of position on which the group acts."""
    spans: tuple[tuple[int, int], ...]
    """Spans of prefill tokens on which it acts too, counted over the row's real tokens."""
    pairs: NDArray[np.int64]
    """(n, 2), each neuron once: layer, neuron."""
    scale: NDArray[np.float64]
    """(n,); 0 means that the natural activation does not matter, be it NaN."""
    shift: NDArray[np.float64]
    """(n,)."""

    @property
    def acts_in_decode(self) -> bool:
        """Tell whether the group acts on generated tokens."""
        return "decode" in self.kinds

    def acts_on(self, kinds: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which positions of one prefill it acts on, (positions,), from their kinds."""
        real = kinds != PADDING
        token = np.cumsum(real) - 1
        acts: NDArray[np.bool_] = np.isin(kinds, [KIND[kind] for kind in self.kinds])
        for start, stop in self.spans:
            acts |= (start <= token) & (token < stop)
        acts &= real
        return acts


Rows = tuple[tuple[AffineGroup, ...], ...]
"""The groups of each row, in the order in which they apply."""


def affine_rows(
    steerings: Sequence[Steering | None],
    space: NeuronSpace,
    spread: NDArray[np.float32] | None = None,
) -> Rows:
    """Return the groups of every row; a row with nothing to steer has none.

    Args:
        steerings: One per row.
        space: The model's neurons.
        spread: Natural standard deviation of each neuron, (layers, width), for unit "spread".

    Raises:
        SteeringError: A steering does not fit the model, or needs a spread that is not known.
    """
    return tuple(affine_groups(s, space, spread) if s else () for s in steerings)


def affine_groups(
    steering: Steering, space: NeuronSpace, spread: NDArray[np.float32] | None = None
) -> tuple[AffineGroup, ...]:
    """Return the groups of one steering; neurons that keep their activation are left out."""
    steering.check(space)
    groups = (
        _compose(kinds, spans, edits, space, spread)
        for (kinds, spans), edits in groupby(steering.edits, lambda e: (e.kinds, e.spans))
    )
    return tuple(group for group in groups if len(group.pairs))


def _compose(
    kinds: frozenset[str],
    spans: tuple[tuple[int, int], ...],
    edits: Iterable[Edit],
    space: NeuronSpace,
    spread: NDArray[np.float32] | None,
) -> AffineGroup:
    parts = [_affine(edit, space, spread) for edit in edits]
    flat = np.unique(np.concatenate([flat for flat, _, _ in parts]))
    scale, shift = np.ones(len(flat)), np.zeros(len(flat))
    for members, factor, offset in parts:
        at = np.searchsorted(flat, members)
        scale[at] *= factor
        shift[at] = shift[at] * factor + offset
    changed = (scale != 1) | (shift != 0)
    pairs = np.stack(np.divmod(flat[changed], space.width), axis=1)
    return AffineGroup(
        kinds=kinds, spans=spans, pairs=pairs, scale=scale[changed], shift=shift[changed]
    )


def _affine(
    edit: Edit, space: NeuronSpace, spread: NDArray[np.float32] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return flat ids, scale and shift of one edit, those of its layers only."""
    pairs = edit.neurons.resolve(space)
    keep = np.array([edit.keeps_layer(layer, space) for layer in range(space.layers)])[pairs[:, 0]]
    pairs, alpha = pairs[keep], np.array(edit.alphas, np.float64)[keep]
    if edit.unit == "spread" and edit.operation != "ablate":
        alpha = alpha * _known(spread, space)[pairs[:, 0], pairs[:, 1]]
    flat = pairs[:, 0] * space.width + pairs[:, 1]
    zero = np.zeros_like(alpha)
    scale, shift = {
        "override": (zero, alpha),
        "ablate": (zero, zero),
        "add": (zero + 1, alpha),
        "scale": (alpha, zero),
    }[edit.operation]
    return flat, scale, shift


def _known(spread: NDArray[np.float32] | None, space: NeuronSpace) -> NDArray[np.float32]:
    if spread is None:
        raise SteeringError(
            "unit 'spread' needs each neuron's natural spread, but this policy knows none. "
            "Use unit='raw', or a policy whose spread() has been measured."
        )
    if spread.shape != (space.layers, space.width) or not np.isfinite(spread).all():
        raise SteeringError(
            f"The spread must be finite, with shape {(space.layers, space.width)}, "
            f"but has shape {spread.shape}."
        )
    return spread


def check_kinds(kinds: ArrayLike, rows: int) -> NDArray[np.int64]:
    """Return the kinds of a prefill's positions, (rows, positions), checked.

    Args:
        kinds: Numbers of ``KIND``, or ``PADDING``.
        rows: Number of steerings.

    Raises:
        SteeringError: The array has another shape, or holds other numbers.
    """
    array = np.asarray(kinds)
    if array.ndim != 2 or array.shape[0] != rows or array.dtype.kind not in "iu":
        raise SteeringError(
            f"kinds must be integers with shape ({rows}, positions), one row per steering, "
            f"but has dtype {array.dtype} and shape {array.shape}."
        )
    if array.shape[1] < 2:
        raise SteeringError(
            "A prefill has at least two positions; a pass over a single one is a decode step."
        )
    strays = np.setdiff1d(array, [PADDING, *KIND.values()])
    if strays.size:
        raise SteeringError(
            f"kinds holds {strays.tolist()}; allowed are {PADDING} for padding and {KIND}."
        )
    return array.astype(np.int64)


def row_report(
    groups: Sequence[AffineGroup],
    kinds: NDArray[np.int64],
    decode_steps: int,
    size: SteeringSize | None = None,
) -> SteeringReport:
    """Return what the groups of one row changed.

    Args:
        groups: The row's groups.
        kinds: Of the positions of its prefill, (positions,).
        decode_steps: Forward passes over one generated token that followed the prefill.
        size: As an engine measured it.
    """
    masks = [(group, group.acts_on(kinds)) for group in groups]
    decoded = decode_steps * any(group.acts_in_decode for group in groups)
    acting = [g.pairs for g, mask in masks if mask.any() or (decode_steps and g.acts_in_decode)]
    prefilled = np.logical_or.reduce([mask for _, mask in masks], initial=False, axis=0)
    neurons = len(np.unique(np.concatenate(acting), axis=0)) if acting else 0
    return SteeringReport(neurons=neurons, positions=int(np.sum(prefilled)) + decoded, size=size)
