"""Hold the tool of an arm at a speed, by feedback on how strongly "fast" is steered.

    python examples/closed_loop.py --target 0.13

A schedule is part of the action-selection config. ``Scheduled`` remembers, for each row, where its
episode stands, and turns the config into a plain one at every look; ``run_episode`` and evaluations
do so by themselves.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import gymnasium as gym
import numpy as np

from steer_gym import ActConfig, Pid, Scheduled, make_policy


def main(arguments: Sequence[str] | None = None) -> bool:
    """Run the episode; print what was aimed at and reached; return whether it succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=float, default=0.13, help="speed of the tool [m/s]")
    parser.add_argument("--concept", default="fast")
    parser.add_argument("--init-state", type=int, default=20)
    options = parser.parse_args(arguments)

    env = gym.make("steer_gym/LiberoObject-v0", task=2, image_size=128, rendering="fast")
    policy = Scheduled(make_policy("pocket"))
    control = Pid(
        quantity="speed_m_s",
        target=options.target,
        proportional=10.0,
        integral=60.0,
        limits=(0.0, 6.0),
        smoothing_s=0.2,
    )
    # Added to what the neurons do by themselves, so that an alpha of 0 lets go of the policy.
    steering = policy.recommended(options.concept).replace(operation="add")
    config = ActConfig(steering=steering, schedule=control)

    observation, info = env.reset(seed=0, options={"init_state": options.init_state})
    policy.reset()
    speeds, alphas, done = [], [], False
    while not done:
        before = observation["tcp_pose"][:3]
        action = policy.act(observation, config)
        observation, _, terminated, truncated, info = env.step(action)
        speeds.append(float(np.linalg.norm(observation["tcp_pose"][:3] - before)) * 20.0)
        used = policy.used[0].steering
        alphas.append(used.alpha if used else None)
        done = terminated or truncated
        if len(speeds) % 20 == 0 or done:
            print(f"step {len(speeds):3}: {np.mean(speeds[-20:]):.3f} m/s, alpha {alphas[-1]:.2f}")

    env.close()
    print(f"aimed at {options.target} m/s, reached {np.mean(speeds):.3f}; {info['success'] = }")
    return bool(info["success"])


if __name__ == "__main__":
    main()
