"""One reading of the controller, as a value and as a row of numbers for shared memory."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .modes import SafetyBits
from .poses import Array

_SIX = ("q", "qd", "tcp_pose", "tcp_speed", "force")


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmSample:
    """What one RTDE packet says."""

    time_s: float
    """The controller's clock [s]."""
    q: Array
    """Joints (6,) [rad]."""
    qd: Array
    """Joint speeds (6,) [rad/s]."""
    tcp_pose: Array
    """(6,) [m], [rad]."""
    tcp_speed: Array
    """(6,) [m/s], [rad/s]."""
    force: Array
    """(6,) [N], [Nm]."""
    robot_mode: int
    robot_bits: int
    safety_mode: int
    safety_bits: int
    runtime_state: int
    speed_scaling: float

    @property
    def bits(self) -> SafetyBits:
        """Return the safety bits by name."""
        return SafetyBits(self.safety_bits)

    def to_row(self) -> Array:
        """Return the sample as ``ROW`` numbers."""
        values = [getattr(self, field.name) for field in fields(self)]
        return np.concatenate([np.atleast_1d(value) for value in values])

    @classmethod
    def from_row(cls, row: Array) -> ArmSample:
        """Return the sample that ``to_row`` wrote."""
        values: dict[str, object] = {}
        place = 0
        for field in fields(cls):
            if field.name in _SIX:
                values[field.name] = np.array(row[place : place + 6])
                place += 6
            else:
                number = float(row[place])
                whole = field.name not in ("time_s", "speed_scaling")
                values[field.name] = int(number) if whole else number
                place += 1
        return cls(**values)  # type: ignore[arg-type]


ROW = 6 * len(_SIX) + 7
"""Numbers in a row."""
