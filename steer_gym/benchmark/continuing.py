"""Whether a plan may go on in a folder: what plans name must mean the same in all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from steer_gym.errors import ResultsError
from steer_gym.evaluation.rows import RowFile, read_rows
from steer_gym.evaluation.runner import EPISODES

from .plan import Benchmark
from .plan_file import load_benchmark, save_benchmark
from .results import PLAN

HISTORY = "plans.jsonl"
"""Name of the file of all plans that were run into a folder; who runs one holds it."""
WIDENED = ("tasks", "init_states")
"""Of a suite: may grow and shrink, since every row names its own."""
OF_ALL = ("seed", "envs", "measure_steering")
"""Of a plan: what all its rows depend on."""


@contextmanager
def kept_plan(benchmark: Benchmark, folder: Path) -> Iterator[None]:
    """Write the plan beside the results, and hold the folder against every other run.

    Raises:
        ResultsError: Another run holds it; or see ``require_same_meaning``.
    """
    with RowFile(folder / HISTORY) as history:
        require_same_meaning(benchmark, folder)
        plan = json.loads(json.dumps(benchmark.to_json()))
        if plan not in history.rows:
            history.append(plan)
        save_benchmark(benchmark, folder / PLAN)
        yield


def require_same_meaning(benchmark: Benchmark, folder: Path) -> None:
    """Refuse a folder whose rows would be taken for those of another plan.

    Rows are found by the names of policy, suite and condition. What only some plans name widens or
    narrows them, and is allowed; a name that an earlier plan used keeps its meaning, though a later
    one left it out.

    Raises:
        ResultsError: A name means something else, what all rows depend on differs, or there are
            rows that no plan explains.
    """
    if not (folder / PLAN).is_file():
        _require_no_rows(folder)
        return
    for earlier in _earlier(folder):
        _require_same(folder, _meanings(earlier), _meanings(benchmark))


def _require_same(
    folder: Path, old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> None:
    for what in [each for each in old if each in new]:
        for field in sorted(old[what].keys() | new[what].keys()):
            before, now = (json.dumps(each[what].get(field)) for each in (old, new))
            if before != now:
                raise ResultsError(
                    f"{folder} was begun with {field} {before} {what}, not {now}; its rows would "
                    "be taken for what they are not. Choose another --out, or the same plan."
                )


def _require_no_rows(folder: Path) -> None:
    found = next((file for file in sorted(folder.rglob(EPISODES)) if file.stat().st_size), None)
    if found is not None:
        raise ResultsError(
            f"{folder} holds episodes ({found.relative_to(folder)}) but no {PLAN} that says what "
            "they are of. Choose another --out, or put their plan back."
        )


def _earlier(folder: Path) -> list[Benchmark]:
    """Return the plans that were run into a folder, the present one last."""
    history = folder / HISTORY
    plans = read_rows(history) if history.is_file() else []
    return [*map(Benchmark.from_json, plans), load_benchmark(folder / PLAN)]


def _meanings(benchmark: Benchmark) -> dict[str, Mapping[str, Any]]:
    """Return what each name of a plan stands for."""
    data = json.loads(json.dumps(benchmark.to_json(), sort_keys=True))
    suites = [{k: v for k, v in each.items() if k not in WIDENED} for each in data["suites"]]
    return {
        "in the plan": {field: data[field] for field in OF_ALL},
        **{f"in policy {each['label']!r}": each for each in data["policies"]},
        **{f"in suite {each['name']!r}": each for each in suites},
        **{f"in condition {each['name']!r}": each for each in data["conditions"]},
    }
