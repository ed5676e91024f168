"""Causal screening: what steering does to a policy's commands on recorded observations.

No environment moves. Of a policy that tells the expectation of its actions
(``Plan.extra["expected_actions"]``) even small effects are seen, long before the greedy choice
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steer_gym.acting import ActConfig
from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSet
from steer_gym.observation import Observation
from steer_gym.policy import Policy
from steer_gym.steering import Steering


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What the commands come to, as means over the observations."""

    speed: float
    """Length of the commanded translation, 0 to about 1.7."""
    rise: float
    """Its vertical part, positive upwards."""
    action_probability: float
    """Probability that a token is an action, 0 to 1."""
    heading: float
    """Cosine between the horizontal commands with and without steering, all observations as one
    vector: 1 where the arm still goes where it went."""
    grip: float
    """Share of observations in which the gripper's command keeps its sign."""


@dataclass(frozen=True)
class Measure:
    """What a theme is about."""

    field: str
    """Of ``Effect``."""
    sign: float
    """1 where the theme means more of it, -1 where less."""

    def of(self, effect: Effect) -> float:
        """Return the measure, larger the more the theme is met."""
        return self.sign * float(getattr(effect, self.field))


THEME_MEASURES = {
    "fast": Measure("speed", 1.0),
    "slow": Measure("speed", -1.0),
    "careful": Measure("speed", -1.0),
    "careless": Measure("speed", 1.0),
    "high": Measure("rise", 1.0),
    "up": Measure("rise", 1.0),
    "low": Measure("rise", -1.0),
    "down": Measure("rise", -1.0),
}
"""What some themes are about."""


class Unsteered:
    """What a policy commands by itself on a batch of observations, to compare with."""

    def __init__(self, policy: Policy, observation: Observation) -> None:
        """Ask the policy once.

        Raises:
            SteeringError: It does not tell the expectation of its actions.
        """
        self._policy, self._observation = policy, observation
        self._expected, probability = self._ask(None)
        self.before = self._effect(self._expected, probability)
        """What the policy commands by itself."""

    def effect(self, steering: Steering) -> Effect:
        """Return what the policy would command under ``steering``."""
        return self._effect(*self._ask(steering))

    def _effect(self, expected: NDArray[np.float32], probability: NDArray[np.float32]) -> Effect:
        return Effect(
            speed=float(np.linalg.norm(expected[:, :3], axis=1).mean()),
            rise=float(expected[:, 2].mean()),
            action_probability=float(probability.mean()),
            heading=_cosine(expected[:, :2], self._expected[:, :2]),
            grip=float((np.sign(expected[:, 6]) == np.sign(self._expected[:, 6])).mean()),
        )

    def _ask(self, steering: Steering | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        plan = self._policy.plan(self._observation, ActConfig(steering=steering))
        if not {"expected_actions", "action_probability"} <= plan.extra.keys():
            raise SteeringError(
                f"{self._policy.spec.name} does not tell the expectation of its actions "
                '(Plan.extra["expected_actions"]), which screening goes by.'
            )
        return plan.extra["expected_actions"], plan.extra["action_probability"]


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float((one * other).sum() / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-9))


def ranked(
    unsteered: Unsteered,
    measure: Measure,
    candidates: Sequence[int],
    steer: Callable[[NeuronSet], Steering],
    on_neuron: Callable[[int], None] = lambda done: None,
) -> list[tuple[int, float]]:
    """Return the candidates with their gains when each is steered alone, best first.

    A gain is how far the steering moves the measure the way the theme says.

    Args:
        unsteered: The policy and the observations.
        measure: What to look at.
        candidates: Flat ids.
        steer: The steering of one set.
        on_neuron: Called with the number done.
    """
    before, gains = measure.of(unsteered.before), []
    for done, neuron in enumerate(candidates, start=1):
        after = measure.of(unsteered.effect(steer(NeuronSet.from_flat([neuron]))))
        gains.append((neuron, after - before))
        on_neuron(done)
    return sorted(gains, key=lambda pair: -pair[1])
