"""The UR5 as a ``Robot``: arm, gripper and cameras behind one latch for faults."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.robot import (
    Accepted,
    Fault,
    FaultCode,
    RobotError,
    RobotFault,
    RobotIdentity,
    RobotState,
    Scene,
    Target,
)

from .arm_driver import ArmSettings
from .cameras import CameraSettings
from .cell import Cell
from .clamping import Clamp
from .journal import Journal
from .kinematics import arm_model, tool
from .network_cell import NetworkCell
from .poses import Array
from .status import ArmStatus

HOME = (2.8409, -1.7129, 1.8115, -1.6694, -1.5708, -1.8715)
"""Joints [rad] that hold a UR5e's gripper 0.45 m before the base, 0.3 m up, pointing down."""

_RETRACT_HEIGHT_M = 0.25
_HOME_PACE = 0.6
_HOME_LIMIT_S = 30.0


class _Parts:
    """What must be closed in the end, whatever becomes of the robot object."""

    def __init__(self, cell: Cell, journal: Journal) -> None:
        self.cell = cell
        self.journal = journal
        try:
            self.arm = cell.connect_arm()
        except BaseException:
            cell.close()
            raise

    def close(self) -> None:
        # Backwards, and each whatever became of the others.
        with contextlib.ExitStack() as closing:
            closing.callback(self.journal.close)
            closing.callback(self.cell.close)
            closing.callback(self.arm.close)


