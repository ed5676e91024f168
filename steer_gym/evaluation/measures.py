"""The numbers of one episode: what was commanded, what the arm did, what the tokens were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steer_gym.convention import ActionConvention
from steer_gym.episode import Step

SATURATED = 0.99
"""A normalised command from here on counts as saturated. OpenVLA's decoder turns each token that is
no action into 0.996, so words that steering makes it say look like full speed."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What one episode comes to; ``None`` where there is nothing to measure."""

    steps: int
    commanded_displacement: float | None = None
    """Mean norm of the commanded translation ``action[:3]``, in the action's own unit: the paper's
    measure of speed."""
    speed_m_s: float | None = None
    """Mean measured speed of the tool [m/s]."""
    path_m: float | None = None
    """Measured way of the tool [m]."""
    greatest_height_m: float | None = None
    """Greatest measured height of the tool [m]."""
    carried_height_m: float | None = None
    """The same over the steps that command the gripper closed [m]: arms start high up, so the
    height on the way to the object says little."""
    mean_height_m: float | None = None
    """Mean measured height of the tool [m]."""
    invalid_token_rate: float | None = None
    """Share of generated tokens that are no actions."""
    saturated_rate: float | None = None
    """Share of steps with a commanded translation component of at least ``SATURATED``."""
    latency_s: float | None = None
    """Mean wall time of a plan, for a whole batch [s]."""


def measure(steps: Sequence[Step], convention: ActionConvention) -> Measures:
    """Return the numbers of an episode's steps."""
    if not steps:
        return Measures(steps=0)
    commands = np.array([step.command for step in steps])
    heights = np.array([step.tcp_pose[2] for step in steps])
    carried = heights[_closes(commands[:, -1], convention)]
    tokens = sum(step.tokens for step in steps)
    latencies = [step.latency_s for step in steps if step.latency_s > 0]
    return Measures(
        steps=len(steps),
        commanded_displacement=float(np.linalg.norm(commands[:, :3], axis=1).mean()),
        speed_m_s=float(np.mean([step.speed_m_s for step in steps])),
        path_m=float(sum(step.moved_m for step in steps)),
        greatest_height_m=float(heights.max()),
        carried_height_m=float(carried.max()) if carried.size else None,
        mean_height_m=float(heights.mean()),
        invalid_token_rate=sum(s.invalid_tokens for s in steps) / tokens if tokens else None,
        saturated_rate=float((np.abs(commands[:, :3]) >= SATURATED).any(axis=1).mean()),
        latency_s=float(np.mean(latencies)) if latencies else None,
    )


def _closes(gripper: NDArray[np.float64], convention: ActionConvention) -> NDArray[np.bool_]:
    to_closed = np.abs(gripper - convention.gripper_closed)
    closes: NDArray[np.bool_] = to_closed < np.abs(gripper - convention.gripper_open)
    return closes
