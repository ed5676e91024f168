"""Links that break or freeze, and clients that die, in the controller's time."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from steer_gym.hardware.modes import SafetyMode
from steer_gym.robot import FaultCode, RobotError


class CutPort:
    """An arm's port whose answers stop: lost (``None``) or frozen; setpoints go nowhere."""

    def __init__(self, port: Any, *, frozen: bool) -> None:
        self.tick, self.start, self.finding = port.tick, port.start, port.finding
        self.stop = lambda deceleration: None
        self._last = port.read() if frozen else None

    def read(self) -> Any:
        return self._last

    def servo(self, q: Any) -> bool:
        return True


class QueuingPort:
    """An arm's port that hands every reading on as many cycles late."""

    def __init__(self, port: Any, *, cycles: int) -> None:
        self.tick, self.start, self.stop, self.servo = port.tick, port.start, port.stop, port.servo
        self.finding = port.finding
        self._read = port.read
        self._queue = deque([port.read()], maxlen=cycles + 1)

    def read(self) -> Any:
        self._queue.append(self._read())
        return self._queue[0]


@pytest.mark.parametrize(
    ("frozen", "code", "within_s"),
    [(False, FaultCode.CONNECTION_LOST, 0.008), (True, FaultCode.STALE_STATE, 0.112)],
)
def test_1_3_a_link_that_breaks_or_freezes_is_noticed_and_the_watchdog_stops_the_arm(
    bench: Any, frozen: bool, code: FaultCode, within_s: float
) -> None:
    cut_s = bench.set_moving()
    arm = bench.robot._guard.arm
    arm._port = arm._driver._port = CutPort(arm._port, frozen=frozen)
    bench.robot.wait(0.5)
    bench.require_fault(code, cut_s, within_s)
    assert bench.controller.safety.reason == "RTDE watchdog"
    assert bench.still_after(cut_s) < 0.1 + 0.1


def test_17_a_client_that_dies_is_stopped_by_the_watchdog(bench: Any) -> None:
    died_s = bench.set_moving()
    for _ in range(500):
        bench.controller.tick()
    assert bench.controller.safety.mode is SafetyMode.PROTECTIVE_STOP
    assert bench.still_after(died_s) < 0.1 + 0.1


def test_a_link_that_queues_before_arming_is_not_taken_for_fresh(bench: Any) -> None:
    bench.robot.wait(0.1)
    arm = bench.robot._guard.arm
    mended = arm._port
    arm._port = arm._driver._port = QueuingPort(mended, cycles=75)
    bench.robot.wait(1.0)
    with pytest.raises(RobotError, match=r"0\.[56]\d\d s old, more than stale_s = 0\.1 s"):
        bench.robot.arm()
    assert not bench.controller.program_runs
    arm._port = arm._driver._port = mended
    bench.robot.arm()
    assert bench.robot.armed