class UR5:
    """A ``Robot``; the methods without words here are documented there."""

    def __init__(
        self,
        cell: Cell,
        settings: ArmSettings,
        *,
        home_joints: tuple[float, ...] = HOME,
        journal: str | Path | None = None,
    ) -> None:
        """Connect the arm of ``cell``; moves nothing.

        Args:
            cell: Where the robot stands.
            settings: How the arm is driven; its limits hold for every command.
            home_joints: Where ``home`` goes [rad].
            journal: File to append every command, clamp and fault to.
        """
        self.settings = settings
        self._home = np.array(home_joints, dtype=np.float64)
        self._fault: Fault | None = None
        self._parts = _Parts(cell, Journal(journal))
        self._finalizer = weakref.finalize(self, self._parts.close)
        self._clamp = Clamp(
            limits=settings.limits, arm=arm_model(settings.arm), tcp=tool(settings.tcp)
        )
        self._note("connected", host=settings.host)

    @property
    def identity(self) -> RobotIdentity:
        """Return which robot this is."""
        return self._parts.cell.identity

    @property
    def scene(self) -> Scene | None:
        """Return the simulated things; ``None`` for a real robot."""
        return self._parts.cell.scene

    @property
    def home_joints(self) -> Array:
        """Return where ``home`` goes [rad]."""
        return self._home.copy()

    @property
    def fault(self) -> Fault | None:
        """Return the latched fault, after looking for new ones."""
        self._look()
        return self._fault

    @property
    def armed(self) -> bool:
        """Tell whether the robot will move when commanded."""
        return self._look().armed and self._fault is None

    def arm(self) -> None:
        """Check everything and allow motion; see ``Robot.arm``."""
        if self.fault:
            raise RobotFault(self.fault)
        if self.armed:
            return
        reason = self._parts.cell.reason_not_to_move()
        if reason:
            raise RobotError(f"{self.identity.host} cannot be armed: {reason}.")
        self._parts.cell.hand.activate()
        finding = self._parts.cell.hand.finding() or self._parts.cell.eyes.finding()
        if finding:
            raise RobotError(f"{self.identity.host} cannot be armed: {finding[1]}.")
        self._parts.arm.arm()
        self._note("armed")

    def state(self) -> RobotState:
        """Return the newest measurement; see ``Robot.state``."""
        status = self._look()
        sample = status.sample
        return RobotState(
            time_s=sample.time_s,
            age_s=status.age_s,
            joints=sample.q,
            joint_speeds=sample.qd,
            tcp_pose=sample.tcp_pose,
            tcp_speed=sample.tcp_speed,
            force=status.force,
            gripper=self._parts.cell.hand.opening(),
            speed_scaling=sample.speed_scaling,
            late=status.late,
        )

    def images(self) -> dict[str, NDArray[np.uint8]]:
        """Return each camera's newest image; see ``Robot.images``."""
        self._require_no_fault()
        return self._parts.cell.eyes.images()

    def preview(self, target: Target) -> Accepted:
        """Return what ``command`` would make of ``target``; see ``Robot.preview``."""
        return self._clamp(target, self._look().sample)

    def command(self, target: Target) -> Accepted:
        """Go to ``target`` within the limits; see ``Robot.command``."""
        status = self._require_armed()
        accepted = self._clamp(target, status.sample)
        self._parts.arm.aim(accepted.target, 1.0)
        if accepted.target.gripper is not None:
            self._parts.cell.hand.aim(accepted.target.gripper)
        self._note_command(target, accepted)
        return accepted

    def wait(self, seconds: float) -> None:
        """Let time pass; see ``Robot.wait``."""
        self._parts.arm.wait(seconds)

    def home(self) -> None:
        """Retract upwards, then go home; see ``Robot.home``."""
        status = self._require_armed()
        self._note("home")
        up = status.sample.tcp_pose.copy()
        up[2] = max(up[2], _RETRACT_HEIGHT_M)
        self._travel(Target(pose=self.settings.limits.project(up)))
        self._travel(Target(joints=self._home))

    def stop(self) -> None:
        """Stop and disarm; see ``Robot.stop``."""
        self._parts.arm.disarm()
        self._note("stopped")

    def recover(self, *, acknowledged_by: str) -> None:
        """Take back a fault on the word of a person; see ``Robot.recover``.

        Connects afresh, so that nothing of the old connection can move the arm.

        Raises:
            RobotError: There is no fault, nobody is named, or the stop is not one that this
                may end; says what has to be done first.
        """
        if not acknowledged_by.strip():
            raise RobotError("A person has to look at the robot first; give their name.")
        fault = self.fault
        if fault is None:
            raise RobotError("There is no fault to recover from.")
        self._parts.arm.close()
        self._parts.cell.clear_stop()
        self._parts.arm = self._parts.cell.connect_arm()
        self._fault = None
        self._note("recovered", acknowledged_by=acknowledged_by, fault=str(fault))

    def close(self) -> None:
        """Stop, disconnect and free everything; safe to call twice."""
        self._finalizer()

    def _look(self) -> ArmStatus:
        """Return the newest status, after latching what is wrong."""
        parts = self._parts
        status = parts.arm.status()
        if self._fault is None:
            if parts.arm.fault:
                self._latch(parts.arm.fault)
            elif status.armed:
                finding = parts.cell.hand.finding() or parts.cell.eyes.finding()
                if finding:
                    self._latch(
                        Fault(code=finding[0], detail=finding[1], time_s=status.sample.time_s)
                    )
                    parts.arm.disarm()
        return status

    def _latch(self, fault: Fault) -> None:
        self._fault = fault
        self._parts.journal.write("fault", fault.time_s, code=fault.code, detail=fault.detail)

    def _require_no_fault(self) -> ArmStatus:
        status = self._look()
        if self._fault:
            raise RobotFault(self._fault)
        return status

    def _require_armed(self) -> ArmStatus:
        status = self._require_no_fault()
        if not status.armed:
            raise RobotError("The robot is not armed; call arm() when the space around it is free.")
        return status

    def _travel(self, target: Target) -> None:
        """Go to ``target`` on a straight way, slowly, and wait until the arm is there."""
        arm = self._parts.arm
        waited_s = 0.0
        while True:
            arm.aim(target, _HOME_PACE)
            arm.wait(0.05)
            waited_s += 0.05
            status = self._require_armed()
            still = float(np.abs(status.sample.qd).max()) < 0.01
            if status.reached and still and waited_s > 0.1:
                return
            if waited_s > _HOME_LIMIT_S:
                detail = f"not there after {_HOME_LIMIT_S:.0f} s"
                self._latch(
                    Fault(code=FaultCode.HOMING_FAILED, detail=detail, time_s=status.sample.time_s)
                )
                arm.disarm()
                self._require_no_fault()

    def _note(self, event: str, **facts: Any) -> None:
        time_s = self._parts.arm.status().sample.time_s
        self._parts.journal.write(event, time_s, **facts)

    def _note_command(self, target: Target, accepted: Accepted) -> None:
        name = "pose" if target.joints is None else "joints"
        self._note(
            "command",
            kind=name,
            asked=getattr(target, name),
            accepted=getattr(accepted.target, name),
            gripper=target.gripper,
            clamps=list(accepted.clamps),
        )


def connect_ur5(
    *,
    host: str,
    cameras: Mapping[str, CameraSettings | str] | None = None,
    gripper: bool = True,
    home_joints: tuple[float, ...] = HOME,
    journal: str | Path | None = None,
    **arm: Any,
) -> UR5:
    """Return a connected UR5, not armed.

    Args:
        host: Address of the controller.
        cameras: Name (``base``, ``wrist``) -> settings, or just the source.
        gripper: Whether there is a Robotiq gripper with its URCap.
        home_joints: Where ``home`` goes [rad].
        journal: File to append every command, clamp and fault to.
        **arm: Fields of ``ArmSettings``, for example ``limits=Limits(tool_speed=0.1)``.
    """
    settings = ArmSettings(host=host, **arm)
    wanted = {
        name: camera if isinstance(camera, CameraSettings) else CameraSettings(source=camera)
        for name, camera in (cameras or {}).items()
    }
    cell = NetworkCell(settings, cameras=wanted, gripper=gripper, simulated=False)
    return UR5(cell, settings, home_joints=home_joints, journal=journal)
