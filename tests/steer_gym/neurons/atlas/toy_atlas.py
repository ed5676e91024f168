"""A small table with every kind of token, and some that would break a careless page."""

from __future__ import annotations

import numpy as np

from steer_gym.neuron_set import NeuronSpace
from steer_gym.neurons.activations import Activations
from steer_gym.neurons.projection import TopTokens
from steer_gym.neurons.table import NeuronTable, Recipe
from steer_gym.neurons.tokens import TokenKind

HOSTILE = ("</script><script>document.title = 'broken'</script>", "\ud800", '"&<b>', "\n", "")
WORDS = (" speed", " fast", "Fast", " faster", " slow", "[action: +0.996]", "<|end|>")
TEXTS = (*WORDS, *HOSTILE, *(f"word{i}" for i in range(40)))
LAYERS, WIDTH, K = 4, 50, 8
SPEED = 3 * WIDTH + 7
"""A neuron that promotes speed, fast, Fast, faster before all else."""
MIXED = 1 * WIDTH + 2
"""One that promotes fast and slow alike."""


def toy_table() -> NeuronTable:
    rng = np.random.default_rng(0)
    size, plain = LAYERS * WIDTH, np.arange(len(WORDS), len(TEXTS))
    ids = np.stack([rng.choice(plain, K, replace=False) for _ in range(size)]).astype(np.int32)
    scores = np.sort(rng.uniform(1, 5, (size, K)).astype(np.float32))[:, ::-1]
    ids[SPEED, :4] = 0, 1, 2, 3
    ids[MIXED, :2] = 1, 4
    ids[::9, K - 1] = 5
    quantiles = np.sort(rng.normal(size=(size, 5)).astype(np.float32))
    kinds = np.zeros(len(TEXTS), np.uint8)
    kinds[5:7] = TokenKind.ACTION, TokenKind.SPECIAL
    return NeuronTable(
        space=NeuronSpace(layers=LAYERS, width=WIDTH, fingerprint="toy"),
        promoted=TopTokens(ids=ids, scores=scores),
        suppressed=TopTokens(ids=ids[::-1], scores=-scores),
        texts=TEXTS,
        kinds=kinds,
        recipe=Recipe(model="toy", projection="raw", k=K, dtype="float32"),
        activations=Activations(
            levels=(0.0, 0.25, 0.5, 0.75, 1.0),
            quantiles=quantiles,
            mean=quantiles.mean(axis=1),
            spread=quantiles.std(axis=1),
            tokens=1234,
            source="nothing real",
        ),
    )
