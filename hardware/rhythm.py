"""The servo's rhythm: when its next cycle is due, and how evenly the last ones came."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_KEPT = 5000


class Rhythm:
    """Cycles at an even pace, on the monotonic clock or one that is given."""

    def __init__(
        self,
        dt_s: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Begin now; a cycle is due every ``dt_s`` seconds."""
        self.periods: deque[float] = deque(maxlen=_KEPT)
        """From each cycle to the next [s], the last 5000."""
        self._dt_s = dt_s
        self._now = now
        self._sleep = sleep
        self.restart()

    def restart(self) -> None:
        """Begin anew: what has just taken its time, as arming does, was no cycle."""
        self._due_s = self._last_s = self._now()
        self.periods.clear()

    def wait(self) -> None:
        """Sleep until the next cycle is due."""
        self._due_s += self._dt_s
        self._sleep(max(0.0, self._due_s - self._now()))
        now = self._now()
        # Lost time is not made up for: a burst of setpoints would be a burst of speed.
        if now - self._due_s > self._dt_s:
            self._due_s = now
        self.periods.append(now - self._last_s)
        self._last_s = now
