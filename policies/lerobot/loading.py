"""Load a checkpoint of LeRobot with its processors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from steer_gym.lerobot.installed import lerobot


def load(checkpoint: str | Path, device: str) -> tuple[Any, Any, Any]:
    """Return the policy, and its processors before and after.

    Args:
        checkpoint: Folder or id.
        device: A torch device.

    Raises:
        MissingPackageError: LeRobot is not installed.
    """
    name = str(checkpoint)
    factory = lerobot("policies.factory")
    config = lerobot("configs.policies").PreTrainedConfig.from_pretrained(name)
    config.device = device
    policy = factory.get_policy_class(config.type).from_pretrained(name, config=config)
    override = {"device_processor": {"device": device}}
    before, after = factory.make_pre_post_processors(
        policy_cfg=config, pretrained_path=name, preprocessor_overrides=override
    )
    return policy, before, after
