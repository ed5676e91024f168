"""What the numbers of an action mean, declared by policy and environment and compared."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from steer_gym.errors import ConventionError

Control = Literal["ee_delta", "joint_position"]


@dataclass(frozen=True, kw_only=True)
class ActionConvention:
    """Meaning of an action vector; environment and policy must declare the same."""

    control: Control
    """``ee_delta``: normalised change of the end effector's pose. ``joint_position``: targets."""
    size: int
    """Length of the action vector, the gripper's number (the last one) included."""
    frame: str
    """Frame of the motion: ``"base"`` for end-effector deltas, ``"joints"`` for joint targets."""
    unit: str
    """Unit of the motion's numbers, for example ``"1 = 0.05 m, 1 = 0.5 rad"`` or ``"rad"``."""
    gripper_open: float
    """Value of the last number that opens the gripper."""
    gripper_closed: float
    """Value of the last number that closes the gripper."""
    rate_hz: float
    """Control rate that the numbers assume."""

    def require_same(self, other: ActionConvention, *, self_name: str, other_name: str) -> None:
        """Raise unless ``other`` means the same.

        Raises:
            ConventionError: Names each field that differs, with both values.
        """
        differing = [
            f"{field.name}: {self_name} has {getattr(self, field.name)!r}, "
            f"{other_name} has {getattr(other, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        ]
        if differing:
            raise ConventionError(
                f"{self_name} and {other_name} disagree on actions. "
                + "; ".join(differing)
                + ". Use an environment and a policy with the same convention."
            )


LIBERO_DELTA = ActionConvention(
    control="ee_delta",
    size=7,
    frame="base",
    unit="1 = 0.05 m, 1 = 0.5 rad (axis-angle)",
    gripper_open=-1.0,
    gripper_closed=1.0,
    rate_hz=20.0,
)
"""LIBERO's operational-space controller: xyz, axis-angle, gripper, each in [-1, 1]."""

UR5_JOINTS = ActionConvention(
    control="joint_position",
    size=7,
    frame="joints",
    unit="rad",
    gripper_open=0.0,
    gripper_closed=1.0,
    rate_hz=20.0,
)
"""openpi's convention for the UR5: six absolute joint targets, and the gripper's opening."""
