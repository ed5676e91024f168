"""What happened, in the controller's own time: events, commands seen, extremes of the motion."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..poses import Array

STILL_M_S = 1e-3
"""Below this speed of the tool the arm counts as standing."""


class EventLog:
    """The last ten thousand events, and how often each command came in."""

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=10_000)
        self._commands: Counter[int] = Counter()
        self.listeners: list[Callable[[dict[str, Any]], None]] = []
        """Called with each event as it happens."""

    def add(self, time_s: float, kind: str, **facts: object) -> None:
        """Append an event."""
        event = {"time_s": round(time_s, 6), "kind": kind, **facts}
        self._events.append(event)
        for listener in self.listeners:
            listener(event)

    def count(self, command: int) -> None:
        """Count a write of the command register; 0 is a clear or a kick of the watchdog."""
        self._commands[command] += 1

    def since(self, time_s: float) -> list[dict[str, Any]]:
        """Return the events at or after ``time_s``."""
        return [event for event in self._events if event["time_s"] >= time_s]

    @property
    def commands(self) -> dict[str, int]:
        """Return command id (as text) -> times written."""
        return {str(command): count for command, count in sorted(self._commands.items())}


class Extremes:
    """How far, how fast and how hard the arm went, seen in every tick since the last ``clear``."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was seen."""
        self.lowest = np.full(3, np.inf)
        self.highest = np.full(3, -np.inf)
        self.tool_speed = 0.0
        self.joint_speed = 0.0
        self.force = 0.0
        self.late_s = 0.0
        """How late a tick was at most, in real time: for its clients, the arm stood so long."""
        self.moved_last_s: float | None = None

    def see(
        self,
        time_s: float,
        position: Array,
        *,
        tool_speed: float,
        joint_speed: float,
        force: float,
    ) -> None:
        """Take one tick: position (3,) [m], speeds [m/s] and [rad/s], force at the tool [N]."""
        self.lowest = np.minimum(self.lowest, position)
        self.highest = np.maximum(self.highest, position)
        self.tool_speed = max(self.tool_speed, tool_speed)
        self.joint_speed = max(self.joint_speed, joint_speed)
        self.force = max(self.force, force)
        if tool_speed >= STILL_M_S:
            self.moved_last_s = time_s

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data; positions are ``None`` before the first tick."""
        seen = bool(np.isfinite(self.lowest).all())
        return {
            "lowest": self.lowest.tolist() if seen else None,
            "highest": self.highest.tolist() if seen else None,
            "tool_speed": self.tool_speed,
            "joint_speed": self.joint_speed,
            "force": self.force,
            "late_s": self.late_s,
            "moved_last_s": self.moved_last_s,
        }
