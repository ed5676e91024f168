"""Episodes that are stopped: a policy that acts wildly, and one that takes too long."""

from __future__ import annotations

import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

import steer_gym  # noqa: F401, registers the environments
from steer_gym.errors import EnvironmentOptionError

# Not imported here: MuJoCo chooses its OpenGL at its first import, which is the package's to make.
if not (find_spec("mujoco") and find_spec("robosuite")):
    pytest.skip("needs mujoco and robosuite", allow_module_level=True)

ID = "steer_gym/UR5Sim-v0"
STILL = np.zeros(7, np.float32)
INTO_THE_WALL = np.array([0, 1, 0, 0, 0, 0, -1], np.float32)
"""At the wall of the workspace after 2 s."""


def stopped_after(env: Any, action: np.ndarray, steps: int = 120) -> tuple[int, dict[str, Any]]:
    """Return how many steps there were, and the last ``info``."""
    done = 0
    truncated = False
    while not truncated and done < steps:
        *_, truncated, info = env.step(action)
        done += 1
    return done, info


def test_a_policy_that_pushes_against_the_limits_is_stopped_and_the_journal_says_why(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal.jsonl"
    env = gym.make(ID, cameras=(), max_clamped=0.5, robot_options={"journal": journal})
    robot = env.unwrapped.robot
    env.reset(seed=0)
    clamped = []
    while True:
        *_, truncated, info = env.step(INTO_THE_WALL)
        clamped.append(bool(info["clamps"]))
        if truncated:
            break
    assert (info["stopped"], info["fault"]) == ("clamped", None)
    assert sum(clamped[-40:]) == 21 == sum(clamped)
    assert not robot.armed
    robot.wait(0.5)
    assert np.abs(robot.state().joint_speeds).max() < 1e-3
    stops = [line for line in map(json.loads, journal.open()) if line["event"] == "stopped"]
    words = "clamped: limits changed 21 of the last 40 targets, more than a share of 0.5"
    assert stops[-1]["why"] == words
    with pytest.raises(ResetNeeded, match="21 of the last 40"):
        env.step(STILL)
    _, info = env.reset()
    assert info["stopped"] is None
    assert robot.armed
    assert not env.step(STILL)[3]
    env.close()


def test_in_simulation_no_episode_is_stopped_unless_it_is_asked_for() -> None:
    env = gym.make(ID, cameras=())
    _, info = env.reset(seed=0)
    assert stopped_after(env, INTO_THE_WALL)[1]["stopped"] is None
    assert info["provenance"]["max_clamped"] == 1.0
    assert info["provenance"]["max_seconds"] is None
    env.close()


def test_on_a_robot_wild_and_long_episodes_are_stopped_unless_it_is_said_otherwise() -> None:
    host = {"host": "10.0.0.2", "cameras": ()}
    allowed = gym.make("steer_gym/UR5-v0", **host).unwrapped.options.allowance
    assert (allowed.max_clamped, allowed.clamp_window, allowed.max_seconds) == (0.5, 40, 120.0)
    given = {"max_clamped": 1.0, "max_seconds": math.inf}
    allowed = gym.make("steer_gym/UR5-v0", **host, **given).unwrapped.options.allowance
    assert (allowed.max_clamped, allowed.max_seconds) == (1.0, math.inf)


def test_an_episode_is_stopped_when_its_time_is_over_and_a_person_may_judge_it() -> None:
    asked = []

    def verdict(question: str) -> bool:
        asked.append(env.unwrapped.robot.armed)
        return False

    env = gym.make(ID, cameras=(), max_seconds=0.5, verdict=verdict)
    env.reset(seed=0)
    steps, info = stopped_after(env, STILL)
    assert info["stopped"] == "out_of_time"
    # The arm is read every 8 ms.
    assert steps in (10, 11)
    assert asked == [False]
    assert not env.unwrapped.robot.armed
    env.close()


def test_a_fault_is_told_as_a_fault_and_nothing_else() -> None:
    env = gym.make(ID, cameras=(), max_seconds=0.04)
    env.reset(seed=0)
    env.unwrapped.robot._guard.cell.controller.protective_stop("test")
    info = env.step(STILL)[-1]
    assert (info["fault"], info["stopped"]) == ("protective_stop", None)
    env.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_clamped": 0.0},
        {"max_clamped": 1.5},
        {"max_clamped": "half"},
        {"clamp_window": 0},
        {"clamp_window": 2.5},
        {"max_seconds": 0},
        {"max_seconds": math.nan},
        {"max_seconds": True},
    ],
    ids=str,
)
def test_what_allows_nothing_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(EnvironmentOptionError, match=next(iter(wrong))):
        gym.make(ID, **wrong)
