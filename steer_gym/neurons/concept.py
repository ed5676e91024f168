"""A concept as a small file: its neurons, the model they belong to, and how they were found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.edit import Edit
from steer_gym.errors import SteerGymError, SteeringError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.results import atomic_path
from steer_gym.steering import Steering

FORMAT = "steer_gym concept 1"


class ConceptError(SteerGymError, ValueError):
    """A file is no concept, or one of another model."""


@dataclass(frozen=True, kw_only=True)
class Concept:
    """Some neurons that are said to mean something."""

    name: str
    model: str
    """Name of the model, for people."""
    space: NeuronSpace
    """The model's neurons; the fingerprint names its weights."""
    neurons: NeuronSet
    """Flat ids, bound to the fingerprint."""
    words: tuple[str, ...] = ()
    """What the neurons should say."""
    opposites: tuple[str, ...] = ()
    """What they should not."""
    found_by: Mapping[str, Any] = field(default_factory=dict)
    """How they were found: method and its settings, plain JSON."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """See ``steer_gym.neurons.scores``."""
    tokens: Mapping[str, str] = field(default_factory=dict)
    """Flat id -> its most promoted tokens, for reviewers."""
    note: str = ""
    """What a reviewer has to say."""

    def __post_init__(self) -> None:
        """Refuse neurons that the model has not."""
        self.neurons.resolve(self.space)

    def check(self, space: NeuronSpace) -> None:
        """Raise unless the concept belongs to a model.

        Raises:
            ConceptError: The model has other weights, or other numbers of neurons.
        """
        if self.space != space:
            raise ConceptError(
                f"The concept {self.name!r} is of {self.space.layers} x {self.space.width} neurons "
                f"of {self.space.fingerprint} ({self.model}), but the model has {space.layers} x "
                f"{space.width} of {space.fingerprint}."
            )

    def steering(self, alpha: float, spread: NDArray[np.float32] | None = None) -> Steering:
        """Return the override of the concept's neurons by ``alpha``.

        Args:
            alpha: Strength.
            spread: Natural standard deviation of every neuron by flat id, such as
                ``table.activations.spread``, for alpha to count in; by default it counts as it is.
        """
        if spread is None:
            return Steering(self.neurons, alpha)
        return Steering(
            Edit(
                neurons=NeuronSet.from_flat(
                    [neuron], name=self.name, fingerprint=self.space.fingerprint
                ),
                alpha=alpha * float(spread[neuron]),
            )
            for neuron in self.neurons.flat(self.space)
        )

    def diff(self, other: Concept) -> list[str]:
        """Return what changes from this concept to another, a line each; none: nothing."""
        ours, theirs = (concept.neurons.flat(concept.space) for concept in (self, other))
        plain = [
            f"{key}: {one!r} -> {two!r}"
            for key in ("name", "model", "space", "words", "opposites", "found_by", "note")
            if (one := getattr(self, key)) != (two := getattr(other, key))
        ]
        gone = [f"- {self._told(neuron)}" for neuron in ours if neuron not in theirs]
        new = [f"+ {other._told(neuron)}" for neuron in theirs if neuron not in ours]
        return [*plain, *gone, *new]

    def _told(self, neuron: int) -> str:
        layer, index = divmod(neuron, self.space.width)
        return f"{neuron} (layer {layer}, {index}): {self.tokens.get(str(neuron), '?')}"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data that ``from_json`` reads back to an equal value."""
        return {"format": FORMAT, **asdict(self), "neurons": self.neurons.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> Concept:
        """Return the concept that ``to_json`` wrote.

        Raises:
            ConceptError: The data is something else.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ConceptError(f"It is no concept: its format is not {FORMAT!r}.")
        try:
            values = {key: value for key, value in data.items() if key != "format"}
            values["space"] = NeuronSpace(**values["space"])
            values["neurons"] = NeuronSet.from_json(values["neurons"])
            values |= {key: tuple(values.get(key, ())) for key in ("words", "opposites")}
            return cls(**values)
        except (KeyError, TypeError, SteeringError) as error:
            raise ConceptError(f"It is no concept: {error}.") from error

    def save(self, path: str | Path) -> None:
        """Write the concept, one neuron a line, whole or not at all."""
        with atomic_path(path) as partial:
            text = json.dumps(self.to_json(), indent=1, ensure_ascii=False)
            partial.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path, space: NeuronSpace | None = None) -> Concept:
        """Read a concept.

        Args:
            path: The file.
            space: Of the model that it must belong to.

        Raises:
            ConceptError: It is missing, no concept, or one of another model.
        """
        try:
            concept = cls.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise ConceptError(f"Cannot read the concept {path}: {error}") from error
        if space is not None:
            concept.check(space)
        return concept
