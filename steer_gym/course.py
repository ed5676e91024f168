"""The course of one episode: from a config with a schedule to a plain one at every look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steer_gym.acting import ActConfig, seeded
from steer_gym.observation import TCP_POSE, Observation
from steer_gym.schedules import Moment


class Course:
    """Follows one row through one episode; begin a new one with every reset."""

    def __init__(self, config: ActConfig, *, rate_hz: float) -> None:
        """Begin an episode under ``config`` at a control rate of ``rate_hz``."""
        self.config = config
        self._rate_hz = rate_hz
        steering, schedule = config.steering, config.schedule
        self._dose = schedule.begin(steering) if schedule and steering else None
        self._told: tuple[int, ActConfig] | None = None
        self._time_s: float | None = None
        self._tcp: NDArray[np.float64] | None = None

    def at(self, step: int, observation: Observation, *, time_s: float | None = None) -> ActConfig:
        """Return the config of a look: no schedule, the steering of this moment, a seed of its own.

        Args:
            step: Control steps executed in the episode so far. The same step gets the same answer
                again; otherwise steps rise.
            observation: A single one.
            time_s: In the episode so far, by the environment's clock; ``None``: it tells no time,
                and steps are a period of the control rate apart. Told at every look or at none.

        Raises:
            ObservationError: What the schedule measures is missing, or not finite.
        """
        if self._told is None or self._told[0] != step:
            self._told = (step, seeded(self._dosed(step, time_s, observation), step))
        return self._told[1]

    def _dosed(self, step: int, time_s: float | None, observation: Observation) -> ActConfig:
        if self._dose is None:
            return replace(self.config, schedule=None)
        moment = Moment(
            step=step,
            time_s=step / self._rate_hz if time_s is None else time_s,
            elapsed_s=self._elapsed_s(step, time_s),
            observation=observation,
            tcp_before=self._tcp,
        )
        self._time_s = time_s
        steering = self._dose(moment)
        if TCP_POSE in observation:  # copied, since vector environments reuse their arrays
            self._tcp = np.array(observation[TCP_POSE], np.float64)
        return replace(self.config, steering=steering, schedule=None)

    def _elapsed_s(self, step: int, time_s: float | None) -> float:
        """Return the time since the look before; 0 at the first."""
        if self._told is None:
            return 0.0
        if time_s is None or self._time_s is None:
            return (step - self._told[0]) / self._rate_hz
        return time_s - self._time_s
