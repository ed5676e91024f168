"""What every neuron of a model says, in one file that everything else reads.

The file is safetensors, so that it opens in a moment and without trust; its head holds the model's
fingerprint and the recipe. Only a table of the same weights and of this format is taken.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteerGymError
from steer_gym.extras import require
from steer_gym.neuron_set import NeuronSpace
from steer_gym.results import atomic_path
from steer_gym.version import __version__

from .activations import Activations
from .projection import TopTokens
from .tokens import Vocabulary
from .words import plain

FORMAT = "1"
"""Counts up whenever a file of the former format would be misread."""


class TableError(SteerGymError, ValueError):
    """A file is no table of neurons, or one of another model or format."""


class NoTableError(TableError):
    """A file is whole, but something else than a table of neurons."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a table came about."""

    model: str
    """Name of the model, for people."""
    projection: Literal["raw", "norm"]
    """Plain dot products, as in the paper, or through the final norm's gain."""
    k: int
    """Tokens at either end."""
    dtype: str
    """Of the factors: float32, bfloat16; products are summed in float32."""
    version: str = __version__
    """Of steer_gym."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NeuronTable:
    """The tokens at both ends of every neuron's projection, by flat id: layer by layer."""

    space: NeuronSpace
    """The model's neurons; the fingerprint names its weights."""
    promoted: TopTokens
    """(neurons, k), most promoted first."""
    suppressed: TopTokens
    """(neurons, k), most suppressed first."""
    texts: tuple[str, ...]
    """Of every token of the vocabulary."""
    kinds: NDArray[np.uint8]
    """(vocabulary,), numbers of ``TokenKind``."""
    recipe: Recipe
    norms: NDArray[np.float32] | None = None
    """(neurons,), lengths of the value vectors."""
    activations: Activations | None = None
    """Natural activations, where they were gathered."""

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other."""
        shape = (self.space.size, self.recipe.k)
        for name in ("promoted", "suppressed"):
            found = getattr(self, name).ids.shape
            if found != shape:
                raise TableError(f"{name} must be {shape} (neurons, k), but is {found}.")
        if self.kinds.shape != (len(self.texts),):
            raise TableError(f"{len(self.texts)} texts, but kinds of shape {self.kinds.shape}.")

    @property
    def vocabulary(self) -> Vocabulary:
        """Return texts and kinds together."""
        return Vocabulary(texts=self.texts, kinds=self.kinds)

    @cached_property
    def plain_texts(self) -> tuple[str, ...]:
        """Return the texts as words are compared: see ``words.plain``."""
        return tuple(map(plain, self.texts))

    def words(self, neuron: int, count: int | None = None) -> list[str]:
        """Return the texts of a neuron's most promoted tokens, best first."""
        return [self.texts[token] for token in self.promoted.ids[neuron, :count]]

    def save(self, path: str | Path) -> None:
        """Write the table, whole or not at all."""
        numpy_files = require("safetensors.numpy", extra="torch")
        head = {
            "format": FORMAT,
            "space": json.dumps(asdict(self.space)),
            "recipe": json.dumps(asdict(self.recipe)),
        }
        tensors = {
            **_ends("promoted", self.promoted),
            **_ends("suppressed", self.suppressed),
            **_packed(self.texts),
            "kinds": self.kinds,
        }
        if self.norms is not None:
            tensors["norms"] = self.norms
        if self.activations is not None:
            tensors |= {name: getattr(self.activations, name) for name in _ACTIVATIONS}
            rest = {n: getattr(self.activations, n) for n in ("levels", "tokens", "source")}
            head["activations"] = json.dumps(rest)
        with atomic_path(path) as partial:
            contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
            numpy_files.save_file(contiguous, partial, metadata=head)

    @classmethod
    def load(cls, path: str | Path, space: NeuronSpace | None = None) -> NeuronTable:
        """Read a table that ``save`` wrote.

        Args:
            path: The file.
            space: Of the model that the table must be of.

        Raises:
            TableError: The file is missing, no table, of another format, or of another model.
        """
        head, tensors = _read(Path(path))
        found = NeuronSpace(**json.loads(head["space"]))
        if space is not None and found != space:
            raise TableError(
                f"{path} was made of other weights: {_named(found)}, but the model is "
                f"{_named(space)}. Make it anew with `steer-gym neurons project`."
            )
        return cls(
            space=found,
            promoted=_top(tensors, "promoted"),
            suppressed=_top(tensors, "suppressed"),
            texts=_unpacked(tensors),
            kinds=tensors["kinds"],
            recipe=Recipe(**json.loads(head["recipe"])),
            norms=tensors.get("norms"),
            activations=_activations(head, tensors),
        )


_ACTIVATIONS = ("quantiles", "mean", "spread")


def _ends(name: str, tops: TopTokens) -> dict[str, NDArray[Any]]:
    return {f"{name}.{field.name}": getattr(tops, field.name) for field in fields(tops)}


def _top(tensors: dict[str, NDArray[Any]], name: str) -> TopTokens:
    return TopTokens(ids=tensors[f"{name}.ids"], scores=tensors[f"{name}.scores"])


def _packed(texts: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Return texts as their bytes, one after another, and where each ends."""
    pieces = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    return {"texts": np.frombuffer(b"".join(pieces), np.uint8), "text_ends": ends}


def _unpacked(tensors: dict[str, NDArray[Any]]) -> tuple[str, ...]:
    whole, ends = tensors["texts"].tobytes(), tensors["text_ends"].tolist()
    starts = [0, *ends[:-1]]
    return tuple(
        whole[start:end].decode("utf-8", "surrogatepass")
        for start, end in zip(starts, ends, strict=True)
    )


def _activations(head: dict[str, str], tensors: dict[str, NDArray[Any]]) -> Activations | None:
    if "activations" not in head:
        return None
    told: dict[str, Any] = json.loads(head["activations"])
    told |= {"levels": tuple(told["levels"])} | {name: tensors[name] for name in _ACTIVATIONS}
    return Activations(**told)


def _read(path: Path) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    safetensors = require("safetensors", extra="torch")
    if not path.is_file():
        raise TableError(f"There is no {path}. Make a table with `steer-gym neurons project`.")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            head = file.metadata() or {}
            if not {"space", "recipe", "format"} <= head.keys():
                raise NoTableError(f"{path} is a safetensors file, but no table of neurons.")
            if head["format"] != FORMAT:
                raise TableError(
                    f"{path} has format {head['format']}; this steer_gym reads {FORMAT}. Make it "
                    "anew with `steer-gym neurons project`."
                )
            return head, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise TableError(f"{path} is no table of neurons ({error}).") from error


def _named(space: NeuronSpace) -> str:
    return f"{space.layers} x {space.width} neurons of {space.fingerprint or 'unknown weights'}"
