"""Read the arrays of an orbax checkpoint folder with tensorstore; orbax itself is not needed."""

from __future__ import annotations

import json
from ast import literal_eval
from pathlib import Path
from typing import Any

import numpy as np

from steer_gym.extras import require

from .sizes import CheckpointError, Parameters

_METADATA, _MANIFEST = "_METADATA", "manifest.ocdbt"


def read_orbax(folder: Path) -> Parameters:
    """Return every array, names joined by ``/`` without the leading ``params``.

    Raises:
        CheckpointError: The folder is no such checkpoint, or an array of it cannot be read.
    """
    try:
        arrays = {name: array.read() for name, array in open_orbax(folder).items()}
        return {name: np.asarray(array.result()) for name, array in arrays.items()}
    except ValueError as error:
        raise CheckpointError(f"{folder} cannot be read: {error}") from error


def open_orbax(folder: Path) -> dict[str, Any]:
    """Return every array unread: a part of it is read by indexing and ``numpy.asarray``.

    Raises:
        CheckpointError: The folder is no such checkpoint, or an array of it cannot be opened.
    """
    if not all((folder / name).is_file() for name in (_METADATA, _MANIFEST)):
        raise CheckpointError(
            f"{folder} has no {_METADATA} or no {_MANIFEST}, so it is no orbax checkpoint. Give "
            "the folder named params of an openpi checkpoint, as it is published."
        )
    metadata = json.loads((folder / _METADATA).read_text(encoding="utf-8"))
    keys = [literal_eval(name) for name in metadata["tree_metadata"]]
    driver = "zarr3" if metadata.get("use_zarr3") else "zarr"
    tensorstore = require("tensorstore", extra="jax")
    store = {"driver": "ocdbt", "base": folder.absolute().as_uri()}
    try:
        opened = {
            key: tensorstore.open(
                {"driver": driver, "kvstore": store, "path": ".".join(key)}, read=True, open=True
            )
            for key in keys
        }
        return {_name(key): future.result() for key, future in opened.items()}
    except ValueError as error:
        raise CheckpointError(f"{folder} cannot be read: {error}") from error


def _name(key: tuple[str, ...]) -> str:
    """Return the name; training states end in ``value``, published ones do not."""
    parts = key[1:] if key[0] == "params" else key
    return "/".join(parts[:-1] if parts[-1] == "value" else parts)
