from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import pytest

pytest.importorskip("mujoco", reason="needs the extra 'libero'")
pytest.importorskip("robosuite", reason="needs the extra 'libero'")


@pytest.fixture(scope="session")
def env() -> Iterator[gym.Env]:
    """One small, fast environment for everything that does not need its own."""
    made = gym.make("steer_gym/LiberoObject-v0", image_size=64, rendering="fast")
    yield made
    made.close()


@pytest.fixture
def unbuilt() -> Callable[..., Any]:
    """Return ``LiberoEnv``; making one builds no simulation."""
    from steer_gym.envs.libero.env import LiberoEnv

    return LiberoEnv
