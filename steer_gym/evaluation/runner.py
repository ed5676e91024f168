"""Run the cells of a grid that have no row yet: environments side by side, one policy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steer_gym.episode import Episode
from steer_gym.errors import EvaluationError
from steer_gym.policy import Policy

from .budget import Budget
from .grid import Cell, Grid
from .group import Group
from .keeper import Keeper, ended, known_rows
from .local_stage import LocalStage
from .preflight import environment_options, policy_identity, preflight
from .process_stage import ProcessStage
from .progress import Progress
from .rows import Row, RowFile, export, read_rows
from .slot import Direction, Slot

EPISODES = "episodes.jsonl"
"""Name of the file of rows in the folder of an evaluation."""


def evaluate(
    grid: Grid,
    policy: Policy,
    out: str | Path,
    *,
    policy_options: Mapping[str, Any] | None = None,
    envs: int = 1,
    films: Collection[str] = (),
    minutes: float | None = None,
    quiet: bool = False,
) -> list[Row]:
    """Run every cell of ``grid`` that has no row yet, and return the rows of all that have one.

    Rows are appended to ``out/episodes.jsonl`` as episodes end, so an interrupted run goes on where
    it stopped; at the end they are written as Parquet too, if pyarrow is installed. A crash, of an
    environment or of the policy, gives a row with its traceback as ``error`` and no ``success``;
    the next run tries that cell again. A cell gives the same numbers whatever ran before it: its
    place in the batch follows from the grid and from ``envs`` alone, and the batch keeps its size.

    A script that calls this with several ``envs`` needs ``if __name__ == "__main__":``, as always
    where Python starts processes.

    Args:
        grid: What to run.
        policy: It acts for all environments at once, each row under its own config.
        out: Folder of the results.
        policy_options: What the policy was made with, for the rows.
        envs: Environments side by side, each in a process of its own; 1: in this process.
        films: Keys of the cells to film, as ``out/films/<key>.mp4``.
        minutes: Start no initial state whose episodes would hardly end within this time; what is
            left is for another run. ``None``: as long as it takes.
        quiet: Show no progress.

    Raises:
        SteerGymError: Something given is not allowed, or ``out`` holds rows of another
            configuration; nothing has run.
        KeyboardInterrupt: Says what is kept.
    """
    if envs < 1:
        raise EvaluationError(f"envs must be 1 or more, but is {envs}.")
    if minutes is not None and not minutes > 0:
        raise EvaluationError(f"minutes must be more than 0, but is {minutes}.")
    identity = policy_identity(policy, dict(policy_options or {}))
    cells = grid.cells()
    with RowFile(Path(out) / EPISODES) as file:
        options = environment_options(grid, policy.spec, film=bool(films))
        convention = preflight(grid, policy, options)
        keeper = Keeper(file, grid, identity, convention)
        budget = Budget(None if minutes is None else 60 * minutes, len(grid.conditions), envs)
        done = sum(map(keeper.has, cells))
        progress = Progress(done=done, total=len(cells), left_s=budget.left_s, quiet=quiet)

        def keep(cell: Cell, episode: Episode, wall_s: float) -> None:
            progress.episode(keeper.keep(cell, episode, wall_s))

        direction = Direction(
            env_options=options,
            seed=grid.seed,
            convention=convention,
            spec=policy.spec,
            films=films,
            budget=budget,
            keep=keep,
        )
        slots = [
            Slot(
                [cells[i] for i in part if not keeper.has(cells[i])],
                LocalStage() if envs == 1 else ProcessStage(),
                direction,
            )
            for part in np.array_split(np.arange(len(cells)), min(envs, len(cells)))
        ]
        try:
            _play(slots, policy, progress)
        except KeyboardInterrupt:
            kept = known_rows(read_rows(file.path), grid, identity, file.path).values()
            raise KeyboardInterrupt(
                f"{sum(map(ended, kept))} of {len(cells)} episodes are kept in {file.path}; the "
                "same command goes on from there."
            ) from None
        finally:
            export(file)
        return keeper.rows()


def _play(slots: list[Slot], policy: Policy, progress: Progress) -> None:
    apart = 1 if policy.remembers or len(slots) == 1 else 2
    try:
        groups = [Group(slots[start::apart], policy) for start in range(apart)]
        while groups:
            groups = [group for group in groups if group.turn()]
            progress.tick()
    finally:
        for slot in slots:
            slot.stage.close()
        progress.close()
