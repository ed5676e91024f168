"""How old the controller's words are when they arrive, by its clock against ours."""

from __future__ import annotations

import time
from collections.abc import Callable

from steer_gym.robot import RobotError

_DRIFT = 1e-3
"""Most that the two clocks may drift apart, per second; quartz drifts a tenth of that."""


class Freshness:
    """The age of readings, above that of the freshest since the start.

    A stream that stands still grows old, and so does one that arrives ever later: a link that
    queues. What the freshest reading took on its way is not seen; one clock cannot tell, and
    ``require_prompt`` asks before the arm may move.
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


def require_prompt(ask: Callable[[], object], stale_s: float, watchdog_hz: float) -> None:
    """Refuse a link that is always slow: no reading is older than one way there and back.

    So long, too, is the silence between the watchdog's arming and the first setpoint.

    Args:
        ask: A blocking call of ur_rtde. Right after another one it takes two round trips: until
            the program is seen to be ready for it, and until it is seen to be done.
        stale_s: How old a reading may be.
        watchdog_hz: How often the controller wants to hear from us.

    Raises:
        RobotError: Three calls in a row took longer; names the delay, and says what to do.
    """
    ask()
    there_and_back_s = min(_seconds(ask) for _ in range(3)) / 2.0
    if there_and_back_s > min(stale_s, 1.0 / watchdog_hz):
        raise RobotError(
            f"The link takes {there_and_back_s:.3f} s there and back, more than stale_s = "
            f"{stale_s:g} s or the watchdog's {1.0 / watchdog_hz:g} s, and does so lastingly: "
            "recovering or connecting anew does not help. Mend the network (a cable of its own, no "
            "other traffic) or relieve this computer; or connect with stale_s above it and "
            f"watchdog_hz below {0.8 / there_and_back_s:.1f}, if a stop that comes so late may be "
            "borne."
        )


def _seconds(call: Callable[[], object]) -> float:
    began_s = time.monotonic()
    call()
    return time.monotonic() - began_s
