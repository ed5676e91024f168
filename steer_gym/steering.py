"""Steering as a value: which neurons, what to do with them, where. Plain numbers and JSON.

A gated feed-forward layer computes ``sum_i f_i(x) w_i``; ``f_i`` is neuron i's activation (the
input of ``down_proj``) and ``w_i`` its value vector. Steering replaces some ``f_i``; overriding
with a constant is equation 2 of Häon et al., CoRL 2025 (arXiv 2509.00328).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from steer_gym.errors import SteeringError, UnknownNameError
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
        if not isinstance(self.alpha, int | float):
            object.__setattr__(self, "alpha", tuple(float(a) for a in self.alpha))
        if not isinstance(self.layers, str):
            object.__setattr__(self, "layers", tuple(int(layer) for layer in self.layers))
        positions = (self.positions,) if isinstance(self.positions, str) else self.positions
        object.__setattr__(self, "positions", tuple(_position(p) for p in positions))
        _require_choice("operation", self.operation, get_args(Operation))
        _require_choice("unit", self.unit, get_args(Unit))
        if isinstance(self.layers, str):
            _require_choice("layers", self.layers, get_args(LayerRange))
        self._check_alpha()

    def _check_alpha(self) -> None:
        if not all(math.isfinite(alpha) for alpha in self.alphas):
            raise SteeringError(f"alpha must be finite, but is {self.alpha!r}.")
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


@dataclass(frozen=True, init=False)
class Steering:
    """A steering: edits that apply together, in their order. A value: ``==``, ``hash``, ``+``.

    >>> fast = NeuronSet.from_flat([1204, 873], name="fast")
    >>> Steering(fast, alpha=10.0)                          # the paper's override
    >>> Steering(fast, alpha=2.0, operation="add", unit="spread", positions=("text",))
    >>> Steering(fast, alpha=10.0) + Steering(low, alpha=4.0)
    """

    edits: tuple[Edit, ...]

    def __init__(
        self, neurons: NeuronSet | Iterable[Edit] = (), alpha: Any = None, **options: Any
    ) -> None:
        """Create a steering of one set, or of ready edits.

        Args:
            neurons: A set of neurons, or edits.
            alpha: Strength; see ``Edit.alpha``.
            **options: The other fields of ``Edit``.
        """
        if isinstance(neurons, NeuronSet):
            if alpha is None and options.get("operation") != "ablate":
                raise SteeringError("Steering needs alpha (only operation='ablate' does not).")
            edits: tuple[Edit, ...] = (Edit(neurons=neurons, alpha=alpha or 0.0, **options),)
        elif alpha is not None or options:
            raise SteeringError("alpha and options belong to a NeuronSet; edits carry their own.")
        else:
            edits = tuple(neurons)
        object.__setattr__(self, "edits", edits)

    def __add__(self, other: Steering) -> Steering:
        """Return both steerings together; this one's edits are applied first."""
        return Steering(self.edits + other.edits)

    def __bool__(self) -> bool:
        """Tell whether there is anything to steer."""
        return any(len(edit.neurons) for edit in self.edits)

    def replace(self, **changes: Any) -> Steering:
        """Return a copy whose every edit has these fields, for example another ``alpha``."""
        return Steering(replace(edit, **changes) for edit in self.edits)

    def check(self, space: NeuronSpace) -> None:
        """Raise ``SteeringError`` unless every neuron belongs to a model with ``space``."""
        for edit in self.edits:
            edit.neurons.resolve(space)
            if isinstance(edit.layers, tuple) and not set(edit.layers) <= set(range(space.layers)):
                raise SteeringError(
                    f"layers {edit.layers} go beyond the model's, 0 to {space.layers - 1}."
                )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data that ``from_json`` reads back to an equal value."""
        return {"edits": [asdict(edit) for edit in self.edits]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Steering:
        """Return the steering that ``to_json`` wrote."""
        return cls(
            Edit(**{**edit, "neurons": NeuronSet.from_json(edit["neurons"])})
            for edit in data["edits"]
        )

    def save(self, path: str | Path) -> None:
        """Write the steering as a JSON file."""
        Path(path).write_text(json.dumps(self.to_json(), indent=1))

    @classmethod
    def load(cls, path: str | Path) -> Steering:
        """Read a JSON file that ``save`` wrote."""
        return cls.from_json(json.loads(Path(path).read_text()))


PRESETS: dict[str, dict[str, Any]] = {
    "paper-openvla": {"operation": "override", "positions": ("all",)},
    "paper-pi0-fast": {"operation": "override", "positions": ("prefill",)},
}
"""What the paper's released code does: its OpenVLA hook overrides at every position of the
prefill and of every decode step, its pi0-FAST model in the prefill alone."""


def paper_steering(preset: str, neurons: NeuronSet, alpha: float) -> Steering:
    """Return the steering that the paper's released code applies for one of ``PRESETS``."""
    if preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    return Steering(neurons, alpha, **PRESETS[preset])


def _position(value: Any) -> Position:
    if isinstance(value, str):
        _require_choice("positions", value, (*_ALIASES, *POSITION_KINDS))
        return value
    start, stop = (int(bound) for bound in value)
    if not 0 <= start < stop:
        raise SteeringError(f"A span is (start, stop) with 0 <= start < stop, not {value!r}.")
    return (start, stop)


def _require_choice(field: str, given: Any, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise SteeringError(f"{field} must be one of {', '.join(allowed)}, but is {given!r}.")
