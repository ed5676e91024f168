"""The cameras of one environment: made at the first look, remade only if the model is another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.observation import IMAGE_BASE, IMAGE_WRIST

from .rendering import Renderer, Rendering, View

MUJOCO_NAMES = {IMAGE_BASE: "agentview", IMAGE_WRIST: "robot0_eye_in_hand"}


class Cameras:
    """Draws views by observation key, through a renderer that follows the simulation's model."""

    def __init__(self, *, height: int, width: int, rendering: Rendering) -> None:
        """Remember the size of the largest picture; nothing is created yet."""
        self._size = (height, width)
        self._rendering = rendering
        self._renderer: Renderer | None = None

    def draw(self, model: Any, view: View, key: str, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the picture of the camera ``key`` with ``size`` (height, width)."""
        if self._renderer is None or self._renderer.model is not model:
            self.close()
            height, width = self._size
            self._renderer = Renderer(model, height=height, width=width, rendering=self._rendering)
        return self._renderer.draw(view, MUJOCO_NAMES[key], *size)

    @property
    def renderer_name(self) -> str:
        """Return the OpenGL that draws, or why it is not known."""
        return self._renderer.name if self._renderer else "nothing drawn yet"

    def close(self) -> None:
        """Release the OpenGL context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
