"""Read and write orbax checkpoint folders with tensorstore; orbax itself is not needed."""

from __future__ import annotations

import json
import os
import shutil
from ast import literal_eval
from pathlib import Path
from typing import Any

import numpy as np

from steer_gym.extras import require
from steer_gym.results import writable_folder

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


def save_orbax(parameters: Parameters, folder: str | Path) -> None:
    """Write a folder that orbax reads, whole or not at all.

    Raises:
        CheckpointError: Something is there already.
    """
    folder = Path(folder)
    if folder.exists():
        raise CheckpointError(f"{folder} is there already; name a folder that is not.")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    writable_folder(partial)
    try:
        tensorstore = require("tensorstore", extra="jax")
        store = {"driver": "ocdbt", "base": partial.absolute().as_uri()}
        keys = {name: ("params", *name.split("/")) for name in parameters}
        for name, array in parameters.items():
            spec = {"driver": "zarr", "kvstore": store, "path": ".".join(keys[name])}
            target = tensorstore.open(
                spec, create=True, open=False, dtype=array.dtype, shape=array.shape
            )
            target.result().write(array).result()
        tree = {str(key): _entry(key, parameters[name].shape) for name, key in keys.items()}
        metadata = {
            "tree_metadata": tree,
            "use_zarr3": False,
            "store_array_data_equal_to_fill_value": True,
            "custom_metadata": None,
        }
        (partial / _METADATA).write_text(json.dumps(metadata), encoding="utf-8")
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _entry(key: tuple[str, ...], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return what orbax notes of an array; key type 2 is a dictionary's."""
    return {
        "key_metadata": [{"key": part, "key_type": 2} for part in key],
        "value_metadata": {
            "value_type": "jax.Array",
            "skip_deserialize": False,
            "write_shape": list(shape),
        },
    }


def _name(key: tuple[str, ...]) -> str:
    """Return the name; training states end in ``value``, published ones do not."""
    parts = key[1:] if key[0] == "params" else key
    return "/".join(parts[:-1] if parts[-1] == "value" else parts)
