"""One condition of a benchmark, said without a policy: concept, dose, control, words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any, Literal, get_args

from steer_gym.edit import Operation, Position, Unit
from steer_gym.errors import EvaluationError
from steer_gym.schedules.base import Schedule
from steer_gym.steering import Steering

from .members import made, require_whole

Kind = Literal["baseline", "steered", "random", "zero", "sham", "prompt"]
Depth = Literal["early", "late", "full"]
Match = Literal["layers", "norm"]

STEERING_KINDS = ("steered", "random", "zero")
"""Kinds that need neurons: a ``concept`` or a ``steering``."""
OF_NEURONS = ("size", "depth", "alpha", "operation", "unit", "positions", "schedule")
"""Fields that mean nothing without neurons."""
PLAIN = "{instruction}"
"""The task's own words, as a prompt."""


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What is done to a policy in one condition; ``resolving`` turns it into neurons and numbers.

    Fields that are ``None`` leave the choice to the policy, whose recommended steering of the
    concept is the start.
    """

    kind: Kind = "steered"
    """``baseline``: the policy as it is. ``steered``. ``random``: as many random neurons in the
    same layers, all else equal. ``zero``: the same neurons through the same machinery, with nothing
    added. ``sham``: the baseline once more, for what differs between equal runs. ``prompt``: the
    words alone."""
    name: str = ""
    """Shown in tables; empty: made of the other fields."""
    concept: str | None = None
    """Name of the neurons, as the policy knows it."""
    size: int | None = None
    """Neurons of the concept's cluster; ``None``: the policy's own set."""
    depth: Depth | None = None
    """Layers the cluster comes from: first half, second half, all. ``None``: all."""
    alpha: float | None = None
    """Strength, see ``Edit.alpha``."""
    operation: Operation | None = None
    unit: Unit | None = None
    positions: tuple[Position, ...] | None = None
    """Where along the sequence, see ``Edit.positions``."""
    steering: Steering | None = None
    """A ready steering instead of a concept."""
    schedule: Mapping[str, Any] | Schedule | None = None
    """How alpha changes within the episode; kept as JSON data."""
    prompt: str = PLAIN
    """What the policy is told; ``{instruction}`` stands for the task's own words."""
    draws: int = 1
    """Of ``random``: how many draws take turns over the initial states."""
    match: Match = "layers"
    """Of ``random``: what is matched besides the number, ``layers``, or ``norm``: the layers and
    the lengths of the value vectors, for which the weights are read."""
    control_of: str | None = None
    """Name of the condition that this one controls."""
    invalid_tokens: str | None = None
    """``ActConfig.invalid_tokens``, for example to let only action tokens compete."""

    def __post_init__(self) -> None:
        """Normalise what came from a file, name the condition, and refuse what says nothing."""
        if isinstance(self.steering, Mapping):
            object.__setattr__(self, "steering", Steering.from_json(dict(self.steering)))
        if self.schedule is not None:
            plain = (
                self.schedule.to_json() if isinstance(self.schedule, Schedule) else self.schedule
            )
            object.__setattr__(self, "schedule", json.loads(json.dumps(plain)))
        if self.positions is not None:
            places = (self.positions,) if isinstance(self.positions, str) else self.positions
            given = (tuple(p) if isinstance(p, list) else p for p in places)
            object.__setattr__(self, "positions", tuple(given))
        self._check()
        object.__setattr__(self, "name", self.name or self._made_up())

    def control(self, kind: Kind, *, draws: int = 1, match: Match = "layers") -> Treatment:
        """Return the control of this condition, all else equal."""
        name = f"{kind} like {self.name}"
        return replace(self, kind=kind, draws=draws, match=match, name=name, control_of=self.name)

    def to_json(self) -> dict[str, Any]:
        """Return JSON data of the fields that are not at their default; equal when read back."""
        plain = asdict(Treatment(kind="baseline", name="-"))
        data = asdict(self) | {"steering": self.steering.to_json() if self.steering else None}
        return {k: v for k, v in data.items() if k in ("kind", "name") or v != plain[k]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Treatment:
        """Return the treatment that ``to_json`` wrote.

        Raises:
            SteerGymError: The data is something else.
        """
        try:
            treatment: Treatment = made(cls, "condition", data)
        except TypeError as error:
            raise EvaluationError(f"Not a condition: {error}, in {data!r}.") from error
        return treatment

    def _check(self) -> None:
        for field, given, allowed in (
            ("kind", self.kind, get_args(Kind)),
            ("match", self.match, get_args(Match)),
            ("depth", self.depth, (None, *get_args(Depth))),
        ):
            if given not in allowed:
                raise EvaluationError(
                    f"A condition's {field} is one of {', '.join(map(str, allowed))}, not "
                    f"{given!r}."
                )
        self._check_neurons()
        if "{instruction}" not in self.prompt or (self.kind == "prompt") == (self.prompt == PLAIN):
            raise EvaluationError(
                "The prompt of a condition holds {instruction}; it says more in a condition of "
                f"kind prompt, and only there, but {self.kind} has {self.prompt!r}."
            )
        self._check_numbers()

    def _check_neurons(self) -> None:
        given = [] if self.concept is None else [f"the concept {self.concept!r}"]
        given += [] if self.steering is None else ["a steering"]
        needed = self.kind in STEERING_KINDS
        if len(given) != needed:
            wanted = "a concept or a steering" if needed else "neither concept nor steering"
            raise EvaluationError(
                f"A {self.kind} condition takes {wanted}, but has {' and '.join(given) or 'none'}."
            )

        said = [field for field in OF_NEURONS if getattr(self, field) is not None]
        if said and not needed:
            raise EvaluationError(
                f"A {self.kind} condition steers nothing, so it takes no {' or '.join(said)}."
            )

    def _check_numbers(self) -> None:
        alpha = self.alpha
        if alpha is not None and not (isinstance(alpha, Real) and math.isfinite(alpha)):
            raise EvaluationError(f"alpha of a condition is a finite number, not {alpha!r}.")
        if self.size is not None:
            require_whole("size", self.size, least=1)
        require_whole("draws", self.draws, least=1)
        if self.draws > 1 and self.kind != "random":
            raise EvaluationError(
                f"draws are of random neurons, but a {self.kind} condition has {self.draws}."
            )

    def _made_up(self) -> str:
        if self.kind == "prompt":
            said = self.prompt.replace("{instruction}", "").strip(" ,.")
            return f"told {' '.join(said.split())[:60]}"
        what = self.concept or (f"steering {self.steering.digest}" if self.steering else "")
        parts: list[Any] = [
            "" if self.kind == "steered" else self.kind,
            what,
            self.size,
            self.depth,
            None if self.alpha is None else f"a{self.alpha:g}",
        ]
        return " ".join(str(part) for part in parts if part not in ("", None))
