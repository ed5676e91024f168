"""What each URScript call does to the machine, and how calls follow one another."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..poses import Array
from .endings import ProtectiveStop, ScriptError
from .machine import Machine
from .moves import (
    brake,
    comply,
    move_joints,
    move_line,
    servo,
    solve,
    speed_joints,
    speed_tool,
)

_HALF = 1 << 31


class Pose(tuple[float, ...]):
    """``p[...]``."""


@dataclass(frozen=True)
class Statement:
    """One call."""

    name: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    line: int

    def value(self, index: int, name: str, default: Any) -> Any:
        """Return an argument by its place or its name."""
        if len(self.arguments) > index:
            return self.arguments[index]
        return self.named.get(name, default)

    def numbers(self, index: int, name: str, count: int) -> Array:
        """Return a list argument as an array (count,).

        Raises:
            ScriptError: It is missing, of another length, or holds what is no finite number.
        """
        given = self.value(index, name, None)
        parts = given if isinstance(given, (list, Pose)) else ()
        if len(parts) != count or not all(map(_is_number, parts)):
            raise ScriptError(f"{self.name} takes {count} numbers, not {given!r}")
        return np.array(parts, dtype=np.float64)

    def number(self, index: int, name: str, default: float | None = None) -> float:
        """Return a number.

        Raises:
            ScriptError: It is missing, or no finite number.
        """
        given = self.value(index, name, default)
        if not _is_number(given):
            raise ScriptError(f"{self.name} takes a number, not {given!r}")
        return float(given)

    def integer(self, index: int, name: str) -> int:
        """Return an integer of 32 bits, as registers hold.

        Raises:
            ScriptError: It is missing, or no such integer.
        """
        given = self.value(index, name, None)
        if isinstance(given, bool) or not isinstance(given, int) or not -_HALF <= given < _HALF:
            raise ScriptError(f"{self.name} takes an integer of 32 bits, not {given!r}")
        return given

    def truth(self, index: int, name: str) -> bool:
        """Return a boolean.

        Raises:
            ScriptError: It is missing, or none.
        """
        given = self.value(index, name, None)
        if not isinstance(given, bool):
            raise ScriptError(f"{self.name} takes True or False, not {given!r}")
        return given

    def positive(self, index: int, name: str, default: float) -> float:
        """Return a number above 0, as speeds and accelerations have to be.

        Raises:
            ScriptError: It is not.
        """
        given = self.number(index, name, default)
        if given <= 0:
            raise ScriptError(f"{self.name} takes {name} above 0, not {given:g}")
        return given


def _is_number(value: Any) -> bool:
    whole_or_real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return whole_or_real and abs(value) <= sys.float_info.max


class Line:
    """Statements carried out one after the other."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._left = list(reversed(statements))
        self._until_s: float | None = None
        self._moving = False
        self.at = 0
        """Line of the script that is carried out."""

    def tick(self, m: Machine) -> bool:
        """Go on until something takes time; tell whether the end is reached."""
        while not self._busy(m):
            if not self._left:
                return True
            statement = self._left.pop()
            self.at = statement.line
            wait_s = STATEMENTS[statement.name](m, statement)
            self._moving = m.motion is not None
            self._until_s = m.time_s + wait_s if wait_s else None
        return False

    def _busy(self, m: Machine) -> bool:
        if self._until_s is None:
            return self._moving and m.motion is not None
        if m.time_s < self._until_s:
            return True
        if self._moving:
            # A speed that was asked for a time.
            m.motion = None
        return False


def _joints(m: Machine, s: Statement) -> Array:
    target = s.numbers(0, "q" if "q" in s.named else "pose", 6)
    return solve(m, target) if isinstance(s.value(0, "pose", None), Pose) else target


def _movej(m: Machine, s: Statement) -> None:
    move_joints(m, _joints(m, s), s.positive(2, "v", 1.05), s.positive(1, "a", 1.4))


def _movel(m: Machine, s: Statement) -> None:
    try:
        goal = _joints(m, s)
    except ScriptError as error:
        raise ProtectiveStop(f"C207 {s.name}: {error}") from error
    move_line(m, goal, s.positive(2, "v", 0.25), s.positive(1, "a", 1.2))


def _servoj(m: Machine, s: Statement) -> float:
    lasts_s = s.number(3, "t", 0.008)
    servo(m, _joints(m, s), s.number(4, "lookahead_time", 0.1))
    return lasts_s


def _speedj(m: Machine, s: Statement) -> float:
    return _speed(m, s, speed_joints, s.positive(1, "a", 1.4))


def _speedl(m: Machine, s: Statement) -> float:
    return _speed(m, s, speed_tool, s.positive(1, "a", 1.2))


def _speed(
    m: Machine, s: Statement, start: Callable[[Machine, Array, float], None], acceleration: float
) -> float:
    speeds = s.numbers(0, "qd" if "qd" in s.named else "xd", 6)
    start(m, speeds, acceleration)
    # Without a time the statement ends when the speed is reached.
    return s.number(2, "t", 0.0) or float(np.abs(speeds).max()) / acceleration


