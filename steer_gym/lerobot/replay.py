"""From an evaluation's folder to a dataset: its episodes are played again, command by command.

An evaluation keeps no pictures, but the environments repeat to the bit, so that its commands bring
back what the policy saw, at any size. Poses and rewards are held against those of then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from steer_gym.benchmark.results import PLAN, Results
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
Found = tuple[Row, Path]
"""A row, and the folder of its steps."""


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

    Those of a benchmark go into one dataset, whose table of episodes tells policy and suite too.

    Args:
        run: Folder of the evaluation or of the benchmark.
        folder: Of the dataset; it must not exist yet.
        layout: One of ``LAYOUTS``.
        successes_only: Leave out episodes that failed. Crashed ones are always left out.
        conditions: Names of those wanted; empty: all.
        tell: Called with the row of each episode before it is played.
        **env_options: For ``gym.make``, on top of the evaluation's, such as ``image_size``.

    Raises:
        ResultsError: There is nothing to export, actions do not all mean the same, or an episode
            goes otherwise than it did.
    """
    register_environments()
    found = _chosen(Path(run), successes_only, set(conditions))
    _require_same_actions(found)
    envs, (first, _) = _Environments(env_options), found[0]
    rate = convention_of(envs.of(first)).rate_hz
    robot = str(first["env"]).rpartition("/")[2]
    with DatasetWriter(folder, fps=round(rate), layout=layout, robot_type=robot) as dataset:
        try:
            for row, its in found:
                tell(row)
                _play(envs.of(row), row, its, dataset)
        finally:
            envs.close()
    return len(found)


def _rows(run: Path) -> list[Found]:
    """Return the latest row of every cell, each with the folder of its steps."""
    if (run / PLAN).is_file():
        results = Results.read(run)
        return [(row, results.folder_of(row)) for row in results.rows]
    latest = {row.get("key"): row for row in read_rows(run / EPISODES)}
    return [(row, run) for row in latest.values()]


def _chosen(run: Path, successes_only: bool, conditions: set[str]) -> list[Found]:
    rows = _rows(run)
    chosen = [
        (row, its)
        for row, its in rows
        if row["error"] is None
        and (row["success"] or not successes_only)
        and (not conditions or row["condition"] in conditions)
    ]
    if not chosen:
        known = sorted({row["condition"] for row, _ in rows})
        raise ResultsError(f"{run} holds no such episodes; its conditions are {known}.")
    return chosen


def _require_same_actions(found: Sequence[Found]) -> None:
    """Refuse what would put actions of several conventions into one column."""
    folders: dict[str, list[str]] = {}
    for row, its in found:
        convention = json.dumps(row.get("convention"), sort_keys=True)
        folders.setdefault(convention, []).append(str(its))
    if len(folders) > 1:
        each = "; ".join(", ".join(dict.fromkeys(names)) for names in folders.values())
        raise ResultsError(
            "Actions of one dataset mean the same throughout, but these do not: "
            f"{each}. Export folders of each kind by themselves."
        )


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
    names = {"condition": row["condition"], "key": row["key"]}
    if "policy_label" in row:  # of a benchmark, where keys repeat
        names |= {"policy": row["policy_label"], "suite": row["suite"]}
    dataset.end_episode(success=row["success"], **names)


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
