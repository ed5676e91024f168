"""A benchmark as data: policies x suites x tasks x initial states x conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from steer_gym.errors import EvaluationError, UnknownNameError
from steer_gym.evaluation.grid import file_name

from .folders import shard_folder
from .members import listed, made, require_whole
from .treatment import Treatment


@dataclass(frozen=True, kw_only=True)
class PolicyChoice:
    """A policy to be made."""

    name: str
    """In the registry of policies."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of ``make_policy``."""
    label: str = ""
    """Names it in tables and folders; empty: its name."""
    dictionary: str | None = None
    """File of named clusters, in the paper's YAML format; ``<concept>_<size>_<depth>`` and the like
    are looked up there before the policy is asked."""

    def __post_init__(self) -> None:
        """Label it."""
        object.__setattr__(self, "label", self.label or self.name)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Where policies are run."""

    env: str
    """Gymnasium id."""
    tasks: tuple[int | str | None, ...] = (None,)
    """For ``gym.make(task=)``; ``None``: not given."""
    init_states: tuple[int | None, ...] = (None,)
    """For ``reset(options={"init_state": ...})``; ``None``: not given."""
    env_options: Mapping[str, Any] = field(default_factory=dict)
    """Further keyword arguments of ``gym.make``."""
    name: str = ""
    """Names it in tables and folders; empty: the last part of the id, without its version."""

    def __post_init__(self) -> None:
        """Normalise lists to tuples, name it, and refuse what is no list of places."""
        for kind in ("tasks", "init_states"):
            given = listed(f"{kind} of a suite", getattr(self, kind))
            object.__setattr__(self, kind, given)
            _require_distinct(f"A suite needs {kind}, each once", given)
            for member in given:
                if member is not None and not (kind == "tasks" and isinstance(member, str)):
                    require_whole(f"A member of {kind} of a suite", member, least=0)
        last = self.env.rpartition("/")[2].rpartition("-v")[0] or self.env
        object.__setattr__(self, "name", self.name or last)


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Everything that is to be run, and nothing about how, where or when."""

    name: str
    policies: tuple[PolicyChoice, ...]
    suites: tuple[Suite, ...]
    conditions: tuple[Treatment, ...]
    """The first one of kind ``baseline`` is what the others are compared with."""
    seed: int = 0
    """For ``env.reset``, the same in every cell."""
    envs: int = 1
    """Environments side by side for one policy. A matter of numbers too: a batch of another size
    rounds differently, and a greedy policy may then choose another token."""
    note: str = ""
    """For people: what is asked, and why so."""
    measure_steering: bool = False
    """``ActConfig.measure_steering`` of every condition that steers."""

    def __post_init__(self) -> None:
        """Normalise lists to tuples, and refuse what is empty, double or cannot be compared."""
        for kind, members in (
            ("policies", [policy.label for policy in self.policies]),
            ("suites", [suite.name for suite in self.suites]),
            ("conditions", [condition.name for condition in self.conditions]),
        ):
            object.__setattr__(self, kind, tuple(getattr(self, kind)))
            _require_distinct(f"A benchmark needs {kind}, each under a name of its own", members)
        _require_distinct(
            "A benchmark needs names that give every policy, suite and task a folder of its own",
            [
                str(shard_folder(policy.label, suite.name, task))
                for policy in self.policies
                for suite in self.suites
                for task in suite.tasks
            ],
        )
        _require_distinct(
            "A benchmark needs conditions whose names differ in files too",
            [file_name(condition.name) for condition in self.conditions],
        )
        if not any(condition.kind == "baseline" for condition in self.conditions):
            raise EvaluationError(
                "A benchmark needs a condition of kind 'baseline', which the others are compared "
                "with."
            )
        for condition in self.conditions:
            if condition.control_of not in (None, *(each.name for each in self.conditions)):
                raise UnknownNameError(
                    f"condition that {condition.name!r} controls",
                    condition.control_of,
                    [each.name for each in self.conditions],
                )
        require_whole("envs", self.envs, least=1)
        require_whole("seed", self.seed, least=0)
        if not isinstance(self.measure_steering, bool):
            raise EvaluationError(
                f"measure_steering must be true or false, but is {self.measure_steering!r}."
            )

    @property
    def baseline(self) -> str:
        """Return the name of the condition that the others are compared with."""
        return next(each.name for each in self.conditions if each.kind == "baseline")

    @property
    def episodes(self) -> int:
        """Return the number of cells."""
        places = sum(len(suite.tasks) * len(suite.init_states) for suite in self.suites)
        return len(self.policies) * places * len(self.conditions)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data that ``from_json`` reads back to an equal value."""
        return {
            "name": self.name,
            "note": self.note,
            "policies": [_plain(policy) for policy in self.policies],
            "suites": [_plain(suite) for suite in self.suites],
            "seed": self.seed,
            "envs": self.envs,
            "measure_steering": self.measure_steering,
            "conditions": [condition.to_json() for condition in self.conditions],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Benchmark:
        """Return the benchmark that ``to_json`` wrote.

        Raises:
            SteerGymError: The data is something else.
        """
        readers: dict[str, Callable[[Any], Any]] = {
            "policies": lambda each: made(PolicyChoice, "policy", each),
            "suites": lambda each: made(Suite, "suite", each),
            "conditions": Treatment.from_json,
        }
        parts = {
            kind: tuple(map(read, listed(f"{kind} of a benchmark", data[kind])))
            for kind, read in readers.items()
            if kind in data
        }
        benchmark: Benchmark = made(cls, "benchmark", {**data, **parts})
        return benchmark


def _plain(choice: PolicyChoice | Suite) -> dict[str, Any]:
    data = {each.name: getattr(choice, each.name) for each in fields(choice)}
    lists = {key: list(value) for key, value in data.items() if isinstance(value, tuple)}
    return {**data, **lists}


def _require_distinct(wanted: str, members: Iterable[Hashable]) -> None:
    counts = Counter(members)
    twice = [member for member, count in counts.items() if count > 1]
    if not counts or twice:
        what = f"{twice[0]!r} is there twice" if twice else "there are none"
        raise EvaluationError(f"{wanted}; {what}.")
