"""What lets the arm move and what stops it: power, the safety system, and a program's life."""

from __future__ import annotations

from collections.abc import Callable

from ..kinematics import ArmModel
from ..modes import RobotBits, RobotMode, RuntimeState, SafetyMode
from .agenda import Agenda
from .machine import Machine
from .plant import Plant
from .polyscope import PolyScope
from .program import Program
from .safety import Safety


class PoweredMachine(Machine):
    """A machine with power, a safety mode, and a program that either may end."""

    def __init__(self, plant: Plant, arm: ArmModel, polyscope: PolyScope, mode: RobotMode) -> None:
        super().__init__(plant, arm, polyscope)
        self.mode = mode
        self.teach_button = False
        self.shut = False
        """Whether the controller has been switched off."""
        self.safety = Safety()
        self.runtime = RuntimeState.STOPPED
        self.program: Program | None = None
        self._agenda = Agenda()

    @property
    def status_bits(self) -> RobotBits:
        """Return ``robot_status_bits``."""
        bits = {
            RobotBits.POWER_ON: self.mode
            in (RobotMode.POWER_ON, RobotMode.IDLE, RobotMode.RUNNING),
            RobotBits.PROGRAM_RUNNING: self.runtime is RuntimeState.PLAYING,
            RobotBits.TEACH_BUTTON: self.teach_button,
        }
        return RobotBits(sum(bit for bit, holds in bits.items() if holds))

    @property
    def plays(self) -> bool:
        """Tell whether a program plays and may move the arm."""
        return self.runtime is RuntimeState.PLAYING and self.safety.allows_motion

    @property
    def ready(self) -> bool:
        """Tell whether a program may start."""
        return self.mode is RobotMode.RUNNING and self.safety.allows_motion

    @property
    def told_scaling(self) -> float:
        """Return RTDE's ``speed_scaling``: nothing while safety allows no motion."""
        return self.speed_scaling if self.safety.allows_motion else 0.0

    @property
    def program_runs(self) -> bool:
        """Tell whether a program is playing or paused."""
        return self.program is not None

    def after(self, delay_s: float, call: Callable[[], None]) -> None:
        """Call something so much later."""
        self._agenda.add(self.time_s + delay_s, call)

    # Program

    def end_program(self, reason: str) -> None:
        """End the program; a moving arm brakes."""
        if self.program:
            self.note("program_ended", name=self.program.name, reason=reason)
        self.program, self.motion = None, None
        self.watchdog.disarm()
        self.runtime = RuntimeState.STOPPED

    def runtime_error(self, reason: str) -> None:
        """End the program as a runtime error in its script does."""
        self.note("runtime_error", reason=reason, line=self.program.line if self.program else 0)
        self.end_program(f"runtime error: {reason}")

    def pause(self) -> None:
        """Pause the program; the arm brakes and the interrupted motion is dropped."""
        if self.runtime is RuntimeState.PLAYING:
            self.runtime, self.motion = RuntimeState.PAUSED, None

    def play(self) -> bool:
        """Resume a paused program; false when there is none or safety forbids it."""
        if self.runtime is not RuntimeState.PAUSED or not self.safety.allows_motion:
            return False
        self.runtime = RuntimeState.PLAYING
        self.watchdog.heard(self.time_s)
        return True

    # Safety and power

    def protective_stop(self, reason: str) -> None:
        """Stop category 2: brake and pause."""
        self.enter_safety(SafetyMode.PROTECTIVE_STOP, reason)

    def enter_safety(self, mode: SafetyMode, reason: str) -> None:
        """Change the safety mode with what follows from it."""
        before = self.safety.mode
        if not self.safety.enter(mode, reason, self.time_s):
            return
        self.note("safety", mode=mode.name, reason=reason)
        if self.safety.cuts_power:
            self.end_program(mode.name)
            self.after(0.5, self._lose_power)
        elif not self.safety.allows_motion:
            self.pause()
        elif before is SafetyMode.SAFEGUARD_STOP:
            self.play()

    def unlock_protective_stop(self) -> bool:
        """Unlock; false in the first five seconds."""
        before = self.safety.mode
        unlocked = self.safety.unlock(self.time_s)
        self.note("unlock", done=unlocked)
        if self.safety.mode is not before:
            # From where the arm stands: a reference left within an obstacle would press again.
            self.settle()
            self.note("safety", mode=self.safety.mode.name, reason=self.safety.reason)
        return unlocked

    def power_on(self) -> None:
        """Switch the arm on, which takes a second."""
        if self.mode is RobotMode.POWER_OFF and not self.safety.cuts_power:
            self._set_mode(RobotMode.BOOTING)
            self.after(1.0, lambda: self._change_mode(RobotMode.BOOTING, RobotMode.IDLE))

    def power_off(self) -> None:
        """Switch the arm off."""
        self.end_program("power off")
        self._set_mode(RobotMode.POWER_OFF)

    def release_brakes(self) -> None:
        """Release the brakes, which takes half a second; an arm that is off is switched on."""
        self.power_on()
        booting = self.mode is RobotMode.BOOTING
        self.after(
            1.5 if booting else 0.5, lambda: self._change_mode(RobotMode.IDLE, RobotMode.RUNNING)
        )

    def restart_safety(self) -> None:
        """Restart the safety system after a violation or a fault: the arm is off then."""
        self.power_off()
        if self.safety.mode in (SafetyMode.VIOLATION, SafetyMode.FAULT):
            self.enter_safety(SafetyMode.NORMAL, "safety restarted")

    def shut_down(self) -> None:
        """Switch arm and controller off."""
        self.power_off()
        self.shut = True

    def restart(self) -> None:
        """Put arm and world back to their first moment; program and motion end."""
        self.end_program("restart")
        self.plant.restart()
        self.settle()
        self.sense()

    def _set_mode(self, mode: RobotMode) -> None:
        self.mode = mode
        self.note("mode", mode=mode.name)

    def _change_mode(self, before: RobotMode, after: RobotMode) -> None:
        """End what takes its time, unless something else has happened meanwhile."""
        if self.mode is before:
            self._set_mode(after)

    def _lose_power(self) -> None:
        if self.safety.cuts_power:
            self.settle()  # brakes hold an arm where it stands, not where it was to be
            self._set_mode(RobotMode.POWER_OFF)
