"""The dashboard's answers, by version."""

from __future__ import annotations

from pathlib import Path

import pytest

from steer_gym.hardware.controller.controller import Controller
from steer_gym.hardware.controller.dashboard import Dashboard, reply
from steer_gym.hardware.controller.loaded import Programs
from steer_gym.hardware.controller.plant import KinematicPlant
from steer_gym.hardware.controller.polyscope import PolyScope
from steer_gym.hardware.modes import RobotMode, SafetyMode


def dashboard(polyscope: str = "5.11.5", programs: Path | None = None) -> Dashboard:
    controller = Controller(KinematicPlant(), polyscope=PolyScope.parse(polyscope))
    return Dashboard(controller, Programs(programs))


def run(d: Dashboard, seconds: float) -> None:
    for _ in range(round(seconds / d.controller.dt_s)):
        d.controller.tick()


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("robotmode", "Robotmode: RUNNING"),
        ("PolyscopeVersion", "URSoftware 5.11.5.1010327 (Oct 13 2021)"),
        ("safetystatus", "Safetystatus: NORMAL"),
        ("programState", "STOPPED <unnamed>.urp"),
        ("get loaded program", "No program loaded"),
        ("isProgramSaved", "false <unnamed>.urp"),
        ("load nothing.urp", "File not found: nothing.urp"),
        ("play", "Failed to execute: play"),
        ("popup hello there", "showing popup"),
        ("addToLog hello", "Added log message"),
        ("get operational mode", "NONE"),
        ("set operational mode manual", "Operational mode MANUAL is set"),
        ("generate flight report system", "Flight Report generated with id: 1"),
        ("load installation default.installation", "Loading installation: default.installation"),
        ("is in remote control", "true"),
        ("playing", "could not understand: 'playing'"),
    ],
)
def test_a_request_has_urs_answer(request_: str, answer: str) -> None:
    assert reply(dashboard(), request_) == answer


@pytest.mark.parametrize(
    ("request_", "lacks", "has"),
    [
        ("safetystatus", "5.3.0", "5.4.0"),
        ("is in remote control", "5.5.0", "5.6.0"),
        ("is in remote control", "3.15.8", "5.6.0"),
        ("generate support file .", "5.7.0", "3.15.8"),
        ("getUserRole", "5.11.5", "3.15.8"),
        ("set operational mode manual", "3.15.8", "5.0.0"),
    ],
)
def test_a_version_does_not_understand_what_came_later(request_: str, lacks: str, has: str) -> None:
    assert reply(dashboard(lacks), request_) == f"could not understand: '{request_}'"
    assert "understand" not in reply(dashboard(has), request_)


def test_a_loaded_program_plays_pauses_goes_on_and_stops(tmp_path: Path) -> None:
    (tmp_path / "wait.urp").touch()
    (tmp_path / "wait.script").write_text("def wait():\n  sleep(5)\nend\n")
    d = dashboard(programs=tmp_path)
    assert reply(d, "load wait.urp") == "Loading program: wait.urp"
    for request_, state in (
        ("play", "PLAYING"),
        ("pause", "PAUSED"),
        ("play", "PLAYING"),
        ("stop", "STOPPED"),
    ):
        reply(d, request_)
        run(d, 0.1)
        assert reply(d, "programState") == f"{state} wait.urp"


def test_restarting_the_safety_system_switches_the_arm_off() -> None:
    d = dashboard()
    d.controller.enter_safety(SafetyMode.FAULT, "test")
    assert reply(d, "restart safety") == "Restarting safety"
    assert d.controller.mode is RobotMode.POWER_OFF
    assert d.controller.safety.mode is SafetyMode.NORMAL
