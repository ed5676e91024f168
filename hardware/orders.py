"""Orders for a gripper that are given before they are due."""

from __future__ import annotations

import threading


class Orders:
    """What the gripper is to do, and when, on one clock; any thread may ask."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._held: list[tuple[float, float]] = []

    def add(self, opening: float, due_s: float) -> None:
        """Go to ``opening`` at ``due_s``; what would have been due later is out of date."""
        with self._turn:
            earlier = [order for order in self._held if order[0] < due_s]
            self._held = [*earlier, (due_s, opening)]

    def take(self, now_s: float) -> float | None:
        """Return the newest opening that is due and has not been taken, if there is one."""
        with self._turn:
            due = [opening for due_s, opening in self._held if due_s <= now_s]
            self._held = self._held[len(due) :]
        return due[-1] if due else None

    def next_s(self) -> float | None:
        """Return when the next one is due."""
        with self._turn:
            return self._held[0][0] if self._held else None

    def forget(self) -> None:
        """Take back what has not been taken."""
        with self._turn:
            self._held = []
