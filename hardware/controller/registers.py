"""The general-purpose registers through which a client and the running program talk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..poses import Array


class Registers:
    """Inputs are written by clients and outlive them; outputs are written by the program."""

    def __init__(self) -> None:
        self.input_int = [0] * 48
        self.input_double = [0.0] * 48
        self.output_int = [0] * 48
        self.output_double = [0.0] * 48
        self.offset = 0
        """Added to every register the program uses: 0, or 24 for the upper range."""

    def bank(self, side: str, kind: str) -> list[Any]:
        """Return the 48 registers of ``input`` or ``output``, ``int`` or ``double``."""
        bank: list[Any] = getattr(self, f"{side}_{kind}")
        return bank

    def write(self, name: str, value: float) -> None:
        """Store a client's value under its RTDE name, ``input_int_register_0``."""
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
