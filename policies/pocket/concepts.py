"""Find Pocket's concepts: neurons by word, kept if they do what the word says, with a strength.

Everything is decided on recorded observations of demonstrations; rollouts come later and decide
nothing here. What every step came to is written beside the result, the discarded included.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from steer_gym.errors import SteerGymError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.neurons.projection import project
from steer_gym.neurons.screening import Effect, Scene, effect, ranked
from steer_gym.neurons.words import THEMES, Theme, word_share
from steer_gym.observation import Observation
from steer_gym.results import atomic_path
from steer_gym.steering import Steering

from ..engines.anatomy import down_projections
from ..engines.running_spread import RunningSpread
from .policy import CONCEPTS, SPREAD, PocketPolicy
from .recorded import carrying, moving, recorded_steps

MEASURES = {"fast": ("speed", 1.0), "slow": ("speed", -1.0)} | {
    "high": ("rise", 1.0),
    "low": ("rise", -1.0),
}
"""Theme -> the field of ``Effect`` that it is about, and the direction."""


@dataclass(frozen=True, kw_only=True)
class ConceptConfig:
    """How concepts are found."""

    checkpoint: Path
    """Folder of weights; ``concepts.json`` and ``spread.npy`` are written into it."""
    demonstrations: Path
    """Folder that ``collect`` filled."""
    observations: int = 48
    """For each scene of the screening."""
    top: int = 10
    """Tokens of a neuron that are looked at."""
    candidates: int = 40
    """Neurons of a theme by word, best first, that are screened."""
    size: int = 10
    """Neurons of a concept, at most."""
    probe: float = 10.0
    """Alpha of the screening."""
    alphas: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0)
    """Strengths that are tried with the whole set."""
    least_action_probability: float = 0.98
    """The strongest alpha that leaves so much is recommended."""
    seed: int = 0


def find_concepts(config: ConceptConfig) -> None:
    """Write ``concepts.json`` and ``spread.npy`` into the checkpoint's folder."""
    policy = PocketPolicy(config.checkpoint)
    rng = np.random.default_rng(config.seed)
    steps = recorded_steps(config.demonstrations, rng)
    scenes = {"speed": moving(steps, config.observations, rng)}
    scenes["rise"] = carrying(steps, config.observations, rng)
    with atomic_path(config.checkpoint / SPREAD) as partial, partial.open("wb") as file:
        np.save(file, _spread(policy, scenes.values()))
    shares = _shares(policy, config.top)
    found = {
        name: _concept(policy, theme, shares[name], scenes[MEASURES[name][0]], config)
        for name, theme in THEMES.items()
    }
    content = {"recipe": _plain(asdict(config)), "concepts": found}
    with atomic_path(config.checkpoint / CONCEPTS) as partial:
        partial.write_text(json.dumps(content, indent=1))


def _shares(policy: PocketPolicy, top: int) -> dict[str, NDArray[np.float32]]:
    llama = policy.model.llama
    values = torch.cat([m.weight.detach().T for m in down_projections(llama)])  # type: ignore
    promoted, _ = project(values, llama.lm_head.weight.detach(), k=top)
    texts = [policy.tokenizer.token_text(token) for token in range(policy.tokenizer.size)]
    return {name: word_share(promoted, texts, theme) for name, theme in THEMES.items()}


def _concept(
    policy: PocketPolicy,
    theme: Theme,
    share: NDArray[np.float32],
    observation: Observation,
    config: ConceptConfig,
) -> dict[str, Any]:
    space = _space(policy)
    measure, sign = MEASURES[theme.name]
    scene = Scene(observation=observation, measure=measure, sign=sign)
    by_word = [int(i) for i in np.argsort(-share)[: config.candidates] if share[i] > 0]

    def steer(neurons: NeuronSet) -> Steering:
        return Steering(neurons, config.probe)

    def show(done: int) -> None:
        print(f"\r{theme.name}: screened {done}/{len(by_word)}", end="", file=sys.stderr)

    screened = ranked(policy, scene, by_word, steer, on_neuron=show)
    print(file=sys.stderr)
    chosen = [neuron for neuron, gained in screened[: config.size] if gained > 0]
    if not chosen:
        raise SteerGymError(f"No neuron that says {theme.name!r} moves the commands that way.")
    neurons = NeuronSet.from_flat(chosen, name=theme.name, fingerprint=space.fingerprint)
    doses = _doses(policy, observation, neurons, config.alphas)
    alpha = _recommended(doses, config.least_action_probability)
    return {
        "neurons": neurons.to_json(),
        "steering": Steering(neurons, alpha).to_json(),
        "word_share": {neuron: float(share[neuron]) for neuron in by_word},
        "gain_alone": dict(screened),
        "doses": {dose: asdict(seen) for dose, seen in doses.items()},
    }


def _doses(
    policy: PocketPolicy, observation: Observation, neurons: NeuronSet, alphas: Sequence[float]
) -> dict[float, Effect]:
    steerings = {alpha: Steering(neurons, alpha) for alpha in alphas}
    unsteered = {0.0: effect(policy, observation, None)}  # keyed by 0, though no override acts
    return unsteered | {a: effect(policy, observation, s) for a, s in steerings.items()}


def _recommended(doses: dict[float, Effect], least: float) -> float:
    harmless = [a for a, seen in doses.items() if a and seen.action_probability >= least]
    return max(harmless, default=min(a for a in doses if a))


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
