"""Run a policy of LeRobot in our loop, and write what happened as a LeRobot dataset.

    python examples/lerobot_policy.py --out act_rollout
    python examples/lerobot_policy.py --checkpoint path/to/pretrained_model --out rollout

Without a checkpoint it is an ACT with random weights, which solves nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy

from steer_gym import make_policy
from steer_gym.episode import Episode
from steer_gym.lerobot.dataset import DatasetWriter
from steer_gym.lerobot.recording import RecordDataset
from steer_gym.rollout import run_episode


def random_act(size: int = 128) -> Any:
    """Return a small ACT for LIBERO's two cameras and state."""
    picture = PolicyFeature(type=FeatureType.VISUAL, shape=(3, size, size))
    torch.manual_seed(0)
    config = ACTConfig(
        input_features={
            "observation.images.image": picture,
            "observation.images.image2": picture,
            "observation.state": PolicyFeature(type=FeatureType.STATE, shape=(8,)),
        },
        output_features={"action": PolicyFeature(type=FeatureType.ACTION, shape=(7,))},
        chunk_size=10,
        n_action_steps=10,
        dim_model=64,
        n_heads=2,
        dim_feedforward=128,
        use_vae=False,
        pretrained_backbone_weights=None,
        device="cpu",
    )
    return ACTPolicy(config).eval()


def main(arguments: Sequence[str] | None = None) -> Episode:
    """Run one episode, record it, and return it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", help="a folder or an id that LeRobot loads")
    parser.add_argument("--task", type=int, default=2)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--out", required=True, help="a new folder")
    options = parser.parse_args(arguments)

    policy = make_policy("lerobot", checkpoint=options.checkpoint or random_act())
    size = max(policy.spec.cameras.values())
    with DatasetWriter(options.out, fps=20, layout="libero", robot_type="panda") as dataset:
        env = gym.make(
            "steer_gym/LiberoObject-v0", task=options.task, image_size=size, rendering="fast",
            max_steps=options.steps,
        )  # fmt: skip
        episode = run_episode(RecordDataset(env, dataset), policy, seed=0)
        env.close()
    print(f"{len(episode.steps)} steps, success: {episode.success}; written to {options.out}")
    return episode


if __name__ == "__main__":
    main()
