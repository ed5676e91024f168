"""Adversarial commands and random faults with the genuine client: nothing breaks, nothing stays."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym.robot import RobotError, RobotFault

pytest.importorskip("rtde_control", reason="needs ur_rtde")

SECONDS, STEP_S = 600.0, 0.05
FAULTS_A_STEP = 0.02

FAULTS: tuple[Callable[[Any], object], ...] = (
    lambda net: net.admin("drop", port="rtde"),
    lambda net: net.admin("network", port="rtde", frozen=True),
    lambda net: net.admin("network", port="rtde", blackhole=True),
    lambda net: net.admin("network", port="rtde", delay_s=0.15),
    lambda net: net.admin("gripper", silent=True),
    lambda net: net.admin("safety", mode="PROTECTIVE_STOP"),
    lambda net: net.admin("safety", mode="SAFEGUARD_STOP"),
    lambda net: net.admin("program", action="stop"),
    lambda net: net.admin("program", action="pause"),
    lambda net: net.admin("teach_button", on=True),
    lambda net: os.kill(net.robot._guard.arm.pid, signal.SIGKILL),
    lambda net: os.kill(net.robot._guard.arm.pid, signal.SIGSTOP),
)


def attend(net: Any) -> None:
    """Mend the cause, as a person does, and recover."""
    net.admin("network", port="rtde", frozen=False, blackhole=False, delay_s=0.0)
    net.admin("gripper", silent=False)
    net.admin("teach_button", on=False)
    if net.admin("state")["safety_mode"] == "SAFEGUARD_STOP":
        net.admin("safety", mode="NORMAL")
    net.admin("program", action="stop")
    net.robot.recover(acknowledged_by="the test")
    net.robot.arm()


def children() -> set[int]:
    """Return the processes whose parent is this one."""
    here = str(os.getpid())
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if stat.read_text().rpartition(")")[2].split()[1] == here:
                found.add(int(stat.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.hardware
def test_28_with_the_genuine_client_nothing_breaks_and_nothing_stays(
    network: Any, adversary: Any
) -> None:
    net = network()
    before = children(), len(os.listdir("/proc/self/fd")), threading.active_count()
    robot = net.connect()
    robot.arm()
    net.admin("extremes", clear=True)
    faults: Counter[str] = Counter()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if robot.fault:
            faults[robot.fault.code] += 1
            attend(net)
        if adversary.rng.random() < FAULTS_A_STEP:
            FAULTS[adversary.rng.integers(len(FAULTS))](net)
        try:
            adversary.attack(robot)
        except RobotFault:
            continue
        except RobotError:
            # The arm's process may die between the look and the order.
            if not robot.fault:
                raise
        robot.wait(STEP_S)
    seen, limits = net.admin("extremes"), robot.settings.limits
    print(f"\n{SECONDS:.0f} s: {dict(faults)}, {adversary.refused} refused\n{seen}")
    assert (np.array(seen["lowest"]) > np.array(limits.low) - 1e-3).all()
    assert (np.array(seen["highest"]) < np.array(limits.high) + 1e-3).all()
    # Setpoints go on while a busy machine lets the controller stand. They pile up, and servoing
    # catches up within its smoothing; a controller of its own never stands. One that stands for
    # longer than stale_s is a fault, after which nothing is sent.
    settings = robot.settings
    piled_up = 1.05 + min(seen["late_s"], settings.stale_s) / settings.lookahead_s
    assert seen["joint_speed"] < limits.joint_speed * piled_up
    assert seen["tool_speed"] < limits.tool_speed * piled_up
    assert len(faults) > 3
    robot.close()
    closed_s = time.monotonic()
    while net.clients():
        assert time.monotonic() - closed_s < 2.0, net.clients()
        time.sleep(0.01)
    assert (children(), len(os.listdir("/proc/self/fd")), threading.active_count()) == before
