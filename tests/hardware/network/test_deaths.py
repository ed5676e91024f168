"""Processes that die or leave: the arm stops, and nothing of them stays."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym.robot import FaultCode, RobotError, RobotFault

pytest.importorskip("rtde_control", reason="needs ur_rtde")

WATCHDOG_AND_BRAKING_S = 0.1 + 0.1
hardware = pytest.mark.hardware

USER = """
import os, sys, time
import numpy as np
from steer_gym.hardware.connect import connect_ur5
from steer_gym.robot import Target

robot = connect_ur5(host=sys.argv[1])
robot.arm()
print(robot._guard.arm.pid, flush=True)
while True:
    if os.path.exists(sys.argv[2]):
        raise RuntimeError("an error in the user's loop")
    pose = robot.state().tcp_pose
    pose[1] += 0.25
    robot.command(Target(pose=pose))
    robot.wait(0.05)
"""
"""A program that moves the arm and never closes it."""

SPEED_CLIENT = """
import sys, time
import rtde_control
arm = rtde_control.RTDEControlInterface(sys.argv[1])
arm.setWatchdog(10.0)
arm.speedL([0, 0.05, 0, 0, 0, 0], 0.5, 60.0)
print("moving", flush=True)
while True:
    arm.kickWatchdog()
    time.sleep(0.02)
"""
"""ur_rtde alone in speed mode, which never ends by itself."""


class User:
    """A user's program in a process of its own, moving the arm."""

    def __init__(self, net: Any, folder: Path, script: str = USER) -> None:
        self.wish = folder / "raise"
        command = [sys.executable, "-c", script, net.host, str(self.wish)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()
        end = time.monotonic() + 10.0
        while np.linalg.norm(net.admin("state")["tcp_speed"][:3]) < 0.04:
            assert time.monotonic() < end, "the arm does not move"
            time.sleep(0.02)

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)


def require_nothing_left(net: Any, arm_pid: int) -> None:
    """Wait until the arm's process and every connection are gone."""
    end = time.monotonic() + 5.0
    while Path(f"/proc/{arm_pid}").exists() or net.clients():
        assert time.monotonic() < end, f"left: {net.clients()}, process {arm_pid}"
        time.sleep(0.02)


def test_17_when_the_arms_process_is_killed_the_watchdog_stops_the_arm(net: Any) -> None:
    net.set_moving()
    killed_s = net.now_s()
    os.kill(net.robot._guard.arm.pid, signal.SIGKILL)
    net.require_fault(FaultCode.CONNECTION_LOST, killed_s, within_s=0.3)
    assert net.still_after(killed_s) < WATCHDOG_AND_BRAKING_S
    assert net.admin("state")["safety_reason"] == "RTDE watchdog"


@hardware
def test_17_a_new_client_begins_without_motion(net: Any) -> None:
    net.set_moving()
    os.kill(net.robot._guard.arm.pid, signal.SIGKILL)
    net.await_fault(net.now_s())
    net.robot.recover(acknowledged_by="the test")
    before = net.admin("state")["q"]
    net.robot.arm()
    net.robot.wait(0.5)
    np.testing.assert_allclose(net.admin("state")["q"], before, atol=1e-4)


def test_17_when_the_parent_is_killed_its_child_stops_the_arm(network: Any, tmp_path: Path) -> None:
    net = network()
    user = User(net, tmp_path)
    killed_s = net.now_s()
    user.end(signal.SIGKILL)
    assert net.still_after(killed_s) < WATCHDOG_AND_BRAKING_S
    require_nothing_left(net, int(user.said))
    user.process.wait()


@hardware
def test_17_when_parent_and_child_are_killed_the_watchdog_stops_the_arm(
    network: Any, tmp_path: Path
) -> None:
    net = network()
    user = User(net, tmp_path)
    killed_s = net.now_s()
    os.kill(int(user.said), signal.SIGKILL)
    user.end(signal.SIGKILL)
    assert net.still_after(killed_s) < WATCHDOG_AND_BRAKING_S
    require_nothing_left(net, int(user.said))
    user.process.wait()


@hardware
def test_17_a_client_that_dies_in_speed_mode_is_stopped_by_the_watchdog(
    network: Any, tmp_path: Path
) -> None:
    net = network()
    user = User(net, tmp_path, SPEED_CLIENT)
    killed_s = net.now_s()
    user.end(signal.SIGKILL)
    assert net.still_after(killed_s) < WATCHDOG_AND_BRAKING_S
    user.process.wait()


