"""How an evaluation is run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from steer_gym.errors import EvaluationError


@dataclass(frozen=True, kw_only=True)
class Running:
    """How an evaluation is run, which changes none of its numbers but for ``envs``."""

    envs: int = 1
    """Environments side by side, each in a process of its own; 1: in this process. The batch is as
    large, and batches of another size round differently."""
    films: Collection[str] = ()
    """Keys of the cells to film, as ``films/<key>.mp4``."""
    minutes: float | None = None
    """Start no initial state whose episodes would hardly end within this time."""
    retries: int = 0
    """How often a cell that crashed is tried again before it is left for another run."""
    quiet: bool = False
    """Show no progress."""
    policy_options: Mapping[str, Any] = field(default_factory=dict)
    """What the policy was made with, for the rows."""
    tried: bool = False
    """The policy has planned under these conditions in a grid before, so it need not be tried."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.envs < 1:
            raise EvaluationError(f"envs must be 1 or more, but is {self.envs}.")
        if self.minutes is not None and not self.minutes > 0:
            raise EvaluationError(f"minutes must be more than 0, but is {self.minutes}.")
        if self.retries < 0:
            raise EvaluationError(f"retries must be 0 or more, but is {self.retries}.")
