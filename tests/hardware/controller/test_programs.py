"""What programs make of their commands and statements, in the controller's own time."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym.hardware.controller import urscript
from steer_gym.hardware.controller.controller import Controller
from steer_gym.hardware.controller.plant import KinematicPlant
from steer_gym.hardware.controller.script_reader import ScriptReader
from steer_gym.hardware.modes import RuntimeState
from steer_gym.hardware.poses import pose_matrix

SCRIPT = (
    "# int register offset\n0\n# inject move path\n{path}end\n"
    'textmsg("RTDE Control Script Loaded")\n'
)


def run(c: Controller, seconds: float) -> None:
    for _ in range(round(seconds / c.dt_s)):
        c.tick()


def playing(path: str = "") -> Controller:
    c = Controller(KinematicPlant())
    assert c.upload(SCRIPT.format(path=path))
    run(c, 0.05)
    return c


def command(c: Controller, number: int, *values: float, integers: tuple[int, ...] = ()) -> None:
    doubles = {f"input_double_register_{i}": float(v) for i, v in enumerate(values)}
    whole = {f"input_int_register_{i + 1}": v for i, v in enumerate(integers)}
    c.write_inputs({"input_int_register_0": number, **doubles, **whole})


def async_word(c: Controller) -> tuple[bool, int]:
    word = c.registers.output_int[2]
    return bool(word >> 15 & 1), word & 0x7FFF


def test_an_asynchronous_move_replaces_the_one_before_and_tells_its_end() -> None:
    c = playing()
    command(c, 1, *(c.q + 1.0), 1.0, 1.4, integers=(1,))
    run(c, 0.2)
    assert async_word(c) == (True, 0)
    command(c, 0)
    run(c, 0.01)
    goal = c.q - 0.1
    command(c, 1, *goal, 1.0, 1.4, integers=(1,))
    run(c, 1.0)
    np.testing.assert_allclose(c.q, goal, atol=1e-6)
    assert not async_word(c)[0]


def test_a_path_goes_through_its_waypoints_in_order_and_tells_its_progress() -> None:
    start = playing().q
    first, second = start + 0.1, start - 0.1
    path = "".join(
        f"\tsignal_async_progress({i})\n\tmovej({q.tolist()},a=1.4,v=1.0,r=0)\n"
        for i, q in enumerate((first, second))
    )
    c = playing(path)
    command(c, 45, integers=(1,))
    progress, seen = set(), []
    for _ in range(800):
        c.tick()
        progress.add(async_word(c))
        seen.append(c.q.copy())
    assert min(np.abs(q - first).max() for q in seen) < 1e-6
    np.testing.assert_allclose(c.q, second, atol=1e-6)
    assert progress == {(True, 0), (True, 1), (False, 0)}


def test_force_mode_yields_along_its_axes_within_its_limits_until_it_meets_as_much() -> None:
    c = playing()
    start = c.tool_pose.copy()
    command(c, 6, *np.zeros(6), 0, 0, -20, 0, 0, 0, *(0.02,) * 6, integers=(2, 0, 0, 1, 0, 0, 0))
    run(c, 1.0)
    assert c.tool_twist[2] == pytest.approx(-0.02, abs=1e-3)
    np.testing.assert_allclose(c.tool_pose[:2], start[:2], atol=1e-4)
    c.plant.push[:] = (0.0, 0.0, 20.0)
    run(c, 0.5)
    assert np.abs(c.tool_twist).max() < 1e-3
    command(c, 7)
    run(c, 0.2)
    assert c.motion is None


def test_a_move_until_contact_stops_at_the_touch() -> None:
    c = playing()
    command(c, 51, 0, 0, -0.05, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5)
    run(c, 0.5)
    touched = c.tool_pose[2]
    c.plant.push[:] = (0.0, 0.0, 15.0)
    run(c, 0.5)
    assert abs(c.tool_pose[2] - touched) < 2e-3
    assert c.registers.output_int[0] == 2


def test_jogging_in_the_tools_frame_goes_along_the_tool() -> None:
    c = playing()
    axis = pose_matrix(c.tool_pose)[:3, 2]
    command(c, 41, 0, 0, 0.05, 0, 0, 0, 1, 0.5, *np.zeros(6))
    run(c, 0.5)
    np.testing.assert_allclose(c.tool_twist[:3], 0.05 * axis, atol=1e-3)
    command(c, 0)
    run(c, 0.01)
    command(c, 42)
    run(c, 0.3)
    assert not c.qd.any()


def test_a_servo_during_a_speed_is_two_threads_at_once() -> None:
    c = playing()
    command(c, 9, 0.1, 0, 0, 0, 0, 0, 1.0, 0.0)
    run(c, 0.1)
    command(c, 11, *c.q, 0.0, 0.0, 0.008, 0.1, 300.0)
    run(c, 0.01)
    assert c.runtime is RuntimeState.STOPPED


def test_a_straight_script_moves_waits_and_ends() -> None:
    c = Controller(KinematicPlant())
    goal = (c.q + 0.2).tolist()
    c.upload(
        f"def mine():\n  movej({goal}, a=1.4, v=1.0)\n  sleep(0.2)\n"
        "  set_digital_out(3, True)\n  write_output_integer_register(0 +0, 2)\nend\n"
    )
    run(c, 0.1)
    assert c.program is not None
    assert c.program.name == "mine"
    run(c, 1.5)
    np.testing.assert_allclose(c.q, goal, atol=1e-6)
    assert (c.digital_outputs, c.registers.output_int[0]) == (8, 2)
    assert c.program is None


def test_a_speed_with_a_time_lasts_that_long() -> None:
    c = Controller(KinematicPlant())
    start = c.tool_pose[2]
    c.upload("speedl([0, 0, 0.1, 0, 0, 0], 1.0, 0.5)")
    run(c, 1.0)
    assert c.tool_pose[2] - start == pytest.approx(0.1 * (0.5 - 0.05), abs=5e-3)
    assert not c.qd.any()


def test_a_secondary_program_runs_beside_the_program_and_moves_nothing() -> None:
    c = playing()
    assert c.upload("sec out():\n  set_digital_out(2, True)\nend\n")
    assert c.upload("sec move():\n  movej([0, 0, 0, 0, 0, 0])\nend\n")
    run(c, 0.1)
    assert c.digital_outputs == 4
    assert c.motion is None
    assert c.program is not None
    assert c.program.name == "rtde_control"
    errors = [e["reason"] for e in c.events.since(0.0) if e["kind"] == "runtime_error"]
    assert errors == ["a secondary program must not call movej"]


@pytest.mark.parametrize(
    "line",
    [
        *("movej([0, 0, 0])", "movej([nan, 0])", "movej()", "movej([0]*6)", "sleep('a')"),
        *("movej([0, 0, 0, 0, 0, 0], a=0)", "set_tool_voltage(48)", "set_digital_out(10, True)"),
        "write_output_integer_register(48, 1)",
    ],
)
def test_a_call_with_wrong_arguments_is_refused_and_nothing_moves(line: str) -> None:
    c = Controller(KinematicPlant())
    before = c.q.copy()
    c.upload(line)
    run(c, 0.2)
    assert {e["kind"] for e in c.events.since(0.0)} & {"runtime_error", "compile_error"}
    np.testing.assert_array_equal(c.q, before)


def test_a_line_out_of_reach_is_a_protective_stop_and_a_pose_a_runtime_error() -> None:
    c = Controller(KinematicPlant())
    c.upload("movej(p[10, 0, 0, 0, 0, 0])")
    run(c, 0.1)
    assert [e["kind"] for e in c.events.since(0.0)].count("runtime_error") == 1
    c.upload("movel(p[10, 0, 0, 0, 0, 0])")
    run(c, 0.1)
    assert c.safety.mode.name == "PROTECTIVE_STOP"


@pytest.mark.parametrize(
    "line", ["while True:", "x = 3", "movej(q)", "import os", "p[1,2,3]", "popen('ls')", "a.b(1)"]
)
def test_what_is_not_a_straight_line_is_named(line: str) -> None:
    with pytest.raises(urscript.CompileError) as other:
        urscript.compiled(f"def f():\n  {line}\nend")
    assert (other.value.line, other.value.source) == (2, line)


def test_scripts_come_out_whole_however_they_arrive() -> None:
    program = "def f():\n  sleep(1)\n  end_force_mode()\nend\n"
    sent = f"# a comment\nset_digital_out(1, True)\n\n{program}textmsg('a')\nstopj(2)"
    reader = ScriptReader()
    seen = [script for byte in sent.encode() for script in reader.feed(bytes((byte,)))]
    assert seen == ["set_digital_out(1, True)\n", program, "textmsg('a')\n"]
