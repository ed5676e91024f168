"""How a policy selects its actions: steering, decoding, chunk. A frozen value per row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from steer_gym.errors import ActConfigError
from steer_gym.steering import Steering


@dataclass(frozen=True, kw_only=True)
class ActConfig:
    """Action-selection config; the default is the policy as it is, unsteered and greedy."""

    steering: Steering | None = None
    """Which neurons to change, and how; ``None``: none."""
    temperature: float = 0.0
    """0 is greedy; above, tokens are sampled."""
    seed: int | None = None
    """Of the sampling; with ``None``, sampling differs from call to call."""
    execute: int | None = None
    """How many actions of a chunk to execute before looking again; ``None``: the policy's own."""
    invalid_tokens: str | None = None
    """What to do with tokens that are no actions, one of ``PolicySpec.invalid_tokens``; ``None``:
    the policy's own, which is what its upstream code does."""

    def __post_init__(self) -> None:
        """Refuse what no policy allows."""
        if self.steering is not None and not isinstance(self.steering, Steering):
            raise ActConfigError(
                f"steering must be a Steering or None, but is {self.steering!r}. "
                "Write ActConfig(steering=Steering(neurons, alpha=10.0))."
            )
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ActConfigError(f"temperature must be 0 or more, but is {self.temperature!r}.")
        if self.execute is not None and self.execute < 1:
            raise ActConfigError(f"execute must be at least 1, but is {self.execute!r}.")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data that ``from_json`` reads back to an equal value."""
        steering = self.steering.to_json() if self.steering else None
        return {**asdict(self), "steering": steering}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ActConfig:
        """Return the config that ``to_json`` wrote."""
        steering = Steering.from_json(data["steering"]) if data.get("steering") else None
        return cls(**{**data, "steering": steering})


ActConfigs = ActConfig | Sequence[ActConfig | None] | None
"""One config for all rows, or one per row."""


def config_rows(config: ActConfigs, rows: int) -> tuple[ActConfig, ...]:
    """Return one config per row.

    Raises:
        ActConfigError: There are as many configs as rows neither, nor one.
    """
    if config is None or isinstance(config, ActConfig):
        return (config or ActConfig(),) * rows
    if len(config) != rows:
        raise ActConfigError(f"{len(config)} configs for {rows} rows; give one, or one per row.")
    return tuple(row or ActConfig() for row in config)
