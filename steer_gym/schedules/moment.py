"""What a schedule sees of an episode when the policy looks: time, tool, observation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import ObservationError, UnknownNameError
from steer_gym.observation import GRIPPER, TCP_POSE, Observation


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """One look at one row."""

    step: int
    """Control steps executed in the episode so far."""
    time_s: float
    """Time in the episode so far [s], by the environment's clock where it tells it in
    ``info["time_s"]``, else by the control rate; ``Scheduled`` goes by the control rate always."""
    elapsed_s: float
    """Time since the look before [s]; 0 at the first look."""
    observation: Observation
    """A single one."""
    tcp_before: NDArray[np.float64] | None
    """``tcp_pose`` at the look before; ``None`` at the first."""

    def measure(self, quantity: str) -> float | None:
        """Return one of ``QUANTITIES``; ``None``: it cannot be known yet.

        Raises:
            ObservationError: It is missing, or not finite.
        """
        value = QUANTITIES[quantity](self)
        if value is not None and not math.isfinite(value):
            raise ObservationError(
                f"A schedule measures {quantity}, but it is {value} at step {self.step}."
            )
        return value

    def observed(self, key: str) -> NDArray[np.float64]:
        """Return numbers of the observation.

        Raises:
            ObservationError: The key is missing.
        """
        if key not in self.observation:
            raise ObservationError(
                f"A schedule needs {key!r}, but the observation holds {sorted(self.observation)}."
            )
        return np.asarray(self.observation[key], np.float64)


def _speed(moment: Moment) -> float | None:
    position = moment.observed(TCP_POSE)[:3]
    if moment.tcp_before is None or moment.elapsed_s == 0:
        return None
    return float(np.linalg.norm(position - moment.tcp_before[:3])) / moment.elapsed_s


QUANTITIES: dict[str, Callable[[Moment], float | None]] = {
    "x_m": lambda moment: float(moment.observed(TCP_POSE)[0]),
    "y_m": lambda moment: float(moment.observed(TCP_POSE)[1]),
    "height_m": lambda moment: float(moment.observed(TCP_POSE)[2]),
    "speed_m_s": _speed,
    "gripper": lambda moment: float(moment.observed(GRIPPER)[0]),
}
"""What schedules can measure, by name: the tool's position in the base frame [m], its mean speed
since the look before [m/s], the first number of the gripper. Add your own."""


def require_quantity(name: str) -> None:
    """Refuse a quantity that cannot be measured."""
    if name not in QUANTITIES:
        raise UnknownNameError("quantity", name, QUANTITIES)
