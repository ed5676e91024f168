"""Recorded observations, by what the arm is doing in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteerGymError
from steer_gym.observation import (
    GRIPPER,
    IMAGE_BASE,
    IMAGE_WRIST,
    INSTRUCTION,
    TCP_POSE,
    Observation,
)

from .episodes import Demonstration, load_demonstration

EPISODES = 40
"""Episodes that the steps are drawn from."""
HELD_M = 0.05
"""An object this close to the tool is in the hand, if the gripper is told to close."""
AWAY_M = 0.08
"""Horizontal distance to the goal from which the arm is on its way to it."""
MOVING = 0.3
"""Of a full command: less is fine adjustment."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of one demonstration."""

    episode: Demonstration
    number: int


def recorded_steps(folder: Path, rng: np.random.Generator) -> list[Step]:
    """Return every step of some random episodes of ``folder``.

    Raises:
        SteerGymError: There are none.
    """
    paths = sorted(folder.glob("episode-*.npz"))
    if not paths:
        raise SteerGymError(f"{folder} holds no episodes; `steer-gym pocket collect` makes some.")
    chosen = rng.permutation(len(paths))[:EPISODES]
    episodes = [load_demonstration(paths[i]) for i in chosen]
    return [Step(episode=e, number=n) for e in episodes for n in range(len(e.actions))]


def some_steps(folder: Path, count: int, rng: np.random.Generator) -> Observation:
    """Return a batch of any steps, of several episodes; for ``steer_gym.neurons.recordings``."""
    return _batch(recorded_steps(folder, rng), count, rng)


def moving(steps: list[Step], count: int, rng: np.random.Generator) -> Observation:
    """Return a batch of steps in which the arm is on its way."""
    return _batch([s for s in steps if _speed(s) > MOVING], count, rng)


def carrying(steps: list[Step], count: int, rng: np.random.Generator) -> Observation:
    """Return a batch of steps in which the arm carries the object to its goal."""
    return _batch([s for s in steps if _carries(s) and _speed(s) > MOVING], count, rng)


def _speed(step: Step) -> float:
    return float(np.abs(step.episode.actions[step.number, :3]).max())


def _carries(step: Step) -> bool:
    aim = step.episode.aim[step.number]
    held = np.linalg.norm(aim[:3]) < HELD_M and step.episode.actions[step.number, 6] > 0
    return bool(held and np.linalg.norm(aim[3:5]) > AWAY_M)


def _batch(steps: list[Step], count: int, rng: np.random.Generator) -> dict[str, object]:
    chosen = [steps[i] for i in rng.permutation(len(steps))[:count]]

    def column(values: str) -> NDArray[np.generic]:
        return np.stack([getattr(s.episode, values)[s.number] for s in chosen])

    return {
        IMAGE_BASE: column("base"),
        IMAGE_WRIST: column("wrist"),
        TCP_POSE: column("tcp_pose"),
        GRIPPER: column("gripper"),
        INSTRUCTION: tuple(s.episode.task for s in chosen),
    }
