"""The general-purpose registers through which a client and the running program talk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..poses import Array

_WORD = re.compile(r"(input|output)_bit_registers(0|32)_to_(?:31|63)")


class Registers:
    """Inputs are written by clients and outlive them; outputs are written by the program."""

    def __init__(self) -> None:
        self.input_int = [0] * 48
        self.input_double = [0.0] * 48
        self.output_int = [0] * 48
        self.output_double = [0.0] * 48
        self.input_bit = [False] * 128
        self.output_bit = [False] * 128
        self.offset = 0
        """Added to every register the program uses: 0, or 24 for the upper range."""

    def bank(self, side: str, kind: str) -> list[Any]:
        """Return registers of ``input`` or ``output``: 48 ``int`` or ``double``, 128 ``bit``."""
        bank: list[Any] = getattr(self, f"{side}_{kind}")
        return bank

    def read(self, name: str) -> Any:
        """Return the value of an RTDE name, ``output_int_register_0``; 32 bits as an integer."""
        found = _WORD.fullmatch(name)
        if found:
            first = int(found[2])
            bits = self.bank(found[1], "bit")[first : first + 32]
            return sum(bit << place for place, bit in enumerate(bits))
        side, kind, _, index = name.split("_")
        return self.bank(side, kind)[int(index)]

    def write(self, name: str, value: float) -> None:
        """Store a client's value under its RTDE name, ``input_int_register_0``."""
        found = _WORD.fullmatch(name)
        if found:
            first, word = int(found[2]), int(value)
            bits = [bool(word >> place & 1) for place in range(32)]
            self.bank(found[1], "bit")[first : first + 32] = bits
            return
        side, kind, _, index = name.split("_")
        self.bank(side, kind)[int(index)] = value

    @property
    def command(self) -> int:
        """Return the command id in integer register 0."""
        return self.input_int[self.offset]

    def integer(self, index: int) -> int:
        """Return an integer argument of the command."""
        return self.input_int[self.offset + index]

    def number(self, index: int) -> float:
        """Return a number of the command."""
        return self.input_double[self.offset + index]

    def six(self, index: int) -> Array:
        """Return six numbers of the command, from ``index`` on."""
        first = self.offset + index
        return np.array(self.input_double[first : first + 6])

    def answer(self, index: int, value: int) -> None:
        """Write an integer answer."""
        self.output_int[self.offset + index] = value

    def answer_six(self, values: Array) -> None:
        """Write six numbers as the answer."""
        first = self.offset
        self.output_double[first : first + 6] = [float(v) for v in values]


def written_analog(outputs: list[float], values: Mapping[str, float]) -> list[float]:
    """Return both analog outputs (shares of their range) after a client's packet."""
    mask = int(values.get("standard_analog_output_mask", 0))
    written = (values.get(f"standard_analog_output_{place}") for place in range(2))
    return [
        min(1.0, max(0.0, new)) if new is not None and mask >> place & 1 else old
        for place, (old, new) in enumerate(zip(outputs, written, strict=True))
    ]


_SHIFTS = {
    "standard_digital_output": 0,
    "configurable_digital_output": 8,
    "tool_digital_output": 16,
}
"""First bit of each group in ``actual_digital_output_bits``."""


def written_outputs(bits: int, values: Mapping[str, float]) -> int:
    """Return the digital outputs ``bits`` after a client's packet with masks and values."""
    for name, shift in _SHIFTS.items():
        if name in values:
            mask = int(values[f"{name}_mask"]) << shift
            bits = (bits & ~mask) | ((int(values[name]) << shift) & mask)
    return bits
