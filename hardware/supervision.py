"""What makes the driver stop: every bit the controller shows, and what it does not show."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from steer_gym.robot import FaultCode

from .limits import Limits
from .modes import RobotBits, RobotMode, RuntimeState, SafetyBits, SafetyMode
from .poses import Array
from .sample import ArmSample

STOPS = {
    # The gravest first: several bits may be set at once.
    SafetyBits.FAULT: FaultCode.SAFETY_FAULT,
    SafetyBits.VIOLATION: FaultCode.SAFETY_VIOLATION,
    SafetyBits.EMERGENCY_STOP: FaultCode.EMERGENCY_STOP,
    SafetyBits.ROBOT_EMERGENCY_STOP: FaultCode.EMERGENCY_STOP,
    SafetyBits.SYSTEM_EMERGENCY_STOP: FaultCode.EMERGENCY_STOP,
    SafetyBits.PROTECTIVE_STOP: FaultCode.PROTECTIVE_STOP,
    SafetyBits.SAFEGUARD_STOP: FaultCode.SAFEGUARD_STOP,
    SafetyBits.THREE_POSITION_STOP: FaultCode.THREE_POSITION_STOP,
    SafetyBits.RECOVERY: FaultCode.RECOVERY_MODE,
    # Alone it is a stop of a kind that only a newer PolyScope knows.
    SafetyBits.STOPPED_BY_SAFETY: FaultCode.SAFETY_FAULT,
}
"""Safety bit -> fault. ``isProtectiveStopped`` and ``isEmergencyStopped`` see two of them."""

Finding = tuple[FaultCode, str]


def safety_finding(sample: ArmSample) -> Finding | None:
    """Return the gravest stop that the safety system shows, with words."""
    safety = _name(SafetyMode, sample.safety_mode)
    for bit, code in STOPS.items():
        if sample.bits & bit:
            return code, f"safety bits {sample.bits!r}, safety mode {safety}"
    if sample.safety_mode not in (SafetyMode.NORMAL, SafetyMode.REDUCED):
        # A mode of a PolyScope newer than this table.
        return FaultCode.SAFETY_FAULT, f"safety mode {safety}"
    if sample.robot_bits & RobotBits.TEACH_BUTTON or sample.robot_mode == RobotMode.BACKDRIVE:
        return FaultCode.TAKEN_OVER, "somebody moves the arm by hand, with free drive"
    if sample.robot_mode != RobotMode.RUNNING:
        mode = _name(RobotMode, sample.robot_mode)
        return FaultCode.ROBOT_NOT_RUNNING, f"robot mode {mode}, not RUNNING"
    return None


def program_finding(sample: ArmSample) -> Finding | None:
    """Return a fault unless the control program plays."""
    if sample.runtime_state == RuntimeState.PLAYING:
        return None
    state = _name(RuntimeState, sample.runtime_state)
    return FaultCode.PROGRAM_STOPPED, f"the control program is {state}, not PLAYING"


def _name(kind: type[IntEnum], number: int) -> str:
    """Return what a number is called; a newer PolyScope may have others."""
    try:
        return kind(number).name
    except ValueError:
        return f"{number} (unknown)"


class ForceGuard:
    """The force at the tool, less its bias and smoothed over 50 ms."""

    _SMOOTHING_S = 0.05

    def __init__(self, limits: Limits, dt_s: float) -> None:
        self.force = np.zeros(6)
        self._limits = limits
        self._share = dt_s / (self._SMOOTHING_S + dt_s)
        self._bias = np.zeros(6)

    def zero(self, force: Array) -> None:
        """Take ``force`` (6,) as nothing."""
        self._bias, self.force = force.copy(), np.zeros(6)

    def see(self, force: Array) -> Finding | None:
        """Take a measurement (6,); return a fault above the limits."""
        self.force = self.force + self._share * (force - self._bias - self.force)
        push, twist = self._sizes()
        if push > self._limits.force:
            return FaultCode.FORCE_LIMIT, f"{push:.1f} N, limit {self._limits.force:.1f} N"
        if twist > self._limits.torque:
            return FaultCode.FORCE_LIMIT, f"{twist:.1f} Nm, limit {self._limits.torque:.1f} Nm"
        return None

    @property
    def pace(self) -> float:
        """Return the share of the speed to use: 1 without force, down to 0.1 at the limit."""
        push, _ = self._sizes()
        warning, limit = self._limits.force_warning, self._limits.force
        return float(np.clip(1.0 - 0.9 * (push - warning) / (limit - warning), 0.1, 1.0))

    def _sizes(self) -> tuple[float, float]:
        return float(np.linalg.norm(self.force[:3])), float(np.linalg.norm(self.force[3:]))
