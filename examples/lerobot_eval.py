"""Run a steered policy inside LeRobot's own evaluation, in LeRobot's own LIBERO environment.

    python examples/lerobot_eval.py --policy pocket --concept fast --task 2 --episodes 1

LeRobot's pins and ours exclude each other, so where both do not fit into one environment, serve the
policy from the other: ``steer-gym serve --policy pocket`` there, ``--policy remote`` here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
from lerobot.envs import libero
from lerobot.envs.configs import LiberoEnv
from lerobot.envs.factory import make_env_pre_post_processors
from lerobot.scripts.lerobot_eval import eval_policy

from steer_gym import ActConfig, make_policy
from steer_gym.envs.libero.initial_states import read_states
from steer_gym.envs.libero.installed import task_of
from steer_gym.envs.libero.suites import suite_named
from steer_gym.lerobot.evaluated import lerobot_policy


def read_any_states(suite: Any, index: int) -> Any:
    """Return a task's initial states, which the installed LIBERO may keep in another format."""
    return read_states(task_of(suite_named(suite.name), index).states_file)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Run the episodes, print and return what LeRobot makes of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", default="pocket")
    parser.add_argument("--concept", help="steered as the policy recommends; by default not")
    parser.add_argument("--suite", default="libero_object")
    parser.add_argument("--task", type=int, default=2)
    parser.add_argument("--episodes", type=int, default=1)
    parser.add_argument("--steps", type=int, help="by default LeRobot's limit for the suite")
    parser.add_argument("--image-size", type=int, default=256)
    options = parser.parse_args(arguments)

    policy = make_policy(options.policy)
    steering = policy.recommended(options.concept) if options.concept else None
    adapted = lerobot_policy(policy, ActConfig(steering=steering))

    libero.get_task_init_states = read_any_states
    suite = libero._get_suite(options.suite)
    envs = gym.vector.SyncVectorEnv(
        [
            lambda: libero.LiberoEnv(
                task_suite=suite,
                task_id=options.task,
                task_suite_name=options.suite,
                obs_type="pixels_agent_pos",
                observation_height=options.image_size,
                observation_width=options.image_size,
                episode_length=options.steps,
            )
        ]
    )
    before, after = make_env_pre_post_processors(
        env_cfg=LiberoEnv(task=options.suite), policy_cfg=adapted.config
    )
    found: dict[str, Any] = eval_policy(
        envs,
        adapted,
        env_preprocessor=before,
        env_postprocessor=after,
        preprocessor=lambda batch: batch,
        postprocessor=lambda action: action,
        n_episodes=options.episodes,
        start_seed=0,
    )
    envs.close()
    print(found["aggregated"])
    return found


if __name__ == "__main__":
    main()
