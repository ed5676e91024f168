"""What the controller says, told in words, also where a newer one has words of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from steer_gym.hardware.modes import RobotBits, RobotMode, RuntimeState, SafetyBits, SafetyMode
from steer_gym.hardware.sample import ArmSample
from steer_gym.hardware.supervision import Finding, program_finding, safety_finding
from steer_gym.robot import FaultCode


@pytest.mark.parametrize(
    ("find", "field", "code"),
    [
        (safety_finding, "safety_mode", FaultCode.SAFETY_FAULT),
        (safety_finding, "robot_mode", FaultCode.ROBOT_NOT_RUNNING),
        (program_finding, "runtime_state", FaultCode.PROGRAM_STOPPED),
    ],
)
def test_a_number_that_nobody_knows_is_a_finding_and_no_error(
    bench: Any, find: Callable[[ArmSample], Finding | None], field: str, code: FaultCode
) -> None:
    bench.robot.arm()
    sample = bench.robot._guard.arm.status().sample
    known = replace(sample, runtime_state=2)
    assert find(known) is None
    finding = find(replace(known, **{field: 77}))
    assert finding is not None
    assert finding[0] is code
    assert "77 (unknown)" in finding[1]


WHAT_IS_SEEN = {
    "safety_bits": {
        SafetyBits.PROTECTIVE_STOP: FaultCode.PROTECTIVE_STOP,
        SafetyBits.RECOVERY: FaultCode.RECOVERY_MODE,
        SafetyBits.SAFEGUARD_STOP: FaultCode.SAFEGUARD_STOP,
        SafetyBits.SYSTEM_EMERGENCY_STOP: FaultCode.EMERGENCY_STOP,
        SafetyBits.ROBOT_EMERGENCY_STOP: FaultCode.EMERGENCY_STOP,
        SafetyBits.EMERGENCY_STOP: FaultCode.EMERGENCY_STOP,
        SafetyBits.VIOLATION: FaultCode.SAFETY_VIOLATION,
        SafetyBits.FAULT: FaultCode.SAFETY_FAULT,
        SafetyBits.STOPPED_BY_SAFETY: FaultCode.SAFETY_FAULT,
        SafetyBits.THREE_POSITION_STOP: FaultCode.THREE_POSITION_STOP,
    },
    # Bits come first and say more; without one the mode alone is enough.
    "safety_mode": {
        mode: FaultCode.SAFETY_FAULT
        for mode in SafetyMode
        if mode not in (SafetyMode.NORMAL, SafetyMode.REDUCED)
    },
    "robot_mode": {
        mode: FaultCode.ROBOT_NOT_RUNNING for mode in RobotMode if mode is not RobotMode.RUNNING
    }
    | {RobotMode.BACKDRIVE: FaultCode.TAKEN_OVER},
    "robot_bits": {
        RobotBits.POWER_ON | RobotBits.PROGRAM_RUNNING | RobotBits.TEACH_BUTTON: (
            FaultCode.TAKEN_OVER
        )
    },
    "runtime_state": {
        state: FaultCode.PROGRAM_STOPPED
        for state in RuntimeState
        if state is not RuntimeState.PLAYING
    },
}


def test_no_bit_is_left_out() -> None:
    assert {*WHAT_IS_SEEN["safety_bits"], SafetyBits.NORMAL, SafetyBits.REDUCED} == set(SafetyBits)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        pytest.param(field, value, code, id=f"{field}-{value.name}")
        for field, values in WHAT_IS_SEEN.items()
        for value, code in values.items()
    ],
)
def test_each_word_of_the_controller_alone_is_a_fault_in_the_cycle_that_reads_it(
    bench: Any, field: str, value: int, code: FaultCode
) -> None:
    bench.robot.arm()
    bench.robot.wait(0.1)
    port = bench.robot._guard.arm._port
    read = port.read
    port.read = lambda: replace(read(), **{field: int(value)})
    seen_s, sent = bench.controller.time_s, bench.servo_commands()
    bench.robot.wait(0.008)
    assert bench.servo_commands() == sent
    del port.read
    bench.require_fault(code, seen_s, within_s=0.008)
