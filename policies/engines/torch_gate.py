"""The hook in front of one down projection: reads buffers, edits a copy, never branches on data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from steer_gym.errors import SteeringError

from .torch_buffers import LiveSlot

Observer = Callable[[int, Tensor, Tensor], None]
"""Called with a layer, its natural activations (rows, positions, width), and which positions are
real, (rows, positions)."""


@dataclass
class Session:
    """What uncompiled gates know of the call in progress; compiled ones read their buffers."""

    real: Tensor | None = None
    """(rows, positions) of the prefill, false for padding; ``None`` between calls."""
    live: dict[int, list[LiveSlot]] = field(default_factory=dict)
    """Layer -> the slots that change something in it, in order."""
    observers: list[Observer] = field(default_factory=list)


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
        if torch.compiler.is_compiling():
            return (self._read_buffers(natural), *args[1:])
        if self.session.observers:
            self._show(natural.detach())
        slots = self.session.live.get(self.layer)
        if not slots:
            return None
        self._require_announced(natural)
        for slot in slots:
            natural = _steer_slot(natural, slot)
        return (natural, *args[1:])

    def _read_buffers(self, natural: Tensor) -> Tensor:
        """Return the steered activations by operations that no content of a buffer changes."""
        rows, positions = natural.shape[:2]
        slots, most_rows, most_positions = self.prefill.shape[:3]
        if rows > most_rows or positions > most_positions:
            return natural  # outside of `steered`, which makes room first
        for slot in range(slots):
            acts = self.decode[slot, :rows] if positions == 1 else self.prefill[slot, :rows]
            where = self.touched[slot, :rows] & acts[:, :positions]
            natural = _steer(natural, where, self.scale[slot, :rows], self.shift[slot, :rows])
        return natural

    def _show(self, natural: Tensor) -> None:
        self._require_announced(natural)
        shape, real = natural.shape[:-1], self.session.real
        if real is None or real.shape != shape:  # between calls, or a decode step
            real = torch.ones(shape, dtype=torch.bool, device=natural.device)
        for observer in self.session.observers:
            observer(self.layer, natural, real)

    def _require_announced(self, natural: Tensor) -> None:
        real = self.session.real
        if real is None:
            return
        rows, positions = real.shape
        if natural.shape[:-1] not in ((rows, positions), (rows, 1)):
            raise SteeringError(
                f"Layer {self.layer} sees activations of shape {tuple(natural.shape)}, but the "
                f"engine was told of {(rows, positions)} (rows, positions). Give `kinds` for every "
                "position of the prefill, and decode one position at a time."
            )


def _steer_slot(natural: Tensor, slot: LiveSlot) -> Tensor:
    if natural.shape[1] == 1:
        return _steer(natural, slot.decode, slot.scale, slot.shift, replaces=slot.replaces)
    # Few neurons over many positions: a copy and its columns cost less than passes over all.
    columns = slot.columns
    steered = natural.clone()
    steered[..., columns] = _steer(
        natural[..., columns],
        slot.touched[..., columns] & slot.prefill,
        slot.scale[..., columns],
        slot.shift[..., columns],
        replaces=slot.replaces,
    )
    return steered


def _steer(
    natural: Tensor, where: Tensor, scale: Tensor, shift: Tensor, *, replaces: bool = False
) -> Tensor:
    """Return ``scale * natural + shift`` where ``where``, else ``natural``, to the bit."""
    steered = shift = shift.to(natural.dtype)
    if not replaces:
        scale = scale.to(natural.dtype)
        # A replaced activation must not come through 0 * f: it may be NaN.
        steered = torch.where(scale == 0, shift, torch.addcmul(shift, natural, scale))
    return torch.where(where, steered, natural)
