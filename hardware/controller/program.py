"""The program that runs on the controller: ur_rtde's control script, re-told natively.

There is no URScript interpreter here. The uploaded text is recognised as ur_rtde's control
script, and its main loop (one pass a tick, commands through the registers, READY and DONE) is
what runs. Another script runs if it is a straight line of known statements (``urscript``); if it
is more than that, it does not start.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

import numpy as np

from . import commands, urscript
from .endings import ScriptError
from .machine import Machine
from .statements import MOVES, Line

READY, DONE = 1, 2
_OFFSET = re.compile(r"# int register offset\s+(0|24)\b")
"""Of the lower or the upper registers: there are no other ranges."""
_PATH = re.compile(r"# inject move path\s*\n(.*?)^\s*end", re.MULTILINE | re.DOTALL)


class Program(Protocol):
    """What runs on the controller."""

    name: str

    @property
    def line(self) -> int:
        """Return the line of its script that is carried out; 0 when that is not known."""

    def tick(self, m: Machine) -> str:
        """Run for one period; return why the program has ended, or nothing.

        Raises:
            ScriptError: A runtime error.
            ProtectiveStop: The arm must stop.
        """


def program_of(text: str) -> Callable[[Machine], Program]:
    """Compile an uploaded script; return what makes the program when its time has come.

    Raises:
        CompileError: It is more than is understood here.
    """
    if is_control_script(text):
        return lambda m: ControlProgram(text, m)
    script = urscript.compiled(text)
    if script.secondary:
        return lambda _: SecondaryProgram(script)
    return lambda _: StraightProgram(script)


def is_control_script(text: str) -> bool:
    """Tell whether ``text`` is the control script that ur_rtde uploads."""
    return "RTDE Control Script Loaded" in text and _OFFSET.search(text) is not None


class ControlProgram:
    """The main loop of ur_rtde's control script."""

    name = "rtde_control"
    line = 0

    def __init__(self, text: str, m: Machine) -> None:
        self._executing = False
        self._waiting = False
        self._path: Line | None = None
        injected = _PATH.search(text)
        self._injected = injected.group(1) if injected else ""
        found = _OFFSET.search(text)
        m.registers.offset = int(found.group(1)) if found else 0
        m.registers.answer(2, 0)
        m.registers.answer(0, READY)

    def tick(self, m: Machine) -> str:
        """Run one pass of the loop; see ``Program.tick``."""
        self._follow_path(m)
        if self._waiting:
            if m.motion is None and self._path is None:
                self._waiting = False
                m.registers.answer(0, DONE)
            return ""
        command = m.registers.command
        if command == commands.STOP_SCRIPT and not self._executing:
            return "stopScript"
        if command in commands.REALTIME:
            self._process(m, command)
            m.registers.answer(0, READY)
        elif command == 0:
            self._executing = False
            m.registers.answer(0, READY)
        elif not self._executing:
            self._executing = True
            self._process(m, command)
            if not self._waiting:
                m.registers.answer(0, DONE)
        return ""

    def _process(self, m: Machine, command: int) -> None:
        if command == commands.MOVE_PATH:
            self._start_path(m)
            return
        call = commands.COMMANDS.get(command)
        if call is None:
            raise ScriptError(f"command {command} is not spoken by this simulator")
        arguments = m.registers.input_double[m.registers.offset :]
        if not np.isfinite(arguments[: commands.NUMBERS.get(command, 0)]).all():
            raise ScriptError(f"command {command} carries a number that is not finite")
        if self._path and command in _MOTION_ENDERS:
            self._path = None
        self._waiting = bool(call(m))

    def _start_path(self, m: Machine) -> None:
        try:
            self._path = Line(urscript.compiled(self._injected).statements)
        except urscript.CompileError as other:
            raise ScriptError(f"the path is not understood: {other}") from None
        asynchronous = m.registers.integer(1) == 1
        if asynchronous:
            m.begin_async()
        self._waiting = not asynchronous

    def _follow_path(self, m: Machine) -> None:
        if self._path and self._path.tick(m):
            self._path = None
        if m.async_runs and m.motion is None and self._path is None:
            m.tell_async(running=False)


_MOTION_ENDERS = (1, 2, 3, 4, 33, 34)
"""Commands that end a path on its way."""


class StraightProgram:
    """A script of known statements, one after the other."""

    def __init__(self, script: urscript.Script) -> None:
        self.name = script.name
        self._line = Line(script.statements)

    @property
    def line(self) -> int:
        """Return the line that is carried out, for ``script_control_line`` and errors."""
        return self._line.at

    def tick(self, m: Machine) -> str:
        """Carry out what is due; see ``Program.tick``."""
        return "reached its end" if self._line.tick(m) else ""


class SecondaryProgram(StraightProgram):
    """A ``sec`` program: it runs to its end at once, beside the program that plays."""

    def __init__(self, script: urscript.Script) -> None:
        super().__init__(script)
        self._forbidden = [s.name for s in script.statements if s.name in (*MOVES, "sleep")]

    def tick(self, m: Machine) -> str:
        """Carry out everything; see ``Program.tick``."""
        if self._forbidden:
            raise ScriptError(f"a secondary program must not call {self._forbidden[0]}")
        return super().tick(m)