def _force_mode(m: Machine, s: Statement) -> float:
    six = [s.numbers(place, name, 6) for place, name in ((0, "task_frame"), (1, "selection"))]
    wrench, limits = s.numbers(2, "wrench", 6), s.numbers(4, "limits", 6)
    comply(m, six[0], six[1], wrench, np.abs(limits))
    return m.dt_s


def _stop(m: Machine, s: Statement) -> None:
    brake(m, s.number(0, "a", 1.2))


def _protective_stop(_: Machine, __: Statement) -> None:
    raise ProtectiveStop("protective_stop() called by the program")


def _set_payload(m: Machine, s: Statement) -> None:
    m.payload = s.number(0, "m")
    if s.value(1, "cog", None) is not None:
        m.payload_cog = tuple(s.numbers(1, "cog", 3).tolist())


def _digital_out(*bits: int) -> Callable[[Machine, Statement], None]:
    def call(m: Machine, s: Statement) -> None:
        place = int(s.number(0, "n"))
        if not 0 <= place < len(bits):
            raise ScriptError(f"{s.name}: there is no output {place}; 0 to {len(bits) - 1} are")
        bit = 1 << bits[place]
        m.digital_outputs = (m.digital_outputs & ~bit) | (bit if s.truth(1, "b") else 0)

    return call


def _analog_out(m: Machine, s: Statement) -> None:
    place = int(s.number(0, "n"))
    if place not in (0, 1):
        raise ScriptError(f"{s.name}: there is no output {place}; 0 and 1 are")
    m.analog_outputs[place] = min(1.0, max(0.0, s.number(1, "f")))


def _tool_voltage(m: Machine, s: Statement) -> None:
    voltage = s.number(0, "voltage")
    if voltage not in (0, 12, 24):
        raise ScriptError(f"set_tool_voltage takes 0, 12 or 24 V, not {voltage:g}")
    m.tool_voltage = int(voltage)


def _write(
    kind: str, read: Callable[[Statement, int, str], float]
) -> Callable[[Machine, Statement], None]:
    def call(m: Machine, s: Statement) -> None:
        bank, place = m.registers.bank("output", kind), s.integer(0, "address")
        if not 0 <= place < len(bank):
            raise ScriptError(f"{s.name}: there is no register {place}")
        bank[place] = read(s, 1, "value")

    return call


def _say(kind: str) -> Callable[[Machine, Statement], None]:
    def call(m: Machine, s: Statement) -> None:
        parts = (s.value(0, "s1", ""), s.value(1, "s2", "") if kind == "text" else "")
        m.note(kind, text="".join(str(part) for part in parts))

    return call


def _progress(m: Machine, s: Statement) -> None:
    m.tell_async(running=True, progress=s.integer(0, "progress"))


def _nothing(_: Machine, __: Statement) -> None:
    """Do nothing: what this sets is not simulated."""


MOVES = ("movej", "movel", "movep", "servoj", "speedj", "speedl", "stopj", "stopl", "force_mode")
"""What a secondary program must not do; nor may it wait."""

STATEMENTS: dict[str, Callable[[Machine, Statement], float | None]] = {
    "movej": _movej,
    "movel": _movel,
    "movep": _movel,
    "servoj": _servoj,
    "speedj": _speedj,
    "speedl": _speedl,
    "stopj": _stop,
    "stopl": _stop,
    "force_mode": _force_mode,
    "end_force_mode": _stop,
    "sleep": lambda _, s: s.number(0, "t"),
    "protective_stop": _protective_stop,
    "set_tcp": lambda m, s: m.set_tcp(s.numbers(0, "pose", 6)),
    "set_payload": _set_payload,
    "set_target_payload": _set_payload,
    "set_digital_out": _digital_out(*range(8), 16, 17),
    "set_standard_digital_out": _digital_out(*range(8)),
    "set_configurable_digital_out": _digital_out(*range(8, 16)),
    "set_tool_digital_out": _digital_out(16, 17),
    "set_analog_out": _analog_out,
    "set_standard_analog_out": _analog_out,
    "set_tool_voltage": _tool_voltage,
    "write_output_integer_register": _write("int", Statement.integer),
    "write_output_float_register": _write("double", Statement.number),
    "write_output_boolean_register": _write("bit", Statement.truth),
    "zero_ftsensor": lambda m, _: m.zero_force(),
    "signal_async_progress": _progress,
    "textmsg": _say("text"),
    "popup": _say("popup"),
    **dict.fromkeys(
        (
            *("sync", "set_gravity", "freedrive_mode", "end_freedrive_mode"),
            *("set_analog_inputrange", "set_analog_outputdomain", "set_runstate_outputs"),
            *("set_standard_analog_input_domain", "set_tool_analog_input_domain"),
        ),
        _nothing,
    ),
}
"""Name -> what it does; a number is how long the program waits, or a speed lasts [s]."""
