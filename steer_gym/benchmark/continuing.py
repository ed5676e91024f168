"""Whether a plan may go on in a folder: what both plans name must mean the same in both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steer_gym.errors import ResultsError
from steer_gym.evaluation.runner import EPISODES

from .plan import Benchmark
from .plan_file import load_benchmark, save_benchmark
from .results import PLAN

WIDENED = ("tasks", "init_states")
"""Of a suite: may grow and shrink, since every row names its own."""
OF_ALL = ("seed", "envs", "measure_steering")
"""Of a plan: what all its rows depend on."""


def keep_plan(benchmark: Benchmark, folder: Path) -> None:
    """Write the plan beside the results.

    Raises:
        ResultsError: See ``require_same_meaning``.
    """
    require_same_meaning(benchmark, folder)
    save_benchmark(benchmark, folder / PLAN)


def require_same_meaning(benchmark: Benchmark, folder: Path) -> None:
    """Refuse a folder whose rows would be taken for those of another plan.

    Rows are found by the names of policy, suite and condition. What only one of the plans names
    widens or narrows it, and is allowed.

    Raises:
        ResultsError: A name means something else, what all rows depend on differs, or there are
            rows that no plan explains.
    """
    if not (folder / PLAN).is_file():
        _require_no_rows(folder)
        return
    old, new = _meanings(load_benchmark(folder / PLAN)), _meanings(benchmark)
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
