"""Result rows on disk: one JSON line an episode, appended as it ends, safe against any end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from steer_gym.errors import ResultsError
from steer_gym.extras import require
from steer_gym.results import atomic_path, unwritten, writable_folder

Row = dict[str, Any]


class RowFile:
    """A JSONL file of rows, held by one writer at a time; use it in a ``with``."""

    def __init__(self, path: str | Path) -> None:
        """Open ``path``, which may hold the rows of an earlier run, and lock it.

        Raises:
            ResultsError: It cannot be written, another run writes to it, or it is no such file.
        """
        self.path = Path(path)
        writable_folder(self.path.parent)
        try:
            self._file: IO[bytes] = self.path.open("a+b")
        except OSError as error:
            raise ResultsError(f"Cannot write {self.path}: {error}.") from error
        try:
            _lock(self._file, self.path)
            self.rows = self._read()
        except ResultsError:
            self._file.close()
            raise

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; when this returns it has reached the disk.

        Raises:
            ResultsError: It has not.
        """
        line = json.dumps(row, allow_nan=False)
        self.rows.append(json.loads(line))  # the same, to whoever reads it from here or from disk
        try:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritten(self.path, error) from error

    def __enter__(self) -> RowFile:
        """Return the file itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file, which unlocks it."""
        try:
            self._file.close()
        except OSError as failure:  # what could not be written before cannot be written now
            if error is None:
                raise unwritten(self.path, failure) from failure

    def _read(self) -> list[Row]:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        self._file.truncate(whole)  # what follows is a row that a killed run did not finish
        return parse_rows(content[:whole].decode(), self.path)


def read_rows(path: str | Path) -> list[Row]:
    """Return the rows of a file that may still be written to; an unfinished last line is left out.

    Raises:
        ResultsError: There is no such file, or it holds something else.
    """
    path = Path(path)
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"Cannot read {path}: {error}.") from error
    return parse_rows(content[: content.rfind("\n") + 1], path)


def parse_rows(text: str, path: Path) -> list[Row]:
    """Return the rows in ``text``; ``path`` is for the error."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ResultsError(f"{path}, line {number}, is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise ResultsError(f"{path}, line {number}, is not a row but {line[:60]!r}.")
        rows.append(row)
    return rows


def write_rows(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSONL file, whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def export(file: RowFile) -> None:
    """Write the last row of each key as Parquet beside ``file``, if pyarrow is installed."""
    if find_spec("pyarrow") is not None:
        last = {row.get("key"): row for row in file.rows}
        write_parquet(file.path.with_suffix(".parquet"), last.values())


def write_parquet(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as a Parquet file, whole or not at all; nested values become JSON text.

    Raises:
        MissingPackageError: pyarrow is not installed.
    """
    arrow = require("pyarrow", extra="bench")
    parquet = require("pyarrow.parquet", extra="bench")
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    with atomic_path(path) as partial:
        parquet.write_table(arrow.table(columns), partial)


def _column(values: list[Any]) -> list[Any]:
    """Return one column's values, as JSON text where they are nested, or text among numbers."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float, bool} or kinds <= {str}:
        return values
    return [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ResultsError(
            f"Another run is writing to {path}. Wait for it, or choose another --out."
        ) from error
