"""Kinematics of the UR5 and UR5e: forward, Jacobian, and inverse near a given posture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from steer_gym.errors import UnknownNameError

from .poses import Array, matrix_pose, pose_error, pose_matrix

DH_ALPHA = (math.pi / 2, 0.0, 0.0, math.pi / 2, -math.pi / 2, 0.0)
"""Twists of the links [rad], the same for every arm of UR."""
_ALPHA = np.array(DH_ALPHA)
_SKEW = np.stack([-np.cos(_ALPHA), np.sin(_ALPHA)], axis=1)
_IDENTITY = np.eye(4)


@dataclass(frozen=True, kw_only=True)
class ArmModel:
    """Nominal Denavit-Hartenberg parameters, from UR's article "DH parameters"."""

    name: str
    a: tuple[float, ...]
    """Link lengths along x [m], six."""
    d: tuple[float, ...]
    """Link offsets along z [m], six."""

    def frames(self, q: ArrayLike) -> list[Array]:
        """Return the transforms of base and of each link to the base frame: 7 of (4, 4).

        Args:
            q: Joint positions (6,) [rad].
        """
        angles = np.asarray(q, dtype=np.float64)
        links = self._links.copy()
        cosines, sines = np.cos(angles), np.sin(angles)
        links[:, 0, 0] = cosines
        links[:, 1, 0] = sines
        links[:, 0, 1:3] = sines[:, None] * _SKEW
        links[:, 1, 1:3] = cosines[:, None] * -_SKEW
        links[:, 0, 3] *= cosines
        links[:, 1, 3] *= sines
        frames = [_IDENTITY]
        for link in links:
            frames.append(frames[-1] @ link)
        return frames

    @cached_property
    def _links(self) -> Array:
        """Return the parts of the link transforms that do not depend on the joints."""
        links = np.zeros((6, 4, 4))
        links[:, 0, 3] = links[:, 1, 3] = self.a
        links[:, 2, 1:3] = np.stack([np.sin(_ALPHA), np.cos(_ALPHA)], axis=1)
        links[:, 2, 3] = self.d
        links[:, 3, 3] = 1.0
        return links

    def forward(self, q: ArrayLike, tcp: Array) -> Array:
        """Return the (4, 4) transform of the tool centre point to the base frame.

        Args:
            q: Joint positions (6,) [rad].
            tcp: (4, 4) transform of the tool centre point to the flange.
        """
        return np.asarray(self.frames(q)[-1] @ tcp)

    def pose(self, q: ArrayLike, tcp: Array) -> Array:
        """Return the pose (6,) of the tool centre point in the base frame."""
        return matrix_pose(self.forward(q, tcp))

    def jacobian(self, q: ArrayLike, tcp: Array) -> tuple[Array, Array]:
        """Return the geometric Jacobian (6, 6) in the base frame, and the TCP's (4, 4)."""
        frames = self.frames(q)
        tool = frames[-1] @ tcp
        stack = np.array(frames[:6])
        axes = stack[:, :3, 2]
        levers = tool[:3, 3] - stack[:, :3, 3]
        jacobian = np.empty((6, 6))
        jacobian[0] = axes[:, 1] * levers[:, 2] - axes[:, 2] * levers[:, 1]
        jacobian[1] = axes[:, 2] * levers[:, 0] - axes[:, 0] * levers[:, 2]
        jacobian[2] = axes[:, 0] * levers[:, 1] - axes[:, 1] * levers[:, 0]
        jacobian[3:] = axes.T
        return jacobian, tool

    def inverse(self, pose: ArrayLike, tcp: Array, near: ArrayLike) -> Array | None:
        """Return joint positions (6,) that reach ``pose``, on the branch of ``near``.

        Damped least squares with steps of at most 0.5 rad (Buss 2004, section 5);
        ``None`` when 100 steps do not come within 1e-7 m and rad.
        """
        q = np.array(near, dtype=np.float64)
        for _ in range(100):
            jacobian, tool = self.jacobian(q, tcp)
            error = pose_error(pose, matrix_pose(tool))
            if float(np.abs(error).max()) < 1e-7:
                return q
            damping = 1e-9 + 1e-3 * float(error @ error)
            step = jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + damping * np.eye(6), error)
            q += step * min(1.0, 0.5 / max(float(np.abs(step).max()), 1e-12))
        return None


UR5E = ArmModel(
    name="UR5e",
    a=(0.0, -0.425, -0.3922, 0.0, 0.0, 0.0),
    d=(0.1625, 0.0, 0.0, 0.1333, 0.0997, 0.0996),
)
UR5 = ArmModel(
    name="UR5",
    a=(0.0, -0.425, -0.39225, 0.0, 0.0, 0.0),
    d=(0.089159, 0.0, 0.0, 0.10915, 0.09465, 0.0823),
)
ARMS = {model.name: model for model in (UR5, UR5E)}
"""By the name of the arm."""


def arm_model(name: str) -> ArmModel:
    """Return one of ``ARMS``.

    Raises:
        UnknownNameError: Lists the known names.
    """
    if name not in ARMS:
        raise UnknownNameError("arm", name, ARMS)
    return ARMS[name]


def manipulability(jacobian: Array) -> float:
    """Return Yoshikawa's measure, ``|det J|``: 0 in a singularity; about 0.1 in mid-air."""
    return abs(float(np.linalg.det(jacobian)))


def tool(pose: Sequence[float]) -> Array:
    """Return the (4, 4) of a tool centre point given as a pose to the flange."""
    return pose_matrix(pose)
