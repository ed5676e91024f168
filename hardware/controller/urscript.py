"""The URScript that clients send as a straight line: moves, stops, waits, outputs.

Not an interpreter: a script with anything else in it (loops, threads, branches) is not carried out
in part, and ``parse`` says so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..poses import Array
from .machine import Machine
from .moves import brake, move_joints, move_line, solve, speed_joints, speed_tool

_FRAME = re.compile(r"^(def\s+\w+\s*\(\s*\)\s*:|sec\s+\w+\s*\(\s*\)\s*:|end)$")


class NotStraight(Exception):  # noqa: N818, nothing is wrong with such a script
    """A script that is more than a straight line of known statements; names the first other."""


class Pose(tuple[float, ...]):
    """``p[...]``."""


@dataclass(frozen=True)
class Statement:
    """One call."""

    name: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]

    def value(self, index: int, name: str, default: Any) -> Any:
        """Return an argument by its place or its name."""
        if len(self.arguments) > index:
            return self.arguments[index]
        return self.named.get(name, default)


def parse(text: str) -> list[Statement]:
    """Return the statements of a script.

    Raises:
        NotStraight: It holds something else.
    """
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [_statement(line) for line in lines if line and not _FRAME.match(line)]


def is_straight(text: str) -> bool:
    """Tell whether ``parse`` understands a script."""
    try:
        return bool(parse(text))
    except NotStraight:
        return False


def _statement(line: str) -> Statement:
    try:
        call = ast.parse(line, mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            if call.func.id not in STATEMENTS:
                raise NotStraight(line)
            named = {word.arg: _value(word.value) for word in call.keywords if word.arg}
            return Statement(call.func.id, tuple(_value(part) for part in call.args), named)
    except (SyntaxError, ValueError):
        pass
    raise NotStraight(line)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=parts):
            return [_value(part) for part in parts]
        case ast.Subscript(value=ast.Name(id="p"), slice=ast.Tuple(elts=parts)):
            return Pose(_value(part) for part in parts)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left) + _value(right)
        case ast.Name(id="True" | "False" as name):
            return name == "True"
    raise ValueError(ast.unparse(node))


class Line:
    """Statements carried out one after the other."""

    def __init__(self, statements: list[Statement]) -> None:
        self._left = list(reversed(statements))
        self._until_s: float | None = None
        self._moving = False

    def tick(self, m: Machine) -> bool:
        """Go on until something takes time; tell whether the end is reached."""
        while not self._busy(m):
            if not self._left:
                return True
            statement = self._left.pop()
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


def _joints(m: Machine, target: Any) -> Array:
    if isinstance(target, Pose):
        return solve(m, np.array(target, dtype=np.float64))
    return np.array(target, dtype=np.float64)


def _movej(m: Machine, s: Statement) -> None:
    goal = _joints(m, s.arguments[0])
    speed, acceleration = float(s.value(2, "v", 1.05)), float(s.value(1, "a", 1.4))
    move_joints(m, goal, speed, acceleration)


def _movel(m: Machine, s: Statement) -> None:
    goal = _joints(m, s.arguments[0])
    move_line(m, goal, float(s.value(2, "v", 0.25)), float(s.value(1, "a", 1.2)))


def _speedj(m: Machine, s: Statement) -> float:
    return _speed(m, s, speed_joints, float(s.value(1, "a", 1.4)))


def _speedl(m: Machine, s: Statement) -> float:
    return _speed(m, s, speed_tool, float(s.value(1, "a", 1.2)))


def _speed(
    m: Machine, s: Statement, start: Callable[[Machine, Array, float], None], acceleration: float
) -> float:
    speeds = np.array(s.arguments[0], dtype=np.float64)
    start(m, speeds, acceleration)
    # Without a time the statement ends when the speed is reached.
    return float(s.value(2, "t", 0.0)) or float(np.abs(speeds).max()) / acceleration


def _stop(m: Machine, s: Statement) -> None:
    brake(m, float(s.value(0, "a", 1.2)))


def _sleep(_: Machine, s: Statement) -> float:
    return float(s.arguments[0])


def _set_tcp(m: Machine, s: Statement) -> None:
    m.set_tcp(np.array(s.arguments[0], dtype=np.float64))


def _set_payload(m: Machine, s: Statement) -> None:
    m.payload = float(s.arguments[0])


def _digital_out(first: int) -> Callable[[Machine, Statement], None]:
    def call(m: Machine, s: Statement) -> None:
        bit = 1 << (first + int(s.arguments[0]))
        m.digital_outputs = (m.digital_outputs & ~bit) | (bit if s.arguments[1] else 0)

    return call


def _write(kind: str) -> Callable[[Machine, Statement], None]:
    def call(m: Machine, s: Statement) -> None:
        m.registers.bank("output", kind)[int(s.arguments[0])] = s.arguments[1]

    return call


def _progress(m: Machine, s: Statement) -> None:
    m.tell_async(running=True, progress=int(s.arguments[0]))


def _nothing(_: Machine, __: Statement) -> None:
    pass


STATEMENTS: dict[str, Callable[[Machine, Statement], float | None]] = {
    "movej": _movej,
    "movel": _movel,
    "movep": _movel,
    "speedj": _speedj,
    "speedl": _speedl,
    "stopj": _stop,
    "stopl": _stop,
    "sleep": _sleep,
    "sync": _nothing,
    "set_tcp": _set_tcp,
    "set_payload": _set_payload,
    "set_gravity": _nothing,
    "set_digital_out": _digital_out(0),
    "set_standard_digital_out": _digital_out(0),
    "set_configurable_digital_out": _digital_out(8),
    "set_tool_digital_out": _digital_out(16),
    "set_tool_voltage": _nothing,
    "write_output_integer_register": _write("int"),
    "write_output_float_register": _write("double"),
    "zero_ftsensor": lambda m, _: m.zero_force(),
    "signal_async_progress": _progress,
    "textmsg": _nothing,
    "popup": _nothing,
}
"""Name -> what it does; a number is how long the program waits, or a speed lasts [s]."""
