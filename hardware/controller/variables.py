"""Names and types of the RTDE variables, and the PolyScope version that brought each."""

from __future__ import annotations

from dataclasses import dataclass

_SCALARS = {
    "timestamp": "DOUBLE",
    "actual_digital_input_bits": "UINT64",
    "actual_digital_output_bits": "UINT64",
    "actual_execution_time": "DOUBLE",
    "robot_mode": "INT32",
    "safety_mode": "INT32",
    "safety_status": "INT32",
    "runtime_state": "UINT32",
    "robot_status_bits": "UINT32",
    "safety_status_bits": "UINT32",
    "speed_scaling": "DOUBLE",
    "target_speed_fraction": "DOUBLE",
    "actual_momentum": "DOUBLE",
    "actual_main_voltage": "DOUBLE",
    "actual_robot_voltage": "DOUBLE",
    "actual_robot_current": "DOUBLE",
    "standard_analog_input0": "DOUBLE",
    "standard_analog_input1": "DOUBLE",
    "standard_analog_output0": "DOUBLE",
    "standard_analog_output1": "DOUBLE",
    "tcp_force_scalar": "DOUBLE",
    "payload": "DOUBLE",
    "payload_cog": "VECTOR3D",
    "payload_inertia": "VECTOR6D",
    "actual_tool_accelerometer": "VECTOR3D",
    "elbow_position": "VECTOR3D",
    "elbow_velocity": "VECTOR3D",
    "joint_mode": "VECTOR6INT32",
}
_VECTORS = (
    "target_q",
    "target_qd",
    "target_qdd",
    "target_current",
    "target_moment",
    "actual_q",
    "actual_qd",
    "actual_current",
    "actual_current_as_torque",
    "joint_control_output",
    "actual_TCP_pose",
    "actual_TCP_speed",
    "actual_TCP_force",
    "target_TCP_pose",
    "target_TCP_speed",
    "joint_temperatures",
    "actual_joint_voltage",
    "ft_raw_wrench",
    "tcp_offset",
)
_REGISTERS = {
    f"{side}_{kind}_register_{index}": rtde_type
    for side in ("input", "output")
    for kind, rtde_type in (("int", "INT32"), ("double", "DOUBLE"))
    for index in range(48)
}
OUTPUTS = {**_SCALARS, **dict.fromkeys(_VECTORS, "VECTOR6D"), **_REGISTERS}
"""What a client may subscribe to."""

INPUTS = {
    "speed_slider_mask": "UINT32",
    "speed_slider_fraction": "DOUBLE",
    "standard_digital_output_mask": "UINT8",
    "standard_digital_output": "UINT8",
    "configurable_digital_output_mask": "UINT8",
    "configurable_digital_output": "UINT8",
    "tool_digital_output_mask": "UINT8",
    "tool_digital_output": "UINT8",
    "standard_analog_output_mask": "UINT8",
    "standard_analog_output_type": "UINT8",
    "standard_analog_output_0": "DOUBLE",
    "standard_analog_output_1": "DOUBLE",
    "external_force_torque": "VECTOR6D",
    **{name: kind for name, kind in _REGISTERS.items() if name.startswith("input_")},
}
"""What a client may write; each name has one writer at a time."""

_NEVER = (99, 0, 0)
_SINCE = {
    # name: first CB3 version, first e-Series version
    "ft_raw_wrench": (_NEVER, (5, 9, 0)),
    "payload": ((3, 11, 0), (5, 5, 1)),
    "payload_cog": ((3, 11, 0), (5, 5, 1)),
    "payload_inertia": ((3, 15, 0), (5, 11, 0)),
    "tcp_offset": ((3, 15, 0), (5, 6, 0)),
    "actual_current_as_torque": (_NEVER, (5, 23, 0)),
    "external_force_torque": ((3, 3, 0), (5, 0, 0)),
}


@dataclass(frozen=True, order=True)
class PolyScope:
    """A PolyScope version; 3.x is CB3 (125 Hz), 5.x e-Series (500 Hz)."""

    major: int
    minor: int
    bugfix: int = 0

    @classmethod
    def parse(cls, text: str) -> PolyScope:
        """Return the version written as ``"5.11.5"``.

        Raises:
            ValueError: Not a version between 3.15 and 5.23.
        """
        try:
            version = cls(*(int(part) for part in text.split(".")))
        except (TypeError, ValueError):
            raise ValueError(f"A PolyScope version is written 5.11.5, not {text!r}.") from None
        if not (version.major == 3 and version.minor >= 15) and version.major != 5:
            raise ValueError(f"PolyScope {text} is not spoken; 3.15 and 5.0 to 5.23 are.")
        return version

    @property
    def rate_hz(self) -> int:
        """Return the rate of the control loop."""
        return 125 if self.major == 3 else 500

    def knows(self, name: str) -> bool:
        """Tell whether this version has the variable ``name``."""
        cb3, e_series = _SINCE.get(name, ((3, 0, 0), (5, 0, 0)))
        first = cb3 if self.major == 3 else e_series
        return (self.major, self.minor, self.bugfix) >= first

    def __str__(self) -> str:
        """Return the version as written, ``5.11.5``."""
        return f"{self.major}.{self.minor}.{self.bugfix}"
