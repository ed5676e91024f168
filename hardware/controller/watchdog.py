"""The RTDE watchdog: how long a client may be silent while its program plays."""

from __future__ import annotations


class Watchdog:
    """Armed by the program (``rtde_set_watchdog``), disarmed by its end."""

    def __init__(self) -> None:
        self._period_s: float | None = None
        self._heard_s = 0.0

    def arm(self, frequency_hz: float, now_s: float) -> None:
        """Expect to hear this often; 0 trips at once, as URSim does."""
        self._period_s = 1.0 / frequency_hz if frequency_hz > 0 else 0.0
        self._heard_s = now_s

    def disarm(self) -> None:
        """Expect nothing."""
        self._period_s = None

    def heard(self, now_s: float) -> None:
        """Take note of a client's write."""
        self._heard_s = now_s

    def silent_s(self, now_s: float) -> float | None:
        """Return how long the silence has been, if that is too long."""
        silence = now_s - self._heard_s
        too_long = self._period_s is not None and silence > self._period_s + 1e-9
        return silence if too_long else None
