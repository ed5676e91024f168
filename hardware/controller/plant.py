"""What the controller moves: the plant. Here the contract, and a plant that is kinematics alone."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..kinematics import ArmModel, tool
from ..poses import Array

HOME = (2.8409, -1.7129, 1.8115, -1.6694, -1.5708, -1.8715)
"""Joints [rad] that put the gripper 0.45 m before the base, 0.3 m up, pointing down."""

GRIPPER_TCP = (0.0, 0.0, 0.145, 0.0, 0.0, 0.0)
"""Pose of the fingertips' middle to the flange, for the Robotiq 2F-85."""


class Plant(Protocol):
    """An arm with a gripper; it follows the controller's joint references."""

    wrench: Array
    """Force [N] and torque [Nm] that the world exerts at the flange, base frame, (6,)."""
    push: Array
    """Force [N] pressed on the tool by an unseen hand, base frame, (3,); settable in place."""

    @property
    def q(self) -> Array:
        """Return the joint positions (6,) [rad]."""

    @property
    def qd(self) -> Array:
        """Return the joint speeds (6,) [rad/s]."""

    @property
    def opening(self) -> float:
        """Return the gripper's opening: 0 open to 1 closed."""

    @property
    def gripping(self) -> bool:
        """Tell whether the fingers are held apart by something."""

    def step(self, q: Array, qd: Array, qdd: Array, gripper: float | None, dt_s: float) -> None:
        """Advance by ``dt_s`` towards the references; ``gripper`` ``None`` keeps the fingers.

        Args:
            q: Joint reference (6,) [rad].
            qd: Its speed (6,) [rad/s].
            qdd: Its acceleration (6,) [rad/s^2].
            gripper: Reference of the fingers, 0 open to 1 closed.
            dt_s: One tick of the controller.
        """

    def place(self, q: Array) -> None:
        """Put the arm at rest at ``q`` without moving through the space between."""

    def restart(self) -> None:
        """Go back to the first moment."""


class KinematicPlant:
    """An arm that is exactly where the controller wants it, in an empty world."""

    def __init__(self, q: Array | None = None) -> None:
        self._home = np.array(HOME if q is None else q, dtype=np.float64)
        self.q = self._home.copy()
        self.qd = np.zeros(6)
        self.wrench = np.zeros(6)
        self.push = np.zeros(3)
        self.opening = 0.0
        self.object_at = 1.0
        """Opening at which the fingers meet something; 1: nothing is there."""

    @property
    def gripping(self) -> bool:
        """Tell whether the fingers are held apart by something."""
        return self.object_at < 1.0 and self.opening >= self.object_at - 1e-9

    def step(self, q: Array, qd: Array, qdd: Array, gripper: float | None, dt_s: float) -> None:
        """Take the references; see ``Plant.step``."""
        del qdd, dt_s
        self.q, self.qd = np.array(q), np.array(qd)
        self.wrench[:3] = self.push
        if gripper is not None:
            self.opening = min(gripper, self.object_at)

    def place(self, q: Array) -> None:
        """Put the arm at rest at ``q``."""
        self.q, self.qd = np.array(q, dtype=np.float64), np.zeros(6)

    def restart(self) -> None:
        """Go home, open."""
        self.place(self._home)
        self.opening = 0.0


def home_for(arm: ArmModel) -> Array:
    """Return the joints (6,) that put ``arm``'s gripper where ``HOME`` puts the UR5e's."""
    pose = np.array([0.45, 0.0, 0.30, 3.141592653589793, 0.0, 0.0])
    found = arm.inverse(pose, tool(GRIPPER_TCP), HOME)
    if found is None:
        raise AssertionError(f"The home pose is out of reach for the {arm.name}.")
    return found
