"""Read the URScript that clients send: straight lines of calls with plain values.

Not an interpreter: a script with anything else in it (loops, threads, branches, variables) is not
carried out in part. It is refused as a real controller refuses what it cannot compile.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

from .statements import STATEMENTS, Pose, Statement

_HEAD = re.compile(r"(?P<kind>def|sec)\s+(?P<name>[A-Za-z_]\w*)\s*\(\s*\)\s*:")
_OLD_OUTPUT = re.compile(r"digital_out\[(\d+)\]\s*=\s*(True|False)")
"""How outputs were set before ``set_digital_out``; still sent by python-urx."""


class CompileError(Exception):
    """A script that does not start; its text is the controller's."""

    def __init__(self, line: int, text: str, source: str, column: int = 1) -> None:
        super().__init__(f"{text} in line {line}: {source}")
        self.line, self.column, self.text, self.source = line, column, text, source


@dataclass(frozen=True)
class Script:
    """A compiled script."""

    name: str
    secondary: bool
    """Runs beside the program, takes no time and moves nothing (``sec``)."""
    statements: tuple[Statement, ...]


def compiled(text: str) -> Script:
    """Return a script, ``def name(): ... end``, or the lines of one without a head.

    Raises:
        CompileError: It holds something else.
    """
    numbered = enumerate((line.partition("#")[0].rstrip() for line in text.splitlines()), 1)
    lines = [(number, line) for number, line in numbered if line]
    if not lines:
        raise CompileError(1, "syntax_error_on_line:1::", "")
    head = _HEAD.fullmatch(lines[0][1].strip())
    if head is None:
        return Script("unnamed", False, _statements(lines))
    number, last = lines[-1]
    if last.strip() != "end":
        raise CompileError(number, f"syntax_error_on_line:{number}:{last}:", last)
    return Script(head["name"], head["kind"] == "sec", _statements(lines[1:-1]))


def _statements(lines: list[tuple[int, str]]) -> tuple[Statement, ...]:
    return tuple(_statement(number, line) for number, line in lines)


def _statement(number: int, indented: str) -> Statement:
    line = indented.strip()
    column = indented.index(line) + 1
    old = _OLD_OUTPUT.fullmatch(line)
    if old:
        return Statement("set_digital_out", (int(old[1]), old[2] == "True"), {}, number)
    try:
        call = ast.parse(line, mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            named = {word.arg: _value(word.value) for word in call.keywords if word.arg}
            arguments = tuple(_value(part) for part in call.args)
            if call.func.id not in STATEMENTS:
                text = f"compile_error_name_not_found:{call.func.id}:"
                raise CompileError(number, text, line, column)
            return Statement(call.func.id, arguments, named, number)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # The last two: Python's parser gives up on what is nested too deeply.
        pass
    raise CompileError(number, f"syntax_error_on_line:{number}:{line}:", line, column)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case ast.List(elts=parts):
            return [_value(part) for part in parts]
        case ast.Subscript(value=ast.Name(id="p"), slice=ast.Tuple(elts=parts)):
            return Pose(_value(part) for part in parts)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _number(left) + _number(right)
        case ast.Name(id="True" | "False" as name):
            return name == "True"
    raise ValueError(ast.unparse(node))


def _number(node: ast.expr) -> float:
    value = _value(node)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(ast.unparse(node))
    return value
