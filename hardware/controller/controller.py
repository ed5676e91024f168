"""A UR controller without sockets: power, safety, program, motion, one ``tick`` at a time.

Stricter than a real one where the two could differ: limits stop the arm instead of slowing it,
a motion that a stop interrupts is not taken up again, and commands outside ``commands`` end the
program with a runtime error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from ..kinematics import UR5E, ArmModel, tool
from ..modes import RobotBits, RobotMode, RuntimeState, SafetyMode
from ..poses import Array, matrix_pose
from .events import EventLog, Extremes
from .motion import EMERGENCY_BRAKE, Brake, Motion, Path
from .plant import GRIPPER_TCP, Plant
from .program import ControlProgram, ForeignProgram, Program, is_control_script
from .registers import Registers, written_outputs
from .safety import Safety, broken_limit
from .variables import PolyScope
from .watchdog import Watchdog

WatchdogTrip = Literal["protective_stop", "stop"]


class Controller:
    """The controller's state and its 2 ms (CB3: 8 ms) loop."""

    plant: Plant
    """What it moves."""
    dt_s: float
    """Its period [s]."""
    arm: ArmModel
    """Kinematics of the arm."""
    registers: Registers
    """What clients and the program say to each other."""
    motion: Motion | None
    """What moves the reference; ``None``: nothing does."""
    q: Array
    """Joint reference (6,) [rad]."""
    qd: Array
    """Its speed (6,) [rad/s]."""
    tcp_pose: Array
    """Tool centre point as a pose (6,) to the flange."""
    tcp: Array
    """The same as (4, 4)."""
    solved: tuple[Array, Array | None] | None
    """The last pose that ``servol`` solved, and its joints."""

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
        self.plant = plant
        self.arm = arm
        self.polyscope = polyscope or PolyScope(5, 11, 5)
        self.dt_s = 1.0 / self.polyscope.rate_hz
        self.ticks = 0
        self.mode = mode
        self.remote = remote
        self.teach_button = False
        self.safety = Safety()
        self.registers = Registers()
        self.runtime = RuntimeState.STOPPED
        self.program: Program | None = None
        self.motion = None
        self.q = plant.q.copy()
        self.qd = np.zeros(6)
        self.qdd = np.zeros(6)
        self.tcp_pose = np.array(GRIPPER_TCP)
        self.tcp = tool(GRIPPER_TCP)
        self.payload = 0.0
        self.payload_cog: tuple[float, ...] = (0.0, 0.0, 0.0)
        self.speed_slider = 1.0
        self.digital_outputs = 0
        self.gripper_reference: float | None = None
        self.solved = None
        self.events = EventLog()
        self.extremes = Extremes()
        self.watchdog = Watchdog()
        self._watchdog_trip = watchdog_trip
        self._force_bias = np.zeros(6)
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._async_id = 0
        self.note("start", polyscope=str(self.polyscope), arm=arm.name, mode=mode.name)
        self._sense()

    # What clients ask for

    @property
    def time_s(self) -> float:
        """Return the controller's clock, RTDE ``timestamp`` [s]."""
        return self.ticks * self.dt_s

    @property
    def pose(self) -> Array:
        """Return the reference pose of the tool centre point (6,)."""
        return self.arm.pose(self.q, self.tcp)

    @property
    def status_bits(self) -> RobotBits:
        """Return ``robot_status_bits``."""
        on = self.mode in (RobotMode.POWER_ON, RobotMode.IDLE, RobotMode.RUNNING)
        playing = self.runtime is RuntimeState.PLAYING
        return (
            (RobotBits.POWER_ON if on else RobotBits(0))
            | (RobotBits.PROGRAM_RUNNING if playing else RobotBits(0))
            | (RobotBits.TEACH_BUTTON if self.teach_button else RobotBits(0))
        )

    @property
    def program_runs(self) -> bool:
        """Tell whether a program is playing or paused."""
        return self.program is not None

    def note(self, kind: str, **facts: object) -> None:
        """Write an event with the controller's time."""
        self.events.add(self.time_s, kind, **facts)

    def upload(self, text: str) -> bool:
        """Take a script from port 30003; it starts 40 ms later. False when it is refused."""
        ready = self.mode is RobotMode.RUNNING and self.safety.allows_motion
        if not (ready and self.remote):
            self.note("script_refused", mode=self.mode.name, safety=self.safety.mode.name)
            return False
        if self.program_runs:
            self.end_program("replaced by a new script")
        self._after(0.04, lambda: self._begin(text))
        return True

    def write_inputs(self, values: Mapping[str, float]) -> None:
        """Take a data packet of a client."""
        for name, value in values.items():
            if name.startswith("input_"):
                self.registers.write(name, value)
        if "speed_slider_fraction" in values and values.get("speed_slider_mask"):
            self.speed_slider = min(1.0, max(0.0, values["speed_slider_fraction"]))
        self.digital_outputs = written_outputs(self.digital_outputs, values)
        watched = f"input_int_register_{self.registers.offset}"
        if watched in values:
            self.events.count(int(values[watched]))
            self.watchdog.heard(self.time_s)

    def arm_watchdog(self, frequency_hz: float) -> None:
        """Stop the program when clients write less often than this."""
        self.watchdog.arm(frequency_hz, self.time_s)
        self.note("watchdog_armed", frequency_hz=frequency_hz)

    def set_tcp(self, pose: Array) -> None:
        """Move the tool centre point."""
        self.tcp_pose, self.tcp = pose, tool(pose.tolist())
        self._sense()

    def zero_force(self) -> bool:
        """Take the present force as zero (``zero_ftsensor``)."""
        self._force_bias = self.plant.wrench.copy()
        return False

    def begin_async(self) -> None:
        """Count an asynchronous motion in integer register 2, as the control script does."""
        self._async_id = (self._async_id + 1) % 128
        self._write_async(running=True)

    # Program and safety

    def end_program(self, reason: str) -> None:
        """End the program; a moving arm brakes."""
        if self.program:
            self.note("program_ended", name=self.program.name, reason=reason)
        self.program, self.motion = None, None
        self.watchdog.disarm()
        self.runtime = RuntimeState.STOPPED

    def runtime_error(self, reason: str) -> None:
        """End the program as a runtime error in its script does."""
        self.note("runtime_error", reason=reason)
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
            self._after(0.5, self._lose_power)
        elif not self.safety.allows_motion:
            self.pause()
        elif before is SafetyMode.SAFEGUARD_STOP:
            self.play()

    def unlock_protective_stop(self) -> bool:
        """Unlock; false in the first five seconds."""
        unlocked = self.safety.unlock(self.time_s)
        self.note("unlock", done=unlocked)
        return unlocked

    def power_on(self) -> None:
        """Switch the arm on, which takes a second."""
        if self.mode is RobotMode.POWER_OFF and not self.safety.cuts_power:
            self.mode = RobotMode.BOOTING
            self._after(1.0, lambda: self._set_mode(RobotMode.IDLE))

    def power_off(self) -> None:
        """Switch the arm off."""
        self.end_program("power off")
        self._set_mode(RobotMode.POWER_OFF)

    def release_brakes(self) -> None:
        """Release the brakes, which takes half a second."""
        if self.mode is RobotMode.IDLE:
            self._after(0.5, lambda: self._set_mode(RobotMode.RUNNING))

    def restart(self) -> None:
        """Put arm and world back to their first moment; program and motion end."""
        self.end_program("restart")
        self.plant.restart()
        self.q, self.qd, self.qdd = self.plant.q.copy(), np.zeros(6), np.zeros(6)
        self._sense()

    # The loop

    def tick(self) -> None:
        """Advance by one period."""
        self.ticks += 1
        due, self._due = self._due, [item for item in self._due if item[0] > self.time_s]
        for when, call in due:
            if when <= self.time_s:
                call()
        self._check_watchdog()
        if self.program and self.runtime is RuntimeState.PLAYING:
            self.program.tick()
        self._move()
        self._sense()
        self._supervise()

    def _move(self) -> None:
        before, scale = self.qd, self.speed_slider
        playing = self.runtime is RuntimeState.PLAYING and self.safety.allows_motion
        motion = self.motion if playing else None
        if motion is None:
            wanted = Brake(EMERGENCY_BRAKE).step(self.q, self.qd, self.dt_s)
            scale = 1.0
        else:
            wanted = motion.step(self.q, self.qd, self.dt_s * scale) if scale > 0 else self.qd
            if wanted is None:
                self._motion_ended(motion)
        self.qd = np.zeros(6) if wanted is None else wanted
        self.qdd = (self.qd - before) / self.dt_s
        self.q = self.q + self.qd * (self.dt_s * scale)
        speed = self.qd * scale
        self.plant.step(self.q, speed, self.qdd, self.gripper_reference, self.dt_s)

    def _motion_ended(self, motion: Motion) -> None:
        self.motion = None
        self._write_async(running=False)
        if isinstance(motion, Path) and motion.failed:
            self.runtime_error("movel: no inverse kinematics on the line")

    def _sense(self) -> None:
        """Measure what RTDE reports, once a tick."""
        jacobian, matrix = self.arm.jacobian(self.plant.q, self.tcp)
        self.tool_pose = matrix_pose(matrix)
        self.tool_twist = jacobian @ self.plant.qd
        self.force = self.plant.wrench - self._force_bias

    def _supervise(self) -> None:
        tool_speed = float(np.linalg.norm(self.tool_twist[:3]))
        joint_speed = float(np.abs(self.plant.qd).max())
        self.extremes.see(self.time_s, self.tool_pose[:3], tool_speed, joint_speed)
        if not self.safety.allows_motion:
            return
        broken = broken_limit(
            reduced=self.safety.mode is SafetyMode.REDUCED,
            joints=float(np.abs(self.plant.q).max()),
            joint_speed=joint_speed,
            tool_speed=tool_speed,
            force=float(np.linalg.norm(self.force[:3])),
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

    def _begin(self, text: str) -> None:
        kind = ControlProgram if is_control_script(text) else ForeignProgram
        self.program = kind(text, self)
        self.motion, self.solved = None, None
        self.runtime = RuntimeState.PLAYING
        self.note("program_started", name=self.program.name)

    def _after(self, delay_s: float, call: Callable[[], None]) -> None:
        self._due.append((self.time_s + delay_s, call))

    def _set_mode(self, mode: RobotMode) -> None:
        self.mode = mode
        self.note("mode", mode=mode.name)

    def _lose_power(self) -> None:
        if self.safety.cuts_power:
            self._set_mode(RobotMode.POWER_OFF)

    def _write_async(self, *, running: bool) -> None:
        word = self.registers.output_int[self.registers.offset + 2]
        changes = ((word >> 16) + 1) & 0x7F
        self.registers.answer(2, (int(running) << 15) | (changes << 16) | (self._async_id << 24))
