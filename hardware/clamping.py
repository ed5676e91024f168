"""Targets as the limits leave them: inside the workspace, and never far ahead of the arm."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from steer_gym.robot import Accepted, Target

from .kinematics import ArmModel
from .limits import Limits
from .poses import Array, moved, pose_error
from .sample import ArmSample

_JOINT_LEASH = 0.3
"""How far a joint target may lead the joints [rad]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clamp:
    """Puts targets within the limits."""

    limits: Limits
    arm: ArmModel
    tcp: Array
    """(4, 4) of the tool centre point to the flange."""

    def __call__(self, target: Target, sample: ArmSample) -> Accepted:
        """Return ``target`` as the limits leave it, seen from where the arm is."""
        if target.joints is not None:
            return self._joints(target, target.joints, sample.q)
        assert target.pose is not None
        return self._pose(target, target.pose, sample.tcp_pose)

    def _pose(self, target: Target, asked: Array, now: Array) -> Accepted:
        limits, clamps = self.limits, []
        pose = limits.project(asked)
        if float(np.abs(pose_error(pose, asked)).max()) > 1e-6:
            clamps.append("workspace")
        lead = pose_error(pose, now)
        move = limits.leash / max(float(np.linalg.norm(lead[:3])), 1e-12)
        turn = limits.turn_leash / max(float(np.linalg.norm(lead[3:])), 1e-12)
        if min(move, turn) < 1.0:
            clamps.append("leash")
            pose = moved(now, lead * np.repeat([min(1.0, move), min(1.0, turn)], 3))
        return Accepted(target=replace(target, pose=pose), clamps=tuple(clamps))

    def _joints(self, target: Target, joints: Array, now: Array) -> Accepted:
        limits, clamps = self.limits, []
        end = 2.0 * math.pi - limits.joint_margin
        goal = np.clip(joints, -end, end)
        lead = goal - now
        largest = float(np.abs(lead).max())
        if largest > _JOINT_LEASH:
            clamps.append("leash")
            goal = now + lead * (_JOINT_LEASH / largest)
        pose = self.arm.pose(goal, self.tcp)
        inside = limits.project(pose)
        if float(np.abs(pose_error(inside, pose)).max()) > 1e-6:
            clamps.append("workspace")
            found = self.arm.inverse(inside, self.tcp, goal)
            goal = now if found is None else found
        return Accepted(target=replace(target, joints=goal), clamps=tuple(clamps))
