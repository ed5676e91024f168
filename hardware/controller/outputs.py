"""The controller's state under the names that RTDE gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..modes import RobotMode
from ..poses import Array
from .controller import Controller
from .variables import OUTPUTS

_ZEROS = {"VECTOR3D": (0.0,) * 3, "VECTOR6D": (0.0,) * 6, "VECTOR6INT32": (0,) * 6, "BOOL": False}
_JOINT_RUNNING, _JOINT_OFF = 253, 239
_TOOL_RUNNING = 253
_VOLTAGE_RANGE_V = 10.0
GRAVITY = (0.0, 0.0, 9.82)


def _list(values: Array) -> list[float]:
    return np.asarray(values).tolist()  # type: ignore[no-any-return]


READERS: dict[str, Callable[[Controller], Any]] = {
    "timestamp": lambda c: c.time_s,
    "target_q": lambda c: _list(c.q),
    "target_qd": lambda c: _list(c.qd),
    "target_qdd": lambda c: _list(c.qdd),
    "actual_q": lambda c: _list(c.plant.q),
    "actual_qd": lambda c: _list(c.plant.qd),
    "actual_TCP_pose": lambda c: _list(c.tool_pose),
    "actual_TCP_speed": lambda c: _list(c.tool_twist),
    "actual_TCP_force": lambda c: _list(c.force),
    "ft_raw_wrench": lambda c: _list(c.plant.wrench),
    "tcp_force_scalar": lambda c: float(np.linalg.norm(c.force[:3])),
    "target_TCP_pose": lambda c: _list(c.pose),
    "target_TCP_speed": lambda c: _list(c.arm.jacobian(c.q, c.tcp)[0] @ c.qd),
    "tcp_offset": lambda c: _list(c.tcp_pose),
    "robot_mode": lambda c: int(c.mode),
    "safety_mode": lambda c: int(c.safety.mode),
    "safety_status": lambda c: int(c.safety.mode),
    "safety_status_bits": lambda c: int(c.safety.bits),
    "robot_status_bits": lambda c: int(c.status_bits),
    "runtime_state": lambda c: int(c.runtime),
    "joint_mode": lambda c: (_JOINT_RUNNING if c.mode is RobotMode.RUNNING else _JOINT_OFF,) * 6,
    "speed_scaling": lambda c: c.told_scaling,
    "target_speed_fraction": lambda c: c.speed_slider,
    "payload": lambda c: c.payload,
    "payload_cog": lambda c: c.payload_cog,
    "actual_digital_output_bits": lambda c: c.digital_outputs,
    "standard_analog_output0": lambda c: c.analog_outputs[0] * _VOLTAGE_RANGE_V,
    "standard_analog_output1": lambda c: c.analog_outputs[1] * _VOLTAGE_RANGE_V,
    "analog_io_types": lambda _: 0b1111,
    "tool_mode": lambda _: _TOOL_RUNNING,
    "tool_output_voltage": lambda c: c.tool_voltage,
    "tool_temperature": lambda _: 25.0,
    "target_gravity": lambda _: GRAVITY,
    "actual_main_voltage": lambda _: 48.0,
    "actual_robot_voltage": lambda _: 48.0,
    "joint_temperatures": lambda _: (25.0,) * 6,
    "actual_joint_voltage": lambda _: (48.0,) * 6,
    "elbow_position": lambda c: _list(c.arm.frames(c.plant.q)[2][:3, 3]),
}
"""Variables with a meaning here; the rest of ``OUTPUTS`` reads as zero."""


class Outputs(Mapping[str, Any]):
    """The controller's outputs, each computed when asked for."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def __getitem__(self, name: str) -> Any:
        """Return the value of one variable, a number or a sequence."""
        reader = READERS.get(name)
        if reader:
            return reader(self._controller)
        if "_register" in name:
            return self._controller.registers.read(name)
        return _ZEROS.get(OUTPUTS[name], 0)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(OUTPUTS)

    def __len__(self) -> int:
        """Return the number of variables."""
        return len(OUTPUTS)
