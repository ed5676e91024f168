"""How a policy selects its actions: steering, decoding, chunk. A frozen value per row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from steer_gym.errors import ActConfigError
from steer_gym.schedules.base import Schedule, require_schedule
from steer_gym.steering import Steering


@dataclass(frozen=True, kw_only=True)
class ActConfig:
    """Action-selection config; the default is the policy as it is, unsteered and greedy."""

    steering: Steering | None = None
    """Which neurons to change, and how; ``None``: none."""
    schedule: Schedule | None = None
    """How the steering changes within an episode; ``None``: not at all. ``run_episode``,
    evaluations and ``Scheduled`` follow it; a policy by itself takes the config of one look."""
    temperature: float = 0.0
    """0 is greedy; above, tokens are sampled."""
    seed: int | None = None
    """Of the sampling; with ``None``, sampling differs from call to call."""
    execute: int | None = None
    """How many actions of a chunk to execute before looking again; ``None``: the policy's own."""
    invalid_tokens: str | None = None
    """What to do with tokens that are no actions, one of ``PolicySpec.invalid_tokens``; ``None``:
    the policy's own, which is what its upstream code does."""
    measure_steering: bool = False
    """Whether ``SteeringReport.size`` is measured, which changes no action and costs some time;
    models that were compiled run uncompiled for it."""

    def __post_init__(self) -> None:
        """Refuse what no policy allows."""
        if self.steering is not None and not isinstance(self.steering, Steering):
            raise ActConfigError(
                f"steering must be a Steering or None, but is {self.steering!r}. "
                "Write ActConfig(steering=Steering(neurons, alpha=10.0))."
            )
        require_schedule("schedule", self.schedule)
        if self.schedule is not None and self.steering is None:
            raise ActConfigError("A schedule changes a steering, but steering is None; give both.")
        if not isinstance(self.measure_steering, bool):
            raise ActConfigError(
                f"measure_steering must be true or false, but is {self.measure_steering!r}."
            )
        _require_number("temperature", self.temperature, Real, at_least=0)
        if self.seed is not None:
            _require_number("seed", self.seed, Integral, at_least=0)
        if self.execute is not None:
            _require_number("execute", self.execute, Integral, at_least=1)
        for name in ("temperature", "seed", "execute"):
            object.__setattr__(self, name, _plain(getattr(self, name)))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data that ``from_json`` reads back to an equal value."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for later in ("schedule", "measure_steering"):
            if not values[later]:  # so that configs written before there were any keep their digest
                del values[later]
        kinds = (Steering, Schedule)
        return {k: v.to_json() if isinstance(v, kinds) else v for k, v in values.items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ActConfig:
        """Return the config that ``to_json`` wrote.

        Raises:
            ActConfigError: The data is something else.
        """
        values = dict(data)
        if values.get("steering") is not None:
            values["steering"] = Steering.from_json(values["steering"])
        if values.get("schedule") is not None:
            values["schedule"] = Schedule.from_json(values["schedule"])
        try:
            return cls(**values)
        except TypeError as error:
            raise ActConfigError(f"Not an act config: {error}.") from error


ActConfigs = ActConfig | Sequence[ActConfig | None] | None
"""One config for all rows, or one per row."""


def config_rows(config: ActConfigs, rows: int) -> tuple[ActConfig, ...]:
    """Return one config per row.

    Raises:
        ActConfigError: There is neither one config nor one per row.
    """
    if config is None or isinstance(config, ActConfig):
        return (config or ActConfig(),) * rows
    if not isinstance(config, Sequence):
        raise ActConfigError(
            f"config must be an ActConfig, one per row, or None, but is {config!r}. "
            "Write ActConfig(steering=...) to steer."
        )
    if len(config) != rows:
        raise ActConfigError(f"{len(config)} configs for {rows} rows; give one, or one per row.")
    strays = [row for row in config if not isinstance(row, ActConfig | None)]
    if strays:
        raise ActConfigError(f"A row's config must be an ActConfig or None, not {strays[0]!r}.")
    return tuple(row or ActConfig() for row in config)


def seeded(config: ActConfig, step: int) -> ActConfig:
    """Return the config of one step; a sampled policy draws anew in every step."""
    if config.temperature == 0 or config.seed is None:
        return config
    return replace(
        config, seed=int(np.random.SeedSequence((config.seed, step)).generate_state(1)[0])
    )


def _plain(number: Any) -> Any:
    """Return numpy's numbers as Python's, which JSON knows."""
    return number.item() if isinstance(number, np.generic) else number


def _require_number(field: str, given: Any, kind: type, *, at_least: int) -> None:
    is_kind = isinstance(given, kind) and not isinstance(given, bool)
    if not (is_kind and math.isfinite(given) and given >= at_least):
        noun = "an integer" if kind is Integral else "a number"
        raise ActConfigError(f"{field} must be {noun}, {at_least} or more, but is {given!r}.")
