"""What has to be so before the arm may move, and what arming leaves as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.arm_settings import ArmSettings
from steer_gym.hardware.modes import SafetyMode
from steer_gym.hardware.read_back import require_payload, require_tool
from steer_gym.robot import RobotError, Target

DOWN_AND_ASIDE = np.array([0.1, 0.1, -0.1, 0.0, 0.0, 0.0])


def place(bench: Any, q: np.ndarray) -> None:
    bench.controller.plant.place(q)
    bench.controller.q = q
    bench.controller.tick()


@pytest.mark.parametrize(
    ("overruled", "words"),
    [
        ("tcp", r"did not take the tool: tcp \[0\.0, 0\.0, 0\.2, .* asked, and it shows .*0\.145"),
        ("payload", r"did not take the payload: 2 kg .* asked, and it shows 0 kg"),
        ("payload_cog", r"shows 2 kg at \[0\.0, 0\.0, 0\.0\] m"),
    ],
)
def test_a_controller_that_keeps_its_own_tool_or_payload_is_not_armed(
    make_bench: Any, overruled: str, words: str
) -> None:
    bench = make_bench(tcp=(0.0, 0.0, 0.2, 0.0, 0.0, 0.0), payload_kg=2.0)
    bench.controller.overruled = frozenset({overruled})
    with pytest.raises(RobotError, match=words):
        bench.robot.arm()
    assert not bench.robot.armed
    assert not bench.controller.program_runs
    assert bench.servo_commands() == 0
    bench.controller.overruled = frozenset()
    bench.robot.arm()
    assert bench.controller.payload == 2.0
    assert bench.robot.armed


def test_a_joint_that_is_wound_up_to_its_end_is_not_armed(bench: Any) -> None:
    q = bench.controller.q.copy()
    q[5] = 2 * np.pi - np.radians(4.0)
    place(bench, q)
    with pytest.raises(RobotError, match="joint_limit"):
        bench.robot.arm()
    q[5] = 2 * np.pi - np.radians(6.0)
    place(bench, q)
    bench.robot.arm()
    assert bench.robot.armed


def test_a_program_of_somebody_else_is_not_replaced(bench: Any) -> None:
    bench.controller.upload("def other():\n  sleep(1)\nend\n")
    bench.robot.wait(0.1)
    with pytest.raises(RobotError, match="another program is running"):
        bench.robot.arm()
    assert bench.controller.program.name == "other"


def test_reduced_mode_may_be_armed_and_a_safeguard_stop_may_not(bench: Any) -> None:
    bench.controller.enter_safety(SafetyMode.SAFEGUARD_STOP, "test")
    bench.robot.wait(0.1)
    with pytest.raises(RobotError, match="SAFEGUARD_STOP"):
        bench.robot.arm()
    bench.controller.enter_safety(SafetyMode.REDUCED, "test")
    bench.robot.wait(0.1)
    bench.robot.arm()
    assert bench.robot.armed


def test_far_from_home_arming_moves_nothing_and_the_way_home_begins_upwards(bench: Any) -> None:
    bench.robot.arm()
    for _ in range(40):
        bench.robot.command(Target(pose=bench.robot.state().tcp_pose + DOWN_AND_ASIDE))
        bench.robot.wait(0.05)
    bench.robot.stop()
    start = bench.controller.tool_pose[:3].copy()
    assert start[2] < 0.1
    bench.robot.arm()
    bench.robot.wait(0.5)
    np.testing.assert_allclose(bench.controller.tool_pose[:3], start, atol=1e-4)
    port, way = bench.robot._guard.arm._port, []
    tick = port.tick

    def tick_and_look() -> None:
        tick()
        way.append(bench.controller.tool_pose[:3].copy())

    port.tick = tick_and_look
    bench.robot.home()
    aside = np.linalg.norm(np.array(way)[:, :2] - start[:2], axis=1)
    assert aside.max() > 0.1
    assert way[int(np.argmax(aside > 0.02))][2] > 0.24
    np.testing.assert_allclose(bench.controller.q, bench.robot.home_joints, atol=2e-3)


def test_arming_that_is_interrupted_leaves_no_program_running(bench: Any) -> None:
    port = bench.robot._guard.arm._port
    tick = port.tick

    def interrupted() -> None:
        tick()
        if bench.controller.program_runs:
            port.tick = tick
            raise KeyboardInterrupt

    port.tick = interrupted
    with pytest.raises(KeyboardInterrupt):
        bench.robot.arm()
    assert not bench.controller.program_runs
    bench.robot.arm()
    assert bench.robot.armed


def test_a_tool_or_payload_that_is_not_told_at_all_is_a_program_that_stopped() -> None:
    settings = ArmSettings(host="nobody")
    for ask in (lambda: require_tool(settings, []), lambda: require_payload(settings, 1.0, [])):
        with pytest.raises(RobotError, match="stopped while arming"):
            ask()
