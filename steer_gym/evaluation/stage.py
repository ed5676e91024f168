"""Where episodes play: an environment that is asked, and answers later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a stage needs to start an episode; plain data that can be sent to a process."""

    env: str
    env_options: Mapping[str, Any]
    seed: int
    reset_options: Mapping[str, Any] | None
    prompt: str
    film: bool


@dataclass(frozen=True, kw_only=True)
class Move:
    """What one action led to."""

    action: NDArray[np.float32]
    tcp_pose: NDArray[np.float64]
    """Measured after the step."""
    reward: float
    force_n: float | None
    """Norm of the measured force at the tool, where the environment tells it."""
    time_s: float | None
    """Of the environment's clock after the step, since the reset, where it tells it."""
    frame: NDArray[np.uint8] | None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a stage answers."""

    observation: dict[str, Any]
    """The latest one, prompted."""
    info: dict[str, Any]
    moves: tuple[Move, ...] = ()
    success: bool | None = None
    """Set when the episode is over."""


class StageError(Exception):
    """The environment raised, or its process died; the message is the traceback."""


class Stage(ABC):
    """Holds one environment; every request gets one reply."""

    @abstractmethod
    def begin(self, scene: Scene) -> None:
        """Ask for the first observation of an episode."""

    @abstractmethod
    def play(self, plan: NDArray[np.float32], execute: int) -> None:
        """Ask for a plan (actions, action size) to be executed, until the episode ends.

        At most ``execute`` of its actions are; see ``steer_gym.environment.due``.
        """

    @abstractmethod
    def receive(self) -> Reply:
        """Wait for the reply to the last request.

        Raises:
            StageError: It failed; the stage can begin another episode.
        """

    @abstractmethod
    def close(self) -> None:
        """Free everything."""
