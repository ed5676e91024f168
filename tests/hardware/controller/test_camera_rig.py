"""The simulator's cameras draw beside its controller, and do not hold it up."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.controller import cameras

pytest.importorskip("cv2", reason="needs opencv")


class SlowToBegin(cameras.TestCard):
    """Takes long for the first picture, as OpenGL does."""

    def __init__(self) -> None:
        super().__init__(np.zeros(6))
        self.drawn: list[str] = []

    def draw(self, snapshot: Any, camera: str, height: int, width: int) -> Any:
        if not self.drawn:
            time.sleep(0.2)
        self.drawn.append(camera)
        return super().draw(snapshot, camera, height, width)


def test_what_takes_long_at_first_is_done_before_the_controller_runs() -> None:
    artist = SlowToBegin()
    rig = cameras.CameraRig(artist, height=48, width=64, fps=30.0)
    rig.start()
    assert artist.drawn == ["base", "wrist"]
    assert not rig.frames  # nothing was asked for yet
    rig.close()
