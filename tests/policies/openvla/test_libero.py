"""The loop of the official evaluation, with upstream's small random checkpoint, for a few steps."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("mujoco", reason="needs the extra 'libero'")
pytest.importorskip("robosuite", reason="needs the extra 'libero'")

import steer_gym  # noqa: F401, registers the environments
from steer_gym import ActConfig, NeuronSet, Steering
from steer_gym.observation import IMAGE_BASE
from steer_gym.policies.openvla.images import centre_cropped, jpeg_round_trip, lanczos_resized
from steer_gym.policies.openvla.policy import OpenVlaPolicy
from steer_gym.rollout import run_episode

STEPS = 4
STEERED = ActConfig(
    steering=Steering(NeuronSet.from_pairs([(1, 3), (2, 5)]), 10.0), invalid_tokens="mask"
)


def test_an_episode_runs_under_the_official_protocol(policy: OpenVlaPolicy) -> None:
    env = gym.make("steer_gym/Libero10-v0", task=3, seeding="reference-openvla", max_steps=STEPS)
    try:
        plain, steered = (
            run_episode(env, policy, config, options={"init_state": 0})
            for config in (ActConfig(), STEERED)
        )
        observation, _ = env.reset(options={"init_state": 0})
    finally:
        env.close()
    for episode in (plain, steered):
        assert episode.error is None
        assert len(episode.steps) == STEPS
        assert not episode.success
        # The gripper is commanded by its sign.
        assert {step.command[-1] for step in episode.steps} <= {-1.0, 1.0}
    assert [step.neurons for step in plain.steps] == [0] * STEPS
    assert [step.neurons for step in steered.steps] == [2] * STEPS
    assert plain.steps[0].command != steered.steps[0].command
    picture = observation[IMAGE_BASE]
    assert picture.shape == (256, 256, 3)
    seen = centre_cropped(lanczos_resized(jpeg_round_trip(picture[:, ::-1].copy()), 224), 0.9)
    assert np.array_equal(policy._convention.view(picture, 224), seen)
