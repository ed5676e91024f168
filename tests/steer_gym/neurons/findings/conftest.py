"""Small models on the way from language to action."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym.neuron_set import NeuronSpace
from steer_gym.neurons.findings.stage import Stage
from steer_gym.neurons.projection import TopTokens
from steer_gym.neurons.table import NeuronTable, Recipe

sys.path.append(str(Path(__file__).parents[1]))  # chromium

from chromium import folder, tab

__all__ = ["folder", "tab"]

MakeStage = Callable[..., Stage]


def _stage(
    name: str,
    ids: Any,
    texts: Sequence[str],
    *,
    layers: int = 1,
    actions: Sequence[int] = (),
    random: NeuronTable | None = None,
) -> Stage:
    ids = np.asarray(ids, np.int32)
    scores = np.ones(ids.shape, np.float32)
    kinds = np.zeros(len(texts), np.uint8)
    kinds[list(actions)] = 1
    table = NeuronTable(
        space=NeuronSpace(layers=layers, width=len(ids) // layers, fingerprint=name),
        promoted=TopTokens(ids=ids, scores=scores),
        suppressed=TopTokens(ids=ids, scores=-scores),
        texts=tuple(texts),
        kinds=kinds,
        recipe=Recipe(model=name, projection="raw", k=ids.shape[1], dtype="float32"),
    )
    return Stage(name=name, table=table, random=random)


@pytest.fixture(scope="session")
def make_stage() -> MakeStage:
    return _stage


VOCABULARY = tuple(f" {chr(97 + i // 26)}{chr(97 + i % 26)}q" for i in range(200))
"""Words of three letters with nothing in common."""


@pytest.fixture(scope="session")
def stages() -> list[Stage]:
    """A base model, a VLA that took over its last 40 tokens, and one fine-tuned from it."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 200, (60, 30))
    vla = np.where(rng.random(base.shape) < 0.3, rng.integers(160, 200, base.shape), base)
    tuned = np.where(rng.random(base.shape) < 0.5, rng.integers(160, 180, base.shape), vla)
    bins = tuple(f"[action: {value:+.3f}]" for value in np.linspace(1, -1, 40))
    acting = (*VOCABULARY[:160], *bins)
    return [
        _stage("base", base, VOCABULARY, layers=3),
        _stage("vla", vla, acting, layers=3, actions=range(160, 200)),
        _stage("tuned", tuned, acting, layers=3, actions=range(160, 200)),
    ]
