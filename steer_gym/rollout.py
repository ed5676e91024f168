"""``run_episode``: one policy, one environment, one episode, everything recorded."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from steer_gym.acting import ActConfig
from steer_gym.course import Course
from steer_gym.environment import due
from steer_gym.episode import Episode
from steer_gym.errors import ActConfigError, SteerGymError
from steer_gym.handshake import shake_hands
from steer_gym.observation import INSTRUCTION, TCP_POSE
from steer_gym.policy import Policy, PolicySpec
from steer_gym.recorder import EpisodeRecorder


def run_episode(
    env: gym.Env[Any, Any],
    policy: Policy,
    config: ActConfig | None = None,
    *,
    seed: int | None = None,
    options: dict[str, Any] | None = None,
    prompt: str = "{instruction}",
    film: bool = False,
) -> Episode:
    """Run one episode to its end and return what happened.

    Args:
        env: Any environment with the observation of ``steer_gym.observation`` that declares its
            ``action_convention``; it ends its episodes by itself (success or time limit). What
            it may offer besides is in ``steer_gym.environment``.
        policy: Its convention must be the environment's.
        config: How the policy selects its actions.
        seed: For ``env.reset``.
        options: For ``env.reset``, for example ``{"init_state": 3}``.
        prompt: What the policy is told; ``{instruction}`` stands for the task's own words.
        film: Keep ``env.render()`` of every step; the environment needs ``rgb_array``.

    Raises:
        ConventionError: They disagree on what an action means.
        SteerGymError: Something given is not allowed. Any other error that happens in the
            episode is recorded as ``Episode.error`` instead.
    """
    convention = shake_hands(env, policy)
    config = config or ActConfig()
    execute = executed_actions(policy.spec, config)
    course = Course(config, rate_hz=convention.rate_hz)
    recorder = EpisodeRecorder(config, rate_hz=convention.rate_hz)
    try:
        observation, info = env.reset(seed=seed, options=options)
        policy.reset()
        told = prompted(observation, prompt)
        recorder.begin(told, info)
        done, count = False, 0
        while not done:
            used = course.at(count, told, time_s=told_time_s(info))
            plan = policy.plan(told, used)
            for index, action in enumerate(due(env, plan.actions[0], execute)):
                observation, reward, terminated, truncated, info = env.step(action)
                told = prompted(observation, prompt)
                begins = plan if index == 0 else None
                recorder.add(
                    action,
                    told[TCP_POSE],
                    float(reward),
                    begins,
                    force_n=measured_force_n(info),
                    time_s=told_time_s(info),
                    used=used,
                )
                recorder.film([env.render()] if film else [])  # type: ignore[list-item]
                count, done = count + 1, terminated or truncated
                if done:
                    break
    except SteerGymError:
        raise
    except Exception:
        return recorder.finish(None, traceback.format_exc())
    return recorder.finish(succeeded(info, terminated, reward))


def executed_actions(spec: PolicySpec, config: ActConfig) -> int:
    """Return how many actions of a plan are executed before the policy looks again.

    Raises:
        ActConfigError: ``config`` asks for more than a plan holds.
    """
    execute = spec.execute if config.execute is None else config.execute
    if execute > spec.horizon:
        raise ActConfigError(
            f"execute is {execute}, but a plan of {spec.name} holds {spec.horizon} actions."
        )
    return execute


def prompted(observation: dict[str, Any], prompt: str) -> dict[str, Any]:
    """Return the observation with its instruction put into ``prompt``."""
    instruction = prompt.replace("{instruction}", observation[INSTRUCTION])
    return {**observation, INSTRUCTION: instruction}


def measured_force_n(info: Mapping[str, Any]) -> float | None:
    """Return the norm of ``info["force"]``, (6,) force [N] and torque, where there is one."""
    force = info.get("force")
    return None if force is None else float(np.linalg.norm(force[:3]))


def told_time_s(info: Mapping[str, Any]) -> float | None:
    """Return ``info["time_s"]``, the environment's own time since the reset, where it is told."""
    time_s = info.get("time_s")
    return None if time_s is None else float(time_s)


def succeeded(info: dict[str, Any], terminated: bool, reward: Any) -> bool:
    """Tell whether the last step solved the task; ``info["success"]`` says so where it is there."""
    return bool(info.get("success", terminated and float(reward) > 0))
