"""What the genuine client has to see before the arm may move, and whose answer counts."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.arm_settings import ArmSettings
from steer_gym.hardware.cameras import CameraSettings
from steer_gym.hardware.controller.cameras import PORT
from steer_gym.hardware.rtde_arm import RtdeArm
from steer_gym.robot import RobotError

rtde_control = pytest.importorskip("rtde_control", reason="needs ur_rtde")

hardware = pytest.mark.hardware


def pass_time(net: Any, seconds: float) -> None:
    """Wait for the controller's clock."""
    end_s = net.now_s() + seconds
    while net.now_s() < end_s:
        time.sleep(0.02)


def test_a_stream_at_half_its_rate_is_not_armed_until_it_is_mended(net: Any) -> None:
    net.admin("network", port="rtde", one_in=2)
    pass_time(net, 0.6)
    with pytest.raises(RobotError, match=r"brings \d+\.\d Hz.*125 Hz are wanted.*cable"):
        net.robot.arm()
    assert not net.robot.armed
    assert not net.events("program_started")
    net.admin("network", port="rtde", one_in=1)
    net.arm()


@hardware
def test_a_controller_slower_than_the_rate_that_is_asked_for_is_not_armed(network: Any) -> None:
    net = network(polyscope="3.15.8", arm="UR5")
    net.connect(arm="UR5", rate_hz=500.0)
    with pytest.raises(RobotError, match=r"500 Hz are wanted.*125 on a CB3"):
        net.robot.arm()


@pytest.mark.parametrize(
    ("overruled", "words"),
    [
        ("payload", r"did not take the payload: 1 kg .* asked, and it shows 0 kg"),
        pytest.param("payload_cog", r"shows 1 kg at \[0\.0, 0\.0, 0\.0\] m", marks=hardware),
        pytest.param(
            "tcp", r"did not take the tool: tcp .*0\.2, .* shows .*0\.145", marks=hardware
        ),
    ],
)
def test_a_controller_that_keeps_its_own_tool_or_payload_is_not_armed(
    network: Any, overruled: str, words: str
) -> None:
    net = network()
    net.connect(tcp=(0.0, 0.0, 0.2, 0.0, 0.0, 0.0))
    net.admin("overrule", names=[overruled])
    with pytest.raises(RobotError, match=words):
        net.robot.arm()
    assert not net.robot.armed
    assert net.admin("state")["program"] is None
    assert net.servo_commands() == 0
    net.admin("overrule", names=[])
    net.robot.arm()
    state = net.admin("state")
    assert (state["payload"], state["payload_cog"]) == (1.0, [0.0, 0.0, 0.06])
    np.testing.assert_allclose(state["tcp"], [0, 0, 0.2, 0, 0, 0])


@hardware
def test_arming_activates_the_gripper_and_needs_it(network: Any) -> None:
    net = network()
    net.admin("gripper", active=False)
    net.connect()
    net.robot.arm()
    net.robot.stop()
    assert net.robot.fault is None
    net.admin("gripper", silent=True)
    with pytest.raises(RobotError, match="gripper"):
        net.robot.arm()
    assert not net.robot.armed


@hardware
def test_a_camera_that_stands_still_is_not_armed(network: Any) -> None:
    pytest.importorskip("cv2", reason="needs opencv")
    net = network(height=60, width=80)
    source = f"http://{net.host}:{PORT}/base.mjpg"
    net.connect(cameras={"base": CameraSettings(source=source, height=60, width=80)})
    net.admin("camera", mode="frozen")
    pass_time(net, 1.0)
    with pytest.raises(RobotError, match="camera 'base'"):
        net.robot.arm()
    assert not net.events("program_started")


@pytest.fixture
def stopped_in(network: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what makes a genuine client whose program is stopped in its n-th call of a method."""
    net = network()
    genuine = rtde_control.RTDEControlInterface
    arms: list[RtdeArm] = []

    def make(name: str, nth: int) -> tuple[Any, RtdeArm]:
        calls = itertools.count(1)

        def stopped(control: Any, *values: Any) -> Any:
            if next(calls) == nth:
                net.admin("program", action="stop")
            return getattr(genuine, name)(control, *values)

        client = type("Stopped", (genuine,), {name: stopped})
        monkeypatch.setattr(rtde_control, "RTDEControlInterface", client)
        arms.append(RtdeArm(ArmSettings(host=net.host)))
        return net, arms[-1]

    yield make
    for arm in arms:
        arm.stop(4.0)
        arm.close()


@pytest.mark.parametrize(
    ("name", "nth"),
    [
        ("getTCPOffset", 2),
        *(
            pytest.param(name, 1, marks=hardware)
            for name in ("setTcp", "setPayload", "getTCPOffset", "setWatchdog")
        ),
    ],
)
def test_a_program_that_is_stopped_while_arming_is_told_and_nothing_is_left(
    stopped_in: Any, monkeypatch: pytest.MonkeyPatch, name: str, nth: int
) -> None:
    net, arm = stopped_in(name, nth)
    with pytest.raises(RobotError, match=r"stopped while arming|did not take"):
        arm.start()
    assert net.admin("state")["program"] is None
    monkeypatch.undo()
    arm.start()
    assert net.admin("state")["program"] is not None
