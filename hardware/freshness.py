"""How old the controller's words are when they arrive, by its clock against ours."""

from __future__ import annotations

_DRIFT = 1e-3
"""Most that the two clocks may drift apart, per second; quartz drifts a tenth of that."""


class Freshness:
    """The age of readings, above that of the freshest since the start.

    A stream that stands still grows old, and so does one that arrives ever later: a link that
    queues. What the freshest reading took on its way is not seen; one clock cannot tell.
    """

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._time_s = self._now_s = 0.0

    def age_s(self, time_s: float, now_s: float) -> float:
        """Take a reading of the controller's clock, and return how old it is [s]."""
        offset = now_s - time_s
        went_back = time_s < self._time_s
        if self._offset_s is None or went_back:
            self._offset_s = offset
        else:
            self._offset_s = min(offset, self._offset_s + _DRIFT * (now_s - self._now_s))
        self._time_s, self._now_s = time_s, now_s
        return offset - self._offset_s
