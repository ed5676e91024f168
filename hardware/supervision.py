"""What makes the driver stop: every bit the controller shows, and what it does not show."""

from __future__ import annotations

from enum import IntEnum

from steer_gym.robot import FaultCode

from .modes import RobotBits, RobotMode, RuntimeState, SafetyBits, SafetyMode
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
