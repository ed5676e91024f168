"""Turns plans and measured poses into the steps of an episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steer_gym.acting import ActConfig
from steer_gym.episode import Episode, Step
from steer_gym.observation import INSTRUCTION, TCP_POSE, Observation
from steer_gym.policy import Plan


class EpisodeRecorder:
    """Records one episode; begin it with a reset, add every step, then finish it once."""

    def __init__(self, config: ActConfig, *, rate_hz: float) -> None:
        """Record an episode of a policy that acts under ``config`` at ``rate_hz``."""
        self._config = config
        self._steering = config.steering.digest if config.steering else ""
        self._rate_hz = rate_hz
        self._steps: list[Step] = []
        self._frames: list[NDArray[np.uint8]] = []
        self._start: tuple[float, ...] = ()
        self._time_s: float | None = None
        self._instruction = ""
        self._info: Mapping[str, Any] = {}

    def begin(self, observation: Observation, info: Mapping[str, Any]) -> None:
        """Take what ``reset`` returned; ``info["time_s"]`` is when, where the environment says so.

        Raises:
            ValueError: The pose is not finite.
        """
        self._instruction = observation[INSTRUCTION]
        self._info = info
        self._start = _finite(TCP_POSE, observation[TCP_POSE])
        self._time_s = info.get("time_s")

    def add(
        self,
        action: ArrayLike,
        tcp_pose: ArrayLike,
        reward: float,
        plan: Plan | None,
        row: int = 0,
        *,
        force_n: float | None = None,
        time_s: float | None = None,
        used: ActConfig | None = None,
    ) -> None:
        """Add one step.

        Args:
            action: What was commanded.
            tcp_pose: Measured after the step.
            reward: Of the step.
            plan: The plan that ``action`` begins; ``None`` for the later actions of its chunk.
            row: Of the plan.
            force_n: Norm of the measured force at the tool, where it is known.
            time_s: Of the environment's clock after the step, where it tells it; see ``begin``.
            used: The config of the look that the action comes from; ``None``: the episode's own.

        Raises:
            ValueError: A number is not finite; the step is not added.
        """
        before = self._steps[-1].tcp_pose if self._steps else self._start
        pose = _finite(TCP_POSE, tcp_pose)
        moved = float(np.linalg.norm(np.subtract(pose[:3], before[:3])))
        elapsed_s = self._elapsed_s(time_s)
        report = plan.steering[row] if plan is not None and plan.steering else None
        steering = (used or self._config).steering
        size = report.size if report else None
        valid = plan.valid[row] if plan is not None and plan.valid is not None else np.ones(0)
        self._steps.append(
            Step(
                command=_finite("the action", action),
                tcp_pose=pose,
                moved_m=moved,
                speed_m_s=moved * self._rate_hz if elapsed_s is None else moved / elapsed_s,
                reward=_finite("the reward", reward)[0],
                steering=self._steering if steering else "",
                alpha=steering.alpha if steering else None,
                neurons=report.neurons if report else 0,
                tokens=len(valid),
                invalid_tokens=int(len(valid) - np.sum(valid)),
                latency_s=plan.latency_s if plan is not None else 0.0,
                force_n=None if force_n is None else _finite("the force", force_n)[0],
                steering_size=size.mean if size else None,
                greatest_steering_size=size.greatest if size else None,
                elapsed_s=elapsed_s,
            )
        )
        self._time_s = time_s

    def _elapsed_s(self, time_s: float | None) -> float | None:
        """Return the time since the last step, or ``None`` where the clock is not told or stood."""
        if time_s is None or self._time_s is None:
            return None
        elapsed_s = _finite("the time", time_s - self._time_s)[0]
        return elapsed_s if elapsed_s > 0 else None

    def film(self, frames: Sequence[NDArray[np.uint8]]) -> None:
        """Keep pictures of the scene."""
        self._frames.extend(frames)

    def finish(self, success: bool | None, error: str | None = None) -> Episode:
        """Return the episode."""
        return Episode(
            steps=tuple(self._steps),
            success=success,
            error=error,
            instruction=self._instruction,
            start_pose=self._start,
            info=self._info,
            frames=tuple(self._frames),
        )


def _finite(name: str, values: ArrayLike) -> tuple[float, ...]:
    """Return numbers, of which one that is not finite would spoil every measure of the episode."""
    numbers = tuple(float(value) for value in np.ravel(values))
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} must be finite, but is {numbers}.")
    return numbers
