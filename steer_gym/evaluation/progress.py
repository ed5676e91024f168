"""How far an evaluation is, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from .rows import Row

LINE_EVERY_S = 10.0
"""Where nobody watches a terminal, a line now and then is enough."""


class Progress:
    """Counts episodes and says how many are left, and how long they will take."""

    def __init__(
        self,
        *,
        done: int,
        total: int,
        left_s: Callable[[], float | None] = lambda: None,
        quiet: bool = False,
    ) -> None:
        """Begin with ``done`` episodes of an earlier run; ``left_s`` tells a budget's rest."""
        self.done, self.total = done, total
        self._left_s = left_s
        self._quiet, self._live = quiet, sys.stderr.isatty()
        self._started = self._shown = time.monotonic()
        self._before, self._steps, self._solved, self._crashed = done, 0, 0, 0
        if not quiet and done:
            print(f"{done} of {total} episodes are there from before.", file=sys.stderr)

    def episode(self, row: Row, *, retries: int = 0) -> None:
        """Count an episode that ended, but for a crash that is tried again at once."""
        self.done += row["error"] is None or row.get("attempt", 1) > retries
        self._steps += row["steps"]
        self._solved += bool(row["success"])
        self._crashed += row["error"] is not None
        self.tick()

    def tick(self) -> None:
        """Show the line, if it is time."""
        now = time.monotonic()
        if not self._quiet and now - self._shown > (0.2 if self._live else LINE_EVERY_S):
            self._shown = now
            start, end = ("\r\x1b[K", "") if self._live else ("", "\n")
            print(f"{start}{self.line(now)}", end=end, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Show the last line and end it."""
        if not self._quiet and self.done > self._before:
            start = "\r\x1b[K" if self._live else ""
            print(f"{start}{self.line(time.monotonic())}", file=sys.stderr, flush=True)

    def line(self, now: float) -> str:
        """Return the line."""
        new, spent = self.done - self._before, now - self._started
        parts = [f"{self.done} of {self.total} episodes"]
        if new:
            parts.append(f"solved {self._solved} of the last {new}")
            parts.append(f"{self._steps / spent:.0f} steps/s")
        if self._crashed:
            parts.append(f"{self._crashed} crashed")
        needed = (self.total - self.done) * spent / new if new else None
        left = min((s for s in (needed, self._left_s()) if s is not None), default=None)
        parts.append(f"{duration(spent)}" + (f", {duration(left)} left" if left else ""))
        return " | ".join(parts)


def duration(seconds: float) -> str:
    """Return a duration for people, such as ``"2 min 05 s"``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
