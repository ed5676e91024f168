"""When an episode may begin, and what stays in the way of one until a person says so."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

import steer_gym
from steer_gym.robot import RobotError, RobotFault

# Not imported here: MuJoCo chooses its OpenGL at its first import, which is the package's to make.
if not (find_spec("mujoco") and find_spec("robosuite")):
    pytest.skip("needs mujoco and robosuite", allow_module_level=True)

ID = "steer_gym/UR5Sim-v0"


def controller(env: Any) -> Any:
    return env.unwrapped.robot._guard.cell.controller


def test_a_fault_truncates_once_and_then_raises_until_a_person_recovers() -> None:
    env = gym.make(ID, cameras=())
    env.reset(seed=0)
    controller(env).protective_stop("test")
    observation, reward, terminated, truncated, info = env.step(np.zeros(7, np.float32))
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["fault"] == "protective_stop"
    assert env.observation_space.contains(observation)
    with pytest.raises(RobotFault):
        env.step(np.zeros(7, np.float32))
    with pytest.raises(RobotFault):
        env.reset()
    env.unwrapped.recover(acknowledged_by="the test")
    env.reset(seed=0)
    assert not env.step(np.zeros(7, np.float32))[3]
    env.close()


@pytest.mark.parametrize("seen", [True, False], ids=["in a step", "in no step"])
def test_a_fault_outlives_the_connection_until_a_person_recovers(seen: bool) -> None:
    env = gym.make(ID, cameras=())
    env.reset(seed=0)
    controller(env).protective_stop("test")
    if seen:
        assert env.step(np.zeros(7, np.float32))[3]
    else:
        env.unwrapped.robot.wait(0.05)
    env.unwrapped.close()
    with pytest.raises(RobotFault, match="PROTECTIVE_STOP"):
        env.reset()
    assert not controller(env).program_runs
    with pytest.raises(RobotError, match="give their name"):
        env.unwrapped.recover(acknowledged_by=" ")
    with pytest.raises(RobotFault):
        env.reset()
    env.unwrapped.recover(acknowledged_by="the test")
    with pytest.raises(ResetNeeded):
        env.unwrapped.step(np.zeros(7, np.float32))
    env.reset()
    assert not env.step(np.zeros(7, np.float32))[3]
    env.close()


def test_a_reset_that_nobody_confirms_moves_nothing() -> None:
    env = gym.make(ID, cameras=(), confirm=lambda question: "free" not in question)
    with pytest.raises(steer_gym.errors.SteerGymError, match="not confirmed"):
        env.reset(seed=0)
    assert controller(env).events.commands.get("11", 0) == 0
    env.close()


def test_a_refused_reset_is_no_episode_and_starts_nothing() -> None:
    answers = iter([False, True, False, True, False, True])
    env = gym.make(ID, cameras=(), confirm=lambda question: next(answers)).unwrapped
    still = np.zeros(7, np.float32)
    for seed, episode in ((3, 0), (None, 1), (4, 0)):
        with pytest.raises(RobotError, match="not confirmed"):
            env.reset(seed=seed)
        with pytest.raises(ResetNeeded):
            env.step(still)
        assert env.reset()[1]["episode"] == episode
        assert not env.step(still)[3]
    env.close()


@pytest.fixture
def alone() -> Iterator[Any]:
    """Return an environment without a scene, as a robot on a table is, and who was asked when."""
    asked: list[bool] = []

    def confirm(question: str) -> bool:
        asked.append(env.robot.armed)
        return True

    env = gym.make(
        ID,
        cameras=(),
        confirm=confirm,
        judge=lambda observation: True,
        robot_options={"plant": "kinematic"},
    ).unwrapped
    yield env, asked
    env.close()


def test_a_person_is_asked_with_the_arm_disarmed_however_the_last_episode_ended(alone: Any) -> None:
    env, asked = alone
    env.reset(seed=0)
    assert env.step(np.zeros(7, np.float32))[2]
    assert not env.robot.armed
    env.reset()
    assert asked == [False, False]
    assert env.robot.armed


@pytest.mark.parametrize("place", ["home", "wait", "observe"])
def test_a_reset_that_is_interrupted_leaves_the_arm_disarmed(alone: Any, place: str) -> None:
    env, _ = alone

    def interrupted(*args: Any, **options: Any) -> Any:
        assert env.robot.armed
        raise KeyboardInterrupt

    setattr(env.robot, place, interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            env.reset(seed=0)
    finally:
        delattr(env.robot, place)
    assert not env.robot.armed
    assert not controller(env).program_runs
    env.reset(seed=0)
    assert env.robot.armed
