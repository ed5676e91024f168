"""Cameras that no computer has are refused before one is opened, and all are freed at once."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from steer_gym.errors import SteerGymError
from steer_gym.hardware import cameras
from steer_gym.hardware.cameras import CameraSet, CameraSettings
from steer_gym.hardware.connect import connect_ur5


@pytest.mark.parametrize("source", [0, None, "", b"/dev/video0"])
def test_a_source_is_text(source: Any) -> None:
    with pytest.raises(SteerGymError, match="source is text"):
        CameraSettings(source=source)


def test_a_camera_given_by_its_number_is_refused_and_told_how_to_write_it() -> None:
    with pytest.raises(SteerGymError, match=r"not 0\. Give '0'"):
        connect_ur5(host="nobody", cameras={"base": 0})  # type: ignore[dict-item]


class NoisyReader:
    """A device that delivers noise; the first one opened hangs until the others are freed."""

    opened: list[NoisyReader]

    def __init__(self, settings: CameraSettings) -> None:
        self.closed = False
        self.reads = 0
        self.opened.append(self)
        self.shape = (settings.height, settings.width, 3)

    def read(self) -> Any:
        self.reads += 1
        if self is self.opened[0] and self.reads > 1:
            while not self.others_have_ended():
                time.sleep(0.001)
            return None
        time.sleep(0.001)
        return np.random.default_rng(self.reads).integers(50, 200, self.shape, dtype=np.uint8)

    def others_have_ended(self) -> bool:
        begun = len(self.opened) == 2 and self.opened[1].reads > 0
        return begun and "camera second" not in [thread.name for thread in threading.enumerate()]

    def close(self) -> None:
        self.closed = True


def test_a_camera_that_hangs_does_not_keep_the_others_from_being_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(NoisyReader, "opened", [], raising=False)
    monkeypatch.setattr(cameras, "OpenCvReader", NoisyReader)
    settings = CameraSettings(source="0", height=4, width=4, stale_s=5.0)
    CameraSet({"first": settings, "second": settings}).close()
    assert [reader.closed for reader in NoisyReader.opened] == [True, True]
