"""Find Pocket's concepts: neurons by word, kept if they do what the word says, with a strength.

A search decides on recorded observations of demonstrations alone. What every step came to is
written beside the result, the discarded included. The limits of ``ConceptConfig`` are another
matter: see the model card for how those of the shipped concepts were arrived at.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from steer_gym.neuron_set import NeuronSet, NeuronSpace, matched_random
from steer_gym.neurons.projection import project
from steer_gym.neurons.screening import Effect, Measure, Unsteered, ranked
from steer_gym.neurons.words import THEMES, word_share
from steer_gym.results import atomic_path
from steer_gym.steering import Steering

from ..engines.anatomy import down_projections
from ..engines.running_spread import RunningSpread
from .policy import CONCEPTS, SPREAD, PocketPolicy
from .recorded import carrying, moving, recorded_steps

MEASURES = {
    "fast": Measure("speed", 1.0),
    "slow": Measure("speed", -1.0),
    "high": Measure("rise", 1.0),
    "low": Measure("rise", -1.0),
}
"""What each theme is about."""


CONTROL = "random-"
"""Prefix of a theme's control: random neurons that went through the same screening. What they do
too is no merit of the words."""


@dataclass(frozen=True, kw_only=True)
class ConceptConfig:
    """How concepts are found."""

    checkpoint: Path
    """Folder of weights; ``concepts.json`` and ``spread.npy`` are written into it."""
    demonstrations: Path
    """Folder that ``collect`` filled."""
    observations: int = 32
    """For each kind of scene."""
    top: int = 10
    """Tokens of a neuron that are looked at."""
    candidates: int = 40
    """Neurons of a theme by word, best first, that are screened one by one."""
    probe: float = 8.0
    """Alpha of the screening."""
    sizes: tuple[int, ...] = (1, 2, 3, 5)
    """Numbers of neurons that are tried together, best first."""
    alphas: tuple[float, ...] = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
    """Strengths that are tried with each size."""
    least_action_probability: float = 0.98
    least_heading: float = 0.95
    least_grip: float = 0.98
    """Of all sizes and strengths that leave so much, see ``Effect``, the one with the greatest gain
    is taken."""
    seed: int = 0


def find_concepts(config: ConceptConfig) -> None:
    """Write ``concepts.json`` and ``spread.npy`` into the checkpoint's folder."""
    policy = PocketPolicy(config.checkpoint)
    rng = np.random.default_rng(config.seed)
    steps = recorded_steps(config.demonstrations, rng)
    batches = {"speed": moving(steps, config.observations, rng)}
    batches["rise"] = carrying(steps, config.observations, rng)
    with atomic_path(config.checkpoint / SPREAD) as partial, partial.open("wb") as file:
        np.save(file, _spread(policy, batches.values()))
    baselines = {field: Unsteered(policy, batch) for field, batch in batches.items()}
    found: dict[str, Any] = {}
    for name, share in _shares(policy, config.top).items():
        search = _Search(policy, baselines[MEASURES[name].field], MEASURES[name], config)
        by_word = np.argsort(-share)[: config.candidates]
        found[name] = search.concept(name, by_word)
        found[name]["word_share"] = {int(n): round(float(share[n]), 3) for n in by_word}
        found[CONTROL + name] = search.concept(CONTROL + name, _others(policy, by_word, rng))
    content = {"recipe": _plain(asdict(config)), "concepts": found}
    with atomic_path(config.checkpoint / CONCEPTS) as partial:
        partial.write_text(json.dumps(content, indent=1))


class _Search:
    """Looks for the set and the strength that move a measure most and do no harm."""

    def __init__(
        self, policy: PocketPolicy, unsteered: Unsteered, measure: Measure, config: ConceptConfig
    ) -> None:
        self._model = _space(policy).fingerprint
        self._unsteered, self._measure, self._config = unsteered, measure, config

    def concept(self, name: str, candidates: NDArray[np.int64]) -> dict[str, Any]:
        """Return what is written of a concept: its set, its steering, and how it was found."""

        def show(done: int) -> None:
            print(f"\r{name}: screened {done}/{len(candidates)}", end="", file=sys.stderr)

        screened = ranked(self._unsteered, self._measure, candidates.tolist(), self._probe, show)
        print(file=sys.stderr)
        doses = list(self._doses(name, [neuron for neuron, _ in screened]))
        steering, seen = max(doses, key=self._merit)
        return {
            "neurons": steering.edits[0].neurons.to_json(),
            "steering": steering.to_json(),
            "effect": asdict(seen),
            "unsteered": asdict(self._unsteered.effect(None)),
            "gain_alone": {neuron: round(gained, 4) for neuron, gained in screened},
            "doses": [
                [len(s.edits[0].neurons), s.edits[0].alpha, *(round(v, 4) for v in astuple(e))]
                for s, e in doses
            ],
        }

    def _probe(self, neurons: NeuronSet) -> Steering:
        return Steering(neurons, self._config.probe)

    def _doses(self, name: str, best_first: list[int]) -> Iterator[tuple[Steering, Effect]]:
        for size, alpha in product(self._config.sizes, self._config.alphas):
            neurons = NeuronSet.from_flat(best_first[:size], name=name, fingerprint=self._model)
            steering = Steering(neurons, alpha)
            yield steering, self._unsteered.effect(steering)

    def _merit(self, dose: tuple[Steering, Effect]) -> tuple[bool, float]:
        config, seen = self._config, dose[1]
        harmless = (
            seen.action_probability >= config.least_action_probability
            and seen.heading >= config.least_heading
            and seen.grip >= config.least_grip
        )
        return harmless, self._measure.of(seen)


def _shares(policy: PocketPolicy, top: int) -> dict[str, NDArray[np.float32]]:
    llama = policy.model.llama
    values = torch.cat([m.weight.detach().T for m in down_projections(llama)])  # type: ignore
    promoted, _ = project(values, llama.lm_head.weight.detach(), k=top)
    texts = [policy.tokenizer.token_text(token) for token in range(policy.tokenizer.size)]
    return {name: word_share(promoted, texts, theme) for name, theme in THEMES.items()}


def _others(
    policy: PocketPolicy, neurons: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return random neurons, as many in each layer as ``neurons`` and none of them."""
    space = _space(policy)
    drawn = matched_random(NeuronSet.from_flat(neurons), space, seed=int(rng.integers(2**31)))
    return np.array(drawn.flat(space))


def _spread(policy: PocketPolicy, observations: Any) -> NDArray[np.float16]:
    spread = RunningSpread(_space(policy))
    with policy.engine.observed(spread):
        for observation in observations:
            policy.plan(observation)
    return spread.std.astype(np.float16)


def _space(policy: PocketPolicy) -> NeuronSpace:
    assert policy.spec.neurons is not None
    return policy.spec.neurons


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return the settings without paths, which say nothing elsewhere."""
    return {name: value for name, value in values.items() if not isinstance(value, Path)}
