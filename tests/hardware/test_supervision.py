"""What the controller says, told in words, also where a newer one has words of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

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
