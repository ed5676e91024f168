"""What happened in one episode, step by step, in the numbers that papers and robots need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Step:
    """One control step: what was commanded, and what the robot then did."""

    command: tuple[float, ...]
    """The action, in the environment's convention."""
    tcp_pose: tuple[float, ...]
    """Measured after the step: xyz [m] and rotation vector [rad], as in the observation."""
    moved_m: float
    """Distance between the measured tool positions before and after the step."""
    speed_m_s: float
    """``moved_m`` by ``elapsed_s``; by a period of the control rate where no time is told."""
    reward: float
    steering: str
    """``Steering.digest`` of the config's steering; empty: nothing steered this action."""
    neurons: int
    """Neurons whose activation steering changed for this action."""
    tokens: int
    """Tokens generated for the plan that the action begins; 0 for the later actions of a chunk."""
    invalid_tokens: int
    """How many of those tokens are no actions."""
    latency_s: float
    """Wall time of the plan, over the whole batch; 0 for the later actions of a chunk."""
    force_n: float | None = None
    """Norm of the force that was measured at the tool; ``None``: the environment tells none."""
    alpha: float | None = None
    """``Steering.alpha`` of this action, as a schedule had it; ``None``: nothing steered, or edits
    differ in it."""
    steering_size: float | None = None
    """``SteeringSize.mean`` of the plan that the action begins; ``None``: nothing steered, not
    measured, or a later action of a chunk."""
    greatest_steering_size: float | None = None
    """``SteeringSize.greatest`` of it."""
    elapsed_s: float | None = None
    """Time since the step before, or the reset, by the environment's clock [s]; longer than a
    period where the policy thought meanwhile. ``None``: the environment tells no time, and steps
    are a period of the control rate apart."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class Episode:
    """An episode that ended, or crashed; a crash is never a failure."""

    steps: tuple[Step, ...]
    success: bool | None
    """Whether the task was solved; ``None`` when the episode crashed and nobody can tell."""
    error: str | None
    """Traceback of the crash; ``None``: it ended by itself."""
    instruction: str
    """What the policy was told."""
    start_pose: tuple[float, ...]
    """``tcp_pose`` before the first step."""
    info: Mapping[str, Any] = field(default_factory=dict)
    """What the environment told at the reset, its provenance included."""
    frames: tuple[NDArray[np.uint8], ...] = ()
    """Pictures of the scene, one a step, (height, width, 3), where they were asked for."""
