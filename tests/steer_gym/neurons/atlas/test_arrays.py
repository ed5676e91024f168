from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

import numpy as np
import pytest

from steer_gym.neurons.atlas.arrays import array_script, scaled, texts_script, token_ids


def unpacked(script: str) -> tuple[dict[str, str], bytes]:
    found = re.fullmatch(r"<script ([^>]*)>([^<]*)</script>", script)
    assert found
    attributes = dict(re.findall(r'data-(\w+)="([^"]*)"', found[1]))
    return attributes, gzip.decompress(base64.b64decode(found[2]))


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "uint32", "float32", ">f4"])
def test_an_array_comes_back_from_its_script_little_endian(dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)[:, ::-1]
    attributes, content = unpacked(array_script("one", array))
    assert attributes["array"] == "one"
    seen = np.frombuffer(content, np.dtype(attributes["dtype"]).newbyteorder("<"))
    np.testing.assert_array_equal(seen.reshape(3, 4), array)


def test_texts_come_back_whatever_they_hold() -> None:
    texts = ["</script>", "\ud800", "\n", "", "é\u2028"]
    attributes, content = unpacked(texts_script("texts", texts))
    assert attributes["dtype"] == "json"
    assert json.loads(content) == texts


@pytest.mark.parametrize(("dtype", "one"), [(np.int8, 127), (np.int16, 32767)])
def test_scaled_rows_are_within_half_a_step_of_the_values(dtype: Any, one: int) -> None:
    values = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32)
    shares, scales = scaled(values, dtype)
    assert shares.dtype == dtype
    error = np.abs(shares * (scales / one)[:, None] - values)
    assert (error <= 0.501 * scales[:, None] / one).all()


def test_a_row_of_zeros_stays_zero() -> None:
    shares, scales = scaled(np.zeros((1, 3), np.float32))
    assert not shares.any()
    assert not scales.any()


@pytest.mark.parametrize(("vocabulary", "dtype"), [(65536, np.uint16), (65537, np.uint32)])
def test_ids_take_no_more_room_than_the_vocabulary_asks(vocabulary: int, dtype: Any) -> None:
    ids = np.array([[0, vocabulary - 1]], np.int32)
    stored = token_ids(ids, vocabulary)
    assert stored.dtype == dtype
    np.testing.assert_array_equal(stored, ids)
