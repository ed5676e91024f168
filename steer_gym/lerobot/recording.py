"""Record every episode of an environment as a LeRobot dataset, whatever loop drives it."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import ConventionError
from steer_gym.handshake import convention_of
from steer_gym.rollout import succeeded

from .dataset import DatasetWriter


class RecordDataset(gym.Wrapper[dict[str, Any], NDArray[np.float32], Any, Any]):
    """Adds every step to a dataset; an episode that is cut off by a reset is left out.

    It stands beside Gymnasium's own ``RecordVideo``, and works on a real arm as in simulation.

    >>> with DatasetWriter("data/mine", fps=20) as dataset:
    ...     env = RecordDataset(gym.make("steer_gym/LiberoObject-v0"), dataset)
    ...     run_episode(env, policy)
    """

    def __init__(self, env: gym.Env[Any, Any], dataset: DatasetWriter) -> None:
        """Wrap ``env``.

        Raises:
            ConventionError: Its control rate is not the dataset's.
        """
        super().__init__(env)
        rate = convention_of(env).rate_hz
        if rate != dataset.fps:
            raise ConventionError(
                f"The environment runs at {rate:g} Hz, the dataset at {dataset.fps}; "
                f"make the dataset with fps={rate:g}."
            )
        self._dataset = dataset
        self._seen: dict[str, Any] = {}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode."""
        self._dataset.discard_episode()
        self._seen, info = self.env.reset(seed=seed, options=options)
        return self._seen, info

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[dict[str, Any], SupportsFloat, bool, bool, dict[str, Any]]:
        """Take a step and add it."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._dataset.add(self._seen, action, float(reward))
        self._seen = observation
        if terminated or truncated:
            self._dataset.end_episode(success=succeeded(info, terminated, reward))
        return observation, reward, terminated, truncated, info
