"""Genuine, unmodified clients against the simulator on its ports."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from steer_gym.errors import SteerGymError
from steer_gym.hardware.controller.launch import SimulatorProcess
from steer_gym.hardware.controller.settings import SimulatorSettings

rtde_control = pytest.importorskip("rtde_control", reason="needs ur_rtde")
rtde_receive = pytest.importorskip("rtde_receive")
dashboard_client = pytest.importorskip("dashboard_client")


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(SimulatorSettings(plant="kinematic")) as process:
        yield process


@contextlib.contextmanager
def control(host: str) -> Iterator[object]:
    interface = rtde_control.RTDEControlInterface(host)
    try:
        yield interface
    finally:
        interface.stopScript()
        interface.disconnect()


def reading(receive: Any, simulator: SimulatorProcess) -> np.ndarray:
    """Return the joints as of now: on a busy machine the stream may be behind."""
    now_s = simulator.admin("state")["time_s"]
    end = time.monotonic() + 20.0
    while receive.getTimestamp() < now_s:
        assert time.monotonic() < end, "the stream stands still"
        time.sleep(0.002)
    return np.array(receive.getActualQ())


def refusals(simulator: SimulatorProcess, since_s: float) -> list[dict[str, Any]]:
    """Return what has been told since then of scripts that did not run to their end."""
    events = simulator.admin("events", since_s=since_s)["events"]
    kinds = ("compile_error", "runtime_error", "script_refused")
    return [event for event in events if event["kind"] in kinds]


def test_ur_rtde_reads_the_state(simulator: SimulatorProcess) -> None:
    receive = rtde_receive.RTDEReceiveInterface(simulator.host)
    state = simulator.admin("state")
    assert receive.getRobotMode() == 7
    assert receive.getSafetyStatusBits() == 1
    np.testing.assert_allclose(receive.getActualQ(), state["q"], atol=1e-9)
    np.testing.assert_allclose(receive.getActualTCPPose(), state["tcp_pose"], atol=1e-6)
    receive.disconnect()


def test_ur_rtde_moves_servos_and_asks(simulator: SimulatorProcess) -> None:
    receive = rtde_receive.RTDEReceiveInterface(simulator.host)
    with control(simulator.host) as arm:
        q = np.array(receive.getActualQ())
        assert arm.moveJ(list(q + 0.1), 1.0, 1.4)
        np.testing.assert_allclose(reading(receive, simulator), q + 0.1, atol=1e-6)
        pose = receive.getActualTCPPose()
        pose[2] += 0.05
        assert arm.moveL(pose, 0.25, 1.0)
        q = reading(receive, simulator)
        np.testing.assert_allclose(receive.getActualTCPPose()[:3], pose[:3], atol=1e-5)
        assert arm.getInverseKinematicsHasSolution(pose)
        np.testing.assert_allclose(arm.getTCPOffset(), [0, 0, 0.145, 0, 0, 0], atol=1e-9)
        for _ in range(25):
            q[0] += 0.002
            assert arm.servoJ(list(q), 0, 0, 0.008, 0.1, 300)
            time.sleep(0.008)
        assert arm.servoStop()
        assert abs(reading(receive, simulator)[0] - q[0]) < 0.05
    receive.disconnect()


def test_a_second_control_client_is_refused_and_the_first_goes_on(
    simulator: SimulatorProcess,
) -> None:
    with control(simulator.host) as arm:
        with pytest.raises(RuntimeError, match="in use"):
            rtde_control.RTDEControlInterface(simulator.host)
        assert arm.isSteady()


@pytest.mark.hardware
def test_ur_rtde_does_what_other_stacks_ask_of_it(simulator: SimulatorProcess) -> None:
    began_s = simulator.admin("state")["time_s"]
    receive = rtde_receive.RTDEReceiveInterface(simulator.host)
    q = np.array(receive.getActualQ())
    there, back = [*(q + 0.1), 1.0, 1.4, 0.0], [*q, 1.0, 1.4, 0.0]
    with control(simulator.host) as arm:
        assert arm.moveJ([there, back])
        assert arm.sendCustomScriptFunction("mine", f"movej({(q + 0.05).tolist()}, a=1.4, v=1.0)")
        np.testing.assert_allclose(reading(receive, simulator), q + 0.05, atol=1e-6)
        assert arm.forceMode([0.0] * 6, [0, 0, 1, 0, 0, 0], [0, 0, -9, 0, 0, 0], 2, [0.05] * 6)
        assert arm.forceModeStop()
        assert arm.freedriveMode()
        assert arm.endFreedriveMode()
        assert arm.jogStart([0, 0, 0.02, 0, 0, 0])
        assert arm.jogStop()
        assert arm.moveJ(q.tolist(), 1.0, 1.4)
    assert not refusals(simulator, began_s)
    receive.disconnect()


@pytest.mark.parametrize("body", ["while True:", "movej([0, 0, 0])"])
def test_a_script_that_fails_is_told(simulator: SimulatorProcess, body: str) -> None:
    began_s = simulator.admin("state")["time_s"]
    end = time.monotonic() + 20.0
    with socket.create_connection((simulator.host, 30003), timeout=5) as client:
        client.sendall(f"def mine():\n  {body}\nend\n".encode())
        while not refusals(simulator, began_s):
            assert time.monotonic() < end, "nothing was told"


def test_ur_rtdes_dashboard_client_is_understood(simulator: SimulatorProcess) -> None:
    dashboard = dashboard_client.DashboardClient(simulator.host)
    dashboard.connect()
    assert dashboard.polyscopeVersion().startswith("5.11.5")
    assert dashboard.robotmode() == "Robotmode: RUNNING"
    assert dashboard.isInRemoteControl()
    dashboard.disconnect()


def test_the_official_client_subscribes(simulator: SimulatorProcess) -> None:
    rtde = pytest.importorskip("rtde.rtde", reason="needs UR's RTDE_Python_Client_Library")
    client = rtde.RTDE(simulator.host, 30004)
    client.connect()
    assert client.get_controller_version()[:2] == (5, 11)
    assert client.send_output_setup(["timestamp", "actual_q"], ["DOUBLE", "VECTOR6D"], 125)
    assert client.send_start()
    times = [client.receive().timestamp for _ in range(20)]
    steps = np.diff(times) / 0.008
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    assert (np.round(steps) >= 1).all()
    client.disconnect()


def test_the_official_client_is_told_about_an_unknown_variable(
    simulator: SimulatorProcess,
) -> None:
    rtde = pytest.importorskip("rtde.rtde", reason="needs UR's RTDE_Python_Client_Library")
    client = rtde.RTDE(simulator.host, 30004)
    client.connect()
    with pytest.raises(ValueError, match="NOT_FOUND"):
        client.send_output_setup(["actual_elbow_grease"], ["DOUBLE"], 125)
    client.disconnect()


def test_nonsense_closes_its_connection_and_nothing_else(simulator: SimulatorProcess) -> None:
    for port in (30004, 29999, 63352, 30003):
        with socket.create_connection((simulator.host, port), timeout=5) as bad:
            bad.sendall(b"\x00\x01\xff" * 50 + b"\n")
    assert simulator.admin("state")["robot_mode"] == "RUNNING"


def test_the_admin_channel_names_what_it_knows(simulator: SimulatorProcess) -> None:
    with pytest.raises(SteerGymError, match=r"Unknown order 'stat'.*Did you mean 'state'"):
        simulator.admin("stat")
    with pytest.raises(SteerGymError, match="needs the locked clock"):
        simulator.admin("advance", seconds=1.0)


def test_an_address_that_others_reach_needs_a_word() -> None:
    with pytest.raises(SteerGymError, match="--allow-remote"):
        SimulatorSettings(host="0.0.0.0")


@pytest.mark.hardware
@pytest.mark.parametrize("version", ["3.15.8", "5.4.0", "5.14.5", "5.23.0"])
def test_ur_rtde_runs_on_every_polyscope(version: str) -> None:
    settings = SimulatorSettings(plant="kinematic", polyscope=version)
    with SimulatorProcess(settings) as simulator, control(simulator.host) as arm:
        receive = rtde_receive.RTDEReceiveInterface(simulator.host)
        q = np.array(receive.getActualQ())
        assert arm.moveJ(list(q + 0.05), 1.0, 1.4)
        np.testing.assert_allclose(reading(receive, simulator), q + 0.05, atol=1e-6)
        receive.disconnect()
