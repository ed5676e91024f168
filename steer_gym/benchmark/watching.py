"""Progress of processes that write rows: their files are looked at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from steer_gym.evaluation.progress import Progress
from steer_gym.evaluation.rows import read_rows

from .work import Job


class Watcher:
    """Tells a ``Progress`` of every row that is new in the files of some jobs."""

    def __init__(self, jobs: Iterable[Job], progress: Progress) -> None:
        """Count what is there as known."""
        self._retries = {job.rows_file: job.retries for job in jobs}
        self._progress = progress
        self._sizes = dict.fromkeys(self._retries, 0)
        self._seen = {path: len(self._new(path)) for path in self._retries}

    def look(self) -> None:
        """Take what is new."""
        for path, retries in self._retries.items():
            rows = self._new(path)
            for row in rows[self._seen[path] :]:
                self._progress.episode(row, retries=retries)
            self._seen[path] = max(self._seen[path], len(rows))
        self._progress.tick()

    def _new(self, path: Path) -> list[dict[str, object]]:
        """Return all rows of a file that has grown, else none."""
        size = path.stat().st_size if path.exists() else 0
        if size == self._sizes[path]:
            return []
        self._sizes[path] = size
        return read_rows(path)
