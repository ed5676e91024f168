"""A UR controller without sockets: power, safety, program, motion, one ``tick`` at a time.

Stricter than a real one where the two could differ: limits stop the arm instead of slowing it,
a motion that a stop interrupts is not taken up again, and commands outside ``commands`` end the
program with a runtime error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, TypeVar

import numpy as np

from ..kinematics import UR5E, ArmModel
from ..modes import RobotMode, RuntimeState, SafetyMode
from .endings import ProtectiveStop, ScriptError
from .machine import Machine
from .motion import Path
from .plant import Plant
from .polyscope import PolyScope
from .powered import PoweredMachine
from .program import Program, program_of
from .registers import written_analog, written_outputs
from .safety import broken_limit
from .urscript import CompileError

T = TypeVar("T")
WatchdogTrip = Literal["protective_stop", "stop"]


class Controller(PoweredMachine):
    """A powered machine with clients, in a loop of 2 ms (CB3: 8 ms)."""

    def __init__(
        self,
        plant: Plant,
        *,
        arm: ArmModel = UR5E,
        polyscope: PolyScope | None = None,
        mode: RobotMode = RobotMode.RUNNING,
        remote: bool = True,
        watchdog_trip: WatchdogTrip = "protective_stop",
    ) -> None:
        """Create a controller at time 0, at rest.

        Args:
            plant: What it moves.
            arm: Its kinematics.
            polyscope: Its version; 5.11.5 by default.
            mode: Whether it is already powered and its brakes are released.
            remote: Whether it is in remote control.
            watchdog_trip: What an RTDE watchdog does; URSim shows a protective stop.
        """
        super().__init__(plant, arm, polyscope or PolyScope(5, 11, 5), mode)
        self.remote = remote
        self._watchdog_trip = watchdog_trip
        self.note("start", polyscope=str(self.polyscope), arm=arm.name, mode=mode.name)

    # What clients ask for

    def upload(self, text: str) -> bool:
        """Take a script; it starts 40 ms later. False when it is refused.

        A program that plays is replaced, unless the script is a secondary program. A script that
        cannot be compiled ends it all the same, so that nobody takes the old one for the new.
        """
        if not (self.ready and self.remote):
            self.note("script_refused", mode=self.mode.name, safety=self.safety.mode.name)
            return False
        try:
            program = program_of(text)
        except CompileError as error:
            self.end_program("replaced by a script that does not compile")
            place = {"line": error.line, "column": error.column}
            self.note("compile_error", **place, text=error.text, source=error.source)
            return False
        secondary = program(self) if text.lstrip().startswith("sec") else None
        if secondary:
            self.after(0.0, lambda: self._run_secondary(secondary))
            return True
        if self.program_runs:
            self.end_program("replaced by a new script")
        self.after(0.04, lambda: self._begin(program))
        return True

    def write_inputs(self, values: Mapping[str, float]) -> None:
        """Take a data packet of a client."""
        for name, value in values.items():
            if name.startswith("input_"):
                self.registers.write(name, value)
        if "speed_slider_fraction" in values and values.get("speed_slider_mask"):
            self.speed_slider = min(1.0, max(0.0, values["speed_slider_fraction"]))
        self.digital_outputs = written_outputs(self.digital_outputs, values)
        self.analog_outputs = written_analog(self.analog_outputs, values)
        watched = f"input_int_register_{self.registers.offset}"
        if watched in values:
            self.events.count(int(values[watched]))
            self.watchdog.heard(self.time_s)

    # The loop

    def tick(self) -> None:
        """Advance by one period."""
        self.ticks += 1
        self._agenda.call_due(self.time_s)
        self._check_watchdog()
        self._run_program()
        before = self.qd
        if self.plays:
            ended = self._attempt(self.lead)
            if isinstance(ended, Path) and ended.failed:
                self.runtime_error("movel: no inverse kinematics on the line")
        if self.motion is None or not self.plays:
            self.brake()
        self.move(before)
        self.sense()
        self._supervise()

    def skip(self, ticks: int) -> None:
        """Let the clock go on by periods that nobody lived through, as their computer stood still.

        The arm stays where it is, and nobody is blamed for having been silent. A clock that stood
        still too would make every later reading look old.
        """
        self.ticks += ticks
        self.watchdog.heard(self.time_s)

    def _run_program(self) -> None:
        if self.program is None or self.runtime is not RuntimeState.PLAYING:
            return
        reason = self._attempt(partial(self.program.tick, self))
        if reason:
            self.end_program(reason)

    def _attempt(self, part: Callable[[], T]) -> T | None:
        """Carry out a part of the program; whatever goes wrong in it is the program's error."""
        try:
            return part()
        except ProtectiveStop as stop:
            self.protective_stop(str(stop))
        except Exception as error:
            self.runtime_error(_told(error))
        return None

    def _supervise(self) -> None:
        tool_speed = float(np.linalg.norm(self.tool_twist[:3]))
        joint_speed = float(np.abs(self.plant.qd).max())
        force = float(np.linalg.norm(self.force[:3]))
        self.extremes.see(
            self.time_s,
            self.tool_pose[:3],
            tool_speed=tool_speed,
            joint_speed=joint_speed,
            force=force,
        )
        if not self.safety.allows_motion:
            return
        broken = broken_limit(
            reduced=self.safety.mode is SafetyMode.REDUCED,
            joints=float(np.abs(self.plant.q).max()),
            joint_speed=joint_speed,
            tool_speed=tool_speed,
            force=force,
        )
        if broken:
            self.protective_stop(broken)

    def _check_watchdog(self) -> None:
        silent_s = self.watchdog.silent_s(self.time_s)
        if silent_s is None or self.runtime is not RuntimeState.PLAYING:
            return
        self.note("watchdog_tripped", silent_s=silent_s)
        self.end_program("RTDE watchdog")
        if self._watchdog_trip == "protective_stop":
            self.protective_stop("RTDE watchdog")

    def _begin(self, program: Callable[[Machine], Program]) -> None:
        if not self.ready:
            self.note("script_refused", mode=self.mode.name, safety=self.safety.mode.name)
            return
        self.motion, self.solved = None, None
        self.program = program(self)
        self.runtime = RuntimeState.PLAYING
        self.note("program_started", name=self.program.name)

    def _run_secondary(self, program: Program) -> None:
        self.note("program_started", name=program.name)
        try:
            program.tick(self)
        except ProtectiveStop as stop:
            self.protective_stop(str(stop))
        except Exception as error:
            self.note("runtime_error", reason=_told(error), line=program.line)
        self.note("program_ended", name=program.name, reason="secondary")


def _told(error: Exception) -> str:
    """Return the reason of a runtime error; one that no check foresaw is told with its kind."""
    return str(error) if isinstance(error, ScriptError) else f"{type(error).__name__}: {error}"
