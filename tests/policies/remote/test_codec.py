from __future__ import annotations

from contextlib import suppress

import msgpack
import numpy as np
import pytest

from steer_gym.policies.remote.codec import WireError, pack, unpack


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
        np.array(2.5),
        np.zeros((0, 7)),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([True, False]),
        np.float32(1.5),
        np.int64(-3),
        np.bool_(True),
        np.array(["ab", "c"]),
    ],
)
def test_arrays_come_back_as_they_were(value: np.ndarray) -> None:
    back = unpack(pack({"x": value}))["x"]
    assert np.array_equal(back, value)
    assert back.dtype == value.dtype
    assert back.shape == value.shape


def test_openpis_own_codec_reads_ours_and_ours_reads_its() -> None:
    theirs = pytest.importorskip("openpi_client.msgpack_numpy")
    message = {"a": np.arange(6.0).reshape(2, 3), "b": np.float32(2), "c": "text", "d": [1, None]}
    for one, other in ((pack, theirs.unpackb), (theirs.packb, unpack)):
        back = other(one(message))
        assert np.array_equal(back["a"], message["a"])
        assert (back["b"], back["c"], back["d"]) == (2, "text", [1, None])


def test_objects_do_not_travel() -> None:
    with pytest.raises(WireError, match="Arrays of object cannot travel"):
        pack({"x": np.array([object()])})
    with pytest.raises(WireError, match="set cannot travel"):
        pack({"x": {1}})


ARRAY = {b"__ndarray__": True, b"data": b"12345678", b"dtype": "<f8", b"shape": [1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({b"dtype": "|O"}, "'|O' cannot travel"),
        ({b"dtype": "nonsense"}, "'nonsense' cannot travel"),
        ({b"dtype": 3}, "Arrays of 3 cannot travel"),
        ({b"shape": [2**40]}, "came with 8 bytes"),
        ({b"shape": [-1]}, "came with the shape"),
        ({b"data": "text"}, "without data or shape"),
    ],
)
def test_a_malformed_array_is_refused(change: dict[bytes, object], message: str) -> None:
    with pytest.raises(WireError) as raised:
        unpack(msgpack.packb({"x": {**ARRAY, **change}}))
    assert message in str(raised.value)


def test_garbage_is_refused_and_never_anything_else() -> None:
    rng = np.random.default_rng(0)
    whole = pack({"x": np.arange(9.0), "y": {"z": [1, 2, "three"]}})
    for _ in range(2000):
        garbage = bytearray(whole if rng.random() < 0.7 else rng.bytes(int(rng.integers(0, 99))))
        for _ in range(int(rng.integers(1, 4))):
            if garbage:
                garbage[int(rng.integers(len(garbage)))] = int(rng.integers(256))
        cut = bytes(garbage[: int(rng.integers(len(garbage) + 1))])
        with suppress(WireError):
            assert isinstance(unpack(cut), dict)