@pytest.mark.parametrize(
    "how", ["interrupt", *(pytest.param(n, marks=hardware) for n in ("terminate", "error"))]
)
def test_26_a_user_who_leaves_in_the_middle_leaves_the_arm_at_rest(
    network: Any, tmp_path: Path, how: str
) -> None:
    net = network()
    user = User(net, tmp_path)
    left_s = net.now_s()
    if how == "error":
        user.wish.touch()
        left_s += 0.1
    else:
        user.end(signal.SIGINT if how == "interrupt" else signal.SIGTERM)
    assert net.still_after(left_s) < 0.3
    user.process.wait(timeout=5.0)
    require_nothing_left(net, int(user.said))
    assert net.admin("state")["program"] is None


@hardware
def test_26_a_robot_that_is_forgotten_is_closed(net: Any) -> None:
    net.set_moving()
    forgotten_s, pid = net.now_s(), net.robot._guard.arm.pid
    net.robot = None
    gc.collect()
    assert net.still_after(forgotten_s) < 0.2
    require_nothing_left(net, pid)


def test_26_a_forked_child_that_ends_takes_nothing_with_it(net: Any) -> None:
    net.robot.arm()
    child = os.fork()
    if child == 0:
        net.robot.close()
        os._exit(0)
    os.waitpid(child, 0)
    net.go(0.3)
    assert net.robot.fault is None
    pid = net.robot._guard.arm.pid
    net.robot.close()
    net.robot.close()
    require_nothing_left(net, pid)


def test_17_a_process_that_falls_silent_without_ending_is_killed_and_stopping_never_raises(
    net: Any,
) -> None:
    net.set_moving()
    arm = net.robot._guard.arm
    arm._channel.shutdown(socket.SHUT_RD)
    net.robot.stop()
    assert not Path(f"/proc/{arm.pid}").exists()
    assert net.robot.fault.code is FaultCode.CONNECTION_LOST


def test_26_a_robot_that_was_closed_at_once_still_tells_where_it_was(net: Any) -> None:
    net.robot.close()
    np.testing.assert_allclose(net.robot.state().joints, net.admin("state")["q"], atol=1e-4)
    assert not net.robot.armed


def test_an_arm_that_is_late_to_arm_is_disarmed(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steer_gym.hardware.arm_link._ARM_S", 0.0)
    with pytest.raises(RobotError, match="did not say 'armed'"):
        net.robot.arm()
    net.robot.wait(1.0)
    assert not net.robot.armed
    monkeypatch.undo()
    net.robot.arm()
    assert net.robot.armed


def test_the_answer_to_an_order_that_was_given_up_is_not_taken_for_that_to_the_next(
    net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_ARM_S", "_CLOSE_S"):
        monkeypatch.setattr(f"steer_gym.hardware.arm_link.{limit}", 0.0)
    with pytest.raises(RobotError, match="did not say 'armed'"):
        net.robot.arm()
    monkeypatch.undo()
    # Both answers, that it is armed and that it is disarmed again, now wait to be read.
    end = time.monotonic() + 10.0
    while not net.events("program_ended"):
        assert time.monotonic() < end, "it was never disarmed"
        time.sleep(0.02)
    q = net.admin("state")["q"]
    net.admin("place", q=[q[0] + 1.5, *q[1:]])
    net.robot.wait(0.2)
    with pytest.raises(RobotError, match="outside its limits"):
        net.robot.arm()
    assert not net.robot.armed


@hardware
def test_a_refusal_that_came_too_late_does_not_refuse_the_next_order(
    net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    q = net.admin("state")["q"]
    net.admin("place", q=[q[0] + 1.5, *q[1:]])
    net.robot.wait(0.2)
    for limit in ("_ARM_S", "_CLOSE_S"):
        monkeypatch.setattr(f"steer_gym.hardware.arm_link.{limit}", 0.0)
    with pytest.raises(RobotError, match="did not say 'armed'"):
        net.robot.arm()
    monkeypatch.undo()
    net.robot.wait(0.5)
    net.admin("place", q=q)
    net.robot.wait(0.2)
    net.robot.arm()
    assert net.robot.armed


def test_9_an_emergency_stop_is_named_although_the_gripper_falls_silent(net: Any) -> None:
    net.set_moving()
    stopped_s = net.admin("safety", mode="ROBOT_EMERGENCY_STOP")["time_s"]
    net.require_fault(FaultCode.EMERGENCY_STOP, stopped_s, within_s=0.1)
    assert net.still_after(stopped_s) < 0.25
    with pytest.raises(RobotFault):
        net.robot.arm()
    with pytest.raises(Exception, match="A person has to end this at the robot"):
        net.robot.recover(acknowledged_by="the test")
    net.admin("safety", mode="NORMAL")
    net.admin("power", mode="RUNNING")
    net.robot.recover(acknowledged_by="the test")
    net.robot.arm()
