"""Remote control that is lost while the arm moves, and a dashboard that no longer tells."""

from __future__ import annotations

from typing import Any

import pytest

from steer_gym.hardware.remote_watch import SILENT_S
from steer_gym.robot import FaultCode, RobotError

pytest.importorskip("rtde_control", reason="needs ur_rtde")

hardware = pytest.mark.hardware


def swing(net: Any, seconds: float) -> None:
    """Move to and fro for so much of the controller's time, or until a fault."""
    end_s, way = net.now_s() + seconds, net.robot.state().tcp_pose * 0.0
    way[1] = 0.25
    while net.now_s() < end_s and not net.robot.fault:
        way = -way
        net.go(0.4, way)


def test_a_switch_to_local_control_is_noticed_while_moving_and_the_arm_stops_in_order(
    net: Any,
) -> None:
    net.set_moving()
    lost_s = net.admin("remote", on=False)["time_s"]
    swing(net, 2.0)
    fault = net.robot.fault
    assert fault is not None
    assert fault.code is FaultCode.REMOTE_CONTROL_LOST
    assert fault.time_s - lost_s <= 0.5
    assert net.still_after(lost_s) < 0.5 + 0.2
    state = net.admin("state")
    assert (state["safety_mode"], state["program"]) == ("NORMAL", None)
    net.robot.recover(acknowledged_by="the test")
    with pytest.raises(RobotError, match="local control"):
        net.robot.arm()
    net.admin("remote", on=True)
    net.robot.arm()
    assert net.robot.armed


@pytest.mark.parametrize("fault", ["frozen", pytest.param("refusing", marks=hardware)])
def test_a_dashboard_that_falls_silent_is_borne_for_two_seconds_and_then_a_fault(
    net: Any, fault: str
) -> None:
    net.set_moving()
    silent_s = net.admin("network", port="dashboard", **{fault: True})["time_s"]
    net.admin("drop", port="dashboard")
    swing(net, SILENT_S + 2.0)
    net.admin("network", port="dashboard", **{fault: False})
    found = net.robot.fault
    assert found is not None
    assert found.code is FaultCode.REMOTE_CONTROL_LOST
    assert "the dashboard has not said" in found.detail
    assert SILENT_S - 0.2 <= found.time_s - silent_s <= SILENT_S + 0.5
    assert net.still_after(found.time_s) < 0.2


@hardware
def test_a_connection_to_the_dashboard_that_is_cut_is_made_anew(net: Any) -> None:
    net.set_moving()
    for _ in range(3):
        net.admin("drop", port="dashboard")
        swing(net, 1.0)
    assert net.robot.fault is None
    lost_s = net.admin("remote", on=False)["time_s"]
    swing(net, 2.0)
    assert net.robot.fault.code is FaultCode.REMOTE_CONTROL_LOST
    assert net.robot.fault.time_s - lost_s <= 0.5


@hardware
def test_a_cb3_has_no_remote_control_to_lose(network: Any) -> None:
    net = network(polyscope="3.15.8", arm="UR5")
    net.connect(arm="UR5")
    net.set_moving()
    net.admin("network", port="dashboard", frozen=True)
    swing(net, SILENT_S + 1.0)
    assert net.robot.fault is None
    net.admin("network", port="dashboard", frozen=False)


def test_nobody_asks_once_the_arm_is_disarmed(net: Any) -> None:
    net.robot.arm()
    net.robot.stop()
    net.admin("remote", on=False)
    net.robot.wait(0.5)
    assert net.robot.fault is None
    assert "dashboard" not in net.clients()
