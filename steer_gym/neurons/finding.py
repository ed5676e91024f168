"""Find neurons: by word, near a seed in meaning, or at random to match others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSet, NeuronSpace

from .scores import TOP
from .table import NeuronTable, TableError
from .words import Theme, word_share

Region = Literal["early", "late", "full"]
REGIONS: tuple[Region, ...] = ("early", "late", "full")


def region_layers(space: NeuronSpace, region: Region) -> range:
    """Return the layers of the first half, the second half, or all, as in the paper."""
    middle = space.layers // 2
    halves = {"early": range(middle), "late": range(middle, space.layers)}
    return halves.get(region, range(space.layers))


def region_neurons(space: NeuronSpace, region: Region) -> NDArray[np.int64]:
    """Return the flat ids of a region's neurons, rising."""
    layers = region_layers(space, region)
    return np.arange(layers.start * space.width, layers.stop * space.width)


def by_word(
    table: NeuronTable, theme: Theme, *, count: int, region: Region = "full", least: float = 0.0
) -> list[tuple[int, float]]:
    """Return flat ids of the neurons that say a theme, with their ``word_share``, best first.

    Args:
        table: Of the model.
        theme: Words and opposites.
        count: Neurons at most.
        region: Where to look.
        least: Neurons with no larger share are left out.
    """
    tops = replace(
        table.promoted, ids=table.promoted.ids[:, :TOP], scores=table.promoted.scores[:, :TOP]
    )
    within = region_neurons(table.space, region)
    share = word_share(tops, table.plain_texts, theme)[within]
    best = np.argsort(-share, kind="stable")[:count]
    return [(int(within[i]), float(share[i])) for i in best if share[i] > least]


NEAREST = 20
"""Neurons of the most similar length among which one is drawn."""


def matched_by_norm(
    neurons: NeuronSet, table: NeuronTable, *, seed: int, exclude: Iterable[NeuronSet] = ()
) -> NeuronSet:
    """Return random neurons of the same layers whose value vectors are about as long.

    For each neuron one of the ``NEAREST`` in length of its layer is drawn, none of them twice and
    none of ``neurons`` themselves, so that the control pushes the residual stream as hard.

    Raises:
        TableError: The table holds no lengths.
        SteeringError: A layer has too few other neurons.
    """
    if table.norms is None:
        raise TableError(
            "The table holds no lengths; make it anew with `steer-gym neurons project`."
        )
    space, rng = table.space, np.random.default_rng(seed)
    lengths = table.norms.reshape(space.layers, space.width)
    taken = {neuron for each in (neurons, *exclude) for neuron in each.flat(space)}
    drawn: list[int] = []
    for neuron in neurons.flat(space):
        layer, index = divmod(neuron, space.width)
        order = np.argsort(np.abs(lengths[layer] - lengths[layer, index]), kind="stable")
        free = [n for n in (layer * space.width + order).tolist() if n not in taken][:NEAREST]
        if not free:
            raise SteeringError(f"Layer {layer} has no other neuron left to match {neuron} with.")
        drawn.append(int(rng.choice(free)))
        taken.add(drawn[-1])
    name = f"random like {neurons.name}, also in length #{seed}"
    return NeuronSet.from_flat(drawn, name=name, fingerprint=space.fingerprint)
