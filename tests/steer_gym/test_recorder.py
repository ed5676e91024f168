"""Steps say what was commanded, what moved, and what the plan's tokens were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym import ActConfig, NeuronSet, Plan, Steering
from steer_gym.observation import INSTRUCTION, TCP_POSE
from steer_gym.policy import SteeringReport, SteeringSize
from steer_gym.recorder import EpisodeRecorder

STEERING = Steering(NeuronSet.from_flat([1, 2]), 3.0)
START = {TCP_POSE: np.array([0.1, 0, 0.2, 0, 0, 0]), INSTRUCTION: "go"}
PLAN = Plan(
    actions=np.zeros((2, 1, 7), np.float32),
    tokens=np.zeros((2, 4), np.int64),
    valid=np.array([[True] * 4, [True, False, False, True]]),
    latency_s=0.25,
    steering=(
        None,
        SteeringReport(neurons=2, positions=9, size=SteeringSize(mean=0.3, greatest=2)),
    ),
)


def recorded(config: ActConfig) -> EpisodeRecorder:
    recorder = EpisodeRecorder(config, rate_hz=20)
    recorder.begin(START, {"provenance": {"toy": "1"}})
    return recorder


def test_speed_is_measured_from_pose_to_pose() -> None:
    recorder = recorded(ActConfig())
    recorder.add(np.ones(7), [0.1, 0.03, 0.24, 1, 1, 1], 0.0, PLAN, 0)
    recorder.add(np.ones(7), [0.1, 0.03, 0.24, 0, 0, 0], 1.0, None)
    first, second = recorder.finish(True).steps
    assert first.moved_m == pytest.approx(0.05)
    assert first.speed_m_s == pytest.approx(1.0)
    assert second.moved_m == 0


def test_speed_is_by_the_time_that_the_environment_tells() -> None:
    recorder = EpisodeRecorder(ActConfig(), rate_hz=20)
    recorder.begin(START, {"time_s": 0.0})
    recorder.add(np.ones(7), [0.1, 0.03, 0.24, 0, 0, 0], 0.0, PLAN, 0, time_s=0.5)
    recorder.add(np.ones(7), [0.1, 0.03, 0.29, 0, 0, 0], 0.0, None, time_s=0.55)
    recorder.add(np.ones(7), [0.1, 0.03, 0.29, 0, 0, 0], 0.0, None, time_s=0.55)
    steps = recorder.finish(True).steps
    assert [step.elapsed_s for step in steps] == [0.5, pytest.approx(0.05), None]
    assert [step.speed_m_s for step in steps] == pytest.approx([0.1, 1.0, 0.0])


def test_a_plan_counts_for_the_action_that_it_begins() -> None:
    recorder = recorded(ActConfig(steering=STEERING))
    recorder.add(np.zeros(7), np.zeros(6), 0.0, PLAN, 1)
    recorder.add(np.zeros(7), np.zeros(6), 0.0, None)
    first, second = recorder.finish(False).steps
    assert (first.tokens, first.invalid_tokens, first.latency_s, first.neurons) == (4, 2, 0.25, 2)
    assert (second.tokens, second.invalid_tokens, second.latency_s, second.neurons) == (0, 0, 0, 0)
    assert (first.steering_size, first.greatest_steering_size) == (0.3, 2)
    assert (second.steering_size, second.greatest_steering_size) == (None, None)
    assert {first.steering, second.steering} == {STEERING.digest}


def test_a_crash_before_the_first_observation_is_an_episode_too() -> None:
    episode = EpisodeRecorder(ActConfig(), rate_hz=20).finish(None, "it broke")
    assert (episode.steps, episode.success, episode.error) == ((), None, "it broke")


def test_steps_are_plain_json() -> None:
    recorder = recorded(ActConfig())
    recorder.add(np.ones(7, np.float32), np.zeros(6), np.float64(1), PLAN, 0)
    step = recorder.finish(True).steps[0]
    assert {type(value) for value in step.to_json()["command"]} == {float}
    assert (step.steering, step.steering_size) == ("", None)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ((np.full(7, np.nan), START[TCP_POSE], 0.0, None), r"the action must be finite.*nan"),
        ((np.ones(7), [0, 0, np.inf, 0, 0, 0], 0.0, None), r"tcp_pose must be finite.*inf"),
        ((np.ones(7), START[TCP_POSE], float("nan"), None), "the reward must be finite"),
    ],
)
def test_numbers_that_nothing_can_be_measured_with_are_refused(step: Any, message: str) -> None:
    recorder = recorded(ActConfig())
    with pytest.raises(ValueError, match=message):
        recorder.add(*step)
    with pytest.raises(ValueError, match="the force must be finite"):
        recorder.add(np.ones(7), START[TCP_POSE], 0.0, None, force_n=float("nan"))
    assert recorder.finish(None, "lost").steps == ()
