"""Find Pocket's concepts: neurons by word, kept if they do what the word says, with a strength.

A search decides on recorded observations of demonstrations alone. What every step came to is
written beside the result, the discarded included. The limits of ``ConceptConfig`` are another
matter: see the model card for how those of the shipped concepts were arrived at.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from steer_gym.neuron_set import NeuronSet, NeuronSpace, matched_random
from steer_gym.neurons.projection import project
from steer_gym.neurons.screening import THEME_MEASURES, Unsteered
from steer_gym.neurons.search import SearchConfig, search, tries
from steer_gym.neurons.words import THEMES, plain, word_share
from steer_gym.results import atomic_path

from ..engines.anatomy import down_projections
from ..engines.running_spread import RunningSpread
from .policy import CONCEPTS, SPREAD, PocketPolicy
from .recorded import carrying, moving, recorded_steps

MEASURES = {name: THEME_MEASURES[name] for name in ("fast", "slow", "high", "low")}
"""The themes, and what each is about."""


CONTROL = "random-"
"""Prefix of a theme's control: random neurons that went through the same screening. What they do
too is no merit of the words."""


@dataclass(frozen=True, kw_only=True)
class ConceptConfig(SearchConfig):
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
        unsteered = baselines[MEASURES[name].field]
        by_word = np.argsort(-share)[: config.candidates]
        found[name] = _searched(policy, unsteered, name, by_word, config)
        found[name]["word_share"] = {int(n): round(float(share[n]), 3) for n in by_word}
        others = _others(policy, by_word, rng)
        found[CONTROL + name] = _searched(policy, unsteered, CONTROL + name, others, config)
    content = {"recipe": _plain(asdict(config)), "concepts": found}
    with atomic_path(config.checkpoint / CONCEPTS) as partial:
        partial.write_text(json.dumps(content, indent=1))


def _searched(
    policy: PocketPolicy,
    unsteered: Unsteered,
    name: str,
    candidates: NDArray[np.int64],
    config: ConceptConfig,
) -> dict[str, Any]:
    """Return what is written of a concept: its set, its steering, and how it was found."""
    ids = candidates.tolist()
    total = tries(len(ids), config)

    def show(done: int) -> None:
        print(f"\r{name}: tried {done}/{total}", end="", file=sys.stderr)

    found = search(
        unsteered,
        MEASURES[name.removeprefix(CONTROL)],
        ids,
        config,
        name=name,
        fingerprint=_space(policy).fingerprint,
        on_try=show,
    )
    print(file=sys.stderr)
    return {
        "neurons": found.neurons.to_json(),
        "steering": found.steering.to_json(),
        "effect": asdict(found.effect),
        "unsteered": asdict(unsteered.before),
        "gain_alone": {neuron: round(gained, 4) for neuron, gained in found.alone},
        "doses": [
            [len(s.edits[0].neurons), s.edits[0].alpha, *(round(v, 4) for v in astuple(e))]
            for s, e in found.doses
        ],
    }


def _shares(policy: PocketPolicy, top: int) -> dict[str, NDArray[np.float32]]:
    llama = policy.model.llama
    values = torch.cat([m.weight.detach().T for m in down_projections(llama)])  # type: ignore
    promoted, _ = project(values, llama.lm_head.weight.detach(), k=top)
    texts = [plain(policy.tokenizer.token_text(token)) for token in range(policy.tokenizer.size)]
    themes = {name: THEMES[name] for name in MEASURES}
    return {name: word_share(promoted, texts, theme) for name, theme in themes.items()}


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
