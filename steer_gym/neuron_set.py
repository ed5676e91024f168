"""Sets of feed-forward neurons, by flat id or by (layer, neuron), and the model they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteeringError
from steer_gym.extras import require


@dataclass(frozen=True, kw_only=True)
class NeuronSpace:
    """The feed-forward neurons of one model."""

    layers: int
    """Number of transformer layers."""
    width: int
    """Neurons a layer (``intermediate_size``)."""
    fingerprint: str = ""
    """Names the weights; sets found in other weights are refused. Empty: not known."""

    @property
    def size(self) -> int:
        """Return the number of neurons."""
        return self.layers * self.width


@dataclass(frozen=True)
class NeuronSet:
    """Some neurons of a model. Make one with ``from_flat``, ``from_pairs`` or ``load_dictionary``.

    Exactly one of ``flat_ids`` and ``pairs`` is filled; a flat id, as in the paper's
    dictionaries, is ``layer * width + neuron`` and needs no width until it is resolved.
    """

    flat_ids: tuple[int, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    name: str = ""
    """What the neurons are said to mean."""
    fingerprint: str = ""
    """Of the model in which they were found; empty: unknown, fits any model of the right size."""

    def __post_init__(self) -> None:
        """Refuse neurons that are given twice, negative, or in both forms."""
        if self.flat_ids and self.pairs:
            raise SteeringError("Give neurons as flat ids or as (layer, neuron) pairs, not both.")
        members: tuple[Any, ...] = self.flat_ids or self.pairs
        if len(set(members)) != len(members):
            twice = sorted({m for m in members if members.count(m) > 1})
            raise SteeringError(f"Neurons given twice: {twice}.")
        if any(number < 0 for number in np.ravel(members)):
            raise SteeringError(f"Neuron numbers start at 0, but the set holds {members}.")

    @classmethod
    def from_flat(
        cls, flat_ids: Iterable[int], *, name: str = "", fingerprint: str = ""
    ) -> NeuronSet:
        """Return the set of these flat ids, ``layer * width + neuron``."""
        return cls(tuple(_integer(i) for i in flat_ids), (), name, fingerprint)

    @classmethod
    def from_pairs(
        cls, pairs: Iterable[tuple[int, int]], *, name: str = "", fingerprint: str = ""
    ) -> NeuronSet:
        """Return the set of these (layer, neuron) pairs."""
        members = tuple((_integer(layer), _integer(neuron)) for layer, neuron in pairs)
        return cls((), members, name, fingerprint)

    def __len__(self) -> int:
        """Return the number of neurons."""
        return len(self.flat_ids or self.pairs)

    def resolve(self, space: NeuronSpace) -> NDArray[np.int64]:
        """Return the neurons as (layer, neuron), shape (n, 2), checked against ``space``.

        Raises:
            SteeringError: The set was found in another model, or a neuron is out of range.
        """
        if self.fingerprint and space.fingerprint and self.fingerprint != space.fingerprint:
            raise SteeringError(
                f"The neurons {self.name or self} were found in model {self.fingerprint}, but this "
                f"model is {space.fingerprint}. Neurons mean nothing in other weights; use "
                "unbound() if you know that they do."
            )
        pairs = (
            np.stack(np.divmod(np.array(self.flat_ids, np.int64), space.width), axis=1)
            if self.flat_ids
            else np.array(self.pairs, np.int64).reshape(-1, 2)
        )
        outside = (pairs >= (space.layers, space.width)).any(axis=1)
        if outside.any():
            raise SteeringError(
                f"Neurons {pairs[outside].tolist()} (layer, neuron) are out of range: the model "
                f"has layers 0 to {space.layers - 1} of neurons 0 to {space.width - 1}."
            )
        return pairs

    def flat(self, space: NeuronSpace) -> tuple[int, ...]:
        """Return the neurons as flat ids of a model with ``space``."""
        pairs = self.resolve(space)
        return tuple(int(i) for i in pairs[:, 0] * space.width + pairs[:, 1])

    def unbound(self) -> NeuronSet:
        """Return the set without its fingerprint, so that any model of the right size takes it."""
        return NeuronSet(self.flat_ids, self.pairs, self.name)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data that ``from_json`` reads back to an equal value."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NeuronSet:
        """Return the set that ``to_json`` wrote."""
        names = {"name": data.get("name", ""), "fingerprint": data.get("fingerprint", "")}
        if data.get("flat_ids"):
            return cls.from_flat(data["flat_ids"], **names)
        return cls.from_pairs(data.get("pairs", ()), **names)


def matched_random(
    neurons: NeuronSet, space: NeuronSpace, *, seed: int, exclude: Iterable[NeuronSet] = ()
) -> NeuronSet:
    """Return random neurons, as many in each layer as ``neurons`` has and none of its own.

    Args:
        neurons: The set to match.
        space: The model's neurons.
        seed: Of the draw.
        exclude: Further sets that the draw must not touch.

    Raises:
        SteeringError: A layer has too few other neurons.
    """
    rng = np.random.default_rng(seed)
    pairs = neurons.resolve(space)
    taken = {(int(la), int(n)) for s in (neurons, *exclude) for la, n in s.resolve(space)}
    drawn: list[tuple[int, int]] = []
    for layer, count in zip(*np.unique(pairs[:, 0], return_counts=True), strict=True):
        free = [n for n in range(space.width) if (int(layer), n) not in taken]
        if len(free) < count:
            raise SteeringError(f"Layer {layer} has {len(free)} other neurons; {count} are needed.")
        drawn += [(int(layer), int(n)) for n in rng.choice(free, size=count, replace=False)]
    return NeuronSet.from_pairs(
        drawn, name=f"random like {neurons.name} #{seed}", fingerprint=space.fingerprint
    )


def load_dictionary(path: str | Path) -> dict[str, NeuronSet]:
    """Read one of the paper's YAML dictionaries: name -> flat ids, or name -> {flat id: label}.

    Raises:
        SteeringError: The file is not such a dictionary.
    """
    yaml = require("yaml", extra="libero")
    content = yaml.safe_load(Path(path).read_text())
    if not isinstance(content, dict):
        raise SteeringError(f"{path} holds {type(content).__name__}, not a dictionary of clusters.")
    return {str(name): _cluster(path, name, members) for name, members in content.items()}


def _cluster(path: str | Path, name: str, members: Any) -> NeuronSet:
    if not isinstance(members, dict | list):
        raise SteeringError(
            f"{path}: cluster {name!r} must be a list of flat ids or a mapping from flat id to "
            f"label, but is {members!r}."
        )
    return NeuronSet.from_flat(members, name=str(name))


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise SteeringError(f"A neuron's number must be an integer, but is {value!r}.")
    return int(value)
