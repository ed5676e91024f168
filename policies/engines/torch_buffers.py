"""What the gates of a model read: dense tensors, written sparsely between calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.affine import Rows
from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSpace


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveSlot:
    """One slot of one layer in the call in progress: what an uncompiled gate needs of it."""

    columns: Tensor
    """(n,) neurons that some row changes."""
    touched: Tensor
    """(rows, 1, width)."""
    scale: Tensor
    """(rows, 1, width)."""
    shift: Tensor
    """(rows, 1, width)."""
    replaces: bool
    """Whether activations are replaced only, so that the natural ones need no arithmetic."""
    prefill: Tensor
    """(rows, positions, 1)."""
    decode: Tensor
    """(rows, 1, width): ``touched`` in the rows that act on decode steps."""


class SteeringBuffers:
    """The edits of every layer, and the positions they act on; all zero: nothing to steer.

    One tensor holds all layers and each gate reads a view of it, so that a steering is written
    in a few kernels however many layers it touches.
    """

    def __init__(
        self,
        space: NeuronSpace,
        *,
        slots: int,
        rows: int,
        positions: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.capacity = (slots, rows, positions)
        shape = (space.layers, slots, rows, 1, space.width)
        # Tensors born in inference mode could never be written outside of it.
        with torch.inference_mode(False):
            self.touched = torch.zeros(shape, dtype=torch.bool, device=device)
            self.scale = torch.zeros(shape, dtype=dtype, device=device)
            self.shift = torch.zeros(shape, dtype=dtype, device=device)
            self.prefill = torch.zeros((slots, rows, positions, 1), dtype=torch.bool, device=device)
            self.decode = torch.zeros((slots, rows, 1, 1), dtype=torch.bool, device=device)

    def of_layer(self, layer: int) -> dict[str, Tensor]:
        """Return what the gate of one layer reads."""
        return {
            "touched": self.touched[layer],
            "scale": self.scale[layer],
            "shift": self.shift[layer],
            "prefill": self.prefill,
            "decode": self.decode,
        }

    def write(self, groups: Rows, kinds: NDArray[np.int64]) -> dict[int, list[LiveSlot]]:
        """Write the groups of each row for a prefill of ``kinds``, (rows, positions).

        Returns:
            The slots that change something, by layer.

        Raises:
            SteeringError: A number is beyond the range of the activations' type.
        """
        slots, (rows, positions) = max(map(len, groups), default=0), kinds.shape
        if not slots:
            return {}
        prefill = np.zeros((slots, rows, positions, 1), np.bool_)
        decode = np.zeros((slots, rows, 1, 1), np.bool_)
        for row, members in enumerate(groups):
            for slot, group in enumerate(members):
                prefill[slot, row, :, 0] = group.acts_on(kinds[row])
                decode[slot, row] = group.acts_in_decode
        entries = _entries(groups)
        self._write_edits(entries)
        self.prefill[:slots, :rows, :positions] = torch.from_numpy(prefill).to(self.prefill.device)
        self.decode[:slots, :rows] = torch.from_numpy(decode).to(self.decode.device)
        return self._live(entries, rows, positions)

    def _write_edits(self, entries: _Entries) -> None:
        layers, slots, rows, _, width = self.touched.shape
        shape = (layers, slots, rows, width)
        index = (entries.layer, entries.slot, entries.row, entries.neuron)
        at = torch.from_numpy(np.ravel_multi_index(index, shape)).to(self.touched.device)
        scale, shift = self._cast(entries.scale), self._cast(entries.shift)
        self.scale.view(-1)[at] = scale
        self.shift.view(-1)[at] = shift
        self.touched.view(-1)[at] = True

    def _live(self, entries: _Entries, rows: int, positions: int) -> dict[int, list[LiveSlot]]:
        layers, slots, _, _, width = self.touched.shape
        index = (entries.layer, entries.slot, entries.neuron)
        flat = np.unique(np.ravel_multi_index(index, (layers, slots, width)))
        homes, starts = np.unique(flat // width, return_index=True)
        columns = torch.from_numpy(flat % width).to(self.touched.device)
        affine = set((entries.layer * slots + entries.slot)[entries.scale != 0].tolist())
        decode = (self.touched & self.decode)[:, :, :rows]
        live: dict[int, list[LiveSlot]] = {}
        for home, members in zip(
            homes.tolist(), columns.tensor_split(starts[1:].tolist()), strict=True
        ):
            layer, slot = divmod(home, slots)
            live.setdefault(layer, []).append(
                LiveSlot(
                    columns=members,
                    touched=self.touched[layer, slot, :rows],
                    scale=self.scale[layer, slot, :rows],
                    shift=self.shift[layer, slot, :rows],
                    replaces=home not in affine,
                    prefill=self.prefill[slot, :rows, :positions],
                    decode=decode[layer, slot],
                )
            )
        return live

    def _cast(self, values: NDArray[np.float64]) -> Tensor:
        dtype = self.scale.dtype
        cast = torch.from_numpy(values).to(dtype)
        if not bool(cast.isfinite().all()):
            raise SteeringError(
                f"alpha {float(np.abs(values).max()):g} is too large for activations in {dtype}, "
                f"which end at {torch.finfo(dtype).max:g}."
            )
        return cast.to(self.scale.device)

    def clear(self) -> None:
        """Steer nothing."""
        for tensor in (self.touched, self.scale, self.shift, self.prefill, self.decode):
            tensor.zero_()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Entries:
    """Every edited activation of a batch, each array (n,)."""

    layer: NDArray[np.int64]
    slot: NDArray[np.int64]
    row: NDArray[np.int64]
    neuron: NDArray[np.int64]
    scale: NDArray[np.float64]
    shift: NDArray[np.float64]


def _entries(groups: Rows) -> _Entries:
    placed = [
        (group, np.full(len(group.pairs), slot), np.full(len(group.pairs), row))
        for row, members in enumerate(groups)
        for slot, group in enumerate(members)
    ]
    pairs = np.concatenate([group.pairs for group, _, _ in placed])
    return _Entries(
        layer=pairs[:, 0],
        slot=np.concatenate([slot for _, slot, _ in placed]),
        row=np.concatenate([row for _, _, row in placed]),
        neuron=pairs[:, 1],
        scale=np.concatenate([group.scale for group, _, _ in placed]),
        shift=np.concatenate([group.shift for group, _, _ in placed]),
    )
