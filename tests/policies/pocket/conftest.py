"""A small Pocket with random weights, in a folder as training writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
pytest.importorskip("transformers", reason="needs the extra 'torch'")


@pytest.fixture(scope="session")
def tokenizer_file() -> Path:
    from steer_gym.policies.pocket.weights import SHIPPED, TOKENIZER

    return SHIPPED / TOKENIZER


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, tokenizer_file: Path) -> Path:
    from steer_gym.policies.pocket.model import PocketModel, PocketSizes
    from steer_gym.policies.pocket.tokenizer import PocketTokenizer
    from steer_gym.policies.pocket.weights import save_checkpoint

    torch.manual_seed(0)
    words = PocketTokenizer(tokenizer_file).size
    sizes = PocketSizes(
        vocabulary=words, dimension=64, layers=3, width=96, channels=(8, 16, 24), head_size=32
    )
    folder = tmp_path_factory.mktemp("pocket") / "checkpoint"
    save_checkpoint(folder, PocketModel(sizes), tokenizer_file, {"steps": 0})
    return folder


@pytest.fixture(scope="session")
def pocket(checkpoint: Path) -> Any:
    from steer_gym.policies.pocket.policy import PocketPolicy

    return PocketPolicy(checkpoint)


@pytest.fixture(scope="session")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three made-up episodes: noise for pictures, real formats."""
    from steer_gym.policies.pocket.episodes import Demonstration, save_demonstration
    from steer_gym.policies.pocket.wording import Style

    folder = tmp_path_factory.mktemp("demonstrations")
    rng = np.random.default_rng(0)
    styles = [("fast", "low"), ("slow", "high"), ("normal", "normal")]
    for number, (speed, height) in enumerate(styles):
        steps = 12 + number
        actions = rng.uniform(-1, 1, (steps, 7)).astype(np.float32)
        actions[:, 6] = 1.0
        episode = Demonstration(
            task="pick up the milk and place it in the basket",
            style=Style(speed=speed, height=height),
            base=rng.integers(0, 256, (steps, 128, 128, 3), dtype=np.uint8),
            wrist=rng.integers(0, 256, (steps, 128, 128, 3), dtype=np.uint8),
            tcp_pose=rng.uniform(-0.3, 0.3, (steps, 6)),
            gripper=rng.uniform(0, 0.04, (steps, 2)),
            aim=np.tile(np.array([0, 0, 0, 0.3, 0, 0], np.float32), (steps, 1)),
            actions=actions,
        )
        save_demonstration(folder / f"episode-{number:06d}.npz", episode)
    return folder
