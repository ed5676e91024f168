"""The robot state message of ports 30001 and 30002: sub-packages of a size, a type and fields.

UR's guide "Primary and secondary interfaces"; sizes and order are those of a state message that
UR's client library keeps in its tests (PolyScope 5.24). The sub-packages that UR keeps for itself
(9 and 10) are left out, as the guide allows.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from ..kinematics import DH_ALPHA
from ..modes import SafetyMode
from .controller import Controller
from .motion import Compliance
from .safety import EMERGENCY_MODES, JOINT_LIMIT, JOINT_SPEED_LIMIT

ROBOT_STATE = 16
_HEAD = struct.Struct(">IB")
_ROBOT_TYPE = {"UR5": 1, "UR5e": 1}
_SUB_TYPE = {"UR5": 1, "UR5e": 2}
_CONTROL_POSITION, _CONTROL_FORCE = 0, 2
_MOST_ACCELERATION = 40.0
"""Of a joint, as configured [rad/s^2]."""
_DEFAULTS = (1.0472, 1.3963, 0.25, 1.2, 0.25)
"""Speed and acceleration of joints and tool, and a radius, where a program says none."""

Outputs = Mapping[str, Any]


def _robot_mode(c: Controller, o: Outputs) -> bytes:
    power = bool(o["robot_status_bits"] & 1)
    flags = (
        True,
        power,
        power,
        c.safety.mode in EMERGENCY_MODES,
        c.safety.mode is SafetyMode.PROTECTIVE_STOP,
        c.runtime.name == "PLAYING",
        c.runtime.name == "PAUSED",
    )
    control = _CONTROL_FORCE if isinstance(c.motion, Compliance) else _CONTROL_POSITION
    speeds = (o["target_speed_fraction"], o["speed_scaling"], 1.0)
    mode = int(c.mode) & 0xFF
    return struct.pack(">Q7?BB3dB", round(c.time_s * 1e6), *flags, mode, control, *speeds, 0)


def _joints(_: Controller, o: Outputs) -> bytes:
    names = ("actual_q", "target_q", "actual_qd", "actual_current", "actual_joint_voltage")
    columns = [o[name] for name in names]
    modes, warmth = o["joint_mode"], o["joint_temperatures"]
    return b"".join(
        struct.pack(">3d4fB", *(column[i] for column in columns), warmth[i], 0.0, modes[i])
        for i in range(6)
    )


def _tool(_: Controller, o: Outputs) -> bytes:
    voltage = int(o["tool_output_voltage"])
    return struct.pack(">BBddfBffB", 0, 0, 0.0, 0.0, 48.0, voltage, 0.0, 25.0, o["tool_mode"])


def _masterboard(c: Controller, o: Outputs) -> bytes:
    digital = (o["actual_digital_input_bits"], o["actual_digital_output_bits"])
    analog_in = (o["standard_analog_input0"], o["standard_analog_input1"])
    analog_out = (o["standard_analog_output0"], o["standard_analog_output1"])
    supply = (25.0, o["actual_robot_voltage"], o["actual_robot_current"], o["io_current"])
    safety = (int(c.safety.mode), c.safety.mode is SafetyMode.REDUCED, False)
    packed = struct.pack(
        ">IIBBddBBdd4fB??IBB",
        *digital,
        *(1, 1, *analog_in),
        *(1, 1, *analog_out),
        *supply,
        *safety,
        *(0, 1, 1),
    )
    return packed if c.polyscope.cb3 else packed + b"\1"


def _cartesian(_: Controller, o: Outputs) -> bytes:
    return struct.pack(">12d", *o["actual_TCP_pose"], *o["tcp_offset"])


def _kinematics(c: Controller, _: Outputs) -> bytes:
    none = (0.0,) * 6
    return struct.pack(">6I24dI", *(0xFFFFFFFF,) * 6, *none, *c.arm.a, *c.arm.d, *DH_ALPHA, 0)


def _configuration(c: Controller, _: Outputs) -> bytes:
    none = (0.0,) * 6
    limits = (*(-JOINT_LIMIT, JOINT_LIMIT) * 6, *(JOINT_SPEED_LIMIT, _MOST_ACCELERATION) * 6)
    links = (*c.arm.a, *c.arm.d, *DH_ALPHA, *none)
    box = (6, 2 if c.polyscope.cb3 else 4, _ROBOT_TYPE[c.arm.name], _SUB_TYPE[c.arm.name])
    return struct.pack(">53d4i", *limits, *_DEFAULTS, *links, *box)


def _force_mode(_: Controller, o: Outputs) -> bytes:
    return struct.pack(">7d", *o["actual_TCP_force"], 0.0)


def _additional(c: Controller, _: Outputs) -> bytes:
    return struct.pack(">???B", c.teach_button, True, False, 1)


def _tool_communication(_: Controller, __: Outputs) -> bytes:
    return struct.pack(">?iiiff", False, 115200, 0, 1, 1.5, 3.5)


def _tool_mode(_: Controller, __: Outputs) -> bytes:
    return bytes((0, 1, 1))


SUB_PACKAGES: dict[int, Callable[[Controller, Outputs], bytes]] = {
    0: _robot_mode,
    1: _joints,
    4: _cartesian,
    5: _kinematics,
    3: _masterboard,
    2: _tool,
    6: _configuration,
    7: _force_mode,
    8: _additional,
    11: _tool_communication,
    12: _tool_mode,
}
"""Type -> what packs its fields, in the order in which they are sent."""
_E_SERIES_ONLY = (11, 12)


def robot_state(c: Controller, outputs: Outputs) -> bytes:
    """Return the message of the controller's present state."""
    body = b""
    for kind, pack in SUB_PACKAGES.items():
        if not (c.polyscope.cb3 and kind in _E_SERIES_ONLY):
            fields = pack(c, outputs)
            body += _HEAD.pack(_HEAD.size + len(fields), kind) + fields
    return _HEAD.pack(_HEAD.size + len(body), ROBOT_STATE) + body
