"""The safety system as a client sees it: modes, stops and what ends them."""

from __future__ import annotations

import math

from ..modes import BITS_OF_MODE, SafetyBits, SafetyMode

JOINT_SPEED_LIMIT = math.pi
"""Of every joint of a UR5 and UR5e [rad/s]."""
JOINT_LIMIT = 2.0 * math.pi
TOOL_SPEED_LIMIT = 1.5
"""UR's default safety configuration [m/s]."""
REDUCED_TOOL_SPEED_LIMIT = 0.75
FORCE_LIMIT = 150.0
"""UR's default safety configuration [N]."""
SERVO_JUMP_LIMIT = 0.3
"""Change between two servo targets [rad] that counts as C204A1, sudden change of target."""
UNLOCK_AFTER_S = 5.0
"""A protective stop cannot be unlocked sooner."""

EMERGENCY_MODES = (SafetyMode.SYSTEM_EMERGENCY_STOP, SafetyMode.ROBOT_EMERGENCY_STOP)
POWER_CUTTING_MODES = (*EMERGENCY_MODES, SafetyMode.VIOLATION, SafetyMode.FAULT)
"""Modes that end the program and take the power from the arm."""
MOVING_MODES = (SafetyMode.NORMAL, SafetyMode.REDUCED)

UNLOCK_TOO_SOON = (
    "Cannot unlock protective stop until 5s after occurrence. "
    "Always inspect cause of protective stop before unlocking"
)
"""The dashboard's words."""


class Safety:
    """Safety mode with the time and the reason of its last change."""

    def __init__(self) -> None:
        self.mode = SafetyMode.NORMAL
        self.reason = ""
        self.since_s = 0.0

    @property
    def bits(self) -> SafetyBits:
        """Return ``safety_status_bits``."""
        return BITS_OF_MODE[self.mode]

    @property
    def allows_motion(self) -> bool:
        """Tell whether the arm may move under power of a program."""
        return self.mode in MOVING_MODES

    @property
    def cuts_power(self) -> bool:
        """Tell whether this mode takes the power from the arm."""
        return self.mode in POWER_CUTTING_MODES

    def enter(self, mode: SafetyMode, reason: str, now_s: float) -> bool:
        """Change to ``mode``; tell whether that was a change.

        A protective stop does not cover a graver stop that already holds.
        """
        graver = self.cuts_power and mode is SafetyMode.PROTECTIVE_STOP
        if mode is self.mode or graver:
            return False
        self.mode, self.reason, self.since_s = mode, reason, now_s
        return True

    def unlock(self, now_s: float) -> bool:
        """End a protective stop; refused (false) in the first five seconds."""
        if self.mode is SafetyMode.PROTECTIVE_STOP and now_s - self.since_s < UNLOCK_AFTER_S:
            return False
        if self.mode is SafetyMode.PROTECTIVE_STOP:
            self.enter(SafetyMode.NORMAL, "unlocked", now_s)
        return True


def broken_limit(
    *, reduced: bool, joints: float, joint_speed: float, tool_speed: float, force: float
) -> str:
    """Return what a real controller's safety board would stop for, or an empty text.

    Args:
        reduced: Whether reduced mode's limits hold.
        joints: Largest joint position [rad].
        joint_speed: Largest joint speed [rad/s].
        tool_speed: Of the tool centre point [m/s].
        force: At the tool [N].
    """
    tool_limit = REDUCED_TOOL_SPEED_LIMIT if reduced else TOOL_SPEED_LIMIT
    checks = (
        (joints, JOINT_LIMIT, "C153 joint position"),
        (joint_speed, JOINT_SPEED_LIMIT, "C158 joint speed"),
        (tool_speed, tool_limit, "C159 tool speed"),
        (force, FORCE_LIMIT, "C161 tool force"),
    )
    for value, limit, name in checks:
        if not value <= limit:
            return f"{name}: {value:.4g} above {limit:.4g}"
    return ""
