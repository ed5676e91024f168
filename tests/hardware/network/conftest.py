"""A robot on a network of its own: the genuine client in one process, the controller in another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.connect import connect_ur5
from steer_gym.hardware.controller.launch import SimulatorProcess
from steer_gym.hardware.controller.settings import SimulatorSettings
from steer_gym.robot import Fault, FaultCode, RobotFault, Target

from ..chasing import Chaser

HELD_UP = 3
"""How often a test begins anew where its machine is so busy that readings come late."""


class NetworkBench(Chaser):
    """The robot and its simulated controller; every time is the controller's."""

    def __init__(self, **options: Any) -> None:
        self.simulator = SimulatorProcess(
            SimulatorSettings(plant="kinematic", gripper_active=True, **options)
        )
        self.host = self.simulator.host
        self.admin = self.simulator.admin
        self.robot = None

    def connect(self, **options: Any) -> Any:
        """Connect a robot; the one before must be closed."""
        self.robot = connect_ur5(host=self.host, **options)
        return self.robot

    def arm(self) -> None:
        """Arm; again where this machine held the driver up, which then rightly stopped."""
        for _ in range(HELD_UP):
            self.robot.arm()
            if not self._held_up():
                break
        assert self.robot.armed, self.robot.fault

    def set_moving(self) -> None:
        """Arm, and bring the tool to full speed; again where this machine held the driver up."""
        for _ in range(HELD_UP):
            self.arm()
            self.go(0.6)
            for _ in range(20):  # a busy machine gets there later
                if self.speed() > 0.2:
                    break
                self.go(0.05)
            if not self._held_up():
                break
        assert self.robot.fault is None, self.robot.fault
        assert self.speed() > 0.2

    def _held_up(self) -> bool:
        """Recover from readings that came late, and tell whether there were any."""
        fault = self.robot.fault
        late = fault is not None and fault.code is FaultCode.STALE_STATE
        if late:
            self.robot.recover(acknowledged_by="the test")
        return late

    def speed(self) -> float:
        """Return the measured speed of the tool [m/s]."""
        return float(np.linalg.norm(self.robot.state().tcp_speed[:3]))

    def now_s(self) -> float:
        return float(self.admin("state")["time_s"])

    def await_fault(self, since_s: float) -> tuple[Fault, float]:
        """Return the fault and how long after ``since_s`` it was noticed."""
        end = time.monotonic() + 10.0
        while time.monotonic() < end:
            if self.robot.fault:
                return self.robot.fault, self.now_s() - since_s
            time.sleep(0.004)
        raise AssertionError("no fault was noticed")

    def require_fault(self, code: FaultCode, since_s: float, within_s: float) -> Fault:
        fault, noticed_s = self.await_fault(since_s)
        assert fault.code is code, fault
        assert noticed_s <= within_s
        assert not self.robot.armed
        with pytest.raises(RobotFault, match="recover"):
            self.robot.command(Target(joints=self.robot.home_joints))
        return fault

    def still_after(self, since_s: float) -> float:
        """Let the arm come to rest; return how long after ``since_s`` it last moved 1 mm/s."""
        while self.now_s() < since_s + 0.6:
            time.sleep(0.02)
        moved_s = self.admin("extremes")["moved_last_s"]
        return 0.0 if moved_s is None else float(moved_s) - since_s

    def events(self, kind: str, since_s: float = 0.0) -> list[dict[str, Any]]:
        events = self.admin("events", since_s=since_s)["events"]
        return [event for event in events if event["kind"] == kind]

    def servo_commands(self) -> int:
        return int(self.admin("events")["commands"].get("11", 0))

    def clients(self) -> dict[str, int]:
        """Return how many connections each port has, but for this bench's own."""
        clients = self.admin("state")["clients"]
        return {name: n for name, n in clients.items() if name != "admin" and n}

    def close(self) -> None:
        if self.robot is not None:
            began_s = time.monotonic()
            self.robot.close()
            took_s = time.monotonic() - began_s
            self.simulator.close()
            assert took_s < 3.0, f"close() took {took_s:.1f} s"
        self.simulator.close()


@pytest.fixture
def network() -> Iterator[Callable[..., NetworkBench]]:
    """Return what makes benches; each is closed in the end, in bounded time."""
    benches: list[NetworkBench] = []

    def make(**options: Any) -> NetworkBench:
        benches.append(NetworkBench(**options))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def net(network: Callable[..., NetworkBench]) -> NetworkBench:
    """Return a bench with its robot connected."""
    bench = network()
    bench.connect()
    return bench
