"""The tensors of a checkpoint folder, shard by shard, and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from steer_gym.errors import SteerGymError
from steer_gym.neurons.safetensors_folder import INDEX, SINGLE, SafetensorsFolder, read_object


class CheckpointError(SteerGymError, OSError):
    """A checkpoint's file is missing, truncated, or of another kind."""


class TensorFiles(SafetensorsFolder):
    """Names and shapes of all tensors, read from the files' heads; the data comes one by one."""

    error = CheckpointError

    def __init__(self, folder: Path) -> None:
        """Read the heads of the folder's safetensors files.

        Raises:
            CheckpointError: Names the file that is missing, broken, or one too many.
        """
        if (folder / INDEX).is_file() and (folder / SINGLE).is_file():
            raise CheckpointError(
                f"{folder} holds both {SINGLE} and {INDEX}, which may be of different checkpoints. "
                "Take one away."
            )
        super().__init__(folder)
        self.shapes = {name: self.shape(name) for name in self.names}
        self._require_all_listed()

    def _require_all_listed(self) -> None:
        for shard in dict.fromkeys(self._shards.values()):
            strays = sorted(set(self._file(shard).keys()) - set(self._shards))
            if strays:
                raise CheckpointError(
                    f"{self.folder / shard} holds {strays[0]} ({len(strays)} such tensors), which "
                    f"{INDEX} does not list; the files are of different checkpoints."
                )

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every tensor with its name.

        A tensor is a view of its file, which stays mapped while the next shard is not yet begun:
        copy what is to be kept, and no more than one shard ever occupies memory.
        """
        self._open.clear()
        for shard in sorted(set(self._shards.values())):
            for name in (name for name, holder in self._shards.items() if holder == shard):
                yield name, self[name]
            self._open.clear()


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Return the content of a JSON file.

    Raises:
        CheckpointError: The file is missing, or holds something else.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is missing: {what}. Download the whole folder.")
    return read_object(path, CheckpointError)
