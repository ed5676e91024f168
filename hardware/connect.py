"""Connect to a UR5 on the network by its address."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .arm_settings import ArmSettings
from .cameras import CameraSettings
from .guard import TakeOver
from .network_cell import NetworkCell
from .robotiq import RobotiqSettings
from .ur5 import HOME, UR5


def connect_ur5(
    *,
    host: str,
    cameras: Mapping[str, CameraSettings | str] | None = None,
    gripper: bool | RobotiqSettings = True,
    home_joints: tuple[float, ...] = HOME,
    journal: str | Path | None = None,
    take_over: TakeOver | None = None,
    **arm: Any,
) -> UR5:
    """Return a connected UR5, not armed.

    Args:
        host: Address of the controller.
        cameras: Name (``base``, ``wrist``) -> settings, or just the source.
        gripper: Whether there is a Robotiq gripper with its URCap, or how it is driven.
        home_joints: Where ``home`` goes [rad].
        journal: File to append every command, clamp and fault to.
        take_over: Says whether a person has taken over; see ``UR5``.
        **arm: Fields of ``ArmSettings``, for example ``limits=Limits(tool_speed=0.1)``.
    """
    settings = ArmSettings(host=host, **arm)
    wanted = {
        name: camera if isinstance(camera, CameraSettings) else CameraSettings(source=camera)
        for name, camera in (cameras or {}).items()
    }
    hand = RobotiqSettings() if gripper is True else gripper or None
    cell = NetworkCell(settings, cameras=wanted, gripper=hand, simulated=False)
    return UR5(cell, settings, home_joints=home_joints, journal=journal, take_over=take_over)
