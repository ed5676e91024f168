"""What is to happen at which time of the controller."""

from __future__ import annotations

from collections.abc import Callable


class Agenda:
    """Calls that are due later."""

    def __init__(self) -> None:
        self._calls: list[tuple[float, Callable[[], None]]] = []

    def add(self, when_s: float, call: Callable[[], None]) -> None:
        """Put down a call."""
        self._calls.append((when_s, call))

    def call_due(self, now_s: float) -> None:
        """Make every call whose time has come."""
        due = [call for when_s, call in self._calls if when_s <= now_s]
        self._calls = [item for item in self._calls if item[0] > now_s]
        for call in due:
            call()
