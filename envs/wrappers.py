"""Wrappers that fit this package's environments to what other libraries accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium import spaces

from steer_gym.observation import INSTRUCTION


class ArrayObservation(gym.ObservationWrapper[dict[str, Any], Any, Mapping[str, Any]]):
    """Keep the arrays of an observation alone, under names without dots.

    Stable-Baselines3 takes dictionaries of arrays, and names torch modules after their keys, which
    must not contain dots: ``image.base`` becomes ``image_base``, ``instruction`` is left out.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        """Wrap an environment with observations of ``steer_gym.observation``."""
        super().__init__(env)
        assert isinstance(env.observation_space, spaces.Dict)
        self.observation_space = spaces.Dict(self.observation(env.observation_space.spaces))

    def observation(self, observation: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``observation`` without text, and with underscores for dots."""
        return {
            key.replace(".", "_"): value for key, value in observation.items() if key != INSTRUCTION
        }
