"""A simulated UR5 as a ``Robot``: stepped in this process, or real time on its own ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from steer_gym.errors import SteerGymError

from .arm_settings import ArmSettings
from .cameras import CameraSettings
from .controller import cameras as camera_port
from .controller.launch import SimulatorProcess
from .controller.settings import SimulatorSettings
from .guard import TakeOver
from .inline_cell import InlineCell
from .limits import Limits
from .network_cell import NetworkCell
from .poses import Array
from .robotiq import RobotiqSettings
from .ur5 import HOME, UR5

Clock = Literal["locked", "real"]

BRISK = Limits(
    tool_speed=0.3, tool_acceleration=4.5, turn_acceleration=8.0, joint_acceleration=16.0
)
"""The simulated arm's limits, unless others are given: LIBERO's arm is as fast, and nobody stands
beside it. A real arm keeps the gentler ones of ``Limits``."""


class RemoteScene:
    """The things of a simulator in another process; see ``Scene``."""

    def __init__(self, process: SimulatorProcess) -> None:
        self._process = process

    def things(self) -> Mapping[str, Array]:
        """Return position and quaternion of each thing (7,)."""
        things = self._process.admin("things")["things"]
        return {name: np.array(pose) for name, pose in things.items()}

    def boxes(self) -> Mapping[str, Array]:
        """Return boxes around the parts of each thing (parts, 6)."""
        boxes = self._process.admin("boxes")["boxes"]
        return {name: np.array(parts) for name, parts in boxes.items()}

    def restart(self) -> None:
        """Begin anew."""
        self._process.admin("restart")

    def move_thing(self, name: str, position: Sequence[float], yaw: float) -> None:
        """Put a thing somewhere."""
        where = [float(value) for value in position]
        self._process.admin("move_thing", name=name, position=where, yaw=yaw)


class SimulatorCell(NetworkCell):
    """A simulator in a process of its own, reached as a real controller is."""

    def __init__(self, process: SimulatorProcess, settings: ArmSettings, **options: Any) -> None:
        self._process = process
        try:
            super().__init__(settings, simulated=True, **options)
        except BaseException:
            process.close()
            raise

    def close(self) -> None:
        """Free everything, and end the simulator."""
        super().close()
        self._process.close()


def simulate_ur5(
    *,
    clock: Clock = "locked",
    cameras: Mapping[str, tuple[int, int]] | None = None,
    plant: Literal["mujoco", "kinematic"] = "mujoco",
    gripper: RobotiqSettings | None = None,
    home_joints: tuple[float, ...] = HOME,
    journal: str | Path | None = None,
    take_over: TakeOver | None = None,
    simulator: Mapping[str, Any] | None = None,
    **arm: Any,
) -> UR5:
    """Return a simulated UR5, not armed.

    Args:
        clock: ``locked``: time passes in ``wait`` alone, the same every time. ``real``: a process
            of its own that speaks the controller's protocols to the genuine ur_rtde.
        cameras: Name (``base``, ``wrist``) -> (height, width); all of one size in real time.
        plant: ``mujoco``, or ``kinematic``: an arm in an empty world.
        gripper: How late it is taken to be.
        home_joints: Where ``home`` goes [rad].
        journal: File to append every command, clamp and fault to.
        take_over: Says whether a person has taken over; see ``UR5``.
        simulator: More fields of ``SimulatorSettings``.
        **arm: Fields of ``ArmSettings``; ``limits`` is ``BRISK`` by default.
    """
    arm = {"limits": BRISK} | arm
    sizes = dict(cameras or {})
    wanted = SimulatorSettings(plant=plant, clock=clock, **(simulator or {}))
    settings = ArmSettings(host="in this process", **arm)
    finish = partial(UR5, home_joints=home_joints, journal=journal, take_over=take_over)
    if clock == "locked":
        return finish(InlineCell(settings, wanted, sizes, gripper), settings)
    if len(set(sizes.values())) > 1:
        raise SteerGymError(f"In real time all cameras have one size, not {sizes}.")
    for height, width in sizes.values():
        wanted = replace(wanted, height=height, width=width)
    process = SimulatorProcess(wanted)
    try:
        settings = replace(settings, host=process.host)
        sources = _sources(process.host, sizes)
    except BaseException:
        process.close()
        raise
    hand = gripper or RobotiqSettings()
    scene = RemoteScene(process) if plant == "mujoco" else None
    cell = SimulatorCell(process, settings, cameras=sources, gripper=hand, scene=scene)
    return finish(cell, settings)


def _sources(host: str, sizes: Mapping[str, tuple[int, int]]) -> dict[str, CameraSettings]:
    """Return the simulator's cameras at ``host`` by name, from (height, width)."""
    return {
        name: CameraSettings(
            source=f"http://{host}:{camera_port.PORT}/{name}.mjpg",
            height=height,
            width=width,
            # Measured at 6 to 28 ms on two busy cores.
            latency_s=0.015,
            # Drawing without a GPU takes its time.
            stale_s=1.0,
        )
        for name, (height, width) in sizes.items()
    }
