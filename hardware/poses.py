"""Poses as UR writes them: xyz [m] and rotation vector [rad]; and as 4 x 4 matrices."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def rotation_matrix(rotation_vector: ArrayLike) -> Array:
    """Return the (3, 3) rotation about ``rotation_vector`` by its length (Rodrigues)."""
    x, y, z = (float(v) for v in np.asarray(rotation_vector, dtype=np.float64))
    angle = math.sqrt(x * x + y * y + z * z)
    if angle < 1e-12:
        return np.array([[1.0, -z, y], [z, 1.0, -x], [-y, x, 1.0]])
    x, y, z = x / angle, y / angle, z / angle
    c, s = math.cos(angle), math.sin(angle)
    t = 1.0 - c
    return np.array(
        [
            [t * x * x + c, t * x * y - s * z, t * x * z + s * y],
            [t * x * y + s * z, t * y * y + c, t * y * z - s * x],
            [t * x * z - s * y, t * y * z + s * x, t * z * z + c],
        ]
    )


def rotation_vector(matrix: Array) -> Array:
    """Return the rotation vector of a (3, 3) rotation, its length in [0, pi].

    Goes by the quaternion (Shepperd's choice of the largest component), which stays exact near
    a half turn, where a gripper that points down lives.
    """
    m = matrix
    squares = (
        m[0, 0] + m[1, 1] + m[2, 2],
        m[0, 0] - m[1, 1] - m[2, 2],
        m[1, 1] - m[0, 0] - m[2, 2],
        m[2, 2] - m[0, 0] - m[1, 1],
    )
    skew = (m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1])
    sums = (m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1])
    rows = (
        (squares[0] + 1.0, *skew),
        (skew[0], squares[1] + 1.0, sums[0], sums[1]),
        (skew[1], sums[0], squares[2] + 1.0, sums[2]),
        (skew[2], sums[1], sums[2], squares[3] + 1.0),
    )
    w, x, y, z = rows[max(range(4), key=lambda i: squares[i])]
    if w < 0:
        w, x, y, z = -w, -x, -y, -z
    length = math.sqrt(x * x + y * y + z * z)
    factor = 2.0 / w if length < 1e-12 * w else 2.0 * math.atan2(length, w) / length
    return np.array([x * factor, y * factor, z * factor])


def pose_matrix(pose: ArrayLike) -> Array:
    """Return the (4, 4) transform of a pose (6,)."""
    array = np.asarray(pose, dtype=np.float64)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_matrix(array[3:])
    matrix[:3, 3] = array[:3]
    return matrix


def matrix_pose(matrix: Array) -> Array:
    """Return the pose (6,) of a (4, 4) transform."""
    return np.concatenate([matrix[:3, 3], rotation_vector(matrix[:3, :3])])


def compose(first: ArrayLike, second: ArrayLike) -> Array:
    """Return ``second`` expressed in the frame that ``first`` is expressed in."""
    return matrix_pose(pose_matrix(first) @ pose_matrix(second))


def moved(pose: ArrayLike, twist: Array) -> Array:
    """Return where ``twist`` (6,), in the base frame, brings a pose (6,) in 1 s."""
    matrix = pose_matrix(pose)
    turn = rotation_vector(rotation_matrix(twist[3:]) @ matrix[:3, :3])
    return np.concatenate([matrix[:3, 3] + twist[:3], turn])


def pose_error(target: ArrayLike, actual: ArrayLike) -> Array:
    """Return the twist (6,) in the base frame that leads from ``actual`` to ``target`` in 1 s."""
    goal, here = pose_matrix(target), pose_matrix(actual)
    turn = rotation_vector(goal[:3, :3] @ here[:3, :3].T)
    return np.concatenate([goal[:3, 3] - here[:3, 3], turn])
