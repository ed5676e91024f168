"""Search, on recorded observations, for neurons and a strength that do what a theme says.

A search takes candidates, ranks them by what each does alone, and tries sets of the best at many
strengths. **Random candidates that pass through the same search gain too**, often as much: without
such a control a search proves nothing. The result is judged on observations that the search did not
see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from steer_gym.neuron_set import NeuronSet
from steer_gym.observation import Observation, batch_observations, observation_row, row_count
from steer_gym.policy import Policy
from steer_gym.steering import Steering

from .screening import Effect, Measure, Unsteered, ranked


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """How a search goes."""

    probe: float = 8.0
    """Alpha at which each candidate is steered alone."""
    sizes: tuple[int, ...] = (1, 2, 3, 5)
    """Numbers of neurons that are tried together, best first."""
    alphas: tuple[float, ...] = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
    """Strengths that are tried with each size."""
    least_action_probability: float = 0.98
    least_heading: float = 0.95
    least_grip: float = 0.98
    """Of all sizes and strengths that leave so much, see ``Effect``, the one with the greatest gain
    is taken."""

    def sizes_of(self, candidates: int) -> tuple[int, ...]:
        """Return the sizes that so many candidates have, each once."""
        return tuple(dict.fromkeys(min(size, candidates) for size in self.sizes))

    def harmless(self, effect: Effect) -> bool:
        """Tell whether an effect keeps to the limits."""
        return (
            effect.action_probability >= self.least_action_probability
            and effect.heading >= self.least_heading
            and effect.grip >= self.least_grip
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search came to."""

    steering: Steering
    effect: Effect
    """Of the steering, on the observations of the search."""
    alone: tuple[tuple[int, float], ...]
    """Flat ids of the candidates with their gains alone, best first."""
    doses: tuple[tuple[Steering, Effect], ...]
    """All sizes and strengths that were tried."""

    @property
    def neurons(self) -> NeuronSet:
        """Return the set that is steered."""
        return self.steering.edits[0].neurons


def search(
    unsteered: Unsteered,
    measure: Measure,
    candidates: Sequence[int],
    config: SearchConfig,
    *,
    name: str = "",
    fingerprint: str = "",
    on_try: Callable[[int], None] = lambda done: None,
) -> Found:
    """Return the set and the strength that move a measure most and do no harm.

    Where everything does harm, the greatest gain of all is taken.

    Args:
        unsteered: The policy and the observations.
        measure: What the theme is about.
        candidates: Flat ids.
        config: How to search.
        name: Of the set that is found.
        fingerprint: Of the model.
        on_try: Called with the number of steerings tried, of ``tries``.
    """

    def alone(neurons: NeuronSet) -> Steering:
        return Steering(neurons, config.probe)

    screened = ranked(unsteered, measure, candidates, alone, on_try)
    best_first, doses = [neuron for neuron, _ in screened], []
    for size, alpha in product(config.sizes_of(len(best_first)), config.alphas):
        chosen = NeuronSet.from_flat(best_first[:size], name=name, fingerprint=fingerprint)
        doses.append((Steering(chosen, alpha), unsteered.effect(Steering(chosen, alpha))))
        on_try(len(best_first) + len(doses))
    steering, effect = max(doses, key=lambda dose: (config.harmless(dose[1]), measure.of(dose[1])))
    return Found(steering=steering, effect=effect, alone=tuple(screened), doses=tuple(doses))


def tries(candidates: int, config: SearchConfig) -> int:
    """Return how many steerings a search tries."""
    return candidates + len(config.sizes_of(candidates)) * len(config.alphas)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a search and its controls gain on observations that no search saw."""

    before: Effect
    """Without steering."""
    effect: Effect
    """Of the theme's neurons."""
    gain: float
    """Of the theme's neurons."""
    harmless: bool
    """Whether they keep to the limits there too."""
    controls: tuple[float, ...]
    """Of each set of random candidates that passed through the same search."""
    harmless_controls: tuple[bool, ...]
    """Whether each keeps to the limits; one that does not gains at a price."""

    def text(self) -> str:
        """Return the verdict in words."""
        controls = ", ".join(
            f"{gain:+.3f}" + ("" if harmless else " (does harm)")
            for gain, harmless in zip(self.controls, self.harmless_controls, strict=True)
        )
        beaten = sum(control < self.gain for control in self.controls)
        harm = "" if self.harmless else "; it does harm there"
        return (
            f"gain {self.gain:+.3f} on unseen observations{harm}. Controls, random neurons through "
            f"the same search: {controls}. The words beat {beaten} of {len(self.controls)}"
            + ("." if beaten == len(self.controls) else ": no merit of the words is shown.")
        )


def judged(
    unseen: Unsteered,
    measure: Measure,
    found: Found,
    controls: Sequence[Found],
    limits: SearchConfig,
) -> Verdict:
    """Return the verdict on a search by its controls, on observations that none of them saw."""
    effects = [unseen.effect(each.steering) for each in (found, *controls)]
    gains = [measure.of(effect) - measure.of(unseen.before) for effect in effects]
    harmless = [limits.harmless(effect) for effect in effects]
    return Verdict(
        before=unseen.before,
        effect=effects[0],
        gain=gains[0],
        harmless=harmless[0],
        controls=tuple(gains[1:]),
        harmless_controls=tuple(harmless[1:]),
    )


def halves(policy: Policy, observations: Observation, seed: int) -> tuple[Unsteered, Unsteered]:
    """Return the policy on a random half of the observations, and on the others."""
    order = np.random.default_rng(seed).permutation(row_count(observations))
    one, other = (
        Unsteered(policy, batch_observations([observation_row(observations, row) for row in rows]))
        for rows in np.array_split(order, 2)
    )
    return one, other
