"""Which shapes a camera cannot see, so that they need not be drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_PLANE = 0
"""MuJoCo's number for planes; of the other shapes only boxes reflect."""
_MARGIN = 1.05
"""Simplified meshes may stick out of the sphere that MuJoCo computed for the original."""


def out_of_sight(
    model: Any, data: Any, camera: int, aspect: float, mirrors: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return for each geom whether a camera sees nothing of it, neither directly nor mirrored.

    Args:
        model: Compiled model.
        data: Its data, with poses of geoms and cameras.
        camera: Index of the camera.
        aspect: Width divided by height of the picture.
        mirrors: Geoms whose upper side reflects.
    """
    unseen = _outside(model, data, camera, aspect, data.geom_xpos)
    for mirror in mirrors[~unseen[mirrors]]:
        normal = data.geom_xmat[mirror].reshape(3, 3)[:, 2]
        surface = data.geom_xpos[mirror] + normal * _height(model, mirror)
        distance = (data.geom_xpos - surface) @ normal
        mirrored = data.geom_xpos - 2 * distance[:, None] * normal
        unseen &= _outside(model, data, camera, aspect, mirrored)
    return unseen


def _height(model: Any, mirror: int) -> float:
    """Return how far a mirror's reflecting side is from its middle."""
    return 0.0 if model.geom_type[mirror] == _PLANE else float(model.geom_size[mirror, 2])


def _outside(
    model: Any, data: Any, camera: int, aspect: float, centres: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return for each geom, were it at ``centres``, whether it is outside the camera's pyramid."""
    to_camera = data.cam_xmat[camera].reshape(3, 3)  # columns: right, up, backwards
    right, up, back = ((centres - data.cam_xpos[camera]) @ to_camera).T
    vertical = np.radians(model.cam_fovy[camera]) / 2
    horizontal = np.arctan(np.tan(vertical) * aspect)
    beyond = np.maximum.reduce(
        [
            np.abs(right) * np.cos(horizontal) + back * np.sin(horizontal),
            np.abs(up) * np.cos(vertical) + back * np.sin(vertical),
            back,
        ]
    )
    bounded = model.geom_rbound > 0  # planes have no sphere
    outside: NDArray[np.bool_] = bounded & (beyond > _MARGIN * model.geom_rbound)
    return outside
