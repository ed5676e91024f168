from __future__ import annotations

import subprocess
import sys

import pytest

from steer_gym.environments import ENVIRONMENTS
from steer_gym.envs.libero.suites import SUITES, suite_named
from steer_gym.errors import UnknownNameError


@pytest.mark.parametrize(
    ("suite", "steps"),
    [
        ("libero_spatial", 220),
        ("libero_object", 280),
        ("libero_goal", 300),
        ("libero_10", 520),
        ("libero_90", 400),
        ("libero_goal_swap", 300),
    ],
)
def test_step_limits_are_those_of_published_evaluations(suite: str, steps: int) -> None:
    assert suite_named(suite).max_steps == steps


def test_an_unknown_suite_gets_a_close_match() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'libero_spatial'"):
        suite_named("libero_spacial")


def test_every_registered_suite_is_known() -> None:
    suites = {options["suite"] for _, options in ENVIRONMENTS.values() if "suite" in options}
    assert {f"libero_{name}" for name in ("spatial", "object", "goal", "10", "90")} <= suites
    assert suites <= set(SUITES)


def test_registering_imports_no_simulator() -> None:
    code = (
        "import sys, steer_gym;"
        "heavy = {'mujoco', 'robosuite', 'libero', 'torch'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
