"""``steer-gym ur-check``: it reads, and moves only after a person has typed so."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from steer_gym.cli import main
from steer_gym.errors import SteerGymError
from steer_gym.hardware.arm_settings import ArmSettings
from steer_gym.hardware.check import reading_checks
from steer_gym.hardware.controller.dashboard import SERIAL
from steer_gym.hardware.limits import Limits
from steer_gym.hardware.motion_check import motion_checks

pytest.importorskip("rtde_control", reason="needs ur_rtde")

hardware = pytest.mark.hardware


def verdicts(net: Any, **settings: Any) -> dict[str, str]:
    found = reading_checks(ArmSettings(host=net.host, **settings), gripper=True)
    return {check.name: check.verdict for check in found}


def test_reading_finds_a_well_set_up_robot_well_and_moves_nothing(network: Any) -> None:
    net = network()
    found = verdicts(net)
    # How evenly the stream comes is this machine's doing.
    assert found.pop("stream") in ("ok", "fail")
    assert set(found.values()) == {"ok"}
    assert {"dashboard", "gripper", "safety", "tool", "posture", "force"} <= found.keys()
    assert net.admin("extremes")["moved_last_s"] is None
    assert not net.events("program_started")


@hardware
def test_what_is_not_right_is_named(network: Any) -> None:
    net = network(local=True)
    net.admin("gripper", active=False)
    net.admin("safety", mode="SAFEGUARD_STOP")
    found = verdicts(net, tcp=(0.0, 0.0, 0.2, 0.0, 0.0, 0.0))
    for name in ("remote control", "ready to move", "gripper", "safety", "tool"):
        assert found[name] == "warn", name


@hardware
def test_a_stream_that_would_not_be_armed_fails_and_says_what_is_wanted(network: Any) -> None:
    net = network()
    net.admin("network", port="rtde", one_in=2)
    checks = reading_checks(ArmSettings(host=net.host), gripper=False)
    (stream,) = [check for check in checks if check.name == "stream"]
    assert stream.verdict == "fail"
    assert "125 Hz are wanted" in stream.detail


def test_a_robot_that_somebody_drives_is_a_line_and_no_error(network: Any) -> None:
    net = network()
    net.connect()
    checks = list(reading_checks(ArmSettings(host=net.host), gripper=True))
    assert checks[-1].name == "stream"
    assert checks[-1].verdict == "fail"
    assert "Another process of this machine drives" in checks[-1].detail


def test_nobody_there_is_one_line_and_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ur-check", "127.9.9.9"]) == 1
    said = capsys.readouterr().out
    assert "fail  dashboard" in said
    assert "Nothing was moved." in said


def test_a_wrong_word_moves_nothing(network: Any) -> None:
    net = network()
    with pytest.raises(SteerGymError, match="nothing has moved"):
        list(motion_checks(ArmSettings(host=net.host), ask=lambda question: "yes"))
    assert not net.events("program_started")


def test_without_room_above_nobody_is_asked_and_nothing_moves(network: Any) -> None:
    net = network()
    low, high = Limits().low, Limits().high
    ceiling = net.admin("state")["tcp_pose"][2] + 0.03
    settings = ArmSettings(host=net.host, limits=Limits(low=low, high=(*high[:2], ceiling)))
    asked: list[str] = []
    (found,) = motion_checks(settings, ask=lambda question: asked.append(question) or SERIAL)
    assert (found.name, found.verdict) == ("room above", "fail")
    assert "30 mm below the ceiling" in found.detail
    assert not asked
    assert not net.events("program_started")


@hardware
@pytest.mark.parametrize("mode", ["NORMAL", "REDUCED"])
def test_the_right_word_moves_at_a_tenth_of_the_speed_and_back(network: Any, mode: str) -> None:
    net = network()
    net.admin("safety", mode=mode)
    before = net.admin("state")["q"]
    asked = []

    def type_serial(question: str) -> str:
        asked.append(question)
        assert not net.events("program_started")
        return SERIAL

    found = {c.name: c for c in motion_checks(ArmSettings(host=net.host), ask=type_serial)}
    assert SERIAL in asked[0]
    assert list(found) == ["arming", "holding", "there", "back", "stopping"]
    assert all(check.verdict in ("ok", "warn") for check in found.values()), found
    assert net.admin("extremes")["tool_speed"] < 0.04
    assert net.admin("state")["q"] == pytest.approx(before, abs=0.05)


@hardware
@pytest.mark.parametrize("terminal", [True, False])
def test_the_command_moves_only_for_a_person_at_a_terminal(network: Any, terminal: bool) -> None:
    net = network()
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "steer_gym", "ur-check", net.host, "--move"],
        stdin=slave if terminal else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.write(master, f"{SERIAL}\n".encode())
    said, _ = process.communicate(timeout=60)
    os.close(master)
    os.close(slave)
    if "fail  stream" in said:
        pytest.skip("this machine is too busy for an even stream")
    assert ("The arm was moved." in said) is terminal
    assert bool(net.events("program_started")) is terminal
