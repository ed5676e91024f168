"""RTDE on the wire: packets, types and recipes, all big-endian (UR's RTDE guide, protocol 2)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

HEADER = struct.Struct(">HB")

FORMATS = {
    "BOOL": "?",
    "UINT8": "B",
    "INT32": "i",
    "UINT32": "I",
    "UINT64": "Q",
    "DOUBLE": "d",
    "VECTOR3D": "3d",
    "VECTOR6D": "6d",
    "VECTOR6INT32": "6i",
    "VECTOR6UINT32": "6I",
}
"""``struct`` format of each RTDE type."""


class Packet(IntEnum):
    """Packet types, ASCII letters."""

    PROTOCOL_VERSION = ord("V")
    CONTROLLER_VERSION = ord("v")
    TEXT_MESSAGE = ord("M")
    DATA = ord("U")
    SETUP_OUTPUTS = ord("O")
    SETUP_INPUTS = ord("I")
    START = ord("S")
    PAUSE = ord("P")


def packet(kind: Packet, payload: bytes = b"") -> bytes:
    """Return one framed packet."""
    return HEADER.pack(HEADER.size + len(payload), kind) + payload


def take_packets(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Remove every whole packet from ``buffer`` and return (type, payload) of each.

    Raises:
        ValueError: A size below the header's, which no reader can go past.
    """
    packets = []
    while len(buffer) >= HEADER.size:
        size, kind = HEADER.unpack_from(buffer)
        if size < HEADER.size:
            raise ValueError(f"RTDE packet of {size} bytes; the header alone has {HEADER.size}.")
        if len(buffer) < size:
            break
        packets.append((kind, bytes(buffer[HEADER.size : size])))
        del buffer[:size]
    return packets


@dataclass(frozen=True)
class Recipe:
    """The order of the variables in a data packet."""

    number: int
    """Recipe id, the first byte of the payload."""
    variables: tuple[tuple[str, str], ...]
    """(name, RTDE type) in order."""

    @cached_property
    def layout(self) -> struct.Struct:
        """Return the layout of a payload."""
        return struct.Struct(">B" + "".join(FORMATS[kind] for _, kind in self.variables))

    @property
    def types(self) -> str:
        """Return the types as the setup reply lists them."""
        return ",".join(kind for _, kind in self.variables)

    def pack(self, values: Mapping[str, Any]) -> bytes:
        """Return the payload for these values; vectors are sequences."""
        flat: list[Any] = []
        for name, _ in self.variables:
            value = values[name]
            if isinstance(value, Sequence):
                flat.extend(value)
            else:
                flat.append(value)
        return self.layout.pack(self.number, *flat)

    def unpack(self, payload: bytes) -> dict[str, Any]:
        """Return name -> value; vectors are tuples.

        Raises:
            ValueError: The payload has another length.
        """
        if len(payload) != self.layout.size:
            raise ValueError(
                f"Recipe {self.number} takes {self.layout.size} bytes, not {len(payload)}."
            )
        flat = self.layout.unpack(payload)[1:]
        values: dict[str, Any] = {}
        place = 0
        for name, kind in self.variables:
            count = int(FORMATS[kind][:-1] or 1)
            values[name] = flat[place] if count == 1 else flat[place : place + count]
            place += count
        return values
