"""The torch engine: steers feed-forward neurons of any torch model, exactly and row by row.

    engine = TorchEngine(down_projections(model), space)     # once, before any torch.compile
    with engine.steered(steerings, kinds) as steered:        # kinds: (rows, prefill positions)
        ...prefill, then decode steps of one position each...
    reports = steered.reports(decode_steps)

Hooks that are registered after ``torch.compile`` has traced a model are ignored by torch without
a word; hence install first. From then on only the contents of buffers change: another alpha,
another set or none at all never compiles again. More rows, more positions or more groups at once
than ever before compile once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from steer_gym.affine import PADDING, Rows, affine_rows, check_kinds, row_report
from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSpace
from steer_gym.policy import SteeringReport
from steer_gym.steering import Steering

from .torch_buffers import SteeringBuffers
from .torch_gate import Gate, Observer, Session
from .torch_meter import StreamMeter


@dataclass(frozen=True, kw_only=True, eq=False)
class SteeredCall:
    """What one ``steered`` block does, row by row."""

    steerings: tuple[Steering | None, ...]
    """As given."""
    groups: Rows
    """What they come to."""
    kinds: NDArray[np.int64]
    """(rows, positions) of the prefill."""
    measured: tuple[bool, ...]
    """Whether the size of a row's steering is measured."""
    meter: StreamMeter | None
    """What measures; ``None``: no row asked for it."""

    def reports(self, decode_steps: int = 0) -> tuple[SteeringReport | None, ...]:
        """Return one report per row, ``None`` where there was no steering.

        Args:
            decode_steps: Forward passes over one generated token that followed the prefill.
        """
        sizes = self.meter.sizes() if self.meter else (None,) * len(self.steerings)
        told = (size if asked else None for size, asked in zip(sizes, self.measured, strict=True))
        rows = zip(self.steerings, self.groups, self.kinds, told, strict=True)
        return tuple(row_report(g, k, decode_steps, size) if s else None for s, g, k, size in rows)


