"""One edit of a steering: an operation on some neurons, at some positions, in some layers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, cast, get_args

from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSet, NeuronSpace

Operation = Literal["override", "add", "scale", "ablate"]
Unit = Literal["raw", "spread"]
LayerRange = Literal["all", "early", "late"]
Position = str | tuple[int, int]

POSITION_KINDS = ("start", "image", "text", "state", "decode")
"""Kinds of position: begin-of-sequence, image, words, robot state, generated tokens."""
PREFILL_KINDS = POSITION_KINDS[:-1]
"""Every kind that is read at once, before the first token is generated."""
_ALIASES = {"all": POSITION_KINDS, "prefill": PREFILL_KINDS}


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One operation on one set of neurons."""

    neurons: NeuronSet
    """The neurons whose activations change."""
    alpha: float | tuple[float, ...] = 0.0
    """One number for all, or one per neuron in the order of the set; unused by ``ablate``."""
    operation: Operation = "override"
    """``override`` f = alpha, ``add`` f + alpha, ``scale`` f * alpha, ``ablate`` f = 0."""
    unit: Unit = "raw"
    """``raw``: alpha as it is. ``spread``: alpha times the neuron's natural standard deviation
    (not for ``scale``, whose alpha is a factor)."""
    positions: tuple[Position, ...] = ("all",)
    """``all``, ``prefill``, kinds of position, or spans ``(start, stop)`` that count the tokens
    of the prefill from its first real one."""
    layers: LayerRange | tuple[int, ...] = "all"
    """Keep only the neurons of these layers; early and late are the first and second half."""

    def __post_init__(self) -> None:
        """Normalise lists to tuples and refuse what is not allowed."""
        if not isinstance(self.neurons, NeuronSet):
            raise SteeringError(f"neurons must be a NeuronSet, but is {self.neurons!r}.")
        object.__setattr__(self, "alpha", _alpha(self.alpha))
        object.__setattr__(self, "layers", _layers(self.layers))
        object.__setattr__(self, "positions", _positions(self.positions))
        _require_choice("operation", self.operation, get_args(Operation))
        _require_choice("unit", self.unit, get_args(Unit))
        if len(self.alphas) != len(self.neurons):
            raise SteeringError(
                f"alpha has {len(self.alphas)} numbers for {len(self.neurons)} neurons; "
                "give one number, or one per neuron."
            )
        if self.operation == "scale" and self.unit == "spread":
            raise SteeringError("operation 'scale' takes a factor; unit must be 'raw'.")

    @property
    def alphas(self) -> tuple[float, ...]:
        """Return alpha for each neuron of the set."""
        if isinstance(self.alpha, tuple):
            return self.alpha
        return (float(self.alpha),) * len(self.neurons)

    @property
    def kinds(self) -> frozenset[str]:
        """Return the kinds of position that the edit acts on, aliases resolved."""
        named = (p for p in self.positions if isinstance(p, str))
        return frozenset(kind for name in named for kind in _ALIASES.get(name, (name,)))

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Return the spans of prefill tokens that the edit acts on."""
        return tuple(p for p in self.positions if not isinstance(p, str))

    def keeps_layer(self, layer: int, space: NeuronSpace) -> bool:
        """Tell whether the edit acts in ``layer`` of a model with ``space``."""
        if isinstance(self.layers, tuple):
            return layer in self.layers
        half = space.layers // 2
        return {"all": True, "early": layer < half, "late": layer >= half}[self.layers]


def _alpha(value: Any) -> float | tuple[float, ...]:
    value = value.tolist() if hasattr(value, "tolist") else value  # of numpy or torch
    alphas = _members(value)
    if not all(_is_number(alpha, Real) for alpha in alphas):
        raise SteeringError(f"alpha must be a finite number, or one per neuron, not {value!r}.")
    numbers = tuple(float(alpha) for alpha in alphas)
    return numbers[0] if isinstance(value, Real) else numbers


def _layers(value: Any) -> LayerRange | tuple[int, ...]:
    if isinstance(value, str):
        _require_choice("layers", value, get_args(LayerRange))
        return cast(LayerRange, value)
    layers = _members(value)
    if not all(_is_number(layer, Integral) for layer in layers):
        raise SteeringError(
            f"layers must be one of {', '.join(get_args(LayerRange))}, or integers, not {value!r}."
        )
    return tuple(int(layer) for layer in layers)


def _positions(value: Any) -> tuple[Position, ...]:
    positions = _members(value)
    if not positions:
        raise SteeringError("positions must name at least one position; 'all' is the default.")
    return tuple(_position(position) for position in positions)


def _position(value: Any) -> Position:
    if isinstance(value, str):
        _require_choice("positions", value, (*_ALIASES, *POSITION_KINDS))
        return value
    span = _members(value)
    if (
        len(span) != 2
        or not all(_is_number(n, Integral) for n in span)
        or not 0 <= span[0] < span[1]
    ):
        raise SteeringError(f"A span is (start, stop) with 0 <= start < stop, not {value!r}.")
    return (int(span[0]), int(span[1]))


def _members(value: Any) -> tuple[Any, ...]:
    """Return what ``value`` holds; a number or a string holds itself."""
    single = isinstance(value, str) or not isinstance(value, Iterable)
    return (value,) if single else tuple(value)


def _is_number(value: Any, kind: type) -> bool:
    is_kind = isinstance(value, kind) and not isinstance(value, bool)
    return is_kind and math.isfinite(cast(float, value))


def _require_choice(field: str, given: Any, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise SteeringError(f"{field} must be one of {', '.join(allowed)}, but is {given!r}.")
