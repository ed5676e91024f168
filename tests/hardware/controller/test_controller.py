"""The controller without sockets: commands, stops, watchdog, in its own time."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym.hardware.controller.controller import Controller
from steer_gym.hardware.controller.plant import KinematicPlant
from steer_gym.hardware.controller.polyscope import PolyScope
from steer_gym.hardware.controller.safety import JOINT_SPEED_LIMIT, SERVO_JUMP_LIMIT
from steer_gym.hardware.modes import RobotMode, RuntimeState, SafetyMode

SCRIPT = '# int register offset\n0\ntextmsg("RTDE Control Script Loaded")\n'


def playing(**options: object) -> Controller:
    controller = Controller(KinematicPlant(), **options)  # type: ignore[arg-type]
    assert controller.upload(SCRIPT)
    run(controller, 0.05)
    assert controller.runtime is RuntimeState.PLAYING
    return controller


def run(controller: Controller, seconds: float) -> None:
    for _ in range(round(seconds / controller.dt_s)):
        controller.tick()


def command(controller: Controller, number: int, *values: float, integer: int = 0) -> None:
    doubles = {f"input_double_register_{i}": v for i, v in enumerate(values)}
    controller.write_inputs(
        {"input_int_register_0": number, "input_int_register_1": integer, **doubles}
    )


def servo(controller: Controller, q: np.ndarray) -> None:
    command(controller, 11, *q, 0.0, 0.0, 0.008, 0.1, 300.0)


def reasons(controller: Controller, kind: str) -> list[str]:
    return [str(e.get("reason")) for e in controller.events.since(0.0) if e["kind"] == kind]


def test_a_blocking_move_ends_with_done_where_it_was_sent() -> None:
    c = playing()
    goal = c.q + 0.2
    command(c, 1, *goal, 1.0, 1.4)
    seen = []
    for _ in range(500):
        c.tick()
        seen.append(c.registers.output_int[0])
    assert seen[0] == 1
    assert seen[-1] == 2
    np.testing.assert_allclose(c.q, goal, atol=1e-6)


def test_a_linear_move_stays_on_the_line() -> None:
    c = playing()
    start = c.tool_pose.copy()
    goal = start + np.array([0.05, 0.1, -0.05, 0, 0, 0])
    command(c, 3, *goal, 0.25, 1.0)
    direction = (goal - start)[:3] / np.linalg.norm((goal - start)[:3])
    for _ in range(800):
        c.tick()
        along = (c.tool_pose - start)[:3]
        assert np.linalg.norm(along - direction * (along @ direction)) < 1e-5
    np.testing.assert_allclose(c.tool_pose, goal, atol=1e-6)


def test_servoing_holds_the_last_target_when_nobody_renews_it() -> None:
    c = playing()
    target = c.q + 0.02
    servo(c, target)
    run(c, 2.0)
    np.testing.assert_allclose(c.q, target, atol=1e-6)


def test_speed_commands_never_end_by_themselves() -> None:
    c = playing()
    command(c, 10, 0.0, 0.0, 0.05, 0.0, 0.0, 0.0, 0.5, 0.1)
    run(c, 2.0)
    assert c.tool_twist[2] == pytest.approx(0.05, abs=1e-3)


def test_the_watchdog_stops_a_silent_client_within_its_period_and_the_braking() -> None:
    c = playing()
    command(c, 35, 10.0)
    run(c, 0.02)
    command(c, 10, 0.0, 0.0, 0.05, 0.0, 0.0, 0.0, 0.5, 0.1)
    silent_since = c.time_s
    run(c, 1.0)
    assert c.safety.mode is SafetyMode.PROTECTIVE_STOP
    assert c.extremes.moved_last_s is not None
    assert c.extremes.moved_last_s - silent_since < 0.15


def test_a_stop_watchdog_ends_the_program_without_a_protective_stop() -> None:
    c = playing(watchdog_trip="stop")
    command(c, 35, 10.0)
    run(c, 0.5)
    assert c.safety.mode is SafetyMode.NORMAL
    assert c.runtime is RuntimeState.STOPPED


def test_the_last_command_is_replayed_by_a_new_program_unless_it_is_cleared() -> None:
    c = playing()
    command(c, 10, 0.0, 0.0, 0.05, 0.0, 0.0, 0.0, 0.5, 0.1)
    run(c, 0.2)
    c.upload(SCRIPT)
    run(c, 0.5)
    assert c.tool_twist[2] == pytest.approx(0.05, abs=1e-3)


def test_a_jump_of_the_servo_target_is_c204a1() -> None:
    c = playing()
    servo(c, c.q + SERVO_JUMP_LIMIT + 0.01)
    run(c, 0.01)
    assert "C204A1" in c.safety.reason


@pytest.mark.parametrize("number", [11, 24, 1, 9])
def test_a_number_that_is_not_finite_ends_the_program(number: int) -> None:
    c = playing()
    before = c.q.copy()
    command(c, number, np.nan, 0, 0, 0, 0, 0, 1, 1, 0.1, 0.1, 300)
    run(c, 0.1)
    assert c.runtime is RuntimeState.STOPPED
    assert "not finite" in reasons(c, "runtime_error")[0]
    np.testing.assert_array_equal(c.q, before)


def test_an_unreachable_servol_is_a_runtime_error() -> None:
    c = playing()
    command(c, 24, 3.0, 0.0, 0.3, 3.14, 0.0, 0.0, 0, 0, 0.008, 0.1, 300)
    run(c, 0.05)
    assert "no solution" in reasons(c, "runtime_error")[0]


def test_a_protective_stop_unlocks_after_five_seconds_and_stays_paused() -> None:
    c = playing()
    c.protective_stop("test")
    run(c, 4.9)
    assert not c.unlock_protective_stop()
    run(c, 0.2)
    assert c.unlock_protective_stop()
    assert c.runtime is RuntimeState.PAUSED
    assert c.play()


def test_an_emergency_stop_takes_the_power_and_the_program() -> None:
    c = playing()
    c.enter_safety(SafetyMode.ROBOT_EMERGENCY_STOP, "button")
    run(c, 1.0)
    assert c.mode is RobotMode.POWER_OFF
    assert not c.program_runs
    c.power_on()
    run(c, 2.0)
    assert c.mode is RobotMode.POWER_OFF
    c.enter_safety(SafetyMode.NORMAL, "released")
    c.power_on()
    run(c, 2.0)
    c.release_brakes()
    run(c, 1.0)
    assert c.mode is RobotMode.RUNNING


@pytest.mark.parametrize(
    "mode", [m for m in SafetyMode if m not in (SafetyMode.NORMAL, SafetyMode.REDUCED)]
)
def test_every_stop_stands_still_within_a_quarter_second(mode: SafetyMode) -> None:
    c = playing()
    command(c, 9, 1.0, 0, 0, 0, 0, 0, 5.0, 0.1)
    run(c, 0.5)
    stopped_at = c.time_s
    c.enter_safety(mode, "test")
    run(c, 1.0)
    assert c.extremes.moved_last_s is not None
    assert c.extremes.moved_last_s - stopped_at < 0.25


@pytest.mark.parametrize("stop", ["protective stop", "pause", "end"])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5])
def test_an_arm_slowed_by_its_slider_is_no_faster_while_it_stops(
    fraction: float, stop: str
) -> None:
    c = playing()
    command(c, 9, 1.0, 0, 0, 0, 0, 0, 5.0, 0.1)
    run(c, 0.3)
    c.speed_slider = fraction
    run(c, 0.3)
    slowed, stopped_at, reference = float(np.abs(c.plant.qd).max()), c.time_s, c.q.copy()
    assert slowed == pytest.approx(fraction)
    c.extremes.clear()
    {"protective stop": lambda: c.protective_stop("test"), "pause": c.pause}.get(
        stop, lambda: c.end_program("test")
    )()
    run(c, 1.0)
    assert c.extremes.joint_speed <= slowed + 1e-3
    assert (c.extremes.moved_last_s or stopped_at) - stopped_at < 0.25
    assert not c.qd.any()
    # From 1 rad/s at 12 rad/s^2 it is 42 mrad; of them the slider's share.
    assert np.abs(c.q - reference).max() <= 0.042 * fraction


def test_a_slider_that_jumps_while_the_arm_stops_makes_it_no_faster_at_once() -> None:
    c = playing()
    command(c, 9, 1.0, 0, 0, 0, 0, 0, 5.0, 0.1)
    run(c, 0.3)
    c.speed_slider = 0.1
    run(c, 0.3)
    c.protective_stop("test")
    c.extremes.clear()
    c.speed_slider = 1.0
    run(c, 0.5)
    assert c.speed_scaling == pytest.approx(1.0)
    assert c.extremes.joint_speed < 0.3


def test_a_program_starts_only_in_remote_control_with_power_and_safety() -> None:
    for spoil in ("remote", "mode", "safety"):
        c = Controller(KinematicPlant())
        if spoil == "remote":
            c.remote = False
        elif spoil == "mode":
            c.mode = RobotMode.IDLE
        else:
            c.protective_stop("test")
        assert not c.upload(SCRIPT)


def test_a_script_that_does_not_compile_ends_the_old_program_and_does_not_start() -> None:
    c = playing()
    before = c.q.copy()
    assert not c.upload("def other():\n while True:\n  movej([0,0,0,0,0,0])\n end\nend\n")
    run(c, 0.5)
    assert c.program is None
    np.testing.assert_array_equal(c.q, before)
    assert [e["line"] for e in c.events.since(0.0) if e["kind"] == "compile_error"] == [2]


def test_an_arm_that_is_switched_off_while_it_boots_stays_off() -> None:
    c = Controller(KinematicPlant(), mode=RobotMode.POWER_OFF)
    c.power_on()
    run(c, 0.5)
    c.power_off()
    run(c, 2.0)
    assert c.mode is RobotMode.POWER_OFF


def test_releasing_the_brakes_of_an_arm_that_is_off_switches_it_on_first() -> None:
    c = Controller(KinematicPlant(), mode=RobotMode.POWER_OFF)
    c.release_brakes()
    run(c, 1.2)
    assert c.mode is RobotMode.IDLE
    run(c, 0.5)
    assert c.mode is RobotMode.RUNNING


def test_cb3_ticks_at_125_hz() -> None:
    c = Controller(KinematicPlant(), polyscope=PolyScope.parse("3.15.8"))
    c.tick()
    assert c.time_s == pytest.approx(0.008)


@pytest.mark.parametrize("text", ["4.2", "3.10", "five", "10.1"])
def test_a_version_that_is_not_spoken_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"PolyScope"):
        PolyScope.parse(text)


@pytest.mark.parametrize(
    ("joint", "speed", "reason"),
    [(5, JOINT_SPEED_LIMIT * 1.01, "C158 joint speed"), (0, 3.1, "C159 tool speed")],
    ids=["joint", "tool"],
)
def test_a_joint_or_a_tool_that_is_too_fast_is_a_protective_stop(
    joint: int, speed: float, reason: str
) -> None:
    stretched = np.array([0.0, -0.3, 0.3, -1.57, -1.57, 0.0])
    c = Controller(KinematicPlant(stretched))
    assert c.upload(SCRIPT)
    run(c, 0.05)
    command(c, 9, *(np.arange(6) == joint) * speed, 10.0)
    run(c, 0.6)
    assert c.safety.mode is SafetyMode.PROTECTIVE_STOP
    assert reasons(c, "safety")[0].startswith(reason)
    assert not c.qd.any()


def test_an_arm_asked_for_a_speed_that_none_has_stands_and_is_stopped() -> None:
    c = playing()
    before = c.q.copy()
    command(c, 1, 1e308, 0.0, 0.0, 0.0, 0.0, 0.0, 1e308, 1e308)
    run(c, 0.1)
    assert reasons(c, "safety")[0].startswith("C158 joint speed")
    np.testing.assert_array_equal(c.q, before)


def test_a_speed_just_below_the_limit_is_no_stop() -> None:
    c = playing()
    command(c, 9, 0.0, 0.0, 0.0, 0.0, 0.0, JOINT_SPEED_LIMIT * 0.99, 10.0)
    run(c, 0.6)
    assert c.safety.mode is SafetyMode.NORMAL
    assert c.extremes.joint_speed == pytest.approx(JOINT_SPEED_LIMIT * 0.99)