class TorchEngine:
    """Pre-hooks on the down projections of one model, and the buffers that they read.

    **This hooks the given modules** until ``remove()``; outside of ``steered`` they compute what
    they computed before, to the bit.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        space: NeuronSpace,
        *,
        norms: Sequence[nn.Module] = (),
        dtype: torch.dtype | None = None,
        slots: int = 1,
    ) -> None:
        """Install the hooks.

        Args:
            modules: The down projection of each layer, first layer first; any module whose first
                argument is the activations (rows, positions, width), be it quantised or wrapped.
            space: The neurons; ``layers`` and ``width`` must be those of the modules.
            norms: The norm in front of each layer's feed-forward block, whose first argument is the
                residual stream; needed to measure how large a steering is.
            dtype: Of the activations; by default that of the first floating-point weight.
            slots: Groups of edits on different positions to make room for in each row.

        Raises:
            SteeringError: Modules and space do not fit, or the modules lie on several devices.
        """
        _check_modules(modules, space)
        self.space = space
        self._modules, self._norms = tuple(modules), tuple(norms)
        self._dtype = dtype
        self._session = Session()
        self._gates = [Gate(layer, self._session) for layer in range(space.layers)]
        self._allocate(slots, rows=1, positions=2)
        self._handles = [
            module.register_forward_pre_hook(gate.forward)
            for module, gate in zip(modules, self._gates, strict=True)
        ]

    def remove(self) -> None:
        """Take the hooks off the model; the engine is of no further use."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    @contextmanager
    def steered(
        self,
        steerings: Sequence[Steering | None],
        kinds: ArrayLike,
        *,
        spread: NDArray[np.float32] | None = None,
        measured: Sequence[bool] = (),
    ) -> Iterator[SteeredCall]:
        """Steer every forward pass in the block; whatever happens there, leave nothing behind.

        A forward pass over one position is a decode step; any other is the prefill.

        Args:
            steerings: One per row.
            kinds: Kind of each position of the prefill, (rows, positions): numbers of
                ``steer_gym.affine.KIND``, or ``PADDING``.
            spread: Natural standard deviation of each neuron, for unit "spread".
            measured: Whether to measure how large each row's steering is; empty: of none. Compiled
                models run uncompiled in the block if there is one.

        Raises:
            SteeringError: A steering does not fit the model, ``kinds`` is malformed, a forward
                pass has other rows or positions than were announced, or nothing can be measured.
        """
        numbers = check_kinds(kinds, len(steerings))
        if self._session.real is not None:
            raise SteeringError("The engine is steering already; finish that `steered` block.")
        if not self._handles:
            raise SteeringError("The engine was removed from its model; make a new one.")
        groups = affine_rows(steerings, self.space, spread)
        self._reserve(max(map(len, groups), default=0), *numbers.shape)
        try:
            self._session.real = torch.from_numpy(numbers != PADDING).to(self._placement[0])
            self._session.live = self._buffers.write(groups, numbers)
            meter = self._meter(len(numbers)) if any(measured) else None
            with meter.installed(self._modules) if meter else nullcontext():
                yield SteeredCall(
                    steerings=tuple(steerings),
                    groups=groups,
                    kinds=numbers,
                    measured=tuple(measured) or (False,) * len(numbers),
                    meter=meter,
                )
        finally:
            self._session.real, self._session.live = None, {}
            self._buffers.clear()

    @contextmanager
    def observed(self, observer: Observer) -> Iterator[None]:
        """Show ``observer`` the natural activations of every forward pass in the block.

        They are shown before any edit. Compiled models run uncompiled in the block.
        """
        self._session.observers.append(observer)
        try:
            with torch.compiler.set_stance("force_eager"):
                yield
        finally:
            self._session.observers.remove(observer)

    @contextmanager
    def capture(self) -> Iterator[list[list[Tensor]]]:
        """Collect the natural activations of every forward pass in the block.

        Yields a list per layer with one copy, (rows, positions, width), per forward pass.
        """
        captured: list[list[Tensor]] = [[] for _ in range(self.space.layers)]
        with self.observed(lambda layer, natural, _: captured[layer].append(natural.clone())):
            yield captured

    def _meter(self, rows: int) -> StreamMeter:
        if not self._norms:
            raise SteeringError(
                "The engine was not told which norms read the residual stream, so it cannot "
                "measure how large a steering is. Give it norms=feed_forward_norms(model)."
            )
        return StreamMeter(self._session.live, self._norms, rows)

    def _reserve(self, slots: int, rows: int, positions: int) -> None:
        """Make room, doubling what is too small so that a compiled model seldom notices."""
        have = self._buffers.capacity
        room = tuple(map(_room, have, (slots, rows, positions)))
        if room != have or _placement(self._modules[0]) != self._placement:
            self._allocate(*room)

    def _allocate(self, slots: int, rows: int, positions: int) -> None:
        self._placement = device, dtype = _placement(self._modules[0])
        self._buffers = SteeringBuffers(
            self.space,
            slots=slots,
            rows=rows,
            positions=positions,
            dtype=self._dtype or dtype,
            device=device,
        )
        for layer, gate in enumerate(self._gates):
            gate.connect(**self._buffers.of_layer(layer))


def _room(have: int, wanted: int) -> int:
    return have if have >= wanted else 1 << (wanted - 1).bit_length()


def _check_modules(modules: Sequence[nn.Module], space: NeuronSpace) -> None:
    if len(modules) != space.layers:
        raise SteeringError(
            f"The engine got {len(modules)} modules for a model of {space.layers} layers; "
            "give the down projection of each layer."
        )
    for layer, module in enumerate(modules):
        width = getattr(module, "in_features", space.width)
        if width != space.width:
            raise SteeringError(
                f"The module of layer {layer} takes {width} activations, "
                f"but the model has {space.width} neurons a layer."
            )
    devices = {str(tensor.device) for module in modules for tensor in _tensors(module)}
    if len(devices) > 1:
        raise SteeringError(
            f"The down projections lie on {', '.join(sorted(devices))}; the engine needs them on "
            "one device."
        )


def _placement(module: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Return device and floating-point type of the module's weights, else CPU and the default."""
    tensors = list(_tensors(module))
    device = tensors[0].device if tensors else torch.device("cpu")
    floating = (tensor.dtype for tensor in tensors if tensor.is_floating_point())
    return device, next(floating, torch.get_default_dtype())


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    return chain(module.parameters(), module.buffers())
