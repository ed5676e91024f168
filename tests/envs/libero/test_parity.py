"""Against upstream's own environment, as OpenVLA's loop drives it: not a bit may differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.envs.libero.env import LiberoEnv

SIZE = 48
STEPS = {0: 5, 1: 200}
WAIT = [0, 0, 0, 0, 0, 0, -1]

Row = dict[str, Any]


def actions_of(episode: int) -> np.ndarray:
    return np.random.default_rng(episode).uniform(-1, 1, (STEPS[episode], 7))


def upstream_row(env: Any, observation: Any) -> Row:
    return {
        "state": env.get_sim_state().copy(),
        "fixtures": env.sim.model.body_pos.copy(),
        "image.base": observation["agentview_image"][::-1].copy(),
        "image.wrist": observation["robot0_eye_in_hand_image"][::-1].copy(),
        "position": observation["robot0_eef_pos"].copy(),
        "joints": observation["robot0_joint_pos"].copy(),
        "gripper": observation["robot0_gripper_qpos"].copy(),
    }


def our_row(env: LiberoEnv, observation: Any) -> Row:
    sim = env.simulation.sim
    return {
        "state": sim.get_state().flatten(),
        "fixtures": sim.model.body_pos.copy(),
        "position": observation["tcp_pose"][:3],
        **{key: observation[key] for key in ("image.base", "image.wrist", "joints", "gripper")},
    }


def upstream_rollout(file: str, states: np.ndarray) -> list[Row]:
    from libero.libero.envs import OffScreenRenderEnv

    env = OffScreenRenderEnv(bddl_file_name=file, camera_heights=SIZE, camera_widths=SIZE)
    env.seed(0)
    rows = []
    for episode in STEPS:
        env.reset()
        env.set_init_state(states[episode])
        for _ in range(10):
            observation, *_ = env.step(WAIT)
        rows.append(upstream_row(env, observation))
        for action in actions_of(episode):
            observation, *_ = env.step(action)
            rows.append(upstream_row(env, observation))
    env.close()
    return rows


def our_rollout(env: LiberoEnv) -> list[Row]:
    rows = []
    for episode in STEPS:
        observation, _ = env.reset(options={"init_state": episode})
        rows.append(our_row(env, observation))
        for action in actions_of(episode):
            observation, *_ = env.step(action)
            rows.append(our_row(env, observation))
    return rows


# One task with fixtures that upstream moves between resets, and a stove that draws reflections.
@pytest.mark.parametrize(("suite", "task"), [("libero_goal", 7)])
def test_states_and_pictures_are_those_of_upstream(suite: str, task: int) -> None:
    env = LiberoEnv(suite=suite, task=task, image_size=SIZE, seeding="reference-openvla")
    reference = upstream_rollout(str(env.task.bddl_file), env.init_states)
    ours = our_rollout(env)
    env.close()
    assert len(ours) == len(reference)
    for step, (row, expected) in enumerate(zip(ours, reference, strict=True)):
        for key, value in expected.items():
            assert np.array_equal(row[key], value), f"{key} differs at row {step}"


def test_fast_rendering_changes_no_state_over_two_hundred_steps(env: Any) -> None:
    fast = env.unwrapped
    plain = LiberoEnv(suite="libero_object", cameras=(), rendering="reference")
    actions = np.random.default_rng(0).uniform(-1, 1, (200, 7))
    for other in (fast, plain):
        other.reset(seed=0, options={"init_state": 5})
    for number, action in enumerate(actions):
        fast.rendering_paused = number % 20 != 0
        results = [other.step(action)[0] for other in (fast, plain)]
        states = [other.simulation.sim.get_state().flatten() for other in (fast, plain)]
        assert np.array_equal(*states)
        assert np.array_equal(results[0]["tcp_pose"], results[1]["tcp_pose"])
    fast.rendering_paused = False
    plain.close()
