"""Train Stable-Baselines3's PPO on one LIBERO task, from pictures and joint positions.

    pip install stable-baselines3
    python examples/train_sb3.py --task 0 --steps 100000 --out ppo_soup

Objects are placed anew in every episode. The reward is 1 at success and 0 before, so that learning
from nothing takes very long; the loop is Stable-Baselines3's own, and this is where to change it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

from steer_gym.envs.wrappers import ArrayObservation


def main(arguments: Sequence[str] | None = None) -> PPO:
    """Train, save, and return the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="steer_gym/LiberoObject-v0")
    parser.add_argument("--task", type=int, default=0)
    parser.add_argument("--envs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--rollout", type=int, default=128, help="steps of each env per update")
    parser.add_argument("--out", default="ppo")
    options = parser.parse_args(arguments)
    envs = make_vec_env(
        options.env,
        n_envs=options.envs,
        seed=0,
        wrapper_class=ArrayObservation,
        env_kwargs={
            "task": options.task,
            "image_size": 64,
            "rendering": "fast",
            "init_state": "sampled",
        },
    )
    batch = options.rollout * options.envs
    model = PPO("MultiInputPolicy", envs, n_steps=options.rollout, batch_size=batch, seed=0)
    model.learn(options.steps)
    model.save(options.out)
    envs.close()
    return model


if __name__ == "__main__":
    main()
