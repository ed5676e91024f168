"""Run the cells of a grid that have no row yet: environments side by side, one policy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steer_gym.policy import Policy

from .budget import Budget
from .grid import Grid
from .group import Group
from .keeper import Keeper, ended, known_rows
from .local_stage import LocalStage
from .preflight import environment_options, policy_identity, preflight
from .process_stage import ProcessStage
from .progress import Progress
from .rows import Row, RowFile, export, read_rows
from .running import Running
from .slot import Direction, Ended, Slot
from .stage import Stage

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
    retries: int = 0,
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
        policy_options: See ``Running``, as for what follows.
        envs: Environments side by side.
        films: Keys of the cells to film.
        minutes: Start no initial state whose episodes would hardly end within this time.
        retries: How often a cell that crashed is tried again.
        quiet: Show no progress.

    Raises:
        SteerGymError: Something given is not allowed, or ``out`` holds rows of another
            configuration; nothing has run.
        KeyboardInterrupt: Says what is kept.
    """
    running = Running(
        envs=envs,
        films=films,
        minutes=minutes,
        retries=retries,
        quiet=quiet,
        policy_options=policy_options or {},
    )
    stages = new_stages(running.envs)
    try:
        return evaluate_on(stages, grid, policy, out, running)
    finally:
        for stage in stages:
            stage.close()


def new_stages(envs: int) -> list[Stage]:
    """Return stages for so many environments; whoever asks for them closes them."""
    return [LocalStage()] if envs == 1 else [ProcessStage() for _ in range(envs)]


def evaluate_on(
    stages: Sequence[Stage],
    grid: Grid,
    policy: Policy,
    out: str | Path,
    running: Running,
    progress: Progress | None = None,
) -> list[Row]:
    """Do as ``evaluate`` does, on stages that are left open for further grids.

    Args:
        stages: As many as ``running.envs``.
        grid: See ``evaluate``.
        policy: See ``evaluate``.
        out: See ``evaluate``.
        running: How.
        progress: Of a larger run, which closes it; ``None``: of this one.
    """
    identity = policy_identity(policy, dict(running.policy_options))
    with RowFile(Path(out) / EPISODES) as file:
        options = environment_options(grid, policy.spec, film=bool(running.films))
        convention = preflight(grid, policy, options, tried=running.tried)
        keeper = Keeper(file, grid, identity, convention, running.envs)
        budget = Budget(
            None if running.minutes is None else 60 * running.minutes,
            len(grid.conditions),
            running.envs,
        )
        shown = progress or _progress(keeper, grid, budget, running)

        def keep(ended: Ended) -> None:
            shown.episode(keeper.keep(ended), retries=running.retries)

        direction = Direction(
            env_options=options,
            seed=grid.seed,
            convention=keeper.convention,
            spec=policy.spec,
            films=running.films,
            budget=budget,
            keep=keep,
            retries=running.retries,
        )
        try:
            _play(_slots(stages, grid, keeper, direction), policy, shown)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_kept(file.path, grid, identity)) from None
        finally:
            if progress is None:
                shown.close()
            export(file)
        return keeper.rows()


def _kept(path: Path, grid: Grid, identity: Mapping[str, Any]) -> str:
    kept = known_rows(read_rows(path), grid, identity, path).values()
    return (
        f"{sum(map(ended, kept))} of {len(grid.cells())} episodes are kept in {path}; the same "
        "command goes on from there."
    )


def _progress(keeper: Keeper, grid: Grid, budget: Budget, running: Running) -> Progress:
    cells = grid.cells()
    done = sum(map(keeper.has, cells))
    return Progress(done=done, total=len(cells), left_s=budget.left_s, quiet=running.quiet)


def _slots(stages: Sequence[Stage], grid: Grid, keeper: Keeper, direction: Direction) -> list[Slot]:
    """Return the slots; which cells each plays follows from the grid and their number alone."""
    cells = grid.cells()
    parts = np.array_split(np.arange(len(cells)), min(len(stages), len(cells)))
    return [
        Slot([cells[i] for i in part if not keeper.has(cells[i])], stage, direction)
        for part, stage in zip(parts, stages, strict=False)
    ]


def _play(slots: list[Slot], policy: Policy, progress: Progress) -> None:
    group = Group(slots, policy)
    while group.turn():
        progress.tick()
