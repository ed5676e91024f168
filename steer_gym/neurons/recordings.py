"""Observations kept from rollouts, for what is asked of a policy without an environment."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from steer_gym.acting import ActConfig
from steer_gym.environment import due
from steer_gym.errors import SteerGymError
from steer_gym.extras import load
from steer_gym.handshake import shake_hands
from steer_gym.observation import INSTRUCTION, Observation, batch_observations, row_count
from steer_gym.policy import Policy
from steer_gym.results import atomic_path
from steer_gym.rollout import executed_actions

DEMONSTRATIONS = "steer_gym.policies.pocket.recorded:some_steps"


class RecordingError(SteerGymError, ValueError):
    """A file holds no observations."""


def record(
    env: gym.Env[Any, Any],
    policy: Policy,
    *,
    every: int = 10,
    options: dict[str, Any] | None = None,
    seed: int | None = None,
    on_step: Callable[[int], None] = lambda done: None,
) -> list[Observation]:
    """Return every n-th observation of one unsteered episode.

    Args:
        env: Whose action convention is the policy's.
        policy: It acts greedily.
        every: Steps from one kept observation to the next; the first is kept.
        options: For ``env.reset``.
        seed: For ``env.reset``.
        on_step: Called with the number of steps done.
    """
    shake_hands(env, policy)
    execute = executed_actions(policy.spec, ActConfig())
    observation, _ = env.reset(seed=seed, options=options)
    policy.reset()
    kept, step, done = [], 0, False
    while not done:
        for action in due(env, policy.plan(observation).actions[0], execute):
            if step % every == 0:
                kept.append(observation)
            observation, _, terminated, truncated, _ = env.step(action)
            step, done = step + 1, terminated or truncated
            on_step(step)
            if done:
                break
    return kept


def save_observations(path: str | Path, observations: list[Observation]) -> None:
    """Write observations as one compressed ``.npz``, whole or not at all."""
    batch = batch_observations(observations)
    arrays = {key: np.array(values) for key, values in batch.items()}
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # names are no keywords


def load_observations(path: str | Path, *, count: int | None = None, seed: int = 0) -> Observation:
    """Return a batch of observations, all or a random few.

    Args:
        path: A file of ``save_observations``, or a folder of Pocket's demonstrations.
        count: How many; by default all of a file, and 256 of a folder.
        seed: Of the choice.

    Raises:
        RecordingError: There are none.
    """
    path = Path(path)
    if path.is_dir():
        steps: Observation = load(DEMONSTRATIONS)(path, count or 256, np.random.default_rng(seed))
        return steps
    try:
        with np.load(path, allow_pickle=False) as arrays:
            batch: dict[str, Any] = {key: arrays[key] for key in arrays}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RecordingError(
            f"{path} holds no observations ({error}). Record some with `steer-gym neurons record`."
        ) from error
    if INSTRUCTION not in batch:
        raise RecordingError(f"{path} holds {', '.join(batch) or 'nothing'}, but no instructions.")
    batch[INSTRUCTION] = tuple(str(text) for text in batch[INSTRUCTION])
    rows = row_count(batch)
    if count is None or count >= rows:
        return batch
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:count])
    return {
        key: tuple(values[i] for i in chosen) if key == INSTRUCTION else values[chosen]
        for key, values in batch.items()
    }
