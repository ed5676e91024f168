"""Which shapes a camera cannot see, so that they need not be drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MARGIN = 1.05
"""Simplified meshes may stick out of the sphere that MuJoCo computed for the original."""


def out_of_sight(model: Any, data: Any, camera: int, aspect: float) -> NDArray[np.bool_]:
    """Return for each geom whether its bounding sphere lies outside the camera's pyramid.

    Args:
        model: Compiled model.
        data: Its data, with poses of geoms and cameras.
        camera: Index of the camera.
        aspect: Width divided by height of the picture.
    """
    to_camera = data.cam_xmat[camera].reshape(3, 3)  # columns: right, up, backwards
    right, up, back = ((data.geom_xpos - data.cam_xpos[camera]) @ to_camera).T
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
    unseen: NDArray[np.bool_] = bounded & (beyond > _MARGIN * model.geom_rbound)
    return unseen
