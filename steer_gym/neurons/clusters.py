"""All neurons of a model in groups of like meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require

from .semantics import TOKENS, SemanticSpace
from .table import NeuronTable
from .tokens import TokenKind

Method = Literal["kmeans", "density"]
DIMENSIONS: Mapping[str, int] = {"kmeans": 64, "density": 8}
"""Principal components that each method looks at; density means little in many."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Neurons of like meaning."""

    neurons: tuple[int, ...]
    """Flat ids, rising."""
    word: str
    """The word that most members have among their top tokens, in lower case."""
    purity: float
    """Share of members that have it."""
    actions: float
    """Share of action tokens among the members' top tokens."""


def cluster(
    space: SemanticSpace, method: Method, *, count: int = 0, least: int = 5, seed: int = 0
) -> NDArray[np.int64]:
    """Return the number of each neuron's cluster, (neurons,); -1 for those of none.

    Args:
        space: The neurons.
        method: ``kmeans`` puts every neuron into one of ``count`` clusters; ``density`` (HDBSCAN)
            finds as many as there are, and leaves out neurons that lie alone, which most do.
        count: Of clusters, for ``kmeans``; 0: one for every 50 neurons.
        least: Neurons in the smallest cluster, for ``density``.
        seed: Of ``kmeans``.
    """
    sklearn = require("sklearn.cluster", extra="bench")
    points = space.reduced(DIMENSIONS[method])
    if method == "kmeans":
        made = sklearn.MiniBatchKMeans(
            count or max(2, len(points) // 50), random_state=seed, batch_size=8192, n_init=1
        )
    else:
        made = sklearn.HDBSCAN(min_cluster_size=least, cluster_selection_method="leaf", copy=True)
    labels: NDArray[np.int64] = made.fit_predict(points).astype(np.int64)
    return labels


def described(table: NeuronTable, labels: NDArray[np.int64]) -> list[Cluster]:
    """Return the clusters, purest first, larger ones first among equals."""
    told = np.array(table.plain_texts, dtype=object)
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-2))
    found = []
    for members in np.split(order, starts[1:]):
        if labels[members[0]] < 0:
            continue
        ids = table.promoted.ids[members, :TOKENS]
        words = Counter(word for row in told[ids] for word in set(row) if word)
        word, times = words.most_common(1)[0] if words else ("", 0)
        found.append(
            Cluster(
                neurons=tuple(members.tolist()),
                word=word,
                purity=times / len(members),
                actions=float((table.kinds[ids] == TokenKind.ACTION).mean()),
            )
        )
    return sorted(found, key=lambda each: (-each.purity, -len(each.neurons)))
