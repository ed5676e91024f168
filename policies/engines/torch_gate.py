"""The hook in front of one down projection: reads buffers, edits a copy, never branches on data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from steer_gym.affine import Rows
from steer_gym.errors import SteeringError

Observer = Callable[[int, Tensor, Tensor], None]
"""Called with a layer, its natural activations (rows, positions, width), and which positions are
real, (rows, positions)."""


@dataclass
class Session:
    """What eager gates know of the call in progress; compiled gates read their buffers alone."""

    real: Tensor | None = None
    """(rows, positions) of the prefill, false for padding; ``None`` between calls."""
    live: dict[int, list[int]] = field(default_factory=dict)
    """Layer -> the slots that change something in it, in order."""
    affine: set[int] = field(default_factory=set)
    """Layers where some activation is scaled or shifted, not just replaced."""
    observers: list[Observer] = field(default_factory=list)

    def begin(self, groups: Rows, real: Tensor) -> None:
        """Announce a call: its groups, and which positions of its prefill are real."""
        self.real = real
        for slot, group in ((slot, group) for row in groups for slot, group in enumerate(row)):
            self.affine.update(group.pairs[group.scale != 0, 0].tolist())
            for layer in np.unique(group.pairs[:, 0]).tolist():
                self.live[layer] = sorted({slot, *self.live.get(layer, ())})

    def end(self) -> None:
        """Forget the call."""
        self.real, self.live, self.affine = None, {}, set()


class Gate(nn.Module):
    """Forward pre-hook of one down projection: ``f' = scale * f + shift`` where it is told to.

    Buffers, whose contents change between calls and whose shapes do not: ``touched``, ``scale``
    and ``shift`` of shape (slots, rows, 1, width); ``prefill`` (slots, rows, positions, 1) and
    ``decode`` (slots, rows, 1, 1). A forward pass over one position is a decode step, any other
    is the prefill: shapes are known while compiling, so no flag ever makes it compile again.
    """

    touched: Tensor
    scale: Tensor
    shift: Tensor
    prefill: Tensor
    decode: Tensor

    def __init__(self, layer: int, session: Session) -> None:
        super().__init__()
        self.layer = layer
        self.session = session

    def connect(self, **buffers: Tensor) -> None:
        """Read these buffers from now on."""
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, _module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Return the arguments with steered activations, or ``None`` to leave them."""
        natural: Tensor = args[0]
        slots = self._slots(natural)
        if not slots:
            return None
        steered = natural
        for slot in slots:
            steered = self._edit(steered, slot)
        return (steered, *args[1:])

    def _slots(self, natural: Tensor) -> Sequence[int]:
        if torch.compiler.is_compiling():
            rows, positions = natural.shape[:2]
            fits = rows <= self.prefill.shape[1] and positions <= self.prefill.shape[2]
            return range(self.prefill.shape[0]) if fits else ()
        for observer in self.session.observers:
            observer(self.layer, natural.detach(), self._real(natural))
        slots = self.session.live.get(self.layer, ())
        if slots:
            self._real(natural)
        return slots

    def _edit(self, natural: Tensor, slot: int) -> Tensor:
        rows, positions = natural.shape[:2]
        acts = self.decode[slot, :rows] if positions == 1 else self.prefill[slot, :rows, :positions]
        scale = self.scale[slot, :rows].to(natural.dtype)
        shift = self.shift[slot, :rows].to(natural.dtype)
        edited = shift
        if torch.compiler.is_compiling() or self.layer in self.session.affine:
            # A replaced activation must not come through 0 * f: it may be NaN.
            edited = torch.where(scale == 0, shift, torch.addcmul(shift, natural, scale))
        return torch.where(self.touched[slot, :rows] & acts, edited, natural)

    def _real(self, natural: Tensor) -> Tensor:
        """Return which positions of this forward pass hold tokens; refuse one nobody announced."""
        real = self.session.real
        shape = tuple(natural.shape[:-1])
        if real is None or shape == (real.shape[0], 1):
            return torch.ones(shape, dtype=torch.bool, device=natural.device)
        if shape != tuple(real.shape):
            raise SteeringError(
                f"Layer {self.layer} sees activations of shape {tuple(natural.shape)}, but the "
                f"engine was told of {tuple(real.shape)} (rows, positions). Give `kinds` for every "
                "position of the prefill, and decode one position at a time."
            )
        return real
