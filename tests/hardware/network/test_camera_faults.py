"""Faults of the cameras, over MJPEG: never an old or a blind picture as a new one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from steer_gym.hardware.cameras import CameraSet, CameraSettings
from steer_gym.hardware.controller.cameras import PORT
from steer_gym.robot import FaultCode, RobotError

pytest.importorskip("cv2", reason="needs opencv")

HEIGHT, WIDTH = 60, 80
NOTICED_S = 0.2 + 0.3
"""The age at which a frame is stale, and the machine's own slowness."""


def source(host: str) -> CameraSettings:
    return CameraSettings(source=f"http://{host}:{PORT}/base.mjpg", height=HEIGHT, width=WIDTH)


@pytest.fixture(scope="module")
def net() -> Iterator[Any]:
    from steer_gym.hardware.controller.launch import SimulatorProcess
    from steer_gym.hardware.controller.settings import SimulatorSettings

    with SimulatorProcess(
        SimulatorSettings(plant="kinematic", height=HEIGHT, width=WIDTH, fps=30.0)
    ) as process:
        yield process


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("frozen", "frozen"),
        ("black", "black"),
        ("slow", "old"),
        ("unplugged", "gone|old"),
    ],
)
def test_24_a_camera_that_fails_is_stale(net: Any, mode: str, words: str) -> None:
    net.admin("camera", mode="live")
    cameras = CameraSet({"base": source(net.host)})
    assert cameras.pictures()["base"].image.shape == (HEIGHT, WIDTH, 3)
    assert cameras.finding() is None
    failed_s = time.monotonic()
    net.admin("camera", mode=mode)
    while (finding := cameras.finding()) is None:
        assert time.monotonic() - failed_s < NOTICED_S, "not noticed"
        time.sleep(0.01)
    assert finding[0] is FaultCode.CAMERA_STALE
    assert re.search(words, finding[1])
    net.admin("camera", mode="live")
    cameras.close()


@pytest.mark.hardware
def test_24_a_camera_of_another_size_is_refused(net: Any) -> None:
    # Within a stream OpenCV scales every frame to the first one's size, and nobody can tell.
    net.admin("camera", mode="live")
    first = CameraSet({"base": source(net.host)})
    net.admin("camera", mode="small")
    time.sleep(0.3)
    with pytest.raises(RobotError, match=r"its frames are \(48, 64, 3\), not \(60, 80, 3\)"):
        CameraSet({"base": source(net.host)})
    first.close()
    net.admin("camera", mode="live")


@pytest.mark.hardware
def test_24_a_slow_camera_stops_the_arm_in_order_and_trips_no_watchdog(network: Any) -> None:
    pytest.importorskip("rtde_control", reason="needs ur_rtde")
    net = network(height=HEIGHT, width=WIDTH)
    net.connect(cameras={"base": source(net.host)})
    net.set_moving()
    slow_s = net.admin("camera", mode="slow")["time_s"]
    while not net.robot.fault:
        net.go(0.05)
    fault = net.require_fault(FaultCode.CAMERA_STALE, slow_s, within_s=NOTICED_S)
    assert "base" in fault.detail
    net.still_after(net.now_s())
    assert not net.events("watchdog_tripped")
