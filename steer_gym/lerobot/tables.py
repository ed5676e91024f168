"""The Parquet tables of a dataset: frames, episodes, tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require

from .features import video_keys
from .statistics import Summary, summarize


class FrameTable:
    """One row a frame."""

    def __init__(self) -> None:
        self._parts: dict[str, list[NDArray[Any]]] = {}
        self._length = 0

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._length

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Add the frames of one episode, frames first in every column."""
        for key, values in columns.items():
            self._parts.setdefault(key, []).append(values)
        self._length += len(next(iter(columns.values())))

    def statistics(self) -> dict[str, Summary]:
        """Return the statistics of every column over all frames."""
        return {key: summarize(np.concatenate(parts)) for key, parts in self._parts.items()}

    def write(self, path: Path, features: Mapping[str, Any]) -> None:
        """Write the table in the order of ``features``."""
        arrow = require("pyarrow", extra="bench")
        numbers = [key for key in features if key not in video_keys(features)]
        columns = {
            key: _column(np.concatenate(self._parts[key]), features[key]["dtype"])
            for key in numbers
        }
        _write(path, arrow.table(columns))


class EpisodeTable:
    """One row an episode: where its frames and videos are, and its statistics."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def __len__(self) -> int:
        """Return the number of episodes."""
        return len(self._rows)

    def add(
        self,
        *,
        episode_index: int,
        tasks: list[str],
        length: int,
        start: int,
        videos: Mapping[str, tuple[Mapping[str, int], float]],
        statistics: Mapping[str, Summary],
        notes: Mapping[str, Any],
    ) -> None:
        """Add an episode.

        Args:
            episode_index: From 0.
            tasks: Its instruction.
            length: Frames.
            start: Index of its first frame among all.
            videos: Camera -> chunk and file of its video, and the video's length [s].
            statistics: Of every column.
            notes: Further columns.
        """
        row: dict[str, Any] = {
            "episode_index": episode_index,
            "tasks": tasks,
            "length": length,
            "data/chunk_index": 0,
            "data/file_index": 0,
            "dataset_from_index": start,
            "dataset_to_index": start + length,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
        }
        for key, (place, length_s) in videos.items():
            row |= {f"videos/{key}/{name}": number for name, number in place.items()}
            row |= {f"videos/{key}/from_timestamp": 0.0, f"videos/{key}/to_timestamp": length_s}
        for key, summary in statistics.items():
            row |= {f"stats/{key}/{name}": values for name, values in summary.items()}
        self._rows.append(row | dict(notes))

    def write(self, path: Path) -> None:
        """Write the table."""
        _write(path, require("pyarrow", extra="bench").Table.from_pylist(self._rows))


def write_tasks(path: Path, tasks: Mapping[str, int]) -> None:
    """Write the table that pandas reads with the instruction as its index."""
    arrow = require("pyarrow", extra="bench")
    columns = {"task_index": list(tasks.values()), "task": list(tasks)}
    described = [
        _pandas("task_index", "task_index", "int64", "int64"),
        _pandas("task", "task", "unicode", "object"),
    ]
    pandas = {"index_columns": ["task"], "column_indexes": [], "columns": described}
    metadata = {b"pandas": json.dumps(pandas).encode()}
    _write(path, arrow.table(columns).replace_schema_metadata(metadata))


def _pandas(name: str, field: str, kind: str, numpy_kind: str) -> dict[str, Any]:
    described = {"name": name, "field_name": field, "pandas_type": kind, "numpy_type": numpy_kind}
    return {**described, "metadata": None}


def _column(values: NDArray[Any], kind: str) -> Any:
    arrow = require("pyarrow", extra="bench")
    element = arrow.type_for_alias(kind)
    flat = arrow.array(values.astype(kind).ravel(), element)
    if values.ndim == 1:
        return flat
    return arrow.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _write(path: Path, table: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    require("pyarrow.parquet", extra="bench").write_table(table, path)
