"""Names and types of the RTDE variables, and the PolyScope version that brought each."""

from __future__ import annotations

from .polyscope import PolyScope


def _typed(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


_REGISTERS = {
    f"{side}_{kind}_register_{index}": rtde_type
    for side in ("input", "output")
    for kind, rtde_type, places in (
        ("bit", "BOOL", range(64, 128)),
        ("int", "INT32", range(48)),
        ("double", "DOUBLE", range(48)),
    )
    for index in places
} | {
    f"{side}_bit_registers{bits}": "UINT32"
    for side in ("input", "output")
    for bits in ("0_to_31", "32_to_63")
}
OUTPUTS = {
    **_typed(
        "DOUBLE",
        """timestamp actual_execution_time target_execution_time speed_scaling
        target_speed_fraction actual_momentum actual_main_voltage actual_robot_voltage
        actual_robot_current standard_analog_input0 standard_analog_input1
        standard_analog_output0 standard_analog_output1 io_current euromap67_24V_voltage
        euromap67_24V_current tool_analog_input0 tool_analog_input1 tool_output_current
        tool_temperature tcp_force_scalar joint_position_deviation_ratio
        collision_detection_ratio payload actual_robot_energy_consumed
        actual_robot_braking_energy_dissipated""",
    ),
    **_typed(
        "VECTOR6D",
        """target_q target_qd target_qdd target_current target_moment actual_q actual_qd
        actual_current actual_current_window actual_current_as_torque joint_control_output
        actual_TCP_pose actual_TCP_speed actual_TCP_force actual_TCP_acceleration
        target_TCP_pose target_TCP_speed target_TCP_acceleration tcp_offset joint_temperatures
        actual_joint_voltage ft_raw_wrench wrench_calc_from_currents payload_inertia
        target_base_acceleration""",
    ),
    **_typed(
        "VECTOR3D",
        """actual_tool_accelerometer elbow_position elbow_velocity payload_cog target_gravity""",
    ),
    **_typed(
        "UINT64",
        """actual_digital_input_bits actual_digital_output_bits
        actual_configurable_digital_input_bits actual_configurable_digital_output_bits""",
    ),
    **_typed(
        "UINT32",
        """runtime_state robot_status_bits safety_status_bits analog_io_types
        euromap67_input_bits euromap67_output_bits tool_mode tool_analog_input_types
        script_control_line""",
    ),
    **_typed(
        "INT32",
        """robot_mode safety_mode safety_status tool_output_voltage encoder0_raw encoder1_raw
        time_scale_source""",
    ),
    **_typed("UINT8", "tool_output_mode tool_digital_output0_mode tool_digital_output1_mode"),
    "joint_mode": "VECTOR6INT32",
    **_REGISTERS,
}
"""What a client may subscribe to: UR's RTDE guide as of 5.23."""

INPUTS = {
    **_typed("UINT32", "speed_slider_mask"),
    **_typed(
        "UINT8",
        """standard_digital_output_mask standard_digital_output configurable_digital_output_mask
        configurable_digital_output tool_digital_output_mask tool_digital_output
        standard_analog_output_mask standard_analog_output_type""",
    ),
    **_typed("DOUBLE", "speed_slider_fraction standard_analog_output_0 standard_analog_output_1"),
    "external_force_torque": "VECTOR6D",
    **{name: kind for name, kind in _REGISTERS.items() if name.startswith("input_")},
}
"""What a client may write; each name has one writer at a time."""


def _since(cb3: str, e_series: str, names: str) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(names.split(), (cb3, e_series))


_SINCE = {
    # First CB3 version, first e-Series version; "" is never.
    **_since("3.5", "5.0", "elbow_position elbow_velocity"),
    **_since("3.3", "5.0", "external_force_torque"),
    **_since("3.10", "5.4", "safety_status"),
    **_since("3.11", "5.5.1", "payload payload_cog"),
    **_since("3.15", "5.11", "payload_inertia"),
    **_since("3.15", "5.6", "tcp_offset"),
    **_since("", "5.0", "tool_output_mode tool_digital_output0_mode tool_digital_output1_mode"),
    **_since("", "5.9", "ft_raw_wrench script_control_line"),
    # When these came, between 5.10 and 5.23, is a guess on the late side: a simulator of an
    # older version rather has too few of them than too many. The first is what UR's record.py
    # asks for.
    **_since("", "5.11", "joint_position_deviation_ratio"),
    **_since(
        "",
        "5.14",
        """actual_current_window encoder0_raw encoder1_raw actual_configurable_digital_input_bits
        actual_configurable_digital_output_bits""",
    ),
    **_since("", "5.15", "collision_detection_ratio"),
    **_since("", "5.17", "time_scale_source"),
    **_since(
        "",
        "5.23",
        """actual_current_as_torque actual_TCP_acceleration target_TCP_acceleration
        target_execution_time wrench_calc_from_currents actual_robot_energy_consumed
        actual_robot_braking_energy_dissipated target_gravity target_base_acceleration""",
    ),
}


def knows(version: PolyScope, name: str) -> bool:
    """Tell whether a PolyScope version has the variable ``name``."""
    return version.reached(*_SINCE.get(name, ("3.0", "5.0")))
