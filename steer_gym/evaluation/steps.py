"""The steps of episodes on disk: one file an episode, in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from steer_gym.episode import Step
from steer_gym.errors import ResultsError
from steer_gym.extras import require
from steer_gym.results import atomic_path

from .rows import read_rows, write_rows

FOLDER = "steps"
"""Beside the file of rows."""
COLUMNAR, PLAIN = ".parquet", ".jsonl"


def write_steps(folder: str | Path, key: str, steps: Sequence[Step]) -> None:
    """Write the steps of one cell under ``folder/steps``, as Parquet if pyarrow is installed."""
    rows = [asdict(step) for step in steps]
    if find_spec("pyarrow") is None:
        write_rows(Path(folder) / FOLDER / f"{key}{PLAIN}", rows)
        return
    arrow = require("pyarrow", extra="bench")
    parquet = require("pyarrow.parquet", extra="bench")
    columns = {each.name: [row[each.name] for row in rows] for each in fields(Step)}
    with atomic_path(Path(folder) / FOLDER / f"{key}{COLUMNAR}") as partial:
        parquet.write_table(arrow.table(columns), partial)


def read_steps(folder: str | Path, key: str) -> list[Step]:
    """Return the steps that ``write_steps`` wrote.

    Raises:
        ResultsError: There are none.
    """
    return [_step(row) for row in _read(Path(folder) / FOLDER, key)]


def has_steps(folder: str | Path, key: str) -> bool:
    """Tell whether the steps of a cell are there."""
    names = (f"{key}{COLUMNAR}", f"{key}{PLAIN}")
    return any((Path(folder) / FOLDER / name).is_file() for name in names)


def _read(folder: Path, key: str) -> list[dict[str, Any]]:
    columnar = folder / f"{key}{COLUMNAR}"
    if not columnar.is_file():
        return read_rows(folder / f"{key}{PLAIN}")
    parquet = require("pyarrow.parquet", extra="bench")
    try:
        found: list[dict[str, Any]] = parquet.read_table(columnar).to_pylist()
    except (OSError, ValueError) as error:
        raise ResultsError(f"Cannot read {columnar}: {error}.") from error
    return found


def _step(row: Mapping[str, Any]) -> Step:
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return Step(**given)
