"""What the gates of a model read: dense tensors, written sparsely between calls."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.affine import Rows
from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSpace


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

    def write(self, groups: Rows, kinds: NDArray[np.int64]) -> None:
        """Write the groups of each row for a prefill of ``kinds``, (rows, positions).

        Raises:
            SteeringError: A number is beyond the range of the activations' type.
        """
        slots, (rows, positions) = max(map(len, groups), default=0), kinds.shape
        if not slots:
            return
        prefill = np.zeros((slots, rows, positions, 1), np.bool_)
        decode = np.zeros((slots, rows, 1, 1), np.bool_)
        for row, members in enumerate(groups):
            for slot, group in enumerate(members):
                prefill[slot, row, :, 0] = group.acts_on(kinds[row])
                decode[slot, row] = group.acts_in_decode
        self._write_edits(groups)
        self.prefill[:slots, :rows, :positions] = torch.from_numpy(prefill).to(self.prefill.device)
        self.decode[:slots, :rows] = torch.from_numpy(decode).to(self.decode.device)

    def _write_edits(self, groups: Rows) -> None:
        placed = [
            (group, slot, row)
            for row, members in enumerate(groups)
            for slot, group in enumerate(members)
        ]
        where = np.concatenate(
            [np.insert(group.pairs, 1, [[slot], [row]], axis=1) for group, slot, row in placed]
        )  # layer, slot, row, neuron
        layers, slots, rows, _, width = self.touched.shape
        flat = np.ravel_multi_index(tuple(where.T), (layers, slots, rows, width))
        at = torch.from_numpy(flat).to(self.touched.device)
        scale = self._cast(np.concatenate([group.scale for group, _, _ in placed]))
        shift = self._cast(np.concatenate([group.shift for group, _, _ in placed]))
        self.scale.view(-1)[at] = scale
        self.shift.view(-1)[at] = shift
        self.touched.view(-1)[at] = True

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
