"""How strongly each neuron fires by itself: its distribution over recorded observations.

So that alpha has a unit: an override by 10 is nothing to a neuron that reaches 30 by itself, and
unheard of in one that never passes 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteeringError
from steer_gym.extras import load
from steer_gym.neuron_set import NeuronSpace
from steer_gym.observation import Observation, batch_observations, observation_row, row_count
from steer_gym.policy import Policy

LEVELS = (0.0, 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1.0)
"""The quantiles that are kept: the least and the greatest value, the tails, the quartiles."""
SPREAD = "steer_gym.policies.engines.running_spread:RunningSpread"


@dataclass(frozen=True, kw_only=True, eq=False)
class Activations:
    """The natural activations of every neuron, by flat id, over the tokens that were seen."""

    levels: tuple[float, ...]
    """Of the quantiles, rising, 0 to 1."""
    quantiles: NDArray[np.float32]
    """(neurons, levels), rising along the second axis; the least and the greatest value are exact,
    those between are of a random sample of the tokens."""
    mean: NDArray[np.float32]
    """(neurons,)."""
    spread: NDArray[np.float32]
    """(neurons,), standard deviation: what one step of alpha in unit "spread" is."""
    tokens: int
    """How many tokens of each layer were seen."""
    source: str = ""
    """What was looked at, in words."""


class ActivationSampler:
    """Gathers ``Activations`` while a model runs; an observer for ``Policy.observed``.

    Of each layer it keeps a uniform sample of the tokens (Vitter's reservoir), the same tokens in
    all layers.
    """

    def __init__(self, space: NeuronSpace, *, samples: int = 2048, seed: int = 0) -> None:
        """Make room for ``samples`` tokens: 2 bytes for each and every neuron."""
        self._space, self._samples = space, samples
        self._spread = load(SPREAD)(space)
        self._seen = [0] * space.layers
        self._draws = [np.random.default_rng(seed) for _ in range(space.layers)]
        self._kept = np.zeros((space.layers, samples, space.width), np.float16)
        self._least = np.full((space.layers, space.width), np.inf, np.float32)
        self._greatest = -self._least

    def __call__(self, layer: int, natural: Any, real: Any) -> None:
        """Take in activations (rows, positions, width) where ``real``, (rows, positions)."""
        self._spread(layer, natural, real)
        tokens = natural[real].float().cpu().numpy()  # (tokens, width)
        if not len(tokens):
            return
        self._least[layer] = np.minimum(self._least[layer], tokens.min(axis=0))
        self._greatest[layer] = np.maximum(self._greatest[layer], tokens.max(axis=0))
        order = np.arange(self._seen[layer], self._seen[layer] + len(tokens))
        drawn = self._draws[layer].integers(0, order + 1)
        places = np.where(order < self._samples, order, drawn)
        stays = places < self._samples
        self._kept[layer, places[stays]] = tokens[stays]
        self._seen[layer] += len(tokens)

    def result(self, source: str = "") -> Activations:
        """Return what was seen.

        Raises:
            SteeringError: Nothing was.
        """
        spread = self._spread.std.reshape(-1)
        filled = self._kept[:, : min(self._spread.tokens, self._samples)]
        inner = [_quantiles(layer, LEVELS[1:-1]) for layer in filled]
        quantiles = np.concatenate(inner)  # (neurons, levels)
        ends = (self._least.reshape(-1, 1), self._greatest.reshape(-1, 1))
        return Activations(
            levels=LEVELS,
            quantiles=np.clip(np.concatenate([ends[0], quantiles, ends[1]], axis=1), *ends),
            mean=self._spread.mean.reshape(-1),
            spread=spread,
            tokens=self._spread.tokens,
            source=source,
        )


def _quantiles(samples: NDArray[np.float16], levels: tuple[float, ...]) -> NDArray[np.float32]:
    """Return quantiles of (tokens, width) samples, (width, levels)."""
    found: NDArray[np.float32] = np.quantile(samples.astype(np.float32), levels, axis=0).T
    return found.astype(np.float32)


def gather(
    policy: Policy,
    observations: Observation,
    *,
    batch: int = 16,
    samples: int = 2048,
    source: str = "",
    on_rows: Callable[[int], None] = lambda done: None,
) -> Activations:
    """Return the natural activations of a policy's neurons on observations.

    Args:
        policy: It plans for every observation, unsteered.
        observations: A batch of any length.
        batch: Rows at once.
        samples: Tokens a layer that quantiles are taken of.
        source: What the observations are, in words.
        on_rows: Called with the number of observations done.

    Raises:
        SteeringError: The policy has no neurons, or does not show their activations.
    """
    if policy.spec.neurons is None:
        raise SteeringError(f"{policy.spec.name} has no neurons.")
    sampler = ActivationSampler(policy.spec.neurons, samples=samples)
    with policy.observed(sampler):
        for done, part in _batches(observations, batch):
            policy.plan(part)
            on_rows(done)
    return sampler.result(source)


def _batches(observations: Observation, size: int) -> Iterator[tuple[int, Observation]]:
    count = row_count(observations)
    for start in range(0, count, size):
        rows = range(start, min(start + size, count))
        yield rows.stop, batch_observations([observation_row(observations, r) for r in rows])
