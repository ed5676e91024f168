"""How evenly the controller's readings arrive: arming asks for it, and ``ur-check`` tells it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

WINDOW_S = 0.5
"""What is judged: this much of the controller's time, up to the newest reading."""
SHARE = 0.9
"""Of the wanted rate that has to arrive."""


@dataclass(frozen=True, kw_only=True)
class StreamReport:
    """What arrived in a window, by the controller's clock."""

    rate_hz: float
    """Readings a second; 0 without two of them."""
    gap_s: float
    """Longest time between two readings."""
    span_s: float
    """Time between the first reading and the last."""

    def trouble(self, wanted_hz: float) -> str:
        """Return what is wrong with the stream and what to do, or an empty text."""
        if self.span_s < WINDOW_S:
            return (
                f"the stream of readings covers {self.span_s:.2f} s, and {WINDOW_S:g} s are judged "
                "before arming; see whether the controller runs and the cable is in"
            )
        if self.rate_hz < SHARE * wanted_hz:
            return (
                f"the stream of readings brings {self.rate_hz:.1f} Hz, longest gap "
                f"{self.gap_s * 1e3:.0f} ms; {wanted_hz:g} Hz are wanted, and at least {SHARE:.0%} "
                "of that for half a second. Take a cable without a switch, end what else this "
                "computer does, or ask for a lower rate_hz (125 on a CB3)"
            )
        return ""


class Stream:
    """Remembers when the controller said the last half second of readings."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque()

    def hear(self, time_s: float) -> None:
        """Take a reading's time on the controller's clock [s]; the same one again is none."""
        times = self._times_s
        if times and time_s < times[-1]:
            times.clear()  # a controller that started anew
        if not times or time_s > times[-1]:
            times.append(time_s)
        while len(times) > 1 and times[-1] - times[1] >= WINDOW_S:
            times.popleft()

    def report(self) -> StreamReport:
        """Return what arrived; another thread may listen meanwhile."""
        times = np.array(list(self._times_s))
        gaps = np.diff(times)
        if len(gaps) == 0:
            return StreamReport(rate_hz=0.0, gap_s=0.0, span_s=0.0)
        span_s = float(times[-1] - times[0])
        return StreamReport(rate_hz=len(gaps) / span_s, gap_s=float(gaps.max()), span_s=span_s)
