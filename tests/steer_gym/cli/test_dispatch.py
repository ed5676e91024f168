"""The command line finds its commands, and turns every mistake into one line and code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import steer_gym
from steer_gym.cli import main
from steer_gym.cli.dispatch import COMMANDS
from steer_gym.environments import ENVIRONMENTS
from steer_gym.registry import policy_targets

Capture = pytest.CaptureFixture[str]


def complaint(capture: Capture, *arguments: str) -> str:
    """Return the one line that is said of wrong arguments."""
    assert main(arguments) == 2
    said = capture.readouterr()
    assert said.out == ""
    assert said.err.startswith("steer-gym: ")
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_the_overview_lists_every_command(capsys: Capture, arguments: list[str]) -> None:
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert all(f"  {name}" in text for name in COMMANDS)


def test_the_version_is_told(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"steer_gym {steer_gym.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(capsys: Capture, command: str) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: steer-gym {command}")


def test_envs_and_policies_are_listed(capsys: Capture) -> None:
    assert main(["envs"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ENVIRONMENTS)
    assert main(["policies"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in policy_targets())


def test_a_policy_is_shown(capsys: Capture, reach: steer_gym.Policy) -> None:
    assert main(["policies", "reach"]) == 0
    text = capsys.readouterr().out
    assert "2 layers of 6 (12 in all)" in text
    assert "fast (1)" in text
    assert "image.base 8x8" in text


def test_tasks_are_listed(capsys: Capture) -> None:
    pytest.importorskip("libero", reason="needs the extra 'libero'")
    assert main(["envs", "steer_gym/LiberoObject-v0"]) == 0
    assert "  0  pick up the alphabet soup" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evla"], "Unknown command 'evla'. Did you mean 'eval'? Known: bench, convert, demo,"),
        (["--verbose"], "Unknown command '--verbose'"),
        (["envs", "steer_gym/LiberoObjct-v0"], "Did you mean 'steer_gym/LiberoObject-v0'?"),
        (["policies", "pockte"], "Unknown policy 'pockte'. Did you mean 'pocket'?"),
        (["doctor", "now"], "unrecognized arguments: now"),
        (["eval"], "the following arguments are required: --policy, --env"),
        (["demo", "--minutes", "-1"], "argument --minutes: '-1' is no number above 0"),
        (["demo", "--policy", "pockte"], "Unknown policy 'pockte'. Did you mean 'pocket'?"),
        (["demo", "--envs", "0"], "argument --envs: 0 is less than 1"),
        (["demo", "--steer", "fast=nan"], "--steer takes CONCEPT, CONCEPT=ALPHA"),
    ],
)
def test_a_mistake_is_one_line(capsys: Capture, arguments: list[str], message: str) -> None:
    assert message in complaint(capsys, *arguments)


def test_nothing_heavy_is_imported_to_say_so(tmp_path: Path) -> None:
    script = (
        "import sys; from steer_gym.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'torch', 'mujoco', 'robosuite', 'matplotlib', 'pyarrow'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else code)"
    )
    arguments = ["demo", "--policy", "pockte"]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True)
    assert done.returncode == 2, done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    line = f"{sys.executable} -m steer_gym envs | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)
