"""Rotations as LIBERO's checkpoints know them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rotation_vector(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return axis times angle [rad] of a unit quaternion (w, x, y, z).

    The angle lies in [0, 2 pi]: as upstream does, the quaternion's sign is kept, not made
    positive first. Published checkpoints were trained on such numbers.
    """
    w = float(np.clip(quaternion[0], -1.0, 1.0))
    sine = np.sqrt(1.0 - w * w)
    if np.isclose(sine, 0.0):
        return np.zeros(3)
    vector: NDArray[np.float64] = quaternion[1:] * (2.0 * np.arccos(w) / sine)
    return vector
