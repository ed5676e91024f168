"""Clusters of neurons by meaning, and random ones to match, read from a policy's weights.

As in the paper: the neurons nearest to a concept's words, by the cosine between semantic embeddings
(``steer_gym.neurons.semantics``). Nothing tells whether they do what the words say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from steer_gym.errors import SteeringError, UnknownNameError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.neurons.finding import matched_by_norm
from steer_gym.neurons.reading import read_table
from steer_gym.neurons.semantics import SemanticSpace
from steer_gym.neurons.sources import READERS, open_source
from steer_gym.neurons.words import THEMES

from .plan import PolicyChoice
from .treatment import Depth

if TYPE_CHECKING:
    from steer_gym.neurons.source import NeuronSource
    from steer_gym.neurons.table import NeuronTable


def cluster(choice: PolicyChoice, concept: str, size: int, depth: Depth) -> NeuronSet:
    """Return the ``size`` neurons nearest in meaning to a concept's words.

    Args:
        choice: The policy, whose weights are read.
        concept: One of ``THEMES``.
        size: Number of neurons.
        depth: Where they may lie.

    Raises:
        UnknownNameError: There is no such concept.
        SteerGymError: The weights cannot be read, or hold too few neurons.
    """
    if concept not in THEMES:
        raise UnknownNameError("concept in words", concept, THEMES)
    table, space = _read(choice)
    nearest = space.nearest(space.of_theme(THEMES[concept]), size, depth)
    if len(nearest) < size:
        raise SteeringError(f"{choice.label} has {len(nearest)} {depth} neurons, not {size}.")
    ids = [neuron for neuron, _ in nearest]
    return NeuronSet.from_flat(ids, name=concept, fingerprint=table.space.fingerprint)


class NormMatch:
    """Draws random neurons of the same layers and of about the same length."""

    def __init__(self, choice: PolicyChoice) -> None:
        """Read the weights of a policy."""
        self._table, _ = _read(choice)

    def __call__(
        self, neurons: NeuronSet, space: NeuronSpace, *, seed: int, exclude: Iterable[NeuronSet]
    ) -> NeuronSet:
        """Return one draw. See ``matched_random``."""
        del space  # the table's
        return matched_by_norm(neurons, self._table, seed=seed, exclude=exclude)


def _read(choice: PolicyChoice) -> tuple[NeuronTable, SemanticSpace]:
    return _cached(choice.name, json.dumps(dict(choice.options), sort_keys=True))


@lru_cache(maxsize=1)
def _cached(name: str, options: str) -> tuple[NeuronTable, SemanticSpace]:
    given = json.loads(options)
    source = _source(name, given.get("checkpoint"))
    table = read_table(source, device=str(given.get("device", "cpu")))
    return table, SemanticSpace(table, source.rows())


def _source(name: str, checkpoint: Any) -> NeuronSource:
    if checkpoint is None:
        return open_source(name)
    return open_source(str(checkpoint), kind=name if name in READERS else None)
