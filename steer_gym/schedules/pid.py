"""Alpha by feedback: whatever brings a measured quantity to a target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from steer_gym.errors import ActConfigError
from steer_gym.steering import Steering

from .base import Dose, Schedule, finite
from .moment import Moment, require_quantity


@dataclass(frozen=True, kw_only=True)
class Pid(Schedule):
    """A PID controller: alpha = base + P e + I (sum of e) - D (rate of what is measured).

    ``e = target - measured``; alpha is that of every edit of the steering. The rate is taken of
    what is measured, so that a target causes no kick. While alpha stands at a limit the integral
    does not grow beyond it, so that it leaves the limit as soon as the error turns (anti-windup).

    An ``override`` has no dose that changes nothing: 0 is not what the neurons do by themselves.
    Where the controller must be able to let go, steer with ``operation="add"``, whose 0 is that.

    Gains come from the plant: let K be what one alpha adds to the quantity once it has settled, T
    the time that takes to show, ``smoothing_s`` included. Then the integral alone, at
    ``1 / (2 * K * T)``, follows a target with little overshoot; at twelve times that it swings.
    What no alpha within the limits brings about, no controller does: measure K first.

    >>> Pid(quantity="speed_m_s", target=0.2, integral=20.0, limits=(0.0, 6.0), smoothing_s=0.3)
    """

    quantity: str
    """One of ``QUANTITIES``."""
    target: float
    """In the quantity's unit."""
    limits: tuple[float, float]
    """Least and greatest alpha."""
    proportional: float = 0.0
    """Alpha per unit of the quantity; negative where more alpha gives less of it."""
    integral: float = 0.0
    """Alpha per unit and second."""
    derivative: float = 0.0
    """Alpha per unit a second."""
    base: float = 0.0
    """Alpha without error, and while nothing can be measured yet."""
    smoothing_s: float = 0.0
    """Time constant of a low pass on what is measured [s]; 0: none."""

    def __post_init__(self) -> None:
        """Refuse numbers that no controller can work with."""
        require_quantity(self.quantity)
        for field in ("target", "proportional", "integral", "derivative", "base"):
            object.__setattr__(self, field, finite(field, getattr(self, field)))
        object.__setattr__(self, "smoothing_s", finite("smoothing_s", self.smoothing_s, least=0))
        limits = tuple(self.limits) if isinstance(self.limits, Iterable) else (self.limits,)
        bounds = tuple(finite("A limit of alpha", limit) for limit in limits)
        if len(bounds) != 2 or bounds[0] > bounds[1]:
            raise ActConfigError(f"limits must be (least, greatest) alpha, but are {self.limits}.")
        object.__setattr__(self, "limits", bounds)
        if self.proportional == self.integral == self.derivative == 0:
            raise ActConfigError("A Pid needs proportional, integral or derivative other than 0.")

    def begin(self, steering: Steering) -> Dose:
        """See ``Schedule``."""
        return _Run(self, steering)


class _Run:
    """One episode of a controller."""

    def __init__(self, pid: Pid, steering: Steering) -> None:
        self._pid, self._steering = pid, steering
        self._sum = 0.0
        self._measured: float | None = None
        self._time_s = 0.0

    def __call__(self, moment: Moment) -> Steering:
        measured = moment.measure(self._pid.quantity)
        alpha = self._pid.base if measured is None else self._feedback(measured, moment)
        return self._steering.replace(alpha=float(np.clip(alpha, *self._pid.limits)))

    def _feedback(self, measured: float, moment: Moment) -> float:
        pid, rate = self._pid, 0.0
        if self._measured is not None:
            since_s = moment.time_s - self._time_s  # longer than elapsed_s after a pause
            change = 0.0  # where a clock stood
            if since_s > 0:
                change = (measured - self._measured) / (since_s + pid.smoothing_s)
            measured, rate = self._measured + change * since_s, change
        self._measured, self._time_s = measured, moment.time_s
        error = pid.target - measured
        gain = pid.integral * error * moment.elapsed_s
        alpha = pid.base + pid.proportional * error + self._sum + gain - pid.derivative * rate
        beyond = alpha - float(np.clip(alpha, *pid.limits))
        if beyond * gain <= 0:
            self._sum += gain
        return alpha
