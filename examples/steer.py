"""Run one episode with a concept's neurons overridden.

    python examples/steer.py --concept fast

Only the environment's id and the policy's name change for another suite, a UR5 or another model.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import gymnasium as gym

from steer_gym import ActConfig, make_policy


def main(arguments: Sequence[str] | None = None) -> bool:
    """Run the episode; print and return whether it succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concept", default="fast")
    parser.add_argument("--alpha", type=float, help="by default what the policy recommends")
    options = parser.parse_args(arguments)

    env = gym.make("steer_gym/LiberoObject-v0", task=2, image_size=128, rendering="fast")
    policy = make_policy("pocket")
    steering = policy.recommended(options.concept)
    if options.alpha is not None:
        steering = steering.replace(alpha=options.alpha)
    config = ActConfig(steering=steering)

    observation, info = env.reset(seed=7)
    policy.reset()
    done, steps = False, 0
    while not done:
        action = policy.act(observation, config)  # steering lives in the action-selection config
        observation, _, terminated, truncated, info = env.step(action)
        done, steps = terminated or truncated, steps + 1

    env.close()
    print(f"{options.concept}: {steps} steps, success: {info['success']}")
    return bool(info["success"])


if __name__ == "__main__":
    main()
