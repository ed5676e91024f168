"""Errors say the same in whichever process they end up."""

from __future__ import annotations

import pickle
from importlib import import_module

import pytest

from steer_gym.errors import SteerGymError, UnknownNameError
from steer_gym.robot import Fault, FaultCode, RobotFault

for module in ("cli.parser", "neurons.concept", "neurons.recordings", "neurons.table"):
    import_module(f"steer_gym.{module}")  # where further errors are

FAULT = Fault(code=FaultCode.PROTECTIVE_STOP, detail="it hit something", time_s=1.0)
MADE: dict[type[SteerGymError], SteerGymError] = {
    UnknownNameError: UnknownNameError("policy", "pockt", ["pocket"]),
    RobotFault: RobotFault(FAULT),
}
"""Those that are not made of their message."""


def kinds(root: type[SteerGymError]) -> set[type[SteerGymError]]:
    return {root}.union(*map(kinds, root.__subclasses__()))


@pytest.mark.parametrize("kind", sorted(kinds(SteerGymError), key=str))
def test_an_error_survives_the_way_to_another_process(kind: type[SteerGymError]) -> None:
    error = MADE.get(kind) or kind("it broke")
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), vars(back)) == (kind, str(error), vars(error))
    assert str(error)
