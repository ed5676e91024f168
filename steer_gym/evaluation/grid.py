"""What is to be run: conditions times tasks times initial states."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from steer_gym.acting import ActConfig
from steer_gym.digest import digest
from steer_gym.errors import EvaluationError


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way to run the policy; conditions are compared on the same tasks and initial states."""

    name: str
    """Shown in tables."""
    configs: tuple[ActConfig, ...] = (ActConfig(),)
    """Mostly one. Several take turns over the initial states, such as draws of random neurons;
    each task begins with the next, so that none meets the same initial states everywhere."""
    prompt: str = "{instruction}"
    """What the policy is told; ``{instruction}`` stands for the task's own words."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Columns for its rows, such as the concept: what is known of it besides the configs."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if not self.name or not self.configs:
            raise EvaluationError("A condition needs a name and at least one ActConfig.")

    def draw(self, task: int | str | None, init_state: int | None) -> int:
        """Return the number of the config for one task and initial state, whatever else is run."""
        number = crc32(task.encode()) if isinstance(task, str) else task or 0
        return (number + (init_state or 0)) % len(self.configs)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One episode to run."""

    env: str
    """Gymnasium id."""
    task: int | str | None
    """For ``gym.make(task=)``; ``None``: not given."""
    init_state: int | None
    """For ``reset(options={"init_state": ...})``; ``None``: not given."""
    condition: Condition

    @property
    def key(self) -> str:
        """Return what tells the cell from every other of its grid, readable and fit for a file."""
        parts = [self.condition.name]
        parts += [] if self.task is None else [f"task {self.task}"]
        parts += [] if self.init_state is None else [f"init {self.init_state}"]
        return file_name(" ".join(parts))

    @property
    def config(self) -> ActConfig:
        """Return how the policy selects its actions."""
        return self.condition.configs[self.draw]

    @property
    def draw(self) -> int:
        """Return which of the condition's configs is the cell's."""
        return self.condition.draw(self.task, self.init_state)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every condition on every task from every initial state."""

    env: str
    """Gymnasium id."""
    conditions: tuple[Condition, ...]
    """The first one is the baseline that the others are compared with."""
    tasks: tuple[int | str | None, ...] = (None,)
    init_states: tuple[int | None, ...] = (None,)
    seed: int = 0
    """For ``env.reset``, the same in every cell."""
    env_options: Mapping[str, Any] = field(default_factory=dict)
    """Further keyword arguments of ``gym.make``."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Columns for all rows."""
    rounds: bool = False
    """Whether every task comes once, with one initial state, before any comes again: it builds more
    scenes, but a run that is cut short has seen every task."""

    def __post_init__(self) -> None:
        """Refuse a grid that is empty or holds a cell twice."""
        for kind, members in (
            ("condition", [condition.name for condition in self.conditions]),
            ("task", self.tasks),
            ("initial state", self.init_states),
        ):
            _require_distinct(kind, members)
        _require_distinct("cell's name", [cell.key for cell in self.cells()])

    def cells(self) -> list[Cell]:
        """Return the cells, task by task or in rounds; conditions of one initial state together."""
        places = [(task, init_state) for task in self.tasks for init_state in self.init_states]
        if self.rounds:
            places.sort(key=lambda place: self.init_states.index(place[1]))
        return [
            Cell(env=self.env, task=task, init_state=init_state, condition=condition)
            for task, init_state in places
            for condition in self.conditions
        ]

    def cell_digest(self, cell: Cell, policy: Mapping[str, Any]) -> str:
        """Return the name of everything that a cell's result depends on, but versions.

        Args:
            cell: One of ``cells()``.
            policy: What identifies the policy, as JSON data.
        """
        return digest(
            {
                "policy": policy,
                "env": cell.env,
                "env_options": dict(self.env_options),
                "task": cell.task,
                "init_state": cell.init_state,
                "seed": self.seed,
                "prompt": cell.condition.prompt,
                "config": cell.config.to_json(),
            }
        )


def file_name(text: str) -> str:
    """Return ``text`` with what files are better not called replaced."""
    return re.sub(r"[^\w.+=-]+", "-", text).strip("-")


def _require_distinct(kind: str, members: Iterable[Any]) -> None:
    counts = Counter(members)
    twice = [member for member, count in counts.items() if count > 1]
    if not counts or twice:
        what = f"{kind} {twice[0]!r} is given twice" if twice else f"it holds no {kind}"
        raise EvaluationError(f"A grid needs at least one {kind}, each once, but {what}.")
