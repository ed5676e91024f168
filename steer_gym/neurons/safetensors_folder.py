"""Tensors of a checkpoint folder by name: one safetensors file, or shards with an index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steer_gym.extras import require

from .source import SourceError

if TYPE_CHECKING:
    from torch import Tensor

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class SafetensorsFolder:
    """Reads only what is asked for; a tensor is a view of its mapped file."""

    def __init__(self, folder: Path, single: str = SINGLE) -> None:
        """Read the names of all tensors.

        Args:
            folder: Of a checkpoint.
            single: Name of the file, where there are no shards.

        Raises:
            SourceError: There is no such file, or a shard is missing or broken.
        """
        self.folder = folder
        self._open: dict[str, Any] = {}
        if (folder / INDEX).is_file():
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            self._shards: dict[str, str] = dict(index["weight_map"])
        else:
            self._shards = dict.fromkeys(self._file(single).keys(), single)

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
            SourceError: There is none of that name, or its shard lacks it.
        """
        if name not in self._shards:
            raise SourceError(f"{self.folder} has no tensor {name}.")
        file = self._file(self._shards[name])
        try:
            tensor: Tensor = file.get_tensor(name)
        except require("safetensors", extra="torch").SafetensorError as error:
            raise SourceError(
                f"{self.folder / self._shards[name]} lacks {name} ({error}); download it again."
            ) from error
        return tensor

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of one tensor, from its file's head."""
        return tuple(self._file(self._shards[name]).get_slice(name).get_shape())

    def _file(self, shard: str) -> Any:
        if shard not in self._open:
            self._open[shard] = _opened(self.folder / shard)
        return self._open[shard]


def _opened(path: Path) -> Any:
    safetensors = require("safetensors", extra="torch")
    if not path.is_file():
        raise SourceError(
            f"{path} is missing. A checkpoint has {SINGLE}, or {INDEX} and every shard it names."
        )
    try:
        return safetensors.safe_open(path, framework="pt")
    except (safetensors.SafetensorError, OSError) as error:
        raise SourceError(f"{path} is truncated or no safetensors file ({error}).") from error
