"""What the arm may do, whatever the policy says: workspace, speeds, forces.

These are not safety functions. They keep a wild policy from doing wild things while everything
works; what protects people is set in PolyScope and lives in the controller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import cached_property
from numbers import Real

import numpy as np

from steer_gym.errors import SteerGymError

from .kinematics import ArmModel, manipulability
from .poses import Array, pose_matrix, rotation_matrix, rotation_vector
from .ranges import require_number, require_numbers

CEILINGS = {
    "tool_speed": 1.0,
    "turn_speed": 3.0,
    "joint_speed": 2.0,
    "tool_acceleration": 5.0,
    "turn_acceleration": 20.0,
    "joint_acceleration": 20.0,
    "force": 100.0,
    "torque": 15.0,
}
"""No setting goes beyond these."""

RANGES = {
    "floor": (-2.0, 2.0),
    "elbow": (-2.0, 2.0),
    "tilt": (0.0, math.pi),
    "joint_margin": (0.0, math.pi),
    "manipulability": (0.0, 0.1),
    "leash": (0.001, 1.0),
    "turn_leash": (0.001, math.pi),
    "patience_s": (0.0, 60.0),
}
"""What the others may be, ends included; a UR5 reaches 0.95 m."""
_WORKSPACE_M, _FINGERS_M = 2.0, 1.0

LARGEST_SLACK = 1e-3
"""How far outside the box an arm may be found, and armed, whose setpoints stay inside [m]."""

_PROFILE = ((0.05, 0.005), (0.036, 0.015), (0.014, 0.0195))
"""Aside and ahead of a Robotiq 2F-85's tool point [m]; its tips come 14 mm down as they close."""
FINGERS = tuple((x, y * side, z) for y, z in _PROFILE for side in (1, -1) for x in (0.012, -0.012))
"""``tool_corners`` of a Robotiq 2F-85 whose tool point lies 145 mm from the flange."""

_DOWN = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of motion in the base frame; the defaults suit an arm that stands on its table."""

    low: tuple[float, float, float] = (0.25, -0.40, 0.02)
    """Lowest x, y, z of the tool centre point [m]."""
    high: tuple[float, float, float] = (0.70, 0.40, 0.50)
    """Highest x, y, z of the tool centre point [m]."""
    floor: float = 0.0
    """Height that no corner of the fingers goes below [m]."""
    elbow: float = 0.10
    """Height that the elbow does not go below [m]."""
    tilt: float = 0.7
    """Largest angle between the tool's axis and straight down [rad]."""
    tool_corners: tuple[tuple[float, float, float], ...] = FINGERS
    """Points in the tool's frame [m] between which the fingers stay, at every opening."""
    tool_speed: float = 0.25
    """[m/s]."""
    turn_speed: float = 0.6
    """[rad/s]."""
    joint_speed: float = 1.0
    """[rad/s]."""
    tool_acceleration: float = 1.5
    """[m/s^2]."""
    turn_acceleration: float = 4.0
    """[rad/s^2]."""
    joint_acceleration: float = 8.0
    """[rad/s^2]; also what every stop brakes with."""
    joint_margin: float = math.radians(5.0)
    """Distance kept from the joints' ends at +-2 pi [rad]."""
    manipulability: float = 0.006
    """Yoshikawa's measure below which the arm is too near a singularity."""
    leash: float = 0.03
    """How far a target may lead the tool [m]."""
    turn_leash: float = 0.15
    """How far a target may lead the tool [rad]."""
    force_warning: float = 20.0
    """From here on the arm slows down [N]."""
    force: float = 40.0
    """Stop [N]."""
    torque: float = 5.0
    """Stop [Nm]."""
    patience_s: float = 1.0
    """How long a target may be out of reach before that is a fault [s]."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, is switched off, or goes beyond the ``CEILINGS``."""
        for name, ceiling in CEILINGS.items():
            value = getattr(self, name)
            if not (isinstance(value, Real) and 0.0 < float(value) <= ceiling):
                raise SteerGymError(f"{name} must be above 0 and at most {ceiling}, not {value!r}.")
        for name, (least, most) in RANGES.items():
            require_number(name, getattr(self, name), least, most)
        for name in ("low", "high"):
            require_numbers(name, getattr(self, name), 3, -_WORKSPACE_M, _WORKSPACE_M)
        if not self.tool_corners:
            raise SteerGymError("tool_corners must be at least one point, not none.")
        for corner in self.tool_corners:
            require_numbers("A corner of tool_corners", corner, 3, -_FINGERS_M, _FINGERS_M)
        if not all(low < high for low, high in zip(self.low, self.high, strict=True)):
            raise SteerGymError(f"The workspace is empty: from {self.low} to {self.high}.")
        warning = self.force_warning
        if not (isinstance(warning, Real) and 0.0 < float(warning) < self.force):
            raise SteerGymError(
                f"force_warning must lie between 0 and force ({self.force}), not at {warning!r}."
            )

    def scaled(self, factor: float) -> Limits:
        """Return the limits with all speeds times ``factor``."""
        speeds = ("tool_speed", "turn_speed", "joint_speed")
        return replace(self, **{name: getattr(self, name) * factor for name in speeds})

    def to_json(self) -> dict[str, object]:
        """Return plain JSON data."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Limits:
        """Return the limits that ``to_json`` wrote."""
        tuples = {"low", "high"}
        values = {k: tuple(v) if k in tuples else v for k, v in data.items()}  # type: ignore[arg-type]
        if "tool_corners" in values:
            corners = values["tool_corners"]
            values["tool_corners"] = tuple(tuple(c) for c in corners)  # type: ignore[attr-defined]
        return cls(**values)  # type: ignore[arg-type]

    @cached_property
    def _corners(self) -> Array:
        return np.array(self.tool_corners)

    def project(self, pose: Array) -> Array:
        """Return the nearest pose (6,) whose tool stays in the box, upright and off the floor."""
        matrix = pose_matrix(pose)
        axis = matrix[:3, 2]
        angle = math.acos(max(-1.0, min(1.0, float(axis @ _DOWN))))
        if angle > self.tilt:
            turn = np.cross(axis, _DOWN)
            length = float(np.linalg.norm(turn))
            unit = turn / length if length > 1e-9 else matrix[:3, 0]
            matrix[:3, :3] = rotation_matrix(unit * (angle - self.tilt)) @ matrix[:3, :3]
        position = np.clip(matrix[:3, 3], self.low, self.high)
        lowest = float((self._corners @ matrix[:3, :3].T)[:, 2].min())
        position[2] = max(position[2], self.floor - lowest)
        return np.concatenate([position, rotation_vector(matrix[:3, :3])])

    def trouble(self, arm: ArmModel, q: Array, tcp: Array, slack: float = 3e-4) -> str:
        """Return which limit the posture ``q`` breaks by more than ``slack`` m, or nothing."""
        if float(np.abs(q).max()) > 2.0 * math.pi - self.joint_margin:
            return "joint_limit"
        jacobian, tool = arm.jacobian(q, tcp)
        position = tool[:3, 3]
        if (position < np.subtract(self.low, slack)).any():
            return "workspace"
        if (position > np.add(self.high, slack)).any():
            return "workspace"
        corners = self._corners @ tool[:3, :3].T
        if float(corners[:, 2].min()) + position[2] < self.floor - slack:
            return "floor"
        if -float(tool[2, 2]) < math.cos(self.tilt + 0.01):
            return "tilt"
        if float(arm.frames(q)[2][2, 3]) < self.elbow:
            return "elbow"
        if manipulability(jacobian) < self.manipulability:
            return "singularity"
        return ""
