"""Faults of the link, on real sockets: cut, frozen, swallowed, delayed, stalled."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.controller.launch import SimulatorProcess
from steer_gym.hardware.controller.settings import SimulatorSettings
from steer_gym.robot import FaultCode, RobotError, Target

pytest.importorskip("rtde_control", reason="needs ur_rtde")

WATCHDOG_AND_BRAKING_S = 0.1 + 0.1
hardware = pytest.mark.hardware


def require_nothing_moves_before_it_is_armed_again(net: Any) -> None:
    net.robot.recover(acknowledged_by="the test")
    assert not net.robot.armed
    with pytest.raises(RobotError, match="arm"):
        net.robot.command(Target(joints=net.robot.home_joints))
    before = net.robot.state().tcp_pose[:3]
    net.robot.arm()
    net.robot.wait(0.5)
    np.testing.assert_allclose(net.robot.state().tcp_pose[:3], before, atol=1e-4)


def test_1_a_cut_connection_is_noticed_and_the_arm_stops(net: Any) -> None:
    net.set_moving()
    cut_s = net.admin("drop", port="rtde")["time_s"]
    net.require_fault(FaultCode.CONNECTION_LOST, cut_s, within_s=0.3)
    assert net.still_after(cut_s) < WATCHDOG_AND_BRAKING_S
    # By the watchdog, or because ur_rtde was quick enough to upload its script anew.
    assert net.events("program_ended", cut_s)


@hardware
def test_1_after_a_cut_connection_nothing_moves_before_it_is_armed_again(net: Any) -> None:
    net.set_moving()
    cut_s = net.admin("drop", port="rtde")["time_s"]
    net.await_fault(cut_s)
    require_nothing_moves_before_it_is_armed_again(net)


@hardware
def test_2_a_controller_that_dies_and_comes_back_does_not_move_the_arm(network: Any) -> None:
    net = network()
    net.connect()
    net.set_moving()
    os.kill(net.simulator.pid, signal.SIGKILL)
    died_s = time.monotonic()
    while not net.robot.fault:
        assert time.monotonic() - died_s < 0.5
        time.sleep(0.004)
    assert net.robot.fault.code in (FaultCode.CONNECTION_LOST, FaultCode.GRIPPER_FAULT)
    with pytest.raises(RobotError, match="No dashboard"):
        net.robot.recover(acknowledged_by="the test")
    assert net.robot.fault is not None
    net.simulator.close()
    net.simulator = SimulatorProcess(
        SimulatorSettings(host=net.host, plant="kinematic", gripper_active=True)
    )
    net.admin = net.simulator.admin
    require_nothing_moves_before_it_is_armed_again(net)
    assert net.admin("extremes")["moved_last_s"] is None


@pytest.mark.parametrize(
    "fault", ["frozen", pytest.param("blackhole", marks=hardware)], ids=["3", "4"]
)
def test_3_4_a_stream_that_freezes_or_is_swallowed_is_stale(net: Any, fault: str) -> None:
    net.set_moving()
    cut_s = net.admin("network", port="rtde", **{fault: True})["time_s"]
    net.require_fault(FaultCode.STALE_STATE, cut_s, within_s=0.1 + 0.06)
    assert net.still_after(cut_s) < 0.1 + WATCHDOG_AND_BRAKING_S
    assert net.admin("state")["safety_reason"] == "RTDE watchdog"
    sent = net.servo_commands()
    net.still_after(net.now_s())
    assert net.servo_commands() == sent
    net.admin("network", port="rtde", **{fault: False})
    require_nothing_moves_before_it_is_armed_again(net)


@hardware
@pytest.mark.parametrize(("delay_s", "late"), [(0.02, 0), (0.05, 1)])
def test_5_a_short_delay_is_borne_and_a_longer_one_is_counted(
    net: Any, delay_s: float, late: int
) -> None:
    net.set_moving()
    before = net.robot.state().late
    net.admin("network", port="rtde", delay_s=delay_s)
    net.go(1.0, -np.array([0.0, 0.25, 0, 0, 0, 0]))
    assert net.robot.fault is None
    assert net.robot.state().late - before >= late


def test_a_simulator_that_its_machine_held_up_is_as_fresh_as_ever_afterwards(net: Any) -> None:
    net.robot.wait(0.3)
    began_s, clock_s = time.monotonic(), net.now_s()
    os.kill(net.simulator.pid, signal.SIGSTOP)
    time.sleep(0.5)
    os.kill(net.simulator.pid, signal.SIGCONT)
    net.robot.wait(0.3)
    assert net.events("late", clock_s - 0.01)  # the same tick, rounded
    assert net.now_s() - clock_s == pytest.approx(time.monotonic() - began_s, abs=0.15)
    net.arm()
    assert not net.events("watchdog_tripped")


@hardware
def test_5_a_link_that_queues_before_arming_is_not_armed(net: Any) -> None:
    net.robot.wait(0.5)
    net.admin("network", port="rtde", delay_s=0.5)
    net.robot.wait(1.0)
    with pytest.raises(RobotError, match=r"more than stale_s = 0\.1 s"):
        net.robot.arm()
    assert not net.events("program_started")


@hardware
def test_5_a_jitter_of_20_ms_is_borne(net: Any) -> None:
    net.set_moving()  # first: readings in bunches are no even stream, over which nothing is armed
    net.admin("network", port="rtde", jitter_s=0.02)
    net.go(1.0)
    assert net.robot.fault is None


@hardware
def test_5_a_delay_of_150_ms_is_stale(net: Any) -> None:
    net.set_moving()
    delayed_s = net.admin("network", port="rtde", delay_s=0.15)["time_s"]
    net.require_fault(FaultCode.STALE_STATE, delayed_s, within_s=0.1 + 0.06)
    assert net.still_after(delayed_s) < 0.1 + WATCHDOG_AND_BRAKING_S


@hardware
@pytest.mark.parametrize("delay_s", [0.05, 0.15])
def test_5_a_delay_that_lasts_is_refused_after_recovery_and_by_a_new_connection(
    net: Any, delay_s: float
) -> None:
    net.set_moving()
    net.admin("safety", mode="PROTECTIVE_STOP")
    net.await_fault(net.now_s())
    net.admin("network", port="rtde", delay_s=delay_s)
    net.robot.recover(acknowledged_by="the test")
    if delay_s < net.robot.settings.stale_s:
        net.robot.arm()
        return
    sent = net.servo_commands()
    late = {"stale_s": 0.4}  # alone not enough: the watchdog does not wait for the first setpoint
    for options in ({}, late, {**late, "watchdog_hz": 3.0}):
        with pytest.raises(RobotError, match=r"0\.1[5-9]\d s there and back.*Mend the network"):
            net.robot.arm()
        assert not net.robot.armed
        net.robot.close()
        net.connect(**options)
    assert net.servo_commands() == sent
    net.robot.arm()
    net.go(1.0)
    assert net.robot.armed, net.robot.fault


@hardware
def test_21_recovery_works_where_reuploading_would_stall(net: Any) -> None:
    net.admin("network", port="script", stalling=True)
    net.set_moving()
    net.go(3.0, np.zeros(6))
    # By now the script port has more than a megabyte that ur_rtde never read.
    net.admin("safety", mode="PROTECTIVE_STOP")
    net.await_fault(net.now_s())
    started = len(net.events("program_started"))
    require_nothing_moves_before_it_is_armed_again(net)
    assert len(net.events("program_started")) == started + 1
    net.go(0.4, np.array([0.0, -0.25, 0.0, 0.0, 0.0, 0.0]))
    assert np.linalg.norm(net.robot.state().tcp_speed[:3]) > 0.1


def test_3_a_stream_that_freezes_under_a_camera_that_sees_on_grows_old(net: Any) -> None:
    arm, dark_s = net.robot._guard.arm, 0.03
    well = arm.status_at(time.monotonic() - dark_s)
    frozen_s = net.admin("network", port="rtde", frozen=True)["time_s"]
    while net.now_s() < frozen_s + 1.0:
        time.sleep(0.02)
    old = arm.status_at(time.monotonic() - dark_s)
    assert well.age_s >= dark_s
    assert old.age_s > 0.9
    assert net.robot.fault is None
