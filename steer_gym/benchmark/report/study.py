"""What a folder of results holds: one study for each policy in each suite."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from steer_gym.episode import Step
from steer_gym.errors import ResultsError
from steer_gym.evaluation.rows import Row, read_rows
from steer_gym.evaluation.runner import EPISODES
from steer_gym.evaluation.steps import has_steps, read_steps
from steer_gym.extras import require

from ..equal import equal_pair
from ..results import PLAN, Results
from .roles import Role, roles

PAIRS = "pairs.parquet"
SETTINGS = ("seed", "policy", "env_options")
"""Columns in which the rows of a study are equal."""
Place = tuple[Any, Any]
"""Task and initial state: what is paired."""
Found = Sequence[tuple[Row, Path]]
"""Rows, each with the folder of its steps and film."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """The episodes of one policy in one suite."""

    policy: str
    suite: str
    rows: tuple[Row, ...]
    """The last row of every cell."""
    folders: Mapping[str, Path]
    """Key of a row -> folder of its steps and film."""
    kept_pairs: Mapping[str, Row]
    """Key of a row -> the measures of it and its baseline over the steps that both have, where a
    benchmark has written them."""

    @property
    def name(self) -> str:
        """Return policy and suite."""
        return f"{self.policy} in {self.suite}"

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Return every condition's role, by name."""
        return roles(self.rows)

    @cached_property
    def baseline(self) -> str:
        """Return the name of the condition that others are compared with."""
        return next(name for name, role in self.roles.items() if role.kind == "baseline")

    @cached_property
    def ended(self) -> dict[str, dict[Place, Row]]:
        """Return, by condition and place, the episodes that did not crash."""
        found: dict[str, dict[Place, Row]] = {name: {} for name in self.roles}
        for row in self.rows:
            if row["error"] is None:
                found[row["condition"]][row["task"], row["init_state"]] = row
        return found

    @cached_property
    def equal(self) -> dict[tuple[str, Place], Row]:
        """Return, by condition and place, measures over the steps that both of a pair have."""
        found: dict[tuple[str, Place], Row] = {}
        for name, episodes in self.ended.items():
            for place, row in episodes.items():
                other = self.ended[self.baseline].get(place)
                if other is not None and name != self.baseline:
                    kept = self.kept_pairs.get(row["key"]) or self._cut(row, other)
                    found |= {} if kept is None else {(name, place): kept}
        return found

    def steps(self, row: Row) -> list[Step]:
        """Return the steps of an episode; none where they were not kept."""
        folder = self.folders[row["key"]]
        return read_steps(folder, row["key"]) if has_steps(folder, row["key"]) else []

    def film(self, row: Row) -> Path | None:
        """Return the film of an episode, if there is one."""
        film = self.folders[row["key"]] / "films" / f"{row['key']}.mp4"
        return film if film.is_file() else None

    def crashed(self, condition: str) -> int:
        """Return how many episodes of a condition crashed."""
        return sum(r["condition"] == condition and r["error"] is not None for r in self.rows)

    def of_kind(self, *kinds: str) -> list[Role]:
        """Return the conditions of some kinds, in order."""
        return [role for role in self.roles.values() if role.kind in kinds]

    def _cut(self, row: Row, other: Row) -> Row | None:
        if "convention" not in row:  # rows from before conventions were kept
            return None
        return equal_pair(self.steps(row), self.steps(other), row["convention"])


def read_studies(folder: str | Path) -> list[Study]:
    """Return the studies under ``folder``: of each benchmark what its plan asks for, else all.

    Studies of several benchmarks stay apart; where policy and suite are the same, the suite's name
    tells the benchmark's folder too.

    Raises:
        ResultsError: There are no episodes, or those of one study differ in ``SETTINGS``.
    """
    folder = Path(folder)
    studies = [(home, study) for home, found in _homes(folder) for study in _studies(home, found)]
    if not studies:
        raise ResultsError(
            f"{folder} holds no episodes: there is no {EPISODES} with rows in it or below it. Give "
            "the --out of a benchmark, of `steer-gym eval` or of `steer-gym demo`."
        )
    same = Counter(study.name for _, study in studies)
    return [
        study
        if same[study.name] == 1 or home == folder
        else replace(study, suite=f"{study.suite} ({home.relative_to(folder).as_posix()})")
        for home, study in studies
    ]


def _homes(folder: Path) -> Iterator[tuple[Path, Found]]:
    """Yield the folder of each benchmark with its rows, then ``folder`` with those of none."""
    plans = {file.parent for file in folder.rglob(PLAN)}
    for home in sorted(plans):
        results = Results.read(home)
        yield home, [(row, results.folder_of(row)) for row in results.rows]
    files = sorted(file for file in folder.rglob(EPISODES) if plans.isdisjoint(file.parents))
    yield folder, [(row, file.parent) for file in files for row in read_rows(file)]


def _studies(home: Path, found: Found) -> Iterator[Study]:
    rows: dict[tuple[str, str], dict[str, Row]] = {}
    folders: dict[tuple[str, str], dict[str, Path]] = {}
    for row, its in found:
        rows.setdefault(_names(row), {})[row["key"]] = row
        folders.setdefault(_names(row), {})[row["key"]] = its
    _require_same_settings(found)
    pairs = _kept_pairs(home / PAIRS)
    for (policy, suite), own in rows.items():
        yield Study(
            policy=policy,
            suite=suite,
            rows=tuple(own.values()),
            folders=folders[policy, suite],
            kept_pairs=pairs.get((policy, suite), {}),
        )


def _require_same_settings(found: Found) -> None:
    """Refuse rows of one study of which more than the steering differs: they would be paired."""
    first: dict[tuple[str, str], tuple[Row, Path]] = {}
    for row, its in found:
        other, there = first.setdefault(_names(row), (row, its))
        for name in SETTINGS:
            if name in row and name in other and row[name] != other[name]:
                raise ResultsError(
                    f"The episodes of {' in '.join(_names(row))} differ in {name}: "
                    f"{json.dumps(other[name])} in {there}, {json.dumps(row[name])} in "
                    f"{its}. They would be paired as if only steering differed; give a folder "
                    "that holds those of one."
                )


def _names(row: Row) -> tuple[str, str]:
    """Return what a study is called by: policy and suite."""
    last = row["env"].rpartition("/")[2].rpartition("-v")[0] or row["env"]
    policy = row.get("policy_label") or (row.get("policy") or {}).get("name")
    return str(policy), row.get("suite") or last


def _kept_pairs(path: Path) -> dict[tuple[str, str], dict[str, Row]]:
    found: dict[tuple[str, str], dict[str, Row]] = {}
    if path.is_file():
        parquet = require("pyarrow.parquet", extra="bench")
        for row in parquet.read_table(path).to_pylist():
            found.setdefault(_names(row), {})[row["key"]] = row
    return found
