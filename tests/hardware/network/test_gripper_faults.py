"""Faults of the gripper behind its socket; meanwhile the arm stays under control."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from steer_gym.hardware.robotiq import RobotiqHand
from steer_gym.robot import FaultCode, RobotError, Target

pytest.importorskip("rtde_control", reason="needs ur_rtde")

hardware = pytest.mark.hardware


def grip(net: Any, opening: float, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        net.robot.command(Target(joints=net.robot.state().joints, gripper=opening))
        net.robot.wait(0.05)


@pytest.mark.parametrize(
    "fault",
    [
        {"silent": True},
        pytest.param({"fault": 14}, marks=hardware),
        pytest.param({"active": False}, marks=hardware),
    ],
    ids=["silent", "overcurrent", "reset"],
)
def test_23_a_gripper_that_fails_is_a_fault_and_the_arm_stops_in_order(
    net: Any, fault: dict[str, Any]
) -> None:
    net.set_moving()
    failed_s = net.admin("gripper", **fault)["time_s"]
    while not net.robot.fault:
        net.go(0.05, offset=0.0 * net.robot.state().tcp_pose)
    # One answer may take half a second before it counts as missing.
    net.require_fault(FaultCode.GRIPPER_FAULT, failed_s, within_s=0.5 + 0.2)
    net.still_after(net.now_s())
    state = net.admin("state")
    assert (state["safety_mode"], state["program"]) == ("NORMAL", None)


@hardware
def test_23_an_object_between_the_fingers_is_no_fault(net: Any) -> None:
    net.robot.arm()
    net.admin("gripper", object_at=0.4)
    grip(net, 1.0, 1.5)
    assert net.robot.fault is None
    assert net.robot.state().gripper == pytest.approx(0.4, abs=0.02)


@hardware
def test_23_a_gripper_without_power_can_be_read_but_not_armed(net: Any) -> None:
    net.admin("power", mode="POWER_OFF")
    hand = RobotiqHand(net.host)
    assert hand.finding() is None
    with pytest.raises(RobotError, match=r"answered '.*\?'"):
        hand.activate()
    hand.close()


def test_23_a_gripper_that_does_not_answer_is_given_up_in_bounded_time(network: Any) -> None:
    net = network()
    net.admin("gripper", silent=True)
    began_s = time.monotonic()
    hand = RobotiqHand(net.host)
    with pytest.raises(RobotError, match="did not answer"):
        hand.activate()
    hand.close()
    assert time.monotonic() - began_s < 3.0


@hardware
def test_22_neither_home_nor_a_slow_gripper_trips_the_watchdog(network: Any) -> None:
    net = network()
    net.admin("gripper", active=False)
    net.connect()
    net.robot.arm()
    grip(net, 1.0, 0.5)
    net.robot.home()
    assert not net.events("watchdog_tripped")
    assert net.robot.fault is None


def test_an_order_is_held_back_until_it_is_due(net: Any) -> None:
    net.robot.arm()
    joints = net.robot.state().joints
    told_s = net.now_s()
    net.robot.command(Target(joints=joints, gripper=1.0, in_s=1.0))
    while (state := net.admin("state"))["gripper"] < 0.01:
        assert state["time_s"] - told_s < 30.0
    # A busy machine's controller may lose time, but never half of it.
    assert state["time_s"] - told_s > 0.5


@pytest.mark.parametrize("killed", [False, pytest.param(True, marks=hardware)])
def test_an_order_that_is_held_is_forgotten_after_a_fault_that_nobody_has_looked_at(
    net: Any, killed: bool
) -> None:
    net.robot.arm()
    told_s = net.now_s()
    net.robot.command(Target(joints=net.robot.state().joints, gripper=1.0, in_s=1.0))
    if killed:
        os.kill(net.robot._guard.arm.pid, signal.SIGKILL)
    else:
        net.admin("safety", mode="PROTECTIVE_STOP")
    while net.now_s() < told_s + 2.5:
        time.sleep(0.02)
    assert net.admin("state")["gripper"] < 0.01
