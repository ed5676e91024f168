"""openpi's msgpack with numpy arrays: safe to read from anyone, never pickles.

An array is ``{b"__ndarray__": True, b"data", b"dtype", b"shape"}``, a numpy number
``{b"__npgeneric__": True, b"data", b"dtype"}``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from steer_gym.errors import SteerGymError
from steer_gym.extras import require

_msgpack = require("msgpack", extra="remote")

_KINDS = frozenset("biufUS")
"""Kinds of dtype that may travel: numbers and text, no objects."""


class WireError(SteerGymError, ValueError):
    """Bytes or text from the other side that are no message of the protocol."""


def pack(message: Any) -> bytes:
    """Return the bytes of a message."""
    packed: bytes = _msgpack.packb(message, default=_plain)
    return packed


def unpack(data: bytes | str) -> dict[Any, Any]:
    """Return the message of some bytes.

    Raises:
        WireError: They are none.
    """
    if isinstance(data, str):
        raise WireError("A message is bytes (msgpack), but a text frame came.")
    try:
        message = _msgpack.unpackb(data, object_hook=_array)
    except WireError:
        raise
    except Exception as error:  # msgpack raises many kinds, all of them the sender's doing
        raise WireError(
            f"The {len(data)} bytes are no msgpack message ({type(error).__name__}: {error})."
        ) from error
    if not isinstance(message, dict):
        raise WireError(f"A message is a map, but {type(message).__name__} came.")
    return message


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in _KINDS:
            raise WireError(f"Arrays of {value.dtype} cannot travel.")
        dtype = {b"dtype": value.dtype.str}
        if isinstance(value, np.generic):
            return {b"__npgeneric__": True, b"data": value.item(), **dtype}
        data = np.ascontiguousarray(value).tobytes()
        return {b"__ndarray__": True, b"data": data, b"shape": value.shape, **dtype}
    raise WireError(f"{type(value).__name__} cannot travel.")


def _array(value: dict[Any, Any]) -> Any:
    if b"__ndarray__" in value:
        dtype, shape = _dtype(value), value.get(b"shape")
        data = value.get(b"data")
        if not isinstance(data, bytes) or not isinstance(shape, list):
            raise WireError("An array came without data or shape.")
        if not all(isinstance(side, int) and side >= 0 for side in shape):
            raise WireError(f"An array came with the shape {shape}.")
        if math.prod(shape) * dtype.itemsize != len(data):
            raise WireError(
                f"An array of {dtype} and shape {shape} came with {len(data)} bytes of data."
            )
        return np.frombuffer(data, dtype).reshape(shape)
    if b"__npgeneric__" in value:
        return _dtype(value).type(value.get(b"data"))
    return value


def _dtype(value: dict[Any, Any]) -> np.dtype[Any]:
    name = value.get(b"dtype")
    try:
        dtype = np.dtype(name) if isinstance(name, str) else None
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in _KINDS or dtype.itemsize == 0:
        raise WireError(f"Arrays of {name!r} cannot travel.")
    return dtype
