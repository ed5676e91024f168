"""Progress of other processes is read from the rows that they write."""

from __future__ import annotations

import json
from pathlib import Path

from steer_gym.benchmark import Benchmark
from steer_gym.benchmark.watching import Watcher
from steer_gym.benchmark.work import Job
from steer_gym.evaluation.progress import Progress

GOOD = {"steps": 5, "success": True, "error": None, "attempt": 1}
CRASHED = {"steps": 2, "success": None, "error": "it broke", "attempt": 1}


def append(path: Path, *rows: object, torn: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows) + torn)


def test_only_new_rows_count_and_crashes_when_they_are_final(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    jobs = [Job(benchmark=benchmark, number=n, out=tmp_path, retries=1) for n in (0, 1)]
    append(jobs[0].rows_file, GOOD)
    progress = Progress(done=1, total=30, quiet=True)
    watcher = Watcher(jobs, progress)
    watcher.look()
    assert progress.done == 1
    append(jobs[0].rows_file, GOOD, torn='{"steps": ')
    append(jobs[1].rows_file, CRASHED)
    watcher.look()
    watcher.look()
    assert progress.done == 2  # the crash is tried again
    append(jobs[1].rows_file, {**CRASHED, "attempt": 2}, GOOD)
    watcher.look()
    assert progress.done == 4
