"""Rotation vectors and matrices."""

from __future__ import annotations

import numpy as np

from .scene import Vector


def matrix(turn: Vector) -> Vector:
    """Return the (3, 3) matrix of a rotation vector (3,) [rad]; Rodrigues' formula."""
    angle = float(np.linalg.norm(turn))
    x, y, z = turn / max(angle, 1e-12)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: Vector = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)
    return turned


def vector(rotation: Vector) -> Vector:
    """Return the rotation vector (3,) [rad] of a (3, 3) matrix that turns by less than pi."""
    angle = float(np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0)))
    axis = np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    result: Vector = axis * (angle / max(2.0 * np.sin(angle), 1e-9))
    return result
