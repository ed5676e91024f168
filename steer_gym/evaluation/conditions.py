"""The usual conditions: unsteered, steered, random neurons, words instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from steer_gym.acting import ActConfig
from steer_gym.edit import Edit
from steer_gym.errors import EvaluationError
from steer_gym.neuron_set import NeuronSet, NeuronSpace, matched_random
from steer_gym.policy import Policy
from steer_gym.steering import Steering

from .grid import Condition

UNSTEERED = Condition(name="unsteered", facts={"kind": "baseline"})


def steered(name: str, steering: Steering) -> Condition:
    """Return the condition that steers."""
    config = ActConfig(steering=steering)
    return Condition(name=name, configs=(config,), facts=facts("steered", steering))


def told(prompt: str, name: str = "") -> Condition:
    """Return the condition that says it in words; ``{instruction}`` stands for the task's own."""
    if "{instruction}" not in prompt:
        raise EvaluationError(
            f"A prompt must hold {{instruction}}, the place of the task's own words, but is "
            f"{prompt!r}."
        )
    words = " ".join(prompt.replace("{instruction}", "").strip(" ,.").split())
    name = name or f"told {words[:60]}"
    return Condition(name=name, prompt=prompt, facts={"kind": "prompt"})


class Draw(Protocol):
    """Draws random neurons in the place of others."""

    def __call__(
        self, neurons: NeuronSet, space: NeuronSpace, *, seed: int, exclude: Iterable[NeuronSet]
    ) -> NeuronSet:
        """Return one draw, as many in each layer, none of ``neurons`` or ``exclude``."""


def random_like(
    condition: Condition, policy: Policy, *, draws: int, draw: Draw = matched_random
) -> Condition:
    """Return the condition whose neurons are random, as many in the same layers, all else equal.

    Args:
        condition: The steered one to match.
        policy: Its concepts are never drawn.
        draws: How many draws take turns over the initial states.
        draw: What is matched; the layers, by default.

    Raises:
        EvaluationError: There are no neurons to match.
        SteeringError: A layer has too few other neurons.
    """
    steering, space = condition.configs[0].steering, policy.spec.neurons
    if steering is None or space is None:
        raise EvaluationError(f"{condition.name!r} steers no neurons that random ones could match.")
    concepts = list(policy.concepts.values())
    drawn = tuple(
        Steering(_random_edit(edit, space, seed, concepts, draw) for edit in steering.edits)
        for seed in range(draws)
    )
    return Condition(
        name=f"random like {condition.name}",
        configs=tuple(replace(condition.configs[0], steering=each) for each in drawn),
        prompt=condition.prompt,
        facts={**condition.facts, "kind": "random", "control_of": condition.name},
    )


def facts(kind: str, steering: Steering) -> dict[str, Any]:
    """Return the columns that say what a steering is, as far as it says so itself."""
    names = [edit.neurons.name for edit in steering.edits if edit.neurons.name]
    alphas = {edit.alpha for edit in steering.edits if isinstance(edit.alpha, float)}
    return {
        "kind": kind,
        "concept": " + ".join(names) or None,
        "alpha": alphas.pop() if len(alphas) == 1 else None,
    }


def _random_edit(
    edit: Edit, space: NeuronSpace, seed: int, concepts: Iterable[NeuronSet], draw: Draw
) -> Edit:
    """Return ``edit`` on other neurons; numbers per neuron stay with their layer."""
    neurons = draw(edit.neurons, space, seed=seed, exclude=concepts)
    if not isinstance(edit.alpha, tuple):
        return replace(edit, neurons=neurons)
    order, places = (s.resolve(space)[:, 0].argsort(kind="stable") for s in (edit.neurons, neurons))
    alpha = np.empty(len(order))
    alpha[places] = np.array(edit.alpha)[order]
    return replace(edit, neurons=neurons, alpha=tuple(alpha.tolist()))
