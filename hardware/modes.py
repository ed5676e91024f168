"""The states a UR controller reports over RTDE, by number (UR's RTDE guide)."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class RobotMode(IntEnum):
    """``robot_mode``."""

    NO_CONTROLLER = -1
    DISCONNECTED = 0
    CONFIRM_SAFETY = 1
    BOOTING = 2
    POWER_OFF = 3
    POWER_ON = 4
    IDLE = 5
    BACKDRIVE = 6
    RUNNING = 7
    UPDATING_FIRMWARE = 8


class SafetyMode(IntEnum):
    """``safety_mode``."""

    NORMAL = 1
    REDUCED = 2
    PROTECTIVE_STOP = 3
    RECOVERY = 4
    SAFEGUARD_STOP = 5
    SYSTEM_EMERGENCY_STOP = 6
    ROBOT_EMERGENCY_STOP = 7
    VIOLATION = 8
    FAULT = 9
    AUTOMATIC_MODE_SAFEGUARD_STOP = 12
    SYSTEM_THREE_POSITION_ENABLING_STOP = 13


class RuntimeState(IntEnum):
    """``runtime_state``: what the program does."""

    STOPPING = 0
    STOPPED = 1
    PLAYING = 2
    PAUSING = 3
    PAUSED = 4
    RESUMING = 5


class RobotBits(IntFlag):
    """``robot_status_bits``."""

    POWER_ON = 1 << 0
    PROGRAM_RUNNING = 1 << 1
    TEACH_BUTTON = 1 << 2
    """Free drive, at the back of the pendant."""
    POWER_BUTTON = 1 << 3


class SafetyBits(IntFlag):
    """``safety_status_bits``."""

    NORMAL = 1 << 0
    REDUCED = 1 << 1
    PROTECTIVE_STOP = 1 << 2
    RECOVERY = 1 << 3
    SAFEGUARD_STOP = 1 << 4
    SYSTEM_EMERGENCY_STOP = 1 << 5
    ROBOT_EMERGENCY_STOP = 1 << 6
    EMERGENCY_STOP = 1 << 7
    VIOLATION = 1 << 8
    FAULT = 1 << 9
    STOPPED_BY_SAFETY = 1 << 10
    THREE_POSITION_STOP = 1 << 11


_STOPPED = SafetyBits.STOPPED_BY_SAFETY
BITS_OF_MODE = {
    SafetyMode.NORMAL: SafetyBits.NORMAL,
    SafetyMode.REDUCED: SafetyBits.REDUCED,
    SafetyMode.PROTECTIVE_STOP: SafetyBits.PROTECTIVE_STOP | _STOPPED,
    SafetyMode.RECOVERY: SafetyBits.RECOVERY,
    SafetyMode.SAFEGUARD_STOP: SafetyBits.SAFEGUARD_STOP | _STOPPED,
    SafetyMode.SYSTEM_EMERGENCY_STOP: (
        SafetyBits.SYSTEM_EMERGENCY_STOP | SafetyBits.EMERGENCY_STOP | _STOPPED
    ),
    SafetyMode.ROBOT_EMERGENCY_STOP: (
        SafetyBits.ROBOT_EMERGENCY_STOP | SafetyBits.EMERGENCY_STOP | _STOPPED
    ),
    SafetyMode.VIOLATION: SafetyBits.VIOLATION | _STOPPED,
    SafetyMode.FAULT: SafetyBits.FAULT | _STOPPED,
    SafetyMode.AUTOMATIC_MODE_SAFEGUARD_STOP: SafetyBits.SAFEGUARD_STOP | _STOPPED,
    SafetyMode.SYSTEM_THREE_POSITION_ENABLING_STOP: SafetyBits.THREE_POSITION_STOP | _STOPPED,
}
"""The bits a controller shows in each safety mode."""
