"""A budget of time, spent on whole sets of conditions so that comparisons stay paired."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from .grid import Cell


class Budget:
    """Says which cells may still start.

    The conditions of one task and initial state are a set, played one after the other in one
    environment. A set begins only if, at the pace so far, it would end in time; one that has begun
    goes on until time is up.
    """

    def __init__(
        self,
        seconds: float | None,
        conditions: int,
        envs: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the clock.

        Args:
            seconds: From now on; ``None``: no limit.
            conditions: How many cells a set has.
            envs: How many environments play side by side.
            clock: Seconds that only grow.
        """
        self._clock, self._turns = clock, conditions * envs
        self._end = math.inf if seconds is None else clock() + seconds
        self._first: float | None = None
        self._started = 0
        self._begun: dict[tuple[object, object], bool] = {}

    def may_start(self, cell: Cell) -> bool:
        """Tell whether ``cell`` may start, and take it for started if so."""
        now = self._clock()
        self._first = now if self._first is None else self._first
        place = cell.task, cell.init_state
        if place not in self._begun:
            self._begun[place] = self._has_room(now, now - self._first)
        may = self._begun[place] and now < self._end
        self._started += may
        return may

    def left_s(self) -> float | None:
        """Return the seconds that are left, or ``None`` where there is no limit."""
        return None if math.isinf(self._end) else max(0.0, self._end - self._clock())

    def _has_room(self, now: float, spent: float) -> bool:
        pace = spent / self._started if self._started else 0.0
        return now + pace * self._turns <= self._end
