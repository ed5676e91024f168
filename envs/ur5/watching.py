"""Ends an episode in which a policy acts wildly, or that takes too long."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from numbers import Integral, Real

from steer_gym.errors import EnvironmentOptionError

CLAMPED = "clamped"
OUT_OF_TIME = "out_of_time"


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What may happen in an episode before it is stopped; see the fields of ``UR5Options``."""

    max_clamped: float
    clamp_window: int
    max_seconds: float

    def __post_init__(self) -> None:
        """Refuse what allows nothing."""
        for name, kind, high, words in (
            ("max_clamped", Real, 1.0, "a share above 0, up to 1 (never stopped)"),
            ("clamp_window", Integral, float("inf"), "a positive number of steps"),
            ("max_seconds", Real, float("inf"), "above 0, or math.inf (never stopped)"),
        ):
            value = getattr(self, name)
            wrong = not isinstance(value, kind) or isinstance(value, bool)
            if wrong or not 0 < value <= high:
                raise EnvironmentOptionError(f"{name} must be {words}, but is {value!r}.")


class EpisodeWatch:
    """Watches one episode after the other.

    An environment is not told whether a policy is steered, so every episode is watched.
    """

    def __init__(self, allowance: Allowance) -> None:
        """Watch that no episode goes beyond ``allowance``."""
        self._allowance = allowance
        self.start()

    def start(self) -> None:
        """Begin an episode."""
        self.reason: str | None = None
        """``CLAMPED`` or ``OUT_OF_TIME``, once the episode has to end."""
        self.words = ""
        """What was seen, and what is allowed."""
        self._clamped: deque[bool] = deque(maxlen=self._allowance.clamp_window)

    def see(self, *, clamped: bool, time_s: float) -> None:
        """Take a step: whether limits changed its target, and the time since the beginning."""
        allowed = self._allowance
        self._clamped.append(clamped)
        number, window = sum(self._clamped), allowed.clamp_window
        if number > allowed.max_clamped * window:
            share = f"more than a share of {allowed.max_clamped:g}"
            self._end(CLAMPED, f"limits changed {number} of the last {window} targets, {share}")
        elif time_s > allowed.max_seconds:
            self._end(OUT_OF_TIME, f"{time_s:.1f} s are more than {allowed.max_seconds:g} s")

    def _end(self, reason: str, words: str) -> None:
        self.reason, self.words = reason, words
