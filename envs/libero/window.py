"""A window that shows an environment to a person."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteerGymError
from steer_gym.extras import require


class Window:
    """A window on the desktop; needs a display and opencv with its window functions."""

    def __init__(self, title: str) -> None:
        """Refuse early where there is no display, since opencv would end the process."""
        if sys.platform == "linux" and not (
            os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        ):
            raise SteerGymError(
                "render_mode='human' needs a display, but neither DISPLAY nor WAYLAND_DISPLAY is "
                "set. Use render_mode='rgb_array', for example with RecordVideo."
            )
        self._title = title
        self._cv2: Any = require("cv2", extra="libero")

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show an RGB picture, (height, width, 3)."""
        self._cv2.imshow(self._title, picture[..., ::-1])
        self._cv2.waitKey(1)

    def close(self) -> None:
        """Close the window."""
        self._cv2.destroyWindow(self._title)
