"""Measures how large what steering adds to the residual stream is; see ``SteeringSize``.

Three hooks on each layer that a call edits, for the length of that call: one on the norm in front
of the feed-forward block sees the stream x, one in front of the engine's gate sees the natural
activations f, one behind the down projection sees the steered f' and the output W f'. With
delta = W_S (f'_S - f_S), the layer would have handed on x + W f = x + W f' - delta.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from steer_gym.neurons.source import module_values
from steer_gym.policy import SteeringSize

from .torch_buffers import LiveSlot


class StreamMeter:
    """Measures every forward pass of one steered call, row by row."""

    def __init__(
        self, live: Mapping[int, Sequence[LiveSlot]], norms: Sequence[nn.Module], rows: int
    ) -> None:
        """Be ready for a call.

        Args:
            live: The slots that change something, by layer.
            norms: The norm in front of each layer's feed-forward block.
            rows: Of the batch.
        """
        self._norms, self._rows = norms, rows
        self._layers = {layer: _LayerMeter(slots) for layer, slots in sorted(live.items())}

    @contextmanager
    def installed(self, modules: Sequence[nn.Module]) -> Iterator[None]:
        """Measure what the down projections ``modules`` and the norms see in the block."""
        handles = []
        for layer, meter in self._layers.items():
            down = modules[layer]
            handles += [
                self._norms[layer].register_forward_pre_hook(meter.see_stream),
                down.register_forward_pre_hook(meter.see_natural, prepend=True),
                down.register_forward_hook(meter.see_output),
            ]
        try:
            # Hooks of now are not in what was compiled before.
            with torch.compiler.set_stance("force_eager") if handles else nullcontext():
                yield
        finally:
            for handle in handles:
                handle.remove()

    def sizes(self) -> tuple[SteeringSize | None, ...]:
        """Return what was measured of each row; ``None`` where it is not finite."""
        if not self._layers:
            return (SteeringSize(mean=0.0, greatest=0.0),) * self._rows
        told = torch.stack([torch.stack(meter.told) for meter in self._layers.values()])
        return tuple(map(self._size, told.permute(2, 0, 1).tolist()))

    def _size(self, told: Sequence[tuple[float, float, float]]) -> SteeringSize | None:
        """Return a row's size from sum, greatest and number of each layer."""
        known = [(layer, *each) for layer, each in zip(self._layers, told, strict=True) if each[2]]
        if not all(torch.tensor(known).isfinite().flatten().tolist()):
            return None
        return SteeringSize(
            mean=sum(total for _, total, _, _ in known) / max(1.0, sum(n for *_, n in known)),
            greatest=max((most for _, _, most, _ in known), default=0.0),
            layers=tuple((layer, total / count, most) for layer, total, most, count in known),
        )


class _LayerMeter:
    """Adds up the sizes at the edited positions of one layer."""

    def __init__(self, slots: Sequence[LiveSlot]) -> None:
        columns = torch.cat([slot.columns for slot in slots])
        self._columns: Tensor = torch.unique(columns)
        edited = (slot.touched.any(-1) & slot.prefill[..., 0] for slot in slots)
        self._prefill = _any(edited)  # (rows, positions)
        self._decode = _any(slot.decode.any(-1) for slot in slots)  # (rows, 1)
        self._values: Tensor | None = None
        self.told = [torch.zeros(len(self._decode), dtype=torch.float64) for _ in range(3)]
        """Sum, greatest and number of the sizes, each (rows,)."""

    def see_stream(self, _norm: nn.Module, args: tuple[Any, ...]) -> None:
        """Take the residual stream, (rows, positions, d)."""
        self._stream: Tensor = args[0].detach()

    def see_natural(self, _down: nn.Module, args: tuple[Any, ...]) -> None:
        """Take the natural activations of the edited neurons, (rows, positions, n)."""
        self._natural = args[0].detach()[..., self._columns]

    def see_output(self, down: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        """Take the steered activations and what came of them, and measure."""
        if self._values is None:
            self._values = module_values(down, args[0].shape[-1], self._columns)
        steered = args[0].detach()[..., self._columns]
        exact = torch.promote_types(output.dtype, torch.float32)
        delta = (steered.to(exact) - self._natural.to(exact)) @ self._values.to(exact)
        handed_on = self._stream.to(exact) + output.detach().to(exact) - delta
        added, stream = delta.norm(dim=-1), handed_on.norm(dim=-1)
        edited = self._decode if added.shape[1] == 1 else self._prefill
        sizes = torch.where(edited & (added != 0), added / stream, 0)
        total, most, count = (told.to(sizes.device) for told in self.told)
        self.told = [
            total + sizes.sum(1, dtype=torch.float64),
            torch.maximum(most, sizes.amax(1).double()),
            count + edited.sum(1),
        ]


def _any(masks: Iterator[Tensor]) -> Tensor:
    found = next(masks)
    for mask in masks:
        found = found | mask
    return found
