"""A setting that no simulator can have is refused, with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from steer_gym.cli import main
from steer_gym.errors import SteerGymError
from steer_gym.hardware.controller.settings import SimulatorSettings


@pytest.mark.parametrize(
    ("name", "given", "allowed"),
    [
        ("plant", "kinematik", "'kinematic'"),
        ("clock", "lokced", "'locked'"),
        ("watchdog_trip", "protective-stop", "'protective_stop'"),
        ("start", "RUNING", "'RUNNING'"),
        ("arm", "UR5E", "UR5, UR5e"),
        ("plant", None, "kinematic, mujoco"),
        ("fps", 0.0, "up to 500"),
        ("fps", float("nan"), "up to 500"),
        ("fps", "30", "up to 500"),
        ("height", -1, "16 to 960"),
        ("width", 0, "16 to 1280"),
        ("width", 320.5, "16 to 1280"),
        ("polyscope", "5.99", "5.0 to 5.23"),
        ("polyscope", "3.16", "3.15"),
        ("polyscope", "5.-1", "5.0 to 5.23"),
        ("host", "localhost", "127.0.0.1"),
        ("host", "::1", "127.0.0.1"),
        ("programs", "nowhere", "nowhere"),
    ],
)
def test_it_is_named_with_what_is_allowed(name: str, given: Any, allowed: str) -> None:
    with pytest.raises(SteerGymError) as refused:
        SimulatorSettings(**{name: given})
    assert str(given) in str(refused.value)
    assert allowed in str(refused.value)


@pytest.mark.parametrize("polyscope", ["3.15", "3.15.8", "5.0", "5.11.5", "5.23.0"])
def test_every_version_that_is_spoken_is_taken(polyscope: str) -> None:
    assert SimulatorSettings(polyscope=polyscope).polyscope == polyscope


@pytest.mark.parametrize(
    ("option", "given", "allowed"),
    [
        ("--plant", "kinematik", "'kinematic', 'mujoco'"),
        ("--clock", "lokced", "'real', 'locked'"),
        ("--watchdog-trip", "protective-stop", "'protective_stop', 'stop'"),
        ("--start", "RUNING", "'RUNNING'"),
        ("--fps", "0", "up to 500"),
        ("--host", "localhost", "127.0.0.1"),
    ],
)
def test_the_command_says_so_before_a_port_is_opened(
    option: str, given: str, allowed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ur-sim", option, given]) == 2
    told = capsys.readouterr().err
    assert given in told
    assert allowed in told
