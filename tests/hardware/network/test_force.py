"""A force at the tool, with the genuine client: the arm stops, lets go, and stays disarmed."""

from __future__ import annotations

from typing import Any

import pytest

from steer_gym.robot import FaultCode, RobotError

pytest.importorskip("rtde_control", reason="needs ur_rtde")


def test_25_a_push_stops_the_arm_and_while_it_lasts_nobody_arms_it(net: Any) -> None:
    net.set_moving()
    pushed_s = net.admin("push", force=[0.0, 0.0, 60.0])["time_s"]
    net.go(1.0)
    fault = net.robot.fault
    assert fault.code is FaultCode.FORCE_LIMIT
    assert fault.time_s - pushed_s <= 0.05
    assert net.still_after(pushed_s) < 0.3
    (ended,) = net.events("program_ended", pushed_s)
    assert 0.4 < ended["time_s"] - fault.time_s < 1.0  # it lets go for half a second first
    assert net.admin("state")["safety_mode"] == "NORMAL"
    net.robot.recover(acknowledged_by="the test")
    with pytest.raises(RobotError, match="feels 60 N at rest"):
        net.robot.arm()
    assert net.admin("state")["program"] is None
    net.admin("push", force=[0.0, 0.0, 0.0])
    net.arm()
