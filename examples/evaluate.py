"""Evaluate a policy on one LIBERO task with a vector of environments, in the style of CleanRL.

    python examples/evaluate.py --policy pocket --env steer_gym/LiberoObject-v0 --episodes 10
    python examples/evaluate.py --policy scripted --films films

The wrappers are Gymnasium's own; the first environment's episodes are filmed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import RecordEpisodeStatistics, RecordVideo

from steer_gym import Policy, make_policy


def make_env(env_id: str, films: str | None, **options: Any) -> Callable[[], gym.Env]:
    """Return a function that makes one environment, filmed if ``films`` names a folder."""

    def thunk() -> gym.Env:
        env = gym.make(env_id, render_mode="rgb_array", rendering="fast", **options)
        if films:
            env = RecordVideo(env, films, episode_trigger=lambda _: True, disable_logger=True)
        return RecordEpisodeStatistics(env)

    return thunk


def needs(policy: Policy) -> dict[str, Any]:
    """Return the options of an environment that shows what ``policy`` looks at."""
    cameras = policy.spec.cameras
    size = max(cameras.values(), default=(64, 64))
    return {
        "cameras": tuple(cameras),
        "image_size": size,
        "privileged": policy.spec.privileged,
    }


def main(arguments: Sequence[str] | None = None) -> list[bool]:
    """Run the episodes, print what came of each, and return which succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", default="pocket")
    parser.add_argument("--env", default="steer_gym/LiberoObject-v0")
    parser.add_argument("--task", type=int, default=0)
    parser.add_argument("--envs", type=int, default=2)
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--films", help="folder for the first environment's films")
    options = parser.parse_args(arguments)
    policy = make_policy(options.policy)
    films = [options.films, *[None] * (options.envs - 1)]
    thunks = [make_env(options.env, film, task=options.task, **needs(policy)) for film in films]
    envs = SyncVectorEnv(thunks, autoreset_mode=AutoresetMode.SAME_STEP)
    observation, _ = envs.reset(seed=list(range(options.envs)))
    policy.reset()
    successes: list[bool] = []
    while len(successes) < options.episodes:
        observation, _, _, _, info = envs.step(policy.act(observation))
        ended = np.flatnonzero(info.get("_final_info", ()))
        for row in ended:
            final = info["final_info"]
            successes.append(bool(final["success"][row]))
            state, length = final["init_state"][row], final["episode"]["l"][row]
            print(f"initial state {state}: {length} steps, success: {successes[-1]}")
        policy.reset(rows=ended)
    envs.close()
    print(f"{sum(successes)} of {len(successes)} episodes succeeded")
    return successes


if __name__ == "__main__":
    main()
