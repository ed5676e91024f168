"""A log of what was commanded, what the limits made of it, and what went wrong: JSON lines."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np


class Journal:
    """Appends one line an event; with no path it does nothing.

    Each line has ``wall`` (seconds since 1970, for people), ``time_s`` (the controller's clock,
    for everything else) and ``event``; a ``command`` line holds the target as asked and as
    accepted, so that a run can be replayed.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._file = Path(path).open("a", buffering=1) if path else None  # noqa: SIM115

    @property
    def written(self) -> bool:
        """Tell whether there is a file, so that an event is worth its words."""
        return self._file is not None

    def write(self, event: str, time_s: float, **facts: Any) -> None:
        """Append one event."""
        if self._file:
            line = {"wall": round(time.time(), 3), "time_s": time_s, "event": event, **facts}
            self._file.write(json.dumps(line, default=_plain) + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} does not go into the journal.")
