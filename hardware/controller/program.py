"""The program that runs on the controller: ur_rtde's control script, re-told natively.

There is no URScript interpreter here. The uploaded text is recognised as ur_rtde's control
script, and its main loop (one pass a tick, commands through the registers, READY and DONE) is
what runs. Any other script plays for a moment, moves nothing, and ends.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from . import commands

if TYPE_CHECKING:
    from .controller import Controller

READY, DONE = 1, 2
_OFFSET = re.compile(r"# int register offset\s+(\d+)")
_NAME = re.compile(r"^\s*def\s+(\w+)\s*\(", re.MULTILINE)


def is_control_script(text: str) -> bool:
    """Tell whether ``text`` is the control script that ur_rtde uploads."""
    return "RTDE Control Script Loaded" in text and _OFFSET.search(text) is not None


class ControlProgram:
    """The main loop of ur_rtde's control script."""

    name = "rtde_control"

    def __init__(self, text: str, controller: Controller) -> None:
        self._controller = controller
        self._executing = False
        self._waiting = False
        found = _OFFSET.search(text)
        registers = controller.registers
        registers.offset = int(found.group(1)) if found else 0
        registers.answer(2, 0)
        registers.answer(0, READY)

    def tick(self) -> None:
        """Run one pass of the loop."""
        controller = self._controller
        registers = controller.registers
        if self._waiting:
            if controller.motion is None:
                self._waiting = False
                self._finish()
            return
        command = registers.command
        if command in commands.REALTIME:
            if self._process(command):
                registers.answer(0, READY)
        elif command == 0:
            self._executing = False
            registers.answer(0, READY)
        elif not self._executing:
            self._executing = True
            if self._process(command) and not self._waiting:
                self._finish()

    def _process(self, command: int) -> bool:
        """Carry out a command; false when it ended the program."""
        controller = self._controller
        if command == commands.STOP_SCRIPT:
            controller.end_program("stopScript")
            return False
        call = commands.COMMANDS.get(command)
        if call is None:
            controller.runtime_error(f"command {command} is not spoken by this simulator")
            return False
        arguments = controller.registers.input_double
        if not np.isfinite(arguments[: commands.NUMBERS.get(command, 0)]).all():
            controller.runtime_error(f"command {command} carries a number that is not finite")
            return False
        try:
            self._waiting = call(controller)
        except commands.ScriptError as error:
            controller.runtime_error(str(error))
            return False
        return True

    def _finish(self) -> None:
        if self._controller.program is self:
            self._controller.registers.answer(0, DONE)


class ForeignProgram:
    """A script that is not ur_rtde's: it plays for a second, moves nothing, and ends."""

    def __init__(self, text: str, controller: Controller) -> None:
        found = _NAME.search(text)
        self.name = found.group(1) if found else "unnamed"
        self._controller = controller
        self._ends_s = controller.time_s + 1.0

    def tick(self) -> None:
        """Wait for the end."""
        if self._controller.time_s >= self._ends_s:
            self._controller.end_program("reached its end")


Program = ControlProgram | ForeignProgram
