"""The UR5 environment in simulation: Gymnasium's contract, the loop, faults, the dry run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import steer_gym
from steer_gym import ActConfig
from steer_gym.errors import ActionError, EnvironmentOptionError, UnknownNameError
from steer_gym.evaluation.measures import measure
from steer_gym.rollout import run_episode

# Not imported here: MuJoCo chooses its OpenGL at its first import, which is the package's to make.
if not (find_spec("mujoco") and find_spec("robosuite")):
    pytest.skip("needs mujoco and robosuite", allow_module_level=True)

ID = "steer_gym/UR5Sim-v0"
BASE = "image.base"


@pytest.fixture(scope="module")
def env() -> Iterator[Any]:
    env = gym.make(ID, cameras=(), privileged=True)
    yield env
    env.close()


def controller(env: Any) -> Any:
    return env.unwrapped.robot._guard.cell.controller


@pytest.mark.parametrize(
    "options",
    [{"image_size": 64, "render_mode": "rgb_array"}, {"actions": "joints", "cameras": ()}],
    ids=["libero_delta", "joints"],
)
def test_gymnasiums_checker_finds_nothing(options: dict[str, Any]) -> None:
    env = gym.make(ID, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if "actions" in options:
            # Absolute joints are in radians; that is what openpi's policies give.
            warnings.filterwarnings("ignore", message=".*symmetric and normalized space")
        check_env(env.unwrapped, skip_close_check=True)
    env.close()


@pytest.mark.parametrize("task", [0, 1])
@pytest.mark.parametrize(
    "episodes", [2, pytest.param(50, marks=pytest.mark.hardware)], ids=["few", "many"]
)
def test_the_scripted_expert_does_each_task(task: int, episodes: int) -> None:
    env = gym.make(ID, task=task, cameras=(), privileged=True)
    policy = steer_gym.make_policy("scripted")
    done = 0
    for episode in range(episodes):
        outcome = run_episode(env, policy, seed=0, options={"episode": episode})
        assert outcome.error is None
        done += bool(outcome.success)
        if env.unwrapped.robot.fault:
            env.unwrapped.recover(acknowledged_by="the test")
    env.close()
    assert done >= 0.9 * episodes


def test_the_expert_grasps_without_pressing_into_the_table(env: Any) -> None:
    policy = steer_gym.make_policy("scripted")
    observation, _ = env.reset(seed=0, options={"episode": 11})
    policy.reset()
    forces = []
    for _ in range(40):
        observation, *_, info = env.step(policy.act(observation))
        forces.append(np.linalg.norm(info["force"][:3]))
    assert info["fault"] is None
    assert max(forces) < 20.0


def test_the_loop_of_the_readme_runs_unchanged(env: Any) -> None:
    policy = steer_gym.make_policy("scripted")
    observation, info = env.reset(seed=7)
    policy.reset()
    for _ in range(3):
        action = policy.act(observation, ActConfig())
        observation, _reward, terminated, truncated, info = env.step(action)
        assert env.observation_space.contains(observation)
        assert not terminated
        assert not truncated
    assert info["fault"] is None


def test_an_action_goes_as_far_as_in_libero(env: Any) -> None:
    env.reset(seed=0)
    action = np.array([0, 1, 0, 0, 0, 0, 0], np.float32)
    seen = [env.step(action)[0]["tcp_pose"][1] for _ in range(14)]
    speed = (seen[-1] - seen[-5]) / 0.2
    assert 0.25 < speed < 0.27


def test_a_small_action_follows_the_spring_of_libero(env: Any) -> None:
    observation, _ = env.reset(seed=0)
    action = np.array([0, 0.2, 0, 0, 0, 0, 0], np.float32)
    seen = [env.step(action)[0]["tcp_pose"][1] for _ in range(20)]
    # steady state of a critically damped spring of 150 / s^2 that is renewed every 50 ms
    assert (seen[-1] - seen[-11]) / 0.5 == pytest.approx(0.2 * 0.2656, rel=0.05)
    assert abs(observation["tcp_pose"][1]) < 1e-3


def test_the_same_seed_gives_the_same_episode(env: Any) -> None:
    def play() -> list[np.ndarray]:
        env.reset(seed=3)
        env.action_space.seed(3)
        return [env.step(env.action_space.sample())[0]["tcp_pose"] for _ in range(10)]

    np.testing.assert_array_equal(play(), play())


def test_episodes_differ_and_can_be_asked_for(env: Any) -> None:
    first, info = env.reset(seed=1)
    second, _ = env.reset()
    again, _ = env.reset(seed=1, options={"episode": 1})
    assert info["episode"] == 0
    assert np.abs(first["privileged.object"] - second["privileged.object"]).max() > 1e-3
    np.testing.assert_array_equal(second["privileged.object"], again["privileged.object"])


def require_unchanged_by(env: Any, act: Callable[[], None]) -> None:
    """Compare an episode with ``act`` in it with one without: setpoints, fingers, and the way."""
    aside = np.array([0, 1, 0, 0, 0, 0, -1], np.float32)

    def setpoints() -> int:
        return int(controller(env).events.commands.get("11", 0))

    def play(act: Callable[[], None]) -> tuple[int, float, list[np.ndarray]]:
        env.reset(seed=0)
        env.step(aside)
        before = setpoints()
        act()
        # In step-locked time nothing goes out before time passes.
        env.unwrapped.robot.wait(0.1)
        sent, opening = setpoints() - before, controller(env).plant.opening
        return sent, opening, [env.step(aside)[0]["tcp_pose"] for _ in range(4)]

    sent, opening, poses = play(act)
    undisturbed = play(lambda: None)
    assert undisturbed[0] > 0
    assert (sent, opening) == undisturbed[:2]
    np.testing.assert_array_equal(poses, undisturbed[2])


@pytest.mark.parametrize(
    "wrong", [np.full(7, np.nan), np.zeros(6), np.zeros(7, bool), ["a"] * 7, None]
)
def test_nonsense_is_refused_and_nothing_is_sent(env: Any, wrong: Any) -> None:
    def refused() -> None:
        with pytest.raises(ActionError):
            env.unwrapped.step(wrong)

    require_unchanged_by(env, refused)


def test_a_huge_action_is_clipped_and_said_to_be(env: Any) -> None:
    env.reset(seed=0)
    *_, info = env.step(np.full(7, 1e6, np.float32))
    assert info["clipped"]
    assert info["fault"] is None


def test_a_dry_run_moves_nothing_and_tells_what_would_have() -> None:
    env = gym.make(ID, cameras=(), shadow=True)
    first, info = env.reset(seed=0)
    assert info["provenance"]["shadow"]
    for _ in range(5):
        last, *_, info = env.step(np.ones(7, np.float32))
    np.testing.assert_allclose(last["tcp_pose"], first["tcp_pose"], atol=1e-4)
    assert controller(env).events.commands.get("11", 0) == 0
    assert info["target"][0] > first["tcp_pose"][0]
    env.close()


def test_the_shadow_of_an_action_changes_nothing(env: Any) -> None:
    def ask() -> None:
        told = env.unwrapped.shadow_of(np.array([0, 0, -1, 0, 0, 0, 1], np.float32))
        assert told["clamps"] == []

    require_unchanged_by(env, ask)


def test_joint_targets_are_absolute() -> None:
    env = gym.make(ID, cameras=(), actions="joints")
    observation, _ = env.reset(seed=0)
    goal = observation["joints"] + 0.05
    action = np.array([*goal, 0.0], np.float32)
    for _ in range(20):
        observation, *_ = env.step(action)
    np.testing.assert_allclose(observation["joints"], goal, atol=5e-3)
    assert observation["gripper"].shape == (1,)
    env.close()


def test_a_judge_replaces_the_simulations_own() -> None:
    env = gym.make(ID, cameras=(), judge=lambda observation: observation["tcp_pose"][2] < 0.29)
    env.reset(seed=0)
    down = np.array([0, 0, -1, 0, 0, 0, -1], np.float32)
    terminated = False
    while not terminated:
        observation, reward, terminated, *_ = env.step(down)
        assert terminated == (observation["tcp_pose"][2] < 0.29) == bool(reward)
    env.close()


@pytest.mark.parametrize("ends", ["done", "out of steps"])
def test_however_an_episode_ends_the_arm_is_disarmed_and_needs_a_reset(ends: str) -> None:
    options = {"done": {"judge": lambda _: True}, "out of steps": {"max_steps": 1}}
    env = gym.make(ID, cameras=(), **options[ends])
    still = np.zeros(7, np.float32)
    for _ in range(2):
        env.reset(seed=0)
        assert env.unwrapped.robot.armed
        _, _, terminated, truncated, info = env.step(still)
        assert (terminated, truncated) == (ends == "done", ends != "done")
        assert info["fault"] is None
        assert not env.unwrapped.robot.armed
        with pytest.raises(ResetNeeded, match="is over"):
            env.unwrapped.step(still)
    env.close()


@pytest.mark.parametrize("yes", [True, False])
def test_a_person_is_asked_for_the_verdict_with_the_arm_disarmed(yes: bool) -> None:
    asked: list[tuple[str, bool]] = []

    def verdict(question: str) -> bool:
        asked.append((question, env.unwrapped.robot.armed))
        return yes

    env = gym.make(ID, cameras=(), max_steps=2, verdict=verdict)
    env.reset(seed=0)
    still = np.zeros(7, np.float32)
    env.step(still)
    assert not asked
    _, reward, terminated, truncated, info = env.step(still)
    assert asked == [("Is it done: 'put the penguin toy in the basket'?", False)]
    assert (reward, terminated, truncated) == (float(yes), yes, True)
    assert info["success"] is yes
    env.reset()
    assert not env.step(still)[3]
    env.close()


def test_absolute_targets_whose_time_has_passed_are_left_out_of_a_plan(env: Any) -> None:
    absolute = gym.make(ID, cameras=(), actions="joints")
    plan = np.zeros((8, 7), np.float32)
    for each, left in ((env, (8, 8, 8)), (absolute, (8, 6, 1))):
        each.reset(seed=0)
        assert len(each.unwrapped.fresh(plan)) == left[0]
        each.unwrapped.robot.wait(0.12)
        assert len(each.unwrapped.fresh(plan)) == left[1]
        each.unwrapped.robot.wait(0.5)
        assert len(each.unwrapped.fresh(plan)) == left[2]
    absolute.close()


def test_low_high_slow_and_fast_transport_can_be_told_apart(env: Any) -> None:
    def transport(**style: float) -> Any:
        policy = steer_gym.make_policy("scripted", **style)
        episode = run_episode(env, policy, seed=0, options={"episode": 3})
        assert episode.success
        return measure(episode.steps, env.unwrapped.action_convention)

    low, high = transport(height=0.15), transport(height=0.35)
    slow = transport(speed=0.4, height=0.15)
    assert low.carried_height_m < 0.2 < 0.3 < high.carried_height_m
    assert slow.speed_m_s < 0.6 * low.speed_m_s


def test_an_error_inside_a_step_stops_the_arm(env: Any) -> None:
    def interrupted(*, images: bool) -> Any:
        raise KeyboardInterrupt

    env.reset(seed=0)
    env.step(np.ones(7, np.float32))
    env.unwrapped.robot.observe = interrupted
    try:
        with pytest.raises(KeyboardInterrupt):
            env.step(np.ones(7, np.float32))
    finally:
        del env.unwrapped.robot.observe
    assert not env.unwrapped.robot.armed


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"task": "juggle"}, UnknownNameError),
        ({"actions": "torques"}, UnknownNameError),
        ({"cameras": ("image.top",)}, UnknownNameError),
        ({"image_size": 0}, EnvironmentOptionError),
        ({"max_steps": 0}, EnvironmentOptionError),
        ({"host": "10.0.0.2"}, EnvironmentOptionError),
        ({"robot": "ur5"}, EnvironmentOptionError),
        ({"robot": "ur5", "host": "10.0.0.2", "privileged": True}, EnvironmentOptionError),
        ({"robot": "ur6"}, UnknownNameError),
        (
            {"robot": "ur5", "host": "x", "cameras": BASE, "sources": {BASE: 0}},
            EnvironmentOptionError,
        ),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_connected(options: Any, error: Any) -> None:
    with pytest.raises(error):
        gym.make(ID, **options)
