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
from steer_gym.neuron_set import NeuronSet
from steer_gym.observation import Observation
from steer_gym.policy import Policy
from steer_gym.steering import Steering

Steer = Callable[[NeuronSet], Steering]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What the commands come to, as means over the observations."""

    speed: float
    """Length of the commanded translation, 0 to about 1.7."""
    rise: float
    """Its vertical part, positive upwards."""
    action_probability: float
    """Probability that a token is an action, 0 to 1."""


@dataclass(frozen=True)
class Scene:
    """Recorded observations that a theme's effect is read from."""

    observation: Observation
    """A batch."""
    measure: str
    """Field of ``Effect``."""
    sign: float
    """1 where the theme means more of it, -1 where less."""


def effect(policy: Policy, observation: Observation, steering: Steering | None) -> Effect:
    """Return what ``policy`` would command for a batch of observations under ``steering``."""
    extra = policy.plan(observation, ActConfig(steering=steering)).extra
    expected: NDArray[np.float32] = extra["expected_actions"]
    return Effect(
        speed=float(np.linalg.norm(expected[:, :3], axis=1).mean()),
        rise=float(expected[:, 2].mean()),
        action_probability=float(extra["action_probability"].mean()),
    )


def ranked(
    policy: Policy,
    scene: Scene,
    candidates: Sequence[int],
    steer: Steer,
    on_neuron: Callable[[int], None] = lambda done: None,
) -> list[tuple[int, float]]:
    """Return the candidates with their gains when each is steered alone, best first.

    A gain is how far the steering moves the scene's measure the way the theme says.

    Args:
        policy: Its plans must tell ``expected_actions``.
        scene: What to measure on.
        candidates: Flat ids.
        steer: The steering of one set.
        on_neuron: Called with the number done.
    """

    def measured(steering: Steering | None) -> float:
        return scene.sign * float(
            getattr(effect(policy, scene.observation, steering), scene.measure)
        )

    before, gains = measured(None), []
    for done, neuron in enumerate(candidates, start=1):
        gains.append((neuron, measured(steer(NeuronSet.from_flat([neuron]))) - before))
        on_neuron(done)
    return sorted(gains, key=lambda pair: -pair[1])
