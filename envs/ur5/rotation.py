"""Rotation vectors: turn one further, and write it so that it does not jump."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def turned(orientation: Array, turn: Array) -> Array:
    """Return ``orientation`` (3,) turned further by ``turn`` (3,) [rad], both in the base frame.

    The angle is at most pi; ``turned(-a, b)`` is the turn that leads from ``a`` to ``b``.
    """
    a, b = _quaternion(turn), _quaternion(orientation)
    w = a[0] * b[0] - a[1:] @ b[1:]
    xyz = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    if w < 0:
        w, xyz = -w, -xyz
    sine = float(np.linalg.norm(xyz))
    if sine < 1e-12:
        return np.zeros(3)
    return np.asarray(xyz / sine * (2.0 * np.arctan2(sine, w)))


def continuous(orientation: Array) -> Array:
    """Return the same rotation with its largest component positive, its angle in [0, 2 pi].

    A tool that points down is turned by half a turn, where the usual form (at most pi) changes its
    sign at every breath; policies had better not see that.
    """
    if orientation[np.abs(orientation).argmax()] >= 0:
        return orientation
    angle = float(np.linalg.norm(orientation))
    return np.asarray(orientation * (1.0 - 2.0 * np.pi / angle))


def _quaternion(vector: Array) -> Array:
    """Return (w, x, y, z) of a rotation vector."""
    angle = float(np.linalg.norm(vector))
    # sin(x) / x, whole at 0
    return np.array([np.cos(angle / 2), *(vector * (0.5 * np.sinc(angle / (2 * np.pi))))])
