"""Sets of feed-forward neurons, by flat id or by (layer, neuron), and the model they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
        """Refuse neurons that are no numbers, given twice, negative, or in both forms."""
        object.__setattr__(self, "flat_ids", tuple(_integer(i) for i in self.flat_ids))
        object.__setattr__(self, "pairs", tuple(_pair(pair) for pair in self.pairs))
        if self.flat_ids and self.pairs:
            raise SteeringError("Give neurons as flat ids or as (layer, neuron) pairs, not both.")
        members: tuple[Any, ...] = self.flat_ids or self.pairs
        twice = [member for member, count in Counter(members).items() if count > 1]
        if twice:
            raise SteeringError(f"Neurons given twice: {_some(twice)}.")
        negative = [member for member in members if np.min(member) < 0]
        if negative:
            raise SteeringError(f"Neuron numbers start at 0, but the set holds {_some(negative)}.")

    @classmethod
    def from_flat(
        cls, flat_ids: Iterable[int], *, name: str = "", fingerprint: str = ""
    ) -> NeuronSet:
        """Return the set of these flat ids, ``layer * width + neuron``."""
        return cls(tuple(flat_ids), (), name, fingerprint)

    @classmethod
    def from_pairs(
        cls, pairs: Iterable[tuple[int, int]], *, name: str = "", fingerprint: str = ""
    ) -> NeuronSet:
        """Return the set of these (layer, neuron) pairs."""
        return cls((), tuple(pairs), name, fingerprint)

    def __len__(self) -> int:
        """Return the number of neurons."""
        return len(self.flat_ids or self.pairs)

    def resolve(self, space: NeuronSpace) -> NDArray[np.int64]:
        """Return the neurons as (layer, neuron), shape (n, 2), checked against ``space``.

        Raises:
            SteeringError: The set was found in another model, or a neuron is out of range.
        """
        if self.fingerprint and space.fingerprint and self.fingerprint != space.fingerprint:
            named = self.name or _some(self.flat_ids or self.pairs)
            raise SteeringError(
                f"The neurons {named} were found in model {self.fingerprint}, but this model is "
                f"{space.fingerprint}. Neurons mean nothing in other weights; use unbound() if you "
                "know that they do."
            )
        pairs = (
            np.stack(np.divmod(np.array(self.flat_ids, np.int64), space.width), axis=1)
            if self.flat_ids
            else np.array(self.pairs, np.int64).reshape(-1, 2)
        )
        outside = (pairs >= (space.layers, space.width)).any(axis=1)
        if outside.any():
            raise SteeringError(
                f"Neurons {_some(pairs[outside].tolist())} (layer, neuron) are out of range: the "
                f"model has layers 0 to {space.layers - 1} of neurons 0 to {space.width - 1}."
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
        """Return the set that ``to_json`` wrote.

        Raises:
            SteeringError: The data is something else.
        """
        try:
            return cls(**data)
        except TypeError as error:
            raise SteeringError(f"Not a set of neurons: {error}.") from error


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


def load_dictionary(path: str | Path, *, fingerprint: str = "") -> dict[str, NeuronSet]:
    """Read one of the paper's YAML dictionaries: name -> flat ids, or name -> {flat id: labels}.

    Args:
        path: The YAML file.
        fingerprint: Of the model that the dictionary was made for, where it is known.

    Raises:
        SteeringError: The file cannot be read, or is not such a dictionary.
    """
    yaml = require("yaml", extra="torch")
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SteeringError(f"Cannot read the dictionary {path}: {error}.") from error
    except yaml.YAMLError as error:
        raise SteeringError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise SteeringError(f"{path} holds {type(content).__name__}, not a dictionary of clusters.")
    return {
        str(name): NeuronSet.from_flat(
            _cluster(path, name, members), name=str(name), fingerprint=fingerprint
        )
        for name, members in content.items()
    }


def _cluster(path: str | Path, name: str, members: Any) -> Iterable[int]:
    if not isinstance(members, dict | list | None):
        raise SteeringError(
            f"{path}: cluster {name!r} must be a list of flat ids or a mapping from flat id to "
            f"labels, but is {members!r}."
        )
    return members or ()


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise SteeringError(f"A neuron's number must be an integer, but is {value!r}.")
    return int(value)


def _pair(value: Any) -> tuple[int, int]:
    if np.shape(value) != (2,):
        raise SteeringError(f"A pair is (layer, neuron), but is {value!r}.")
    layer, neuron = value
    return (_integer(layer), _integer(neuron))


def _some(members: Sequence[Any]) -> str:
    """Return the first few members as text, since a set may hold every neuron of a model."""
    shown = ", ".join(str(member) for member in members[:10])
    return f"[{shown}]" if len(members) <= 10 else f"[{shown}, ... {len(members)} in all]"
