"""Who may drive, and who is told why not."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym.errors import SteerGymError
from steer_gym.hardware.connect import connect_ur5
from steer_gym.hardware.simulated import simulate_ur5
from steer_gym.robot import RobotError

rtde_control = pytest.importorskip("rtde_control", reason="needs ur_rtde")
rtde_receive = pytest.importorskip("rtde_receive")

hardware = pytest.mark.hardware


def children() -> set[str]:
    """Return the processes that this one has started and not yet ended."""
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}


def test_18_a_second_driver_is_refused_and_a_reader_is_not(net: Any) -> None:
    net.robot.arm()
    with pytest.raises(RobotError, match=r"Another process .* drives"):
        connect_ur5(host=net.host)
    reader = rtde_receive.RTDEReceiveInterface(net.host, 125.0, ["actual_q"])
    net.go(0.4)
    assert net.robot.fault is None
    assert len(reader.getActualQ()) == 6
    reader.disconnect()


@hardware
def test_18_a_driver_elsewhere_is_named_and_not_disturbed(net: Any) -> None:
    other = rtde_control.RTDEControlInterface(net.host)
    with pytest.raises(RobotError, match="another program is running"):
        net.robot.arm()
    assert other.isProgramRunning()
    other.stopScript()
    # Its registers are still taken.
    with pytest.raises(RobotError, match="in use"):
        net.robot.arm()
    other.disconnect()
    net.robot.arm()


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"do": "remote", "on": False}, "local control"),
        pytest.param({"do": "power", "mode": "IDLE"}, "IDLE", marks=hardware),
        pytest.param({"do": "power", "mode": "POWER_OFF"}, "POWER_OFF", marks=hardware),
        pytest.param(
            {"do": "network", "port": "dashboard", "refusing": True}, "dashboard", marks=hardware
        ),
        pytest.param({"do": "safety", "mode": "SAFEGUARD_STOP"}, "SAFEGUARD_STOP", marks=hardware),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_20_a_robot_that_cannot_move_says_why_within_a_second(
    net: Any, order: dict[str, Any], reason: str
) -> None:
    net.admin(**order)
    began_s = time.monotonic()
    with pytest.raises(RobotError, match=reason):
        net.robot.arm()
    assert time.monotonic() - began_s < 1.0
    assert net.servo_commands() == 0


@hardware
def test_20_a_version_that_is_too_old_is_not_armed(network: Any) -> None:
    net = network(polyscope="5.3.0")
    net.connect()
    with pytest.raises(RobotError, match=r"5\.3\.0.*not supported"):
        net.robot.arm()


@hardware
@pytest.mark.parametrize("polyscope", ["3.15.8", "5.4.0", "5.11.5", "5.14.5", "5.19.0", "5.23.0"])
def test_the_driver_moves_an_arm_of_every_polyscope(network: Any, polyscope: str) -> None:
    arm = "UR5" if polyscope.startswith("3") else "UR5e"
    net = network(polyscope=polyscope, arm=arm)
    net.connect(arm=arm)
    net.set_moving()
    stopped_s = net.now_s()
    net.robot.stop()
    assert net.still_after(stopped_s) < 0.2
    assert net.admin("state")["safety_mode"] == "NORMAL"
    assert np.isfinite(net.robot.state().tcp_pose).all()


@pytest.mark.parametrize(
    "wrong",
    [{"home_joints": (0.0,) * 5}, {"journal": "/nowhere/journal.jsonl"}],
    ids=["home", "journal"],
)
def test_a_driver_that_cannot_be_made_leaves_nothing_behind(
    network: Any, wrong: dict[str, Any]
) -> None:
    net = network()
    threads = set(threading.enumerate())
    with pytest.raises(SteerGymError, match=next(iter(wrong))) as refused:
        connect_ur5(host=net.host, **wrong)
    assert refused.tb, "it is held, so that nothing is freed by being forgotten"
    assert set(threading.enumerate()) <= threads
    net.connect()


def test_a_simulator_is_not_started_for_settings_that_are_refused() -> None:
    before = children()
    with pytest.raises(SteerGymError, match="rate_hz"):
        simulate_ur5(clock="real", plant="kinematic", rate_hz=50.0)
    assert children() == before
