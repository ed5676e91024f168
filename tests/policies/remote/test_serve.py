from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request

import pytest

from steer_gym.cli import main
from steer_gym.cli.serve import policy_options
from steer_gym.errors import SteerGymError


def test_the_command_serves_until_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "steer_gym", "serve", "scripted", "speed=0.5", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.partition("ws://")[2].partition(";")[0]
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=10) as reply:
            assert reply.read() == b"OK\n"
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
    assert line.startswith("scripted at ws://127.0.0.1:")
    assert rest.strip() == "stopped"
    assert process.returncode == 0


def test_the_command_does_not_bind_where_others_reach_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve", "scripted", "--host", "0.0.0.0", "--port", "0"]) == 2
    assert "pass --expose if you mean it" in capsys.readouterr().err


def test_options_of_the_policy_are_json_or_text() -> None:
    words = ["checkpoint=/a=b", "max_tokens=9", "speed=0.5", "flag=true", "profile=pi0_fast_droid"]
    assert policy_options(words) == {
        "checkpoint": "/a=b",
        "max_tokens": 9,
        "speed": 0.5,
        "flag": True,
        "profile": "pi0_fast_droid",
    }
    with pytest.raises(SteerGymError, match="NAME=VALUE, but 'speed' was given"):
        policy_options(["speed"])
