"""What a benchmark has come to so far: its rows, their steps, its pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from steer_gym.episode import Step
from steer_gym.errors import ResultsError
from steer_gym.evaluation.rows import Row, read_rows, write_parquet
from steer_gym.evaluation.runner import EPISODES
from steer_gym.evaluation.steps import read_steps

from .columns import IDENTITY
from .equal import equal_pair
from .folders import shard_folder
from .plan import Benchmark
from .plan_file import load_benchmark
from .shards import shards

PLAN = "benchmark.json"
"""Name of the plan in the folder of a benchmark."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """The folder of a benchmark, read once."""

    folder: Path
    benchmark: Benchmark
    rows: tuple[Row, ...]
    """The latest row of every cell that has one, in the order of the plan."""

    @classmethod
    def read(cls, folder: str | Path, benchmark: Benchmark | None = None) -> Results:
        """Read a folder that a benchmark was run into, whole or in part.

        Args:
            folder: The ``out`` of the run.
            benchmark: Whose rows are meant; ``None``: the folder's own.

        Raises:
            SteerGymError: It is no such folder.
        """
        folder = Path(folder)
        if not (folder / PLAN).is_file():
            raise ResultsError(f"{folder} holds no {PLAN}; give the --out of a benchmark.")
        benchmark = benchmark or load_benchmark(folder / PLAN)
        return cls(folder=folder, benchmark=benchmark, rows=tuple(_rows(folder, benchmark)))

    @property
    def whole(self) -> bool:
        """Tell whether every cell has ended."""
        return sum(row["error"] is None for row in self.rows) == self.benchmark.episodes

    def steps(self, row: Row) -> list[Step]:
        """Return the steps of a row's episode."""
        return read_steps(self.folder_of(row), row["key"])

    def pairs(self) -> list[Row]:
        """Return each ended episode with its baseline's, over the steps that both have.

        See ``columns.EQUAL``. Crashed episodes and those without a baseline are left out.
        """
        ended = [row for row in self.rows if row["error"] is None]
        base = {_place(row): row for row in ended if row["condition"] == row["baseline"]}
        beside: dict[tuple[object, ...], list[Row]] = {place: [] for place in base}
        for row in ended:
            if row["condition"] != row["baseline"] and _place(row) in base:
                beside[_place(row)].append(row)
        return [pair for place, rows in beside.items() for pair in self._pairs(base[place], rows)]

    def write_tables(self) -> None:
        """Write ``episodes.parquet`` and ``pairs.parquet`` into the folder."""
        write_parquet(self.folder / "episodes.parquet", self.rows)
        write_parquet(self.folder / "pairs.parquet", self.pairs())

    def _pairs(self, baseline: Row, rows: Sequence[Row]) -> Iterator[Row]:
        theirs = self.steps(baseline) if rows else []
        for row in rows:
            mine = self.steps(row)
            yield {
                **{name: row.get(name) for name in IDENTITY},
                "baseline_key": baseline["key"],
                "equal_steps": min(len(mine), len(theirs)),
                **(equal_pair(mine, theirs, row["convention"]) or {}),
            }

    def folder_of(self, row: Row) -> Path:
        """Return the folder of a row's steps and film."""
        return self.folder / shard_folder(row["policy_label"], row["suite"], row["task"])


def _rows(folder: Path, benchmark: Benchmark) -> list[Row]:
    found: list[Row] = []
    for shard in shards(benchmark):
        path = folder / shard.folder / EPISODES
        latest = {row["key"]: row for row in (read_rows(path) if path.exists() else [])}
        found += _ordered(list(latest.values()), shard.suite.init_states, benchmark)
    return found


def _ordered(
    rows: Sequence[Row], init_states: Sequence[int | None], benchmark: Benchmark
) -> list[Row]:
    """Return the rows that the plan asks for, in its order."""
    places = {
        (init_state, treatment.name): None
        for init_state in init_states
        for treatment in benchmark.conditions
    }
    known = {(row["init_state"], row["condition"]): row for row in rows}
    return [known[place] for place in places if place in known]


def _place(row: Row) -> tuple[object, ...]:
    return row["policy_label"], row["suite"], row["task"], row["init_state"]
