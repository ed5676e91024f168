"""The UR5 as a ``Robot``: arm, gripper and cameras, commanded within the limits."""

from __future__ import annotations

import math
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from steer_gym.robot import (
    Accepted,
    Envelope,
    Fault,
    RobotError,
    RobotFault,
    RobotIdentity,
    RobotState,
    Scene,
    Sight,
    Target,
)

from .arm_settings import ArmSettings
from .cell import Cell
from .clamping import Clamp
from .guard import Guard, TakeOver
from .homing import go_home
from .kinematics import arm_model, tool
from .poses import Array
from .ranges import require_numbers
from .status import ArmStatus

HOME = (2.8409, -1.7129, 1.8115, -1.6694, -1.5708, -1.8715)
"""Joints [rad] that hold a UR5e's gripper 0.45 m before the base, 0.3 m up, pointing down."""

_STEADY = 0.95
"""Share of the limits at which an arm that has fallen behind still catches up."""


class UR5:
    """A ``Robot``; the methods without words here are documented there."""

    def __init__(
        self,
        cell: Cell,
        settings: ArmSettings,
        *,
        home_joints: tuple[float, ...] = HOME,
        journal: str | Path | None = None,
        take_over: TakeOver | None = None,
    ) -> None:
        """Connect the arm of ``cell``; moves nothing. If that fails, ``cell`` is closed.

        Args:
            cell: Where the robot stands.
            settings: How the arm is driven; its limits hold for every command.
            home_joints: Where ``home`` goes [rad].
            journal: File to append every command, clamp and fault to.
            take_over: Asked while the robot is armed, whenever it is read or commanded. When it
                says yes, the robot stops and is disarmed, so that a person may move it, until
                ``recover`` and ``arm``: a fault like any other, ``TAKEN_OVER``. The free drive
                button of the pendant does the same.
        """
        self.settings = settings
        try:
            self._home = _posture(home_joints, settings)
        except BaseException:
            cell.close()
            raise
        self._guard = Guard(cell, journal, take_over)
        self._finalizer = weakref.finalize(self, self._guard.close)
        self._clamp = Clamp(
            limits=settings.limits, arm=arm_model(settings.arm), tcp=tool(settings.tcp)
        )
        identity = cell.identity
        self._note(
            "connected",
            host=identity.host,
            model=identity.model,
            serial=identity.serial,
            software=identity.software,
            settings=settings.to_json(),
        )

    @property
    def identity(self) -> RobotIdentity:
        """Return which robot this is."""
        return self._guard.cell.identity

    @property
    def scene(self) -> Scene | None:
        """Return the simulated things; ``None`` for a real robot."""
        return self._guard.cell.scene

    @property
    def home_joints(self) -> Array:
        """Return where ``home`` goes [rad]."""
        return self._home.copy()

    @property
    def envelope(self) -> Envelope:
        """Return what the arm can follow: its limits, less what catching up takes."""
        limits, settings = self.settings.limits, self.settings
        return Envelope(
            tool_speed=limits.tool_speed * _STEADY / settings.ripple,
            turn_speed=limits.turn_speed * _STEADY / settings.ripple,
            tool_acceleration=limits.tool_acceleration * _STEADY,
            turn_acceleration=limits.turn_acceleration * _STEADY,
        )

    @property
    def fault(self) -> Fault | None:
        """Return the latched fault, after looking for new ones."""
        self._guard.look()
        return self._guard.fault

    @property
    def armed(self) -> bool:
        """Tell whether the robot will move when commanded."""
        return self._guard.look().armed and self._guard.fault is None

    def arm(self) -> None:
        """Check everything and allow motion; see ``Robot.arm``."""
        if self.fault:
            raise RobotFault(self.fault)
        if self.armed:
            return
        self._guard.require_ready()
        self._guard.arm.arm()
        self._note("armed")

    def state(self) -> RobotState:
        """Return the newest measurement; see ``Robot.state``."""
        return self._state(self._guard.look())

    def observe(self, *, images: bool = True) -> Sight:
        """Return state and images of one moment; see ``Robot.observe``."""
        status = self._guard.require_no_fault()
        eyes = self._guard.cell.eyes
        moment_s = eyes.moment_s()
        if moment_s is not None:
            status = self._guard.arm.status_at(moment_s)
        pictures = eyes.pictures(moment_s) if images else {}
        return Sight(
            state=self._state(status, moment_s),
            images={name: picture.image for name, picture in pictures.items()},
            image_ages_s={name: picture.age_s for name, picture in pictures.items()},
        )

    def preview(self, target: Target) -> Accepted:
        """Return what ``command`` would make of ``target``; see ``Robot.preview``."""
        return self._clamp(target, self._guard.look().sample)

    def command(self, target: Target) -> Accepted:
        """Go to ``target`` within the limits; see ``Robot.command``."""
        status = self._guard.require_armed()
        accepted = self._clamp(target, status.sample)
        self._guard.arm.aim(accepted.target, 1.0)
        if accepted.target.gripper is not None:
            hand, in_s = self._guard.cell.hand, accepted.target.in_s
            hand.aim(accepted.target.gripper, in_s or 0.0, self._guard.arm.still_armed)
        self._note_command(target, accepted)
        return accepted

    def wait(self, seconds: float) -> None:
        """Let time pass; see ``Robot.wait``."""
        self._guard.arm.wait(seconds)

    def home(self) -> None:
        """Retract upwards, then go home; see ``Robot.home``."""
        self._guard.require_armed()
        self._note("home")
        go_home(self._guard, self._home, self.settings.limits)

    def stop(self, *, why: str = "") -> None:
        """Stop and disarm; see ``Robot.stop``."""
        self._guard.cell.hand.forget()
        self._guard.arm.disarm()
        self._note("stopped", why=why)

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
        self._guard.renew()
        self._note("recovered", acknowledged_by=acknowledged_by, fault=str(fault))

    def close(self) -> None:
        """Stop, disconnect and free everything; safe to call twice."""
        self._finalizer()

    def _state(self, status: ArmStatus, moment_s: float | None = None) -> RobotState:
        sample, hand = status.sample, self._guard.cell.hand
        return RobotState(
            time_s=sample.time_s,
            age_s=status.age_s,
            joints=sample.q,
            joint_speeds=sample.qd,
            tcp_pose=sample.tcp_pose,
            tcp_speed=sample.tcp_speed,
            force=status.force,
            gripper=hand.opening(moment_s),
            gripper_age_s=hand.age_s(moment_s),
            speed_scaling=sample.speed_scaling,
            late=status.late,
        )

    def _note(self, event: str, **facts: Any) -> None:
        if self._guard.journal.written:
            time_s = self._guard.arm.status().sample.time_s
            self._guard.journal.write(event, time_s, **facts)

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


def _posture(joints: tuple[float, ...], settings: ArmSettings) -> Array:
    """Return joints (6,) [rad] that are six numbers, and not at the joints' ends."""
    end = 2.0 * math.pi - settings.limits.joint_margin
    require_numbers("home_joints", joints, 6, -end, end)
    return np.array(joints, dtype=np.float64)
