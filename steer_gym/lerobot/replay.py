"""From an evaluation's folder to a dataset: its episodes are played again, command by command.

An evaluation keeps no pictures, but the environments repeat to the bit, so that its commands bring
back what the policy saw, at any size. Poses and rewards are held against those of then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from steer_gym.environments import register_environments
from steer_gym.episode import Step
from steer_gym.errors import ResultsError
from steer_gym.evaluation.preflight import made
from steer_gym.evaluation.rows import Row, read_rows
from steer_gym.evaluation.runner import EPISODES
from steer_gym.evaluation.steps import read_steps
from steer_gym.handshake import convention_of
from steer_gym.observation import INSTRUCTION, TCP_POSE

from .dataset import DatasetWriter

POSE_TOLERANCE = 1e-9
"""Largest difference of a pose [m, rad]; what is stored is exact."""


def export_run(
    run: str | Path,
    folder: str | Path,
    *,
    layout: str = "plain",
    successes_only: bool = False,
    conditions: Iterable[str] = (),
    tell: Callable[[Row], None] = lambda _: None,
    **env_options: Any,
) -> int:
    """Write the episodes of an evaluation as a LeRobot dataset; return how many there are.

    Args:
        run: Folder of the evaluation.
        folder: Of the dataset; it must not exist yet.
        layout: One of ``LAYOUTS``.
        successes_only: Leave out episodes that failed. Crashed ones are always left out.
        conditions: Names of those wanted; empty: all.
        tell: Called with the row of each episode before it is played.
        **env_options: For ``gym.make``, on top of the evaluation's, such as ``image_size``.

    Raises:
        ResultsError: There is nothing to export, or an episode goes otherwise than it did.
    """
    register_environments()
    rows = _chosen(Path(run) / EPISODES, successes_only, set(conditions))
    envs = _Environments(env_options)
    rate = convention_of(envs.of(rows[0])).rate_hz
    robot = str(rows[0]["env"]).rpartition("/")[2]
    with DatasetWriter(folder, fps=round(rate), layout=layout, robot_type=robot) as dataset:
        try:
            for row in rows:
                tell(row)
                _play(envs.of(row), row, Path(run), dataset)
        finally:
            envs.close()
    return len(rows)


def _chosen(path: Path, successes_only: bool, conditions: set[str]) -> list[Row]:
    latest = {row.get("key"): row for row in read_rows(path)}
    rows = [
        row
        for row in latest.values()
        if row["error"] is None
        and (row["success"] or not successes_only)
        and (not conditions or row["condition"] in conditions)
    ]
    if not rows:
        known = sorted({row["condition"] for row in latest.values()})
        raise ResultsError(f"{path} holds no such episodes; its conditions are {known}.")
    return rows


def _play(env: gym.Env[Any, Any], row: Row, run: Path, dataset: DatasetWriter) -> None:
    start = None if row["init_state"] is None else {"init_state": row["init_state"]}
    observation, _ = env.reset(seed=row["seed"], options=start)
    for number, step in enumerate(_steps(run, row)):
        seen = {**observation, INSTRUCTION: row["instruction"]}
        action = np.asarray(step.command, np.float32)
        observation, reward, *_ = env.step(action)
        dataset.add(seen, action, step.reward)
        off = float(np.abs(np.subtract(observation[TCP_POSE], step.tcp_pose)).max())
        if not off <= POSE_TOLERANCE or float(reward) != step.reward:
            raise ResultsError(
                f"{row['key']} goes otherwise than it did: at step {number} the pose differs by "
                f"{off:.2g}, and the reward is {reward}, not {step.reward}. What it ran with: "
                f"{row['provenance']}."
            )
    dataset.end_episode(success=row["success"], condition=row["condition"], key=row["key"])


def _steps(run: Path, row: Row) -> list[Step]:
    steps = read_steps(run, row["key"])
    if len(steps) != row["steps"]:
        raise ResultsError(f"{row['key']} has {row['steps']} steps, but {len(steps)} are kept.")
    return steps


class _Environments:
    """Keeps the last environment, since building one takes seconds."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._made_as: tuple[Any, ...] = ()
        self._env: gym.Env[Any, Any] | None = None

    def of(self, row: Row) -> gym.Env[Any, Any]:
        """Return the environment of a row."""
        task = {} if row["task"] is None else {"task": row["task"]}
        options = {**row["env_options"], **task, **self._options}
        made_as = (row["env"], sorted(options.items(), key=repr))
        if self._env is None or made_as != self._made_as:
            self.close()
            self._env, self._made_as = made(row["env"], **options), made_as
        return self._env

    def close(self) -> None:
        """Free the environment."""
        if self._env is not None:
            self._env.close()
        self._env = None
