"""Keeps what episodes come to: a row, the steps, perhaps a film."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steer_gym.convention import ActionConvention
from steer_gym.errors import ResultsError
from steer_gym.film import write_film

from .grid import Cell, Grid
from .measures import measure
from .provenance import provenance
from .rows import Row, RowFile
from .slot import Ended
from .steps import write_steps


class Keeper:
    """Knows which cells have a row, and writes the rows of others."""

    def __init__(
        self,
        file: RowFile,
        grid: Grid,
        policy: Mapping[str, Any],
        convention: ActionConvention,
        envs: int,
    ) -> None:
        """Go on with the rows of ``file``.

        Args:
            file: Where rows are and go; steps and films go to folders beside it.
            grid: What the rows are about.
            policy: What identifies the policy, as JSON data.
            convention: Of the actions.
            envs: Rows of the policy's batch, on which the last digits depend.

        Raises:
            ResultsError: The file holds rows of another configuration; see ``known_rows``.
        """
        self._file, self._grid, self._policy = file, grid, policy
        self.convention, self._envs = convention, envs
        self._digests = _digests(grid, policy)
        self._known = known_rows(file.rows, grid, policy, file.path)

    def has(self, cell: Cell) -> bool:
        """Tell whether the cell has been run and did not crash."""
        return ended(self._known.get(cell.key))

    def rows(self) -> list[Row]:
        """Return the rows of the grid's cells, in its order; cells not run yet are left out."""
        return [self._known[key] for key in self._digests if key in self._known]

    def keep(self, ended: Ended) -> Row:
        """Write steps and film, then the row, whose presence says that all is there."""
        cell, episode, folder = ended.cell, ended.episode, self._file.path.parent
        write_steps(folder, cell.key, episode.steps)
        if episode.frames:
            rate = self.convention.rate_hz
            write_film(folder / "films" / f"{cell.key}.mp4", episode.frames, rate_hz=rate)
        row = self._row(ended)
        self._file.append(row)
        self._known[cell.key] = self._file.rows[-1]
        return self._known[cell.key]

    def _row(self, ended: Ended) -> Row:
        cell, episode = ended.cell, ended.episode
        return {
            "key": cell.key,
            "digest": self._digests[cell.key],
            **self._grid.facts,
            "condition": cell.condition.name,
            **cell.condition.facts,
            "draw": cell.draw if len(cell.condition.configs) > 1 else None,
            "env": cell.env,
            "task": cell.task,
            "init_state": cell.init_state,
            "seed": self._grid.seed,
            "instruction": episode.instruction,
            "success": episode.success,
            "error": episode.error,
            "attempt": ended.attempt,
            **asdict(measure(episode.steps, self.convention)),
            "wall_s": round(ended.wall_s, 3),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "policy": dict(self._policy),
            "config": cell.config.to_json(),
            "convention": asdict(self.convention),
            "env_options": dict(self._grid.env_options),
            "provenance": {
                **provenance(),
                "envs": self._envs,
                **episode.info.get("provenance", {}),
            },
        }


def known_rows(
    rows: Sequence[Row], grid: Grid, policy: Mapping[str, Any], path: Path
) -> dict[str, Row]:
    """Return, by key, the latest row of every cell of ``grid`` that has one; ``path`` is theirs.

    Raises:
        ResultsError: A cell has a row of another configuration; or another cell has one that would
            be paired with the grid's, though it is of another seed, policy or other options.
    """
    latest = {row.get("key"): row for row in rows}
    digests = _digests(grid, policy)
    for key, digest in digests.items():
        if key in latest and latest[key].get("digest") != digest:
            raise ResultsError(
                f"{path} already holds {key!r} of another configuration (policy, options, "
                "steering, seed or prompt differ). Choose another --out."
            )
    for row in latest.values():
        _require_comparable(row, grid, policy, path)
    return {key: latest[key] for key in digests if key in latest}


def _require_comparable(row: Row, grid: Grid, policy: Mapping[str, Any], path: Path) -> None:
    """Refuse a row that a report would pair with the grid's, if more than steering differs.

    Reports pair what has the same environment and policy, by task and initial state.
    """
    if (row.get("env"), (row.get("policy") or {}).get("name")) != (grid.env, policy["name"]):
        return
    settings = {"seed": grid.seed, "policy": policy, "env_options": grid.env_options}
    for name, value in settings.items():
        before, now = (json.dumps(each, sort_keys=True) for each in (row.get(name), value))
        if name in row and before != now:
            raise ResultsError(
                f"{path} holds {row['key']!r} with {name} {before}, but {now} was given; a report "
                "would pair them as if only steering differed. Choose another --out, or the same "
                f"{name}."
            )


def ended(row: Row | None) -> bool:
    """Tell whether there is a row, of an episode that did not crash."""
    return row is not None and row["error"] is None


def _digests(grid: Grid, policy: Mapping[str, Any]) -> dict[str, str]:
    return {cell.key: grid.cell_digest(cell, policy) for cell in grid.cells()}
