"""A log of what was commanded, what the limits made of it, and what went wrong: JSON lines."""

from __future__ import annotations

import contextlib
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from steer_gym.errors import SteerGymError


class Journal:
    """Appends one line an event; with no path it does nothing.

    Each line has ``wall`` (seconds since 1970, for people), ``time_s`` (the controller's clock,
    for everything else) and ``event``; a ``command`` line holds the target as asked and as
    accepted, so that a run can be replayed.

    A file that cannot be written, on a full disk for example, is warned of once and given up: the
    robot needs no journal to be stopped.
    """

    def __init__(self, path: str | Path | None) -> None:
        """Open the file; raises ``SteerGymError`` when it cannot be."""
        try:
            self._file = Path(path).open("a", buffering=1) if path else None  # noqa: SIM115
        except OSError as error:
            raise SteerGymError(
                f"The journal {path} cannot be opened: {error}. Give a file in a folder that "
                "exists."
            ) from error

    @property
    def written(self) -> bool:
        """Tell whether there is a file, so that an event is worth its words."""
        return self._file is not None

    def write(self, event: str, time_s: float, **facts: Any) -> None:
        """Append one event."""
        if not self._file:
            return
        line = {"wall": round(time.time(), 3), "time_s": time_s, "event": event, **facts}
        try:
            self._file.write(json.dumps(line, default=_plain) + "\n")
        except OSError as error:
            name = self._file.name
            self.close()
            warnings.warn(f"The journal {name} ends before {event!r}: {error}", stacklevel=2)

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file:
            # What could not be written before is tried once more.
            with contextlib.suppress(OSError):
                file.close()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} does not go into the journal.")
