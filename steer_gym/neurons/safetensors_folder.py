"""Tensors of a checkpoint folder by name: one safetensors file, or shards with an index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from steer_gym.errors import SteerGymError
from steer_gym.extras import require

from .source import SourceError

if TYPE_CHECKING:
    from torch import Tensor

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class SafetensorsFolder:
    """Reads only what is asked for; a tensor is a view of its mapped file."""

    error: ClassVar[type[SteerGymError]] = SourceError
    """What is raised, here named ``SourceError``; a derived class may raise its own."""

    def __init__(self, folder: Path, single: str | None = None) -> None:
        """Read the names of all tensors.

        Args:
            folder: Of a checkpoint.
            single: Name of the only file to read; by default the shards that the index lists, or
                ``model.safetensors`` where there is no index.

        Raises:
            SourceError: There is no such file, or the index or the file is broken.
        """
        self.folder = folder
        self._open: dict[str, Any] = {}
        if single is None and (folder / INDEX).is_file():
            self._shards = self._indexed(folder / INDEX)
        else:
            file = single or SINGLE
            self._shards = dict.fromkeys(self._file(file).keys(), file)

    @property
    def names(self) -> list[str]:
        """Return the names of all tensors."""
        return list(self._shards)

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a tensor."""
        return name in self._shards

    def __getitem__(self, name: str) -> Tensor:
        """Return one tensor.

        Raises:
            SourceError: There is none of that name, or its shard is missing, broken or lacks it.
        """
        tensor: Tensor = self._holder(name).get_tensor(name)
        return tensor

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of one tensor, from its file's head.

        Raises:
            SourceError: As of a tensor.
        """
        return tuple(self._holder(name).get_slice(name).get_shape())

    def _indexed(self, path: Path) -> dict[str, str]:
        """Return the shard of each tensor."""
        places = read_object(path, self.error).get("weight_map")
        if not isinstance(places, dict):
            raise self.error(f"{path} has no weight_map; download it again.")
        return places

    def _holder(self, name: str) -> Any:
        """Return the file that holds a tensor."""
        if name not in self._shards:
            raise self.error(f"{self.folder} has no tensor {name}.")
        file = self._file(self._shards[name])
        if name not in file.keys():  # noqa: SIM118, it is no dict
            raise self.error(
                f"{self.folder / INDEX} promises {name} in {self._shards[name]}, which lacks it. "
                "Download the folder again."
            )
        return file

    def _file(self, shard: str) -> Any:
        if shard not in self._open:
            self._open[shard] = self._opened(self.folder / shard)
        return self._open[shard]

    def _opened(self, path: Path) -> Any:
        safetensors = require("safetensors", extra="torch")
        if not path.is_file():
            raise self.error(
                f"{path} is missing. A checkpoint has {SINGLE}, or {INDEX} and every shard it "
                "names."
            )
        try:
            return safetensors.safe_open(path, framework="pt")
        except (safetensors.SafetensorError, OSError) as error:
            raise self.error(
                f"{path} is truncated or no safetensors file ({error}); it has "
                f"{path.stat().st_size:,} bytes. Download it again."
            ) from error


def read_object(path: Path, error: type[SteerGymError] = SourceError) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        SourceError: Or ``error``: the file holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as broken:
        raise error(f"{path} is not JSON ({broken}); download it again.") from broken
    if not isinstance(content, dict):
        raise error(f"{path} holds {type(content).__name__}, not an object.")
    return content
