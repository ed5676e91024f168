"""Steering as a value: which neurons, what to do with them, where. Plain numbers and JSON.

A gated feed-forward layer computes ``sum_i f_i(x) w_i``; ``f_i`` is neuron i's activation (the
input of ``down_proj``) and ``w_i`` its value vector. Steering replaces some ``f_i``; overriding
with a constant is equation 2 of Häon et al., CoRL 2025 (arXiv 2509.00328).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from steer_gym.digest import digest
from steer_gym.edit import Edit
from steer_gym.errors import SteeringError, UnknownNameError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.results import atomic_path


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
            strength = 0.0 if alpha is None else alpha
            edits: tuple[Edit, ...] = (Edit(neurons=neurons, alpha=strength, **options),)
        elif alpha is not None or options:
            raise SteeringError("alpha and options belong to a NeuronSet; edits carry their own.")
        else:
            edits = tuple(neurons)
        strays = [edit for edit in edits if not isinstance(edit, Edit)]
        if strays:
            raise SteeringError(
                f"A steering is made of a NeuronSet or of Edits, not {strays[0]!r}."
            )
        object.__setattr__(self, "edits", edits)

    def __add__(self, other: Steering) -> Steering:
        """Return both steerings together; this one's edits are applied first."""
        if not isinstance(other, Steering):
            return NotImplemented
        return Steering(self.edits + other.edits)

    def __bool__(self) -> bool:
        """Tell whether there is anything to steer."""
        return any(len(edit.neurons) for edit in self.edits)

    def replace(self, **changes: Any) -> Steering:
        """Return a copy whose every edit has these fields, for example another ``alpha``."""
        return Steering(replace(edit, **changes) for edit in self.edits)

    @property
    def alpha(self) -> float | None:
        """Return the alpha that all neurons of all edits share; ``None`` where they differ."""
        alphas = {alpha for edit in self.edits for alpha in edit.alphas}
        return alphas.pop() if len(alphas) == 1 else None

    def check(self, space: NeuronSpace) -> None:
        """Raise ``SteeringError`` unless every neuron belongs to a model with ``space``."""
        for edit in self.edits:
            edit.neurons.resolve(space)
            if isinstance(edit.layers, tuple) and not set(edit.layers) <= set(range(space.layers)):
                raise SteeringError(
                    f"layers {edit.layers} go beyond the model's, 0 to {space.layers - 1}."
                )

    @property
    def digest(self) -> str:
        """Return 12 hexadecimal digits that name the steering in result rows."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data that ``from_json`` reads back to an equal value."""
        return {"edits": [asdict(edit) for edit in self.edits]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Steering:
        """Return the steering that ``to_json`` wrote.

        Raises:
            SteeringError: The data is something else.
        """
        try:
            return cls(
                Edit(**{**edit, "neurons": NeuronSet.from_json(edit["neurons"])})
                for edit in data["edits"]
            )
        except (TypeError, KeyError) as error:
            raise SteeringError(f"Not a steering: {type(error).__name__} {error}.") from error

    def save(self, path: str | Path) -> None:
        """Write the steering as a JSON file, whole or not at all."""
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(self.to_json(), indent=1))

    @classmethod
    def load(cls, path: str | Path) -> Steering:
        """Read a JSON file that ``save`` wrote."""
        try:
            return cls.from_json(json.loads(Path(path).read_text()))
        except json.JSONDecodeError as error:
            raise SteeringError(f"{path} is not JSON: {error}.") from error


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
