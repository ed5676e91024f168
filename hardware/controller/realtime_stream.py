"""The packet that port 30003 streams: doubles after their length (UR's "client interface").

What this simulator does not know is zero, as in RTDE. Each field is as long as its RTDE value.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from .polyscope import PolyScope

_FIELDS: tuple[str | int, ...] = (
    "timestamp",
    *("target_q", "target_qd", "target_qdd", "target_current", "target_moment"),
    *("actual_q", "actual_qd", "actual_current", "joint_control_output"),
    *("actual_TCP_pose", "actual_TCP_speed", "actual_TCP_force"),
    *("target_TCP_pose", "target_TCP_speed"),
    *("actual_digital_input_bits", "joint_temperatures", "actual_execution_time"),
    1,
    *("robot_mode", "joint_mode", "safety_mode"),
    6,
    "actual_tool_accelerometer",
    6,
    *("speed_scaling", "actual_momentum"),
    2,
    *("actual_main_voltage", "actual_robot_voltage", "actual_robot_current"),
    *("actual_joint_voltage", "actual_digital_output_bits", "runtime_state"),
    *("elbow_position", "elbow_velocity", "safety_status"),
    3,
    *("payload", "payload_cog", "payload_inertia"),
)
"""RTDE's name of each field, or how many doubles are left out."""

_DOUBLES = (
    # First CB3 version, first e-Series version, doubles up to then. That 3.15 goes with 5.10 is
    # read from the numbering of UR's tables, not seen.
    ("3.15", "5.10", 152),
    ("3.10", "5.4", 139),
    ("3.5", "5.0", 138),
)


def packet_size(version: PolyScope) -> int:
    """Return the bytes of a packet: 1108, 1116 or 1220."""
    return 4 + 8 * next(n for cb3, e_series, n in _DOUBLES if version.reached(cb3, e_series))


def realtime_packet(outputs: Mapping[str, Any], version: PolyScope) -> bytes:
    """Return the packet of the controller's present ``outputs``."""
    values: list[float] = []
    for field in _FIELDS:
        value = [0.0] * field if isinstance(field, int) else outputs[field]
        values.extend(value if isinstance(value, Sequence) else [value])
    size = packet_size(version)
    count = (size - 4) // 8
    return struct.pack(f">i{count}d", size, *values[:count])
