"""The journal is a record: where it cannot be written, the robot is stopped all the same."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from steer_gym.robot import FaultCode

FULL = Path("/dev/full")
"""Takes no byte: a disk without room."""

if not FULL.exists():
    pytest.skip("needs /dev/full", allow_module_level=True)


@pytest.fixture
def person() -> list[bool]:
    """Return whether a person has taken over, to be changed."""
    return [False]


@pytest.fixture
def unwritten(make_bench: Any, person: list[bool]) -> Any:
    """Return a moving arm whose journal's disk has become full."""
    bench = make_bench(take_over=lambda: person[0])
    bench.set_moving()
    bench.robot._guard.journal = type(bench.robot._guard.journal)(FULL)
    return bench


def test_a_fault_disarms_the_arm_although_it_cannot_be_written_down(
    unwritten: Any, person: list[bool]
) -> None:
    person[0] = True
    with pytest.warns(UserWarning, match=r"/dev/full ends before 'fault'"):
        unwritten.robot.state()
    sent = unwritten.servo_commands()
    unwritten.robot.wait(1.0)
    assert unwritten.servo_commands() == sent
    assert not unwritten.controller.program_runs
    assert unwritten.robot.fault.code is FaultCode.TAKEN_OVER


def test_stopping_never_raises_and_a_lost_journal_is_told_of_once(unwritten: Any) -> None:
    with pytest.warns(UserWarning, match="No space left"):
        unwritten.robot.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unwritten.robot.stop()
    assert not unwritten.robot.armed


def test_a_stop_that_is_interrupted_leaves_the_fault_to_be_found_again(
    make_bench: Any, person: list[bool]
) -> None:
    bench = make_bench(take_over=lambda: person[0])
    bench.set_moving()
    arm = bench.robot._guard.arm
    disarm, interrupts = arm.disarm, iter([KeyboardInterrupt()])

    def interrupted() -> None:
        for error in interrupts:
            raise error
        disarm()

    arm.disarm = interrupted
    person[0] = True
    with pytest.raises(KeyboardInterrupt):
        bench.robot.state()
    bench.robot.state()
    assert not bench.controller.program_runs
    assert bench.robot.fault.code is FaultCode.TAKEN_OVER


def test_what_was_written_is_read_back(make_bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    bench = make_bench(journal=path)
    bench.robot.arm()
    bench.robot.stop(why="the end")
    events = [json.loads(line) for line in path.open()]
    assert [event["event"] for event in events] == ["connected", "armed", "stopped"]
    assert events[-1]["why"] == "the end"
