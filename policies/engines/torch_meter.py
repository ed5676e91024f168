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

import numpy as np
import torch
from numpy.typing import NDArray
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
        seen = {layer: meter.seen() for layer, meter in self._layers.items()}
        return tuple(
            _summed({layer: sizes[row][edited[row]] for layer, (sizes, edited) in seen.items()})
            for row in range(self._rows)
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
        self._seen: list[tuple[Tensor, Tensor]] = []
        self._decoded: list[tuple[Tensor, Tensor]] = []

    def see_stream(self, _norm: nn.Module, args: tuple[Any, ...]) -> None:
        """Take the residual stream, (rows, positions, d)."""
        self._stream: Tensor = args[0].detach()

    def see_natural(self, _down: nn.Module, args: tuple[Any, ...]) -> None:
        """Take the natural activations of the edited neurons, (rows, positions, n)."""
        self._natural: Tensor = args[0].detach()[..., self._columns]

    def see_output(self, down: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        """Take the steered activations and what came of them, and measure."""
        if self._values is None:
            self._values = module_values(down, args[0].shape[-1], self._columns)
        exact = torch.promote_types(output.dtype, torch.float32)
        change = args[0].detach()[..., self._columns].to(exact) - self._natural.to(exact)
        steered = self._stream.to(exact) + output.detach().to(exact)
        if change.shape[1] > 1:
            self._seen.append((self._sizes(change, steered), self._prefill))
        else:  # small, so that all steps together are measured at the end
            self._decoded.append((change, steered))

    def seen(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return sizes, and where edits act, both (rows, positions of all passes)."""
        parts = list(self._seen)
        if self._decoded:
            changes, steered = zip(*self._decoded, strict=True)
            sizes = self._sizes(torch.cat(changes, dim=1), torch.cat(steered, dim=1))
            parts.append((sizes, self._decode.expand_as(sizes)))
        if not parts:  # no forward pass has come by
            return np.zeros((len(self._decode), 0)), np.zeros((len(self._decode), 0), np.bool_)
        sizes, edited = (torch.cat(each, dim=1).cpu() for each in zip(*parts, strict=True))
        return sizes.double().numpy(), edited.numpy()

    def _sizes(self, change: Tensor, steered: Tensor) -> Tensor:
        """Return sizes (rows, positions) of changes (rows, positions, n) and what came of them."""
        assert self._values is not None
        delta = change @ self._values.to(change.dtype)
        added, stream = delta.norm(dim=-1), (steered - delta).norm(dim=-1)
        return torch.where(added == 0, added, added / stream)


def _summed(layers: Mapping[int, NDArray[np.float64]]) -> SteeringSize | None:
    """Return a row's size from those at every edited position, by layer."""
    edited = {layer: sizes for layer, sizes in layers.items() if sizes.size}
    if not edited:
        return SteeringSize(mean=0.0, greatest=0.0)
    every = np.concatenate([*edited.values()])
    if not np.isfinite(every).all():
        return None
    return SteeringSize(
        mean=float(every.mean()),
        greatest=float(every.max()),
        layers=tuple((n, float(sizes.mean()), float(sizes.max())) for n, sizes in edited.items()),
    )


def _any(masks: Iterator[Tensor]) -> Tensor:
    found = next(masks)
    for mask in masks:
        found = found | mask
    return found
