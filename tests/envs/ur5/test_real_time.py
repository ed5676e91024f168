"""The UR5 environment against a simulator in a process of its own, by ur_rtde, in real time."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from steer_gym import Plan, Policy, PolicySpec
from steer_gym.convention import UR5_JOINTS
from steer_gym.evaluation import Condition, Grid, evaluate
from steer_gym.evaluation.steps import read_steps
from steer_gym.hardware.controller.launch import Admin
from steer_gym.rollout import run_episode

if not all(map(find_spec, ("mujoco", "robosuite", "rtde_control"))):
    pytest.skip("needs mujoco, robosuite and ur_rtde", allow_module_level=True)

ID = "steer_gym/UR5Sim-v0"
STILL = np.zeros(7, np.float32)
HELD_UP = 4
"""How often a way is walked on a machine that is too busy for real time."""
REAL = {"clock": "real", "stale_s": 0.5}
"""Real time, and no fault where this busy machine holds reading up: ``network/`` tests those."""


@pytest.fixture(scope="module")
def env() -> Iterator[Any]:
    env = gym.make(ID, cameras=(), robot_options=REAL)
    yield env
    env.close()


def wander(steps: int) -> np.ndarray:
    """Return actions (steps, 7) that change their mind every 0.4 s."""
    rng = np.random.default_rng(0)
    held = [
        [*rng.uniform(-0.8, 0.8, 3), *rng.uniform(-0.15, 0.15, 3), -1.0]
        for _ in range(steps // 8 + 1)
    ]
    return np.repeat(np.array(held, np.float32), 8, axis=0)[:steps]


def walked(env: Any, actions: np.ndarray) -> np.ndarray:
    """Return the way (steps + 1, 3) that the tool goes."""
    observation, _ = env.reset(seed=0)
    way = [observation["tcp_pose"][:3]]
    for action in actions:
        observation, *_, info = env.step(action)
        assert info["fault"] is None
        way.append(observation["tcp_pose"][:3])
    return np.array(way)


def undisturbed(env: Any, actions: np.ndarray) -> np.ndarray:
    """Return the way that the tool goes; anew where this machine held driver or controller up."""
    robot = env.unwrapped.robot
    admin = robot._guard.cell._process.admin
    for _ in range(HELD_UP):
        admin("extremes", clear=True)
        way = walked(env, actions)
        periods = robot._guard.arm.periods()[-6 * len(actions) :]  # six a step
        if max(periods) < 0.02 and admin("extremes")["late_s"] < 0.02:
            break
    return way


def finely(way: np.ndarray) -> np.ndarray:
    """Return points of a way that are at most a millimetre apart."""
    steps = np.arange(len(way))
    fine = np.linspace(0, len(way) - 1, 20 * len(way))
    return np.stack([np.interp(fine, steps, way[:, axis]) for axis in range(3)], axis=1)


@pytest.mark.parametrize(
    "steps", [24, pytest.param(200, marks=pytest.mark.hardware)], ids=["short", "long"]
)
def test_both_clocks_lead_along_the_same_path(env: Any, steps: int) -> None:
    actions = wander(steps)
    locked = gym.make(ID, cameras=())
    expected = walked(locked, actions)
    locked.close()
    seen = undisturbed(env, actions)
    # The other way round it would count how far a busy machine's readings are apart.
    way = finely(expected)
    assert max(np.linalg.norm(way - point, axis=1).min() for point in seen[:-1]) < 0.005
    # Where it is on the path is a matter of when it was read: 80 ms at full speed.
    assert np.linalg.norm(seen - expected, axis=1).max() < 0.02


def test_a_policy_slower_than_the_step_holds_the_last_target_and_the_control_rate(
    env: Any,
) -> None:
    env.reset(seed=0)
    for _ in range(8):
        _, *_, info = env.step(np.array([0, 0.5, 0, 0, 0, 0, -1], np.float32))
    late, arm = info["late"], env.unwrapped.robot._guard.arm
    arm.periods()
    time.sleep(1.0)
    rested = env.unwrapped.robot.state()
    assert np.abs(rested.joint_speeds).max() < 0.01
    periods = np.array(arm.periods()[-100:])
    assert np.median(periods) == pytest.approx(0.008, abs=0.001)
    observation, *_, info = env.step(STILL)
    assert info["fault"] is None
    assert info["late"] == late + 1
    np.testing.assert_allclose(observation["tcp_pose"][:3], rested.tcp_pose[:3], atol=5e-3)


class Witness:
    """Asks the simulator itself, all the time, where the tool is."""

    def __init__(self, host: str) -> None:
        self.times_s: list[float] = []
        self.y: list[float] = []
        self._admin = Admin(host)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._ended.wait(0.005):
            told = self._admin("state")
            self.times_s.append(told["time_s"])
            self.y.append(told["tcp_pose"][1])

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._admin.close()


@pytest.mark.hardware
def test_an_observation_is_of_the_moment_that_its_picture_shows() -> None:
    options = {"cameras": ("image.base",), "image_size": 64, "robot_options": REAL}
    env = gym.make(ID, **options).unwrapped
    env.reset(seed=0)
    robot = env.robot
    moving, gripping = np.array([[0, 0.6, 0, 0, 0, 0, -1], [0, 0.6, 0, 0, 0, 0, 1]], np.float32)
    seen = []
    with Witness(robot.identity.host) as witness:
        while len(seen) < 8 or seen[-1][1] - seen[0][1] < 0.03:
            assert len(seen) < 40, "the arm does not move"
            *_, info = env.step(moving)
            assert info["fault"] is None
            sight = robot.observe()
            seen.append((sight.state.time_s, sight.state.tcp_pose[1]))
        later = robot.state()
    assert sight.state.age_s >= 0.015  # of the simulated camera
    # Readings take 4 ms, cycles 8 ms, and a busy machine some.
    before_s = later.time_s + later.age_s - sight.state.time_s
    assert before_s == pytest.approx(sight.state.age_s, abs=0.03)
    times_s, y = np.array(seen).T
    np.testing.assert_allclose(y, np.interp(times_s, witness.times_s, witness.y), atol=4e-3)
    for _ in range(5):
        env.step(gripping)
    hand, now_s = robot._guard.cell.hand, time.monotonic()
    closing = [hand.opening(now_s - ago) for ago in (0.3, 0.2, 0.1, 0.0)]
    assert closing == sorted(closing)
    assert closing[0] < closing[-1]
    env.close()


class Ramp(Policy):
    """Thinks 0.3 s for a plan of 20 targets along a ramp; the gripper tells their numbers."""

    horizon = 20

    def __init__(self, joints: np.ndarray) -> None:
        self._joints = joints
        self.spec = PolicySpec(
            name="ramp",
            action=UR5_JOINTS,
            cameras={},
            horizon=self.horizon,
            execute=self.horizon,
            joints=6,
            gripper=1,
        )

    def plan(self, observation: Any, config: Any = None) -> Plan:
        self.prepare(observation, config)
        time.sleep(0.3)
        actions = np.zeros((1, self.horizon, 7), np.float32)
        numbers = np.arange(self.horizon)
        actions[0, :, :6] = self._joints + 2e-3 * numbers[:, None]
        actions[0, :, 6] = numbers / 100
        return Plan(actions=actions, latency_s=0.3)


def test_a_slow_policys_late_targets_are_left_out_in_episodes_and_evaluations(
    tmp_path: Path,
) -> None:
    options = {"cameras": (), "actions": "joints", "max_steps": 30}
    options["robot_options"] = {"clock": "real", "plant": "kinematic", "stale_s": 1.0}
    env = gym.make(ID, **options)
    policy = Ramp(env.unwrapped.robot.home_joints)
    episode = run_episode(env, policy, seed=0)
    env.close()
    grid = Grid(env=ID, env_options=options, conditions=(Condition(name="plain"),), tasks=(0,))
    (row,) = evaluate(grid, policy, tmp_path, quiet=True)
    assert (episode.error, row["error"]) == (None, None)
    for steps in (episode.steps, read_steps(tmp_path, row["key"])):
        numbers = [round(100 * step.command[6]) for step in steps]
        begins = [index for index, step in enumerate(steps) if step.latency_s > 0]
        assert begins[0] == 0
        assert len(begins) > 1
        for first, end in itertools.pairwise([*begins, len(numbers)]):
            executed = numbers[first:end]
            # Thinking took six steps at least, but where a busy machine's controller lost time.
            assert executed[0] >= 3
            assert executed == list(range(executed[0], executed[-1] + 1))
        assert {numbers[begin - 1] for begin in begins[1:]} == {policy.horizon - 1}
