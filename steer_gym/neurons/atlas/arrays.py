"""Arrays inside an HTML page: little-endian numbers, gzipped, in base64."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 6
"""Of gzip: 9 takes three times as long for one per cent less."""


def array_script(name: str, array: NDArray[Any]) -> str:
    """Return the script element that holds an array; its dtype is one that browsers have."""
    content = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return _script(name, array.dtype.name, content)


def texts_script(name: str, texts: Sequence[str]) -> str:
    """Return the script element that holds a list of texts."""
    # A lone surrogate is no text that UTF-8 can hold, but some vocabularies have one.
    return _script(name, "json", json.dumps(list(texts)).encode("utf-8"))


def _script(name: str, dtype: str, content: bytes) -> str:
    packed = base64.b64encode(gzip.compress(content, LEVEL, mtime=0)).decode("ascii")
    return f'<script type="text/plain" data-array="{name}" data-dtype="{dtype}">{packed}</script>'


def token_ids(ids: NDArray[np.int32], vocabulary: int) -> NDArray[Any]:
    """Return ids in the smallest unsigned type that holds the vocabulary."""
    return ids.astype(np.uint16 if vocabulary <= 2**16 else np.uint32)


def scaled(
    values: NDArray[np.floating[Any]], dtype: type[np.signedinteger[Any]] = np.int8
) -> tuple[NDArray[np.signedinteger[Any]], NDArray[np.float32]]:
    """Return rows as whole shares of each row's largest magnitude, and those magnitudes.

    With ``one`` the largest number of ``dtype``, row i is ``shares[i] * scales[i] / one`` to within
    half of ``scales[i] / one``.
    """
    one = np.iinfo(dtype).max
    scales = np.abs(values).max(axis=1).astype(np.float32)
    safe = np.where(scales > 0, scales, 1)
    return np.rint(values / safe[:, None] * one).astype(dtype), scales
