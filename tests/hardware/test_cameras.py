"""Cameras that no computer has are refused before one is opened."""

from __future__ import annotations

from typing import Any

import pytest

from steer_gym.errors import SteerGymError
from steer_gym.hardware.cameras import CameraSettings
from steer_gym.hardware.connect import connect_ur5


@pytest.mark.parametrize("source", [0, None, "", b"/dev/video0"])
def test_a_source_is_text(source: Any) -> None:
    with pytest.raises(SteerGymError, match="source is text"):
        CameraSettings(source=source)


def test_a_camera_given_by_its_number_is_refused_and_told_how_to_write_it() -> None:
    with pytest.raises(SteerGymError, match=r"not 0\. Give '0'"):
        connect_ur5(host="nobody", cameras={"base": 0})  # type: ignore[dict-item]
