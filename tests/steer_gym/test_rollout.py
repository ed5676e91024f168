"""One episode, everything recorded; a crash is told apart from a failure."""

from __future__ import annotations

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import toy_world

from steer_gym import ActConfig, Policy, Steering
from steer_gym.acting import seeded
from steer_gym.errors import ActConfigError, ConventionError, SteeringError
from steer_gym.rollout import run_episode
from steer_gym.schedules import Pid

ENV = "toy/Reach-v0"


def test_an_episode_holds_every_step(reach: Policy) -> None:
    episode = run_episode(gym.make(ENV), reach, seed=3, options={"init_state": 2}, film=False)
    assert episode.success
    assert episode.error is None
    assert episode.instruction == "reach the target"
    assert episode.start_pose[:3] == tuple(toy_world.START)
    assert episode.info["provenance"] == {"toy": "1.0"}
    way = np.array([episode.start_pose, *(step.tcp_pose for step in episode.steps)])[:, :3]
    lengths = np.linalg.norm(np.diff(way, axis=0), axis=1)
    assert np.allclose([step.moved_m for step in episode.steps], lengths)
    assert episode.steps[-1].reward == 1


def test_the_same_seed_gives_the_same_episode(reach: Policy) -> None:
    one, other = (run_episode(gym.make(ENV), reach, seed=3) for _ in range(2))
    assert one.steps == other.steps


def test_a_chunk_is_executed_as_far_as_the_config_says(reach: Policy) -> None:
    episode = run_episode(gym.make(ENV), reach, ActConfig(execute=3), seed=0)
    begins = [step.tokens > 0 for step in episode.steps]
    assert begins == [index % 3 == 0 for index in range(len(begins))]
    with pytest.raises(ActConfigError, match="execute is 4, but a plan of reach holds 3 actions"):
        run_episode(gym.make(ENV), reach, ActConfig(execute=4))


def test_steering_and_words_reach_the_policy(reach: Policy) -> None:
    fast = ActConfig(steering=Steering(reach.concept("fast"), alpha=0.6))
    slow, steered = run_episode(gym.make(ENV), reach), run_episode(gym.make(ENV), reach, fast)
    told = run_episode(gym.make(ENV), reach, prompt="{instruction}, quickly")
    assert told.instruction == "reach the target, quickly"
    assert [s.command for s in told.steps] == [s.command for s in steered.steps]
    assert len(steered.steps) < len(slow.steps)


def test_a_film_has_one_frame_a_step(reach: Policy) -> None:
    episode = run_episode(gym.make(ENV, render_mode="rgb_array"), reach, film=True)
    assert len(episode.frames) == len(episode.steps)


def test_a_budget_that_is_spent_is_a_failure_and_no_crash(reach: Policy) -> None:
    episode = run_episode(gym.make(ENV, max_steps=2), reach)
    assert (episode.success, episode.error, len(episode.steps)) == (False, None, 2)


def test_a_crash_is_recorded_with_what_came_before(reach: Policy) -> None:
    episode = run_episode(gym.make(ENV, crash_at=3), reach)
    assert episode.success is None
    assert episode.error is not None
    assert "the toy world fell apart" in episode.error
    assert len(episode.steps) == 2


def test_what_is_not_allowed_raises(reach: Policy, toy: Policy) -> None:
    reach.spec = replace(reach.spec, action=replace(reach.spec.action, rate_hz=5.0))
    with pytest.raises(ConventionError, match=r"rate_hz: toy/Reach-v0 has 20.0, policy reach has"):
        run_episode(gym.make(ENV), reach)
    foreign = ActConfig(steering=Steering(reach.concept("fast"), alpha=1.0))
    with pytest.raises(SteeringError, match="were found in model reach, but this model is toy"):
        run_episode(gym.make(ENV), toy, foreign)


def test_sampling_draws_anew_in_every_step_and_repeatably() -> None:
    config = ActConfig(temperature=1.0, seed=4)
    seeds = [seeded(config, step).seed for step in range(20)]
    assert len(set(seeds)) == 20
    assert seeds == [seeded(config, step).seed for step in range(20)]
    greedy = ActConfig(seed=4)
    assert seeded(greedy, 3) is greedy


def test_speed_and_schedules_go_by_the_time_that_the_environment_tells(reach: Policy) -> None:
    """A policy that thinks for 0.45 s before every step of 0.05 s: all takes ten times as long."""
    quick, slow = (
        run_episode(gym.make("toy/Clocked-v0", think_s=think_s), reach, seed=3)
        for think_s in (0.0, 0.45)
    )
    assert [step.command for step in slow.steps] == [step.command for step in quick.steps]
    tenth = [step.speed_m_s / 10 for step in quick.steps]
    assert [step.speed_m_s for step in slow.steps] == pytest.approx(tenth)
    fast = Steering(reach.concept("fast"), alpha=0.6)
    control = Pid(quantity="height_m", target=9.0, integral=0.01, limits=(0.0, 9.0))
    config = ActConfig(steering=fast, schedule=control)
    alphas = [
        run_episode(gym.make("toy/Clocked-v0", think_s=think_s), reach, config, seed=3)
        .steps[1]
        .alpha
        for think_s in (0.0, 0.45)
    ]
    assert alphas[1] == pytest.approx(10 * alphas[0])


def test_an_environment_that_tells_no_time_is_at_its_control_rate(reach: Policy) -> None:
    steps = run_episode(gym.make(ENV), reach, seed=3).steps
    assert {step.elapsed_s for step in steps} == {None}
    assert [step.speed_m_s for step in steps] == [step.moved_m * 20 for step in steps]
