"""Settings that would switch a limit off are refused before anything is connected."""

from __future__ import annotations

import math
from typing import Any

import pytest

from steer_gym.errors import SteerGymError
from steer_gym.hardware.arm_settings import ArmSettings
from steer_gym.hardware.limits import CEILINGS, RANGES, Limits
from steer_gym.hardware.simulated import simulate_ur5
from steer_gym.hardware.ur5 import HOME

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("wrong", [NAN, INF, -INF, "0.1", None, (0.1,)])
@pytest.mark.parametrize("name", [*CEILINGS, *RANGES, "force_warning"])
def test_a_limit_is_a_finite_number(name: str, wrong: Any) -> None:
    with pytest.raises(SteerGymError, match=name):
        Limits(**{name: wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"joint_margin": -3.0},
        {"leash": -0.03},
        {"turn_leash": 0.0},
        {"tilt": -0.1},
        {"tilt": 4.0},
        {"manipulability": -1.0},
        {"elbow": -50.0},
        {"floor": 7.0},
        {"patience_s": 1e9},
        {"low": (0.25, -0.4)},
        {"low": 0.25},
        {"low": (0.25, NAN, 0.0)},
        {"high": (0.7, 0.4, INF)},
        {"high": "abc"},
        {"tool_corners": ()},
        {"tool_corners": ((0.0, 0.0),)},
        {"tool_corners": ((0.0, 0.0, NAN),)},
    ],
)
def test_a_limit_that_would_not_limit_is_refused_and_told_back(wrong: dict[str, Any]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(SteerGymError, match=name) as refused:
        Limits(**wrong)
    if name != "tool_corners":
        assert repr(value) in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tcp": (0.0, 0.0, 0.145)},
        {"tcp": (0.0, 0.0, NAN, 0.0, 0.0, 0.0)},
        {"tcp": (0.0, 0.0, 145.0, 0.0, 0.0, 0.0)},
        {"payload_cog": (0.0, 0.06)},
        {"payload_cog": (0.0, 0.0, 60.0)},
        {"payload_kg": NAN},
        {"rate_hz": "fast"},
    ],
)
def test_a_tool_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SteerGymError, match=next(iter(wrong))):
        ArmSettings(host="nobody", **wrong)


@pytest.mark.parametrize("wrong", [HOME[:5], (*HOME[:5], NAN), (*HOME[:5], 2 * math.pi), None])
def test_a_home_that_is_no_posture_is_refused_before_anything_moves(wrong: Any) -> None:
    with pytest.raises(SteerGymError, match="home_joints must be 6 numbers"):
        simulate_ur5(plant="kinematic", home_joints=wrong)


def test_every_default_is_allowed_and_survives_json() -> None:
    settings = ArmSettings(host="nobody")
    assert ArmSettings.from_json(settings.to_json()) == settings
