"""What a program acts on: arm, registers, clock and log, without power or safety."""

from __future__ import annotations

import numpy as np

from ..kinematics import ArmModel, tool
from ..poses import Array, matrix_pose
from .endings import ProtectiveStop
from .events import EventLog, Extremes
from .motion import EMERGENCY_BRAKE, Brake, Motion
from .plant import GRIPPER_TCP, Plant
from .polyscope import PolyScope
from .registers import Registers
from .safety import JOINT_SPEED_LIMIT
from .watchdog import Watchdog

MOST_REFERENCE_SPEED = 2.0 * JOINT_SPEED_LIMIT
"""Where the reference itself is refused: a real arm is stopped at its limit long before."""
SCALING_S = 0.2
"""In which the speed scaling goes from nothing to all, or back, after the slider has jumped."""
OVERRULED = ("tcp", "payload", "payload_cog")
"""What an installation may keep from being set."""


class Machine:
    """The arm under its reference, and what programs and clients say to each other."""

    motion: Motion | None
    """What moves the reference; ``None``: nothing does."""
    solved: tuple[Array, Array | None] | None
    """The last pose that ``servol`` solved, and its joints."""

    def __init__(self, plant: Plant, arm: ArmModel, polyscope: PolyScope) -> None:
        self.plant = plant
        self.arm = arm
        self.polyscope = polyscope
        self.dt_s = 1.0 / polyscope.rate_hz
        self.ticks = 0
        self.registers = Registers()
        self.events = EventLog()
        self.extremes = Extremes()
        self.watchdog = Watchdog()
        self.tcp_pose = np.array(GRIPPER_TCP)
        """Tool centre point as a pose (6,) to the flange."""
        self.tcp = tool(GRIPPER_TCP)
        """The same as (4, 4)."""
        self.payload = 0.0
        self.payload_cog: tuple[float, ...] = (0.0, 0.0, 0.0)
        self.overruled: frozenset[str] = frozenset()
        """What programs set in vain, as the installation keeps its own: ``OVERRULED``."""
        self.speed_slider = 1.0
        self.speed_scaling = 1.0
        """Share of the program's speed that the arm has; it follows the slider without a jump."""
        self.digital_outputs = 0
        self.analog_outputs = [0.0, 0.0]
        """Shares of their range."""
        self.tool_voltage = 0
        """At the tool connector [V]: 0, 12 or 24."""
        self.gripper_reference: float | None = None
        self._force_bias = np.zeros(6)
        self._async_id = 0
        self.async_runs = False
        """Whether an asynchronous operation has been told of, and not its end."""
        self.settle()
        self.sense()

    @property
    def time_s(self) -> float:
        """Return the controller's clock, RTDE ``timestamp`` [s]."""
        return self.ticks * self.dt_s

    @property
    def pose(self) -> Array:
        """Return the reference pose of the tool centre point (6,)."""
        return self.arm.pose(self.q, self.tcp)

    @property
    def touching(self) -> bool:
        """Tell whether the tool feels the world (``tool_contact``)."""
        return float(np.linalg.norm(self.force[:3])) > 10.0

    def note(self, kind: str, **facts: object) -> None:
        """Write an event with the controller's time."""
        self.events.add(self.time_s, kind, **facts)

    def settle(self) -> None:
        """Take the plant's posture as the reference, at rest."""
        self.q, self.qd, self.qdd = self.plant.q.copy(), np.zeros(6), np.zeros(6)
        self._speed = np.zeros(6)
        self.motion = self.solved = None

    def set_tcp(self, pose: Array) -> None:
        """Move the tool centre point."""
        if "tcp" in self.overruled:
            return
        self.tcp_pose, self.tcp = pose, tool(pose.tolist())
        self.sense()

    def zero_force(self) -> None:
        """Take the present force as zero (``zero_ftsensor``)."""
        self._force_bias = self.plant.wrench.copy()

    def begin_async(self) -> None:
        """Count an asynchronous operation in integer register 2, as the control script does."""
        self._async_id = (self._async_id + 1) % 128
        self.tell_async(running=True)

    def tell_async(self, *, running: bool, progress: int = 0) -> None:
        """Write how far the asynchronous operation is to integer register 2."""
        self.async_runs = running
        word = self.registers.output_int[self.registers.offset + 2]
        changes = ((word >> 16) + 1) & 0x7F
        state = (int(running) << 15) | (progress & 0x7FFF if running else 0)
        self.registers.answer(2, state | (changes << 16) | (self._async_id << 24))

    def lead(self) -> Motion | None:
        """Take the motion's next speeds for the reference; return the motion if it has ended.

        Raises:
            ProtectiveStop: No arm follows such speeds.
        """
        motion, scale = self.motion, self.speed_scaling
        if motion is None or scale == 0:
            return None
        wanted = motion.step(self.q, self.qd, self.dt_s * scale)
        if wanted is None:
            self.motion, self.qd = None, np.zeros(6)
            return motion
        fastest = float(np.abs(wanted).max())
        if not fastest * scale <= MOST_REFERENCE_SPEED:
            raise ProtectiveStop(f"C158 joint speed: {fastest * scale:.4g} rad/s were asked for")
        self.qd = wanted
        return None

    def brake(self) -> None:
        """Slow the reference, which nothing leads.

        How long that takes does not depend on the speed slider, so that an arm whose slider is
        at nothing comes to rest too.
        """
        wanted = Brake(EMERGENCY_BRAKE).step(self.q, self.qd, self.dt_s)
        self.qd = np.zeros(6) if wanted is None else wanted

    def move(self, before: Array) -> None:
        """Move reference and plant by one period; ``before`` was ``qd`` in the last one.

        ``qd`` and ``qdd`` are in the program's time, which the speed slider slows: the arm moves
        by that share of them.
        """
        scale = self.speed_scaling
        self.qdd = (self.qd - before) / self.dt_s
        self.q = self.q + self.qd * (self.dt_s * scale)
        last, self._speed = self._speed, self.qd * scale
        acceleration = (self._speed - last) / self.dt_s  # the slider's share in it too
        self.plant.step(self.q, self._speed, acceleration, self.gripper_reference, self.dt_s)
        most = self.dt_s / SCALING_S
        self.speed_scaling += float(np.clip(self.speed_slider - self.speed_scaling, -most, most))

    def sense(self) -> None:
        """Measure what RTDE reports, once a tick."""
        jacobian, matrix = self.arm.jacobian(self.plant.q, self.tcp)
        self.tool_pose = matrix_pose(matrix)
        self.tool_twist = jacobian @ self.plant.qd
        self.force = self.plant.wrench - self._force_bias
