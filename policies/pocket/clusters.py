"""Clusters of any size and depth: the neurons whose promoted tokens are most about a word.

By word alone, as the paper's clusters are: nothing tells whether they do what the word says.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from steer_gym.errors import SteeringError, UnknownNameError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.neurons.projection import project
from steer_gym.neurons.words import THEMES, Theme, word_share

from ..engines.anatomy import down_projections

if TYPE_CHECKING:
    from .policy import PocketPolicy

TOP = 10
"""Tokens of a neuron that are looked at."""
_UP = "up upper upward upwards above raise raised raising lift lifted lifting rise rising"
CLUSTER_THEMES = THEMES | {
    "up": Theme(name="up", words=tuple(_UP.split()), opposites=THEMES["low"].words)
}
"""What neurons can be ranked by: the themes of the concepts, and the paper's ``up``."""


def word_cluster(policy: PocketPolicy, concept: str, size: int, depth: str) -> NeuronSet:
    """Return the ``size`` neurons that are most about a word. See ``Policy.cluster``."""
    if concept not in CLUSTER_THEMES:
        raise UnknownNameError("word to rank neurons by", concept, CLUSTER_THEMES)
    space = policy.spec.neurons
    assert space is not None
    order = np.argsort(-_shares(policy, concept), kind="stable")
    ids = order[_at_depth(order // space.width, depth, space)]
    if not 0 < size <= len(ids):
        raise SteeringError(f"Pocket has {len(ids)} neurons at depth {depth}, not {size}.")
    return NeuronSet.from_flat(ids[:size].tolist(), name=concept, fingerprint=space.fingerprint)


def _at_depth(layers: NDArray[np.int64], depth: str, space: NeuronSpace) -> NDArray[np.bool_]:
    half = space.layers // 2
    chosen = {"early": layers < half, "late": layers >= half, "full": layers >= 0}
    if depth not in chosen:
        raise UnknownNameError("depth", depth, chosen)
    return chosen[depth]


@lru_cache(maxsize=16)
def _shares(policy: PocketPolicy, concept: str) -> NDArray[np.float32]:
    llama = policy.model.llama
    values = torch.cat([m.weight.detach().T for m in down_projections(llama)])  # type: ignore
    promoted, _ = project(values, llama.lm_head.weight.detach(), k=TOP)
    texts = [policy.tokenizer.token_text(token) for token in range(policy.tokenizer.size)]
    return word_share(promoted, texts, CLUSTER_THEMES[concept])
