"""The tensors of a checkpoint folder: one safetensors file, or shards with an index."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from steer_gym.errors import SteerGymError

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class CheckpointError(SteerGymError, OSError):
    """A checkpoint's file is missing, truncated, or of another kind."""


class TensorFiles:
    """Names and shapes of all tensors, read from the files' heads; the data comes one by one."""

    def __init__(self, folder: Path) -> None:
        """Read the heads of the folder's safetensors files.

        Raises:
            CheckpointError: Names the file that is missing or broken.
        """
        self._index = _index(folder)
        self._paths = sorted({folder / name for name in self._index.values()})
        self.shapes: dict[str, tuple[int, ...]] = {}
        for path in self._paths:
            with _opened(path) as file:
                self.shapes |= {n: tuple(file.get_slice(n).get_shape()) for n in file.keys()}  # noqa: SIM118
        lacking = sorted(self._index.keys() - self.shapes.keys())
        if lacking:
            raise CheckpointError(
                f"{folder / INDEX} promises {lacking[0]} in {self._index[lacking[0]]}, which lacks "
                f"it ({len(lacking)} such tensors). Download the folder again."
            )

    @property
    def bytes(self) -> int:
        """Return the size of all files together."""
        return sum(path.stat().st_size for path in self._paths)

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every tensor with its name.

        A tensor is a view of its file, which stays mapped while the next shard is not yet begun:
        copy what is to be kept, and no more than one shard ever occupies memory.
        """
        for path in self._paths:
            with _opened(path) as file:
                for name in file.keys():  # noqa: SIM118, it is no dict
                    yield name, file.get_tensor(name)


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Return the content of a JSON file.

    Raises:
        CheckpointError: The file is missing, or holds something else.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is missing: {what}. Download the whole folder.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON ({error}); download it again.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds {type(content).__name__}, not an object.")
    return content


def _index(folder: Path) -> Mapping[str, str]:
    """Return the file of each tensor; for a single file only that file, under the empty name."""
    if (folder / INDEX).is_file():
        content = read_json(folder / INDEX, "the list of shards")
        if not isinstance(content.get("weight_map"), dict):
            raise CheckpointError(f"{folder / INDEX} has no weight_map; download it again.")
        return dict(content["weight_map"])
    with _opened(folder / SINGLE) as file:
        return dict.fromkeys(file.keys(), SINGLE)


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise CheckpointError(
            f"{path} is missing. A checkpoint has {SINGLE}, or {INDEX} and every shard it names."
        )
    try:
        return safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is truncated or no safetensors file ({error}); it has "
            f"{path.stat().st_size:,} bytes. Download it again."
        ) from error
