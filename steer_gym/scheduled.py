"""A policy that follows schedules, for loops of your own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steer_gym.acting import ActConfig, ActConfigs, config_rows
from steer_gym.course import Course
from steer_gym.neuron_set import NeuronSet
from steer_gym.observation import Observation, as_batch, is_batched, observation_row, row_count
from steer_gym.policy import Observer, Plan, Policy
from steer_gym.rollout import executed_actions
from steer_gym.steering import Steering

if TYPE_CHECKING:
    from steer_gym.neurons.source import NeuronSource


class Scheduled(Policy):
    """Wraps a policy so that its configs may have schedules; all else is the policy's own.

    Where an episode stands is remembered here, row by row, and not in the policy, which so stays
    free to answer several loops or clients. Therefore ``reset(rows=...)`` matters: it begins the
    schedule of these rows anew. Each ``act`` counts as one control step; a ``plan`` counts as the
    actions that its config executes.

    >>> policy = Scheduled(make_policy("pocket"))
    >>> policy.act(observation, ActConfig(steering=fast, schedule=Ramp([(0, 0.0), (40, 4.0)])))
    """

    def __init__(self, policy: Policy) -> None:
        """Wrap ``policy``, which stays usable by itself."""
        self.policy = policy
        self.spec = policy.spec
        self.used: tuple[ActConfig, ...] = ()
        """The config of each row at the last look; ``used[0].steering`` tells the alpha."""
        self._steps: dict[int, int] = {}
        self._courses: dict[int, Course] = {}

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return the policy's plan under the configs of this moment. See ``Policy.plan``."""
        rows = config_rows(config, row_count(as_batch(observation)))
        return self._plan(observation, rows, [executed_actions(self.spec, row) for row in rows])

    def act(self, observation: Observation, config: ActConfigs = None) -> NDArray[np.float32]:
        """Return the next action under the configs of this moment. See ``Policy.act``."""
        rows = config_rows(config, row_count(as_batch(observation)))
        actions = self._plan(observation, rows, [1] * len(rows)).actions[:, 0]
        return actions if is_batched(observation) else actions[0]

    def _plan(
        self, observation: Observation, configs: Sequence[ActConfig], executed: Sequence[int]
    ) -> Plan:
        batch = as_batch(observation)
        self.used = tuple(
            self._course(row, config).at(self._steps.get(row, 0), observation_row(batch, row))
            for row, config in enumerate(configs)
        )
        plan = self.policy.plan(observation, self.used)
        for row, steps in enumerate(executed):
            self._steps[row] = self._steps.get(row, 0) + steps
        return plan

    def _course(self, row: int, config: ActConfig) -> Course:
        """Return the row's course; another config than before begins another."""
        course = self._courses.get(row)
        if course is None or course.config != config:
            course = Course(config, rate_hz=self.spec.action.rate_hz)
            self._courses[row] = course
        return course

    def reset(self, rows: Iterable[int] | None = None) -> None:
        """Begin an episode, and every schedule, in these rows or in all."""
        chosen = None if rows is None else [int(row) for row in rows]
        for row in list(self._courses) if chosen is None else chosen:
            self._steps.pop(row, None)
            self._courses.pop(row, None)
        self.policy.reset(chosen)

    def close(self) -> None:
        """Free what the policy holds."""
        self.policy.close()

    @property
    def concepts(self) -> Mapping[str, NeuronSet]:
        """Return the policy's."""
        return self.policy.concepts

    def recommended(self, concept: str) -> Steering:
        """Return the policy's."""
        return self.policy.recommended(concept)

    def spread(self) -> NDArray[np.float32] | None:
        """Return the policy's."""
        return self.policy.spread()

    def observed(self, observer: Observer) -> AbstractContextManager[None]:
        """Show the policy's activations."""
        return self.policy.observed(observer)

    def neuron_source(self) -> NeuronSource:
        """Return the policy's."""
        return self.policy.neuron_source()
